"""The term or factor that is left out of a gradient, of what the program computed, by its numbers.

What is right is known, and so is what is given: their difference is a value of the program times a
number, or a product of two; or their quotient is a value. Left out: finding the operation
(`culprit.py`).
"""

import ast
from collections.abc import Iterator
from itertools import chain, product

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.findings import Changed, Named
from conformance.backward.groups import Repair
from conformance.backward.judge_gradients import Forward, distance
from conformance.backward.source import is_float, operand_name, operands, places
from conformance.backward.value_names import named, operation_text
from conformance.tracing.node import Node
from reference.step import Array

MANY = 40  # values of the program
PLACE = ast.Name | ast.Attribute | ast.Subscript

Term = tuple[str, Array]
"""The source of a value, and its numbers."""

Missing = tuple[str, bool]
"""The source of a term, and whether it has to be added: else it has to be subtracted."""

TIMES = (1.0, 2.0, 0.5)
"""How many times a product may be what is missing."""
MATRIX = 2  # its axes


def missing_part(forward: Forward, repair: Repair) -> Changed | None:
    """What has to be added to what an operation gives, or multiply it; None if it is not known.

    Args:
        forward: the forward pass.
        repair: what its executions have to give; the first one that gives something else tells.
    """
    wrong = (e for e in repair.group.nodes if _gives_another(forward, e, repair))
    first = next(wrong, None)
    if first is None:
        return None
    given, right = forward.chain.values[first.number], repair.values[first.number]
    left = np.asarray(right) - np.asarray(given)
    values, there = [*_values(forward, first)], operation_text(first)
    for text, value in _spread(values, np.shape(given)):
        with np.errstate(all="ignore"):
            ways = (given * value, "×"), (given / value, "/")
        for made, operator in ways:
            if distance(made, np.asarray(right)) <= HALF_OF_THE_DIGITS:
                return Changed("factor", "", operator, there, Named(text, None))
    for text, added in chain(_multiples(forward, values, left), _products(values, left)):
        if text not in there:  # else it is no term that is left out, but one with another factor
            return Changed("term", "", "+" if added else "−", there, Named(text, None))
    return None


def _gives_another(forward: Forward, node: Node, repair: Repair) -> bool:
    """Whether an operation has to give another array of the shape that it gives."""
    given, right = forward.chain.values[node.number], repair.values.get(node.number)
    alike = right is not None and np.shape(given) == np.shape(right) and np.size(right) > 1
    return alike and distance(np.asarray(given), np.asarray(right)) > HALF_OF_THE_DIGITS


def _values(forward: Forward, first: Node) -> Iterator[Term]:
    """The arrays that were there before an operation, by the names that its function has for them.

    Those of what others have, if they begin with no variable of theirs.
    """
    found: dict[str, Array] = {}
    here = first.frames[0].function if first.frames else ""
    for node in reversed(forward.chain.nodes):
        if node.number < first.number and np.ndim(node.value) and is_float(node):
            for text in _texts(node, here):
                found.setdefault(text, np.asarray(forward.chain.values[node.number]))
        if len(found) >= MANY:
            break
    yield from found.items()


def _texts(node: Node, here: str) -> Iterator[str]:
    """What the program calls a value in a function, and where it is an attribute, elsewhere."""
    uses = ((user, i) for user in node.consumers for i in places(user, node))
    names = [(user.frames, operand_name(user, i)) for user, i in uses if user.frames]
    names.append((node.frames, named(node).name))
    for frames, text in names:
        if text.startswith("self.") or (frames and frames[0].function == here):
            yield from (text for each in _expressions(text) if isinstance(each, PLACE))


def _expressions(text: str) -> Iterator[ast.expr]:
    try:
        yield ast.parse(text, mode="eval").body
    except SyntaxError:  # it is named by an operation
        return


