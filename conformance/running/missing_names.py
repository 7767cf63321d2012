"""Whether a program stops at a name that it nowhere sets, so that no data can be the reason.

Left out: every other reason to stop.
"""

import ast
import builtins
import linecache
import sys
from functools import lru_cache
from types import ModuleType


def lacks_a_name(error: BaseException, file: str) -> bool:
    """Whether an exception is of a name, or of an attribute of an object of the file's own class.

    Args:
        error: it.
        file: in which it was raised.
    """
    if isinstance(error, UnboundLocalError):
        return False  # a loop that does nothing may be the reason, and that is of its data
    if isinstance(error, NameError):
        return bool(error.name) and error.name not in globals_of(file)
    if not isinstance(error, AttributeError) or not error.name or error.obj is None:
        return False
    files = _files_of(type(error.obj))
    return file in files and not any(error.name in attributes_of(each) for each in files)


def is_of_no_data(error: BaseException, file: str) -> bool:
    """Whether no data are the reason of an exception: a name is missing, also one of a module.

    Args:
        error: it.
        file: in which it was raised.
    """
    module = isinstance(error, AttributeError) and isinstance(error.obj, ModuleType)
    return module or lacks_a_name(error, file)


def _files_of(kind: type) -> list[str]:
    """The files in which a class and its bases are defined; of none where one cannot be read."""
    modules = [sys.modules.get(each.__module__) for each in kind.__mro__ if each is not object]
    files = [str(getattr(each, "__file__", None) or "") for each in modules]
    known = all(linecache.getlines(each) for each in files)
    return files if known else []


def attributes_of(file: str) -> frozenset[str]:
    """The attributes that a file sets, defines, or gives by their names as text."""
    return _attributes("".join(linecache.getlines(file)))


@lru_cache(maxsize=8)
def _attributes(source: str) -> frozenset[str]:
    """The same of a source, which many readings of a program ask for."""
    found = set()
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)  # such as a variable of a class
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # such as in setattr(self, "W", …)
    return frozenset(found)


def globals_of(file: str) -> set[str]:
    """The names that a file sets beside its functions, perhaps only where it is run as a script."""
    found = {*dir(builtins)}
    for statement in tree_of(file).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found |= {n for e in ast.walk(statement) if isinstance(e, ast.Global) for n in e.names}
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.alias):
                found.add((node.asname or node.name).partition(".")[0])
    return found


def tree_of(file: str) -> ast.Module:
    """The syntax of a file; of none if it cannot be read."""
    return _parsed("".join(linecache.getlines(file)))


def _parsed(source: str) -> ast.Module:
    """The syntax of a source; of none if it has another."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module([], [])
