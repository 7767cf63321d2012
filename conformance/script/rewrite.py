"""A program's source, compiled so that the arrays that come into it are entered into a trace.

Only values that are assigned, looped over or handed on as more than a name are passed through a
function, and numbers such as 1 − β^t; of a program with lists of numbers also what is returned and
what is stored into. Every expression keeps its place in the source. Left out: what they are passed
through (`tracing/entering.py`, `tracing/lists.py`).
"""

import ast
from types import CodeType
from typing import Any

from conformance.programs.execution import parsed

VALUE, EACH, STORE = "__conformance_value__", "__conformance_each__", "__conformance_store__"
"""The names, among the builtins, of what takes a value, those of a loop, what is stored into."""

NUMBER = "__conformance_number__"
"""The same of what takes a number by which the first steps of a mean are corrected."""

_PLAIN = (ast.Constant, ast.JoinedStr, ast.Lambda, ast.Name, ast.Compare, ast.BoolOp)

_UNTAKEN = (*_PLAIN, ast.GeneratorExp, ast.Await)
"""Arguments that hold no array, or one that has been entered under a name."""


def compiled(source: bytes | str | ast.Module, file: str, *, lists: bool = False) -> CodeType:
    """The code of a program; as `compile` gives it, but for what is entered.

    Args:
        source: of the program; a tree is changed.
        file: that it is in.
        lists: whether its lists of numbers are followed, and what is stored in them.

    Raises:
        SyntaxError: it is no Python.
    """
    entering = _EnteringLists() if lists else _Entering()
    tree = source if isinstance(source, ast.Module) else parsed(source, file)
    made: CodeType = compile(entering.visit(tree), file, "exec", dont_inherit=True)
    return made


class _Entering(ast.NodeTransformer):
    """Passes values through the two functions."""

    def visit(self, node: ast.AST) -> Any:
        """A part of the program, after what is in it."""
        self.generic_visit(node)
        return self.entered(node)

    def entered(self, node: Any) -> Any:
        """A part of which the values are passed through, as far as they may hold arrays."""
        match node:
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() if node.value is not None:
                node.value = _passed(node.value)
            case ast.For() | ast.comprehension(is_async=0) if not _is_range(node.iter):
                node.iter = _called(EACH, node.iter)
            case ast.GeneratorExp():
                node.elt = _passed(node.elt)
            case ast.Call(func=called):
                node.args = [self.argument(e) for e in node.args]
                for each in node.keywords:
                    each.value = self.argument(each.value)
                if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Call):
                    called.value = _passed(called.value)
            case ast.BinOp(ast.Constant(1), ast.Sub(), ast.BinOp(op=ast.Pow())):
                return _called(NUMBER, node)  # 1 − β^t
        return node

    def argument(self, value: ast.expr) -> ast.expr:
        """A value that is handed on, passed through if it may hold an array that is not entered."""
        if isinstance(value, ast.Starred):
            value.value = self.argument(value.value)
            return value
        return value if isinstance(value, _UNTAKEN) else _passed(value)


class _EnteringLists(_Entering):
    """Passes on lists by a name too, which may have grown, and notes what is stored in them."""

    def argument(self, value: ast.expr) -> ast.expr:
        return _called(VALUE, value) if isinstance(value, ast.Name) else super().argument(value)

    def entered(self, node: Any) -> Any:
        match node:
            case ast.Return() if node.value is not None:
                node.value = self.argument(node.value)
            case ast.Subscript(ctx=ast.Store()):
                node.value = _called(STORE, node.value)
        return super().entered(node)


def _is_range(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"
    )


def _passed(value: ast.expr) -> ast.expr:
    if isinstance(value, ast.BoolOp):  # `p = p or random(…)`
        value.values = [_passed(each) for each in value.values]
    return value if isinstance(value, _PLAIN) else _called(VALUE, value)


def _called(name: str, value: ast.expr) -> ast.expr:
    """A call of a function with a value, at the place of the value."""
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "super"
    ):
        return value
    function = ast.copy_location(ast.Name(name, ast.Load()), value)
    return ast.copy_location(ast.Call(function, [value], []), value)
