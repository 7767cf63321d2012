"""A script, run as Python runs it: as `__main__`, with its arguments, from its folder's modules.

The modules that it imports from there are compiled to be traced: values that are assigned, looped
over or handed on as more than a name are passed through a function, and numbers such as 1 − β^t; of
a program with lists of numbers also what is returned and what is stored into. Every expression
keeps its place in the source; of NumPy and `math` a script sees what notes what it does. Left out:
what stands in their place (`tracing/`), and its process (`script_child.py`).
"""

import ast
import builtins
import linecache
import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from operator import attrgetter
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from conformance.errors import SubjectError, UsageError
from conformance.programs.absent import stand_ins
from conformance.programs.execution import NOTEBOOK, parsed
from conformance.programs.sources import sources
from conformance.running.same_names import separate
from conformance.script.asked_losses import ASKED, ASKED_OF_PART, asked, asked_of_part
from conformance.script.losses_in_source import with_losses
from conformance.script.trainings import Cut
from conformance.tracing.built_in import BUILTINS
from conformance.tracing.entering import Entrance
from conformance.tracing.frames import is_installed, is_subject, subject_frames
from conformance.tracing.lists import Lists
from conformance.tracing.modules import Seen, Substitute
from conformance.tracing.substitute import noted_tensors, substitutes
from conformance.tracing.trace import Trace

ARRAYS = re.compile(r"(numpy|torch|jax)\b")
"""What a script uses that computes with arrays; others compute with lists."""
OF_NUMBERS = re.compile(
    r"(mean|sum|prod|std|var|min|max|argmin|argmax|clip|round).*"
    r"|random\.(seed.*|(rand|randn|random)\(\)|(uniform|normal|randint)\([^,]*,[^,]*\))"
)
"""What of NumPy also scripts use that have no arrays, beside its functions of numbers."""

VALUE, EACH, STORE = "__conformance_value__", "__conformance_each__", "__conformance_store__"
"""The names, among the builtins, of what takes a value, those of a loop, what is stored into."""

RANGE = "__conformance_range__"
"""The same of what takes the places that a loop counts."""

WHILE = "__conformance_while__"
"""The same of what takes the test of a loop each time."""

NUMBER, MOVED = "__conformance_number__", "__conformance_moved__"
"""The same of what takes a number by which the first steps of a mean are corrected, or a new state.
"""

_PLAIN = (ast.Constant, ast.JoinedStr, ast.Lambda, ast.Name, ast.Compare, ast.BoolOp)

_UNTAKEN = (*_PLAIN, ast.GeneratorExp, ast.Await)
"""Arguments that hold no array, or one that has been entered under a name."""


