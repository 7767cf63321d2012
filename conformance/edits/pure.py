"""Whether an expression of a program computes a value and does nothing else.

Left out: statements, and what an expression computes (`right_values.py`).
"""

import ast
import builtins
import dis
from collections.abc import Callable
from functools import cache
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

COMPUTING = ("numpy", "math", "cmath", "torch", "scipy", "operator")
"""Packages whose functions compute, but for those below."""

TRACED = "conformance.tracing."
"""Where those of arrays are that are traced."""

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

STORING = ("STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "STORE_DEREF", "STORE_SLICE", "DELETE")
"""What the operations of the interpreter begin with by which something is changed."""


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


def computes(called: Callable[..., Any]) -> bool:
    """Whether a function only computes a value, as far as its code tells."""
    if any(called is each for each in BUILTINS):  # what it belongs to may have no hash
        return True
    if isinstance(called, type):
        return issubclass(called, np.generic)
    if isinstance(called, MethodType):
        return computes(called.__func__)
    if isinstance(called, FunctionType) and not _of_library(called.__module__):
        return all(_is_plain(each.__code__) for each in _reached(called))
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
    return not (name.endswith("_") or name in DOING or name.startswith(RANDOM))


@cache
def _is_plain(code: CodeType) -> bool:
    """Whether a code changes nothing but its own variables, by its operations and its words."""
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    stores = any(each.opname.startswith(STORING) for each in dis.get_instructions(code))
    return not stores and all(map(_is_safe, code.co_names)) and all(map(_is_plain, inner))


def _reached(function: FunctionType) -> list[FunctionType]:
    """A function of the program, those that it reads by their names, and those that these read."""
    found = [function]
    for each in found:
        held = (each.__globals__.get(name) for name in each.__code__.co_names)
        own = (e for e in held if isinstance(e, FunctionType) and not _of_library(e.__module__))
        found += (e for e in own if e not in found)
    return found
