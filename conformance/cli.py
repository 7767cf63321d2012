"""The command `conformance`: check a subject, prove the check, build and verify the fixtures.

Heavy imports wait until a command needs them. Left out: everything that a command does.
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import typer
from rich.console import Console
from rich.progress import Progress

from conformance.bench.cli import bench
from conformance.errors import ConformanceError, UsageError
from conformance.signals import ending_cleanly
from conformance.train.cli import mnist, train

if TYPE_CHECKING:
    from conformance.outcome import Report

T = TypeVar("T")

PATIENCE = 2.0  # seconds without a progress bar

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Check an implementation of backprop against a certified truth, equation by equation.",
)
fixtures = typer.Typer(no_args_is_help=True, help="The recorded cases: build, verify, export.")
app.add_typer(fixtures, name="fixtures")
app.add_typer(mnist, name="mnist")
app.command()(train)
app.command()(bench)

SUBJECT = (
    "reference, torch_impl, FILE.py:Name, package.module:Name, a .safetensors trace, or cmd:COMMAND"
)
CaseGlob = Annotated[str | None, typer.Option("--case", metavar="GLOB", help="Only these cases.")]
Dtype = Annotated[str | None, typer.Option(help="Only float64 or only float32 cases.")]
Cost = Annotated[
    str | None, typer.Option(help="The cost of a network that does not let one choose it.")
]
PythonPath = Annotated[
    list[Path] | None, typer.Option(metavar="DIR", help="A folder to import from; repeatable.")
]
Timeout = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="The longest silence of the subject.")
]
Workers = Annotated[
    int | None, typer.Option("-n", "--workers", min=1, help="Processes; one a core if not given.")
]


@app.command()
def check(
    subject: Annotated[str | None, typer.Argument(help=SUBJECT)] = None,
    command: Annotated[
        str | None,
        typer.Option(help="A program, run once a case, such as './my_port {case} {out}'."),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="In which a command is given the case; or json.")
    ] = "safetensors",
    case: CaseGlob = None,
    dtype: Dtype = None,
    cost: Cost = None,
    python_path: PythonPath = None,
    timeout: Timeout = 60.0,
    workers: Annotated[
        int, typer.Option("-n", "--workers", min=1, help="Cases of a command side by side.")
    ] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON.")
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Append the report as Markdown, as to $GITHUB_STEP_SUMMARY."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as one page to look at.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the smallest network that shows it there."),
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", help="Show all that is wrong.")] = False,
    quiet: Annotated[bool, typer.Option("-q", help="Show the verdict alone.")] = False,
) -> None:
    """Compare every quantity of every step of a subject with the certified truth."""
    from conformance.api import check as checked
    from conformance.report.terminal import show, summary

    asked = _asked(subject, command, (format_, timeout, workers))
    if html is not None:
        from conformance.report.document import ready

        ready(html)
    with _bar(f"checking {subject or command}") as done:
        report = checked(
            asked,
            case=case,
            dtype=_one_of("--dtype", dtype, "float64", "float32"),
            cost=_one_of("--cost", cost, "quadratic", "cross-entropy"),
            timeout=timeout,
            python_path=python_path or (),
            done=lambda _: done(),
            detailed=html is not None,
        )
    if html is not None:
        from conformance.report.page.write import write

        write(html, [report], shlex.join(("conformance", *sys.argv[1:])))
    if json_file is not None:
        _write_json(json_file, report)
    if markdown is not None:
        _append_markdown(markdown, report)
    if quiet:
        typer.echo(summary(report))
    else:
        show(_console(), report, verbose=verbose)
    if save is not None:
        _save(report, save)
    raise typer.Exit(report.exit_code)


def _asked(subject: str | None, command: str | None, options: tuple[str, float, int]) -> object:
    """What is to be checked: the words of the argument, or the subject of a command."""
    if (subject is None) == (command is None):
        raise UsageError("give a SUBJECT or --command: one of the two")
    if subject is not None and subject.startswith("cmd:"):
        command = subject
    if command is not None:
        from conformance.subjects.command import command_subject

        return command_subject(command, *options)
    format_, _, workers = options
    if format_ != "safetensors":
        raise UsageError(f"--format {format_} is for --command alone")
    if workers > 1:
        raise UsageError(f"-n {workers} is for --command alone")
    return subject


def _save(report: "Report", folder: Path) -> None:
    from conformance.smallest.save import save

    if not report.smallest:
        typer.echo(f"nothing is saved: no small network shows that {report.subject} is wrong")
    for path in save({k: v for each in report.smallest for k, v in each.files.items()}, folder):
        typer.echo(f"saved {path}")


@app.command()
def gradcheck(
    subject: Annotated[str, typer.Argument(help="FILE.py:Name or package.module:Name")],
    sizes: Annotated[
        str | None, typer.Option(help="Layer sizes to build it with, such as 784,30,10.")
    ] = None,
    python_path: PythonPath = None,
    timeout: Timeout = 60.0,
) -> None:
    """Ask of any NumPy network whether its backprop is the gradient of its own cost."""
    from conformance.gradient import gradcheck as checked
    from conformance.isolate import isolated
    from conformance.load import load

    wanted = _sizes(sizes)

    def work(send: Callable[[object], None]) -> None:
        report = checked(load(subject, python_path or ()), wanted)
        send([report.text(), report.ok])

    for record in isolated(work, timeout):
        text, ok = cast("tuple[str, bool]", record)
        typer.echo(text)
    raise typer.Exit(0 if ok else 1)


@app.command()
def mistakes(
    id_: Annotated[str | None, typer.Argument(metavar="ID", help="Show this one at work.")] = None,
) -> None:
    """List the known mistakes, or show one at work."""
    from conformance.mistakes.show import show_all, show_one

    if id_ is None:
        show_all(_console())
    else:
        show_one(_console(), id_)


@app.command()
def prove(
    case: Annotated[
        str | None,
        typer.Option(metavar="GLOB", help="In these cases; all in float64 if not given."),
    ] = None,
    pairs: Annotated[
        int, typer.Option(min=0, metavar="N", help="Try so many pairs of mistakes too.")
    ] = 0,
    workers: Workers = None,
) -> None:
    """Try every known mistake: it must be caught, blamed on its equations alone, and named."""
    from conformance.corpus import store
    from conformance.mistakes.catalogue import CATALOGUE
    from conformance.mistakes.matrix import show_pairs, show_proof
    from conformance.mistakes.pairs import drawn, pair_proofs, visible
    from conformance.mistakes.proof import Proof
    from conformance.mistakes.prove import chosen, proofs

    place, cores = store.root(), _cores(workers)
    cases = tuple(each.case for each in chosen(place, case))
    rows = proofs([*CATALOGUE], case, place, cores)
    proof = Proof(cases, tuple(_progress(rows, "proving", len(CATALOGUE))))
    show_proof(_console(), proof)
    problems: list[str] = []
    if pairs:
        some = drawn(visible(proof.rows), pairs)
        tried = pair_proofs(some, case, place, cores)
        problems = [each for found in _progress(tried, "pairs", len(some)) for each in found]
        show_pairs(_console(), proof, len(some), problems)
    raise typer.Exit(1 if proof.problems or problems else 0)


@app.command()
def explain(
    case: Annotated[
        str | None, typer.Option(metavar="ID", help="The first step of this case.")
    ] = None,
    sizes: Annotated[str | None, typer.Option(help="Layer sizes; 2,3,1 if not given.")] = None,
    cost: Annotated[str | None, typer.Option(help="quadratic or cross-entropy.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, metavar="M", help="1 if not given.")] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write it as a page to walk through instead."),
    ] = None,
) -> None:
    """Print one right step, equation by equation, with the numbers in the book's formulas."""
    from conformance.smallest.show import example
    from conformance.smallest.show import explain as explained

    wanted = _one_of("--cost", cost, "quadratic", "cross-entropy")
    if html is None:
        typer.echo(explained(case, _sizes(sizes), wanted, samples), nl=False)
        return
    from conformance.lesson.page import write_lesson

    write_lesson(html, example(case, _sizes(sizes), wanted, samples))
    typer.echo(f"{html}: one step to walk through; open it in a browser")


