"""What the values of a run are called in the program.

Left out: the words around a name (`report/backward_words.py`).
"""

import ast
import re
from collections.abc import Iterator

from conformance.backward.findings import Line, Named
from conformance.backward.program import short
from conformance.backward.source import expression, line_of, operand_name, statement, text
from conformance.tracing.trace import FILLED, Node


def named(node: Node) -> Named:
    """The name of the variable that holds a value, or its expression, and its line."""
    line = line_of(node)
    if node.given:
        return Named(short(node.operation.removeprefix("given ")), None)
    made = expression(node)
    whole = statement(line.file, line.line) if line is not None else None
    if isinstance(whole, ast.AugAssign) and (made is None or made is whole.value):
        return Named(ast.unparse(whole.target), line)
    if isinstance(whole, ast.Assign):
        target = whole.targets[0]
        if node.operation == FILLED and isinstance(target, ast.Subscript):
            return Named(ast.unparse(target.value), line)
        if made is whole.value and isinstance(target, ast.Name | ast.Subscript | ast.Attribute):
            return Named(ast.unparse(target), line)
    call = call_that_returns(node)
    if call is not None and isinstance(call.targets[0], ast.Name | ast.Subscript | ast.Attribute):
        return Named(ast.unparse(call.targets[0]), Line(node.frames[1].file, call.lineno))
    used = _used_name(node)
    return used or Named(text(node) or node.operation, line)


def call_that_returns(node: Node) -> ast.Assign | None:
    """The assignment `y = f(x)` where the last operation of f, in the same file, gives a value."""
    if len(node.frames) < 2 or node.frames[0].file != node.frames[1].file:  # noqa: PLR2004 - f, its caller
        return None
    inside, outside = (statement(each.file, each.line) for each in node.frames[:2])
    if not isinstance(inside, ast.Return) or inside.value is not expression(node):
        return None
    if not isinstance(outside, ast.Assign) or not isinstance(outside.value, ast.Call):
        return None
    function = ast.unparse(outside.value.func).rpartition(".")[-1]
    return outside if function == node.frames[0].function else None


def _used_name(node: Node) -> Named | None:
    """The name of what a call returned, where the function that called it uses it."""
    for consumer in node.consumers:
        if 0 < len(consumer.frames) < len(node.frames):
            name = operand_name(consumer, next(_places(consumer, node), -1))
            if name.isidentifier():
                frame = node.frames[-len(consumer.frames)]
                return Named(name, Line(frame.file, frame.line))
    return None


def _places(consumer: Node, node: Node) -> Iterator[int]:
    return (i for i, each in enumerate(consumer.args) if each is node)


def last_step(node: Node, source: Node) -> Named:
    """The call or the operation that made a value out of another one."""
    call = call_that_returns(node)
    outer = node.frames[1:]
    if call is None or source.frames[len(source.frames) - len(outer) :] == outer:
        return Named(operation_text(node), line_of(node))
    return Named(ast.unparse(call.value), Line(outer[0].file, call.lineno))


def operation_text(node: Node) -> str:
    """The source of an operation: its expression, or its whole line where it is a write."""
    line = line_of(node)
    made = text(node)
    if made or line is None:
        return made
    whole = statement(line.file, line.line)
    return "" if whole is None else re.sub(r"\s+", " ", ast.unparse(whole))
