"""What an object fills while it runs, filled with zeros before: `self.s.get(k, 0.0)`, `self.v = 0`.

A number of Python leaves no trace, and an array of zeros does. Left out: whether that changes what
the object does (`moved.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.shapes.held_state import is_floats
from conformance.tracing.trace import Trace

Shapes = tuple[dict[Any, tuple[int, ...]], ...]
"""Of the arrays in each dict, by their keys."""


class Dicts:
    """The dicts of some objects that are empty at first, and their own attributes that are 0."""

    def __init__(self, objects: Sequence[Any]) -> None:
        own = [getattr(each, "__dict__", {}) for each in objects]
        empty = [e for held in own for e in held.values() if type(e) is dict and not e]
        self.found = [(each, None) for each in empty] + [(held, _zeros(held)) for held in own]

    def fill(self, shapes: Shapes, trace: Trace) -> None:
        """Put zeros into them."""
        for (each, _), own in zip(self.found, shapes, strict=False):
            each |= {key: trace.given(np.zeros(shape), f"{key}") for key, shape in own.items()}

    def shapes(self) -> Shapes:
        """What they hold by now."""
        return tuple(
            {
                k: np.shape(e)
                for k, e in each.items()
                if is_floats(e) and (keys is None or k in keys)
            }
            for each, keys in self.found
        )


def _zeros(held: dict[str, Any]) -> set[str]:
    """The attributes that are a number of 0, which may become arrays."""
    return {key for key, each in held.items() if type(each) in (int, float) and not each}
