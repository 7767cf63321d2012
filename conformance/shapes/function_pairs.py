"""Functions that are judged alone: one goes forward, one goes backward from what it kept.

Such as `X_forward` with `X_backward`, layers and cells, whose parameters may be one dict. What goes
forward is given arrays with which both run; what goes backward is given a generic array for each
output. Left out: layers that hold parameters (`layers.py`), losses (`losses.py`).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, last_return
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, is_parameter, kinds_of
from conformance.running.quiet import quiet
from conformance.shapes.argument_values import Path
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import UnfitError, node_of
from conformance.shapes.found import Found, Recognised, Rerun, moved, of_step, with_defaults
from conformance.shapes.function_sources import names_axis
from conformance.shapes.given_back import arrays_of, beside, gradients, said, went
from conformance.shapes.other_settings import other_numbers, sizes, switched_off
from conformance.shapes.sides import SCALES, is_one_sided
from conformance.shapes.solved import MisshapenError, Solver, arguments
from conformance.shapes.update_findings import together
from conformance.tracing.ancestors import ancestors
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace
from reference.step import Array

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
        solver = Solver([each.name for each in needed(self.forward)], self._fits)
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
FORWARD = ("forward", "forwards", "fwd", "fprop", "")


def pairs(functions: Sequence[FunctionType]) -> Iterator[PairSearch]:
    """The pairs among functions: `X_backward` with `X_forward` or `X`; `backward_X` likewise."""
    named = {bare(each.__name__): each for each in functions}
    for name, backward in named.items():
        found = BACKWARD.fullmatch(name)
        if found is None or not found[1] + found[2]:
            continue
        ahead = (named.get(found[1] + word + found[2]) for word in FORWARD)
        forward = next((each for each in ahead if each is not None), None)
        if forward is not None:
            yield PairSearch(forward, backward)
