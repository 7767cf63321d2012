"""Known mistakes in what a subject hides, told by all that it shows.

Where δ is hidden, a wrong δ is blamed on the first quantity that is made of it. Then a mistake in
an equation before that one is tried in a whole step. Left out: equations whose quantities are shown
(`match.py`), and two mistakes at once.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from conformance.diagnosis.match import UNFIT, differs
from conformance.judging.case_report import Evidence
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formulas, Situation
from conformance.model.row import Row
from conformance.model.table import tag_of
from conformance.verdict.deviation import Target
from conformance.verdict.oracle import Standing, standing


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
        and any(_explains(mistake.formulas, each, tag) for each in failing)
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


def _explains(formulas: Formulas, evidence: Evidence, tag: str) -> bool:
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
