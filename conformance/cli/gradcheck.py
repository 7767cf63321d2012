"""The command `conformance gradcheck`. Left out: the check (`conformance.gradient`)."""

from collections.abc import Callable
from typing import Annotated, cast

import typer

from conformance.cli.options import PythonPath, Timeout, sizes_of
from conformance.cli.say import say


def gradcheck(
    subject: Annotated[str, typer.Argument(help="FILE.py:Name or package.module:Name")],
    sizes: Annotated[
        str | None, typer.Option(help="Layer sizes to build it with, such as 784,30,10.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of parameters and samples.")] = 0,
    python_path: PythonPath = None,
    timeout: Timeout = 60.0,
) -> None:
    """Ask of any NumPy network whether its backprop is the gradient of its own cost."""
    from conformance.gradient import gradcheck as checked
    from conformance.running.isolate import isolated
    from conformance.subjects.load import load

    wanted = None if sizes is None else sizes_of(sizes)

    def work(send: Callable[[object], None]) -> None:
        report = checked(load(subject, python_path or ()), wanted, seed)
        send([report.text(), report.ok])

    for record in isolated(work, timeout):
        text, ok = cast("tuple[str, bool]", record)
        say(text)
    raise typer.Exit(0 if ok else 1)
