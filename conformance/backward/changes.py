"""The ways in which one operation may differ from the right one: people's mistakes, undone.

Another operator, axis, operand or constant; an operand turned; an operation left out or too many.
Each is applied to all executions of the operation.

Left out: whether it makes the gradients right (`culprit.py`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.blame import Group
from conformance.backward.derive import is_float
from conformance.tracing.trace import FILLED, Node

Rule = Callable[[Node, list[Any], dict[str, Any]], Any]
"""What an execution gives, of its arguments."""

Others = Mapping[tuple[int, ...], Sequence[Group]]
"""The executions of each operation, by the shape of its result."""

OPERATORS: dict[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
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
PRODUCTS = ("matmul", "dot")
SURE, PLAIN, LIKELY, POSSIBLE, GUESSED = 1.0, 1.1, 1.2, 1.5, 3.0
"""What it takes to believe a change: a slip, 0 or 1, another number, another operand, one more."""


@dataclass(frozen=True, eq=False)
class Change:
    """Another operation in the place of one.

    Attributes:
        what: is changed: `operator`, `operand`, `constant`, `axis`, `transpose`, `function`,
            `comparison`, `mask`, `index`, `order`, `extra`, `factor`, `term`, `added`.
        before: what the program has.
        after: what it has to have.
        rule: computes it.
        cost: how much it takes to believe it.
        other: the operand, factor or term that is needed.
        place: of the operand that is changed.
    """

    what: str
    before: str
    after: str
    rule: Rule
    cost: float
    other: Node | None = None
    place: int | None = None


def changes(group: Group, others: Others) -> Iterator[Change]:
    """The changes of an operation.

    Args:
        group: its executions.
        others: of all operations of the run by shape: their results may have to be its operands.
    """
    node = group.first
    if node.function is None:
        yield from _of_constant(node)
        return
    yield from _of_operator(node)
    yield from _of_numbers(node)
    yield from _of_start(group)
    yield from _of_product(node)
    yield from _of_reduction(node)
    yield from _of_comparison(node)
    yield from _of_writes(group, others)
    yield from _of_index(node)
    yield from _of_operands(group, others)
    yield from _insertions(group, others)


def _own(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What the program's own operation gives."""
    assert node.function is not None  # noqa: S101 - constants are never evaluated
    return node.function(*args, **kwargs)


def _call(function: Callable[..., Any]) -> Rule:
    return lambda _, args, kwargs: function(*args, **kwargs)


def _with(place: int, value: Any) -> Rule:
    """The operation with another number in the place of an operand that is a number."""

    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        arg = node.args[place]
        if type(arg) is Node and (arg.function is not None or arg.value.ndim):
            return _own(node, args, kwargs)  # in another execution it is computed
        return _own(node, [*args[:place], value, *args[place + 1 :]], kwargs)

    return rule


def _just(place: int) -> Rule:
    return lambda _, args, __: np.asarray(args[place])


def _of_constant(node: Node) -> Iterator[Change]:
    """Of an array that is made of one number: another number."""
    has = np.ravel(node.value)[0]
    for number in (0.0, 1.0):
        if has != number:
            yield Change("constant", f"{has:g}", f"{number:g}", _full(number), SURE)


def _full(number: float) -> Rule:
    return lambda node, _, __: np.full(node.value.shape, number)


