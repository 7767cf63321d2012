"""The source of a program: its statements, and what they do with the names of variables.

Left out: which of it computed a recorded value (`source.py`).
"""

import ast
import linecache
import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from time import monotonic

from conformance.backward.findings import Line
from conformance.tracing.frames import Frame

Loop = ast.For | ast.While
Assignment = ast.AugAssign | ast.Assign

COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@lru_cache(maxsize=64)
def _parsed(file: str, text: str) -> ast.Module | None:
    del file
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


FRESH = 0.5
"""Seconds until it is looked again whether a file was changed; at once if it is loaded."""

_LOOKED_AT = dict[str, float]()
_READ = dict[str, tuple[list[str], ast.Module | None]]()


def tree(file: str) -> ast.Module | None:
    """The syntax tree of a file; None if there is none to be read."""
    now = monotonic()
    if now - _LOOKED_AT.get(file, -FRESH) >= FRESH:
        _LOOKED_AT[file] = now
        linecache.checkcache(file)
    lines = linecache.getlines(file)
    if file not in _READ or _READ[file][0] is not lines:
        _READ[file] = lines, _parsed(file, "".join(lines)) if lines else None
    return _READ[file][1]


def without(node: ast.AST | None, functions: Collection[str]) -> Iterator[ast.AST]:
    """All parts of a tree but functions of some names."""
    for each in ast.iter_child_nodes(node or ast.Pass()):
        if not (isinstance(each, ast.FunctionDef) and each.name in functions):
            yield each
            yield from without(each, functions)


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


def function_around(line: Line) -> ast.FunctionDef | None:
    """The innermost function that a line is in; None if it is in none."""
    module = tree(line.file)
    functions = () if module is None else _functions(module)
    found = [each for each in functions if each.lineno <= line.line <= (each.end_lineno or 0)]
    return max(found, key=lambda each: each.lineno, default=None)


@lru_cache(maxsize=64)
def _functions(module: ast.Module) -> tuple[ast.FunctionDef, ...]:
    """The functions and methods of a file."""
    return tuple(each for each in ast.walk(module) if isinstance(each, ast.FunctionDef))


def defined_around(line: Line) -> str:
    """The name of the class or the function of a module that a line is in; nothing if none."""
    module = tree(line.file) or ast.Module([], [])
    defined = (e for e in module.body if isinstance(e, ast.ClassDef | ast.FunctionDef))
    return next((each.name for each in defined if _holds(each, line)), "")


def statement_with(line: Line, made: ast.expr | None) -> ast.stmt | None:
    """The statement on a line that an expression is of; several may stand there."""
    found = statement(line.file, line.line)
    if found is None or made is None or any(each is made for each in ast.walk(found)):
        return found
    module = tree(line.file)
    whole = (e for e in ast.walk(module or found) if isinstance(e, ast.Assign | ast.AugAssign))
    here = (each for each in whole if each.lineno == line.line)
    return next((e for e in here if any(part is made for part in ast.walk(e))), found)


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
    found: ast.stmt | None = None
    for each in _assignments(before):
        if name in stored(each) and each.lineno < before.line:
            found = each
    if found is None or (alias and not _is_alias(found)):
        return None
    return Line(before.file, found.lineno)


def is_taken(name: str, line: Line) -> bool:
    """Whether what a variable holds before a line was last taken out of something that has more."""
    above = assigned(name, line, alias=False)
    found = None if above is None else statement(above.file, above.line)
    if not isinstance(found, ast.Assign):
        return isinstance(found, ast.For)
    value = found.value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return gives_default(above) or all(
        isinstance(each, ast.Subscript | ast.Attribute) for each in parts
    )


def gives_default(line: Line | None) -> bool:
    """Whether a line assigns what stands under a key, or a value that it makes if none does."""
    match line and statement(line.file, line.line):
        case ast.Assign(value=ast.Call(ast.Attribute(attr="get"), [_, _])):
            return True
    return False


