"""The command `conformance`: its commands, a file each, and what an error looks like.

Heavy imports wait until a command needs them. Left out: everything that a command does.
"""

import os
import sys
from collections.abc import Sequence
from errno import ENOSPC
from typing import Annotated, NoReturn

import typer

from conformance.cli.bench import bench
from conformance.cli.check import check
from conformance.cli.examples import epilog
from conformance.cli.explain import explain
from conformance.cli.fixtures import fixtures
from conformance.cli.gradcheck import gradcheck
from conformance.cli.grade import grade
from conformance.cli.init import init
from conformance.cli.mistakes import mistakes, prove
from conformance.cli.run import run
from conformance.cli.say import say
from conformance.cli.train import mnist, train
from conformance.errors import ConformanceError, InternalError
from conformance.report.ascii import write_anywhere
from conformance.running.signals import ending_cleanly
from conformance.running.tracebacks import internal

READER_GONE = 128 + 13  # as a shell says it of a program that SIGPIPE ended

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
EXIT_CODES = (
    "Exit codes: 0 conformant; 1 not conformant; 2 wrong usage or a damaged installation; "
    "3 the subject could not be run or judged; 4 an error of conformance itself, which says "
    "nothing of the subject."
)

GRADED = (
    "Exit codes: 0 every submission has its row, whatever its verdict; 2 wrong usage; 4 an error "
    "of conformance itself."
)

app.command(epilog=epilog("check", EXIT_CODES))(check)
app.command(epilog=epilog("run", EXIT_CODES), context_settings={"allow_interspersed_args": False})(
    run
)
app.command(epilog=epilog("grade", GRADED))(grade)
for command in init, gradcheck, mistakes, prove, explain, train, bench:
    app.command(epilog=epilog(command.__name__))(command)
app.add_typer(fixtures, name="fixtures")
app.add_typer(mnist, name="mnist")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        from conformance.versions import versions

        say("\n".join([f"conformance {version('backprop-conformance')}", *versions()]))
        raise typer.Exit


@app.callback(epilog=epilog(""))
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show versions and the corpus."
        ),
    ] = False,
    _verbose: Annotated[
        bool, typer.Option("-v", help="Show the traceback of an error of conformance itself.")
    ] = False,
) -> None:
    """Check hand-written backprop: which line is wrong, and why."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; whatever goes wrong is one line on standard error and an exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    write_anywhere()
    try:
        with ending_cleanly():
            app(args=given)
    except InternalError as error:
        _report(error, verbose="-v" in given)
    except ConformanceError as error:
        say(f"error: {error}", error=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone
        _write_nowhere()
        sys.exit(READER_GONE)
    except OSError as error:
        if error.errno != ENOSPC:
            _report(internal(error), verbose="-v" in given)
        _write_nowhere()
        say(f"error: {error.strerror}", error=True)
        sys.exit(ConformanceError.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict on a subject
        _report(internal(error), verbose="-v" in given)


def _write_nowhere() -> None:
    """Let what stdout still holds be lost, so that nothing fails at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: InternalError, *, verbose: bool) -> NoReturn:
    """Say that this program has a bug."""
    say(f"{error.traceback}\n{error}" if verbose else str(error), error=True)
    sys.exit(error.exit_code)
