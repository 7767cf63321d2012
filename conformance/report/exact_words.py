"""What is said of the exact lane: bug or rounding, and where the digits went.

Left out: how a loss of digits is worded (`message.py`), colour (`terminal.py`).
"""

import math
from collections.abc import Iterator

from conformance.judging.exact_lane import ExactRun, failed_at, lacks_digits
from conformance.model.table import tag_of
from conformance.outcome import Report
from conformance.report.message import lost
from conformance.verdict.compare import FORWARD, Verdict


def exact_words(report: Report, tag: str = "") -> Iterator[str]:
    """The lines that the exact lane has to say of a blamed equation, or of the whole subject."""

    def order(run: ExactRun) -> tuple[bool, bool, bool]:
        failed = tag in _failed(run, report)
        return not _wrong(run, tag, report), not failed, bool(run.outcome.left)

    for run in sorted(report.exact, key=order) if tag else report.exact:
        words = _words(run, tag, report)
        if words:
            yield words
            went = _lost_words(run, tag, report)
            if went:
                yield went
            return


def rounding_words(report: Report, tag: str) -> str:
    """That an equation is right and only its digits went, and where; empty if it is wrong."""
    for run in report.exact:
        verdict = _cleared(run, tag, report)
        if verdict is not None and not _wrong(run, tag, report):
            said = _of_equation(run, tag, report), _lost_words(run, tag, report)
            return "; ".join(each for each in said if each)
    return ""


def _words(run: ExactRun, tag: str, report: Report) -> str:
    """The answer of one run to "bug or rounding?"; empty if it has none."""
    if run.outcome.left:
        return f"exact arithmetic: not run, since {run.outcome.left}"
    said = _of_equation(run, tag, report) if tag else _of_all(run)
    return f"exact arithmetic ({run.case}): {said}" if said else ""


def _of_equation(run: ExactRun, tag: str, report: Report) -> str:
    wrong = _wrong(run, tag, report)
    if wrong:
        by = f" by {max(wrong):.2g} of the largest" if math.isfinite(max(wrong)) else ""
        return f"wrong{by}: not rounding"
    cleared = _cleared(run, tag, report)
    if cleared:
        lost_some = lacks_digits(cleared)
        return "right formula, lost digits" if lost_some else f"right formula; it {cleared.problem}"
    return f"right formula in step {run.step}, which does not fail" if run.outcome.right else ""


def _of_all(run: ExactRun) -> str:
    outcome = run.outcome
    if outcome.right:
        return f"exactly right, to {outcome.digits:.1g} of the largest"
    errors = [outcome.errors[name] for name in outcome.wrong]
    return f"off by {max(errors):.2g} of the largest, which floats do not show" if errors else ""


def _wrong(run: ExactRun, tag: str, report: Report) -> list[float]:
    """The errors of what an equation gives that are no rounding."""
    layers = next(each.case.layers for each in report.cases if each.case.id == run.case)
    errors = run.outcome.errors
    return [errors[name] for name in run.outcome.wrong if tag == tag_of(name, layers)]


def _failed(run: ExactRun, report: Report) -> dict[str, Verdict]:
    """What failed in floats where the exact lane was run, by the tag of its equation."""
    return failed_at(next(each for each in report.cases if each.case.id == run.case), run.step)


def _cleared(run: ExactRun, tag: str, report: Report) -> Verdict | None:
    """The failure in floats of what an equation gives, if that is exactly right."""
    verdict = _failed(run, report).get(tag)
    if verdict is None or not run.outcome.clears(verdict.name, own=verdict.mode == FORWARD):
        return None
    return verdict


def _lost_words(run: ExactRun, tag: str, report: Report) -> str:
    """Where the digits went of what an equation gives, if some did."""
    verdict = _cleared(run, tag, report)
    if verdict is None or _wrong(run, tag, report) or not lacks_digits(verdict):
        return ""
    found = next((loss for loss in run.lost if loss.name == verdict.name), None)
    return "no single operation loses them" if found is None else lost(found)
