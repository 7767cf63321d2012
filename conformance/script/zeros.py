"""Dicts that an object fills while it runs, filled with zeros before: `self.s.get(k, 0.0)`.

A number of Python leaves no trace, and an array of zeros does. Left out: whether that changes what
the object does (`moved.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.shapes.state import is_floats
from conformance.tracing.trace import Trace

Shapes = tuple[dict[Any, tuple[int, ...]], ...]
"""Of the arrays in each dict, by their keys."""


class Dicts:
    """The dicts of some objects that are empty at first."""

    def __init__(self, objects: Sequence[Any]) -> None:
        held = (each for one in objects for each in getattr(one, "__dict__", {}).values())
        self.found = [each for each in held if type(each) is dict and not each]

    def fill(self, shapes: Shapes, trace: Trace) -> None:
        """Put zeros into them."""
        for each, own in zip(self.found, shapes, strict=False):
            each |= {key: trace.given(np.zeros(shape), f"{key}") for key, shape in own.items()}

    def shapes(self) -> Shapes:
        """What they hold by now."""
        return tuple(
            {key: np.shape(value) for key, value in each.items() if is_floats(value)}
            for each in self.found
        )
