"""The source of recorded operations: the expression, its operands, the names that hold them."""

import ast
import linecache
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise

from conformance.backward.findings import Line
from conformance.tracing.node import Node


@lru_cache(maxsize=64)
def _parsed(file: str, text: str) -> ast.Module | None:
    del file
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def tree(file: str) -> ast.Module | None:
    """The syntax tree of a file; None if there is none to be read."""
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    return _parsed(file, text) if text else None


@lru_cache(maxsize=4096)
def _expressions(module: ast.Module) -> dict[tuple[int, int, int, int], ast.expr]:
    """The expressions of a file by where they begin and end."""
    found: dict[tuple[int, int, int, int], ast.expr] = {}
    for each in ast.walk(module):
        if isinstance(each, ast.expr):
            key = (each.lineno, each.end_lineno or 0, each.col_offset, each.end_col_offset or 0)
            found.setdefault(key, each)
    return found


def expression(node: Node) -> ast.expr | None:
    """The expression that computed a node."""
    if node.site is None:
        return None
    code, at = node.site
    module = tree(code.co_filename)
    position = next(islice(code.co_positions(), at // 2, None), None)
    if module is None or position is None or None in position:
        return None
    return _expressions(module).get(position)  # type: ignore[arg-type]


def text(node: Node) -> str:
    """The source of the expression that computed a node; nothing if it is not known."""
    found = expression(node)
    return "" if found is None else ast.unparse(found)


def operands(node: Node) -> list[ast.expr]:
    """The operands of the expression that computed a node, as its arguments are in order."""
    found = expression(node)
    if isinstance(found, ast.Call) and _is_method(node, found):
        assert isinstance(found.func, ast.Attribute)  # noqa: S101 - a method has a receiver
        return [found.func.value, *found.args]
    match found:
        case ast.BinOp():
            made = [found.left, found.right][:: -1 if _turned(node, found) else 1]
        case ast.UnaryOp():
            made = [found.operand]
        case ast.Compare():
            made = [found.left, *found.comparators]
        case ast.Subscript() | ast.Attribute():
            made = [found.value]
        case ast.Call():
            made = list(found.args)
        case _:
            made = _augmented(node)
    return made


def _turned(node: Node, found: ast.BinOp) -> bool:
    """Whether `2 * x` was recorded as `x * 2`, as torch does it."""
    numbers = [type(each) is not Node for each in node.args]
    if node.operation not in ("add", "multiply") or numbers != [False, True]:
        return False
    if isinstance(found.right, ast.Constant) or not isinstance(found.left, ast.Name | ast.Constant):
        return False
    if isinstance(found.left, ast.Constant) or not isinstance(found.right, ast.Name):
        return True
    return found.right.id in _names(node.args[0])


def _names(node: Node) -> set[str]:
    """The names that a value was given when it was computed."""
    if node.given:
        return {node.operation.rpartition(" ")[2]}
    line = line_of(node)
    whole = None if line is None else statement(line.file, line.line)
    return set() if whole is None else _stored(whole)


def _augmented(node: Node) -> list[ast.expr]:
    """The operands of `x += y`."""
    for each in node.frames[:1] if node.site is not None else ():
        found = statement(each.file, each.line)
        if isinstance(found, ast.AugAssign):
            return [found.target, found.value]
    return []


def _is_method(node: Node, call: ast.Call) -> bool:
    """Whether a call has its first operand before the dot."""
    if not isinstance(call.func, ast.Attribute):
        return False
    receiver = call.func.value
    module = isinstance(receiver, ast.Name) and receiver.id in ("np", "numpy", "math")
    return not module and len(node.args) == len(call.args) + 1


def operand_name(node: Node, place: int) -> str:
    """The name of a variable that is an operand; nothing for anything else."""
    found = operands(node)
    if 0 <= place < len(found) and isinstance(
        found[place], ast.Name | ast.Subscript | ast.Attribute
    ):
        return ast.unparse(found[place])
    return ""


def is_literal(node: Node, place: int) -> bool:
    """Whether an operand stands in the source as a number, or is not known."""
    found = operands(node)
    if not 0 <= place < len(found):
        return True
    operand = found[place]
    return isinstance(
        operand.operand if isinstance(operand, ast.UnaryOp) else operand, ast.Constant
    )


def written_name(node: Node) -> str:
    """The name of the array that a statement writes into; nothing if it writes into none."""
    for each in node.frames[:1]:
        found = statement(each.file, each.line)
        if isinstance(found, ast.AugAssign):
            return ast.unparse(found.target)
        if isinstance(found, ast.Assign):
            return ast.unparse(found.targets[0])
        for call in ast.walk(found) if found is not None else ():
            if isinstance(call, ast.keyword) and call.arg == "out":
                return ast.unparse(call.value)
    return ""


def statement(file: str, line: int) -> ast.stmt | None:
    """The innermost statement on a line."""
    module = tree(file)
    return None if module is None else _statements(module).get(line)


@lru_cache(maxsize=64)
def _statements(module: ast.Module) -> dict[int, ast.stmt]:
    """The innermost statement on each line of a file."""
    found: dict[int, ast.stmt] = {}
    for each in ast.walk(module):
        if isinstance(each, ast.stmt):
            for line in range(each.lineno, (each.end_lineno or 0) + 1):
                if line not in found or each.lineno >= found[line].lineno:
                    found[line] = each
    return found


def base(name: str) -> str:
    """The variable in `x`, `x[i]` or `x.y`."""
    return re.split(r"[.\[]", name, maxsplit=1)[0]


@lru_cache(maxsize=4096)
def assigned(name: str, before: Line, *, alias: bool) -> Line | None:
    """The last line above another in the same function that assigns to a name.

    Args:
        name: of the variable.
        before: the other line.
        alias: whether only an assignment counts that gives another name to an array.
    """
    module = tree(before.file)
    found: ast.stmt | None = None
    for each in _assignments(module, before) if module is not None else ():
        if name in _stored(each) and each.lineno < before.line:
            found = each
    if found is None or (alias and not _is_alias(found)):
        return None
    return Line(before.file, found.lineno)


@lru_cache(maxsize=4096)
def reads(name: str, line: Line) -> int:
    """How often the function around a line reads a variable."""
    module = tree(line.file)
    around: ast.AST | None = module
    for each in ast.walk(module) if module is not None else ():
        if isinstance(each, ast.FunctionDef) and each.lineno <= line.line <= (each.end_lineno or 0):
            around = each
    inside = ast.walk(around) if around is not None else ()
    names = (each for each in inside if isinstance(each, ast.Name))
    return sum(each.id == name and isinstance(each.ctx, ast.Load) for each in names)


def gives_alias(line: Line) -> bool:
    """Whether a line gives another name to an array."""
    found = statement(line.file, line.line)
    return found is not None and _is_alias(found)


def _is_alias(statement: ast.stmt) -> bool:
    plain = (ast.Name, ast.Attribute, ast.Subscript)
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, plain)
        and isinstance(statement.targets[0], plain)
    )


