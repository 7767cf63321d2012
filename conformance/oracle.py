"""What is to be expected of a step, and how far a correct implementation may be off.

`step()` and the equations of `reference` run on exact numbers in balls (the truth) or with running
errors (centre and tolerance). What a subject shows is put in place of what was computed, so each
equation is judged from the subject's own inputs. Left out: the verdicts (`compare.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from math import ceil
from typing import Any, cast

import numpy as np

from conformance.arithmetic.balls import balls, is_balls
from conformance.arithmetic.rounding import ULPS, RunningError
from conformance.corpus.case import Case
from reference.backprop import step
from reference.equations import BOOK, COSTS, Equations
from reference.step import Array, Batch, Parameters, Step, causal_order, split

ROUTES = 4
"""Roundings by which δ and ∇ may differ between correct programs that put the 1/m elsewhere.

One program divides each δ by m and multiplies by m to show it, another divides a sum, a third takes
½, 2 and 1/m in another order. Each way costs at most so many roundings in what it shows.
"""

SIGMOID_ROUTES = ULPS + 2
"""Units by which σ may be off, whatever its size, since (1 + tanh(z/2)) / 2 is a way to compute it.

tanh costs 2 ULPS units of |tanh| ≤ 1, halved, and the sum and its second-order terms two more;
1 − σ(−z) costs less. Relative to σ near 0 that may be everything.
"""

SCALED = ("delta", "nabla_b", "nabla_w")


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
    seen = _Witness(case, shown)
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


@dataclass(frozen=True)
class Standing:
    """A step with running errors: what each equation starts from, and what is to be expected of it.

    Attributes:
        start: the parameters.
        batch: the mini-batch.
        eta: the learning rate η.
        decay: λ/n.
        expected: each quantity as its equation gives it, with its tolerance, in causal order.
        inputs: each quantity as later equations take it: as it was shown, else as expected.
    """

    start: Parameters
    batch: Batch
    eta: RunningError
    decay: RunningError
    expected: dict[str, RunningError]
    inputs: dict[str, RunningError]


def standing(
    case: Case,
    parameters: Parameters,
    batch: Batch,
    shown: Mapping[str, Array | RunningError],
) -> Standing:
    """As `expectations`, with what the equations start from."""
    seen = _RoundingWitness(case, shown, batch.m)
    rates = [np.asarray(rate, np.float64) for rate in (case.eta, case.lmbda)]
    if is_balls(batch.x):
        rates = [balls(rate) for rate in rates]
    eta, lmbda = map(seen.lift, rates)
    start, samples, decay = parameters.map(seen.lift), batch.map(seen.lift), lmbda / case.n
    step(start, samples, eta, decay, seen.equations())
    return Standing(start, samples, eta, decay, seen.expected, seen.inputs)


class _Witness:
    """Notes what every equation gives, and answers with what the subject showed instead."""

    def __init__(self, case: Case, shown: Mapping[str, Any]) -> None:
        self.case, self.shown = case, shown
        self.expected: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        self._names = iter(causal_order(case.layers))

    def equations(self) -> Equations:
        """The book's equations, each of them watched."""
        book = BOOK.with_cost(COSTS[self.case.cost])
        return Equations(
            **{
                field.name: self._watched(field.name, getattr(book, field.name))
                for field in fields(book)
            }
        )

    def _watched(self, field: str, equation: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            name = next(self._names)
            result = equation(*self.entering(field, arguments))
            self.expected[name] = self.noted(name, result, arguments)
            known = name in self.shown
            self.inputs[name] = self.seen(name) if known else self.expected[name]
            return self.inputs[name]

        return watched

    def entering(self, _field: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments with which an equation is computed."""
        return arguments

    def noted(self, _name: str, result: Any, _arguments: tuple[Any, ...]) -> Any:
        """What is to be expected, given what the equation gives."""
        return result

    def seen(self, name: str) -> Any:
        """What the subject showed, as later equations take it."""
        return self.shown[name]


class _RoundingWitness(_Witness):
    """The same with running errors."""

    expected: dict[str, RunningError]
    inputs: dict[str, RunningError]

    def __init__(self, case: Case, shown: Mapping[str, Array | RunningError], m: int) -> None:
        super().__init__(case, shown)
        self.m = m

    def lift(self, array: Any) -> Any:
        """A number that is the same for everybody, with no bound yet."""
        if isinstance(array, RunningError):
            return array
        return RunningError.exact(array, self.case.dtype)

    def entering(self, field: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """C and BP1 may be computed from z^L, so a^L enters them with the bound of its equation."""
        if field not in ("cost", "output_error"):
            return arguments
        *before, a, y = arguments
        bound = self.expected[f"a{self.case.layers}"].bound
        return (*before, RunningError(a.value, bound, a.precision), y)

    def noted(self, name: str, result: Any, arguments: tuple[Any, ...]) -> Any:
        return self._scaled(name, self._any_route(name, result, arguments))

    def _any_route(self, name: str, result: RunningError, arguments: tuple[Any, ...]) -> Any:
        """Room for the other ways in which correct programs compute an equation."""
        roundings, moduli = self._cancelling(name, arguments)
        loosened = result.loosened(roundings, moduli) if roundings else result
        if split(name)[0] == "w":
            return loosened.widened(0, 2 + ceil(self.case.eta))  # η may enlarge an underflow
        return loosened

    def _cancelling(self, name: str, arguments: tuple[Any, ...]) -> tuple[int, Any]:
        """The roundings, and the moduli of the terms, that another way may leave in a result."""
        quantity, output, cost = split(name)[0], f"delta{self.case.layers}", self.case.cost
        room: tuple[int, Any] = 0, 0
        if quantity == "z":  # the sum may begin with the bias
            w, _, b = arguments
            room = w.shape[1], abs(b)
        elif quantity == "a":
            room = SIGMOID_ROUTES, 1
        elif name == output and cost == "quadratic":  # (a − y) ⊙ σ′
            _, a, y = arguments
            room = SIGMOID_ROUTES, abs(a - y)
        elif quantity == "delta" and name != output:  # wᵀδ ⊙ σ′
            w_above, delta_above, _ = arguments
            room = SIGMOID_ROUTES, abs(w_above).T @ abs(delta_above)
        elif name == "cost" and cost == "cross-entropy":  # (1 − y) z − ln σ(z) cancels
            z = f"z{self.case.layers}"
            seen = self.seen(z) if z in self.shown else self.expected[z]
            room = ROUTES, abs(seen).sum() / self.m
        elif quantity == "w":  # the decay may be a part of the gradient
            w, nabla, eta, _ = arguments
            room = ROUTES, abs(w) + abs(eta * nabla)
        return room

    def seen(self, name: str) -> Any:
        """What was shown may be a rounding of what was used, in a wider register or with a 1/m."""
        lifted = self.lift(self.shown[name])
        return self._scaled(name, lifted) if split(name)[0] in SCALED else lifted.widened(1, 1)

    def _scaled(self, name: str, quantity: RunningError) -> RunningError:
        scaled = split(name)[0] in SCALED
        return quantity.widened(ROUTES, 2 * self.m) if scaled else quantity
