"""A recorded operation as a function of its operands.

Left out: its derivative (`derive.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.tracing.node import FILLED, Node, part_of, substituted

MOVES = frozenset(
    {
        "getitem", FILLED, "reshape", "ravel", "flatten", "transpose", "swapaxes", "moveaxis",
        "rollaxis", "squeeze", "expand_dims", "diagonal", "diag", "diagflat", "repeat", "tile",
        "take", "take_along_axis", "flip", "fliplr", "flipud", "roll", "rot90", "broadcast_to",
        "concatenate", "vstack", "hstack", "stack", "column_stack", "dstack", "block", "append",
        "array", "asarray", "asanyarray", "ascontiguousarray", "fromiter", "copy", "atleast_1d",
        "atleast_2d", "atleast_3d", "where", "choose", "select", "compress", "copyto", "put",
        "place", "putmask", "fill_diagonal", "put_along_axis", "pad", "split", "array_split",
        "hsplit", "vsplit", "sliding_window_view", "as_strided", "astype", "tril", "triu",
        "insert", "delete", "positive", "conj", "conjugate", "real", "unstack", "broadcast_arrays",
        "matrix_transpose", "permute_dims", "concat", "resize", "taken", "returned",
    }
)  # fmt: skip
"""Operations that move numbers and compute none."""


@dataclass(eq=False)
class Operation:
    """A recorded operation as a function of some of its operands.

    Attributes:
        node: what it computed.
        inputs: the operands that are floats.
        function: of the arrays in the place of the inputs.
        args: with nodes in the place of the inputs.
        kwargs: the same by their names.
    """

    node: Node
    inputs: tuple[Node, ...]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def at(self, arrays: Sequence[Any], values: Callable[[Node], Any]) -> Any:
        """Its result with other arrays in the place of the inputs."""
        instead = dict(zip((each.number for each in self.inputs), arrays, strict=True))

        def lookup(node: Node) -> Any:
            return instead[node.number] if node.number in instead else values(node)

        args = [substituted(each, lookup) for each in self.args]
        kwargs = {key: substituted(each, lookup) for key, each in self.kwargs.items()}
        made = self.function(*args, **kwargs)
        shape = np.shape(self.node.value)
        if self.node.replaces is not None and isinstance(made, np.ndarray | np.generic):
            return made if made.shape == shape else np.broadcast_to(made, shape)
        return made


def is_float(node: Node) -> bool:
    """Whether a node holds floats."""
    return isinstance(node.value, np.ndarray | np.generic) and node.value.dtype.kind == "f"


def operation(node: Node) -> Operation | None:
    """What computed a node, of its float operands; None for what nothing computed."""
    if node.function is None or not is_float(node):
        return None
    if node.function is part_of:  # one of several results: of what was given to the whole
        whole, i = node.args
        inner = whole.function

        def part(*args: Any, **kwargs: Any) -> Any:
            return inner(*args, **kwargs)[i]

        inputs = tuple(each for each in whole.inputs if is_float(each))
        return Operation(node, inputs, part, whole.args, whole.kwargs)
    inputs = tuple(each for each in node.inputs if is_float(each))
    return Operation(node, inputs, node.function, node.args, node.kwargs)
