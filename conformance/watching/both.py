"""The same code on floats and on balls: its operations one beside the other, and put right.

Left out: which of the operations lost what (`digits.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_balls, to_exact
from conformance.watching.events import NARROWING, Event
from conformance.watching.recording import Recording
from reference.step import Array

POWERS = ("square", "sqrt", "reciprocal")  # which NumPy makes of ** on floats alone

Lift = Callable[[Array], Array]
Run = Callable[[Recording, Lift], object]
"""Runs somebody's code under a recording, on what `Lift` makes of floats; the same each time."""


def both(run: Run) -> tuple[list[Event], list[Array | None]]:
    """The events of a run on floats, and the balls of each, to where a run on balls parts from it.

    Balls are None for what holds no floats.

    Raises:
        ArithmeticError, TypeError: the code does not run on balls.
    """
    floats, exact = Recording(), Recording()
    run(floats, np.array)
    run(exact, to_exact)
    found: list[Array | None] = []
    waiting = iter(exact.events)
    for event in floats.events:
        if event.operation == NARROWING:  # a run on balls has none: the numbers stay what they are
            before = found[event.inputs[0].number] if event.inputs else None
            fits = before is not None and before.shape == event.value.shape
            found.append(before if fits else None)
            continue
        other = next(waiting, None)
        if other is None or _kind(other) != _kind(event):
            break
        found.append(_balls(other) if event.value.dtype.kind == "f" else None)
    return floats.events[: len(found)], found


def _kind(event: Event) -> tuple[Any, ...]:
    """What the same operation has in common on floats and on balls."""
    operation = "power" if event.operation in POWERS else event.operation
    return operation, event.frames, event.value.shape


def _balls(event: Event) -> Array | None:
    try:
        return to_balls(event.value)
    except TypeError:  # the entries of np.empty are None until they are written
        return None


class PutRight(Recording):
    """A run on floats in which some operations give what they should."""

    def __init__(self, right: Sequence[Array | None], until: int, also: frozenset[int]) -> None:
        """Put right the results of the first operations.

        Args:
            right: what each event should give, as floats; None where that is not known.
            until: the number of the last event that is put right.
            also: the numbers of later ones.
        """
        super().__init__()
        self.right, self.until, self.also = right, until, also

    def result(self, value: Any) -> Any:
        """What the operation that was just done is taken to have computed."""
        number = len(self.events)
        chosen = number < len(self.right) and (number <= self.until or number in self.also)
        right = self.right[number] if chosen else None
        if right is None or right.shape != np.shape(value):
            return value
        return right.copy() if isinstance(value, np.ndarray) else right[()]
