"""Known mistakes in what a subject hides, told by all that it shows.

Where δ is hidden, a wrong δ is blamed on the first quantity that is made of it. Then a mistake in
an equation before that one is tried in a whole step. Left out: equations whose quantities are shown
(`match.py`), and two mistakes at once.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from conformance.diagnosis.match import UNFIT
from conformance.judging.evidence import Evidence
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formulas, Situation, tag_of
from conformance.verdict.causality import inputs
from conformance.verdict.deviation import Target, compare
from conformance.verdict.witness import RoundingWitness


class Supposed(RoundingWitness):
    """A step with running errors in which some equations are other ones."""

    def __init__(self, evidence: Evidence, formulas: Formulas) -> None:
        super().__init__(evidence.case, evidence.usable, evidence.batch.m)
        self.formulas = formulas

    def computed(self, name: str, equation: Callable[[], Any]) -> Any:
        """What the other formula gives, where there is one."""
        formula = self.formulas.get(tag_of(name, self.case.layers))
        if formula is None:
            return equation()
        here = self.standing
        at = Situation(self.case, here.start, here.batch, here.eta, here.decay, here.inputs)
        return formula(at.at(name))


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
        if hidden & set(mistake.blames) and all(_gives(mistake.formulas, each) for each in ordered)
    ]


def _hidden(evidence: Evidence, tag: str) -> set[str]:
    """The equations of what is hidden right before a failure of this one."""
    layers, found = evidence.case.layers, set[str]()
    waiting = [name for name in evidence.failed if tag_of(name, layers) == tag]
    while waiting:
        unseen = [each for each in inputs(waiting.pop(), layers) if each not in evidence.shown]
        found |= {tag_of(each, layers) for each in unseen}
        waiting += unseen
    return found


def _gives(formulas: Formulas, evidence: Evidence) -> bool:
    """Whether a step with these formulas gives what was shown."""
    witness = Supposed(evidence, formulas)
    try:
        with np.errstate(all="ignore"):
            expected = witness.run(evidence.start, evidence.batch).expected
    except UNFIT:
        return False
    targets = {name: Target(each.value, each.tolerance()) for name, each in expected.items()}
    return all(
        not compare(shown, targets[name], evidence.case.type).problem
        for name, shown in evidence.shown.items()
    )