@contextmanager
def traced_imports(
    entrance: Entrance, seed: int, main: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Trace what a program imports, until the end of the block; gives names for its main module.

    Args:
        entrance: makes its arrays traced.
        seed: of random generators that are given none.
        main: the variables of a main module that has no file.
    """
    instead = substitutes(entrance.trace, seed)
    plain = builtins.__import__
    finder = _Finder(lists=isinstance(entrance, Lists))
    builtins.__import__ = _importing(plain, instead, main)
    setattr(builtins, VALUE, entrance.value)
    setattr(builtins, EACH, entrance.each)
    setattr(builtins, RANGE, iter)
    setattr(builtins, WHILE, _itself)
    setattr(builtins, STORE, entrance.stored_in)
    setattr(builtins, NUMBER, entrance.number)
    setattr(builtins, MOVED, entrance.moved)
    setattr(builtins, ASKED, asked)
    setattr(builtins, ASKED_OF_PART, asked_of_part)
    sys.meta_path.insert(0, finder)
    try:
        yield BUILTINS
    finally:
        sys.meta_path.remove(finder)
        builtins.__import__ = plain
        for name in (VALUE, EACH, RANGE, WHILE, STORE, NUMBER, MOVED):
            setattr(builtins, name, _itself)  # its functions may still be called
        for name in (ASKED, ASKED_OF_PART):
            setattr(builtins, name, lambda *_, **__: None)


def _importing(
    plain: Callable[..., Any], instead: dict[int, Seen], main: dict[str, Any] | None
) -> Callable[..., Any]:
    """`__import__`, which gives a program's own modules what stands in the place of others."""

    def imported(
        name: str, names: Any = None, local: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        module = plain(name, names, local, fromlist, level)
        if names is None or not (names is main or _is_own(names.get("__file__"))):
            return module
        if getattr(module, "array", None) is np.array:  # it has NumPy's functions, as pylab has
            instead.setdefault(id(module), partial(_with_substitutes, module, instead))
        return instead[id(module)]() if id(module) in instead else module

    return imported


def _with_substitutes(module: ModuleType, instead: dict[int, Seen]) -> ModuleType:
    """A module in which what stands in the place of others is seen."""
    others = {name for name, value in vars(module).items() if id(value) in instead}
    return Substitute(module, others, lambda _, value: instead[id(value)]())


def _is_own(file: str | None) -> bool:
    return file is not None and is_subject(file) and not is_installed(file)


class _Finder:
    """Finds a program's own modules."""

    def __init__(self, *, lists: bool) -> None:
        self.loader = partial(_Loader, lists=lists)

    def find_spec(self, name: str, path: Any = None, _target: Any = None) -> ModuleSpec | None:
        """The module with a loader of ours; None for anything else."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or type(spec.loader) is not SourceFileLoader or not _is_own(spec.origin):
            return None
        spec.loader = self.loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Compiles a module from its source as it is now."""

    def __init__(self, name: str, path: str, *, lists: bool) -> None:
        super().__init__(name, path)
        self.lists = lists

    def get_code(self, fullname: str) -> CodeType:
        """The code, compiled to be traced."""
        file = self.get_filename(fullname)
        return compiled(self.get_data(file), file, lists=self.lists)

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        module.__dict__.update(BUILTINS)
        super().exec_module(module)


def parts_of(script: str) -> list[tuple[str, bytes]]:
    """The source of a script, or of each cell of a notebook, with the name that its lines go by.

    Raises:
        UsageError: there is no such file, or it is none of Python's.
    """
    path = Path(script)
    if path.is_dir():
        raise UsageError(f"{script} is a folder: give a file of it, as Python itself is given one")
    if not path.exists():
        raise UsageError(f"there is no file {script}")
    try:
        if script.endswith(NOTEBOOK):
            return sources(script)
        return [(_file(script), path.read_bytes())]
    except OSError as error:
        raise UsageError(f"{script} cannot be read: {error.strerror}") from error


def run(
    script: str,
    arguments: Sequence[str],
    trace: Trace,
    seed: int,
    ended: Callable[[dict[str, Any]], None],
    changed: ast.Module | None = None,
    cut: Cut | None = None,
) -> None:
    """Run a script, or the cells of a notebook, to the end, or to where it is stopped.

    Args:
        script: its path.
        arguments: that it is given.
        trace: where it is noted what it computes.
        seed: of its random numbers, where it gives none.
        ended: is given its variables where it has come to its end.
        changed: what is run in the place of its source.
        cut: leaves the loops of some trainings.

    Raises:
        SubjectError: it has a syntax error.
    """
    parts = parts_of(script)
    whole = b"\n".join(source for _, source in parts)
    with _failing_as(script):
        trees = [parsed(source, name) for name, source in parts] if changed is None else [changed]
        lists = None if _uses_arrays(trees) else Lists(trace)
        named = zip(trees, (name for name, _ in parts), strict=False)
        codes = [compiled(tree, name, lists=bool(lists)) for tree, name in named]
    module = _main(script, arguments)
    _warn_as_python_does()
    _load_torch(whole)
    seed_all(seed)
    with (
        stand_ins(whole, running=True),
        noted_tensors(trace),
        traced_imports(entrance := lists or Entrance(trace), seed) as names,
    ):
        module.__dict__.update(names)
        if cut is not None:
            cut.entrance = entrance
            setattr(builtins, EACH, cut.each(getattr(builtins, EACH)))
            setattr(builtins, RANGE, cut.each(iter))
            setattr(builtins, WHILE, cut.test)
        for code in codes:
            exec(code, module.__dict__)  # noqa: S102 - to run it is what was asked for
        ended(module.__dict__)


@contextmanager
def _failing_as(script: str) -> Iterator[None]:
    """Say where the source of a script is none of Python's."""
    try:
        yield
    except (SyntaxError, ValueError) as error:
        cell = (getattr(error, "filename", None) or "").removeprefix(_file(script))
        where = f"{script}{cell}:{getattr(error, 'lineno', 0) or 0}"
        raise SubjectError(f"{where}: {getattr(error, 'msg', error)}") from error


def _uses_arrays(trees: Sequence[ast.Module]) -> bool:
    """Whether a program uses torch or JAX, or of NumPy more than what computes with numbers."""
    nodes = [each for tree in trees for each in ast.walk(tree)]
    given: dict[str, str] = {}
    for each in nodes:
        if isinstance(each, ast.Import | ast.ImportFrom):
            module = f"{each.module}." if isinstance(each, ast.ImportFrom) else ""
            for name in each.names:
                whole = name.name if module or name.asname else name.name.partition(".")[0]
                given[name.asname or whole] = module + whole
    inner = {id(each.value) for each in nodes if isinstance(each, ast.Attribute)}
    inner |= {id(each.func) for each in nodes if isinstance(each, ast.Call)}
    used = [_path(each, given) for each in nodes if id(each) not in inner]
    return not all(map(_is_of_numbers, filter(ARRAYS.match, [*used, given.get("*", "")])))


def _path(node: ast.AST, given: Mapping[str, str]) -> str:
    """What stands in a program, by the name that it has in its module; empty if it is its own."""
    match node:
        case ast.Name():
            return given.get(node.id, "")
        case ast.Attribute():
            module = _path(node.value, given)
            return module and f"{module}.{node.attr}"
        case ast.Call():
            name = _path(node.func, given)
            return name and name + ast.unparse(node).removeprefix(ast.unparse(node.func))
    return ""


def _is_of_numbers(path: str) -> bool:
    """Whether a name of NumPy's, or a call of one, is a number or a function of numbers."""
    module, _, name = path.partition(".")
    if module != "numpy" or OF_NUMBERS.fullmatch(name):
        return module == "numpy"
    try:
        return isinstance(attrgetter(name.partition("(")[0])(np), np.ufunc | float)
    except AttributeError:
        return False


def _file(script: str) -> str:
    return str(Path(script).absolute())


def seed_all(seed: int) -> None:
    """Begin the random numbers that scripts draw anew."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scripts draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _load_torch(source: bytes) -> None:
    """Load torch, if the script does so, before its operations are to be noted."""
    if re.search(rb"^\s*(import|from)\s+torch\b", source, re.MULTILINE):
        with suppress(ImportError):  # which the script is told where it imports it
            import_module("torch")


def main_module(file: str, argv: Sequence[str]) -> ModuleType:
    """The main module of a file that is given some arguments, as Python makes it."""
    module = ModuleType("__main__")
    module.__dict__.update(__file__=file, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    sys.argv = [*argv]
    return module


def _itself(given: Any) -> Any:
    return given


def _main(script: str, arguments: Sequence[str]) -> ModuleType:
    """The main module of a script that is run for the first time."""
    file = _file(script)
    module = main_module(file, [script, *arguments])
    sys.path.insert(0, str(Path(script).resolve().parent))
    separate()
    os.environ.setdefault("MPLBACKEND", "Agg")  # a plot opens no window, for which it would wait
    linecache.checkcache(file)
    return module


def _warn_as_python_does() -> None:
    """Show warnings as a new Python does, those of an operation with the line of the script."""
    plain = warnings.showwarning

    def show(message: Any, category: Any, filename: str, lineno: int, *rest: Any) -> None:
        if not is_subject(filename):
            for each in subject_frames(sys._getframe(1))[:1]:  # noqa: SLF001 - the script's line
                filename, lineno = each.file, each.line
        plain(message, category, filename, lineno, *rest)

    warnings.resetwarnings()
    for each in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", each)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    warnings.showwarning = show  # type: ignore[assignment]


def compiled(source: bytes | str | ast.Module, file: str, *, lists: bool = False) -> CodeType:
    """The code of a program; as `compile` gives it, but for what is entered.

    Args:
        source: of the program; a tree is changed.
        file: that it is in.
        lists: whether its lists of numbers are followed, and what is stored in them.

    Raises:
        SyntaxError: it is no Python.
    """
    tree = source if isinstance(source, ast.Module) else parsed(source, file)
    entering = (_EnteringLists if lists else _Entering)(tree)
    made: CodeType = compile(entering.visit(with_losses(tree)), file, "exec", dont_inherit=True)
    return made


class _Entering(ast.NodeTransformer):
    """Passes values through the two functions."""

    def __init__(self, tree: ast.Module) -> None:
        moves = (each for each in ast.walk(tree) if isinstance(each, ast.AugAssign))
        self.moved = {ast.unparse(e.target) for e in moves if isinstance(e.op, ast.Add | ast.Sub)}

    def visit(self, node: ast.AST) -> Any:
        """A part of the program, after what is in it."""
        self.generic_visit(node)
        return self.entered(node)

    def entered(self, node: Any) -> Any:
        """A part of which the values are passed through, as far as they may hold arrays."""
        match node:
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() if node.value is not None:
                drawn = isinstance(node.value, ast.Call) and self.is_moved(node)
                node.value = _called(NUMBER, _passed(node.value)) if drawn else _passed(node.value)
            case ast.For():
                node.iter = _called(RANGE if _is_range(node.iter) else EACH, node.iter)
            case ast.While():
                node.test = _called(WHILE, node.test)
            case ast.comprehension(is_async=0) if not _is_range(node.iter):
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

    def is_moved(self, node: ast.stmt) -> bool:
        """Whether something is assigned to what is also moved, as a parameter is that is drawn."""
        return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in self.moved

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
            case (
                ast.AugAssign(target=ast.Attribute() as target)
                | ast.Assign(targets=[ast.Attribute() as target])
            ):
                state = _loaded(target)
                new = isinstance(node, ast.AugAssign) or ast.unparse(state) in ast.unparse(
                    node.value
                )
                told = [ast.copy_location(ast.Expr(_called(MOVED, state)), node)] if new else []
                return [super().entered(node), *told]
        return super().entered(node)


def _loaded(target: ast.Attribute) -> ast.expr:
    """What a target has once something is assigned to it."""
    return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)


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
