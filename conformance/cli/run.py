"""The command `conformance run`. Left out: running and judging (`conformance.script`)."""

from typing import Annotated

import typer

from conformance.cli.options import JsonFile
from conformance.cli.say import say


def run(
    script: Annotated[str, typer.Argument(metavar="SCRIPT.py", help="It is executed.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="What the script is given.")
    ] = None,
    updates: Annotated[
        int, typer.Option(min=1, metavar="N", help="Updates, after which the script is stopped.")
    ] = 3,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="After which it is stopped.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="Of random numbers, where the script sets none.")] = 0,
    json_file: JsonFile = None,
    quiet: Annotated[bool, typer.Option("-q", help="Show the verdict alone.")] = False,
) -> None:
    """Run a script that trains a network, and judge its gradients and its updates.

    The script is executed as Python executes it, in a process of its own, with its own data; after
    three updates of its parameters it is stopped.
    """
    from conformance.script.run import run_script

    report = run_script(script, arguments or (), updates=updates, timeout=timeout, seed=seed)
    lines = str(report).splitlines()
    say("\n".join(lines[:1] if quiet else lines))
    raise typer.Exit(report.exit_code)
