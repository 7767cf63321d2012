"""The classes and functions that a file defines itself.

A notebook is its code cells, each with a name of its own. Left out: what they can do.
"""

import ast
import inspect
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from conformance.backward.syntax import tree
from conformance.errors import SubjectError
from conformance.programs.execution import Failed, run_file
from conformance.programs.sources import sources
from conformance.programs.vocabulary import bare, kinds_of, names_gradients, stem


@dataclass(frozen=True)
class Definitions:
    """What a file defines.

    Attributes:
        place: the file, as it was given.
        module: it is loaded as.
        classes: its own, in the order of the file.
        functions: its own, in the order of the file.
        others: other things that it makes, such as functions of JAX.
        files: the names that the lines of its parts go by.
        failed: the first statement that asked for what is not here, and those that failed after it.
    """

    place: str
    module: ModuleType
    classes: tuple[type, ...]
    functions: tuple[FunctionType, ...]
    others: tuple[Any, ...] = ()
    files: tuple[str, ...] = ()
    failed: tuple[Failed, ...] = ()

    @property
    def words(self) -> list[str]:
        """The strings in its source, such as the names of activations."""
        parts = (each for name in self.files for each in ast.walk(tree(name) or ast.Pass()))
        return [e.value for e in parts if isinstance(e, ast.Constant) and isinstance(e.value, str)]

    def used_by(self, name: str) -> set[str]:
        """The names of its classes and functions that one of them names, or what that names."""
        own: dict[str, Any] = {each.__name__: each for each in self.classes}
        own |= {each.__name__: each for each in self.functions}
        found, new = set[str](), {name}
        while new:
            found |= new
            named = {word for each in new if each in own for word in _names_in(own[each])}
            new = (named & own.keys()) - found
        return found - {name}

    @property
    def whole_classes(self) -> tuple[type, ...]:
        """Those that leave no method to others of them that derive from them."""
        bases = {base for each in self.classes for base in each.__mro__[1:]}
        opened = {each for each in bases if any(map(is_open, vars(each).values()))}
        return tuple(each for each in self.classes if each not in opened)


def is_open(function: Any) -> bool:
    """Whether a method is left to the classes that derive from its own."""
    written = getattr(getattr(function, "__code__", None), "co_names", ())
    return "NotImplementedError" in written or getattr(function, "__isabstractmethod__", False)


def _names_in(thing: Any) -> Iterator[str]:
    """The global names and attributes that the code of a class or a function reads."""
    codes: list[Any] = []
    for each in vars(thing).values() if isinstance(thing, type) else [thing]:
        function = inspect.unwrap(getattr(each, "fget", None) or getattr(each, "__func__", each))
        codes.append(getattr(function, "__code__", None))
    if isinstance(thing, type):
        yield from (each.__name__ for each in thing.__mro__[1:])
    while codes:
        code = codes.pop()
        if isinstance(code, CodeType):
            yield from code.co_names
            codes += code.co_consts


def definitions(place: str, python_path: Sequence[Path] = ()) -> Definitions:
    """Load a file and list what it defines.

    Raises:
        UsageError: there is no such file.
        SubjectError: its code failed.
    """
    failed: list[Failed] = []
    parts = sources(place)
    module = run_file(place, parts, python_path, failed)
    files = tuple(name for name, _ in parts)
    return replace(of_module(place, module), files=files, failed=tuple(failed))


def of_module(place: str, module: ModuleType) -> Definitions:
    """What a module that is loaded defines itself."""
    own = [each for each in vars(module).values() if _defined_in(each, module)]
    classes = [each for each in own if isinstance(each, type)]
    for kind in classes:  # those within them too
        inner = [each for each in vars(kind).values() if isinstance(each, type)]
        classes += [each for each in inner if _defined_in(each, module) and each not in classes]
    functions = [each for each in own if isinstance(each, FunctionType)]
    return Definitions(
        place,
        module,
        tuple(dict.fromkeys(classes)),
        tuple(dict.fromkeys(functions)),
        tuple(each for each in own if not isinstance(each, type | FunctionType)),
        (str(Path(place).resolve()),) if place else (),
    )