@lru_cache(maxsize=4096)
def carried(name: str, line: Line) -> Line | None:
    """The line that gives a variable another one's value, at the end of the loop around a line."""
    for loop in loops_around(line):
        inside = [
            e
            for e in _assignments(line)
            if name in stored(e) and _holds(loop, Line(line.file, e.lineno))
        ]
        if inside:
            return Line(line.file, inside[-1].lineno) if _is_alias(inside[-1]) else None
    return None


@lru_cache(maxsize=4096)
def reads(name: str, line: Line) -> int:
    """How often the function around a line reads a variable."""
    names = (each for each in _around(line) if isinstance(each, ast.Name))
    return sum(each.id == name and isinstance(each.ctx, ast.Load) for each in names)


def unread(line: Line) -> dict[str, object]:
    """The parameters of the function around a line that it never reads, each with its default.

    None stands for one that has no default, or another than a literal.
    """
    if (function := function_around(line)) is None:
        return {}
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    last = [*given.defaults, *given.kw_defaults]
    defaults = [*[None] * (len(names) - len(last)), *last]
    pairs = zip(names, defaults, strict=True)
    return {name: getattr(e, "value", None) for name, e in pairs if not reads(name, line)}


def gives_alias(line: Line) -> bool:
    """Whether a line gives another name to an array."""
    found = statement(line.file, line.line)
    return found is not None and _is_alias(found)


@lru_cache(maxsize=4096)
def renamed(line: Line) -> Line | None:
    """The line that gives what a line computes another name: one that the function returns.

    Args:
        line: that computes a value and names it.
    """
    found = statement(line.file, line.line)
    own = set() if found is None else stored(found)
    ends = [ast.walk(each) for each in _around(line) if isinstance(each, ast.Return)]
    names = {each.id for end in ends for each in end if isinstance(each, ast.Name)}
    for each in _assignments(line):
        value = each.value if _is_alias(each) and isinstance(each, ast.Assign) else None
        after = each.lineno > line.line and isinstance(value, ast.Name) and value.id in own
        if after and stored(each) & names:
            return Line(line.file, each.lineno)
    return None


def only_alias(line: Line) -> Line | None:
    """The only line below that gives another name to what a line computes; None if there are more.

    Args:
        line: that computes a value and names it.
    """
    named = _copies(line)
    return Line(line.file, named[0].lineno) if len(named) == 1 else None


def only_renaming(line: Line) -> Line | None:
    """The only line below that gives a variable what another one holds, which a line computes."""
    targets = ((each, getattr(each, "targets", [])) for each in _copies(line))
    named = [each for each, held in targets if all(isinstance(e, ast.Name) for e in held)]
    return Line(line.file, named[0].lineno) if len(named) == 1 else None


def _copies(line: Line) -> list[ast.stmt]:
    """The statements below a line that give another name to what it computes."""
    found = statement(line.file, line.line)
    own = set() if found is None else stored(found)
    below = (each for each in _assignments(line) if each.lineno > line.line)
    return [each for each in below if _is_copy(each, own)]


def _is_copy(statement: ast.stmt, names: Collection[str]) -> bool:
    """Whether a statement gives another name to one of some values, or to the entries of one."""
    value = getattr(statement, "value", None)
    entries = isinstance(value, ast.ListComp) and isinstance(value.elt, ast.Name)
    parts = ast.walk(value) if isinstance(value, ast.ListComp) and entries else (value,)
    plain = _is_alias(statement) or entries
    return plain and any(isinstance(each, ast.Name) and each.id in names for each in parts)


def _is_alias(statement: ast.stmt) -> bool:
    plain = (ast.Name, ast.Attribute, ast.Subscript)
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, plain)
        and isinstance(statement.targets[0], plain)
    )


def clearing(name: str, line: Line) -> list[str]:
    """The functions in the file of a line, but no constructors, that clear what has a name.

    It may be of another object, as `grad` is in `p.grad` and `self.weight.grad`.
    """
    return list(dict.fromkeys(function for function, _ in _cleared(name, line)))


