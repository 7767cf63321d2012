"""The line to blame: where a wrong value first parts from what the equation is made of.

The book's equation is run on the subject's own inputs under the same recording, which gives every
value that may rightly appear on the way. The culprit is the first operation that computes
something else from right operands. Two mistakes are not in the operation: a quantity that is
itself a right intermediate value, such as a − y for δ, was taken too early, and an operand that is
right elsewhere, such as σ(z) where σ′(z) belongs, was taken in another's place. Then the line that
took it is to blame.

Left out: whether the value is wrong (`verdict/compare.py`).
"""

import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np

from conformance.tracing.frames import Frame
from conformance.watching.events import Event
from conformance.watching.nearness import alike, approximate
from conformance.watching.recording import Recording
from reference.backprop import errors, feedforward, gradients
from reference.equations import BOOK, COSTS, Equations, sigmoid
from reference.step import Array, Batch, Parameters, causal_order, split

ARRANGING = {
    "append", "block", "cat", "column_stack", "concatenate", "getitem", "hstack", "insert", "pad",
    "row_stack", "stack", "vstack",
}  # fmt: skip
"""Operations that put arrays together or take them apart, and plain numbers such as a bias's 1."""

PRODUCTS = {"multiply", "matmul", "dot", "einsum", "outer", "inner", "tensordot", "vdot", "kron"}


@dataclass(frozen=True)
class Way:
    """What the book computes on its way to a value.

    Attributes:
        values: all that may rightly appear.
        own: the subject's own quantities before it, right or wrong: they are judged for themselves.
        last: the operations of the value's own equation, the last one first.
        parts: whether people have functions for parts of the equation, as for a − y in δ, whose
            result a caller may take too early; else the function itself stopped too early.
    """

    values: Sequence[Array]
    own: Sequence[Array] = ()
    last: Sequence[Event] = ()
    parts: bool = True

    def knows(self, value: Array, close: float) -> bool:
        """Whether a value may appear without being wrong itself."""
        return self.right(value, close) or any(alike(value, each, close) for each in self.own)

    def right(self, value: Array, close: float) -> bool:
        """Whether the book computes this value."""
        numbers = approximate(value)
        if not numbers.size:
            return False
        corner = numbers.item(0)  # which stays where it is when an array is turned
        return any(
            alike(numbers, each, close)
            for each, largest in self._sized.get(numbers.size, ())
            if abs(corner - each.item(0)) <= close * largest
        )

    @cached_property
    def _sized(self) -> dict[int, list[tuple[Array, float]]]:
        """The values and their largest moduli, by their sizes."""
        sized: dict[int, list[tuple[Array, float]]] = {}
        for each in map(approximate, self.values):
            if each.size:
                sized.setdefault(each.size, []).append((each, float(np.abs(each).max())))
        return sized


def values_of(equation: Callable[..., Any], operands: Sequence[Any]) -> list[Array]:
    """All values on the way of one equation."""
    recording = Recording(ours=True)
    equation(*(recording.watch(o, "") if isinstance(o, np.ndarray) else o for o in operands))
    return [event.value for event in recording.events]


def on_the_way(
    start: Parameters, batch: Batch, cost: str, seen: Mapping[str, Array | None], name: str
) -> Way:
    """The way of the book's step to a quantity, each equation on what was seen of its inputs.

    Args:
        start: floats.
        batch: floats.
        cost: of the case.
        seen: the subject's own quantities, by their names; those before this one in causal order
            stand in for the book's.
        name: of the quantity.
    """
    recording = Recording(ours=True)
    order = causal_order(len(start.w) + 1)
    names, before = iter(order), set(order[: order.index(name)])
    book = BOOK.with_cost(COSTS[cost])
    spans: dict[str, list[Event]] = {}

    def following(equation: Callable[..., Any]) -> Callable[..., Any]:
        def evaluate(*operands: Any) -> Any:
            here, first = next(names, ""), len(recording.events)
            result = equation(*operands)
            spans[here] = recording.events[first:]
            own = seen.get(here) if here in before else None
            return result if own is None else recording.watch(approximate(own), here)

        return evaluate

    equations = Equations(
        **{field.name: following(getattr(book, field.name)) for field in fields(book)}
    )
    watched = start.map(lambda array: recording.watch(array, "w"))
    samples = batch.map(lambda array: recording.watch(array, "x"))
    z, a = feedforward(watched, samples.x, equations)
    equations.cost(a[-1], samples.y)
    if split(name)[0] not in "za":
        gradients(errors(watched, z, a, samples.y, equations), a, equations)
    for weighted in z:
        sigmoid(-weighted)  # σ′(z) = σ(z) σ(−z) is as good
    numbered = [(each, approximate(each.value)) for each in recording.events if each.value.size]
    own = {f"given {each}" for each in order}
    cost_alone = {id(each) for each in spans.get("cost", ())} if name != "cost" else set()
    numbered = [pair for pair in numbered if id(pair[0]) not in cost_alone]
    return Way(
        [value for event, value in numbered if event.operation not in own],
        [value for event, value in numbered if event.operation in own],
        spans.get(name, [])[::-1],
        split(name)[0] == "delta",
    )


