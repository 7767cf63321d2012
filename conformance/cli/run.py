"""The command `conformance run`. Left out: running and judging (`conformance.script`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from conformance.cli.options import JsonFile, option
from conformance.cli.outputs import Badge, Html, Markdown, Outputs
from conformance.cli.say import say
from conformance.errors import NothingTrainedError
from conformance.usage import FEWEST_UPDATES

Seed = Annotated[int, typer.Option(min=0, help="Seed of random numbers, if the script sets none.")]


def run(
    script: Annotated[str, typer.Argument(metavar="SCRIPT.py", help="The script to execute.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="The arguments of the script.")
    ] = None,
    updates: Annotated[int, option("N", f"Stop after N updates, {FEWEST_UPDATES} or more.")] = 3,
    timeout: Annotated[float, option("SECONDS", "Stop after this time.", min=0.1)] = 60.0,
    seed: Seed = 0,
    json_file: JsonFile = None,
    markdown: Markdown = None,
    html: Html = None,
    badge: Badge = None,
    verbose: Annotated[bool, typer.Option("-v", help="Show every gradient too.")] = False,
    quiet: Annotated[bool, typer.Option("-q", help="Show only the verdict.")] = False,
) -> None:
    """Execute a script that trains a network, and judge its gradients and its updates.

    The script runs as Python runs it, with its own data, in a process of its
    own. After three updates of its parameters it is stopped, and these are
    judged. Options stand before SCRIPT.py; what follows it is the script's.
    """
    from conformance.run_script import run_script

    outputs = Outputs(json_file, markdown, html, badge)
    with outputs.while_judged(), _other_command(script):
        report = run_script(script, arguments or (), updates=updates, timeout=timeout, seed=seed)
    outputs.write(report)
    say(report.in_one_line() if quiet else str(report))
    if verbose and not quiet:
        from conformance.report.backward_markdown import rows

        for each in rows(report.examined):
            say("  ".join(each))
    if not quiet:
        outputs.say()
    raise typer.Exit(report.exit_code)


@contextmanager
def _other_command(script: str) -> Iterator[None]:
    """Say what judges a script that PyTorch trains, if it has a backward pass of its own.

    Raises:
        NothingTrainedError: it has updated nothing that is seen.
    """
    try:
        yield
    except NothingTrainedError as error:
        from conformance.shapes.custom_function import defines_functions

        if not defines_functions(script):
            raise
        command = f"`conformance check {script}` judges its custom functions of PyTorch"
        raise NothingTrainedError(f"{error}; {command}") from error
