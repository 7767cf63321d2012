"""A function's step, traced: where it computes what it returns, and what it does not return.

Left out: the search for what it does not return (`subjects/searched.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.function.function_conventions import (
    CalledFunction,
    FunctionConventions,
    Quantities,
)
from conformance.subjects.near import all_same
from conformance.subjects.pattern import Patterns, Placed
from conformance.subjects.stepped import Stepped, given_rate, traced_run
from conformance.tracing.arranging import ARRANGING, whole
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location
from conformance.tracing.made_arrays import traced_array
from conformance.tracing.node import Node, flat
from conformance.tracing.trace import Trace
from conformance.verdict.on_balls import OnBalls, TracedStep
from reference.step import Array, Batch, Parameters, split

SOUGHT = ("z", "a", "delta", "nabla_b", "nabla_w")
"""The quantities that are looked for where a function does not return them."""

OTHERWISE = "not traced: the function gives other numbers when it is, so its lines are not known"


@dataclass(frozen=True)
class TracedFunction:
    """A function and its conventions."""

    called: CalledFunction
    conventions: FunctionConventions

    @property
    def decays(self) -> bool:
        """Whether it knows weight decay."""
        return self.called.decays


def function_run(
    program: TracedFunction, case: Case, start: Parameters, batch: Batch, *_earlier: Batch
) -> Stepped:
    """A step of a function, which keeps nothing of earlier ones."""
    trace, c = Trace(), program.conventions
    made = Stepped(trace, batch)
    w, b, x, y = c.theirs(start, batch)
    with traced_run(trace):
        weights = [trace.given(each, f"w{i}") for i, each in enumerate(w, 2)]
        biases = [trace.given(each, f"b{i}") for i, each in enumerate(b, 2)]
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True), 2):
            made.w.append(1 << weight.node.number)
            made.before[f"b{i}"] = trace.argument(bias.reshape(-1, 1))
            made.before[f"w{i}"] = trace.argument(weight.T if c.transposed else weight)
        inputs, targets = trace.given(x, "x"), trace.given(y, "y")
        given, made.y = inputs.node, 1 << targets.node.number
        arguments = weights, biases, inputs, targets, given_rate(trace, case)
        returned = program.called.returned(case, arguments)
        nodes = {n: node_of(trace, each, partial(c.laid, n)) for n, each in returned.items()}
    numbers = {name: np.array(node.value) for name, node in nodes.items()}
    made.left = {name: c.scaled(name, each, batch.m) for name, each in numbers.items()}
    made.x = sample_bits(trace, given, 0 if c.rows else 1)
    _note(made, program, case, nodes)
    return made


def node_of(trace: Trace, value: Any, laid: Callable[[Any], Any] = lambda a: a) -> Node:
    """What computed a value that was returned, in our layout."""
    if callable(getattr(value, "detach", None)):  # a tensor in a graph
        value = value.detach()
    found = trace.argument(laid(traced_array(trace, value)))
    return found if type(found) is Node else trace.constant(found)


def _note(made: Stepped, program: TracedFunction, case: Case, nodes: Mapping[str, Node]) -> None:
    """Note what was returned: new parameters, and the places of the other quantities."""
    rows, m = case.rows, made.batch.m
    made.after = {name: each for name, each in nodes.items() if name in made.before}
    made.returned = [dict(nodes)]
    for name, node in nodes.items():
        shape = rows[name].shape(case.sizes, m) if name in rows else None
        if (
            split(name)[0] in ("z", "a", "delta", "nabla_b", "nabla_w")
            and node.value.shape == shape
        ):
            made.named[name] = whole(node, program.conventions.factor(name, m))


class FunctionTrace:
    """One step of a function on the numbers of a case, traced when something is asked of it."""

    def __init__(
        self,
        program: TracedFunction,
        patterns: Patterns,
        case: Case,
        start: tuple[Parameters, Batch],
        shown: Quantities,
    ) -> None:
        """Trace nothing yet.

        Args:
            program: the function and its conventions.
            patterns: where the quantities are in its runs.
            case: for sizes, cost and rates.
            start: the parameters and the mini-batch.
            shown: what it returned, untraced, in our conventions.
        """
        self.program, self.patterns = program, patterns
        self.case, self.start, self.shown = case, start, shown

    def unnamed(self) -> dict[str, Array]:
        """The quantities that it does not return, where it computes them."""
        sought = [each for each in self.case.rows if split(each)[0] in SOUGHT]
        if all(name in self.shown for name in sought):
            return {}
        placed = self._placed
        if placed is None:
            return {}
        own = placed.pattern.trace is placed.made.trace and self.start[1].m == 1
        if own or 1 in placed.pattern.run.start.sizes:
            return {}  # there a number is many things at once
        return {name: each for name, each in placed.shown().items() if name not in self.shown}

    def where(self, name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
        """The lines to blame for an entry of a quantity."""
        placed = self._placed
        if placed is None:
            return ()
        if name == "cost":
            return placed.made.returned[0][name].frames
        return placed.of(name).frames(name, index)

    def on_balls(self) -> OnBalls:
        """What decides on balls what it shows."""
        nothing = TracedStep(self.case, Trace(), {}, self.start[1], {})
        return OnBalls(nothing, dict.fromkeys(self.case.rows, lambda: self._on_balls))

    @cached_property
    def _on_balls(self) -> OnBalls | None:
        placed = self._placed
        if placed is None or "cost" not in placed.made.returned[0]:
            return None if placed is None else placed.on_balls()
        factor = self.program.conventions.factor("cost", placed.made.batch.m)
        return placed.on_balls({"cost": whole(placed.made.returned[0]["cost"], factor)})

    def never_divided(self) -> bool:
        """Whether some δ that was found would hold the 1/m, and nothing divided it by m."""
        placed: Placed | None = self.__dict__.get("_placed")
        if placed is None:
            return False
        kept = (at for at in placed.found.values() if abs(at.factor) < 1)
        return any(not _divides(placed.made, at) for at in kept)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it could not be traced, if that was tried."""
        made = self.__dict__.get("_made", (None, ""))
        return (made[1],) if made[1] else ()

    @cached_property
    def _made(self) -> tuple[Stepped | None, str]:
        try:
            made = self.patterns.step(self.patterns.program, self.case, *self.start)
        except Exception as error:  # noqa: BLE001 - a function may refuse traced arrays in any way
            return None, f"not traced: {type(error).__name__}: {error}"
        same = all_same(self.shown, made.left)
        return (made, "") if same else (None, OTHERWISE)

    @cached_property
    def _placed(self) -> Placed | None:
        made = self._made[0]
        return None if made is None else self.patterns.found(self.case, made)


