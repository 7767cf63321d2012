"""An exception in a few lines, and whose it is: the subject's, or one of this package itself.

Code of a subject is called through `call`. The innermost frame that is the subject's, or that of
`call`, makes an exception the subject's; one of ours further in makes it ours. Left out: where it
was caught.
"""

import importlib
import sysconfig
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

from conformance.errors import InternalError, Line, SubjectError

P = ParamSpec("P")
T = TypeVar("T")

PACKAGE = Path(__file__).parent.parent
LINES, WIDTH = 20, 400  # of a traceback

_OWN = tuple(PACKAGE.parent / each for each in (PACKAGE.name, "reference", "torch_impl"))
_PLAYED = (PACKAGE / "tests", PACKAGE / "examples")  # which play the subject
_LIBRARIES = {Path(sysconfig.get_paths()[each]) for each in ("stdlib", "purelib", "platlib")}
_WRAPPING = (
    "arrays", "made_arrays", "operations", "substitute", "tensor_memory", "tensors",
    "traced_numbers",
)  # fmt: skip
_OPERATIONS = {
    *(PACKAGE / "tracing" / f"{each}.py" for each in _WRAPPING),
    PACKAGE / "arithmetic" / "exact.py",
}
"""Where an operation of the subject is carried out on arrays or numbers of ours."""
_LIMITS = (RecursionError, MemoryError)  # they end whoever happens to run then


def headline(error: BaseException) -> str:
    """The type and the first line of the message of an exception."""
    name = type(error).__name__
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    return next((line[line.index(name) :][:WIDTH] for line in lines if name in line), name)


def own_traceback(error: BaseException, skip: Path = PACKAGE) -> str:
    """The traceback without the frames of a folder and of the import system, 20 lines at most."""
    report = traceback.TracebackException.from_exception(error, compact=True)
    _strip(report, skip)
    lines = [line[:WIDTH] for line in "".join(report.format()).splitlines()]
    if len(lines) > LINES:
        lines = [lines[0], "  ...", *lines[2 - LINES :]]
    return "\n".join(lines)


def _strip(report: traceback.TracebackException, skip: Path) -> None:
    """Take the frames out of an exception, of what caused it and of those that it groups."""
    kept = [frame for frame in report.stack if is_subject(frame.filename, skip)]
    report.stack = traceback.StackSummary.from_list(kept)
    linked = (report.__cause__, report.__context__, *(getattr(report, "exceptions", None) or ()))
    for other in linked:
        if other is not None:
            _strip(other, skip)


def is_subject(file: str, skip: Path = PACKAGE) -> bool:
    """Whether a file of a frame is somebody else's: not of the folder or the import system."""
    imports = file.startswith("<frozen importlib") or file == importlib.__file__
    return not imports and not Path(file).is_relative_to(skip)


def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a subject's code: what is raised by the call itself is the subject's exception too."""
    return function(*args, **kwargs)


def is_ours(error: BaseException) -> bool:
    """Whether an exception is one of this package itself, by the innermost frame that says so."""
    within = isinstance(error, _LIMITS) and "subject" in _owners(error)
    return not within and is_raised_by_us(error)


def is_raised_by_us(error: BaseException) -> bool:
    """Whether the innermost frame of an exception that is told is one of this package."""
    return _owners(error)[-1:] == ["ours"]


def _owners(error: BaseException) -> list[str]:
    return [each for each in map(_owner, traceback.extract_tb(error.__traceback__)) if each]


def stopped(where: str, error: BaseException) -> SubjectError | InternalError:
    """What is said of an exception that a subject's run ended with: an error of its, or of ours."""
    if is_ours(error):
        return internal(error)
    words = f"{where}: {headline(error)}\n{own_traceback(error)}".rstrip()
    return SubjectError(words, subject_line(error))


def internal(error: BaseException) -> InternalError:
    """An exception of this package itself in one line."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _owner(each) == "ours"]
    file = Path(frames[-1].filename).relative_to(PACKAGE.parent) if frames else ""
    at = f" at {file}:{frames[-1].lineno}" if frames else ""
    return InternalError(
        f"an error of conformance itself: {headline(error)}{at} "
        "(please report it where you got this package; -v shows the traceback)",
        "".join(traceback.format_exception(error)).rstrip(),
    )


def subject_line(error: BaseException) -> Line | None:
    """The innermost line of the subject's code that an exception came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if _owner(each) == "subject" and each.name != call.__name__]
    return (own[-1].filename, own[-1].lineno or 0, own[-1].name) if own else None


def _owner(frame: traceback.FrameSummary) -> str:
    """Whose a frame is: "ours", "subject", or nobody's, such as a library's."""
    if frame.filename == __file__ and frame.name == call.__name__:
        return "subject"
    return _owner_of(frame.filename)


@cache
def _owner_of(file: str) -> str:
    path = Path(file)
    if any(path.is_relative_to(each) for each in _PLAYED):
        return "subject"
    if path in _OPERATIONS:
        return ""
    if any(path.is_relative_to(each) for each in _OWN):
        return "ours"
    library = file.startswith(("<frozen", "<__array_function__"))
    return "" if library or any(path.is_relative_to(each) for each in _LIBRARIES) else "subject"