def cleared_on(name: str, line: Line) -> list[Line]:
    """The lines on which these do."""
    return [Line(line.file, number) for _, number in _cleared(name, line)]


def _cleared(name: str, line: Line) -> Iterator[tuple[str, int]]:
    """The functions, and their lines, that clear what has a name; see `clearing`."""
    module = tree(line.file) or ast.Module([], [])
    for each in (e for e in _functions(module) if e.name != "__init__"):
        for part in ast.walk(each):
            shared = (e for e in _set_by(part, module) if not e.isidentifier())  # no variable
            if _held_as(name) in map(_held_as, shared):
                yield each.name, getattr(part, "lineno", 0)


def _set_by(part: ast.AST, module: ast.Module) -> list[str]:
    """What a statement, or a part of it, sets to something that is made of nothing of it."""
    match part:
        case ast.Assign(targets, value):
            return [e for e in map(ast.unparse, targets) if e not in ast.unparse(value)]
        case ast.Attribute(value, "fill"):
            return [ast.unparse(value)]
        case ast.For(iter=ast.Call() as call) if _clears(part):
            return [*_returned(module, call)]
    return []


def _clears(loop: ast.For) -> bool:
    """Whether what a loop goes through is filled with zeros: `for g in grads(): g[...] = 0.0`."""
    for each in loop.body:
        match each:
            case ast.Assign([ast.Subscript(ast.Name(name))], ast.Constant(0)) if name in stored(
                loop
            ):
                return True
    return False


def _returned(module: ast.Module, call: ast.Call) -> Iterator[str]:
    """What the functions of a file return that have the name of one that is called."""
    for each in _functions(module):
        if is_call_of(call, each.name):
            found = (e for e in ast.walk(each) if isinstance(e, ast.Return) and e.value)
            values = (part for e in found for part in ast.walk(e))
            yield from (ast.unparse(e) for e in values if isinstance(e, ast.Attribute))


def _held_as(text: str) -> tuple[bool, str]:
    """Whether what is stored or read is an attribute, and its last name without indices."""
    whole = text.partition("[")[0]
    return "." in whole, whole.rpartition(".")[2]


def aliased(line: Line) -> str:
    """What a line gives another name to, or returns; nothing if these are several values."""
    found = statement(line.file, line.line)
    value = found.value if isinstance(found, ast.Assign | ast.Return) else None
    return "" if value is None or isinstance(value, ast.Tuple) else ast.unparse(value)


def hands_out(names: Collection[str], line: Line) -> Line | None:
    """The last line of a function that keeps one of some variables elsewhere, or returns it.

    Args:
        names: of the variables.
        line: of the function.
    """

    def has_name(part: ast.AST | None) -> bool:
        return isinstance(part, ast.Name) and part.id in names

    kept = (e for e in _assignments(line) if _is_alias(e) and has_name(getattr(e, "value", None)))
    ends = (
        e for e in _around(line) if isinstance(e, ast.Return) and any(map(has_name, ast.walk(e)))
    )
    found = [each.lineno for each in (*kept, *ends)]
    return Line(line.file, max(found)) if found else None


def renaming(made: Sequence[Line], used: Sequence[Line]) -> tuple[Line, ...]:
    """The line between two others that only gives another name to what the later one reads.

    Nothing if there are several, or none: what is to be computed there is not.

    Args:
        made: the line that computes a value, first.
        used: the line that uses it, first.
    """
    found = statement(used[0].file, used[0].line) if made and used else None
    names = {each.id for each in ast.walk(found or ast.Pass()) if isinstance(each, ast.Name)}
    lines = {assigned(each, used[0], alias=True) for each in names} - {None}
    after = [each for each in lines if each is not None and each.line > made[0].line]
    return tuple(after) if len(after) == 1 else ()


