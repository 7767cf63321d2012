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
from conformance.running.quiet import quiet
from conformance.shapes.argument_values import Path
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import UnfitError, node_of
from conformance.shapes.definitions import returned_names
from conformance.shapes.given_back import went
from conformance.shapes.held_state import is_floats
from conformance.shapes.judge_readings import Found, Recognised
from conformance.shapes.layers import together
from conformance.shapes.solved import MisshapenError, Solver, arguments
from conformance.shapes.vocabulary import bare, is_parameter, kinds_of, stem
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace
from reference.step import Array

JUDGED = 3
"""With so many choices of arguments a pair is judged, before the best is taken."""


@dataclass(frozen=True)
class PairSearch:
    """A function that goes forward and one that goes backward.

    Attributes:
        forward: the first.
        backward: the second.
        problems: why it could not be judged.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
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
        count = 0
        for chosen in solver.solutions() if solver.names else ():
            found = self._tried(chosen)
            if found is not None and (best is None or found.examined.right > best.examined.right):
                best = found
            count += found is not None
            if best is not None and best.examined.ok:
                return _of_one_sample(best, chosen, solver.misshapen)
            if count == JUDGED:
                return best
        if best is None and solver.misshapen is not None:
            best = self._tried(solver.misshapen)
            if best is not None and best.examined.right == 0:
                best = None  # what stands between the two in the program changes the shape
        if best is None and solver.problem is not None:
            self.problems.append(str(solver.problem))
        return best

    def _tried(self, chosen: dict[Path, Any]) -> Found | None:
        """It, judged with some arguments; None if that fails."""
        try:
            return self._judged(chosen)
        except (UnfitError, NotAGradientError) as error:
            self.problems.append(str(error).removeprefix(f"{self.backward.__name__}: "))
            return None

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
        for name, each in found.items():
            shape, own = np.shape(each), np.shape(arrays[name])
            if shape != own:
                words = f"the gradient of {name} has the shape {shape}, not {own}"
                raise MisshapenError(words, stage=2)

    def _judged(self, chosen: dict[Path, Any]) -> Found:
        """It, recorded and judged.

        Raises:
            UnfitError: it does not run.
            NotAGradientError: it gives no gradients.
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

        with quiet(), traced_program(trace, self.forward):
            done = went(self.forward, self.backward, given, drawn)
            loss = node_of(trace, sum((o * np.array(d)).sum() for o, d in done.pairs))
            back = gradients(self.backward, done.back, arrays).items()
            goals = [Goal(name, ahead[name], node_of(trace, each)) for name, each in back]
        if not np.isfinite(loss.value):
            raise UnfitError(f"{self.forward.__name__}: its output is not finite")
        said = ", ".join(f"{path[-1]} {_said(value)}" for path, value in chosen.items())
        known = _of_outputs(goals, [upstreams[name] for name in done.inner])
        step = OwnPass(trace, known, loss=loss, returns=last_return(self.backward))
        left = tuple(each.name for each in goals if each not in known)
        return replace(self._found(step, said), unjudged=left)

    def _found(self, step: OwnPass, said: str) -> Found:
        """What is known of the two.

        The gradients of what is no parameter are judged apart from those of parameters, which may
        be means over the samples: those of all that holds no samples are then.
        """
        named = [each for each in step.goals if is_parameter(each.name)]
        parts = [examine_pass(replace(step, goals=tuple(named)))] if named else []
        samples = _samples(step.goals[0].parameter, parts[0].factor) if parts else 0
        if more := [e for e in step.goals if samples and np.size(e.parameter.value) % samples]:
            named = [each for each in step.goals if each in named or each in more]
            parts = [examine_pass(replace(step, goals=tuple(named)))]
        if others := tuple(each for each in step.goals if each not in named):
            parts.insert(0, examine_pass(replace(step, goals=others, promised=True)))
        names = tuple(each.name for each in step.goals)
        recognised = Recognised(
            called(self.forward), said, "", (called(self.backward),), "returned", names
        )
        return Found(recognised, together(parts), (self.forward.__name__, self.backward.__name__))


def _of_one_sample(
    found: Found, chosen: Mapping[Path, Any], misshapen: Mapping[Path, Any] | None
) -> Found:
    """The verdict, which tells if both run with more axes, and a gradient has another shape."""
    axes = [np.ndim(next(iter(each.values()))) for each in (chosen, misshapen) if each]
    several = len(axes) > 1 and axes[0] < axes[1]
    recognised = replace(found.recognised, alone="sample" if several else "")
    return replace(found, recognised=recognised)


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
    """The length of an axis of the input that a factor is, or divides by; 0 if it is of none."""
    lengths = {n for n in np.shape(inputs.value) if factor in (n, 1 / n)} - {1}
    return next(iter(lengths), 0)


def _said(value: Any) -> str:
    """The shape of an array, or another value."""
    return f"({', '.join(map(str, value.shape))})" if isinstance(value, np.ndarray) else f"{value}"


def arrays_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of floats among arguments, those in a dict by their keys."""
    found = {}
    for name, each in given.items():
        inner = each if isinstance(each, dict) else {name: each}
        found.update({key: value for key, value in inner.items() if is_floats(value)})
    return found


def gradients(function: Callable[..., Any], back: Any, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients that a function returned, each with its argument: by name, else in order.

    Raises:
        UnfitError: it returned more.
    """
    if isinstance(back, dict):
        pairs = {stem(key): each for key, each in back.items()}
    else:
        parts = list(back) if isinstance(back, tuple | list) else [back]
        parts = [each for each in parts if isinstance(each, np.ndarray | np.floating | float)]
        names = [stem(each) for each in returned_names(function)]
        named = len(names) == len(parts) and {bare(e) for e in arrays} >= set(names)
        if len(parts) > len(arrays):
            raise UnfitError(f"{function.__name__}: it gives more gradients than are asked for", 1)
        order = names if named else [bare(name) for name in arrays]
        pairs = dict(zip(order, parts, strict=False))
    return {name: pairs[bare(name)] for name in arrays if pairs.get(bare(name)) is not None}


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
