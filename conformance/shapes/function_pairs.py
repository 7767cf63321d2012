"""Functions and layers that are judged alone: `X_forward` with `X_backward`, losses with theirs.

What goes forward is given generic arrays of shapes that fit; what goes backward is given a generic
array, or nothing where the output is a loss. Left out: layers that hold parameters (`layers.py`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.program import Goal, NotAGradientError, OwnPass
from conformance.running.quiet import quiet
from conformance.shapes.arguments import called, needed
from conformance.shapes.definitions import returned_names
from conformance.shapes.judging import Found, Recognised
from conformance.shapes.layer_shapes import OPTIONS, SHAPES, argument_kind
from conformance.shapes.layers import together
from conformance.shapes.run import UnfitError, node_of, tried
from conformance.shapes.state import is_floats
from conformance.shapes.vocabulary import bare, stem
from conformance.tracing.program import traced_program
from conformance.tracing.trace import Trace
from reference.step import Array


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

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""
        for layout, shapes in SHAPES.items():
            try:
                found = self._judged(layout, shapes)
            except (UnfitError, NotAGradientError) as error:
                self.problems.append(str(error).removeprefix(f"{self.backward.__name__}: "))
                continue
            if found is not None:
                return found
        return None

    def _judged(self, layout: str, shapes: dict[str, tuple[int, ...]]) -> Found | None:
        trace = Trace(sites=True)
        given = _arguments(self.forward, shapes, trace)
        arrays = {name: e for name, e in given.items() if isinstance(e, np.ndarray)}
        with quiet(), traced_program(trace, self.forward):
            out, cache = _split(tried(self.forward, [((), given)]))
            dout = trace.given(np.random.default_rng(9).normal(size=out.shape), "dout")
            loss = node_of(trace, (out * np.array(dout)).sum())
            if not np.isfinite(loss.value):
                raise UnfitError(f"{self.forward.__name__}: its output is not finite")
            back = tried(self.backward, [((dout, *cache), {}), ((dout, *_spread(cache)), {})])
            goals = goals_of(trace, self.backward, back, arrays)
        step = OwnPass(trace, tuple(goals), loss=loss)
        promised = ("x", next(iter(arrays)))
        return found_pair(self.forward, self.backward, step, layout, promised) if goals else None


def found_pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    step: OwnPass,
    layout: str,
    promised: Collection[str],
) -> Found:
    """A function that goes forward and one that goes backward, judged.

    The gradient of the first argument is judged apart from the others, that may be means.

    Args:
        forward: the first.
        backward: the second.
        step: what they did.
        layout: of the samples.
        promised: the names of the arguments whose gradients are no means.
    """
    parts = []
    for some in (step.goals[:1], step.goals[1:]):
        if some:
            sure = some[0].name in promised
            parts.append(examine_pass(replace(step, goals=some, promised=sure)))
    names = tuple(each.name for each in step.goals)
    recognised = Recognised(called(forward), layout, "", (called(backward),), "returned", names)
    return Found(recognised, together(parts), (forward.__name__, backward.__name__))


def _arguments(
    function: Callable[..., Any], shapes: dict[str, tuple[int, ...]], trace: Trace
) -> dict[str, Any]:
    """Generic arrays for the arguments of a function, by their names and shapes."""
    rng, given = np.random.default_rng(4), {}
    names = [each.name for each in needed(function)]
    for i, each in enumerate(needed(function)):
        name = bare(each.name)
        if name in OPTIONS:
            given[each.name] = OPTIONS[name]
            continue
        shape = shapes[argument_kind(each.name, names[1:]) if i else "x"]
        given[each.name] = trace.given(rng.normal(size=shape), each.name)
    return given


def _split(result: Any) -> tuple[Array, tuple[Any, ...]]:
    """The output and the cache of what a function returned."""
    out, cache = (result[0], tuple(result[1:])) if isinstance(result, tuple) else (result, ())
    if not is_floats(out):
        raise UnfitError("it gives no array")
    return out, cache


def _spread(cache: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(cache[0]) if len(cache) == 1 and isinstance(cache[0], tuple | list) else cache


def goals_of(
    trace: Trace, function: Callable[..., Any], back: Any, arrays: dict[str, Any]
) -> list[Goal]:
    """The gradients that a function returned, each with its argument: by name, else in order."""
    if isinstance(back, dict):
        pairs = {stem(key): each for key, each in back.items()}
    else:
        parts = list(back) if isinstance(back, tuple | list) else [back]
        parts = [each for each in parts if isinstance(each, np.ndarray | np.floating | float)]
        names = [stem(each) for each in returned_names(function)]
        named = len(names) == len(parts) and {bare(e) for e in arrays} >= set(names)
        order = names if named else [bare(name) for name in arrays]
        pairs = dict(zip(order, parts, strict=False))
    found = ((name, pairs.get(bare(name))) for name in arrays)
    return [
        Goal(name, node_of(trace, arrays[name]), node_of(trace, each))
        for name, each in found
        if each is not None
    ]


def pairs(functions: Sequence[FunctionType]) -> Iterator[PairSearch]:
    """The pairs of `X_forward` and `X_backward`, or `X` and `X_backward`, among functions."""
    named = {bare(each.__name__): each for each in functions}
    for name, backward in named.items():
        found = re.fullmatch(r"(.+?)(backward|backwards|bwd|back|vjp)", name)
        if not found:
            continue
        ahead = (named.get(found[1] + end) for end in ("forward", "forwards", "fwd", ""))
        forward = next((each for each in ahead if each is not None), None)
        if forward is not None:
            yield PairSearch(forward, backward)