def _divides(made: Stepped, at: Location) -> bool:
    """Whether something on the way to a location divides by m."""
    nodes, m = made.trace.nodes, made.batch.m
    uses = made.trace.uses_of(at.numbers)
    on_the_way = [node for node in nodes if uses >> node.number & 1]
    numbers = (each for node in on_the_way for each in flat((node.args, node.kwargs)))
    return any(node.operation == "mean" for node in on_the_way) or any(
        _is_number(each, m) for each in numbers
    )


def _is_number(value: Any, m: int) -> bool:
    held = value.value if type(value) is Node else value
    return (
        np.size(held) == 1
        and isinstance(held, int | float | np.ndarray | np.generic)
        and bool(np.any(np.isin(held, (m, 1 / m, -m, -1 / m))))
    )


NONE = 0
"""The number of what is no sample's; the samples are counted from 1."""


def sample_bits(trace: Trace, given: Node, axis: int) -> list[int]:
    """The bits of each sample: what holds its numbers alone, or computes with several samples'.

    Args:
        trace: of the run.
        given: all samples.
        axis: along which they lie.
    """
    m = given.value.shape[axis]
    along = np.arange(1, m + 1).reshape((m, 1) if axis == 0 else (1, m))
    held = {given.number: np.broadcast_to(along, given.value.shape)}
    bits = [0] * m
    for node in trace.nodes[given.number + 1 :]:
        inputs = [held[each.number] for each in node.inputs if each.number in held]
        if not inputs:
            continue
        arranged = _arranged(node, held)
        if arranged is not None:
            held[node.number] = arranged
        samples = _samples(inputs if arranged is None else [arranged])
        if arranged is None or len(samples) == 1:
            for sample in samples:
                bits[sample - 1] |= 1 << node.number
    return bits


def _samples(arrays: Sequence[Array]) -> list[int]:
    """The samples whose numbers are in some arrays."""
    return sorted({int(each) for array in arrays for each in np.unique(array)} - {NONE})


def _arranged(node: Node, held: dict[int, Array]) -> Array | None:
    """The sample of each entry, if numbers were only put together or taken apart."""
    if node.operation not in ARRANGING or node.function is None:
        return None

    def numbers(each: Node) -> Array:
        return held.get(each.number, np.full(np.shape(each.value), NONE))

    try:
        made = np.asarray(node.again(numbers))
    except (TypeError, ValueError, IndexError):
        return None
    return made if made.shape == np.shape(node.value) and made.dtype.kind == "i" else None
