"""The command `conformance`: check a subject, build, verify and list the fixtures.

Heavy imports wait until a command needs them. Left out: everything that a command does.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from conformance.errors import ConformanceError, UsageError

T = TypeVar("T")

PATIENCE = 2.0  # seconds without a progress bar

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Check an implementation of backprop against a certified truth, equation by equation.",
)
fixtures = typer.Typer(no_args_is_help=True, help="The recorded cases: build, verify, list.")
app.add_typer(fixtures, name="fixtures")

CaseGlob = Annotated[str | None, typer.Option("--case", metavar="GLOB", help="Only these cases.")]
Dtype = Annotated[str | None, typer.Option(help="Only float64 or only float32 cases.")]
Workers = Annotated[
    int | None, typer.Option("-n", "--workers", min=1, help="Processes; one a core if not given.")
]


@app.command()
def check(
    subject: Annotated[str, typer.Argument(help="reference or torch_impl")],
    case: CaseGlob = None,
    dtype: Dtype = None,
    verbose: Annotated[bool, typer.Option("-v", help="Show every failing case.")] = False,
) -> None:
    """Compare every quantity of every step of a subject with the certified truth."""
    from threadpoolctl import threadpool_limits

    from conformance.check import check_case
    from conformance.compare import Status
    from conformance.corpus import store
    from conformance.report.terminal import show_check
    from conformance.subjects import find

    found = find(subject)
    place = store.root()
    chosen = store.cases(place, case, _dtype(dtype))
    with threadpool_limits(1):
        reports = [
            check_case(found, store.read(place, each))
            for each in _progress(chosen, f"checking {subject}", len(chosen))
        ]
    show_check(_console(), subject, reports, verbose=verbose)
    statuses = {report.status for report in reports}
    raise typer.Exit(1 if Status.FAIL in statuses else 3 if Status.ERROR in statuses else 0)


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
    from conformance.corpus.build import build, embed_mnist

    source = store.root()
    place = source if to is None else to
    if mnist is not None:
        embed_mnist(mnist, source)
    built = list(_progress(build(source, place, _cores(workers)), "building", len(recipes())))
    typer.echo(f"{place}: {len(built)} cases built, corpus {store.corpus_hash(place)[:12]}")


@fixtures.command("verify")
def fixtures_verify(workers: Workers = None) -> None:
    """Recompute every value of every case and compare bytes, hashes and the schema."""
    from conformance.cases import recipes
    from conformance.corpus import store
    from conformance.corpus.verify import schema_checked, verify

    place = store.root()
    parts = list(_progress(verify(place, _cores(workers)), "verifying", len(recipes()) + 3))
    problems = [problem for _, found in parts for problem in found]
    for problem in problems:
        typer.echo(problem)
    if not schema_checked():
        typer.echo("the JSON schema was not checked: pip install 'backprop-conformance[dev]'")
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

    show_cases(_console(), store.cases(store.root(), case, _dtype(dtype)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong is one line on standard error and an exit code."""
    try:
        app(args=None if arguments is None else list(arguments))
    except ConformanceError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _dtype(dtype: str | None) -> str | None:
    if dtype not in (None, "float64", "float32"):
        raise UsageError(f"--dtype {dtype}: give float64 or float32")
    return dtype


def _cores(workers: int | None) -> int:
    return workers or os.cpu_count() or 1


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 100)


def _progress(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """The items, with a bar on a terminal once it has taken two seconds."""
    started = monotonic()
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=total, visible=False)
        for item in items:
            yield item
            late = monotonic() - started > PATIENCE and bar.console.is_terminal
            bar.update(task, advance=1, visible=late, refresh=late)