def counting(frames: Sequence[Frame]) -> tuple[Line, ...]:
    """The only line of a file that adds to the exponent of a power on a line; else nothing.

    Where none adds to it, the only one that sets it within a loop.

    Args:
        frames: of the line, and of the calls around it, which may hand the exponent on.
    """
    names, sums, made = set[str](), set[Line](), set[Line]()
    for i, each in enumerate(frames):
        here = ast.walk(statement(each.file, each.line) or ast.Pass())
        powers = (e for e in here if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Pow))
        call, inside = Line(each.file, each.line), frames[i - 1]
        around = (passed(e, Line(*inside[:2]), inside.function, call) for e in names)
        names = set(filter(None, around)) if i else {ast.unparse(e.right) for e in powers}
        parts = [e for e in ast.walk(tree(each.file) or ast.Pass()) if isinstance(e, Assignment)]
        own = {Line(each.file, e.lineno): e for e in parts if _target(e) in names}
        sums |= {line for line, e in own.items() if _is_added_to(e)}
        made |= {line for line in own if loops_around(line)}
    found = sums or made
    return tuple(found) if len(found) == 1 else ()


def _target(assignment: Assignment) -> str:
    targets = [assignment.target] if isinstance(assignment, ast.AugAssign) else assignment.targets
    return ast.unparse(targets[0])


def _is_added_to(part: Assignment) -> bool:
    """Whether a statement adds to a variable: `t += 1`, or `t = t + 1`."""
    if isinstance(part, ast.AugAssign):
        return True
    terms = [part.value.left, part.value.right] if isinstance(part.value, ast.BinOp) else []
    return _target(part) in map(ast.unparse, terms)


def iterated(line: Line) -> list[str]:
    """The names of what a loop that begins on a line goes through."""
    found = statement(line.file, line.line)
    if not isinstance(found, ast.For):
        return []
    return [each.id for each in ast.walk(found.iter) if isinstance(each, ast.Name)]


def stored(statement: ast.AST) -> set[str]:
    """The names that a statement, or a part of one, itself assigns to, and no comprehension."""
    parts: ast.AST = statement.target if isinstance(statement, ast.For) else statement
    way = [*ast.walk(parts)]
    inner = {name for e in way if isinstance(e, ast.comprehension) for name in ast.walk(e.target)}
    return {
        each.id
        for each in way
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and each not in inner
    }


def is_stored_once(name: str, line: Line) -> bool:
    """Whether what is read under a name on a line is put there by one function, or a statement.

    Of an attribute all functions of the file count; what a function is given is not known.
    """
    read, module = ast.parse(name, mode="eval").body, tree(line.file)
    if module is None or not isinstance(read, ast.Attribute | ast.Name):
        return False
    if isinstance(read, ast.Name):
        return sum(read.id in stored(each) for each in _assignments(line)) == 1
    at = (e for e in ast.walk(module) if isinstance(e, ast.Attribute) and e.attr == read.attr)
    puts = (e.lineno for e in at if isinstance(e.ctx, ast.Store))
    return len({_innermost(module, each) for each in puts}) == 1


def _around(line: Line) -> Sequence[ast.AST]:
    """All that the innermost function around a line holds; the file, where there is none."""
    module = tree(line.file)
    return () if module is None else _parts(_innermost(module, line.line))


@lru_cache(maxsize=4096)
def _innermost(module: ast.Module, line: int) -> ast.AST:
    """The innermost function around a line; the whole, where there is none."""
    around: ast.AST = module
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef) and each.lineno <= line <= (each.end_lineno or 0):
            around = each
    return around


@lru_cache(maxsize=256)
def _parts(whole: ast.AST) -> Sequence[ast.AST]:
    return tuple(ast.walk(whole))


