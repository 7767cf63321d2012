"""Functions that are judged alone: one differentiates the other, or goes back after it.

Such as `relu` with `relu_prime`, which may be given what the first gives, and `X_forward` with
`X_backward`, layers and cells, whose parameters may be one dict. What goes forward is given arrays
with which both run; what goes backward is given a generic array for each output. Left out: layers
that hold parameters (`layers.py`), losses (`losses.py`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, last_return
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import (
    DERIVATIVES,
    bare,
    is_parameter,
    is_upstream,
    kinds_of,
)
from conformance.running.quiet import quiet
from conformance.shapes.argument_values import Path, as_stated, stated_shapes, values
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import UnfitError, node_of, result_of
from conformance.shapes.draws import seed
from conformance.shapes.found import Found, Recognised, Rerun, moved, of_step, with_defaults
from conformance.shapes.function_sources import names_axis
from conformance.shapes.given_back import arrays_of, beside, gradients, said, went
from conformance.shapes.other_settings import ACTIVATIONS, other_numbers, sizes, switched_off
from conformance.shapes.sides import SCALES, is_one_sided
from conformance.shapes.solved import MisshapenError, Solver, UnsetError, arguments
from conformance.shapes.update_findings import together
from conformance.tracing.ancestors import ancestors
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace
from reference.step import Array

SHAPES: tuple[tuple[int, ...], ...] = ((8, 6), (6,))
AFTER = re.compile(rf"prime|{DERIVATIVES}|deriv|der|backward|back|dash")
BEFORE = re.compile(rf"d|({DERIVATIVES}|deriv)(of|d[aeo]l?)?")
"""What stands after and before the name of a function in the name of its derivative."""
ENDS = re.compile(r"(cost|loss|error|objective)?(function|func|fn)?$")
"""What the name of the first may have beside that of the second: `ridge_cost`, `ridge_grad`."""
NAMES = {bare(each) for each in ACTIVATIONS}


@dataclass(frozen=True)
class DerivativeSearch:
    """A function and its derivative.

    Attributes:
        function: the first.
        prime: the second.
        problems: none: what does not run so may be something else.
    """

    function: FunctionType
    prime: FunctionType
    problems: tuple[str, ...] = ()

    def found(self, _cost: str | None, /) -> Found | None:
        """They, recognised and judged; None if they do not run.

        Only of an activation or a cost, by its name, it is said that its derivative is wrong: what
        another function is differentiated by may be something else than its argument.
        """
        wrong: Found | None = None
        for one_by_one, shape, of_output in product((False, True), SHAPES, (False, True)):
            try:
                found = self._judged(shape, of_output=of_output, one_by_one=one_by_one)
            except (UnfitError, NotAGradientError):
                continue
            if found.examined.ok:
                return found
            wrong = wrong or found
        name = bare(self.function.__name__)
        return wrong if name in NAMES or ENDS.search(name)[0] else None  # type: ignore[index]

    def _judged(self, shape: tuple[int, ...], *, of_output: bool, one_by_one: bool) -> Found:
        """They, judged with an argument of some shape.

        Args:
            shape: of it.
            of_output: whether the second is given what the first gives.
            one_by_one: whether they are given numbers, those of a vector.

        Raises:
            UnfitError: they do not run with it, or the first has other derivatives.
            NotAGradientError: nothing is told of the derivative.
        """
        way = partial(self._run, shape, of_output=of_output, one_by_one=one_by_one)
        step = way(other=False)
        examined = examine_pass(step)
        if any(each.dead for each in examined.gradients):
            raise NotAGradientError(f"{self.function.__name__} has the derivative 0")
        calls, name = (called(self.prime),), step.goals[0].name
        said = f"{name} {shape}" if shape else name
        recognised = Recognised(called(self.function), said, "", calls, "returned", (name,))
        found = Found(recognised, examined, (self.function.__name__, self.prime.__name__))
        return found.rerun(of_step(lambda other: way(other=other)))

    def _run(
        self, shape: tuple[int, ...], *, of_output: bool, one_by_one: bool, other: bool
    ) -> OwnPass:
        """A recorded run, with the numbers that are judged or with others; see `_judged`.

        Raises:
            UnfitError: they do not run with it, or the first has other derivatives.
        """
        trace, name = Trace(sites=True), needed(self.function)[0].name
        drawn = np.random.default_rng(10 if other else 9).normal(size=shape)
        with quiet(), traced_program(trace, self.function):
            given = trace.given(drawn, name)
            start = node_of(trace, given)  # the function may write into it
            out = _result(self.function, given, one_by_one=one_by_one)
            slope = _result(self.prime, out if of_output else given, one_by_one=one_by_one)
            if np.shape(slope) == () or np.asarray(slope).dtype.kind != "f":
                slope = slope * np.ones(shape)  # such as `z > 0`, or 1
            loss = node_of(trace, np.sum(out))
            goal = Goal(name, start, node_of(trace, slope))
        if np.shape(goal.node.value) != shape or not np.isfinite(loss.value):
            raise UnfitError(f"{self.prime.__name__}: it gives no derivative of each entry")
        entries = np.shape(out) == shape
        alone = one_by_one or np.size(out) == 1
        if not alone and not (entries and self._is_of_each_entry(drawn, np.asarray(out))):
            raise UnfitError(f"{self.function.__name__} is no function of each entry")
        back = last_return(self.prime)
        return OwnPass(trace, (goal,), loss=loss, promised=entries, returns=back)

    def _is_of_each_entry(self, drawn: Any, out: Any) -> bool:
        """Whether the function changes no other entry where one entry is another."""
        other = drawn.copy()
        other.flat[0] += 0.5
        with quiet():
            again = np.asarray(result_of(self.function, other))
        return bool(np.array_equal(np.ravel(out)[1:], np.ravel(again)[1:]))


def _result(function: FunctionType, given: Any, *, one_by_one: bool) -> Any:
    """What a function gives for an array, or for each number of a vector."""
    if not one_by_one:
        return result_of(function, given)
    if np.ndim(given) != 1:
        raise UnfitError("numbers are taken from a vector")
    return np.stack([result_of(function, given[i]) for i in range(len(given))])


def derivatives(functions: Sequence[FunctionType]) -> Iterator[DerivativeSearch]:
    """The functions of one argument with those that give their derivatives, by their names."""
    named = {bare(e.__name__): e for e in functions if len(needed(e)) == 1}
    known = {ENDS.sub("", name, 1): e for name, e in named.items()} | named
    for name, prime in named.items():
        others = (known[each] for each in _without_words(name) if each in known)
        function = next((each for each in others if each is not prime), None)
        if function is not None and _is_of_the_same(function, prime):
            yield DerivativeSearch(function, prime)


def takes_derivative(function: Callable[..., Any]) -> bool:
    """Whether a function takes another one and its derivative, by their names."""
    names = [bare(each.name) for each in needed(function)]
    return len(names) == len(("f", "f'")) and names[0] in _without_words(names[1])


def _without_words(name: str) -> Iterator[str]:
    """The names of functions that a name may be that of the derivative of."""
    return (e for i in range(1, len(name)) for e in _without_word(name[:i], name[i:]))


def _without_word(first: str, rest: str) -> Iterator[str]:
    """The name of a function, where a word beside it says that it is of the derivative."""
    if AFTER.fullmatch(rest):
        yield first
    if BEFORE.fullmatch(first):
        yield rest


def _is_of_the_same(function: FunctionType, prime: FunctionType) -> bool:
    """Whether the second of two functions may be given what the first is given, or gives."""
    one, other = (needed(each)[0].name for each in (function, prime))
    return bare(one) == bare(other) or "upstream" not in kinds_of(other)


JUDGED = 3
"""With so many choices of arguments a pair is judged, before the best is taken."""
LARGE = 16.0
"""By which an input is multiplied, so that it comes beyond bounds such as 6."""
APPROXIMATE = 1e-3
"""So far off may be what stands for something else beyond a bound."""


@dataclass(frozen=True)
class PairSearch:
    """A function that goes forward and one that goes backward.

    Attributes:
        forward: the first.
        backward: the second.
        settings: numbers that both have in the place of their defaults.
        problems: why it could not be judged.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def no_networks(self) -> tuple[Callable[..., Any], ...]:
        """Those that give no loss: the first has its own way back, which may take no targets."""
        told = any("targets" in kinds_of(each.name) for each in needed(self.backward))
        return (self.forward,) if told else (self.forward, self.backward)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""
        names = [each.name for each in needed(self.forward)]
        given = as_stated(stated_shapes(self.forward, names), values)
        solver = Solver(names, self._fits, given=given)
        best: Found | None = None
        vector: tuple[Found, dict[Path, Any]] | None = None
        axes = any(map(names_axis, (self.forward, self.backward)))
        wrong: list[dict[Path, Any]] = []
        for chosen in solver.solutions() if solver.names else ():
            tried = self.judged(chosen, numbers=not solver.takes_arrays)
            if tried is None or all(each.dead for each in tried[0].examined.gradients):
                continue  # where every gradient has to be 0, nothing is told of them
            found, loss = tried
            if found.examined.ok:
                several = best is not None and _axes(wrong[0]) > _axes(chosen)
                if several and axes:
                    return best
                beyond = self._wrong_beyond(chosen) if is_one_sided(loss) else None
                beyond = beyond or self._wrong_by_settings(chosen)
                told = beyond or _of_one_vector(found, chosen, (*wrong, solver.misshapen))
                if not axes or wrong or _axes(chosen) != 1:
                    return told
                vector = vector or (told, chosen)  # a sum along an axis of it shows nothing
                continue
            if vector is not None and not _is_of_samples(chosen, vector[1]):
                continue
            if best is None or found.examined.right > best.examined.right:
                best = found
            wrong.append(chosen)
            if len(wrong) == JUDGED:
                return best
        return best or (vector[0] if vector else self._misshapen(solver))

    def on(self, given: Mapping[str, Any]) -> Found | None:
        """It, judged with what the first is given, of dicts with what is asked for; or None."""
        keyed = {name for name, each in given.items() if isinstance(each, dict)}
        chosen: dict[Path, Any] = {(name,): e for name, e in given.items() if name not in keyed}
        while True:
            try:
                self._fits(arguments([*given], chosen, keyed))
            except UnsetError as error:
                name, *keys = error.path
                if not keys or keys[0] not in given[name]:
                    return None
                chosen[error.path] = given[name][keys[0]]
            except UnfitError:
                break
            else:
                break
        asked = {name for name, *_ in chosen} >= keyed  # else it stopped before it asked for a dict
        tried = self.judged(chosen) if asked else None
        return None if tried is None else tried[0]

    def _misshapen(self, solver: Solver) -> Found | None:
        """It, judged with arguments with which it does not quite run, if a gradient is right.

        Else what stands between the two in the program changes the shape.
        """
        for chosen in filter(None, (solver.square(), solver.misshapen)):
            tried = self.judged(chosen)
            if tried is not None and tried[0].examined.right > 0:
                return tried[0]
        if solver.problem is not None:
            self.problems.append(str(solver.problem))
        return None

    def _wrong_beyond(self, chosen: dict[Path, Any]) -> Found | None:
        """It, judged with smaller and larger inputs, if it is wrong with one of them.

        What differs by less is an approximation, as that of ln(1 + e^x) by x.
        """
        first, *_ = chosen
        for scale in (*SCALES, LARGE):
            tried = self.judged({**chosen, first: chosen[first] * scale})
            told = () if tried is None else tried[0].examined.gradients
            if tried is not None and any(e.error > APPROXIMATE for e in told if not e.ok):
                return tried[0]
        return None

    def _wrong_by_settings(self, chosen: dict[Path, Any]) -> Found | None:
        """It, judged by other settings than its defaults, if it is wrong by one in each size."""
        for settings in other_numbers(self.forward):
            other = replace(self, settings=settings, problems=[])
            tried = (other.judged(each) for each in sizes(chosen))
            found = [each[0] for each in tried if each is not None]
            if found and not any(each.examined.ok for each in found):
                return found[0]
        return None

    def judged(self, chosen: dict[Path, Any], *, numbers: bool = True) -> tuple[Found, Node] | None:
        """It, judged with some arguments, and its loss; None if that fails.

        Args:
            chosen: they.
            numbers: whether the product of two vectors, a number, may stand for one of matrices.
        """
        try:
            found, loss = self._judged(chosen)
        except (UnfitError, NotAGradientError) as error:
            self.problems.append(str(error).removeprefix(f"{self.backward.__name__}: "))
            return None
        return None if _multiplies_to_numbers(loss) and not numbers else (found, loss)

    def _fits(self, given: dict[str, Any]) -> None:
        """Run both.

        Raises:
            UnfitError: they do not run with such arguments, or a gradient has another shape.
        """
        rng = np.random.default_rng(9)
        done = went(self.forward, self.backward, given, lambda shape, _: rng.normal(size=shape))
        arrays = arrays_of(given)
        found = gradients(self.backward, done.back, arrays)
        if not found:
            raise UnfitError(f"{self.backward.__name__}: it gives no gradients", stage=1)
        alike = {name: np.size(each) == np.size(arrays[name]) for name, each in found.items()}
        for name in sorted(found, key=alike.__getitem__):
            shape, own = np.shape(found[name]), np.shape(arrays[name])
            if shape != own:
                words = f"the gradient of {name} has the shape {shape}, not {own}"
                raise MisshapenError(words, name, shape, further=alike[name])

    def _judged(self, chosen: dict[Path, Any]) -> tuple[Found, Node]:
        """It, recorded and judged, and the sum of its outputs by which it is.

        Raises:
            UnfitError: it does not run.
            NotAGradientError: it gives no gradients.
        """
        step, loss, known, more = self._run(chosen)
        every: dict[Path, Any] = {**chosen, **{(name,): e for name, e in self.settings.items()}}
        shapes = ", ".join(f"{path[-1]} {said(value)}" for path, value in every.items())
        left = tuple(each.name for each in step.goals if each not in known)
        found = self._found(replace(step, goals=known), shapes)
        again = of_step(lambda _: self._run(chosen)[0]).again
        other = {path: moved(value) for path, value in chosen.items()}
        rerun = Rerun(again, lambda: self._judged(other)[0].examined.ok)
        return replace(found, unjudged=left, beside=more).rerun(rerun), loss

    def _run(
        self, chosen: dict[Path, Any]
    ) -> tuple[OwnPass, Node, tuple[Goal, ...], tuple[str, ...]]:
        """A recorded run: the step, its loss, what is judged, what is returned beside that.

        Raises:
            UnfitError: it does not run.
        """
        seed()  # of a mask that it draws: run again, it is the same one
        trace, rng = Trace(sites=True), np.random.default_rng(9)
        traced = {
            path: trace.given(value, path[-1]) if is_floats(value) else value
            for path, value in chosen.items()
        }
        given = arguments([each.name for each in needed(self.forward)], traced)
        arrays = arrays_of(given)
        ahead = {name: node_of(trace, e) for name, e in arrays.items()}  # it may write into them
        upstreams: dict[str, Node] = {}

        def drawn(shape: tuple[int, ...], name: str) -> Array:
            upstream: Array = trace.given(rng.normal(size=shape), name)
            upstreams[name] = node_of(trace, upstream)
            return upstream

        own = self.forward, self.backward
        defaults = with_defaults(own, self.settings.get)
        with quiet(), defaults, traced_program(trace, self.forward):
            done = went(self.forward, self.backward, given, drawn)
            loss = node_of(trace, sum((o * np.array(d)).sum() for o, d in done.pairs))
            back = gradients(self.backward, done.back, arrays).items()
            goals = [Goal(name, ahead[name], node_of(trace, each)) for name, each in back]
        if not np.isfinite(loss.value):
            raise UnfitError(f"{self.forward.__name__}: its output is not finite")
        known = _of_outputs(goals, [upstreams[name] for name in done.inner])
        step = OwnPass(trace, tuple(goals), loss=loss, returns=last_return(self.backward))
        return step, loss, known, (*beside(self.backward, done.back, step),)

    def _found(self, step: OwnPass, shapes: str) -> Found:
        """What is known of the two.

        The gradients of parameters may be means over the samples: those of all that holds no
        samples are then, and they are judged apart from the others.
        """
        named = [each for each in step.goals if is_parameter(each.name)]
        shared = examine_pass(replace(step, goals=tuple(named)), blame=False) if named else None
        samples = _samples(step.goals[0].parameter, shared.factor) if shared else 0
        if samples:
            more = [e for e in step.goals if np.size(e.parameter.value) % samples]
            named = [each for each in step.goals if each in named or each in more]
            others = tuple(each for each in step.goals if each not in named)
            parts = [examine_pass(replace(step, goals=others, promised=True))] if others else []
            parts.append(examine_pass(replace(step, goals=tuple(named))))
        else:
            parts = [examine_pass(replace(step, promised=True))]
        names = tuple(each.name for each in step.goals)
        back, off = called(self.backward), switched_off(None, (self.forward, self.backward))
        recognised = Recognised(
            called(self.forward), shapes, "", (back,), "returned", names, off=off
        )
        return Found(recognised, together(parts), (self.forward.__name__, self.backward.__name__))


