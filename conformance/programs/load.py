"""From the words on a command line to a Python object: `file.py:Name` or `package.module:Name`.

A file is loaded under a private name, as it stands on disk now (no bytecode is read or written),
with its folder in front of `sys.path`. Loading runs the subject's code: do it in an isolated child.
Left out: what the object can do, and what native code prints later from buffers of its own.
"""

import ast
import importlib
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from conformance.errors import SubjectError, UsageError
from conformance.programs.absent import missing_module
from conformance.programs.execution import NOTEBOOK, Failed, put_in_front, run_file, subject_code

LISTED = 8  # names in a message
Kinds = tuple[type[ast.ClassDef | ast.FunctionDef], ...]
DEFINITIONS: Kinds = (ast.ClassDef, ast.FunctionDef)
FORMS = "path/to/file.py:Name or package.module:Name"


def is_spec(text: str) -> bool:
    """Whether a word on the command line means a Python object, be it there or not."""
    if text.startswith("cmd:"):
        return False
    return text.endswith((".py", "/")) or (":" in text and not text.endswith(".safetensors"))


def is_file(text: str) -> bool:
    """Whether a word on the command line is a file with no name behind it."""
    return text.endswith((".py", NOTEBOOK)) and ":" not in Path(text).name


def split(text: str) -> tuple[str, str] | None:
    """The file and the name of `FILE.py:NAME`; None if it is no such word."""
    place, _, name = text.rpartition(":")
    return (place, name) if place.endswith((".py", NOTEBOOK)) else None


def load(spec: str, python_path: Sequence[Path] = (), kinds: Kinds = DEFINITIONS) -> object:
    """The object that `path/to/file.py:Name` or `package.module:Name` names; Name may have dots.

    The folders stay in front of `sys.path`, because a subject may import when it is called: the
    file's own (for a module the current one), then those of `python_path`.

    Args:
        spec: the words.
        python_path: the folders.
        kinds: of what is proposed where Name is missing.

    Raises:
        UsageError: there is no such file, module or name, or the words are no specification.
        SubjectError: the subject's code has a syntax error, raised, or left by `sys.exit`.
    """
    for folder in python_path:
        if not folder.is_dir():
            raise UsageError(f"--python-path {folder}: there is no such folder")
    if spec.endswith(".py"):
        raise UsageError(_which(spec, source_of(spec), kinds))
    place, _, name = spec.rpartition(":")
    if not place and Path(spec).is_dir():
        raise UsageError(folder_words(spec))
    if not place or not _dotted(name):
        raise UsageError(f"{spec!r} names no Python object: give {FORMS}")
    failed: list[Failed] = []
    if _dotted(place) and not place.endswith(".py"):
        module = _import_module(place, python_path)
    else:
        sources = [(str(Path(place).resolve()), source_of(place))]
        module = run_file(place, sources, python_path, failed)
    if failed and not hasattr(module, name.split(".", 1)[0]):
        with subject_code(place):
            raise failed[0].error
    found = _find(module, place, name)
    if absent := missing_module(found):
        raise SubjectError(f"{spec} is imported from {absent}, which is not installed")
    return found


def describe(thing: object) -> str:
    """A short name for messages: a class or function by its name, anything else by its type."""
    name = getattr(thing, "__qualname__", None)
    return name if isinstance(name, str) else f"{type(thing).__qualname__} object"


def _dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def source_of(place: str) -> bytes:
    """The content of a file.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    path = Path(place)
    try:
        if path.is_dir():
            raise UsageError(folder_words(place))
        if not path.exists():
            near = _near(path.name, sorted(each.name for each in path.parent.glob("*.py")))
            raise UsageError(f"there is no file {place}{near}")
        if not path.is_file():
            raise UsageError(f"{place} is no ordinary file")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}") from error


def folder_words(place: str) -> str:
    """What to give in the place of a folder."""
    files = sorted(each.name for each in Path(place).glob("*.py"))
    inside = f"; it has {_listed(files)}" if files else ""
    return f"{place} is a folder: give {Path(place) / 'FILE.py'}:Name{inside}"


def _which(place: str, source: bytes, kinds: Kinds) -> str:
    """What could be meant by a file alone."""
    with subject_code(place):
        tree = ast.parse(source, place)
    names = [each.name for each in tree.body if isinstance(each, kinds)]
    public = [name for name in names if not name.startswith("_")]
    if not public:
        return f"{place} defines no public class or function to be checked"
    return f"say what in {place} is meant: {_listed([f'{place}:{name}' for name in public])}"


def _import_module(place: str, python_path: Sequence[Path]) -> ModuleType:
    put_in_front(Path.cwd(), *python_path)
    try:
        with subject_code(place):
            module = importlib.import_module(place)
    except SubjectError as error:
        cause = error.__cause__
        absent = isinstance(cause, ModuleNotFoundError) and f"{place}.".startswith(f"{cause.name}.")
        if not absent:  # the module itself misses another
            raise
        where = "the current folder, --python-path and what is installed"
        raise UsageError(f"there is no module {place} in {where}") from cause
    if getattr(module, "__file__", None) is None and hasattr(module, "__path__"):
        raise UsageError(
            folder_words(os.path.relpath(module.__path__[0]))
        )  # Python takes any folder
    return module


def _find(module: ModuleType, place: str, name: str) -> object:
    missing = object()
    found: object = module
    for part in name.split("."):
        with subject_code(place):
            inner = getattr(found, part, missing)
        if inner is missing:
            names = _names(found)
            has = f"; it has {_listed(names)}" if names else ""
            raise UsageError(f"{place} has no {part!r}{_near(part, names)}{has}")
        place += f":{part}" if found is module else f".{part}"
        found = inner
    return found


def _names(thing: object) -> list[str]:
    """The public names in a module or class, its own rather than imported ones."""
    inside = getattr(thing, "__dict__", {}).items()
    public = {name: value for name, value in inside if not name.startswith("_")}
    home = getattr(thing, "__name__", None)
    own = [n for n, v in public.items() if getattr(v, "__module__", None) == home]
    return own or [n for n, v in public.items() if not isinstance(v, ModuleType)]


def _near(word: str, words: Sequence[str]) -> str:
    near = get_close_matches(word, words, n=3)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - LISTED} more" if len(words) > LISTED else ""
    return ", ".join(words[:LISTED]) + more
