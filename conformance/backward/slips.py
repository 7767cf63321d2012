"""Slips at one operation, undone: another operator, axis, number, order or index.

Left out: other operands (`changes.py`).
"""

import ast
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from conformance.backward.change import (
    LIKELY,
    PLAIN,
    POSSIBLE,
    SURE,
    Change,
    Others,
    Rule,
    call,
    candidates,
    just,
    own,
    shapes,
    with_number,
)
from conformance.backward.findings import Line
from conformance.backward.groups import Group
from conformance.backward.source import expression, is_float, operand_name, operands
from conformance.tracing.node import FILLED, Node

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
}  # fmt: skip
OPERATOR_COSTS = {
    ("add", "subtract"): SURE, ("subtract", "add"): SURE, ("divide", "multiply"): SURE,
    ("multiply", "divide"): PLAIN,  # the chain rule has products
}  # fmt: skip
SIGNS = {"add": "+", "subtract": "−", "multiply": "×", "divide": "/"}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "tanh": np.tanh, "absolute": np.absolute, "sign": np.sign, "log": np.log,
    "square": np.square, "sqrt": np.sqrt, "negative": np.negative, "reciprocal": np.reciprocal,
}  # fmt: skip
EXTREMES: dict[str, Callable[..., Any]] = {"maximum": np.maximum, "minimum": np.minimum}
REDUCTIONS = ("sum", "mean", "max", "min", "prod")
COMPARISONS: dict[str, Callable[..., Any]] = {
    "greater": np.greater, "less": np.less, "greater_equal": np.greater_equal,
    "less_equal": np.less_equal, "equal": np.equal, "not_equal": np.not_equal,
}  # fmt: skip
PLACES = ("left operand", "right operand")
PRODUCTS, EQUAL = ("matmul", "dot"), ("equal", "not_equal")


def of_constant(node: Node) -> Iterator[Change]:
    """Of an array that is made of zeros or of ones: the other; another number is one of data."""
    has = np.ravel(node.value)[0]
    if has in (0.0, 1.0):
        yield Change("constant", f"{has:g}", f"{1 - has:g}", _full(1 - has), SURE)


def _full(number: float) -> Rule:
    return lambda node, _, __: np.full(node.value.shape, number)


