"""Losses of an output and a target that are judged alone, with what gives their gradient.

They are functions, one of which is named after the other, or methods of a class. Left out:
which of a file's functions and classes may be losses (`named_losses.py`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, last_return
from conformance.programs.held_state import arrays_in
from conformance.programs.vocabulary import bare, is_gradient, kinds_of, stem
from conformance.running.quiet import quiet
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import UnfitError, node_of, tried
from conformance.shapes.found import Found, Recognised, Rerun, of_step
from conformance.shapes.function_sources import beside_names, gives_outputs, returned_names
from conformance.shapes.loss_data import (
    ARRAY,
    SINGLE,
    SPREADS,
    TARGET,
    Trial,
    argument_names,
    is_bounded,
    is_difference,
    kept_gradient,
    kept_loss,
    kept_of,
    other_settings,
    trials,
)
from conformance.shapes.other_settings import switched_off
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace

PAIR = ("loss", "gradient")
FURTHER_SEEDS = range(7, 15)
HUGE = 1e12  # a loss of a few numbers around 1 is less, unless it has no value for such data


class _OtherError(UnfitError):
    """It gives no gradient, or one with respect to something else than the output."""


@dataclass(frozen=True)
class LossSearch:
    """A loss of arrays and a target, and what gives its gradients.

    Attributes:
        name: of it.
        function: gives the loss, given them; it may give gradients beside it.
        prime: gives the gradient, or several, given the same; None if the function does.
        make: makes the object that the two are methods of; None if they are functions.
        told: whether it is said if it cannot be judged: its names promise a gradient.
        given: what the file gives it, by name, where its own arguments tell nothing.
        problems: why it could not be judged.
        of_several: judged for several outputs, where that is wrong and that for one is right.
    """

    name: str
    function: Any
    prime: Any
    make: Any = None
    told: bool = False
    given: Sequence[str] = ()
    problems: list[str] = field(default_factory=list)
    of_several: "list[_Judged]" = field(default_factory=list)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run.

        It is judged by the first data with which it runs and no gradient has to be 0. Other data
        clear it of what is wrong there only if with them it is right wherever its outputs lie, and
        labels are no numbers. Whether several outputs are wrong where one is right is told.
        """
        wrong: _Judged | None = None
        idle: _Judged | None = None
        problem = ""
        for trial in trials(self.given or self._names()):
            try:
                judged = self._of_output_or_kept(trial)
            except _OtherError:
                if wrong is None:
                    return None
            except (UnfitError, NotAGradientError) as error:
                problem = problem or str(error)
            else:
                if judged.idle:
                    idle = idle or judged
                elif judged.found.examined.ok:
                    if wrong is None or self._is_right_anywhere(trial):
                        return self._told(judged.found, wrong)
                else:
                    wrong = wrong or judged
        return self._never_right(wrong or idle, problem)

    def _never_right(self, chosen: "_Judged | None", problem: str) -> Found | None:
        """The verdict where no data clear it; where nothing is told of it, why is noted."""
        if chosen is not None:
            return chosen.found if chosen.found.examined.ok else chosen.blamed()
        if self.told:
            problem = problem.removeprefix(f"{self.name}: ") or "its arguments are not known"
            self.problems.append(problem)
        return None

    def _told(self, right: Found, wrong: "_Judged | None") -> Found:
        """The verdict where it is right, of which is told if it is wrong for several outputs."""
        one = right.recognised
        if wrong is None or one.layout not in SINGLE or wrong.found.recognised.layout in SINGLE:
            return right
        self.of_several.append(wrong)
        return replace(right, recognised=replace(one, alone="output"))

    def _is_right_anywhere(self, trial: Trial) -> bool:
        """Whether it is right for other numbers too, of which more are on either side of a kink."""
        return all(self._is_right(replace(trial, seed=each)) for each in FURTHER_SEEDS)

    def _takes_numbers(self, trial: Trial) -> bool:
        """Whether it is right with labels that are no whole numbers: it takes no labels."""
        y = np.asarray(trial.data.y)
        trial = replace(trial, data=replace(trial.data, y=y + 0.25))
        return y.dtype.kind == "i" and self._is_right(trial)

    def _is_right(self, trial: Trial) -> bool:
        """Whether it runs with some data, and is right."""
        try:
            return self._judged(trial).found.examined.ok
        except (UnfitError, NotAGradientError):
            return False

    def _names(self) -> list[str]:
        return argument_names(getattr(self.make, self.function) if self.make else self.function)

    def _judged(self, trial: Trial) -> "_Judged":
        """The verdict on what it gives for some data, wherever the outputs lie.

        Raises:
            UnfitError: it does not run so.
            NotAGradientError: its loss is no number that can be judged.
        """
        kept: _Judged | None = None
        alone = self.make is None and self.prime is None  # it takes its settings for both
        others = other_settings(self.function) if alone else {}
        for settings, spread in product(({}, others) if others else ({},), SPREADS):
            try:
                step, calls = self._run(trial, spread, settings)
                if spread is not None and is_bounded(step.trace, [e.parameter for e in step.goals]):
                    continue
                judged = self._of_step(trial, step, calls, (spread, settings))
            except (UnfitError, NotAGradientError):
                if kept is None:
                    raise
                continue
            if not judged.found.examined.ok:
                return judged
            kept = judged if kept is None or kept.idle else kept
        assert kept is not None  # noqa: S101 - else the first has raised an error
        return replace(kept, idle=kept.idle or self._takes_numbers(trial))

    def _of_output_or_kept(self, trial: Trial) -> "_Judged":
        """The verdict where it goes back from the output; else from what it keeps of that.

        Such are the probabilities of its softmax, of which it takes the target off.

        Raises:
            UnfitError, NotAGradientError: as `_judged`.
        """
        try:
            return self._judged(trial)
        except _OtherError:
            with suppress(UnfitError, NotAGradientError):
                judged = self._judged(replace(trial, kept=True))
                if judged.found.examined.ok:
                    return judged
            raise

    def _of_step(
        self,
        trial: Trial,
        step: OwnPass,
        calls: list[Any],
        way: tuple[float | None, dict[str, float]],
    ) -> "_Judged":
        examined = examine_pass(step, blame=False)
        alone = step.goals[0] if len(step.goals) == 1 else None
        if not examined.ok and self.prime is not None and is_difference(alone, trial.data.y):
            raise _OtherError(f"{self.name}: its gradient is that of what the output is made of")
        said, names = tuple(map(called, calls)), tuple(each.name for each in step.goals)
        how = trial.data.layout, trial.data.coding, said, "returned", names
        recognised = Recognised(self.name, *how, off=switched_off(None, calls))
        used = tuple(getattr(each, "__name__", "") for each in calls)
        dead = any(each.dead for each in examined.gradients)
        idle = dead or (examined.ok and _is_flat(step))
        found = Found(recognised, examined, used)
        again = of_step(lambda _: self._run(trial, *way)[0]).again
        other = replace(trial, seed=FURTHER_SEEDS[0])
        return _Judged(step, found.rerun(Rerun(again, lambda: self._is_right(other))), idle)

    def _run(
        self, trial: Trial, spread: float | None, settings: dict[str, float]
    ) -> tuple[OwnPass, list[Any]]:
        """What it gives for drawn arrays, recorded, and what was called."""
        trace = Trace(sites=True)
        held = None if self.make is None else tried(self.make, [((), {})])
        function = self.function if held is None else getattr(held, self.function)
        with quiet(), np.errstate(all="ignore"), traced_program(trace, function):
            given = trial.given(self._names(), spread, trace)
            kinds = dict(zip(given, trial.kinds, strict=True))
            arrays = {name: e for name, e in given.items() if kinds[name] == ARRAY}
            result = tried(function, [(tuple(given.values()), settings)])
            loss, back = kept_loss(held) if result is None else result, []
            if isinstance(result, tuple | list) and len(result) > 1 and self.prime is None:
                outputs = isinstance(self.function, FunctionType) and gives_outputs(self.function)
                loss, back = result[0], [] if outputs else _beside(self.function, result)
            if held is not None and self.prime is None:
                kept = kept_gradient(held, next(iter(arrays.values())).shape)
                back = [] if kept is None else [kept]
            if self.prime is None and not back:
                raise _OtherError(f"{self.name}: it gives no gradient")
            node = node_of(trace, loss.mean() if np.size(loss) > 1 else loss)
            if self.prime is not None:
                output = next(iter(arrays.values()))
                from_kept = trial.kept and held is not None
                inner = kept_of(held, output) if from_kept else getattr(held, "output", output)
                result = self._gradient(held, self._ordered(held, given, trial), output, inner)
                back = arrays_in(result) if isinstance(result, tuple | list) else [result]
            goals = self._goals(trace, arrays, back)
        if not abs(float(np.ravel(node.value)[0])) < HUGE:
            raise UnfitError(f"{self.name}: no data were found that fit: its loss is {node.value}")
        if not any(node.depends_on(each.parameter) for each in goals):
            raise UnfitError(f"{self.name} does not depend on the output")
        calls = [function] if self.prime is None else [function, self._prime(held)]
        line = last_return(calls[-1])
        promised = len(calls) == 1 and np.size(loss) == 1  # else sums and means are
        return OwnPass(trace, goals, node, returns=line, promised=promised), calls

    def _goals(self, trace: Trace, arrays: dict[str, Any], back: list[Any]) -> tuple[Goal, ...]:
        """The gradients: each of the array of its name, else in the order of the arrays.

        Raises:
            UnfitError: there are none, or one has another shape than its array; if a name tells
                what is an output or a target, another size.
        """
        given = beside_names(self.function) if self.prime is None else returned_names(self.prime)
        names = [stem(each) for each in given if each.isidentifier() and is_gradient(each)]
        own = {bare(name): name for name in arrays}
        named = len(set(names)) == len(back) and own.keys() >= set(names)
        order = [own[each] for each in names] if named else list(arrays)
        if not 0 < len(back) <= len(arrays):
            raise UnfitError(f"{self.name}: no gradient of its first argument is found")
        goals, told = [], any({"output", "targets"} & {*kinds_of(name)} for name in self._names())
        for name, gradient in zip(order, back, strict=False):
            shape, right = np.shape(gradient), arrays[name].shape
            if np.size(gradient) != arrays[name].size or (shape != right and not told):
                raise UnfitError(f"{self.name}: a gradient of shape {shape} for {name} of {right}")
            said = name if len(back) > 1 else "the output"
            goals.append(Goal(said, node_of(trace, arrays[name]), node_of(trace, gradient)))
        return tuple(goals)

    def _prime(self, held: Any) -> Any:
        return self.prime if held is None else getattr(held, self.prime)

    def _ordered(self, held: Any, given: dict[str, Any], trial: Trial) -> tuple[Any, ...]:
        """The arguments in the order of the second function, whose names may tell the target."""
        names = [each.name for each in needed(self._prime(held))]
        at = [i for i, name in enumerate(names) if "targets" in kinds_of(name)]
        pair = tuple(given.values())
        if len(at) == 1 and len(names) == len(pair) == len(PAIR) and TARGET in trial.kinds:
            return pair if trial.kinds[at[0]] == TARGET else pair[::-1]
        return pair

    def _gradient(self, held: Any, pair: tuple[Any, Any], output: Any, inner: Any) -> Any:
        """What the second function gives, or the object keeps, from what it keeps of the output."""
        prime = self._prime(held)
        first = inner if isinstance(inner, np.ndarray) and inner.shape == output.shape else output
        given = tuple(first if each is output else each for each in pair)
        ways: list[tuple[Any, Any]] = [(given, {}), (pair, {}), ((), {}), (pair[1:2], {})]
        result = tried(prime, [way for way in ways if len(way[0]) == len(needed(prime))])
        if isinstance(result, np.ndarray) or held is None:
            return result
        return kept_gradient(held, output.shape)


@dataclass(frozen=True)
class _Judged:
    """A verdict: the step, what was found without a line to blame, whether all has to be 0."""

    step: OwnPass
    found: Found
    idle: bool

    def blamed(self) -> Found:
        """The same with the line to blame."""
        return replace(self.found, examined=examine_pass(self.step))


def _is_flat(step: OwnPass) -> bool:
    """Whether a gradient is 0 but for rounding, as that of the cosine of two numbers."""
    loss = 0.0 if step.loss is None else float(np.max(np.abs(step.loss.value)))
    sizes = (np.abs(e.node.value).max() * np.abs(e.parameter.value).max() for e in step.goals)
    return any(size <= np.sqrt(np.finfo(np.float64).eps) * loss for size in sizes)


def _beside(function: Any, result: Sequence[Any]) -> list[Any]:
    """The arrays that a function returns after the loss: those that it names as gradients, if any.

    `return loss, dz, p` gives one.
    """
    names = returned_names(function)
    alike = len(names) == len(result) and any(map(is_gradient, names[1:]))
    pairs = zip(names[1:], result[1:], strict=True) if alike else ()
    named = [each for name, each in pairs if is_gradient(name)]
    return arrays_in(named or result[1:])
