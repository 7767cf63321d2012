"""The ways in which one operation may differ from the right one: people's mistakes, undone.

Another operator, axis, operand or constant; an operand turned; an operation left out or too many.
Each is applied to all executions of the operation.

Left out: whether it makes the gradients right (`culprit.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.blame import Group, operation_key
from conformance.backward.derive import is_float
from conformance.tracing.trace import FILLED, Node
from reference.step import Array

Rule = Callable[[int, list[Any], dict[str, Any]], Any]
"""What the i-th execution gives, of its arguments."""

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
}  # fmt: skip
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "/"}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "tanh": np.tanh, "absolute": np.absolute, "sign": np.sign, "log": np.log,
    "square": np.square, "sqrt": np.sqrt, "negative": np.negative, "reciprocal": np.reciprocal,
}  # fmt: skip
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "amax", "amin", "std", "var")
COMPARISONS: dict[str, Callable[..., Any]] = {
    "greater": np.greater, "less": np.less, "greater_equal": np.greater_equal,
    "less_equal": np.less_equal, "equal": np.equal, "not_equal": np.not_equal,
}  # fmt: skip
PRODUCTS = ("matmul", "dot")


@dataclass(frozen=True, eq=False)
class Change:
    """Another operation in the place of one.

    Attributes:
        what: is changed: `operator`, `operand`, `constant`, `axis`, `transpose`, `function`,
            `comparison`, `index`, `order`, `extra`, `missing factor`, `missing term`, `added`.
        before: what the program has.
        after: what it has to have.
        rule: computes it.
        cost: how much it takes to believe it.
    """

    what: str
    before: str
    after: str
    rule: Rule
    cost: float


def changes(group: Group, others: Sequence[Group]) -> Iterator[Change]:
    """The changes of an operation.

    Args:
        group: its executions.
        others: of all operations of the run, whose results may have to be its operands.
    """
    node = group.first
    yield from _of_operator(node)
    yield from _of_product(node)
    yield from _of_reduction(node)
    yield from _of_comparison(node)
    yield from _of_writes(node)
    yield from _of_index(node)
    yield from _of_operands(group, others)
    yield from _insertions(group, others)


def _of_operator(node: Node) -> Iterator[Change]:
    name = node.operation
    if name in OPERATORS:
        for other, function in OPERATORS.items():
            if other != name:
                yield Change("operator", SIGNS[name], SIGNS[other], _call(function), 1.0)
        if name in ("subtract", "divide"):
            yield Change("order", "", "", lambda _, a, k, f=node.function: f(a[1], a[0], **k), 1.0)
        yield Change("extra", "right", "", lambda _, a, _k: np.asarray(a[0]), 1.0)
        yield Change("extra", "left", "", lambda _, a, _k: np.asarray(a[1]), 1.0)
    if name in FUNCTIONS:
        for other, function in FUNCTIONS.items():
            if other != name:
                yield Change("function", name, other, _call(function), 1.5)
        yield Change("extra", name, "", lambda _, a, _k: np.asarray(a[0]), 1.0)
    if name in ("maximum", "minimum"):
        other = "minimum" if name == "maximum" else "maximum"
        yield Change("function", name, other, _call(getattr(np, other)), 1.0)


def _call(function: Callable[..., Any]) -> Rule:
    return lambda _, args, kwargs: function(*args, **kwargs)


def _of_product(node: Node) -> Iterator[Change]:
    if node.operation not in PRODUCTS:
        return
    function = node.function
    yield Change("transpose", "left", "", lambda _, a, _k: function(_t(a[0]), a[1]), 1.0)
    yield Change("transpose", "right", "", lambda _, a, _k: function(a[0], _t(a[1])), 1.0)
    yield Change("transpose", "both", "", lambda _, a, _k: function(_t(a[0]), _t(a[1])), 1.2)
    yield Change("order", "", "", lambda _, a, _k: function(a[1], a[0]), 1.0)
    yield Change("transpose", "result", "", lambda _, a, _k: _t(function(a[0], a[1])), 1.2)
    yield Change("operator", "@", "×", lambda _, a, _k: np.multiply(a[0], a[1]), 1.0)


def _t(array: Any) -> Any:
    return np.swapaxes(array, -1, -2) if np.ndim(array) > 1 else array


def _of_reduction(node: Node) -> Iterator[Change]:
    name = node.operation.removesuffix(".reduce")
    plain = {"add": "sum", "maximum": "max"}.get(name, name)
    if plain not in REDUCTIONS or not node.args or type(node.args[0]) is not Node:
        return
    axis = node.kwargs.get("axis", node.args[1] if len(node.args) > 1 else None)
    keep = bool(node.kwargs.get("keepdims", False))
    shape = node.value.shape
    for other in dict.fromkeys((plain, "sum", "mean", "max")):
        for axes in _axes(node.args[0].value.ndim):
            if (other, axes) != (plain, axis):
                what = "axis" if other == plain else "function"
                before, after = (str(axis), str(axes)) if other == plain else (plain, other)
                cost = 1.0 if other == plain or axes == axis else 2.0
                yield Change(what, before, after, _reduce(other, axes, shape, keep=keep), cost)


def _axes(ndim: int) -> Iterator[Any]:
    yield from range(ndim)
    if ndim > 1:
        yield None
    if ndim > 2:  # noqa: PLR2004
        yield from (tuple(j for j in range(ndim) if j != i) for i in range(ndim))
        if ndim > 3:  # noqa: PLR2004
            yield from ((i, j) for i in range(ndim) for j in range(i + 1, ndim))


def _reduce(name: str, axis: Any, shape: tuple[int, ...], *, keep: bool) -> Rule:
    """A reduction whose result has the shape that it had, or is spread to it."""

    def rule(_: int, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        made = np.asarray(getattr(np, name)(args[0], axis=axis, keepdims=keep))
        if made.shape == shape:
            return made
        return np.array(np.broadcast_to(made, shape)) if made.ndim <= len(shape) else made

    return rule


def _of_comparison(node: Node) -> Iterator[Change]:
    if node.operation in COMPARISONS:
        for other, function in COMPARISONS.items():
            if other != node.operation:
                yield Change("comparison", node.operation, other, _call(function), 1.0)
        for constant in (0, 1, 0.5, -1):
            yield Change(
                "constant", "", str(constant),
                lambda _, a, _k, f=node.function, c=constant: f(a[0], c), 1.2,
            )  # fmt: skip


def _of_writes(node: Node) -> Iterator[Change]:
    """Of a write into an array: added for written, nothing written, another number."""
    if node.operation != FILLED:
        return

    def added(_: int, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        before, pairs = args
        after = np.array(before)
        for index, value in pairs:
            flat = after.reshape(-1)
            if index is None:
                after += value
            else:
                flat[index] += value
        return after

    def numbers(number: float) -> Rule:
        def rule(_: int, args: list[Any], _kwargs: dict[str, Any]) -> Any:
            before, pairs = args
            after = np.array(before)
            for index, _value in pairs:
                after.reshape(-1)[... if index is None else index] = number
            return after

        return rule

    def complement(_: int, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        before, pairs = args
        after = np.array(before)
        for index, value in pairs:
            rest = np.setdiff1d(np.arange(after.size), index)
            after.reshape(-1)[rest] = value
        return after

    yield Change("added", "=", "+=", added, 1.0)
    yield Change("extra", "=", "", lambda _, a, _k: np.array(a[0]), 1.0)
    for number in (0.0, 1.0, -1.0):
        yield Change("constant", "", str(number), numbers(number), 1.2)
    if all(np.ndim(value.value if type(value) is Node else value) == 0 for _, value in node.args[1]):
        yield Change("index", "", "the other entries", complement, 1.2)


def _of_index(node: Node) -> Iterator[Change]:
    if node.operation == "transpose" and len(node.args) == 1:
        yield Change("extra", "transpose", "", lambda _, a, _k: np.asarray(a[0]), 1.0)
    if node.operation != "getitem" or len(node.args) != 2:  # noqa: PLR2004
        return
    shape = node.value.shape

    def shifted(by: int) -> Rule:
        def rule(_: int, args: list[Any], _kwargs: dict[str, Any]) -> Any:
            array, key = args
            moved = _shifted(key, by)
            if moved is None:
                raise ValueError("no such index")
            found = np.asarray(array)[moved]
            if found.shape != shape:
                raise ValueError("another shape")
            return found

        return rule

    for by in (1, -1):
        yield Change("index", "", f"{by:+}", shifted(by), 1.0)


def _shifted(key: Any, by: int) -> Any:
    """A key whose integers are larger by something, and whose slices are moved."""
    if isinstance(key, tuple):
        moved = tuple(_shifted(each, by) for each in key)
        return tuple(key[i] if each is None else each for i, each in enumerate(moved))
    if isinstance(key, int | np.integer):
        return int(key) + by
    if isinstance(key, slice) and (key.start is not None or key.stop is not None):
        start = None if key.start is None else key.start + by
        stop = None if key.stop is None else key.stop + by
        return slice(start, stop, key.step)
    return None


def _of_operands(group: Group, others: Sequence[Group]) -> Iterator[Change]:
    """Another value in the place of an operand."""
    for i, arg in enumerate(group.first.args):
        if type(arg) is not Node or not is_float(arg):
            continue
        for other, nodes in _candidates(group, others, arg.value.shape):
            if not all(type(e.args[i]) is Node for e in group.nodes if len(e.args) > i):
                continue
            if all(each is e.args[i] for each, e in zip(nodes, group.nodes, strict=True)):
                continue
            yield Change("operand", _label(arg), _label(other), _operand(group, i, nodes), 1.5)


def _candidates(
    group: Group, others: Sequence[Group], shape: tuple[int, ...]
) -> Iterator[tuple[Node, list[Any]]]:
    """Values of a shape that were there when the operation was executed, one an execution."""
    for other in others:
        if other.first.number >= group.first.number or other.first.value.shape != shape:
            continue
        latest = _latest(group.nodes, other.nodes)
        if latest:
            yield other.first, latest
        n, m = len(group.nodes), len(other.nodes)
        if n > 1 and m > 1:
            for shift in (-1, 0, 1):
                turned = [other.nodes[min(max(m - 1 - t + shift, 0), m - 1)] for t in range(n)]
                if all(a.number < b.number for a, b in zip(turned, group.nodes, strict=True)):
                    yield other.first, turned


def _latest(executions: Sequence[Node], nodes: Sequence[Node]) -> list[Node]:
    """The latest of some values before each execution; none if one has none."""
    found = []
    for each in executions:
        before = [node for node in nodes if node.number < each.number]
        if not before:
            return []
        found.append(before[-1])
    return found


def _operand(group: Group, place: int, nodes: list[Any]) -> Rule:
    function = group.first.function

    def rule(i: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
        given = [*args]
        given[place] = nodes[i].value
        assert function is not None  # noqa: S101 - an operation has one
        return group.nodes[i].function(*given, **kwargs)  # type: ignore[misc]

    return rule


def _insertions(group: Group, others: Sequence[Group]) -> Iterator[Change]:
    """A factor or a term that is missing after the operation."""
    node = group.first
    if not is_float(node):
        return

    def made(function: Callable[..., Any], nodes: list[Any]) -> Rule:
        def rule(i: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
            own = group.nodes[i].function(*args, **kwargs)  # type: ignore[misc]
            return function(own, nodes[i].value)

        return rule

    for other, nodes in _candidates(group, others, node.value.shape):
        label = _label(other)
        yield Change("missing factor", "", label, made(np.multiply, nodes), 3.0)
        if is_float(other):
            yield Change("missing term", "", label, made(np.add, nodes), 3.0)
            yield Change("missing factor", "", f"1/{label}", made(np.divide, nodes), 3.5)
            yield Change("missing term", "", f"−{label}", made(np.subtract, nodes), 3.5)


def _label(node: Node) -> str:
    """The number of a node, for the words to name it by."""
    return f"#{node.number}"


def scaled(group: Group, factor: float, chain_value: Callable[[Node], Any]) -> Change | None:
    """The operation, its result times a number, as a change of its constant if it has one."""

    def rule(i: int, args: list[Any], kwargs: dict[str, Any]) -> Array:
        return np.asarray(factor * group.nodes[i].function(*args, **kwargs))  # type: ignore[misc]

    node = group.first
    if node.operation in ("multiply", "divide"):
        for i, arg in enumerate(node.args):
            value = chain_value(arg) if type(arg) is Node else arg
            if np.ndim(value) == 0 and not (type(arg) is Node and arg.function is not None):
                has = float(value)
                divides = node.operation == "divide" and i == 1
                wants = has / factor if divides else has * factor
                plain = 1.0 if abs(abs(wants) - 1) < 1e-9 else 1.3  # noqa: PLR2004
                return Change("constant", f"{has:g}", f"{wants:g}", rule, plain)
    return Change("missing factor", "", f"{factor:g}", rule, 2.5)


__all__ = ["Change", "changes", "operation_key", "scaled"]