def returned_place(line: Line, made: ast.expr | None) -> int | None:
    """Which of the values that a function returns it computes on a line; None if none.

    Args:
        line: of the function.
        made: the expression there that computes it.
    """
    whole = statement(line.file, line.line)
    names = stored(whole) if isinstance(whole, ast.Assign) else set()
    for each in _around(line):
        if isinstance(each, ast.Return) and each.value is not None:
            parts = each.value.elts if isinstance(each.value, ast.Tuple) else [each.value]
            for i, part in enumerate(parts):
                if part is made or (isinstance(part, ast.Name) and part.id in names):
                    return i
    return None


def _assignments(line: Line) -> list[ast.stmt]:
    """The assignments of the function around a line, in order."""
    found = [e for e in _around(line) if isinstance(e, ast.Assign | ast.AugAssign | ast.For)]
    return sorted(found, key=lambda each: each.lineno)


def loops_around(line: Line) -> list[Loop]:
    """The loops around a line in its own function, the innermost first."""
    loops = (each for each in _around(line) if isinstance(each, Loop))
    found = (each for each in loops if each.lineno < line.line <= (each.end_lineno or 0))
    return sorted(found, key=lambda each: -each.lineno)


def has_flag(line: Line) -> bool:
    """Whether a line is run only for what has a flag, or is in a collection.

    It stands under such a test, or after one by which the loop around it goes on. A place in a
    row, such as `if i:`, is no flag. Or a loop goes through the keys that its function is handed.
    """
    ifs = (each for each in _around(line) if isinstance(each, ast.If))
    return _is_of_keys(line) or any(_is_flag(each.test) and _decides(each, line) for each in ifs)


def kinds_asked(line: Line) -> set[str]:
    """The classes of which something has to be for a line to be run: `if isinstance(x, Dense):`."""
    ifs = (each for each in _around(line) if isinstance(each, ast.If) and _decides(each, line))
    calls = (e for each in ifs for e in ast.walk(each.test) if isinstance(e, ast.Call))
    asked = (each for each in calls if ast.unparse(each.func) == "isinstance")
    return {e.id for each in asked for e in ast.walk(each.args[-1]) if isinstance(e, ast.Name)}


def _is_of_keys(line: Line) -> bool:
    """Whether what is stored has a key of those that the function around a line is handed."""
    function, loops = function_around(line), loops_around(line)[:1]
    given = (
        {e.arg for e in ast.walk(function.args) if isinstance(e, ast.arg)} if function else set()
    )
    for loop in loops:
        match loop:
            case ast.For(target=ast.Name(id=key), iter=ast.Name(id=keys)) if keys in given:
                here = statement(line.file, line.line) or ast.Pass()
                places = (e for e in ast.walk(here) if isinstance(e, ast.Subscript))
                stores = (e for e in places if isinstance(e.ctx, ast.Store))
                return any(
                    ast.unparse(e.slice) == key and base(ast.unparse(e)) != keys for e in stores
                )
    return False


def _decides(found: ast.If, line: Line) -> bool:
    """Whether it depends on a test if a line is run."""
    last = found.end_lineno or 0
    if isinstance(found.body[-1], ast.Continue) and last < line.line:
        return loops_around(Line(line.file, last))[:1] == loops_around(line)[:1]
    return found.lineno < line.line <= last


def _is_flag(test: ast.expr) -> bool:
    match test:
        case ast.UnaryOp(ast.Not(), given):
            return _is_flag(given)
        case ast.BoolOp():
            return any(map(_is_flag, test.values))
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[held]):
            return isinstance(held, ast.Name | ast.Attribute)
    return isinstance(test, ast.Attribute | ast.Subscript)


def is_repeated(line: Line) -> bool:
    """Whether a line is within a loop or a comprehension of its own function."""
    whole = (each for each in _around(line) if isinstance(each, COMPREHENSION))
    return bool(loops_around(line)) or any(
        each.lineno <= line.line <= (each.end_lineno or 0) for each in whole
    )


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


def assigned_around(name: str, frames: tuple[Frame, ...]) -> Line | None:
    """The line that assigns to a variable, in the function or where that was called."""
    for frame, outer in zip(frames, (*frames[1:], None), strict=True):
        here = Line(frame.file, frame.line)
        found = assigned(name, here, alias=False)
        if found is not None or outer is None:
            return found
        name = passed(name, here, frame.function, Line(outer.file, outer.line))
        if not name.isidentifier():
            return None
    return None