def _defined_in(thing: Any, module: ModuleType) -> bool:
    return getattr(thing, "__module__", None) == module.__name__


def trains_at_import(place: str) -> bool:
    """Whether a file, or a notebook, runs a loop that computes, or trains, when it is imported.

    What stands under `if __name__ == "__main__"` is not run.
    """
    body = _body(place)
    own = {e.name for e in body if isinstance(e, ast.FunctionDef | ast.ClassDef)}
    return any(
        (isinstance(each, ast.For | ast.While) and _computes(each))
        or (isinstance(each, ast.Expr | ast.Assign) and _calls_training(each, own))
        for each in body
    )


def has_main(place: str) -> bool:
    """Whether a file does something when it is run: under `if __name__`, or by calls of its own."""
    body = _body(place)
    own = {e.name for e in body if isinstance(e, ast.FunctionDef | ast.ClassDef)}
    return any(
        (isinstance(each, ast.If) and "__name__" in ast.unparse(each.test))
        or (isinstance(each, ast.Expr | ast.Assign) and not own.isdisjoint(_called(each)))
        for each in body
    )


def _body(place: str) -> list[ast.stmt]:
    """The statements at the top of a file or of a notebook's cells; what is no Python has none."""
    found: list[ast.stmt] = []
    for _, source in sources(place):
        with suppress(SyntaxError):
            found += ast.parse(source).body
    return found


def _called(statement: ast.stmt) -> Iterator[str]:
    """The names of the functions and classes that a statement calls."""
    for each in ast.walk(statement):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            yield each.func.id


def _computes(loop: ast.stmt) -> bool:
    """Whether a loop changes something by arithmetic."""
    return any(isinstance(each, ast.AugAssign | ast.BinOp) for each in ast.walk(loop))


def _calls_training(statement: ast.stmt, own: set[str]) -> bool:
    from conformance.programs.vocabulary import is_role

    for each in ast.walk(statement):
        if isinstance(each, ast.Call):
            func = each.func
            name = getattr(func, "attr", getattr(func, "id", ""))
            known = isinstance(func, ast.Attribute) or name in own
            if known and is_role(name, "train") in (0, 1, 2):
                return True
    return False


def leaves_out_label(function: Any) -> bool:
    """Whether a function takes a row of a table, and uses all of it but its end: `row[:-1]`."""
    code = getattr(function, "__code__", None)
    definition = None if code is None else definition_of(code)
    parts = () if definition is None else ast.walk(definition)
    slices = {ast.unparse(each) for each in parts if isinstance(each, ast.Subscript)}
    taken = () if code is None else code.co_varnames[: code.co_argcount]
    return any(f"{name}[:-1]" in slices for name in taken if "row" in kinds_of(name))


AXIS = ("axis", "keepdims", "dim", "keepdim")
REDUCTIONS = {"sum", "mean", "var", "std", "max", "min", "amax", "amin", "norm"}


def names_axis(function: Any) -> bool:
    """Whether a function sums, or the like, along an axis that it names: of one vector none is."""
    code = getattr(function, "__code__", None)
    definition = None if code is None else definition_of(code)
    calls = [e for e in ast.walk(definition or ast.Pass()) if isinstance(e, ast.Call)]
    summing = (e for e in calls if getattr(e.func, "attr", "") in REDUCTIONS)
    return any(each.arg in AXIS for e in summing for each in e.keywords)


def returned_names(function: Any) -> tuple[str, ...]:
    """What the last `return` of a function names, part by part: `return Z, A` gives Z and A."""
    last = _last_return(function)
    return () if last is None else tuple(map(_name, _elements(last) or [last]))


def returned_parts(function: Any, result: Any) -> list[tuple[str, Any]]:
    """What a function returned, part by part, within tuples too, each with what `return` names.

    So are the gradients that a method puts into a tuple or a list: `self.g = (dW, db)`.
    """
    kept = [each for each in _kept_parts(function) if stem(each[0]) != bare(each[0])]
    return [*_parts(_last_return(function), result, "returned"), *kept]


