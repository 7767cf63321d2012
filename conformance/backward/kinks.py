"""Operations that choose among numbers, where the sample gives them equal ones.

There the loss has a kink, and any slope between those on both sides is right: the share that each
of the equal numbers gets is a choice. Left out: trying the choices (`judge_gradients.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.rules import Derivative, Elementwise
from conformance.backward.source import Operation
from conformance.tracing.node import Node
from reference.step import Array

OF_TWO = ("maximum", "minimum", "fmax", "fmin")
OF_MANY = ("max", "amax", "min", "amin", "maximum.reduce", "minimum.reduce")
OF_ONE = ("absolute", "abs", "fabs")
"""An absolute value is the larger of a number and its negative, and has a kink where they are 0."""
COMPARISONS = ("greater", "less", "greater_equal", "less_equal")

Values = Callable[[Node], Any]


class OfTwo(Elementwise):
    """The derivative of `maximum` or `minimum` where some operands are equal."""

    def __init__(self, made: Operation, values: Values, ties: float) -> None:
        one, other = _operands(made.node, values)
        larger = made.node.operation in ("maximum", "fmax")
        first = np.greater(one, other) if larger else np.less(one, other)
        share = np.where(np.equal(one, other), ties, first.astype(np.float64))
        share = np.broadcast_to(share, np.shape(made.node.value))
        super().__init__(replace(made, args=made.args[:2]), [share, 1 - share])


class OfOne(Elementwise):
    """The derivative of an absolute value where some numbers are 0."""

    def __init__(self, made: Operation, values: Values, ties: float) -> None:
        value = values(made.inputs[0])
        slope = np.where(np.equal(value, 0), 2 * ties - 1, np.sign(value))
        super().__init__(replace(made, args=made.args[:1]), [slope])


class OfMany(Derivative):
    """The derivative of `max` or `min` along axes where some numbers are equal."""

    def __init__(self, made: Operation, values: Values, ties: float) -> None:
        self.axes, equal = _equal(made.node, values)
        self.shape, self.kept = np.shape(made.node.value), equal.any(self.axes, keepdims=True).shape
        axes = self.axes
        count = equal.sum(axis=axes, keepdims=True)
        order = _along(equal, axes)
        chosen = {0.5: equal / count, 1.0: order == 1, 0.0: order == count}[ties]
        self.share = np.asarray(np.where(equal, chosen, 0.0), dtype=np.float64)

    def pull(self, cotangent: Array) -> list[Array | None]:
        """What the result gets, shared among the equal numbers."""
        return [np.reshape(cotangent, self.kept) * self.share]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """The shares of the equal numbers' tangents."""
        (tangent,) = tangents
        total = np.sum(self.share * (0.0 if tangent is None else tangent), axis=self.axes)
        return np.asarray(total).reshape(self.shape)


def _along(equal: Array, axes: tuple[int, ...]) -> Array:
    """The how-manieth of the equal numbers each is, in the order of the axes."""
    moved = np.moveaxis(equal, axes, range(len(axes)))
    flat = moved.reshape(-1, *moved.shape[len(axes) :])
    return np.moveaxis(np.cumsum(flat, axis=0).reshape(moved.shape), range(len(axes)), axes)


def _equal(node: Node, values: Values) -> tuple[tuple[int, ...], Array]:
    """The axes of a reduction, and which of its numbers are equal to the result."""
    array = np.asarray(values(node.args[0]) if type(node.args[0]) is Node else node.args[0])
    default = 0 if node.operation.endswith(".reduce") else None
    axis = node.kwargs.get("axis", node.args[1] if len(node.args) > 1 else default)
    some = range(array.ndim) if axis is None else np.atleast_1d(axis)
    axes = tuple(int(each) % array.ndim for each in some)
    extreme = np.min if "min" in node.operation else np.max
    initial = {name: node.kwargs[name] for name in ("initial",) if name in node.kwargs}
    return axes, np.asarray(array == extreme(array, axis=axes, keepdims=True, **initial))


def _operands(node: Node, values: Values) -> Iterator[Any]:
    return (values(each) if type(each) is Node else each for each in node.args[:2])


def kinked(made: Operation, values: Values, ties: float) -> Derivative | None:
    """The derivative of an operation that chooses among equal numbers; None if it does not.

    Args:
        made: the operation.
        values: of its operands.
        ties: 0.5 for equal shares, 1 if the first of the equal numbers gets all, 0 if the last.
    """
    if made.node.operation in COMPARISONS or not tied(made.node, values):
        return None
    operation = made.node.operation
    kind = OfOne if operation in OF_ONE else OfTwo if operation in OF_TWO else OfMany
    return kind(made, values, ties)


def tied(node: Node, values: Values) -> bool:
    """Whether an operation that chooses among numbers is given equal ones."""
    if node.operation in OF_ONE:
        return bool(np.any(np.equal(values(node.inputs[0]), 0)))
    if node.operation in (*OF_TWO, *COMPARISONS):
        one, other = _operands(node, values)
        return bool(np.any(np.equal(one, other)))
    if node.operation not in OF_MANY or len(node.inputs) != 1 or "where" in node.kwargs:
        return False
    axes, equal = _equal(node, values)
    return bool(np.any(equal.sum(axis=axes) > 1))


def turned(node: Node, values: Values) -> Array:
    """What a comparison gives if equal numbers are taken for the other side."""
    one, other = _operands(node, values)
    return np.asarray(np.logical_xor(node.value, np.equal(one, other)))


def own_share(kinks: Iterable[Node]) -> float | None:
    """What the first of equal numbers gets where the program itself compares them; None if nowhere.

    As by `z > 0` beside `maximum(z, 0)`.
    """
    chosen = (each for each in kinks if each.operation in OF_TWO)
    return next((e for kink in chosen for e in _compared(kink)), None)


def _compared(kink: Node) -> Iterator[float]:
    """What the first operand gets, by each comparison of the same two."""
    larger = kink.operation in ("maximum", "fmax")
    for place, each in enumerate(kink.args[:2]):
        for user in each.consumers if type(each) is Node else ():
            if user.operation in COMPARISONS and _is_same(user.args, kink.args[:2], each):
                left = user.args[0] is each
                for_it = user.operation.startswith("greater") == (left == larger)
                gets_all = user.operation.endswith("equal") == for_it
                yield float(gets_all == (place == 0))


def _is_same(some: Sequence[Any], others: Sequence[Any], one: Node) -> bool:
    """Whether two pairs of operands are the same, of which one is known to be in each."""
    pair = [next((e for e in each if e is not one), one) for each in (some, others)]
    if pair[0] is pair[1]:
        return True
    first, second = (np.asarray(each.value if type(each) is Node else each) for each in pair)
    return first.size == 1 and bool(np.all(first == second))
