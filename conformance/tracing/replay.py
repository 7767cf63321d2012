"""A trace evaluated again on balls: the same operations, in the same order, from the same inputs.

A number that came in untraced is a constant. What has no exact counterpart (a cast to integers,
`round`, a function that takes floats alone) keeps the value that it had in floats, and whatever is
computed from it is inexact: there floats decide. A comparison keeps its outcome.

Left out: recording (`trace.py`), and what is decided (`subjects/searched.py`).
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.arithmetic.exact import Exact, LeftExactError, to_balls, to_exact
from conformance.tracing.node import Node, joined, substituted
from conformance.tracing.special import expit
from conformance.tracing.substitute import exact_math
from conformance.tracing.trace import Trace
from reference.step import Array

CHOICES = ("argmax", "argmin", "argsort", "nonzero", "argwhere", "flatnonzero", "searchsorted")
"""Operations that give places: they are the same in any arithmetic."""


PRODUCTS = ("matmul", "dot")
"""Operations that are sums of products."""


def _logaddexp(a: Any, b: Any) -> Any:
    return np.log(np.exp(to_exact(a)) + np.exp(to_exact(b)))  # one may be a float


def _unrounded(x: Any, *_: Any, **__: Any) -> Any:
    return x


EXACTLY: dict[str, Callable[..., Any]] = {"expit": expit, "logaddexp": _logaddexp}
"""What does the same to exact numbers, where NumPy does not do it to objects."""

LEAST = 100  # bits

ROUNDINGS = ("round", "around", "round_", "rint", "astype")
"""Operations that round: their result stands for what they are given, and floats judge it.

