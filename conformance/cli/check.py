"""The command `conformance check`. Left out: the check (`subject_check.py`) and its report."""

from collections.abc import Callable
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
    option,
    taking,
)
from conformance.cli.outputs import Badge, Html, Markdown, Outputs
from conformance.cli.progress import bar, console
from conformance.cli.say import say
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.judging.case_report import CaseReport
    from conformance.report.book_report import Report
    from conformance.subject_check import AnyReport
    from conformance.subject_check import Options as How
    from conformance.subjects import Subject

Command = Annotated[
    str | None,
    option("COMMAND", "A program, run once for each case, such as './my_port {case} {out}'."),
]
Save = Annotated[Path | None, option("DIR", "Write the smallest network that shows it there.")]


class Options(NamedTuple):
    """The options of `conformance check`."""

    subject: Annotated[str | None, typer.Argument(help=SUBJECT)] = None
    command: Command = None
    format_: Annotated[
        str, option("safetensors|json", "The format of the case for a command.", "--format")
    ] = "safetensors"
    case: CaseGlob = None
    dtype: Dtype = None
    precision: Precision = None
    cost: Cost = None
    family: Family = None
    python_path: PythonPath = None
    timeout: Timeout = 60.0
    workers: Annotated[
        int, typer.Option("-n", "--workers", min=1, help="Cases of a command at the same time.")
    ] = 1
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            metavar="1|2|3",
            help="Processes; 1 for micro-batches: of torch_impl, FILE.py:step or a command.",
        ),
    ] = None
    variant: Annotated[
        str | None, option("compiled|func", "Let torch_impl use torch.compile or torch.func.")
    ] = None
    device: Annotated[str, option("cpu|cuda", "The device of torch_impl.")] = "cpu"
    json_file: JsonFile = None
    markdown: Markdown = None
    html: Html = None
    badge: Badge = None
    save: Save = None
    verbose: Annotated[bool, typer.Option("-v", help="Show everything that is wrong.")] = False
    quiet: Annotated[bool, typer.Option("-q", help="Show only the verdict.")] = False


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
    from conformance.model.functions import family_of
    from conformance.subject_check import Options as How
    from conformance.subject_check import check_any

    how = How(
        *(case_of(given.case), given.dtype, given.precision, given.cost, family_of(given.family)),
        *(given.timeout, tuple(given.python_path or ()), given.html is not None, given.save),
    )
    asked = _asked(given.subject, given.command, (given.format_, given.timeout, given.workers))
    if given.variant is not None or given.device != "cpu":
        asked = _varied(given.subject, given.variant, given.device, given.precision)
    with bar(f"checking {given.subject or given.command}") as done:
        if given.processes is not None:
            return _of_processes(asked, given.processes, how, lambda _: done())
        return check_any(asked, how, lambda _: done())


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
    subject: object, world: int, how: "How", done: "Callable[[CaseReport], None]"
) -> "Report":
    """Check several processes with the options that are given for one."""
    from conformance.processes.commands import Asked, check
    from conformance.subjects.command.command_subject import CommandSubject

    program = None
    if isinstance(subject, CommandSubject):
        if subject.runs.workers > 1:
            raise UsageError("-n does not go with --processes: the processes run side by side")
        program, subject = subject.runs.program, subject.name
    if not isinstance(subject, str):
        raise UsageError("--processes: give torch_impl, reference, FILE.py:step or a command")
    if how.save is not None:
        raise UsageError("--save does not go with --processes: --html and --json do")
    given = how.of_book()
    if given.pop("precision") is not None:
        raise UsageError("--precision does not go with --processes")
    asked = Asked(subject, world, **given, program=program)
    report = check(asked, done)
    return report if asked.ours or program is not None else _with_lines(report, how)


def _with_lines(report: "Report", how: "How") -> "Report":
    """The report on a function of several processes with the lines that one process alone shows."""
    from conformance.api import check
    from conformance.errors import ConformanceError
    from conformance.processes.rank_lines import BASES, with_alone

    if {blame.tag for blame in report.blames} <= {"R"}:
        return report
    try:
        alone = check(report.subject, **{**how.of_book(), "case": BASES, "dtype": "float64"})
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
        from conformance.subjects.command.command_subject import command_subject

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
