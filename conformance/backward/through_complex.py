"""Real values that are computed through complex ones, such as by `np.fft`, each as one operation.

Left out: its derivative (`derive.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, substituted


@dataclass(frozen=True, eq=False)
class Composed:
    """A real value as a function of the real values that the complex ones before it are made of.

    Attributes:
        node: the value.
        between: the complex values, in the order of time.
        inputs: the real values.
    """

    node: Node
    between: tuple[Node, ...]
    inputs: tuple[Node, ...]

    def __call__(self, *arrays: Any) -> Any:
        """The value, of other arrays in the place of the inputs."""
        return self.computed(arrays, lambda each: (each.function, each.kwargs))

    def computed(self, arrays: Sequence[Any], by: Callable[[Node], Any]) -> Any:
        """The same by other functions, each with its options."""
        now = dict(zip((each.number for each in self.inputs), arrays, strict=True))

        def lookup(each: Node) -> Any:
            return now.get(each.number, each.value)

        for each in (*self.between, self.node):
            function, kwargs = by(each)
            args = [substituted(arg, lookup) for arg in each.args]
            options = {key: substituted(arg, lookup) for key, arg in kwargs.items()}
            now[each.number] = function(*args, **options)
        return now[self.node.number]


def composed(node: Node) -> Composed | None:
    """A real value through complex ones; None if none of its operands is complex."""
    ends = [each for each in node.inputs if _kind(each) == "c"]
    if not ends:
        return None
    way = walk(ends, lambda each: [e for e in each.inputs if _kind(e) == "c"])
    between = sorted((e for e in way if e.function is not None), key=lambda each: each.number)
    inputs = (e for each in (*between, node) for e in each.inputs if _kind(e) == "f")
    return Composed(node, tuple(between), tuple(dict.fromkeys(inputs)))


def _kind(node: Node) -> str:
    return np.asarray(node.value).dtype.kind