@fixtures.command("build")
def fixtures_build(
    to: Annotated[Path | None, typer.Option(help="Another folder than this copy's own.")] = None,
    workers: Workers = None,
    mnist: Annotated[
        Path | None, typer.Option(help="Make the MNIST subset from these canonical files first.")
    ] = None,
) -> None:
    """Compute every value of every case in ball arithmetic and write the files."""
    from conformance.cases import recipes
    from conformance.corpus import store
    from conformance.corpus.build import build
    from conformance.corpus.embedded import embed_mnist

    source = store.root()
    place = source if to is None else to
    if mnist is not None:
        embed_mnist(mnist, source)
    built = list(_progress(build(source, place, _cores(workers)), "building", len(recipes())))
    typer.echo(f"{place}: {len(built)} cases built, corpus {store.corpus_hash(place)[:12]}")


@fixtures.command("verify")
def fixtures_verify(workers: Workers = None) -> None:
    """Recompute every value of every case and compare bytes, hashes and the schemas."""
    from conformance.cases import recipes
    from conformance.corpus import store
    from conformance.corpus.verify import schema_checked, verify

    place = store.root()
    parts = list(_progress(verify(place, _cores(workers)), "verifying", len(recipes()) + 4))
    problems = [problem for _, found in parts for problem in found]
    for problem in problems:
        typer.echo(problem)
    if not schema_checked():
        typer.echo("the JSON schemas were not checked: pip install 'backprop-conformance[dev]'")
    count = f"{len(recipes())} cases recomputed in ball arithmetic"
    if problems:
        typer.echo(f"{place}: {count}, {len(problems)} problems")
        raise typer.Exit(1)
    typer.echo(f"{place}: {count}, every byte is right; corpus {store.corpus_hash(place)[:12]}")


