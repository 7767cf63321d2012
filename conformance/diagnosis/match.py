"""Which known mistakes reproduce a subject's numbers, in every entry of every case.

Left out: what is said when none does (`measure.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.compare import Target, compare
from conformance.diagnosis.evidence import Evidence
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, tag_of
from conformance.oracle import ROUTES

UNFIT = (ValueError, TypeError, KeyError, IndexError, ArithmeticError)
"""What a formula raises where it does not apply, such as a product of shapes that do not fit."""


def matching(mistakes: Iterable[Mistake], evidence: Sequence[Evidence]) -> dict[str, list[Mistake]]:
    """The mistakes that do what the subject does, by the tags of the blamed equations.

    A mistake must predict every entry that was shown of the equations that it breaks, in every
    case, be it right or wrong, and something that is wrong. For each equation the mistakes are
    returned that break the most of the blamed equations together; several do so equally well.
    """
    smallest = sorted(evidence, key=lambda each: sum(w.size for w in each.start.w))
    blamed = {tag for each in smallest for tag in _failed(each)}
    covering: list[tuple[Mistake, set[str]]] = []
    for mistake in mistakes:
        covered = blamed & set(mistake.formulas)
        if covered and _does_it(mistake.formulas, smallest, covered):
            covering.append((mistake, covered))
    found: dict[str, list[Mistake]] = {}
    for tag in blamed:
        fitting = [(mistake, len(covered)) for mistake, covered in covering if tag in covered]
        most = max((count for _, count in fitting), default=0)
        found[tag] = [mistake for mistake, count in fitting if count == most]
    return found


def matching_alone(
    mistakes: Iterable[Mistake], evidence: Sequence[Evidence], tag: str
) -> list[Mistake]:
    """The mistakes that break several equations and do in one of them what the subject does."""
    return [
        mistake
        for mistake in mistakes
        if tag in mistake.formulas and _does_it({tag: mistake.formulas[tag]}, evidence, {tag})
    ]


def reproduces(formula: Formula, evidence: Sequence[Evidence], tag: str) -> bool:
    """Whether a formula gives what is wrong of one equation, whatever it gives elsewhere."""
    failures = [(each, name) for each in evidence for name in each.failed if _has(each, name, tag)]
    return bool(failures) and all(predicts(formula, each, name) for each, name in failures)


def predicts(formula: Formula, evidence: Evidence, name: str) -> bool:
    """Whether a formula gives what the subject showed of a quantity, within the tolerance."""
    target = _prediction(formula, evidence, name)
    if target is None:
        return False
    return not compare(evidence.shown[name], target, evidence.case.type).problem


def _does_it(formulas: Mapping[str, Formula], evidence: Sequence[Evidence], tags: set[str]) -> bool:
    """Whether formulas predict all of their equations, and something wrong of each blamed one."""
    seen = set[str]()
    for failing in (True, False):  # what is wrong rejects most mistakes at once
        for each in evidence:
            for name in _names(each, formulas, failing=failing):
                tag = tag_of(name, each.case.layers)
                if not predicts(formulas[tag], each, name):
                    return False
                seen |= {tag} if failing else set()
    return tags <= seen


def _names(each: Evidence, tags: Iterable[str], *, failing: bool) -> Iterator[str]:
    wanted = set(tags)
    for name in each.shown:
        if (name in each.failed) == failing and tag_of(name, each.case.layers) in wanted:
            yield name


def _failed(each: Evidence) -> set[str]:
    return {tag_of(name, each.case.layers) for name in each.failed if name in each.shown}


def _has(each: Evidence, name: str, tag: str) -> bool:
    return name in each.shown and tag_of(name, each.case.layers) == tag


def _prediction(formula: Callable[[Any], Any], evidence: Evidence, name: str) -> Target | None:
    """What a formula gives on the subject's own inputs; None where it does not apply."""
    expected = evidence.expected(name)
    try:
        with np.errstate(all="ignore"):
            result = formula(evidence.situation.at(name))
    except UNFIT:
        return None
    if not isinstance(result, RunningError):
        result = RunningError.exact(np.asarray(result, np.float64), evidence.case.dtype)
    tolerance = result.widened(ROUTES, 2 * evidence.batch.m).tolerance()
    if result.shape == expected.shape:
        tolerance = tolerance + expected.tolerance()
    if not np.isfinite(tolerance).any():
        return None
    return Target(result.value, tolerance)
