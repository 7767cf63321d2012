"""The equations of a step, watched: each is noted, and what a subject showed goes on in its place.

The rounding witness gives each result the room that other ways to compute it may need. Left out:
who asks (`oracle.py`), and the running errors themselves (`arithmetic/rounding.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from math import ceil
from typing import Any

import numpy as np

from conformance.arithmetic.balls import balls, is_balls
from conformance.arithmetic.rounding import ULPS, RunningError
from conformance.corpus.case import Case
from conformance.verdict.causality import inputs
from reference.backprop import step
from reference.equations import BOOK, COSTS, Equations
from reference.step import Array, Batch, Parameters, causal_order, split

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


class Witness:
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
            passed = self.passing(name)
            if passed is not None:
                return passed
            result = self.computed(name, partial(equation, *self.entering(field, arguments)))
            self.expected[name] = self.noted(name, result, arguments)
            known = name in self.shown
            self.inputs[name] = self.seen(name) if known else self.expected[name]
            return self.inputs[name]

        return watched

    def passing(self, _name: str) -> Any:
        """What goes on to later equations without this one being run, or None: it is run."""
        return None

    def entering(self, _field: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments with which an equation is computed."""
        return arguments

    def computed(self, _name: str, equation: Callable[[], Any]) -> Any:
        """What an equation gives of its arguments."""
        return equation()

    def noted(self, _name: str, result: Any, _arguments: tuple[Any, ...]) -> Any:
        """What is to be expected, given what the equation gives."""
        return result

    def seen(self, name: str) -> Any:
        """What the subject showed, as later equations take it."""
        return self.shown[name]


class RoundingWitness(Witness):
    """The same with running errors."""

    expected: dict[str, RunningError]
    inputs: dict[str, RunningError]

    def __init__(self, case: Case, shown: Mapping[str, Array | RunningError], m: int) -> None:
        super().__init__(case, shown)
        self.m = m

    def run(self, parameters: Parameters, batch: Batch) -> Standing:
        """One step, watched."""
        rates = [np.asarray(rate, np.float64) for rate in (self.case.eta, self.case.lmbda)]
        if is_balls(batch.x):
            rates = [balls(rate) for rate in rates]
        eta, lmbda = map(self.lift, rates)
        start, samples = parameters.map(self.lift), batch.map(self.lift)
        decay = lmbda / self.case.n
        self.standing = Standing(start, samples, eta, decay, self.expected, self.inputs)
        step(start, samples, eta, decay, self.equations())
        return self.standing

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
        """The same with the room of the other ways to compute it."""
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
        scaled = split(name)[0] in SCALED
        more = (ROUTES, 2 * self.m) if scaled else (1, 1)
        return lifted.widened(*more, zeros=True)

    def _scaled(self, name: str, quantity: RunningError) -> RunningError:
        scaled = split(name)[0] in SCALED
        return quantity.widened(ROUTES, 2 * self.m) if scaled else quantity


class Alone(RoundingWitness):
    """The same for one quantity: besides its equation, that of what enters it with a bound."""

    def __init__(self, name: str, case: Case, shown: Mapping[str, Any], m: int) -> None:
        super().__init__(case, shown, m)
        output = f"a{case.layers}"
        whole = name in ("cost", f"delta{case.layers}")  # see `entering`
        self.wanted = {name, output} if whole else {name}
        self.entered = {each for one in self.wanted for each in inputs(one, case.layers)}

    def passing(self, name: str) -> Any:
        """What was shown, and what nobody asks for as it stands."""
        if name in self.wanted:
            return None
        return self.seen(name) if name in self.entered else self.shown[name]
