"""What is to be expected of a step, and how far a correct implementation may be off.

`step()` and the equations of `reference` run on exact numbers in balls (the truth) or with running
errors (centre and tolerance). What a subject shows is put in place of what was computed, so each
equation is judged from the subject's own inputs. Left out: the verdicts (`compare.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

import numpy as np

from conformance.arithmetic.balls import balls, is_balls
from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from reference.backprop import step
from reference.equations import BOOK, COSTS, Equations
from reference.step import Array, Batch, Parameters, Step, causal_order, split

ROUTES = 4
"""Roundings by which δ and ∇ may differ between correct programs that put the 1/m elsewhere.

One program divides each δ by m and multiplies by m to show it, another divides a sum, a third takes
½, 2 and 1/m in another order. Each way costs at most so many roundings in what it shows.
"""

SCALED = ("delta", "nabla_b", "nabla_w")


def exact_step(case: Case, parameters: Parameters, batch: Batch) -> Step:
    """The truth: the step in balls, at the precision in force."""
    eta, lmbda = (cast("Any", balls(np.array(rate))) for rate in (case.eta, case.lmbda))
    return step(
        parameters.map(balls),
        batch.map(balls),
        eta,
        lmbda / case.n,
        BOOK.with_cost(COSTS[case.cost]),
    )


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
    seen = _Witness(case, batch.m, shown or {})

    def lift(array: Any) -> Any:
        return array if isinstance(array, RunningError) else RunningError.exact(array, case.dtype)

    rates = [np.asarray(rate, np.float64) for rate in (case.eta, case.lmbda)]
    if is_balls(batch.x):
        rates = [balls(rate) for rate in rates]
    eta, lmbda = map(lift, rates)
    book = BOOK.with_cost(COSTS[case.cost])
    witnessed = Equations(
        **{field.name: seen.watch(field.name, getattr(book, field.name)) for field in fields(book)}
    )
    step(parameters.map(lift), batch.map(lift), eta, lmbda / case.n, witnessed)
    return seen.expected


class _Witness:
    """Notes what every equation gives, and answers with what the subject showed instead."""

    def __init__(self, case: Case, m: int, shown: Mapping[str, Array | RunningError]) -> None:
        self.dtype, self.m, self.shown = case.dtype, m, shown
        self.expected: dict[str, RunningError] = {}
        self._names = iter(causal_order(case.layers))
        self._output = f"a{case.layers}"

    def watch(self, field: str, equation: Callable[..., Any]) -> Callable[..., Any]:
        """The equation, with its results noted under the names of the causal order."""

        def watched(*arguments: Any) -> Any:
            name = next(self._names)
            if field in ("cost", "output_error"):
                arguments = self._with_output(arguments)
            result = equation(*arguments)
            if split(name)[0] in SCALED:
                result = result.widened(ROUTES, 2 * self.m)
            self.expected[name] = result
            return self._shown(name) if name in self.shown else result

        return watched

    def _with_output(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """C and BP1 may be computed from z^L, so a^L enters them with the bound of its equation."""
        *before, a, y = arguments
        return (*before, RunningError(a.value, self.expected[self._output].bound, a.precision), y)

    def _shown(self, name: str) -> RunningError:
        seen = self.shown[name]
        lifted = seen if isinstance(seen, RunningError) else RunningError.exact(seen, self.dtype)
        return lifted.widened(ROUTES, 2 * self.m) if split(name)[0] in SCALED else lifted