def _kept_parts(function: Any) -> Iterator[tuple[str, Any]]:
    """What a method put into tuples and lists of its object, part by part, each with its name."""
    whole, code = getattr(function, "__self__", None), getattr(function, "__code__", None)
    definition = None if whole is None or code is None else definition_of(code)
    for value, name in () if definition is None else _kept_in(definition):
        yield from _parts(value, getattr(whole, name, None), name)


@lru_cache(maxsize=512)
def _kept_in(definition: ast.FunctionDef) -> tuple[tuple[ast.expr, str], ...]:
    """The tuples and lists that a method gives attributes, each with the name of one."""
    return tuple(
        (each.value, target.attr)
        for each in ast.walk(definition)
        if isinstance(each, ast.Assign) and _elements(each.value)
        for target in each.targets
        if isinstance(target, ast.Attribute)
    )


def _parts(written: ast.expr | None, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    parts = list(value) if isinstance(value, tuple | list) else [value]
    elements: Sequence[ast.expr | None] = _elements(written) or [written]
    if len(elements) != len(parts):
        elements = [None] * len(parts)
    for i, (element, part) in enumerate(zip(elements, parts, strict=True)):
        if isinstance(part, tuple | list) and len(_elements(element)) == len(part):
            yield from _parts(element, part, path)
        elif element is not None:
            yield _name(element), part
        else:
            yield (f"{path}[{i}]" if len(parts) > 1 else path), part


def _elements(written: ast.expr | None) -> list[ast.expr]:
    return written.elts if isinstance(written, ast.Tuple | ast.List) else []


def _last_return(function: Any) -> ast.expr | None:
    code = getattr(function, "__code__", None)
    return None if code is None else _returned_in(code)


@lru_cache(maxsize=512)
def _returned_in(code: CodeType) -> ast.expr | None:
    definition = definition_of(code)
    inside = [] if definition is None else [*ast.walk(definition)]
    nested = (each for each in inside[1:] if isinstance(each, ast.FunctionDef))
    inner = {id(e) for each in nested for e in ast.walk(each)}
    found = [e for e in inside if isinstance(e, ast.Return) and id(e) not in inner]
    found.sort(key=lambda each: each.lineno)  # those within an `if` come last in a walk
    return next((e.value for e in reversed(found) if e.value is not None), None)


@lru_cache(maxsize=512)
def _name(value: ast.expr) -> str:
    """What is returned, in a word: `dW`, also of `dW / m`."""
    if isinstance(value, ast.Attribute):
        return value.attr.lstrip("_")
    scaled = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div)
    names = {e.id for e in ast.walk(value) if isinstance(e, ast.Name) and names_gradients(e.id)}
    return names.pop() if scaled and len(names) == 1 else ast.unparse(value)


def beside_names(function: Any) -> list[str]:
    """What a function names after the loss that it returns: `return loss, (da, db)` gives two."""
    names = returned_names(function)[1:]
    return [e.strip() for each in names for e in each.strip("()").split(",")]


def returned_functions(function: FunctionType) -> list[str]:
    """The functions within a function that it returns, by their names, alone or with more."""
    definition = definition_of(function.__code__)
    body = [] if definition is None else definition.body
    inner = {each.name for each in body if isinstance(each, ast.FunctionDef)}
    last = body[-1].value if body and isinstance(body[-1], ast.Return) else None
    keys = last.keys if isinstance(last, ast.Dict) else ()
    named = [each.value for each in keys if isinstance(each, ast.Constant)]
    return [e for e in (*returned_names(function), *map(str, named)) if e in inner]


def definition_of(code: CodeType) -> ast.FunctionDef | None:
    """The definition of a function."""
    module = tree(code.co_filename)
    if module is None:
        return None
    return _definition(module, code.co_name, code.co_firstlineno)


@lru_cache(maxsize=512)
def _definition(module: ast.Module, name: str, line: int) -> ast.FunctionDef | None:
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef) and each.name == name:
            first = min([each.lineno, *(e.lineno for e in each.decorator_list)])
            if first <= line <= each.lineno:
                return each
    return None


__all__ = [
    "Definitions", "SubjectError", "definitions", "has_main", "of_module",
    "trains_at_import",
]  # fmt: skip
