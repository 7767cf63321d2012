"""Lines of a class of values that differentiate themselves, as its source tells, in a judgement.

Left out: whether its derivatives are right (`value_classes.py`).
"""

import ast
import inspect
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from conformance.backward.findings import Accused, Examined, Line
from conformance.backward.syntax import tree
from conformance.programs.vocabulary import is_role
from conformance.shapes.arguments import needed


def going_back(kind: type) -> str | None:
    """The name of the method that goes backward from a value: `backward`, or another such name."""
    names = [each for each in dir(kind) if is_role(each, "backward") == 0]
    alone = [each for each in names if len(needed(getattr(kind, each))) == len(("self",))]
    return "backward" if "backward" in names else next(iter(alone), None)


def overwriting(kind: type, gradient: str) -> Iterator[Line]:
    """The lines that write the derivative of an operand, and do not add to what is there.

    Args:
        kind: the class.
        gradient: the name of the attribute that is the derivative.
    """
    for file, method in _methods(kind):
        back = method.name == going_back(kind)
        if not back and (method.name == "__init__" or not _has_function(method)):
            continue
        for node in (each for each in ast.walk(method) if isinstance(each, ast.Assign)):
            if any(isinstance(e, ast.Attribute) and e.attr == gradient for e in node.targets):
                read = {ast.unparse(each) for each in ast.walk(node.value)}
                begins = back and not any(each.endswith(f".{gradient}") for each in read)
                if not begins and not read & {ast.unparse(each) for each in node.targets}:
                    yield Line(file, node.lineno)


def writes(kind: type, gradient: str) -> list[Line]:
    """The lines of `backward` that write the attribute which is the derivative, the last first."""
    found = [
        Line(file, each.lineno)
        for file, method in _methods(kind)
        if method.name == going_back(kind)
        for each in _stored(method, gradient)
    ]
    return sorted(found, key=lambda each: -each.line)


def walks(kind: type) -> Iterator[Line]:
    """The loops of `backward`, the last first: it visits the values in an order."""
    for file, method in _methods(kind):
        if method.name == going_back(kind):
            loops = [
                each.lineno for each in ast.walk(method) if isinstance(each, ast.For | ast.While)
            ]
            yield from (Line(file, each) for each in sorted(loops or [method.lineno])[::-1])


def in_methods(kind: type, names: Collection[str], line: Line) -> bool:
    """Whether a line is one of the methods of these names."""
    return any(
        method.name in names and method.lineno <= line.line <= (method.end_lineno or 0)
        for _, method in _methods(kind)
    )


def of_operands(kind: type, method: str, gradient: str, *, second: bool) -> Iterator[Line]:
    """The lines of an operation's inner functions that are for one of its operands; else of all.

    They are those of lambdas that stand beside it, and those that write its derivative.

    Args:
        kind: the class.
        method: that computes the operation.
        gradient: the name of the attribute that is the derivative.
        second: whether it is the operand that the method is given, and not `self`.
    """
    for file, each in _methods(kind):
        if each.name == method:
            name = each.args.args[-1 if second else 0].arg
            inside = [e for e in ast.walk(each) if isinstance(e, ast.Tuple | ast.List | ast.Call)]
            beside = [
                part.body
                for e in inside
                for part in ast.iter_child_nodes(e)
                if isinstance(part, ast.Lambda)
                and name in map(ast.unparse, ast.iter_child_nodes(e))
            ]
            written = [e for e in _stored(each, gradient) if ast.unparse(e.value) == name]
            every = [e.body for e in ast.walk(each) if isinstance(e, ast.Lambda)]
            yield from (Line(file, e.lineno) for e in (*beside, *written) or every)


def ends(kind: type, method: str) -> Iterator[Line]:
    """The last line of a method that returns something, such as derivatives in a tuple."""
    for file, each in _methods(kind):
        if each.name == method:
            lines = [e.lineno for e in ast.walk(each) if isinstance(e, ast.Return)]
            yield from (Line(file, e) for e in lines[-1:])


def _stored(method: ast.FunctionDef, name: str) -> Iterator[ast.Attribute]:
    """Where a method writes an attribute."""
    for each in ast.walk(method):
        if isinstance(each, ast.Attribute) and (each.attr, type(each.ctx)) == (name, ast.Store):
            yield each


def _methods(kind: type) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The methods of a class, with the file."""
    file = inspect.getsourcefile(kind) or ""
    module = tree(file)
    for each in [] if module is None else module.body:
        if isinstance(each, ast.ClassDef) and each.name == kind.__name__:
            yield from ((file, e) for e in each.body if isinstance(e, ast.FunctionDef))


def _has_function(method: ast.FunctionDef) -> bool:
    """Whether a method defines a function, as an operation does that is undone later."""
    return any(isinstance(e, ast.FunctionDef) for e in ast.walk(method) if e is not method)


def with_lines(examined: Examined, known: Accused | None, lines: tuple[Line, ...]) -> Examined:
    """A judgement in which what has no line is blamed on what is known; else on these lines."""
    told = (
        replace(e, lines=lines) if known is None else replace(known, gradients=e.gradients)
        for e in examined.accused
        if not e.lines
    )
    return replace(examined, accused=(*(e for e in examined.accused if e.lines), *told))


def renamed(examined: Examined, names: Mapping[str, str]) -> Examined:
    """A judgement under other names of the gradients; those without one are left out."""
    return replace(
        examined,
        gradients=tuple(
            replace(e, name=names[e.name]) for e in examined.gradients if e.name in names
        ),
        accused=tuple(
            replace(e, gradients=tuple(names[n] for n in e.gradients if n in names))
            for e in examined.accused
        ),
        rights={names[n]: each for n, each in examined.rights.items() if n in names},
    )
