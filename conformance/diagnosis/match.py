"""Which known mistakes reproduce a subject's numbers, in every entry of every case.

A mistake that changes nothing in the cases at hand is no cause: what it predicts of something that
is wrong must differ from what is right. Where δ is hidden, a wrong δ is blamed on the first
quantity that is made of it; then a mistake in an equation before that one is tried in a whole
step. Left out: what is said when none does (`measure.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.judging.case_report import Evidence
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, Formulas, Situation
from conformance.model.functions import ROUTES
from conformance.model.row import Row
from conformance.model.table import tag_of
from conformance.verdict.deviation import Observed, Target, compare
from conformance.verdict.oracle import Standing, lifted, standing

UNFIT = (ValueError, TypeError, KeyError, IndexError, ArithmeticError)
"""What a formula raises where it does not apply, such as a product of shapes that do not fit."""


def matching(mistakes: Iterable[Mistake], evidence: Sequence[Evidence]) -> dict[str, list[Mistake]]:
    """The mistakes that do what the subject does, by the tags of the blamed equations.

    A mistake must predict every entry that was shown of the equations that it breaks, in every
    case, be it right or wrong, as far as its prediction has a bound. It is a cause of those
    equations of which it explains something that is wrong. For each equation the mistakes are
    returned that explain the most of the blamed equations together; several do so equally well.
    """
    known = {mistake.id: mistake for mistake in mistakes}
    smallest = sorted(evidence, key=lambda each: sum(w.size for w in each.start.w))
    blamed = {tag for each in smallest for tag in each.blamed}
    found = most_covering(
        {
            id_: explained(smallest, mistake.formulas)
            for id_, mistake in known.items()
            if blamed & set(mistake.formulas) and not refutes(smallest, mistake.formulas)
        },
        blamed,
    )
    return {tag: [known[id_] for id_ in ids] for tag, ids in found.items()}


def most_covering(
    possible: Mapping[str, Collection[str]], blamed: Collection[str]
) -> dict[str, list[str]]:
    """For each blamed equation, those of the possible mistakes that explain the most blamed ones.

    Args:
        possible: the tags of the equations that each mistake explains, by its id.
        blamed: the tags of the blamed equations.
    """
    found: dict[str, list[str]] = {}
    for tag in blamed:
        counts = {i: len({*tags} & {*blamed}) for i, tags in possible.items() if tag in tags}
        found[tag] = [id_ for id_, count in counts.items() if count == max(counts.values())]
    return found


def matching_alone(
    mistakes: Iterable[Mistake], evidence: Sequence[Evidence], tag: str
) -> list[Mistake]:
    """The mistakes that break several equations and do in one of them what the subject does."""
    return [
        mistake
        for mistake in mistakes
        if tag in mistake.formulas
        and not refutes(evidence, {tag: mistake.formulas[tag]})
        and explained(evidence, {tag: mistake.formulas[tag]})
    ]


def reproduces(formula: Formula, evidence: Sequence[Evidence], tag: str) -> bool:
    """Whether a formula gives what is wrong of one equation, whatever it gives elsewhere."""
    failures = [(each, name) for each in evidence for name in each.blamed.get(tag, ())]
    refuted = any(predicts(formula, each, name) is False for each, name in failures)
    return not refuted and bool(explained(evidence, {tag: formula}))


def explained(evidence: Iterable[Evidence], formulas: Formulas) -> frozenset[str]:
    """The tags of the equations of which these formulas explain something that is wrong."""
    found = set[str]()
    for each in evidence:
        for tag in each.blamed.keys() & formulas.keys() - found:
            if any(_explains(formulas[tag], each, name) for name in each.blamed[tag]):
                found.add(tag)
    return frozenset(found)


def _explains(formula: Formula, evidence: Evidence, name: str) -> bool:
    """Whether a formula gives what was shown of a wrong quantity, and nothing that is right."""
    return bool(predicts(formula, evidence, name)) and bites(formula, evidence, name)


def bites(formula: Formula, evidence: Evidence, name: str) -> bool:
    """Whether a program with this formula shows something that is wrong of a quantity.

    The program computes in floats, from the inputs that the subject has.
    """
    here = evidence.situation.at(name)
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(formula(_in_floats(here, evidence)), evidence.case.type)
    except UNFIT:
        return False
    return differs(result, evidence.target(name), evidence)


def differs(shown: Observed, target: Target, evidence: Evidence) -> bool:
    """Whether an array is not what is to be expected of a quantity."""
    return bool(compare(shown, target, evidence.case.type).problem)


def _in_floats(at: Situation, evidence: Evidence) -> Situation:
    """The same situation, without what is known of the roundings of its numbers."""

    def plain(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: np.asarray(each.value, evidence.case.type) for name, each in values.items()}

    before = at.previous and _in_floats(at.previous, evidence)
    return Situation(at.case, plain(at.given), plain(at.named), at.layer, before, at.quantity)


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
    return not differs(evidence.shown[name], target, evidence)


def refutes(evidence: Sequence[Evidence], formulas: Formulas) -> bool:
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


def _prediction(formula: Formula, evidence: Evidence, name: str) -> Target | None:
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


def matching_unseen(
    mistakes: Iterable[Mistake], evidence: Sequence[Evidence], tag: str
) -> list[Mistake]:
    """The mistakes in hidden equations that give all that was shown, in every entry of every case.

    Args:
        mistakes: to be tried; of what a step leaves to the next nothing is known where it hides it.
        evidence: of all cases.
        tag: of the blamed equation, before which something is hidden.
    """
    failing = [each for each in evidence if each.failed]
    hidden = {other for each in failing for other in _hidden(each, tag)}
    ordered = sorted(evidence, key=lambda each: (not each.failed, each.batch.x.size))
    return [
        mistake
        for mistake in mistakes
        if hidden & set(mistake.blames)
        and all(_gives(mistake.formulas, each) for each in ordered)
        and any(_explains_one(mistake.formulas, each, tag) for each in failing)
    ]


def _hidden(evidence: Evidence, tag: str) -> set[str]:
    """The equations of what is hidden right before a failure of this one."""
    layers, found = evidence.case.layers, set[str]()
    waiting = [*evidence.blamed.get(tag, ())]
    while waiting:
        made = evidence.case.rows[waiting.pop()].made
        unseen = [each for each in made if each not in evidence.shown]
        found |= {tag_of(each, layers) for each in unseen}
        waiting += unseen
    return found


def _gives(formulas: Formulas, evidence: Evidence) -> bool:
    """Whether a step with these formulas gives what was shown."""
    found = _step(formulas, evidence)
    return found is not None and not any(
        differs(shown, Target.of(found.expected[name]), evidence)
        for name, shown in evidence.shown.items()
    )


def _explains_one(formulas: Formulas, evidence: Evidence, tag: str) -> bool:
    """Whether a step with these formulas changes something that is wrong of an equation."""
    found = _step(formulas, evidence)
    return found is not None and any(
        differs(found.expected[name].value, evidence.target(name), evidence)
        for name in evidence.blamed.get(tag, ())
    )


def _step(formulas: Formulas, evidence: Evidence) -> Standing | None:
    """A step with these formulas from what was shown; None where they do not apply."""

    def compute(here: Standing, row: Row, arguments: tuple[Any, ...]) -> Any:
        formula = formulas.get(row.tag)
        if formula is None:
            return row.function(*arguments)
        return formula(Situation(here.case, here.given, here.inputs).at(row.name))

    try:
        with np.errstate(all="ignore"):
            return standing(evidence.case, evidence.start, evidence.batch, evidence.usable, compute)
    except UNFIT:
        return None
