"""The option `--badge` of `check` and `run`. Left out: what a badge says (`report/badge.py`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conformance.errors import ConformanceError
from conformance.files import check_output, put_json

if TYPE_CHECKING:
    from conformance.backward_check import BackwardReport
    from conformance.outcome import Report
    from conformance.shapes.file_report import FileReport

OPTION = "--badge"
Badge = Annotated[
    Path | None,
    typer.Option(OPTION, metavar="FILE", help="Write the verdict for a badge of shields.io."),
]


@contextmanager
def badge_if_stopped(path: Path | None) -> Iterator[None]:
    """Where nothing is judged, the badge says so: an older one must not stay.

    Raises:
        UsageError: the file cannot be written.
    """
    if path is not None:
        check_output(OPTION, path)
    try:
        yield
    except ConformanceError:
        if path is not None:
            from conformance.report.badge import no_verdict

            put_json(OPTION, path, no_verdict())
        raise


def write_badge(path: Path | None, report: "Report | BackwardReport | FileReport") -> None:
    """Write the badge of a report, if one is asked for."""
    if path is not None:
        from conformance.report.badge import badge

        put_json(OPTION, path, badge(report))