def _of_start(group: Group) -> Iterator[Change]:
    """Of a sum that is put together in a loop: nothing to begin with."""
    node = group.first
    if node.operation != "add" or len(node.args) != 2:  # noqa: PLR2004
        return
    numbers = {each.number for each in group.nodes}

    def rule(each: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        before = each.args[0]
        carried = type(before) is Node and any(before.uses >> n & 1 for n in numbers)
        return _own(each, args, kwargs) if carried else np.asarray(args[1])

    yield Change("start", "", "0", rule, SURE, place=0)


def _of_operator(node: Node) -> Iterator[Change]:
    name = node.operation
    if name in OPERATORS and len(node.args) == 2:  # noqa: PLR2004
        for other, function in OPERATORS.items():
            if other != name:
                yield Change("operator", SIGNS[name], SIGNS[other], _call(function), SURE)
        if name in ("subtract", "divide"):
            yield Change("order", "", "", lambda n, a, k: _own(n, a[::-1], k), SURE)
        yield Change("extra", "right", "", _just(0), SURE)
        yield Change("extra", "left", "", _just(1), SURE)
    for family, cost in ((FUNCTIONS, POSSIBLE), (EXTREMES, SURE)):
        for other, function in family.items() if name in family else ():
            if other != name:
                yield Change("function", name, other, _call(function), cost)
    if name in FUNCTIONS:
        yield Change("extra", name, "", _just(0), SURE)


def _of_numbers(node: Node) -> Iterator[Change]:
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
                    made = _with(i, number)
                    cost = PLAIN if number in (0, 1) else LIKELY
                    yield Change("constant", f"{has:g}", f"{number:g}", made, cost, place=i)


def _of_product(node: Node) -> Iterator[Change]:
    if node.operation not in PRODUCTS or len(node.args) != 2:  # noqa: PLR2004
        return
    yield Change("transpose", "left", "", lambda n, a, k: _own(n, [_t(a[0]), a[1]], k), SURE)
    yield Change("transpose", "right", "", lambda n, a, k: _own(n, [a[0], _t(a[1])], k), SURE)
    yield Change("order", "", "", lambda n, a, k: _own(n, a[::-1], k), SURE)
    yield Change("transpose", "both", "", lambda n, a, k: _own(n, [_t(e) for e in a], k), LIKELY)
    yield Change("transpose", "result", "", lambda n, a, k: _t(_own(n, a, k)), LIKELY)
    yield Change("operator", "@", "×", lambda _, a, __: np.multiply(a[0], a[1]), LIKELY)


def _t(array: Any) -> Any:
    return np.swapaxes(array, -1, -2) if np.ndim(array) > 1 else array


def _of_reduction(node: Node) -> Iterator[Change]:
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
        made = np.asarray(getattr(np, name)(args[0], axis=axis, keepdims=keep))
        pairs = list(zip(made.shape[::-1], shape[::-1], strict=False))
        if made.ndim <= len(shape) and all(n in (1, m) for n, m in pairs):
            return np.array(np.broadcast_to(made, shape))
        return made

    return rule


def _of_comparison(node: Node) -> Iterator[Change]:
    if node.operation not in COMPARISONS:
        return
    for other, function in COMPARISONS.items():
        if other != node.operation:
            yield Change("comparison", node.operation, other, _call(function), SURE)
    for number in (0, 1, 0.5, -1):
        yield Change("constant", "", f"{number:g}", _with(1, number), LIKELY)


def _of_writes(group: Group, others: Others) -> Iterator[Change]:
    """Of a write into an array: added for written, nothing written, other numbers or entries."""
    if group.first.operation != FILLED:
        return
    yield Change("added", "=", "+=", _written(lambda old, new: old + new), SURE)
    yield Change("extra", "=", "", lambda _, a, __: np.array(a[0]), SURE)
    for number in (0.0, 1.0, -1.0):
        cost = PLAIN if number >= 0 else LIKELY
        yield Change("constant", "", f"{number:g}", _written(_filled_with(number)), cost)
    for number in (-1.0, 0.5, 2.0):
        yield Change("factor", "", f"{number:g}", _written(_times(number)), LIKELY)
    if all(np.size(v.value if type(v) is Node else v) == 1 for _, v in group.first.args[1]):
        yield Change("mask", "", "the other entries", _where(None), LIKELY)
        for other, nodes in candidates(group, others, _shapes(group)):
            for sign in (1, -1):
                made = _where(nodes, sign)
                yield Change("mask", "", ">" if sign > 0 else "<=", made, POSSIBLE, other)


def _filled_with(number: float) -> Callable[[Any, Any], Any]:
    return lambda _, new: np.full(np.shape(new), number)


def _times(number: float) -> Callable[[Any, Any], Any]:
    return lambda _, new: number * new


def _written(function: Callable[[Any, Any], Any]) -> Rule:
    """The same writes of other numbers."""

    def rule(_: Node, args: list[Any], _kwargs: dict[str, Any]) -> Any:
        after = np.array(args[0])
        flat = after.reshape(-1)
        for index, value in args[1]:
            at = slice(None) if index is None else index
            flat[at] = function(flat[at], np.broadcast_to(value, np.shape(flat[at])))
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


def _of_index(node: Node) -> Iterator[Change]:
    if node.operation == "transpose" and len(node.args) == 1:
        yield Change("extra", "transpose", "", _just(0), SURE)
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


def _of_operands(group: Group, others: Others) -> Iterator[Change]:
    """Another value in the place of an operand."""
    for i, arg in enumerate(group.first.args):
        if type(arg) is not Node or not is_float(arg):
            continue
        if not all(len(e.args) > i and type(e.args[i]) is Node for e in group.nodes):
            continue
        for other, nodes in candidates(group, others, [e.args[i].value.shape for e in group.nodes]):
            if any(nodes[e.number] is not e.args[i] for e in group.nodes) and is_float(other):
                yield Change("operand", str(i + 1), "", _operand(i, nodes), POSSIBLE, other)


def _operand(place: int, nodes: dict[int, Node]) -> Rule:
    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        other = nodes[node.number].value
        return _own(node, [*args[:place], other, *args[place + 1 :]], kwargs)

    return rule


def candidates(
    group: Group, others: Others, shapes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[Node, dict[int, Node]]]:
    """Values of some shapes that were there at each execution of an operation, by its number."""
    numbers = [each.number for each in group.nodes]
    for other in others.get(shapes[0], ()):
        if other.first.number >= numbers[0]:
            continue
        m, latest = len(other.nodes), [_latest(number, other.nodes) for number in numbers]
        choices = [latest]
        if len(numbers) > 1 and m > 1:
            for shift in (-1, 0, 1):  # a loop the other way round
                places = [min(max(m - 1 - t + shift, 0), m - 1) for t in range(len(numbers))]
                choices.append([other.nodes[i] for i in places])
        for chosen in choices:
            fits = all(e.value.shape == shape for e, shape in zip(chosen, shapes, strict=True))
            if fits and all(e.number < n for e, n in zip(chosen, numbers, strict=True)):
                yield other.first, dict(zip(numbers, chosen, strict=True))


def _shapes(group: Group) -> list[tuple[int, ...]]:
    return [each.value.shape for each in group.nodes]


def _latest(number: int, nodes: Sequence[Node]) -> Node:
    """The latest of some values before an execution; the first is before it."""
    return nodes[bisect_left(nodes, number, key=lambda each: each.number) - 1]


def _insertions(group: Group, others: Others) -> Iterator[Change]:
    """A factor or a term that is missing after the operation."""
    if not is_float(group.first):
        return
    for other, nodes in candidates(group, others, _shapes(group)):
        yield Change("factor", "", "×", _after(np.multiply, nodes), GUESSED, other)
        if is_float(other):
            yield Change("term", "", "+", _after(np.add, nodes), GUESSED, other)
            yield Change("factor", "", "/", _after(np.divide, nodes), GUESSED, other)
            yield Change("term", "", "−", _after(np.subtract, nodes), GUESSED, other)


def _after(function: Callable[..., Any], nodes: dict[int, Node]) -> Rule:
    return lambda n, args, kwargs: function(_own(n, args, kwargs), nodes[n.number].value)


def scales(node: Node) -> bool:
    """Whether an operation only multiplies by a number."""
    if node.operation not in ("multiply", "divide"):
        return node.operation == "negative"
    return any(type(arg) is not Node and np.ndim(arg) == 0 for arg in node.args)


def scaled(group: Group, factor: float, value: Callable[[Node], Any]) -> Change:
    """The operation, its result times a number: another constant, if it has one."""

    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return np.asarray(factor * _own(node, args, kwargs))

    node = group.first
    if node.operation in ("multiply", "divide"):
        for i, arg in enumerate(node.args):
            computed = type(arg) is Node and arg.function is not None
            has = value(arg) if type(arg) is Node else arg
            if np.ndim(has) == 0 and not computed:
                wants = has / factor if node.operation == "divide" and i else has * factor
                cost = SURE if abs(abs(wants) - 1) < NEARLY else LIKELY
                return Change("constant", f"{has:g}", f"{wants:g}", rule, cost)
    return Change("factor", "", f"{factor:g}", rule, 2.5)


NEARLY = 1e-9


def renumbered(nodes: Sequence[Node], values: Mapping[int, int]) -> Iterator[Change]:
    """Another number under a name that several operations use.

    Args:
        nodes: the operations.
        values: the place of the operand that it is, by the number of the operation.
    """
    first = nodes[0]
    has = first.args[values[first.number]]
    inverse = {1 / has} if has else set()
    for number in sorted({2 * has, has / 2, has + 1, has - 1, -has, 1} | inverse):
        if number != has:

            def rule(node: Node, args: list[Any], kwargs: dict[str, Any], n: Any = number) -> Any:
                place = values[node.number]
                return _own(node, [*args[:place], n, *args[place + 1 :]], kwargs)

            yield Change("variable", f"{has:g}", f"{number:g}", rule, SURE, place=0)
