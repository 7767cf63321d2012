"""One call from a subject of any kind to a report on it.

The network of the book is judged by the recorded cases; whatever else a file defines, by its own
forward pass. Left out: both judgements (`api.py`, `file_check.py`).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.api import check
from conformance.arithmetic.formats import SHORT
from conformance.errors import OtherFamilyError, UnknownSubjectError, UsageError
from conformance.judging.case_report import CaseReport
from conformance.model.functions import check_family
from conformance.programs.execution import NOTEBOOK
from conformance.programs.load import is_file, split
from conformance.report.book_report import Report
from conformance.usage import COSTS, DTYPES, check_timeout, one_of

if TYPE_CHECKING:  # the network of the book needs none of it
    from conformance.report.backward_report import BackwardReport
    from conformance.report.file_report import FileReport

AnyReport: TypeAlias = "Report | BackwardReport | FileReport"


BOOKS_ALONE = ("case", "dtype", "precision", "family", "save")
"""The options that nothing else has."""


@dataclass(frozen=True)
class Options:
    """How a subject is judged, as `conformance.check` takes it.

    Attributes:
        cost: the cost to judge with, in the place of the program's own.
        save: the folder into which the smallest network is to be written.

    Raises:
        UsageError: a value that none of them has.
    """

    case: str | Collection[str] | None = None
    dtype: str | None = None
    precision: str | None = None
    cost: str | None = None
    family: tuple[str, str] | None = None
    timeout: float = 60.0
    python_path: tuple[Path, ...] = ()
    detailed: bool = False
    save: Path | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        one_of("dtype", self.dtype, *DTYPES)
        one_of("precision", self.precision, *SHORT)
        one_of("cost", self.cost, *COSTS)
        check_timeout(self.timeout)
        if self.family is not None:
            check_family(self.family)

    def of_book(self) -> dict[str, Any]:
        """Those that `api.check` takes."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "save"}


def check_any(
    subject: object, options: Options, done: Callable[[CaseReport], None] = lambda _: None
) -> AnyReport:
    """Judge a subject of any kind.

    Args:
        subject: as `conformance.check` takes it.
        options: how it is judged.
        done: called with the report on each case of the network of the book.

    Raises:
        UsageError: there is no such subject, or an option is not for it.
        SubjectError: it could not be loaded or run, or fits no known shape.
    """
    report = _checked(subject, partial(check, **options.of_book(), done=done), options)
    given = [(each, getattr(options, each)) for each in BOOKS_ALONE]
    wrong = [f"{name} {_said(value)}" for name, value in given if value is not None]
    if wrong and not isinstance(report, Report):
        raise UsageError(
            f"{', '.join(wrong)}: that is for the network of the book, for a function "
            "step(weights, biases, x, y, eta) and for a module of PyTorch"
        )
    return report


def _said(value: object) -> str:
    return str(value) if isinstance(value, str | Path) else ",".join(value)  # type: ignore[arg-type]


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
            return _of_file(*named, partial(_refused, error), options)
        found = _other(subject, error, options)
        if found is None:
            raise
        return found


def _refused(error: UnknownSubjectError, _subject: object) -> Report:
    """The report of `api.check`, which has refused what is asked already."""
    raise error


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
    from conformance.programs.load import load

    thing: Any = subject
    name = getattr(subject, "__qualname__", type(subject).__name__)
    if isinstance(subject, str):
        thing, name = load(subject, options.python_path), subject
    return check_alone(thing, name, options.cost)
