"""The line to blame: where a wrong value first parts from what the equation is made of.

The book's equation is run on the subject's own inputs under the same recording, which gives every
value that may rightly appear on the way. The culprit is the first operation that computes
something else from right operands. A quantity that is itself a right intermediate value, such as
a − y for δ, was taken too early: then the line that took it is to blame.

Left out: whether the value is wrong (`conformance.compare`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from conformance.watching.recording import Event, Frame, Recording
from conformance.watching.sighting import alike, approximate
from reference.backprop import errors, feedforward, gradients
from reference.equations import BOOK, COSTS, Equations, sigmoid
from reference.step import Array, Batch, Parameters, causal_order


def values_of(equation: Callable[..., Any], operands: Sequence[Any]) -> list[Array]:
    """All values on the way of one equation."""
    recording = Recording(ours=True)
    equation(*(recording.watch(o, "") if isinstance(o, np.ndarray) else o for o in operands))
    return [event.value for event in recording.events]


def on_the_way(
    start: Parameters, batch: Batch, cost: str, seen: Mapping[str, Array | None]
) -> list[Array]:
    """Every value on the way of the book's step, each equation on what was seen of its inputs.

    Args:
        start: floats.
        batch: floats.
        cost: of the case.
        seen: the subject's own quantities, by their names; they stand in for the book's.
    """
    recording = Recording(ours=True)
    names = iter(causal_order(len(start.w) + 1))
    book = BOOK.with_cost(COSTS[cost])

    def following(equation: Callable[..., Any]) -> Callable[..., Any]:
        def evaluate(*operands: Any) -> Any:
            name, result = next(names, ""), equation(*operands)
            own = seen.get(name)
            return result if own is None else recording.watch(approximate(own), name)

        return evaluate

    equations = Equations(
        **{field.name: following(getattr(book, field.name)) for field in fields(book)}
    )
    watched = start.map(lambda array: recording.watch(array, "w"))
    samples = batch.map(lambda array: recording.watch(array, "x"))
    z, a = feedforward(watched, samples.x, equations)
    equations.cost(a[-1], samples.y)
    gradients(errors(watched, z, a, samples.y, equations), a, equations)
    for weighted in z:
        sigmoid(-weighted)  # σ′(z) = σ(z) σ(−z) is as good
    return [event.value for event in recording.events if event.value.size > 0]


def culprit(event: Event, right: Sequence[Array], close: float) -> tuple[Frame, ...]:
    """The frames of the operation to blame for a wrong value, the one to blame first.

    Args:
        event: what computed the wrong value.
        right: the values that may rightly appear on the way.
        close: how near is near enough, as a part of the largest entry.
    """
    wrong = next(
        (e for e in _way(event, right, close) if e.frames and not _known(e.value, right, close)),
        None,
    )
    if wrong is None:  # right in itself, and taken for something else: its caller took it
        return event.frames[::-1]
    return _guilty(wrong, right, close)


def _guilty(wrong: Event, right: Sequence[Array], close: float) -> tuple[Frame, ...]:
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
        if not any(_known(other.value, right, close) for other in elsewhere):
            return wrong.frames[depth:]
    return wrong.frames[-1:]


def _way(event: Event, right: Sequence[Array], close: float) -> list[Event]:
    """The event and what it was computed from, back to right values, in the order of time."""
    seen: dict[int, Event] = {}
    waiting = [event]
    while waiting:
        each = waiting.pop()
        if each.number in seen or each.given:
            continue
        seen[each.number] = each
        if each is event or not _known(each.value, right, close):
            waiting.extend(each.inputs)
    return [seen[number] for number in sorted(seen)]


def _known(value: Array, right: Sequence[Array], close: float) -> bool:
    return any(alike(value, each, close) for each in right)
