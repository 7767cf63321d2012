"""What is to be expected of a step, and how far a correct implementation may be off.

The table of the step is walked with exact numbers in balls (the truth) or with running errors
(centre and tolerance). What a subject shows is put in place of what was computed, so each equation
is judged from the subject's own inputs. Left out: the verdicts (`compare.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.arithmetic.balls import balls, is_balls
from conformance.arithmetic.rounding import RunningError, quiet
from conformance.corpus.case import Case
from conformance.model.functions import ROUTES
from conformance.model.row import Row, given, run
from conformance.model.table import of_layers
from conformance.verdict.deviation import Observed, malformed, plain
from reference.backprop import step
from reference.step import Array, Batch, Parameters, Step


def exact_step(case: Case, parameters: Parameters, batch: Batch) -> Step:
    """The truth: the step in balls, at the precision in force."""
    book = of_layers(case.cost, case.activations)
    rule = case.rule.with_constants(**_constants(case, balls)) if case.constants else case.rule
    return step(parameters.map(balls), batch.map(balls), *_exact_rates(case), book, rule)


def at_kinks(z: Array) -> bool:
    """Whether a ball of z holds 0, where the f′ of some activations jumps."""
    return any(each.contains(0) for each in np.asarray(z, dtype=object).flat)


def exact_expectations(
    case: Case, parameters: Parameters, batch: Batch, shown: Mapping[str, Array]
) -> dict[str, Array]:
    """Each quantity in balls, computed from what a subject shows before it, in balls too."""
    expected: dict[str, Array] = {}

    def evaluate(row: Row, arguments: tuple[Any, ...]) -> Any:
        expected[row.name] = row.function(*arguments)
        return shown.get(row.name, expected[row.name])

    rates = *_exact_rates(case), _constants(case, balls)
    start = given(parameters.map(balls), batch.map(balls), *rates)
    run(case.rows.values(), evaluate, start)
    return expected


def _exact_rates(case: Case) -> tuple[Any, Any]:
    eta, lmbda = (balls(np.array(rate)) for rate in (case.eta, case.lmbda))
    return eta, lmbda / case.n


def _constants(case: Case, number: Callable[[Any], Any]) -> dict[str, Any]:
    """The constants of the update as numbers of some kind."""
    return {name: number(each) for name, each in case.constants}


def expectations(
    case: Case, parameters: Parameters, batch: Batch, shown: Mapping[str, Observed] | None = None
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
    name: str, case: Case, start: tuple[Parameters, Batch], shown: Mapping[str, Observed]
) -> RunningError:
    """One quantity as `expectations` has it, where all are shown; no other equation is run.

    Args:
        name: of the quantity.
        case: cost, rates and the subject's dtype.
        start: the parameters at which the step starts, and the mini-batch.
        shown: every quantity of the step by its name.
    """
    again = case.rows[name].placed(case.rows[name].quantity.recomputed)
    wanted = [row for row in case.rows.values() if row.name in (name, *again)]
    found = Standing.before(case, *start, shown)
    entering = {each for row in wanted for each in row.made if each not in again}
    found.inputs.update({each: found.seen(case.rows[each], shown[each]) for each in entering})
    found.walk(wanted)
    return found.expected[name]


def standing(
    case: Case,
    parameters: Parameters,
    batch: Batch,
    shown: Mapping[str, Observed],
    compute: "Compute | None" = None,
) -> "Standing":
    """As `expectations`, with what the equations start from.

    Args:
        case: as there.
        parameters: as there.
        batch: as there.
        shown: as there.
        compute: what takes the place of the equations, if it is not they themselves.
    """
    found = Standing.before(case, parameters, batch, shown)
    found.walk(case.rows.values(), compute)
    return found


@dataclass(frozen=True, eq=False)
class Standing:
    """A step with running errors: what each equation starts from, and what is to be expected of it.

    Attributes:
        case: cost, rates and the subject's dtype.
        given: what the step starts from; see `given` of the table.
        shown: what the subject shows.
        expected: each quantity as its equation gives it, with its tolerance, in causal order.
        inputs: each quantity as later equations take it: as it was shown, else as expected.
    """

    case: Case
    given: dict[str, RunningError]
    shown: Mapping[str, Any]
    expected: dict[str, RunningError] = field(default_factory=dict)
    inputs: dict[str, RunningError] = field(default_factory=dict)

    @classmethod
    def before(
        cls, case: Case, parameters: Parameters, batch: Batch, shown: Mapping[str, Any]
    ) -> "Standing":
        """The step before anything of it is computed."""
        number = balls if is_balls(batch.x) else np.asarray

        def scalar(each: float) -> RunningError:
            """A number that a program may keep in its own precision."""
            exact, kept = lifted(number(np.asarray(each, np.float64)), case), case.format
            same = float(kept.rounded(each)) == each
            return exact if same else exact.widened(1, int(abs(each) < kept.tiny))

        rates = scalar(case.eta), scalar(case.lmbda) / scalar(case.n)
        start = given(parameters, batch, *rates, _constants(case, scalar))
        return cls(case, {name: lifted(each, case) for name, each in start.items()}, shown)

    def walk(self, rows: Iterable[Row], compute: "Compute | None" = None) -> None:
        """Compute some rows, each with the tolerance that other ways to compute it may need."""

        def evaluate(row: Row, arguments: tuple[Any, ...]) -> RunningError:
            entering = self._entering(row, arguments)
            result = row.function(*entering) if compute is None else compute(self, row, entering)
            self.expected[row.name] = self._loosened(row, result)
            known = row.name in self.shown
            value = self.seen(row, self.shown[row.name]) if known else self.expected[row.name]
            self.inputs[row.name] = value
            return value

        with quiet():
            run(rows, evaluate, {**self.inputs, **self.given})

    def _entering(self, row: Row, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """What may be recomputed from z^L enters with the bound of its own equation."""
        again = row.placed(row.quantity.recomputed)
        named = zip(row.inputs, arguments, strict=True)
        return tuple(self.again(name) if name in again else each for name, each in named)

    def again(self, name: str) -> RunningError:
        """What was shown, known as well as its equation gives it."""
        a = self.inputs[name]
        return RunningError(a.value, self.expected[name].bound, a.precision)

    def _loosened(self, row: Row, result: RunningError) -> RunningError:
        other = row.quantity.loosened
        if other is not None:
            names = row.placed(other.inputs)
            result = other.function(result, *map(self.entered, names))
        return self._scaled(row, result)

    def entered(self, name: str) -> RunningError:
        """What stands under a name before the row that is evaluated."""
        return self.given[name] if name in self.given else self.inputs[name]

    def by_own_activation(self, row: Row) -> RunningError | None:
        """δ with f′ made of the activation that was shown, as many programs take it.

        Then a wrong activation shows in the errors too, and is not to be blamed for twice. None if
        the row has no f′, or if nothing can be said.
        """
        if row.of_own is None:
            return None
        z, a = f"z{row.layer}", f"a{row.layer}"
        with np.errstate(all="ignore"):
            own = (self.entered(a if name == z else name) for name in row.inputs)
            result = self._loosened(row, row.of_own(*own))
        return result if np.isfinite(result.tolerance()).all() else None

    def seen(self, row: Row, shown: Any) -> RunningError:
        """What was shown may be a rounding of what was used, in a wider register or with a 1/m."""
        more = self._scaling() if row.quantity.scaled else (1, 1)
        return lifted(shown, self.case).widened(*more, zeros=True)

    def _scaled(self, row: Row, array: RunningError) -> RunningError:
        return array.widened(*self._scaling()) if row.quantity.scaled else array

    def _scaling(self) -> tuple[int, int]:
        """The roundings and underflows by which programs may differ that put 1/m elsewhere."""
        return ROUTES, 2 * self.given["x"].shape[1]


def usable(case: Case, m: int, shown: Mapping[str, Observed]) -> dict[str, Observed]:
    """What was shown in the right shape and dtype and finite: later equations start from it."""
    return {
        name: array
        for name, array in shown.items()
        if not malformed(array, case.rows[name].shape(case.sizes, m), case.type)
        and np.isfinite(plain(array)).all()
    }


Compute = Callable[[Standing, Row, tuple[Any, ...]], Any]


def lifted(array: Any, case: Case) -> RunningError:
    """A number that is the same for everybody, with no bound yet."""
    return array if isinstance(array, RunningError) else RunningError.exact(array, case.format)