def _multiplies_to_numbers(loss: Node) -> bool:
    """Whether all products of arrays in a loss are numbers, and there are some."""
    products = [e for e in ancestors(loss) if e.operation in ("dot", "matmul")]
    return bool(products) and not any(np.ndim(each.value) for each in products)


def _of_one_vector(
    found: Found, chosen: Mapping[Path, Any], wrong: Sequence[Mapping[Path, Any] | None]
) -> Found:
    """The verdict, which tells if it is wrong with more axes, or a gradient has another shape."""
    more = any(_axes(each) > _axes(chosen) for each in wrong if each)
    return replace(found, recognised=replace(found.recognised, alone="vector" if more else ""))


def _is_of_samples(chosen: Mapping[Path, Any], one: Mapping[Path, Any]) -> bool:
    """Whether the first of some arguments has samples of what it is in others, which are alike."""
    shapes, (first, *rest) = [[np.shape(e) for e in each.values()] for each in (chosen, one)]
    return shapes[0][1:] == first and shapes[1:] == rest


def _axes(chosen: Mapping[Path, Any]) -> int:
    """The number of axes of the first argument."""
    return np.ndim(next(iter(chosen.values())))


def _of_outputs(goals: Sequence[Goal], inner: Sequence[Node]) -> tuple[Goal, ...]:
    """The gradients that are made of ∂C/∂(an output) alone.

    Raises:
        UnfitError: there are none.
    """
    found = [e for e in goals if not any(e.node.depends_on(each) for each in inner)]
    if not found:
        raise UnfitError("it is given a gradient of something else than an output")
    return tuple(found)