def _stored(statement: ast.stmt) -> set[str]:
    """The names that a statement itself assigns to."""
    parts: ast.AST = statement.target if isinstance(statement, ast.For) else statement
    return {
        each.id
        for each in ast.walk(parts)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _assignments(module: ast.Module, line: Line) -> list[ast.stmt]:
    """The assignments of the function around a line, in order."""
    around: ast.AST = module
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef) and each.lineno <= line.line <= (each.end_lineno or 0):
            around = each
    found = [e for e in ast.walk(around) if isinstance(e, ast.Assign | ast.AugAssign | ast.For)]
    return sorted(found, key=lambda each: each.lineno)


def loop_around(lines: list[Line]) -> Line | None:
    """The innermost loop that all of some lines stand in."""
    if len({each.file for each in lines}) != 1:
        return None
    module = tree(lines[0].file)
    found: ast.stmt | None = None
    for each in ast.walk(module) if module is not None else ():
        if isinstance(each, ast.For | ast.While):
            inside = all(each.lineno < line.line <= (each.end_lineno or 0) for line in lines)
            if inside and (found is None or each.lineno > found.lineno):
                found = each
    return None if found is None else Line(lines[0].file, found.lineno)


@lru_cache(maxsize=4096)
def passed(name: str, inside: Line, function: str, call: Line) -> str:
    """The source of the argument that a call gives to a parameter; nothing if it is not one.

    Args:
        name: of the parameter.
        inside: a line of the function that is called.
        function: its name.
        call: the line of the call.
    """
    inner, outer = tree(inside.file), tree(call.file)
    if inner is None or outer is None:
        return ""
    names = next(
        (
            [each.arg for each in (*e.args.posonlyargs, *e.args.args)]
            for e in ast.walk(inner)
            if isinstance(e, ast.FunctionDef)
            and e.name == function
            and e.lineno <= inside.line <= (e.end_lineno or 0)
        ),
        [],
    )
    for each in ast.walk(outer):
        if isinstance(each, ast.Call) and each.lineno <= call.line <= (each.end_lineno or 0):
            called = each.func.attr if isinstance(each.func, ast.Attribute) else each.func
            if called == function or (isinstance(called, ast.Name) and called.id == function):
                return _argument(each, names, name)
    return ""


def _argument(call: ast.Call, names: list[str], name: str) -> str:
    for keyword in call.keywords:
        if keyword.arg == name:
            return ast.unparse(keyword.value)
    own = names[1:] if names[:1] == ["self"] else names
    if name in own and own.index(name) < len(call.args):
        return ast.unparse(call.args[own.index(name)])
    return ""


def returned(node: Node) -> tuple[ast.Call, Line] | None:
    """The outermost call that returns a value as it was computed, and its line."""
    made, found = expression(node), None
    frames = [each for each in node.frames if "site-packages" not in each.file]
    for inner, outer in pairwise(frames):
        whole = statement(inner.file, inner.line)
        if not isinstance(whole, ast.Return) or made is None or whole.value is not made:
            break
        made = _call_on(Line(outer.file, outer.line), inner.function)
        if made is None:
            break
        found = made, Line(outer.file, outer.line)
    return found


def _call_on(line: Line, function: str) -> ast.Call | None:
    """The only call of a function on a line."""
    whole = statement(line.file, line.line)
    calls = [
        each
        for each in (ast.walk(whole) if whole is not None else ())
        if isinstance(each, ast.Call)
        and function in (getattr(each.func, "id", ""), getattr(each.func, "attr", ""))
    ]
    return calls[0] if len(calls) == 1 else None


def forget() -> None:
    """Read the files again when they are asked for: they may have changed."""
    assigned.cache_clear()
    passed.cache_clear()


def line_of(node: Node) -> Line | None:
    """The line of the program's own files that computed a node."""
    return next(iter(own_lines(node)), None)


def lines_of(node: Node) -> tuple[Line, ...]:
    """The same, if there is one."""
    line = line_of(node)
    return () if line is None else (line,)


def own_lines(node: Node) -> Iterator[Line]:
    """The lines of the program's own files that led to a node, the innermost first."""
    for each in node.frames:
        if "site-packages" not in each.file:
            yield Line(each.file, each.line)
