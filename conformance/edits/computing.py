"""Whether a function, or an expression, does nothing but compute a value.

By the code of the interpreter and the names in it, and by the source where it changes something
that may be its own.
"""

import ast
import builtins
import dis
import linecache
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from itertools import pairwise
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from conformance.programs.execution import assigned_pairs

COMPUTING = ("numpy", "math", "cmath", "torch", "scipy", "operator")
"""Packages whose functions compute, but for those below."""

TRACED = "conformance.tracing."
"""Where those of arrays are that are traced."""

ENTERED = "__conformance_"
"""What the names begin with of functions that a traced program passes its values through."""

DOING = (
    "_", "add_at", "append", "at", "backward", "byteswap", "clear", "copyto", "extend", "fill",
    "fill_diagonal", "insert", "item_set", "itemset", "next", "open", "partition", "place", "pop",
    "print", "put", "put_along_axis", "putmask", "remove", "resize", "reverse", "save", "savetxt",
    "seed", "send", "set_printoptions", "setdefault", "setfield", "setflags", "shuffle", "sort",
    "update", "write",
)  # fmt: skip
"""Names of functions and methods that do something else."""

RANDOM = ("bernoulli", "choice", "dropout", "normal", "permutation", "rand", "random", "uniform")
"""What the names of those begin with that draw numbers."""

BUILTINS = tuple(
    getattr(builtins, each)
    for each in (
        "abs", "all", "any", "bool", "complex", "dict", "divmod", "enumerate", "float", "int",
        "isinstance", "len", "list", "map", "max", "min", "pow", "range", "reversed", "round",
        "set", "slice", "sorted", "str", "sum", "tuple", "zip",
    )
)  # fmt: skip

KEEPING, IN_PLACE = "STORE_ATTR", "SWAP"
"""What gives an object an attribute, and what is done before it by `+=`."""

STORING = (KEEPING, "STORE_GLOBAL", "STORE_SUBSCR", "STORE_DEREF", "STORE_SLICE", "DELETE")
"""What the operations of the interpreter begin with by which something is changed."""

NEW = frozenset({"array", "copy", "dict", "empty", "eye", "full", "list", "ones", "set", "zeros"})
"""Functions and methods that make a list, a dict or an array."""

DISPLAYS = ast.ListComp | ast.SetComp | ast.DictComp | ast.List | ast.Dict | ast.Set | ast.Constant
CHANGED = ast.Subscript | ast.Attribute

DEPTH = 4
"""How far objects are looked for within an object."""


def is_pure(part: ast.AST, names: dict[str, Any]) -> bool:
    """Whether it only computes a value.

    Args:
        part: the expression.
        names: what its names stand for.
    """
    return not any(
        isinstance(each, ast.Yield | ast.YieldFrom | ast.Await | ast.NamedExpr | ast.Starred)
        or (isinstance(each, ast.keyword) and each.arg == "out")
        or (isinstance(each, ast.Call) and not _only_computes(each.func, names))
        for each in ast.walk(part)
    )


def _only_computes(callee: ast.expr, names: dict[str, Any]) -> bool:
    """Whether what is called does nothing else; of a value that is computed, by its name."""
    if any(isinstance(each, ast.Call) for each in ast.walk(callee)):
        return isinstance(callee, ast.Attribute) and _is_safe(callee.attr)
    try:
        code = compile(ast.fix_missing_locations(ast.Expression(callee)), "<callee>", "eval")
        called = eval(code, names)  # noqa: S307 - the program's own
    except Exception:  # noqa: BLE001 - it is other people's code
        return isinstance(callee, ast.Attribute) and _is_safe(callee.attr)
    return computes(called)


def computes(called: Callable[..., Any], *, keeps: bool = False) -> bool:
    """Whether a function only computes a value, as far as its code tells.

    Args:
        called: it.
        keeps: whether methods may keep what they compute in their objects.
    """
    if any(called is each for each in BUILTINS):  # what it belongs to may have no hash
        return True
    if isinstance(called, type):
        return issubclass(called, np.generic)
    if isinstance(called, MethodType) and isinstance(called.__func__, FunctionType):
        reached = _reached(called.__func__, called.__self__)
        return all(_is_plain(each.__code__, keeps=keeps) for each in reached)
    if isinstance(called, FunctionType) and not _of_library(called.__module__):
        return all(_is_plain(each.__code__, keeps=keeps) for each in _reached(called))
    owner = getattr(called, "__self__", None)
    module = getattr(called, "__module__", None) or getattr(owner, "__module__", "")
    named = _is_safe(getattr(called, "__name__", "_"))
    if isinstance(owner, np.ndarray | np.generic) or hasattr(owner, "detach"):
        return named
    return named and (_of_library(str(module)) or isinstance(called, np.ufunc))


def _of_library(module: str | None) -> bool:
    name = module or ""
    return name.split(".")[0] in COMPUTING or name.startswith(TRACED)


def _is_safe(name: str) -> bool:
    writes = name.endswith("_") and not name.startswith(ENTERED)
    return not (writes or name in DOING or name.startswith(RANDOM))


