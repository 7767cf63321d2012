"""A file's statements, executed one by one: those that fail and define nothing are passed over.

Left out: how a file is named, and what is taken of it (`load.py`).
"""

import __future__

import ast
import importlib
import linecache
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import decode_source, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary
from zlib import crc32

from conformance.errors import SubjectError, UsageError
from conformance.programs.absent import MissingError, forget, stand_ins
from conformance.running.quiet import TooLongError, limited
from conformance.running.same_names import separate
from conformance.running.tracebacks import headline, own_traceback
from conformance.tracing import frames
from conformance.tracing.modules import entered

NOTEBOOK = ".ipynb"

NOT_HERE = (EOFError, ImportError, OSError, SubjectError, SystemExit, TooLongError)
"""What a statement raises that asks for what is not here, or for a long time."""
LONGEST = 10.0
"""Seconds that a statement such as `main()` may take, if it imports and defines nothing."""
DEFINITIONS = (ast.ClassDef, ast.FunctionDef)
DEFINING = (ast.Import, ast.ImportFrom, *DEFINITIONS)

_MISSING: WeakKeyDictionary[ModuleType, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Failed:
    """A statement that was passed over.

    Attributes:
        where: its file and line.
        error: that it raised.
    """

    where: str
    error: BaseException

    @property
    def endless(self) -> bool:
        """Whether it went on for too long."""
        return isinstance(self.error, TooLongError)

    @property
    def why(self) -> str:
        """What it raised, or what is not here, in one line."""
        if self.endless:
            return f"it goes on for more than {LONGEST:g} s"
        known = isinstance(self.error, SubjectError | MissingError)
        return str(self.error) if known else headline(self.error)


def run_file(
    place: str,
    sources: Sequence[tuple[str, bytes]],
    python_path: Sequence[Path],
    failed: list[Failed],
) -> ModuleType:
    """The module that a file is, loaded under a private name.

    A statement that asks for what is not here (a module, a file, an answer) is passed over, and so
    are those that fail after it; where a file defines something, all that fail and define nothing.

    Args:
        place: the file.
        sources: its parts, each with the name that its lines go by.
        python_path: folders from which it may import.
        failed: what was passed over is appended.

    Raises:
        SubjectError: its code has a syntax error, or raised something else.
    """
    path = Path(place).resolve()
    name = f"_subject_{path.stem}_{crc32(bytes(path)):08x}"
    spec = spec_from_loader(name, SourceFileLoader(name, str(path)))
    if spec is None:
        raise UsageError(f"{place} cannot be loaded")
    module = module_from_spec(spec)
    put_in_front(path.parent, *python_path)
    _place_in_package(module, path, sources)
    sys.modules[name] = module
    provide(vars(module))
    try:
        with subject_code(place), stand_ins(b"\n".join(source for _, source in sources)):
            for file, source in sources:
                linecache.checkcache(file)
                frames.forget()
                _execute(parsed(source, file), file, module, failed)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def parsed(source: bytes | str, file: str) -> ast.Module:
    """The statements of a file, as Python reads it: its comments have to be text too.

    Raises:
        SyntaxError: it is none of Python's.
    """
    whole = ast.parse(source, file)
    if isinstance(source, bytes):
        try:
            decode_source(source)
        except (SyntaxError, UnicodeDecodeError) as error:
            lines = [line.decode(errors="ignore").encode() != line for line in source.splitlines()]
            at = lines.index(True) + 1 if True in lines else 1
            what = "it is not UTF-8, and no other encoding is declared"
            raise SyntaxError(what, (file, at, 0, "")) from error
    return whole


def _place_in_package(module: ModuleType, path: Path, sources: Sequence[tuple[str, bytes]]) -> None:
    """Let a module import from its own package: `from .layers import Dense`, `from net.layers …`.

    Its package goes up as far as folders have an `__init__.py`, or as its imports ask for.
    """
    levels = max((_level(source) for _, source in sources), default=0)
    top, names = path.parent, [path.parent.name]
    if not levels and not (top / "__init__.py").is_file():
        return
    while len(names) < levels or (top.parent / "__init__.py").is_file():
        top = top.parent
        names.insert(0, top.name)
    put_in_front(path.parent, top.parent)
    if levels:
        module.__spec__, module.__package__ = None, ".".join(names)  # as of a program's main module


def _level(source: bytes) -> int:
    """How many folders up a file imports from: 1 for `from .layers import Dense`."""
    try:
        nodes = ast.walk(ast.parse(source))
    except SyntaxError:
        return 0  # to execute it says so
    return max((each.level for each in nodes if isinstance(each, ast.ImportFrom)), default=0)


def _execute(whole: ast.Module, file: str, module: ModuleType, failed: list[Failed]) -> None:
    """Execute the statements of a file one by one."""
    module.__doc__ = module.__doc__ or ast.get_docstring(whole)
    flags = 0
    for statement in whole.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            features = (getattr(__future__, each.name, None) for each in statement.names)
            flags |= sum(each.compiler_flag for each in features if each is not None)
        body = ast.Module([followed(statement)], [])
        code = compile(body, file, "exec", flags, dont_inherit=True)
        try:
            with nullcontext() if isinstance(statement, DEFINING) else limited(LONGEST):
                exec(code, module.__dict__)  # noqa: S102 - to load it is what was asked for
        except (Exception, SystemExit, TooLongError) as error:
            defines = isinstance(statement, DEFINING) or not _defines(whole, module)
            if defines and not (failed or isinstance(error, NOT_HERE)):
                raise
            failed.append(Failed(f"{Path(file).name}:{statement.lineno}", error))
            _MISSING.setdefault(module, set()).update(names_in(statement, ast.Store))


def _defines(whole: ast.Module, module: ModuleType) -> bool:
    """Whether a file defines something, or a cell of its notebook before this one does."""
    held = (getattr(each, "__module__", None) for each in vars(module).values())
    return any(isinstance(e, DEFINITIONS) for e in whole.body) or module.__name__ in held


def names_in(part: ast.AST, how: type[ast.expr_context]) -> set[str]:
    """The names that a part of a source reads (`ast.Load`), or gives something to (`ast.Store`)."""
    inside = ast.walk(part)
    return {each.id for each in inside if isinstance(each, ast.Name) and isinstance(each.ctx, how)}


def missing(module: ModuleType) -> set[str]:
    """The names of a module that are not bound, since statements were passed over."""
    return _MISSING.get(module, set())


def put_in_front(*folders: Path) -> None:
    """Let modules be imported from these folders before any others."""
    front = list(dict.fromkeys(str(folder.resolve()) for folder in folders))
    sys.path[:] = front + [entry for entry in sys.path if entry not in front]
    forget()
    importlib.invalidate_caches()
    separate()


@contextmanager
def subject_code(place: str) -> Iterator[None]:
    """Whatever the subject's code raises becomes a message; what it prints goes to stderr."""
    try:
        with _stdout_to_stderr():
            yield
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        what = f"{place} calls sys.exit({error.code!r}) when it is imported"
        raise SubjectError(f"{what}\n{own_traceback(error)}") from error
    except BaseException as error:
        if isinstance(error, SyntaxError) and Path(error.filename or "").is_file():
            text = (error.text or "").strip()
            where = os.path.relpath(error.filename or "")
            what = f"{where}:{error.lineno}: {error.msg}" + (f": {text}" if text else "")
            raise SubjectError(what) from error
        what = f"{place} cannot be imported: {headline(error)}"
        raise SubjectError(f"{what}\n{own_traceback(error)}") from error


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Both the stream of Python and the descriptor that child processes inherit."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


BEGUN = "__conformance_begun__"
"""The name, among those of the program's module, of what takes a value that is moved later."""


def followed(statement: ast.stmt) -> ast.stmt:
    """A statement in which what it moves begins with values that can be followed."""
    moved = {name for each in ast.walk(statement) for name in _moved(each)}
    for each in ast.walk(statement) if moved else ():
        match each:
            case ast.Assign(targets=[_, _, *_] as several, value=ast.Constant() as one):
                each.targets = [ast.copy_location(ast.Tuple(several, ast.Store()), one)]
                each.value = ast.copy_location(ast.Tuple([one] * len(several), ast.Load()), one)
        match each:
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                each.value = _begun(target, value, moved)
    return statement


def provide(names: dict[str, object]) -> None:
    """Put what takes a value that is moved among the names of a module."""
    names[BEGUN] = entered


def _moved(node: ast.AST) -> Iterator[str]:
    """What a statement adds a value to that is no constant, or takes one off."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    match node:
        case ast.AugAssign(target=target, op=op, value=value):
            pairs = [(target, ast.BinOp(target, op, value))]
        case ast.Assign(targets=[target], value=value):
            pairs = assigned_pairs(target, value)
    for target, value in pairs:
        match value:
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
                if ast.unparse(left) == ast.unparse(target) and not isinstance(right, ast.Constant):
                    yield ast.unparse(target.value if isinstance(target, ast.Subscript) else target)


def assigned_pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """What is assigned to what: `w, b = 0, 1` is two pairs."""
    match target, value:
        case ast.Tuple(elts=some), ast.Tuple(elts=others) if len(some) == len(others):
            return [*zip(some, others, strict=True)]
    return [(target, value)]


def _begun(target: ast.expr, value: ast.expr, moved: set[str]) -> ast.expr:
    pairs = assigned_pairs(target, value)
    if isinstance(value, ast.Tuple) and len(pairs) > 1:
        value.elts = [_begun(one, other, moved) for one, other in pairs]
        return value
    match value:  # what holds several
        case ast.List():
            value.elts = [_begun(target, each, moved) for each in value.elts]
        case ast.ListComp():
            value.elt = _begun(target, value.elt, moved)
        case ast.Dict():
            value.values = [_begun(target, each, moved) for each in value.values]
    names = {ast.unparse(each) for each in getattr(target, "elts", [target])}
    made = isinstance(value, ast.Constant | ast.UnaryOp | ast.Call | ast.BinOp)
    inside = {ast.unparse(each) for each in ast.walk(value) if isinstance(each, ast.expr)}
    if not made or names.isdisjoint(moved) or not names.isdisjoint(inside):  # it is the move itself
        return value
    call = ast.Call(ast.copy_location(ast.Name(BEGUN, ast.Load()), value), [value], [])
    return ast.copy_location(call, value)
