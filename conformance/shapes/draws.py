"""The generators of random numbers of a program, and what they draw, drawn again."""

import random
from collections.abc import Iterator, Sequence
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.shapes.attempts import Attempt

Drawing = np.random.Generator | np.random.RandomState | random.Random
MOST = 2000
"""The objects of a program in which generators are looked for."""


def seed() -> None:
    """Let `np.random` and `random` begin as they always do: a verdict is the same each time."""
    np.random.seed(0)  # noqa: NPY002 - the program's own random numbers
    random.seed(0)


class Draws:
    """The generators that some objects hold, and those of `np.random` and `random`.

    Attributes:
        any: whether objects hold some; those of the modules are always there.
    """

    def __init__(self, objects: Sequence[Any]) -> None:
        """Note in which state each is."""
        self._found = [(each, _state(each)) for each in _generators(objects)]
        self._modules = np.random.get_state(), random.getstate()  # noqa: NPY002 - the program's
        self.any = bool(self._found)

    def again(self) -> None:
        """Put each back into the state that was noted."""
        np.random.set_state(self._modules[0])  # noqa: NPY002 - the program's own
        random.setstate(self._modules[1])
        for each, state in self._found:
            if isinstance(each, np.random.Generator):
                each.bit_generator.state = state
            elif isinstance(each, np.random.RandomState):
                each.set_state(state)
            else:
                each.setstate(state)


def held(run: Attempt) -> list[Any]:
    """What a run holds in which generators may be."""
    return [*run.roots.values(), vars(run.plan.module)]


def _state(drawing: Drawing) -> Any:
    if isinstance(drawing, np.random.Generator):
        return drawing.bit_generator.state
    return drawing.get_state() if isinstance(drawing, np.random.RandomState) else drawing.getstate()


def _generators(objects: Sequence[Any]) -> Iterator[Drawing]:
    """Those that objects hold, also in what they hold."""
    seen, left = set[int](), [*objects]
    while left and len(seen) < MOST:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Drawing):
            yield each
        elif isinstance(each, dict):
            left += (e for name, e in each.items() if name != "__builtins__")
        elif isinstance(each, list | tuple):
            left += each
        elif not isinstance(each, np.ndarray | type | ModuleType | FunctionType):
            left += getattr(each, "__dict__", {}).values()