@cache
def _is_plain(code: CodeType, *, keeps: bool = False) -> bool:
    """Whether a code changes nothing but its own variables, by its operations and its words.

    It may give an object an attribute if it `keeps`, but not change one in place.
    """
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    done = [each.opname for each in dis.get_instructions(code)]
    stores = (
        now.startswith(STORING) and not (keeps and now == KEEPING and before != IN_PLACE)
        for before, now in pairwise(["", *done])
    )
    changes = any(stores) or not all(map(_is_safe, code.co_names))
    return (not changes or _fills(code, keeps=keeps)) and all(map(_is_plain, inner))


def _fills(code: CodeType, *, keeps: bool) -> bool:
    """Whether, by its source, it changes only lists, dicts and arrays that it has made.

    And gives objects attributes, if it `keeps`.
    """
    lines = "".join(linecache.getlines(code.co_filename))
    found = _definitions(lines).get((code.co_name, code.co_firstlineno))
    if found is None:
        return False
    parts = [*ast.walk(found)]
    made, called = _made(parts), {e.func for e in parts if isinstance(e, ast.Call)}
    return not any(
        isinstance(each, ast.Global | ast.Nonlocal | ast.Delete)
        or (isinstance(each, ast.Name) and not _is_safe(each.id))
        or (isinstance(each, ast.AugAssign) and not _is_own(each.target, made))
        or (
            isinstance(each, CHANGED)
            and _changes(each, keeps=keeps, called=each in called)
            and not _is_own(each, made)
        )
        for each in parts
    )


@lru_cache(maxsize=64)
def _definitions(source: str) -> dict[tuple[str, int], ast.FunctionDef]:
    """The functions of a source, by their names and the lines on which they begin."""
    try:
        parts = [*ast.walk(ast.parse(source))]
    except SyntaxError:
        return {}
    every = [each for each in parts if isinstance(each, ast.FunctionDef)]
    first = ((each, [each.lineno, *(e.lineno for e in each.decorator_list)]) for each in every)
    return {(each.name, min(lines)): each for each, lines in first}


def _changes(part: ast.Subscript | ast.Attribute, *, keeps: bool, called: bool) -> bool:
    """Whether a part stores something, or is what does; `w_` does if it is called."""
    if isinstance(part.ctx, ast.Store):
        return not (keeps and isinstance(part, ast.Attribute))
    name = part.attr if isinstance(part, ast.Attribute) else ""
    return not _is_safe(name if called else name.rstrip("_"))


def _is_own(part: ast.expr, made: Collection[str]) -> bool:
    """Whether it is a variable, or belongs to what is made."""
    return isinstance(part, ast.Name) or (
        isinstance(part, CHANGED) and ast.unparse(part.value) in made
    )


def _made(parts: Sequence[ast.AST]) -> set[str]:
    """The variables and attributes that get nothing but what is made for them, such as `[x]`."""
    values = dict[str, list[bool]]()
    for each in parts:
        if isinstance(each, ast.Assign) and len(each.targets) == 1:
            for name, given in assigned_pairs(each.targets[0], each.value):
                values.setdefault(ast.unparse(name), []).append(_is_new(given))
    held = (e for e in parts if isinstance(e, ast.Name | ast.Attribute))
    times = Counter(ast.unparse(e) for e in held if isinstance(e.ctx, ast.Store))
    return {name for name, new in values.items() if all(new) and times[name] == len(new)}


def _is_new(value: ast.expr) -> bool:
    """Whether an expression makes a list, a dict or an array that nothing else has."""
    if isinstance(value, ast.Call):
        name = getattr(value.func, "attr", getattr(value.func, "id", ""))
        return name in NEW or name.endswith("_like")
    return isinstance(value, DISPLAYS | ast.BinOp)


def _reached(function: FunctionType, owner: object = None) -> list[FunctionType]:
    """A function of the program, those that it reads by their names, and those that these read.

    Of an object that they read, or whose method it is, also the methods of these names.
    """
    found, owners = [function], [*_objects(owner)]
    for each in found:
        names = each.__code__.co_names
        read = [each.__globals__.get(name) for name in names]
        for cell in each.__closure__ or ():
            with suppress(ValueError):  # it is empty
                read.append(cell.cell_contents)
        owners += [part for e in read for part in _objects(e)]
        held = [*read, *(getattr(type(e), name, None) for e in owners for name in names)]
        own = (e for e in held if isinstance(e, FunctionType) and not _of_library(e.__module__))
        found += (e for e in own if e not in found)
    return found


def _objects(value: object, depth: int = DEPTH) -> Iterator[object]:
    """An object of the program, and those within it."""
    if not depth or _of_library(type(value).__module__) or isinstance(value, ModuleType | type):
        return
    if isinstance(value, list | tuple | dict):
        parts = value.values() if isinstance(value, dict) else value
    else:
        yield value
        parts = getattr(value, "__dict__", {}).values()
    for each in parts:
        if isinstance(each, list | tuple | dict) or hasattr(each, "__dict__"):
            yield from _objects(each, depth - 1)
