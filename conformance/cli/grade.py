"""The command `conformance grade`. Left out: judging (`conformance.grade`)."""

import sys
from pathlib import Path
from textwrap import wrap
from time import monotonic
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from conformance.cli.options import (
    Cost,
    Family,
    JsonFile,
    cores_of,
    option,
    taking,
)
from conformance.cli.progress import bar
from conformance.cli.say import say, say_written
from conformance.errors import InternalError, SubjectError, UsageError
from conformance.files import check_outputs, put, put_json
from conformance.usage import COSTS, one_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.grade.collect import Collected, Contents
    from conformance.grade.grade_row import Row
    from conformance.grade.limits import Limits

FOLDER = "Each Python file, notebook, zip file or folder in it is a submission."
File = Annotated[str | None, option("GLOB", "Only files of this name, such as network.py.")]
Results = Annotated[Path | None, option("DIR", "Where rows are kept; FOLDER.grades if not given.")]
Cluster = Annotated[str | None, option("ADDRESS", "The dask scheduler that runs the jobs.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Judge also what has not changed.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "-n", "--jobs", min=1, help="Submissions at a time; one for each core if not given."
    ),
]


class Options(NamedTuple):
    """The options of `conformance grade`."""

    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=FOLDER)]
    one: Annotated[bool, typer.Option("--one", help="FOLDER itself is one submission.")] = False
    file: File = None
    given: Annotated[
        Path | None, option("DIR", "Files that every submission gets, such as data.", "--with")
    ] = None
    cost: Cost = None
    family: Family = None
    results: Results = None
    csv: Annotated[Path | None, option("FILE", "Write the table.")] = None
    html: Annotated[Path | None, option("FILE", "Write the table and all reports.")] = None
    json_file: JsonFile = None
    gradescope: Annotated[
        Path | None, option("DIR", "Write a results.json for each submission.")
    ] = None
    points: Annotated[
        float, option("N", "The points of a submission in results.json.", min=0.0)
    ] = 1.0
    hide_answers: Annotated[
        bool, typer.Option("--hide-answers", help="Students do not see the line and the cause.")
    ] = False
    jobs: Jobs = None
    cluster: Cluster = None
    sandbox: Annotated[str, option("none|bwrap", "The sandbox in which submissions run.")] = "none"
    timeout: Annotated[float, option("SECONDS", "The time of one submission.", min=0.1)] = 30.0
    memory: Annotated[int, option("MB", "The memory of all its processes together.", min=256)] = (
        2048
    )
    processes: Annotated[int, option("N", "Processes and threads at the same time.", min=8)] = 32
    disk: Annotated[int, option("MB", "The size of what it may write.", min=8)] = 256
    fresh: Fresh = False
    quiet: Annotated[bool, typer.Option("-q", help="Show only the summary.")] = False


@taking(Options)
def grade(asked: Options) -> None:
    """Judge the submissions of a class, and show a row for each.

    A run that was ended goes on where it was. A submission runs in a temporary folder, within
    limits; what else it may reach is up to `--sandbox`.
    """
    if sys.platform == "win32":
        raise UsageError("grade: its limits need Linux or macOS")
    from conformance.grade.collect import collect
    from conformance.grade.limits import MEGABYTE, Limits

    one_of("--sandbox", asked.sandbox, "none", "bwrap")
    files = asked.csv, asked.html, asked.json_file
    check_outputs({"--csv": asked.csv, "--json": asked.json_file})
    if asked.html is not None:
        from conformance.report.document import ready

        ready(asked.html)
    found = collect(asked.folder, one=asked.one)
    memory, disk = asked.memory * MEGABYTE, asked.disk * MEGABYTE
    limits = Limits(asked.timeout, memory, asked.processes, disk, asked.sandbox)
    _say_what_holds(found, limits)
    started = monotonic()
    rows = _rows(asked, found, limits)
    words = _show(rows, monotonic() - started, quiet=asked.quiet)
    _write(rows, asked.folder.resolve().name, words, files)
    if asked.gradescope is not None:
        from conformance.grade.gradescope import write

        one = asked.one or asked.folder.is_file()
        write(asked.gradescope, rows, asked.points, hide=asked.hide_answers, one=one)
    say_written(() if asked.quiet else (*files, asked.gradescope))
    if any(row.failed_here for row in rows):
        raise typer.Exit(InternalError.exit_code)


def _say_what_holds(found: "Collected", limits: "Limits") -> None:
    """What is not graded, and what does not keep submissions from doing harm here."""
    from conformance.grade.limits import unprotected
    from conformance.report.visible import visible

    if found.left:
        say(f"not graded: {', '.join(map(visible, found.left))}", error=True)
    for each in unprotected(limits):
        say(f"note: {each}", error=True)


def _results(given: Path | None, folder: Path) -> Path:
    """Where rows are kept.

    Raises:
        UsageError: it is among the submissions.
    """
    if given is None:
        return Path(f"{folder.resolve()}.grades")
    if given.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"--results {given}: is in {folder}, where it would be a submission")
    return given


def _given(folder: Path | None) -> "Contents":
    """The files that every submission is given."""
    from conformance.grade.collect import contents

    if folder is None:
        return {}
    if not folder.is_dir():
        raise UsageError(f"--with {folder}: there is no such folder")
    try:
        return contents(folder)
    except SubjectError as error:
        raise UsageError(f"--with {folder}: {error}") from error


def _rows(asked: Options, found: "Collected", limits: "Limits") -> "list[Row]":
    """The row of each submission."""
    from conformance.grade.grade_row import Store
    from conformance.grade.grading import Place, grade_all
    from conformance.grade.one import Asked
    from conformance.model.functions import family_of

    results = _results(asked.results, asked.folder)
    how = Asked(limits, asked.file, one_of("--cost", asked.cost, *COSTS), family_of(asked.family))
    given = _given(asked.given)
    with bar("grading", len(found.submissions)) as done:
        store, place = Store(results, fresh=asked.fresh), Place(cores_of(asked.jobs), asked.cluster)
        return grade_all(found.submissions, how, store, place, lambda _: done(), given)


def _show(rows: "Sequence[Row]", seconds: float, *, quiet: bool) -> list[str]:
    """Print the table and its summary; the summary."""
    from conformance.grade.grade_table import WIDTH, as_text, cut, summary

    words = list(summary(rows, seconds))
    first = wrap(words[0], WIDTH, subsequent_indent="  ")
    say("\n".join([*(() if quiet else as_text(rows)), *first, *map(cut, words[1:])]))
    return words


def _write(
    rows: "Sequence[Row]",
    title: str,
    words: "Sequence[str]",
    paths: tuple[Path | None, Path | None, Path | None],
) -> None:
    """Write the rows where they are asked for."""
    csv, html, json_file = paths
    if csv is not None:
        from conformance.grade.grade_table import as_csv

        put("--csv", csv, as_csv(rows))
    if html is not None:
        from conformance.grade.grade_table import as_page

        put("--html", html, as_page(rows, title, words))
    if json_file is not None:
        from conformance.grade.grade_row import to_json

        put_json("--json", json_file, to_json(rows))
