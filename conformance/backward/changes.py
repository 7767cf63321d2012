"""The ways in which one operation may differ from the right one: people's mistakes, undone.

Another operator, axis, operand or constant; an operand turned; an operation left out or too many.
Each is applied to all executions of the operation.

Left out: whether it makes the gradients right (`culprit.py`).
"""

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.backward import slips
from conformance.backward.change import (
    AVERAGED,
    FITTED,
    GUESSED,
    LENGTH,
    LIKELY,
    NEARLY,
    PLAIN,
    POSSIBLE,
    SURE,
    UNUSUAL,
    Change,
    Others,
    Rule,
    candidates,
    own,
    shapes,
)
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.groups import Group
from conformance.backward.source import is_float, line_of, operands
from conformance.tracing.node import FILLED, Node

Value = Callable[[Node], Any]


def changes(group: Group, others: Others, value: Value) -> Iterator[Change]:
    """The changes of an operation.

    Args:
        group: its executions.
        others: of all operations of the run by shape: their results may have to be its operands.
        value: of a node, in float64.
    """
    node = group.first
    if node.function is None:
        yield from slips.of_constant(node)
        return
    yield from slips.of_operator(node)
    yield from _of_factors(node, value)
    yield from slips.of_numbers(node)
    yield from slips.of_powers(node)
    yield from slips.of_squares(node)
    yield from slips.of_start(group)
    yield from slips.of_product(node)
    yield from slips.of_reduction(node)
    yield from slips.of_comparison(node)
    yield from _of_repeated(group)
    yield from slips.of_writes(group, others)
    yield from slips.of_index(node)
    yield from _of_operands(group, others, value)
    yield from _insertions(group, others, value)


def _of_factors(node: Node, value: Value) -> Iterator[Change]:
    """The last two factors left out, such as a (1 − a) of an output error; no learning rate."""
    last = node.args[1] if node.operation == "multiply" else None
    inner = node.args[0] if type(last) is Node and last.function is not None else None
    if type(inner) is not Node or inner.operation != "multiply" or not is_float(inner):
        return
    if type(inner.args[0]) is Node and line_of(inner) == line_of(node):
        names = [ast.unparse(each) for one in (inner, node) for each in operands(one)[1:2]]
        text = " * ".join(f"({e})" if " " in e else e for e in names)
        yield Change("extra", text, "", lambda n, _, __: value(n.args[0].args[0]), PLAIN)


def _of_repeated(group: Group) -> Iterator[Change]:
    """What is added to the entries at some places, for each time that a place is there."""
    writes = (e for node in group.nodes if node.operation == FILLED for e in node.args[1])
    if any(at is not None and np.unique(at).size < np.size(at) for at, _ in writes):
        yield Change("repeated", "", "", _added_at, SURE)


def _added_at(_node: Node, args: list[Any], _kwargs: dict[str, Any]) -> Any:
    after = np.array(args[0])
    flat = after.reshape(-1)
    for index, value in args[1]:
        at = np.arange(flat.size) if index is None else index
        np.add.at(flat, at, np.broadcast_to(value, np.shape(at)) - flat[at])
    return after


def _of_operands(group: Group, others: Others, value: Value) -> Iterator[Change]:
    """Another value in the place of an operand."""
    for i, arg in enumerate(group.first.args):
        if type(arg) is not Node or not is_float(arg):
            continue
        if not all(len(e.args) > i and type(e.args[i]) is Node for e in group.nodes):
            continue
        for other, nodes in candidates(group, others, [e.args[i].value.shape for e in group.nodes]):
            if any(nodes[e.number] is not e.args[i] for e in group.nodes) and is_float(other):
                yield Change("operand", str(i + 1), "", _operand(i, nodes, value), POSSIBLE, other)


def _operand(place: int, nodes: dict[int, Node], value: Value) -> Rule:
    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        other = value(nodes[node.number])
        return own(node, [*args[:place], other, *args[place + 1 :]], kwargs)

    return rule


def _insertions(group: Group, others: Others, value: Value) -> Iterator[Change]:
    """A factor or a term that is missing after the operation."""
    if not is_float(group.first):
        return
    for other, nodes in candidates(group, others, shapes(group)):
        yield Change("factor", "", "×", _after(np.multiply, nodes, value), GUESSED, other)
        if is_float(other):
            yield Change("term", "", "+", _after(np.add, nodes, value), GUESSED, other)
            yield Change("factor", "", "/", _after(np.divide, nodes, value), UNUSUAL, other)
            yield Change("term", "", "−", _after(np.subtract, nodes, value), UNUSUAL, other)


def _after(function: Callable[..., Any], nodes: dict[int, Node], value: Value) -> Rule:
    return lambda n, args, kwargs: function(own(n, args, kwargs), value(nodes[n.number]))


def scales(node: Node) -> bool:
    """Whether an operation only multiplies by a number."""
    if node.operation not in ("multiply", "divide"):
        return node.operation == "negative"
    return any(type(arg) is not Node and np.ndim(arg) == 0 for arg in node.args)


def scaled(
    group: Group, factor: float, value: Callable[[Node], Any], lengths: Collection[float]
) -> Change:
    """The operation, its result times a number: another constant, if it has one.

    Args:
        group: the operation.
        factor: the number.
        value: gives what a node computed.
        lengths: of the arrays of the forward pass.
    """

    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return np.asarray(factor * own(node, args, kwargs))

    alike = group.nodes if group.first.operation in ("multiply", "divide") and factor else ()
    for node in alike:  # of several layers one may have 0 there
        for i, arg in enumerate(node.args):
            computed = type(arg) is Node and (arg.function is not None or arg.given)
            has = value(arg) if type(arg) is Node else arg
            if np.ndim(has) == 0 and has and not computed:
                wants = has / factor if node.operation == "divide" and i else has * factor
                cost = SURE if abs(wants - 1) < NEARLY else LIKELY
                other = has in lengths and any(abs(wants - n) < NEARLY for n in lengths)
                cost = LENGTH if other else cost
                return Change("constant", f"{has:g}", f"{wants:g}", rule, cost)
    either = [(abs(each), n) for each in (factor, 1 / factor) for n in lengths]
    is_length = any(abs(each - n) <= HALF_OF_THE_DIGITS * n for each, n in either)
    return Change("factor", "", f"{factor:g}", rule, AVERAGED if is_length else FITTED)


def renumbered(
    nodes: Sequence[Node], values: Mapping[int, int], others: Collection[float] = ()
) -> Iterator[Change]:
    """Another number under a name that several operations use.

    Args:
        nodes: the operations.
        values: the place of the operand that it is, by the number of the operation.
        others: numbers of the program that it may have to be.
    """
    first = nodes[0]
    has = first.args[values[first.number]]
    inverse = {1 / has} if has else set()
    turned = {-has} if has < 0 or has == 1 else set()  # a rate or a length is none that has a sign
    for number in sorted({2 * has, has / 2, has + 1, has - 1, 1, *others} | inverse | turned):
        if number != has:

            def rule(node: Node, args: list[Any], kwargs: dict[str, Any], n: Any = number) -> Any:
                place = values[node.number]
                return own(node, [*args[:place], n, *args[place + 1 :]], kwargs)

            yield Change("variable", f"{has:g}", f"{number:g}", rule, SURE, place=0)