def culprit(event: Event, right: Way, close: float) -> tuple[Frame, ...]:
    """The frames of the operation to blame for a wrong value, the one to blame first.

    Args:
        event: what computed the wrong value.
        right: what may rightly appear on the way.
        close: how near is near enough, as a part of the largest entry.
    """
    if right.knows(event.value, close):  # right in itself, and taken for something else
        return event.frames[::-1] if right.parts else event.frames
    way = _way(event, right, close)
    unknown = [e for e in way if e.frames and not right.knows(e.value, close)]
    computed = (e for e in unknown if not _arranged(e, right, close))
    wrong = next(computed, unknown[0] if unknown else None)
    if wrong is None:
        return event.frames[::-1]
    taken = _taken(wrong, right, close)
    if taken is None or not taken.frames:
        return _guilty(wrong, right, close)
    if len(taken.consumers) == 1 and not set(taken.frames) & set(wrong.frames):
        return (*taken.frames[::-1], *_guilty(wrong, right, close))  # made for this alone
    inner = _handed(wrong, taken)
    return (*wrong.frames[inner:], *wrong.frames[:inner]) if inner else _guilty(wrong, right, close)


def _arranged(event: Event, right: Way, close: float) -> bool:
    """Whether right arrays were put together, or taken apart, and nothing was computed."""
    return (
        event.operation in ARRANGING
        and len(set(event.inputs)) == len(event.inputs)
        and set(event.constants) <= {-1.0, 0.0, 1.0}
        and all(right.knows(e.value, close) or _arranged(e, right, close) for e in event.inputs)
    )


def _taken(wrong: Event, right: Way, close: float) -> Event | None:
    """The operand that stands where the equation has another; None if that is not what is wrong."""
    if len(wrong.inputs) != 2:  # noqa: PLR2004 - of two operands one is right
        return None
    for book in right.last:
        if _kind(book) != _kind(wrong) or len(book.inputs) != len(wrong.inputs):
            continue
        for one, other in _orders(wrong):
            for place, meant in _orders(book):
                straight = (one is wrong.inputs[0]) == (place is book.inputs[0])
                if (
                    (straight or _kind(wrong) in ("add", "product"))
                    and alike(one.value, place.value, close)
                    and not alike(other.value, meant.value, close)
                ):
                    return other
    return None


def _orders(event: Event) -> Iterator[tuple[Event, ...]]:
    return permutations(event.inputs)


def _kind(event: Event) -> str:
    return "product" if event.operation in PRODUCTS else event.operation


def _handed(wrong: Event, taken: Event) -> int:
    """How many inner frames were handed the operand by their caller, as names of their own."""
    shared = 0
    for one, other in zip(reversed(wrong.frames), reversed(taken.frames), strict=False):
        if (one.file, one.function) != (other.file, other.function):
            break
        shared += 1
    inner = len(wrong.frames) - shared
    lines = [linecache.getline(each.file, each.line) for each in wrong.frames[:inner]]
    # A line that reads a list or an attribute may have chosen the operand itself.
    fetching = any("[" in line or "self." in line for line in lines)
    return 0 if fetching or not shared else inner


def _guilty(wrong: Event, right: Way, close: float) -> tuple[Frame, ...]:
    """The frames, without the inner ones whose line computes something right elsewhere.

    A helper that works when others call it is not to blame for what it is given.
    """
    for depth in range(len(wrong.frames) - 1):
        elsewhere = (
            other
            for other in wrong.siblings
            if other.operation == wrong.operation
            and other.frames[: depth + 1] == wrong.frames[: depth + 1]
            and other.frames[depth + 1 :] != wrong.frames[depth + 1 :]
        )
        if not any(right.right(other.value, close) for other in elsewhere):
            return wrong.frames[depth:]
    return wrong.frames[-1:]


def _way(event: Event, right: Way, close: float) -> list[Event]:
    """The event and what it was computed from, back to right values, in the order of time."""
    seen: dict[int, Event] = {}
    waiting = [event]
    while waiting:
        each = waiting.pop()
        if each.number in seen or each.given:
            continue
        seen[each.number] = each
        if not right.knows(each.value, close):
            waiting.extend(each.inputs)
    return [seen[number] for number in sorted(seen)]