def _spread(values: list[Term], shape: tuple[int, ...]) -> Iterator[Term]:
    """The values that may be a factor of each row or column of an array."""
    for text, value in values:
        if np.ndim(value) == len(shape) or value.shape == shape[-1:]:
            yield from [(text, value)] if _is_spread(value.shape, shape) else ()
        elif value.shape == shape[:1]:
            rest = len(shape) - 1
            yield f"{text}[:{', None' * rest}]", value.reshape(-1, *(1,) * rest)


def _multiples(forward: Forward, values: list[Term], left: Array) -> Iterator[Missing]:
    """The values times numbers of the program, as a derivative of a decay is."""
    numbers = [*_numbers(forward)]
    for text, value in values:
        times = fitted(left, value) if np.shape(value) == left.shape else None
        if times is None:
            continue
        if abs(abs(times) - 1) <= HALF_OF_THE_DIGITS:
            yield text, times > 0
        for number, size in numbers:
            for factor, made in ((1, number), (2, _doubled(number))):
                if abs(abs(times) - abs(factor * size)) <= HALF_OF_THE_DIGITS * abs(times):
                    whole = ast.BinOp(made, ast.Mult(), ast.parse(text, mode="eval").body)
                    yield ast.unparse(whole), times * size > 0


def _numbers(forward: Forward) -> Iterator[tuple[ast.expr, float]]:
    """The numbers that the forward pass computes with, each with its source."""
    for node in forward.nodes():
        for source, arg in zip(operands(node), node.args, strict=False):
            number = arg.value if type(arg) is Node else arg
            if isinstance(number, int | float | np.number | np.ndarray) and not np.ndim(number):
                yield source, float(number)


def _doubled(number: ast.expr) -> ast.expr:
    """Twice a number, as people write it: w for w / 2 or 0.5 * w, w / m for w / (2 * m)."""
    match number:
        case ast.Constant(value=int() | float() as plain):
            return ast.Constant(float(f"{2 * plain:.12g}"))
        case ast.BinOp(left=half, op=ast.Div(), right=ast.Constant(value=2)):
            return half
        case ast.BinOp(left=ast.Constant(value=0.5), op=ast.Mult(), right=rest):
            return rest
        case ast.BinOp(
            left=half,
            op=ast.Div(),
            right=ast.BinOp(left=ast.Constant(value=2), op=ast.Mult(), right=rest),
        ):
            return ast.BinOp(half, ast.Div(), rest)
    return ast.BinOp(ast.Constant(2), ast.Mult(), number)


def _products(values: list[Term], left: Array) -> Iterator[Missing]:
    """The products of two values that have the shape of what is missing."""
    turned = [(f"{text}.T", value.T) for text, value in values if np.ndim(value) > 1]
    for (one, a), (other, b) in product(values, values):
        spread = _is_spread(a.shape, b.shape)
        if spread and np.broadcast_shapes(a.shape, b.shape) == left.shape:
            yield from _some(f"{one} * {other}", a * b, left)
        if (a.size, b.size) == left.shape and a.ndim == b.ndim == 1:
            yield from _some(f"np.outer({one}, {other})", np.outer(a, b), left)
    flat = [(text, value) for text, value in (*values, *turned) if np.ndim(value) <= MATRIX]
    for (one, a), (other, b) in product(flat, repeat=2):
        if a.shape[-1:] == b.shape[:1] and a.shape[:-1] + b.shape[1:] == left.shape:
            yield from _some(f"{one} @ {other}", a @ b, left)


def _is_spread(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    pairs = zip(reversed(one), reversed(other), strict=False)
    return all(a == b or 1 in (a, b) for a, b in pairs)


def _some(text: str, value: Array, left: Array) -> Iterator[Missing]:
    """A product as often as it is in what is missing, if that is a usual number."""
    times = fitted(left, value) or 0.0
    for each in TIMES:
        if abs(abs(times) - each) <= HALF_OF_THE_DIGITS:
            yield text if each == 1 else f"{each:g} * {text}", times > 0
