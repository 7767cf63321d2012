"""The command `conformance check`. Left out: the check (`subject_check.py`) and its report."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from conformance.cli.options import (
    SUBJECT,
    CaseGlob,
    Cost,
    Dtype,
    Family,
    JsonFile,
    Precision,
    PythonPath,
    Timeout,
    case_of,
    cost_of,
    dtype_of,
    one_of,
    option,
    taking,
)
from conformance.cli.outputs import Badge, Html, Markdown, Outputs
from conformance.cli.progress import bar, console
from conformance.cli.say import say
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.report.book_report import Report
    from conformance.subject_check import AnyReport
    from conformance.subjects import Subject

Command = Annotated[
    str | None, option("COMMAND", "A program, run once a case, such as './my_port {case} {out}'.")
]
Save = Annotated[Path | None, option("DIR", "Write the smallest network that shows it there.")]


class Options(NamedTuple):
    """The options of `conformance check`."""

    subject: Annotated[str | None, typer.Argument(help=SUBJECT)] = None
    command: Command = None
    format_: Annotated[
        str, option("safetensors|json", "In which a command is given the case.", "--format")
    ] = "safetensors"
    case: CaseGlob = None
    dtype: Dtype = None
    precision: Precision = None
    cost: Cost = None
    family: Family = None
    python_path: PythonPath = None
    timeout: Timeout = 60.0
    workers: Annotated[
        int, typer.Option("-n", "--workers", min=1, help="Cases of a command side by side.")
    ] = 1
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            metavar="1|2|3",
            help="So many processes, or micro-batches of one: torch_impl, FILE.py:step, a command.",
        ),
    ] = None
    variant: Annotated[
        str | None, option("compiled|func", "torch_impl by torch.compile or torch.func.")
    ] = None
    device: Annotated[str, option("cpu|cuda", "Where torch_impl computes.")] = "cpu"
    json_file: JsonFile = None
    markdown: Markdown = None
    html: Html = None
    badge: Badge = None
    save: Save = None
    verbose: Annotated[bool, typer.Option("-v", help="Show all that is wrong.")] = False
    quiet: Annotated[bool, typer.Option("-q", help="Show the verdict alone.")] = False


@taking(Options)
def check(given: Options) -> None:
    """Find the line that is wrong in a hand-written backward pass, and say why."""
    from conformance.report.book_report import Report

    outputs = Outputs(given.json_file, given.markdown, given.html, given.badge)
    with outputs.while_judged():
        report = _judged(given)
    outputs.write(report)
    _say_report(report, verbose=given.verbose, quiet=given.quiet)
    if given.save is not None and isinstance(report, Report):
        _save(report, given.save)
    if not given.quiet:
        outputs.say()
    raise typer.Exit(report.exit_code)


def _judged(given: Options) -> "AnyReport":
    """The report on what is to be checked."""
    from conformance.api import check as checked
    from conformance.arithmetic.formats import SHORT
    from conformance.model.functions import family_of
    from conformance.subject_check import Options as Others
    from conformance.subject_check import check_any

    asked = _asked(given.subject, given.command, (given.format_, given.timeout, given.workers))
    if given.variant is not None or given.device != "cpu":
        asked = _varied(given.subject, given.variant, given.device, given.precision)
    with bar(f"checking {given.subject or given.command}") as done:
        book = partial(
            checked,
            case=case_of(given.case),
            dtype=dtype_of(given.dtype),
            precision=one_of("--precision", given.precision, *SHORT),
            cost=cost_of(given.cost),
            family=family_of(given.family),
            timeout=given.timeout,
            python_path=given.python_path or (),
            done=lambda _: done(),
            detailed=given.html is not None,
        )
        if given.processes is not None:
            return _of_processes(asked, given.processes, book, given.save)
        folders = tuple(given.python_path or ())
        return check_any(asked, book, Others(given.cost, folders, given.timeout, given.precision))


def _say_report(report: "AnyReport", *, verbose: bool, quiet: bool) -> None:
    """Print a report, or its verdict alone."""
    from conformance.report.book_report import Report

    if quiet:
        say(report.in_one_line())
    elif isinstance(report, Report):
        from conformance.report.terminal import show

        show(console(), report, verbose=verbose)
    else:
        say(str(report))


def _of_processes(
    subject: object, world: int, book: "partial[Report]", save: Path | None
) -> "Report":
    """Check several processes with the options that are given for one."""
    from conformance.processes.commands import Asked, check
    from conformance.subjects.command.subject import CommandSubject

    program = None
    if isinstance(subject, CommandSubject):
        if subject.runs.workers > 1:
            raise UsageError("-n does not go with --processes: the processes run side by side")
        program, subject = subject.runs.program, subject.name
    if not isinstance(subject, str):
        raise UsageError("--processes: give torch_impl, reference, FILE.py:step or a command")
    if save is not None:
        raise UsageError("--save does not go with --processes: --html and --json do")
    given = {**book.keywords, "python_path": tuple(book.keywords["python_path"])}
    if given.pop("precision") is not None:
        raise UsageError("--precision does not go with --processes")
    done = given.pop("done")
    asked = Asked(subject, world, **given, program=program)
    report = check(asked, done)
    return report if asked.ours or program is not None else _with_lines(report, book)


def _with_lines(report: "Report", book: "partial[Report]") -> "Report":
    """The report on a function of several processes with the lines that one process alone shows."""
    from conformance.errors import ConformanceError
    from conformance.processes.lines import BASES, with_alone

    if {blame.tag for blame in report.blames} <= {"R"}:
        return report
    try:
        alone = book(report.subject, case=BASES, dtype="float64", done=lambda _: None)
    except ConformanceError:  # it takes no step alone: the verdicts stand without lines
        return report
    return with_alone(report, alone)


def _asked(subject: str | None, command: str | None, options: tuple[str, float, int]) -> object:
    """What is to be checked: the words of the argument, or the subject of a command."""
    if (subject is None) == (command is None):
        raise UsageError("give a SUBJECT or --command: one of the two")
    if subject is not None and subject.startswith("cmd:"):
        command = subject
    if command is not None:
        from conformance.subjects.command.subject import command_subject

        return command_subject(command, *options)
    format_, _, workers = options
    if format_ != "safetensors":
        raise UsageError(f"--format {format_} is for --command alone")
    if workers > 1:
        raise UsageError(f"-n {workers} is for --command alone")
    return subject


def _varied(
    subject: str | None, variant: str | None, device: str, precision: str | None
) -> "Subject":
    """Our PyTorch twin, differentiated or placed in another way."""
    from conformance.subjects.named import variant as chosen

    if precision is not None:
        raise UsageError("--precision does not go with --variant and --device")
    return chosen(subject, variant, device)


def _save(report: "Report", folder: Path) -> None:
    from conformance.explain.save import save

    if not report.smallest:
        say(f"nothing is saved: no small network shows that {report.subject} is wrong")
    for path in save({k: v for each in report.smallest for k, v in each.files.items()}, folder):
        say(f"saved {path}")
