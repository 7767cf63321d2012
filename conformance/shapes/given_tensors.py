"""Functions that compute with plain tensors of torch, called with arrays.

Left out: objects that hold tensors (`attempt.py`), and functions with a backward of their own for
torch (`custom_function.py`).
"""

import ast
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from conformance.backward.syntax import tree
from conformance.programs.held_state import as_array, as_tensor, doubles


def by_tensors(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function returns: if it takes tensors, it is given those of arrays, and back."""
    plain = function.func if isinstance(function, partial) else function
    code = getattr(plain, "__code__", None)
    if code is None or "torch" not in sys.modules or not _takes_tensors(code.co_filename):
        return function(*args, **kwargs)
    with doubles():
        return as_array(function(*as_tensor(args), **as_tensor(kwargs)))


@lru_cache(maxsize=64)
def _takes_tensors(file: str) -> bool:
    """Whether a file imports torch, and none of its functions uses what it imports of NumPy."""
    whole = tree(file) or ast.Module([], [])
    imported = {name: module.partition(".")[0] for name, module in _imported(whole)}
    functions = (each for each in ast.walk(whole) if isinstance(each, ast.FunctionDef))
    used = {e.id for each in functions for e in ast.walk(each) if isinstance(e, ast.Name)}
    return "torch" in imported.values() and "numpy" not in map(imported.get, used)


def _imported(whole: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a file imports, each with the module that it is of, or is."""
    for each in ast.walk(whole):
        if isinstance(each, ast.Import | ast.ImportFrom):
            of = getattr(each, "module", None)
            yield from ((e.asname or e.name.partition(".")[0], of or e.name) for e in each.names)
