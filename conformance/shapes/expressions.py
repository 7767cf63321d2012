"""A class of values that differentiate themselves: each operation that it has, and its lines.

Left out: whether its derivatives are right (`value_classes.py`).
"""

import ast
import inspect
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Examined, Line
from conformance.backward.syntax import tree
from conformance.programs.vocabulary import is_role
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import needed
from conformance.shapes.attempts import LONGEST

Function = Callable[..., Any]

BINARY: dict[str, tuple[str, Function]] = {
    "__add__": ("a + b", operator.add),
    "__sub__": ("a - b", operator.sub),
    "__mul__": ("a * b", operator.mul),
    "__truediv__": ("a / b", operator.truediv),
    "__matmul__": ("a @ b", operator.matmul),
}
"""The operations of two values, by the method that defines each."""

USERS = ("__mul__", "__matmul__", "__truediv__", "__sub__", "__add__")
"""Those that may be given the result of another one; what goes back is not 1 by the first ones."""

UNARY: dict[str, tuple[str, Function]] = {
    "__neg__": ("-a", operator.neg),
    "__pow__": ("a ** 3", lambda a: a**3),
    "__radd__": ("2 + a", lambda a: 2 + a),
    "__rsub__": ("2 - a", lambda a: 2 - a),
    "__rmul__": ("2 * a", lambda a: 2 * a),
    "__rtruediv__": ("2 / a", lambda a: 2 / a),
}
"""Those of one value, some of them with a number."""

FEW = 3  # functions, that are given what each of them computed
OTHER = 1.3719  # times as large the second value is


@dataclass(frozen=True)
class Expression:
    """What is computed of values.

    Attributes:
        text: it, as Python writes it.
        function: computes it.
        sizes: what multiplies the numbers that the values are made of, by their names.
        method: of the class, that is judged alone.
        row: the name of the value that is a single row beside arrays of several; nothing if none.
        rows: the shape of the row, but for its last axis.
    """

    text: str
    function: Function
    sizes: Mapping[str, float]
    method: str = ""
    row: str = ""
    rows: tuple[int, ...] = ()

    def given(self, start: Any) -> dict[str, Any]:
        """The numbers or arrays that its values are made of, by their names."""
        row = np.reshape(start[0], (*self.rows, -1)) if self.row else start
        return {
            name: (row if name == self.row else start) * size for name, size in self.sizes.items()
        }


def _shared(a: Any, b: Any) -> Any:
    c = a * b
    return c * c + c


def applied(
    kind: type, classes: Iterable[type], functions: Iterable[Function], start: Any
) -> Iterator[tuple[str, Function]]:
    """What of a file makes another value of one, with its name: functions, and objects of classes.

    What uses another of them is as right as that.

    Args:
        kind: the class of the values.
        classes: of the file; each object is called once.
        functions: of the file.
        start: what a value may be made of.
    """
    called = [e for e in classes if e is not kind and defines(e, "__call__") and not needed(e)]
    made: list[tuple[str, Function]] = [
        (e.__name__, lambda value, kind=e: kind()(value)) for e in called
    ]
    made += [(e.__name__, e) for e in functions if len(needed(e)) == 1]
    names = {name for name, _ in made}
    for name, function in made:
        if names & {*getattr(getattr(function, "__code__", None), "co_names", ())}:
            continue
        with suppress(Exception, TooLongError), quiet(), limited(LONGEST):  # it may refuse it
            value = kind(start)
            held = any(each is start for each in vars(value).values())
            result = function(value) if held else None
            if type(result) is kind and result is not value:
                yield name, function


def of_functions(functions: Sequence[tuple[str, Function]]) -> Iterator[Expression]:
    """What functions of one value compute, each by itself."""
    yield from (Expression(f"{name}(a)", function, {"a": 1.0}) for name, function in functions)


def in_chains(functions: Sequence[tuple[str, Function]]) -> Iterator[Expression]:
    """What some of them compute of what another one computed."""
    for outer, first in functions[:FEW]:
        for inner, second in functions[:FEW]:
            yield Expression(
                f"{outer}({inner}(a))", lambda a, f=first, g=second: f(g(a)), {"a": 1.0}
            )


def single_operations(kind: type) -> Iterator[Expression]:
    """Each operation of a class by itself, of values above and below 0."""
    for method, text, function in of_two(kind):
        yield Expression(text, function, {"a": 1.0, "b": OTHER}, method)
    for method, text, function in _of_one(kind):
        yield Expression(text, function, {"a": 1.0}, method)
        yield Expression(f"{text}, a < 0", function, {"a": -1.0}, method)


def twice_used(kind: type) -> Iterator[Expression]:
    """Values that are used twice, given and computed."""
    for _, text, function in of_two(kind):
        sign = text.split()[1]
        yield Expression(
            f"b {sign} a {sign} a", lambda a, b, f=function: f(f(b, a), a), {"a": 1.0, "b": OTHER}
        )
    if all(defines(kind, each) for each in ("__add__", "__mul__")):
        yield Expression("c * c + c with c = a * b", _shared, {"a": 1.0, "b": OTHER})
    for _, text, function in _of_one(kind) if defines(kind, "__add__") else ():
        yield Expression(f"{text} + a", lambda a, f=function: f(a) + a, {"a": 1.0})


def with_a_row(kind: type) -> Iterator[Expression]:
    """The operations of an array and a row, which NumPy takes for an array of equal rows."""
    for method, text, function in of_two(kind):
        for row in ("a", "b") if method != "__matmul__" else ():
            sizes = {"a": 1.0, "b": OTHER}
            yield Expression(f"{text}, {row} one row", function, sizes, method, row, (1,))
            yield Expression(f"{text}, {row} a vector", function, sizes, method, row, ())


def of_two(kind: type) -> Iterator[tuple[str, str, Function]]:
    """The operations of two values: the method, what is written, and what it computes."""
    return ((each, *BINARY[each]) for each in BINARY if defines(kind, each))


def _of_one(kind: type) -> Iterator[tuple[str, str, Function]]:
    yield from ((each, *UNARY[each]) for each in UNARY if defines(kind, each))
    for name in vars(kind):
        if not name.startswith("_") and _takes_nothing(kind, name):
            yield name, f"a.{name}()", operator.methodcaller(name)


def defines(kind: type, name: str) -> bool:
    """Whether a class has a method."""
    return callable(getattr(kind, name, None))


def _takes_nothing(kind: type, name: str) -> bool:
    method = vars(kind)[name]
    return callable(method) and name != "backward" and len(needed(method)) == 1


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