@fixtures.command("list")
def fixtures_list(case: CaseGlob = None, dtype: Dtype = None) -> None:
    """Print the table of the cases."""
    from conformance.corpus import store
    from conformance.report.terminal import show_cases

    show_cases(
        _console(), store.cases(store.root(), case, _one_of("--dtype", dtype, "float64", "float32"))
    )


@fixtures.command("export")
def fixtures_export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if need be.")],
    to: Annotated[
        str, typer.Option(metavar="FORM", help="json, npz, or bin: raw bytes with an index.")
    ],
    case: CaseGlob = None,
    dtype: Dtype = None,
) -> None:
    """Write cases for those who cannot read safetensors, every number bit for bit."""
    from conformance.corpus import store
    from conformance.corpus.export import FORMS, export

    _one_of("--to", to, *FORMS)
    place = store.root()
    chosen = store.cases(place, case, _one_of("--dtype", dtype, "float64", "float32"))
    written = [*_progress(export(place, chosen, to, folder), "exporting", len(chosen))]
    files = sum(map(len, written))
    typer.echo(f"{folder}: {_counted(len(chosen), 'case')} in {_counted(files, 'file')}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong is one line on standard error and an exit code."""
    try:
        with ending_cleanly():
            app(args=None if arguments is None else list(arguments))
    except ConformanceError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _one_of(option: str, value: str | None, *choices: str) -> str | None:
    if value is not None and value not in choices:
        raise UsageError(f"{option} {value}: give {', '.join(choices[:-1])} or {choices[-1]}")
    return value


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _sizes(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        sizes = [int(size) for size in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--sizes {text}: give numbers with commas, such as 4,5,3") from error
    if len(sizes) < 2 or min(sizes) < 1:  # noqa: PLR2004 - an input and an output layer
        raise UsageError(f"--sizes {text}: give two layers or more, none of them empty")
    return sizes


def _write_json(path: Path, report: "Report") -> None:
    import json

    from conformance.report.record import to_json

    try:
        path.write_text(json.dumps(to_json(report), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"--json {path}: {error.strerror}") from error


def _append_markdown(path: Path, report: "Report") -> None:
    from conformance.report.markdown import append

    append(path, report)


def _cores(workers: int | None) -> int:
    return workers or os.cpu_count() or 1


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 80)


def _progress(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, with a bar on a terminal once it has taken two seconds."""
    with _bar(what, total) as done:
        for item in items:
            yield item
            done()


@contextmanager
def _bar(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """A function to be called after each item; it shows a bar on a terminal after two seconds."""
    started = monotonic()
    console = Console(stderr=True)
    hidden = not console.is_terminal  # where a bar would leave an empty line
    with Progress(console=console, transient=True, auto_refresh=False, disable=hidden) as bar:
        task = bar.add_task(what, total=total, visible=False)

        def done() -> None:
            late = monotonic() - started > PATIENCE and bar.console.is_terminal
            bar.update(task, advance=1, visible=late, refresh=late)

        yield done
