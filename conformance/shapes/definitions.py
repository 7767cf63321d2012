"""The classes and functions that a file defines itself.

A notebook is its code cells, each with a name of its own. Left out: what they can do.
"""

import ast
import dis
import inspect
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from conformance.backward.syntax import stored, tree
from conformance.programs.execution import Failed, run_file
from conformance.programs.sources import sources
from conformance.programs.vocabulary import names_gradients


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

    def names_elsewhere(self, name: str) -> bool:
        """Whether a function of a name is named outside of it, as by what calls it."""
        parts = [each for file in self.files for each in ast.walk(tree(file) or ast.Pass())]
        own = (e for e in parts if isinstance(e, ast.FunctionDef) and e.name == name)
        inside = {id(e) for each in own for e in ast.walk(each)}
        named = (e for e in parts if isinstance(e, ast.Name) and e.id == name)
        return any(id(each) not in inside for each in named)

    def reads_gradients(self, but: Collection[str]) -> bool:
        """Whether a class or a function, but for some, reads an attribute named a gradient."""
        defined = [e for file in self.files for e in (tree(file) or ast.Module([], [])).body]
        own = [e for e in defined if isinstance(e, ast.ClassDef | ast.FunctionDef)]
        read = (e for each in own if each.name not in but for e in ast.walk(each))
        return any(
            isinstance(e, ast.Attribute) and isinstance(e.ctx, ast.Load) and names_gradients(e.attr)
            for e in read
        )

    def discards(self, name: str) -> bool:
        """Whether what a function of a name gives is named somewhere, and a part of it not read."""
        parts = [each for file in self.files for each in ast.walk(tree(file) or ast.Pass())]
        names = [each for each in parts if isinstance(each, ast.Name)]
        read = {each.id for each in names if isinstance(each.ctx, ast.Load)}
        calls = (e for e in parts if isinstance(e, ast.Assign) and name in {*_called(e.value)})
        return any(not stored(each) <= read for each in calls)

    @property
    def bases(self) -> set[type]:
        """The classes that others of the file derive from."""
        return {base for each in self.classes for base in each.__mro__[1:] if base in self.classes}

    @property
    def whole_classes(self) -> tuple[type, ...]:
        """Those that leave no method to others of them that derive from them."""
        opened = {each for each in self.bases if any(map(is_open, vars(each).values()))}
        return tuple(each for each in self.classes if each not in opened)


def is_open(function: Any) -> bool:
    """Whether a method is left to the classes that derive from its own, or only raises an error."""
    code = getattr(function, "__code__", None)
    operations = " ".join(each.opname for each in dis.get_instructions(code)) if code else "RETURN"
    named = "NotImplementedError" in getattr(code, "co_names", ()) and "JUMP" not in operations
    opened = named or "RETURN" not in operations
    return opened or getattr(function, "__isabstractmethod__", False)


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
    classes = [e for e in own if isinstance(e, type) and not issubclass(e, type)]  # no metaclass
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
        or (
            isinstance(each, ast.Expr | ast.Assign | ast.For | ast.While)
            and _calls_training(each, own)
        )
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


def makes(place: str, names: Collection[str]) -> bool:
    """Whether a file makes or calls something of some names when it is run."""
    own = (e for e in _body(place) if not isinstance(e, ast.FunctionDef | ast.ClassDef))
    return any(not {*_called(each)}.isdisjoint(names) for each in own)


def _body(place: str) -> list[ast.stmt]:
    """The statements at the top of a file or of a notebook's cells; what is no Python has none."""
    found: list[ast.stmt] = []
    for _, source in sources(place):
        with suppress(SyntaxError):
            found += ast.parse(source).body
    return found


def _called(statement: ast.AST) -> Iterator[str]:
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
