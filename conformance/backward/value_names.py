"""What the values of a run are called in the program.

Left out: the words around a name (`report/backward_words.py`).
"""

import ast
import re

from conformance.backward.findings import Line, Named
from conformance.backward.recorded_pass import short
from conformance.backward.source import (
    expression,
    line_of,
    operand_name,
    operands,
    places,
    returned,
    text,
)
from conformance.backward.syntax import statement, statement_with
from conformance.tracing.node import FILLED, Node


def named(node: Node) -> Named:
    """The name of the variable that holds a value, or its expression, and its line."""
    line = line_of(node)
    if node.given:
        return Named(short(node.operation.removeprefix("given ")), None)
    call = returned(node)
    made, line = (expression(node), line) if call is None else call
    whole = statement_with(line, made) if line is not None else None
    if isinstance(whole, ast.AugAssign) and (made is None or made is whole.value):
        return Named(ast.unparse(_written(node, whole.target)), line)
    if isinstance(whole, ast.Assign):
        target = whole.targets[0]
        if _written(node, target) is not target:
            return Named(ast.unparse(_written(node, target)), line)
        if made is whole.value and isinstance(target, ast.Name | ast.Subscript | ast.Attribute):
            return Named(ast.unparse(target), line)
    used = _used_name(node) if call is None else None
    return used or _unnamed(node, made, line)


def _unnamed(node: Node, made: ast.expr | None, line: Line | None) -> Named:
    """The expression of a value that has no name; else the name of an operand, or its operation."""
    entered = node.function is None and any(each.site == node.site for each in node.consumers)
    if made is not None and not entered:
        return Named(ast.unparse(made), line)
    name = _called(node)
    return Named(name, line, is_operation=name == node.operation)


def _written(node: Node, target: ast.expr) -> ast.expr:
    """The array whose entries a statement writes, if a value is all of it."""
    part = node.operation == FILLED and isinstance(target, ast.Subscript)
    return target.value if part else target  # type: ignore[attr-defined]


def _called(node: Node) -> str:
    """The name under which something uses a value that no expression made; else its operation."""
    names = (operand_name(each, at) for each in node.consumers for at in places(each, node))
    return next(filter(None, names), node.operation)


def variable(node: Node) -> str:
    """The name of the variable that a statement gives a value alone; nothing if there is none."""
    if node.given or node.sites:
        return named(node).name
    line = line_of(node)
    here = [each for each in node.consumers if each.calls[:1] == node.calls[:1]]
    if any(line_of(each) == line for each in here):
        return ""  # it is a part of what the statement computes
    whole = statement(line.file, line.line) if line is not None else None
    target = whole.targets[0] if isinstance(whole, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else ""


def operation(node: Node) -> Named:
    """The source of an operation, or of the call that it is the result of, and its line."""
    call = returned(node)
    return own_operation(node) if call is None else Named(ast.unparse(call[0]), call[1])


def own_operation(node: Node) -> Named:
    """The source of an operation and its line."""
    return Named(operation_text(node), line_of(node))


def _used_name(node: Node) -> Named | None:
    """The name of what a call returned, where the function that called it uses it."""
    for consumer in node.consumers:
        if 0 < len(consumer.frames) < len(node.frames):
            name = operand_name(consumer, next(places(consumer, node), -1))
            if name.isidentifier():
                frame = node.frames[-len(consumer.frames)]
                return Named(name, Line(frame.file, frame.line))
    return None


def operation_text(node: Node) -> str:
    """The source of an operation: its expression, or its whole line where it is a write.

    What is computed here of a value of the program, such as minus it, has the source of that value.
    """
    line = line_of(node)
    made = text(node)
    if made:
        return made
    if line is not None:
        return statement_text(line)
    inner = [each for each in node.args if type(each) is Node]
    return operation_text(inner[0]) if len(inner) == 1 else ""


def operand_text(node: Node, operand: Node) -> str:
    """The source of an operand of an operation; that of what computed it, if that is not known."""
    place = next(places(node, operand), -1)
    found = operands(node)
    return ast.unparse(found[place]) if 0 <= place < len(found) else operation_text(operand)


def statement_text(line: Line) -> str:
    """The source of the statement on a line, in one line."""
    whole = statement(line.file, line.line)
    return "" if whole is None else re.sub(r"\s+", " ", ast.unparse(whole))
