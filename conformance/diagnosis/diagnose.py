"""The cause of each wrong equation: the known mistakes that do it, or what can be measured.

Left out: how it is shown (`report`).
"""

from collections.abc import Iterable, Sequence

from conformance.diagnosis.before import Failure
from conformance.diagnosis.match import matching, matching_alone, matching_unseen, reproduces
from conformance.diagnosis.measure import measured, shortened
from conformance.diagnosis.measured import Cause
from conformance.judging.case_report import CaseReport, Evidence
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import Mistake
from conformance.model.table import CAUSAL


def diagnose(
    reports: Sequence[CaseReport], catalogue: Iterable[Mistake] = tuple(CATALOGUE.values())
) -> tuple[Cause, ...]:
    """The causes of what is wrong in some cases, by equation, in causal order.

    Args:
        reports: on the cases, with their evidence.
        catalogue: the mistakes to try.
    """
    evidence = [each for report in reports for each in report.evidence]
    if not any(each.failed for each in evidence):
        return ()
    known = list(catalogue)
    found = matching(known, evidence)
    return tuple(
        _cause(tag, found[tag], known, evidence) for tag in sorted(found, key=CAUSAL.index)
    )


def _cause(
    tag: str, matched: Sequence[Mistake], known: Sequence[Mistake], evidence: Sequence[Evidence]
) -> Cause:
    failures = [Failure(each, name) for each in evidence for name in each.blamed.get(tag, ())]
    if digits := shortened(failures):  # which rounding inside the program could seem to explain
        return Cause(tag, measured=(digits,))
    if matched:
        return Cause(tag, tuple(mistake.id for mistake in matched))
    alone = matching_alone(known, evidence, tag)
    if alone:
        return Cause(tag, alone=tuple(mistake.id for mistake in alone))
    unseen = matching_unseen(known, evidence, tag)
    if unseen:
        return Cause(tag, unseen=tuple(mistake.id for mistake in unseen))
    partly = (
        mistake.id
        for mistake in known
        if tag in mistake.formulas and reproduces(mistake.formulas[tag], evidence, tag)
    )
    return Cause(tag, partly=tuple(partly), measured=tuple(measured(failures)))