def of_start(group: Group) -> Iterator[Change]:
    """Of a sum that is put together in a loop: nothing to begin with, or after each use of it."""
    node = group.first
    if node.operation != "add" or len(node.args) != 2:  # noqa: PLR2004
        return
    numbers = {each.number for each in group.nodes}

    def rule(each: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        before = each.args[0]
        carried = type(before) is Node and any(before.uses >> n & 1 for n in numbers)
        return own(each, args, kwargs) if carried else np.asarray(args[1])

    def anew(each: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        used = type(each.args[0]) is Node and each.args[0].number in ends
        return np.asarray(args[1]) if used else own(each, args, kwargs)

    yield Change("start", "", "0", rule, SURE, place=0)
    ends = {e.number for e in group.nodes if any(u.number not in numbers for u in e.consumers)}
    if 1 < len(ends) < len(numbers):
        yield Change("start", "", "0 after each use of it", anew, SURE, place=0)


def of_operator(node: Node) -> Iterator[Change]:
    """Another operator or function, or none."""
    name = node.operation
    if name in OPERATORS and len(node.args) == 2:  # noqa: PLR2004
        if name in ("subtract", "divide"):
            cost = PLAIN if any(type(each) is not Node for each in node.args) else SURE
            yield Change("order", "", "", lambda n, a, k: own(n, a[::-1], k), cost)
        for other, function in OPERATORS.items():
            if other != name:
                cost = OPERATOR_COSTS.get((name, other), LIKELY)
                yield Change("operator", SIGNS[name], SIGNS[other], call(function), cost)
        kinds = [e.value.dtype.kind if type(e) is Node else "" for e in node.args]  # b of masks
        yield Change("extra", "right", "", just(0), POSSIBLE if kinds[1] == "b" else SURE)
        yield Change("extra", "left", "", just(1), POSSIBLE if kinds[0] == "b" else SURE)
    for family, cost in ((FUNCTIONS, POSSIBLE), (EXTREMES, SURE)):
        for other, function in family.items() if name in family else ():
            if other != name:
                yield Change("function", name, other, call(function), cost)
    if name in FUNCTIONS:
        yield Change("extra", name, "", just(0), SURE)


def of_squares(node: Node) -> Iterator[Change]:
    """An operand of which the square is needed, as a² in the derivative of tanh."""
    if node.operation not in OPERATORS:
        return
    for i, arg in enumerate(node.args):
        if type(arg) is Node and is_float(arg) and _has_several(arg.value):
            written = [f"({ast.unparse(each)})" for each in operands(node)[i : i + 1]]
            name = operand_name(node, i) or next(iter(written), PLACES[i])
            yield Change("function", name, f"{name}²", _squared(i), PLAIN)


def _has_several(value: Any) -> bool:
    """Whether the numbers of an array are not all the same."""
    return value.size > 1 and bool(np.any(value != value.flat[0]))


def _squared(place: int) -> Rule:
    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        square = np.square(np.asarray(args[place]))
        return own(node, [*args[:place], square, *args[place + 1 :]], kwargs)

    return rule


def of_numbers(node: Node) -> Iterator[Change]:
    """Another number in the place of one that stands in the program."""
    if node.operation not in (*OPERATORS, *EXTREMES, "power"):
        return
    for i, arg in enumerate(node.args):
        if type(arg) is Node and (arg.function is not None or arg.given or arg.value.ndim):
            continue
        has = arg.value.item() if type(arg) is Node else arg
        if isinstance(has, int | float | np.number):
            for number in sorted({0, 1, -1, 2, has + 1, has - 1, 1 - has, 2 * has, has / 2}):
                if number != has:
                    made = with_number(i, number)
                    cost = PLAIN if number in (0, 1) else LIKELY
                    yield Change("constant", f"{has:g}", f"{number:g}", made, cost, place=i)


def of_powers(node: Node) -> Iterator[Change]:
    """Another power in the place of the square that NumPy computes for `a ** 2`."""
    power = expression(node) if node.operation == "square" else None
    if isinstance(power, ast.BinOp):
        for number in (-2, 0.5, 3, 4):
            made = call(lambda a, n=number: np.power(a, n))
            yield Change("constant", "2", f"{number:g}", made, LIKELY, place=1)


def of_product(node: Node) -> Iterator[Change]:
    """A product with an operand transposed, or in the other order."""
    if node.operation not in PRODUCTS or len(node.args) != 2:  # noqa: PLR2004
        return
    yield Change("transpose", "left", "", lambda n, a, k: own(n, [_t(a[0]), a[1]], k), SURE)
    yield Change("transpose", "right", "", lambda n, a, k: own(n, [a[0], _t(a[1])], k), SURE)
    yield Change("order", "", "", lambda n, a, k: own(n, a[::-1], k), SURE)
    yield Change("transpose", "both", "", lambda n, a, k: own(n, [_t(e) for e in a], k), LIKELY)
    yield Change("transpose", "result", "", lambda n, a, k: _t(own(n, a, k)), LIKELY)
    yield Change("operator", "@", "×", lambda _, a, __: np.multiply(a[0], a[1]), LIKELY)


def _t(array: Any) -> Any:
    return np.swapaxes(array, -1, -2) if np.ndim(array) > 1 else array


def of_reduction(node: Node) -> Iterator[Change]:
    """Another axis, or another reduction."""
    plain = {"add.reduce": "sum", "maximum.reduce": "max", "amax": "max", "amin": "min"}.get(
        node.operation, node.operation
    )
    if plain not in REDUCTIONS or not node.args or type(node.args[0]) is not Node:
        return
    axis = node.kwargs.get("axis", node.args[1] if len(node.args) > 1 else None)
    keep = bool(node.kwargs.get("keepdims", False))
    for other in dict.fromkeys((plain, "sum", "mean")):
        for axes in _axes(node.args[0].value.ndim):
            if other == plain and axes != axis:
                made = _reduce(other, axes, node.value.shape, keep=keep)
                yield Change("axis", str(axis), str(axes), made, SURE)
            elif other != plain:
                cost = SURE if axes == axis else POSSIBLE
                made = _reduce(other, axes, node.value.shape, keep=keep)
                yield Change("function", plain, other, made, cost)


def _axes(ndim: int) -> Iterator[Any]:
    yield from range(ndim)
    yield None
    if ndim > 2:  # noqa: PLR2004
        yield from (tuple(j for j in range(ndim) if j != i) for i in range(ndim))
    if ndim > 3:  # noqa: PLR2004
        yield from ((i, j) for i in range(ndim) for j in range(i + 1, ndim))


def _reduce(name: str, axis: Any, shape: tuple[int, ...], *, keep: bool) -> Rule:
    """A reduction whose result has the shape that it had, or is spread to it."""

    def rule(_: Node, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        reduced = getattr(np, name if np.size(args[0]) else "sum")  # of no entry there is no mean
        made = np.asarray(reduced(args[0], axis=axis, keepdims=keep))
        pairs = list(zip(made.shape[::-1], shape[::-1], strict=False))
        if made.ndim <= len(shape) and all(n in (1, m) for n, m in pairs):
            return np.array(np.broadcast_to(made, shape))
        return made

    return rule


def of_comparison(node: Node) -> Iterator[Change]:
    """Another comparison, or with another number; an order is not mistaken for an equality."""
    if node.operation not in COMPARISONS:
        return
    for other, function in COMPARISONS.items():
        if other != node.operation and (other in EQUAL) is (node.operation in EQUAL):
            yield Change("comparison", node.operation, other, call(function), SURE)
    for number in (0, 1, 0.5, -1):
        yield Change("constant", "", f"{number:g}", with_number(1, number), LIKELY)


def of_writes(group: Group, others: Others) -> Iterator[Change]:
    """Of a write into an array: added for written, nothing written, other numbers or entries."""
    if group.first.operation != FILLED:
        return
    lines = {Line(e.file, e.line): 0 for n in group.nodes for w in n.writes for e in w[2][:1]}
    for only in lines if len(lines) > 1 else (None,):
        yield Change("added", "=", "+=", _written(np.add, only), SURE, line=only)
        yield Change("extra", "=", "", _written(lambda old, _: old, only), SURE, line=only)
        for number in (0.0, 1.0, -1.0):
            cost = PLAIN if number >= 0 else LIKELY
            made = _written(_filled_with(number), only)
            yield Change("constant", "", f"{number:g}", made, cost, line=only)
        for number in (-1.0, 0.5, 2.0):
            made = _written(_times(number), only)
            yield Change("factor", "", f"{number:g}", made, LIKELY, line=only)
    if all(np.size(v.value if type(v) is Node else v) == 1 for _, v in group.first.args[1]):
        yield Change("mask", "", "the other entries", _where(None), LIKELY)
        for other, nodes in candidates(group, others, shapes(group)):
            for sign in (1, -1):
                made = _where(nodes, sign)
                yield Change("mask", "", ">" if sign > 0 else "<=", made, POSSIBLE, other)


def _filled_with(number: float) -> Callable[[Any, Any], Any]:
    return lambda _, new: np.full(np.shape(new), number)


def _times(number: float) -> Callable[[Any, Any], Any]:
    return lambda _, new: number * new


def _written(function: Callable[[Any, Any], Any], only: Line | None) -> Rule:
    """The same writes of other numbers; only those of a line, if one is given."""

    def rule(node: Node, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        after = np.array(args[0])
        flat = after.reshape(-1)
        for (index, value), (_, _, frames, _) in zip(args[1], node.writes, strict=True):
            at = slice(None) if index is None else index
            here = only is None or any((e.file, e.line) == only for e in frames[:1])
            new = np.broadcast_to(value, np.shape(flat[at]))
            flat[at] = function(flat[at], new) if here else new
        return after

    return rule


def _where(nodes: dict[int, Node] | None, sign: int = 1) -> Rule:
    """The same number written where another array is positive, or is not."""

    def rule(node: Node, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        after = np.array(args[0])
        for index, value in args[1]:
            if nodes is None:
                mask = np.ones(after.size, dtype=bool)
                mask[index] = False
            else:
                mask = (np.ravel(nodes[node.number].value) > 0) == (sign > 0)
            after.reshape(-1)[mask] = value
        return after

    return rule


def of_index(node: Node) -> Iterator[Change]:
    """The entries beside, or no transposition."""
    if node.operation == "transpose" and len(node.args) == 1:
        yield Change("extra", "transpose", "", just(0), SURE)
    if node.operation == "getitem" and len(node.args) == 2:  # noqa: PLR2004
        for by in (1, -1):
            yield Change("index", "", f"{by:+}", _shifted(by), SURE)


def _shifted(by: int) -> Rule:
    def rule(node: Node, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        key = _moved(args[1], by)
        found = np.asarray(args[0])[args[1] if key is None else key]
        if found.shape != node.value.shape:
            raise ValueError("another shape")
        return found

    return rule


def _moved(key: Any, by: int) -> Any:
    """A key whose integers are larger by something, and whose slices are moved."""
    if isinstance(key, tuple):
        parts = tuple(_moved(each, by) for each in key)
        return tuple(key[i] if each is None else each for i, each in enumerate(parts))
    if isinstance(key, int | np.integer):
        return int(key) + by
    if isinstance(key, slice) and (key.start is not None or key.stop is not None):
        start = None if key.start is None else key.start + by
        stop = None if key.stop is None else key.stop + by
        return slice(start, stop, key.step)
    return None
