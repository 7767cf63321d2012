"""One call from a subject of any kind to a report on it.

The network of the book is judged by the recorded cases; whatever else a file defines, by its own
forward pass. Left out: both judgements (`api.py`, `file_check.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.errors import OtherFamilyError, UnknownSubjectError, UsageError
from conformance.report.book_report import Report
from conformance.subjects.load import NOTEBOOK, is_file, split

if TYPE_CHECKING:  # the network of the book needs none of it
    from conformance.report.backward_report import BackwardReport
    from conformance.report.file_report import FileReport

AnyReport: TypeAlias = "Report | BackwardReport | FileReport"


@dataclass(frozen=True)
class Options:
    """How a subject that is not the network of the book is judged.

    Attributes:
        cost: the cost to judge with, in the place of the program's own.
        python_path: folders from which a file may import.
        timeout: the longest silence of its process in seconds.
        precision: of the network of the book alone: nothing else is judged in a short format.
    """

    cost: str | None = None
    python_path: tuple[Path, ...] = ()
    timeout: float = 60.0
    precision: str | None = None


def check_any(subject: object, book: Callable[[object], Report], options: Options) -> AnyReport:
    """Judge a subject of any kind.

    Args:
        subject: as `conformance.check` takes it.
        book: judges the network of the book.
        options: for anything else.

    Raises:
        UsageError: there is no such subject, or it fits no known shape.
        SubjectError: it could not be loaded or run.
    """
    report = _checked(subject, book, options)
    if options.precision is not None and not isinstance(report, Report):
        raise UsageError(
            f"precision {options.precision}: that is for the network of the book, for a function "
            "step(weights, biases, x, y, eta) and for a module of PyTorch"
        )
    return report


def _checked(subject: object, book: Callable[[object], Report], options: Options) -> AnyReport:
    if isinstance(subject, str) and is_file(subject):
        return _of_file(subject, None, book, options)
    named = split(subject) if isinstance(subject, str) else None
    if named is not None and named[0].endswith(NOTEBOOK):
        return _of_file(*named, book, options)
    try:
        return book(subject)
    except UnknownSubjectError as error:
        if named is not None:
            return _of_file(*named, book, options)
        found = _other(subject, error, options)
        if found is None:
            raise
        return found


def _other(subject: object, error: UnknownSubjectError, options: Options) -> "AnyReport | None":
    """What is not the network of the book, in another way; None if there is none."""
    if isinstance(error, OtherFamilyError):
        return _by_own_forward(subject, options)
    if isinstance(subject, str):
        return None
    from conformance.file_check import check_object

    return check_object(subject, options.cost)


def _of_file(
    place: str, name: str | None, book: Callable[[object], Report], options: Options
) -> AnyReport:
    from conformance.file_check import check_file
    from conformance.file_process import Asked

    asked = Asked(place, name, options.cost, options.python_path, options.timeout)
    found = check_file(asked, book)
    return found if found.the_books is None else found.the_books


def _by_own_forward(subject: object, options: Options) -> AnyReport:
    """A class with the book's interface, or one of a module, by its own forward pass."""
    from conformance.file_check import check_alone
    from conformance.subjects.load import load

    thing: Any = subject
    name = getattr(subject, "__qualname__", type(subject).__name__)
    if isinstance(subject, str):
        thing, name = load(subject, options.python_path), subject
    return check_alone(thing, name, options.cost)