def _argument(call: ast.Call, names: list[str], name: str) -> str:
    for keyword in call.keywords:
        if keyword.arg == name:
            return ast.unparse(keyword.value)
    own = names[1:] if names[:1] == ["self"] else names
    if name in own and own.index(name) < len(call.args):
        return ast.unparse(call.args[own.index(name)])
    return ""


def hands_back(line: Line) -> Line | None:
    """The line of a function beside a line that returns what it was given.

    It is another method of the class around the line, or is defined in the function around it.
    """
    module, inner = tree(line.file), function_around(line)
    for each in ast.walk(module) if module is not None else ():
        of_class = isinstance(each, ast.ClassDef)
        if isinstance(each, ast.ClassDef | ast.FunctionDef) and _holds(each, line):
            methods = [e for e in each.body if isinstance(e, ast.FunctionDef)]
            beside = any(_holds(e, line) for e in methods) if of_class else each is inner
            for method in methods if beside else ():
                end, given = method.body[-1], _given(method, of_class)
                value = end.value if isinstance(end, ast.Return) else None
                name = value.id if isinstance(value, ast.Name) else ""
                if name in given and not _holds(method, line):
                    return Line(line.file, given[name] or end.lineno)
    return None


def _given(function: ast.FunctionDef, first: int) -> dict[str, int]:
    """The names in a function of what it is given, each with the line that makes it one, if any.

    Args:
        function: it.
        first: the place of its first argument that is meant: 1 in a method.
    """
    given = {each.arg: 0 for each in function.args.args[first:]}
    for each in function.body:
        value = each.value if _is_alias(each) and isinstance(each, ast.Assign) else None
        alias = isinstance(value, ast.Name) and value.id in given
        for name in {name for inner in ast.walk(each) for name in stored(inner)}:
            given.pop(name, None)
            given |= {name: each.lineno} if alias else {}
    return given


def _holds(statement: ast.stmt, line: Line) -> bool:
    return statement.lineno <= line.line <= (statement.end_lineno or 0)


def call_on(line: Line, function: str) -> ast.Call | None:
    """The only call of a function on a line."""
    whole = statement(line.file, line.line)
    parts = ast.walk(whole) if whole is not None else ()
    calls = [e for e in parts if isinstance(e, ast.Call) and is_call_of(e, function)]
    return calls[0] if len(calls) == 1 else None


def is_call_of(part: ast.expr, function: str) -> bool:
    """Whether an expression calls a function, or a method of that name."""
    called = part.func if isinstance(part, ast.Call) else None
    return function in (getattr(called, "id", ""), getattr(called, "attr", ""))


def forget() -> None:
    """Read the files again when they are asked for: they may have changed."""
    assigned.cache_clear()
    carried.cache_clear()
    reads.cache_clear()
    renamed.cache_clear()
    passed.cache_clear()


def written_part(statement: ast.Assign, made: ast.expr | None) -> ast.expr:
    """What an expression is assigned to: of `a, b = a - da, b - db`, the part at its place."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, part in zip(target.elts, value.elts, strict=False):
            if any(each is made for each in ast.walk(part)):
                return one
    return target


def written(tree: ast.AST | None) -> Iterator[tuple[ast.expr, ast.expr, set[str]]]:
    """What is written to, what is written, and what is read by that in any case."""
    for each in ast.walk(tree or ast.Pass()):
        if isinstance(each, ast.AugAssign):
            yield each.target, each.value, attributes(each.target)
        elif isinstance(each, ast.Assign):
            for target in each.targets:
                yield target, each.value, set()


def attributes(part: ast.AST) -> set[str]:
    """The attributes in a part of a source."""
    return {each.attr for each in ast.walk(part) if isinstance(each, ast.Attribute)}