def _samples(inputs: Node, factor: float) -> int:
    """The number of samples, or of their steps in all, that a factor is or divides by; 0 if none.

    It is the length of an axis of the input.
    """
    shape = np.shape(inputs.value)
    steps = {shape[0] * shape[1]} if len(shape) == len(("samples", "steps", "features")) else set()
    lengths = {n for n in {*shape} | steps if factor in (n, 1 / n)} - {1}
    return next(iter(lengths), 0)


BACKWARD = re.compile(r"(.*?)(?:backwards?|backprop|bwd|vjp|back(?=$))(.*)")
GRADIENT = re.compile(r"(.*?)grad(?:ient)?s?(.*)")
"""Of what goes backward, if it is given an upstream gradient."""
FORWARD = ("forward", "forwards", "fwd", "fprop", "")


def pairs(functions: Sequence[FunctionType]) -> Iterator[PairSearch]:
    """The pairs among functions: `X_backward` with `X_forward` or `X`; `backward_X` likewise.

    `X_grad`, or `backward` alone, goes backward if it is given an upstream gradient.
    """
    named = {bare(each.__name__): each for each in functions}
    for name, backward in named.items():
        goes_back = any(is_upstream(each.name) for each in needed(backward))
        found = BACKWARD.fullmatch(name) or (GRADIENT.fullmatch(name) if goes_back else None)
        if found is None or not (found[1] + found[2] or goes_back):
            continue
        ahead = (named.get(found[1] + word + found[2]) for word in FORWARD)
        forward = next((each for each in ahead if each is not None), None)
        if forward is not None:
            yield PairSearch(forward, backward)