A cast does so if it is to floats that are narrower than those the program was given.
"""


class Replay:
    """The values of a trace on balls, at the precision in force.

    Attributes:
        trace: the run.
        inexact: why the value of a node is what it was in floats, by the node's number.
        leaves: what the operations do that floats have to judge, by the number of the node: those
            that round on purpose, narrow, or have no exact counterpart.
        rounded: the numbers of the nodes that round on purpose, or narrow, and of what is computed
            from them: their values are those before it, and what they are worth floats decide.
    """

    def __init__(
        self, trace: Trace, given: Mapping[int, Array] | None = None, *, reshaped: bool = False
    ) -> None:
        """Evaluate nothing yet.

        Args:
            trace: the run.
            given: values of nodes that are put in the place of their own, by their numbers.
            reshaped: whether these may have other shapes, and what is computed from them.
        """
        self.trace, self._reshaped = trace, reshaped
        self.inexact: dict[int, str] = {}
        self.leaves: dict[int, str] = {}
        self.rounded: set[int] = set()
        self._values: dict[int, Any] = dict(given or {})
        self._in_order = not given  # what a known value was computed from is known too
        self._width = min(
            (each.value.dtype.itemsize for each in trace.nodes if each.given), default=0
        )

    def with_others(self, given: Mapping[int, Array]) -> "Replay":
        """The same run with other values of some nodes; what these do not reach is known."""
        other, changed = Replay(self.trace, given), reduce(or_, (1 << each for each in given))
        kept = {n for n in self._values if not self.trace.nodes[n].uses & changed}
        other._values |= {n: self._values[n] for n in kept}
        other.inexact |= {n: why for n, why in self.inexact.items() if n in kept}
        other.leaves |= {n: why for n, why in self.leaves.items() if n in kept}
        other.rounded |= self.rounded & kept
        return other

    def value(self, node: Node) -> Any:
        """The exact value of a node: an array of `Exact`, or of the kind that it had."""
        if node.number not in self._values:
            self._evaluate(node)
        return self._values[node.number]

    def exact(self, node: Node) -> bool:
        """Whether the value of a node is exact."""
        self.value(node)
        return node.number not in self.inexact

    def goes(self, node: Node) -> bool:
        """Whether balls tell what a value is worth: it is exact, and not rounded on purpose."""
        return self.exact(node) and node.number not in self.rounded

    def _evaluate(self, wanted: Node) -> None:
        values = self._values
        alone = self._in_order and all(each.number in values for each in wanted.inputs)
        with np.errstate(all="ignore"):
            for node in [wanted] if alone else self.trace.nodes[: wanted.number + 1]:
                if node.number not in values and wanted.depends_on(node):
                    values[node.number] = self._computed(node)

    def _computed(self, node: Node) -> Any:
        if node.function is None:
            return _lifted(node.value)
        if isinstance(node.value, np.ndarray | np.generic) and node.value.dtype.kind in "biuUS":
            self._note_choice(node)
            return node.value
        for each in node.inputs:
            if each.number in self.inexact:
                self.inexact[node.number] = self.inexact[each.number]
        rounds = self._rounds(node)
        if rounds:
            self.leaves[node.number] = f"{node.operation} to {node.value.dtype}"
        if rounds or any(each.number in self.rounded for each in node.inputs):
            self.rounded.add(node.number)
        unrounded = _unrounded if node.operation in ROUNDINGS else node.function
        function = EXACTLY.get(node.operation, unrounded)
        try:
            result = self._evaluated(node, function)
        except (TypeError, AttributeError, ValueError, ArithmeticError, IndexError) as error:
            self._leave(node, f"{node.operation}: {error}")
            return _lifted(node.value)
        if not _known(result):
            self._leave(node, f"{node.operation}: too large, or known to too few digits")
            return _lifted(node.value)
        return result

    def _evaluated(self, node: Node, function: Callable[..., Any]) -> Any:
        args = [substituted(each, self._operand) for each in node.args]
        kwargs = {key: substituted(each, self._operand) for key, each in node.kwargs.items()}
        return _shaped(joined(_called(function, args, kwargs)), node, reshaped=self._reshaped)

    def _leave(self, node: Node, why: str) -> None:
        self.inexact[node.number] = self.leaves[node.number] = why

    def _rounds(self, node: Node) -> bool:
        """Whether it rounds on purpose, or to narrower floats than those that were given."""
        dtype = getattr(node.value, "dtype", None)
        if dtype is None or dtype.kind != "f":
            return False
        if node.operation in ROUNDINGS and node.operation != "astype":
            return True
        return dtype.itemsize < self._width and any(
            getattr(each.value, "dtype", dtype).itemsize > dtype.itemsize for each in node.inputs
        )

    def _operand(self, node: Node) -> Any:
        """The value of a node as an argument: a single number is no array."""
        value = self._values[node.number]
        return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value

    def _note_choice(self, node: Node) -> None:
        outcome = node.value.dtype.kind == "b" or node.operation in CHOICES
        if not outcome:
            self._leave(node, f"{node.operation} to {node.value.dtype}")


def _called(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    if getattr(function, "__name__", "") in PRODUCTS and not kwargs and all(map(_is_exact, args)):
        return function(*map(to_balls, args))  # the same sums, without an object for each term
    try:
        return function(*args, **kwargs)
    except LeftExactError:
        if not isinstance(function, np.ufunc):
            raise
        with exact_math():  # a function of the program itself, which NumPy calls for each number
            return function(*args, **kwargs)


def _is_exact(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.hasobject and value.size > 0


def _known(value: Any) -> bool:
    """Whether numbers are known to so many bits that no others are equal to them by chance."""
    if isinstance(value, tuple | list):
        return all(map(_known, value))
    numbers = value.flat if isinstance(value, np.ndarray) and value.dtype.hasobject else ()
    balls = (each.ball for each in numbers if type(each) is Exact)
    return all(
        each.rel_accuracy_bits() > LEAST or each.is_exact() or each.abs_upper() < 2.0**-LEAST
        for each in balls
    )


def _lifted(value: Any) -> Any:
    """Floats as exact numbers; anything else as it is."""
    if isinstance(value, tuple | list):
        return type(value)(map(_lifted, value))
    array = np.asarray(value)
    return to_exact(array) if array.dtype.kind == "f" else array


def _shaped(result: Any, node: Node, *, reshaped: bool = False) -> Any:
    """The result of an operation as an array of exact numbers of the shape that it had."""
    if isinstance(node.value, tuple | list):
        return result
    array = np.empty((), dtype=object) if isinstance(result, Exact) else np.asarray(result)
    if isinstance(result, Exact):
        array[()] = result
    if array.shape != node.value.shape and not reshaped:
        raise ValueError(f"shape {array.shape}, {node.value.shape} in floats")
    if not array.dtype.hasobject or any(type(each) is not Exact for each in array.flat):
        array = to_exact(array)
    return array
