"""A submission's row: what was found of each of its files, and of all of them together.

Rows are kept on disk, each in a file, so that a run that was ended goes on where it was. Left out:
how it was found (`judge_submissions.py`), and how it is shown.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from conformance.files import make_folder, put_json
from conformance.values import from_values, to_values

GRADE_VERSION = 1


class Outcome(StrEnum):
    """The verdict on a file or a submission, in the order in which one decides over another."""

    WRONG = "wrong"
    LIMIT = "limit"  # it went beyond its memory, processes, disk or output
    INTERNAL = "internal error"  # of conformance
    RIGHT = "right"
    TIME = "time-out"
    CRASH = "crash"  # its process died or exited
    ERROR = "error"  # it raised when it was run
    LOAD = "load error"  # it raised, or has a syntax error, when it was loaded
    NOT_JUDGED = "not judged"  # nothing in it that goes backwards is recognised


@dataclass(frozen=True)
class Check:
    """One thing that was judged: an equation, or the gradient of a parameter.

    Attributes:
        name: of it.
        ok: whether it is right.
    """

    name: str
    ok: bool


@dataclass(frozen=True)
class Judgement:
    """What was found of one file.

    Attributes:
        file: of the submission.
        outcome: the verdict.
        what: the equation or the gradient that is wrong first; empty if it is none.
        line: to blame, such as `network.py:24`; may be empty.
        cause: why, or what else stopped it.
        checks: what was judged.
        report: the whole report, line by line.
    """

    file: str
    outcome: Outcome
    what: str = ""
    line: str = ""
    cause: str = ""
    checks: tuple[Check, ...] = ()
    report: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A submission.

    Attributes:
        name: of it.
        judged: its verdict, as that of the file that decides.
        seconds: that it took.
        files: what was found of each of its files.
        digest: of what it holds and how it was judged.
    """

    name: str
    judged: Judgement
    seconds: float = 0.0
    files: tuple[Judgement, ...] = field(default=())
    digest: str = ""

    @property
    def outcome(self) -> Outcome:
        """The verdict."""
        return self.judged.outcome

    @property
    def failed_here(self) -> bool:
        """Whether this program has a bug that kept it from being judged."""
        return any(each.outcome is Outcome.INTERNAL for each in self.files)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was judged in all of its files; those of several files with the file's name."""
        several = sum(bool(each.checks) for each in self.files) > 1
        return tuple(
            replace(check, name=f"{each.file}: {check.name}") if several else check
            for each in self.files
            for check in each.checks
        )

    @property
    def report(self) -> list[str]:
        """The reports on its files, one after the other."""
        lines: list[str] = []
        for each in self.files:
            lines += [""] if lines else []
            lines += [f"{each.file}: {each.outcome}", *each.report]
        return lines

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "verdict": str(self.outcome),
            "what": self.judged.what,
            "file": self.judged.file,
            "line": self.judged.line,
            "cause": self.judged.cause,
            "seconds": self.seconds,
            "digest": self.digest,
            "files": to_values(self.files),
        }

    @classmethod
    def from_json(cls, values: Any) -> "Row":
        """The row of some JSON values.

        Raises:
            LookupError, TypeError, ValueError: they are none.
        """
        files = from_values(tuple[Judgement, ...], values["files"])
        name, digest = (from_values(str, values[each]) for each in ("name", "digest"))
        return row_of(name, files, float(values["seconds"]), digest)


def row_of(name: str, files: Sequence[Judgement], seconds: float, digest: str) -> Row:
    """The row of a submission, whose verdict is that of the file that decides.

    Raises:
        ValueError: there is no file.
    """
    order = list(Outcome)
    first = min(files, key=lambda each: order.index(each.outcome))
    wrong = sum(each.outcome is Outcome.WRONG for each in files)
    if wrong > 1:
        more = f"{first.cause} (and {wrong - 1} more of its files)"
        first = replace(first, cause=more.lstrip())
    return Row(name, first, seconds, tuple(files), digest)


def to_json(rows: Sequence[Row]) -> dict[str, Any]:
    """All rows as JSON values, by `grade.schema.json` beside this file."""
    return {"grade_version": GRADE_VERSION, "submissions": [each.to_json() for each in rows]}


OPTION = "--results"


class Store:
    """The rows in a folder."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        """Make the folder.

        Args:
            folder: of the rows.
            fresh: whether those that are there are of no use.

        Raises:
            UsageError: it cannot be made.
        """
        self.folder, self.fresh = make_folder(OPTION, folder), fresh

    def find(self, name: str, digest: str) -> Row | None:
        """The row of a submission that holds what it held then, if there is one."""
        if self.fresh:
            return None
        try:
            row = Row.from_json(json.loads(self._path(name).read_bytes()))
        except (OSError, LookupError, TypeError, ValueError):
            return None
        return row if row.digest == digest and row.name == name else None

    def put(self, row: Row) -> None:
        """Keep a row in the place of an older one of this submission.

        Raises:
            UsageError: it cannot be written.
        """
        put_json(OPTION, self._path(row.name), row.to_json())

    def _path(self, name: str) -> Path:
        made = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
        return self.folder / f"{made[:24]}.json"
