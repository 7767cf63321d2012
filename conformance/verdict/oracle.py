"""What is to be expected of a step, and how far a correct implementation may be off.

`step()` and the equations of `reference` run on exact numbers in balls (the truth) or with running
errors (centre and tolerance). What a subject shows is put in place of what was computed, so each
equation is judged from the subject's own inputs. Left out: how that is done (`witness.py`), and the
verdicts (`compare.py`).
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from conformance.arithmetic.balls import balls
from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.verdict.witness import Alone, RoundingWitness, Standing, Witness
from reference.backprop import step
from reference.equations import BOOK, COSTS, Equations
from reference.step import Array, Batch, Parameters, Step


def exact_step(
    case: Case,
    parameters: Parameters,
    batch: Batch,
    equations: Equations | None = None,
) -> Step:
    """The truth: the step in balls, at the precision in force."""
    eta, lmbda = (cast("Any", balls(np.array(rate))) for rate in (case.eta, case.lmbda))
    book = equations or BOOK.with_cost(COSTS[case.cost])
    return step(parameters.map(balls), batch.map(balls), eta, lmbda / case.n, book)


def exact_expectations(
    case: Case, parameters: Parameters, batch: Batch, shown: Mapping[str, Array]
) -> dict[str, Array]:
    """Each quantity in balls, computed from what a subject shows before it, in balls too."""
    seen = Witness(case, shown)
    exact_step(case, parameters, batch, seen.equations())
    return seen.expected


def expectations(
    case: Case,
    parameters: Parameters,
    batch: Batch,
    shown: Mapping[str, Array | RunningError] | None = None,
) -> dict[str, RunningError]:
    """Each quantity of a step with its tolerance, computed from what stands before it.

    Args:
        case: cost, rates and the subject's dtype.
        parameters: where the step starts; floats, balls, or running errors of earlier steps.
        batch: floats, or balls.
        shown: quantities that a subject shows, by their names: later ones are computed from them.

    Returns:
        The quantities in causal order. The centre is exact where the arguments are balls.
    """
    return standing(case, parameters, batch, shown or {}).expected


def expectation(
    name: str,
    case: Case,
    start: tuple[Parameters, Batch],
    shown: Mapping[str, Array | RunningError],
) -> RunningError:
    """One quantity as `expectations` has it, where all are shown; no other equation is run.

    Args:
        name: of the quantity.
        case: cost, rates and the subject's dtype.
        start: the parameters at which the step starts, and the mini-batch.
        shown: every quantity of the step by its name.
    """
    parameters, batch = start
    seen = Alone(name, case, shown, batch.m)
    seen.run(parameters, batch)
    return seen.expected[name]


def standing(
    case: Case,
    parameters: Parameters,
    batch: Batch,
    shown: Mapping[str, Array | RunningError],
) -> Standing:
    """As `expectations`, with what the equations start from."""
    return RoundingWitness(case, shown, batch.m).run(parameters, batch)
