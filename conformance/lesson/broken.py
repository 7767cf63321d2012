"""The step of a worked example with each known mistake in it, and what the checker says of it.

The mistake runs as a subject does and is judged as one. Left out: which mistakes are known
(`mistakes`), and how they are shown (`breaking.js`).
"""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np

from conformance.cases.build import recorded_step
from conformance.explain.worked import Worked
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.dropout import DROPOUT
from conformance.mistakes.mistake import Mistake, MistakenSession
from conformance.mistakes.optimisers import OPTIMISERS
from conformance.mistakes.situation import Situation, evaluate
from conformance.model.row import given
from conformance.report.mathml import mathml_pair
from conformance.report.message import line
from conformance.verdict.compare import RESTARTED, Status, Verdict, judge
from conformance.verdict.deviation import Target, malformed
from reference.step import Array, Batch, Parameters

STEPS = 40
"""How often the step is taken to see what becomes of the cost."""

WRONG = (Status.FAIL, Status.EXPLAINED)


def broken_steps(worked: Worked) -> dict[str, dict[str, Any]]:
    """Each known mistake in an equation, by its id, as it shows in this step."""
    start, batch = _start(worked)
    truth = _truth(worked, start, batch)
    return {each.id: _broken(each, worked, truth) for each in known()}


def known() -> list[Mistake]:
    """The mistakes in an equation of plain SGD without dropout."""
    others = (*OPTIMISERS, *DROPOUT)
    return [each for each in CATALOGUE.values() if each.formulas and each not in others]


def formulas(mistake: Mistake) -> tuple[str, str]:
    """The wrong formula and the right one, what differs marked."""
    return mathml_pair(mistake.wrong, mistake.right)


def _start(worked: Worked) -> tuple[Parameters, Batch]:
    return Parameters.of(worked.given), Batch(worked.given["x"], worked.given["y"])


def _truth(worked: Worked, start: Parameters, batch: Batch) -> dict[str, Target]:
    values, bounds = recorded_step(worked.case, start, batch)
    return {name: Target(values[name], bounds[name]) for name in values}


def _broken(mistake: Mistake, worked: Worked, truth: Mapping[str, Target]) -> dict[str, Any]:
    """Of each quantity that a mistake makes wrong, the numbers and the verdict."""
    case, (start, batch) = worked.case, _start(worked)
    shown = MistakenSession(mistake.formulas, case, start).step(batch)
    with np.errstate(all="ignore"):
        verdicts = judge(case, (0, RESTARTED), (start, batch), truth, shown)
    wrong = [each for each in verdicts if each.status in WRONG]
    return {
        "seen": bool(wrong),
        "quantities": {each.name: _quantity(each, shown[each.name], truth) for each in wrong},
        "says": [line(case, each).strip() for each in wrong if each.status is Status.FAIL],
        "costs": list(_costs(mistake, worked)) if wrong else [],
    }


def _quantity(verdict: Verdict, shown: Array, truth: Mapping[str, Target]) -> dict[str, Any]:
    """What a program with the mistake has of one quantity, and whether that equation is blamed."""
    right = truth[verdict.name].centre
    problem = malformed(shown, right.shape, right.dtype)
    rows: Iterable[Array] = () if problem else np.atleast_2d(shown)
    return {
        "status": str(verdict.status),
        "problem": problem,
        "numbers": [[_number(each) for each in row] for row in rows],
    }


def _costs(mistake: Mistake, worked: Worked) -> Iterator[float | None]:
    """The true cost before each of some steps with the mistake; it ends where the program stops."""
    case, (start, batch) = worked.case, _start(worked)
    session = MistakenSession(mistake.formulas, case, start)
    with np.errstate(all="ignore"):
        for _ in range(STEPS):
            try:
                parameters = Parameters.of(session.after)
                session.step(batch)
            except ValueError:  # its parameters make no network any more
                return
            before = Situation(case, given(parameters, batch, case.eta, case.decay))
            yield _number(evaluate(before, {}, until=f"delta{case.layers}")["cost"])


def _number(number: Any) -> float | None:
    """The number to eight digits, which is more than is shown; None if it is not finite."""
    return float(f"{float(number):.8g}") if isfinite(number) else None
