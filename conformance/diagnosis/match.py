"""Which known mistakes reproduce a subject's numbers, in every entry of every case.

Left out: what is said when none does (`measure.py`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.judging.evidence import Evidence
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula
from conformance.model.functions import ROUTES
from conformance.model.table import tag_of
from conformance.verdict.deviation import Target, compare
from conformance.verdict.oracle import lifted

UNFIT = (ValueError, TypeError, KeyError, IndexError, ArithmeticError)
"""What a formula raises where it does not apply, such as a product of shapes that do not fit."""


def matching(mistakes: Iterable[Mistake], evidence: Sequence[Evidence]) -> dict[str, list[Mistake]]:
    """The mistakes that do what the subject does, by the tags of the blamed equations.

    A mistake must predict every entry that was shown of the equations that it breaks, in every
    case, be it right or wrong, as far as its prediction has a bound, and something that is wrong.
    For each equation the mistakes are returned that break the most of the blamed equations
    together; several do so equally well.
    """
    smallest = sorted(evidence, key=lambda each: sum(w.size for w in each.start.w))
    blamed = {tag for each in smallest for tag in each.blamed}
    possible = {
        mistake.id: mistake
        for mistake in mistakes
        if blamed & set(mistake.formulas) and explains(smallest, mistake.formulas)
    }
    found = most_covering({id_: each.blames for id_, each in possible.items()}, blamed)
    return {tag: [possible[id_] for id_ in ids] for tag, ids in found.items()}


def most_covering(
    possible: Mapping[str, Collection[str]], blamed: Collection[str]
) -> dict[str, list[str]]:
    """For each blamed equation, those of the possible mistakes that break the most blamed ones.

    Args:
        possible: what each mistake breaks, by its id.
        blamed: the tags of the blamed equations.
    """
    found: dict[str, list[str]] = {}
    for tag in blamed:
        counts = {i: len({*breaks} & {*blamed}) for i, breaks in possible.items() if tag in breaks}
        found[tag] = [id_ for id_, count in counts.items() if count == max(counts.values())]
    return found


def matching_alone(
    mistakes: Iterable[Mistake], evidence: Sequence[Evidence], tag: str
) -> list[Mistake]:
    """The mistakes that break several equations and do in one of them what the subject does."""
    return [
        mistake
        for mistake in mistakes
        if tag in mistake.formulas and explains(evidence, {tag: mistake.formulas[tag]})
    ]


def reproduces(formula: Formula, evidence: Sequence[Evidence], tag: str) -> bool:
    """Whether a formula gives what is wrong of one equation, whatever it gives elsewhere."""
    predicted = [
        predicts(formula, each, name) for each in evidence for name in each.blamed.get(tag, ())
    ]
    return True in predicted and False not in predicted


def predicts(formula: Formula, evidence: Evidence, name: str) -> bool | None:
    """Whether a formula gives what the subject showed of a quantity, within the tolerance.

    None if the prediction has no bound: then the quantity is evidence neither for the formula nor
    against it. An infinite cost has none.
    """
    target = _prediction(formula, evidence, name)
    if target is None:
        return False
    if not target.bounded:
        return None
    return not compare(evidence.shown[name], target, evidence.case.type).problem


def explains(evidence: Sequence[Evidence], formulas: Mapping[str, Formula]) -> bool:
    """Whether these formulas predict something that is wrong, and nothing shown refutes them."""
    return not refutes(evidence, formulas) and predicts_failure(evidence, formulas)


def predicts_failure(evidence: Sequence[Evidence], formulas: Mapping[str, Formula]) -> bool:
    """Whether these formulas predict something that is wrong."""
    return any(
        predicts(formulas[tag_of(name, each.case.layers)], each, name)
        for each in evidence
        for name in _names(each, formulas, failing=True)
    )


def refutes(evidence: Sequence[Evidence], formulas: Mapping[str, Formula]) -> bool:
    """Whether something was shown of the equations of these formulas that they do not predict."""
    for failing in (True, False):  # what is wrong rejects most mistakes at once
        for each in evidence:
            for name in _names(each, formulas, failing=failing):
                if predicts(formulas[tag_of(name, each.case.layers)], each, name) is False:
                    return True
    return False


def _names(each: Evidence, tags: Iterable[str], *, failing: bool) -> Iterator[str]:
    wanted = set(tags)
    for name in each.shown:
        if (name in each.failed) == failing and tag_of(name, each.case.layers) in wanted:
            yield name


def _prediction(formula: Callable[[Any], Any], evidence: Evidence, name: str) -> Target | None:
    """What a formula gives on the subject's own inputs; None where it does not apply."""
    expected = evidence.expected(name)
    try:
        with np.errstate(all="ignore"):
            result = formula(evidence.situation.at(name))
    except UNFIT:
        return None
    result = lifted(result, evidence.case)
    tolerance = result.widened(ROUTES, 2 * evidence.batch.m).tolerance()
    if result.shape == expected.shape:
        tolerance = tolerance + expected.tolerance()
    return Target(result.value, tolerance)
