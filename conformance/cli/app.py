"""The command `conformance`: its commands, a file each, and what an error looks like.

Heavy imports wait until a command needs them. Left out: everything that a command does.
"""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from conformance.cli.bench import bench
from conformance.cli.check import check
from conformance.cli.explain import explain
from conformance.cli.fixtures import fixtures
from conformance.cli.gradcheck import gradcheck
from conformance.cli.mistakes import mistakes, prove
from conformance.cli.train import mnist, train
from conformance.errors import ConformanceError
from conformance.running.signals import ending_cleanly

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in check, gradcheck, mistakes, prove, explain, train, bench:
    app.command()(command)
app.add_typer(fixtures, name="fixtures")
app.add_typer(mnist, name="mnist")


def _version(asked: bool) -> None:
    if asked:
        from conformance.versions import versions

        typer.echo("\n".join([f"conformance {version('backprop-conformance')}", *versions()]))
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show versions and the corpus."
        ),
    ] = False,
) -> None:
    """Check an implementation of backprop against a certified truth, equation by equation."""


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
