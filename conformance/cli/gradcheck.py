"""The command `conformance gradcheck`. Left out: the check (`conformance.gradient`)."""

import ast
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from conformance.cli.options import JsonFile, PythonPath, Timeout, sizes_of
from conformance.cli.say import say, say_written
from conformance.files import check_outputs, put_json


def gradcheck(
    subject: Annotated[str, typer.Argument(help="FILE.py:Name or package.module:Name")],
    sizes: Annotated[
        str | None, typer.Option(help="Layer sizes to build it with, such as 784,30,10.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of parameters and samples.")] = 0,
    python_path: PythonPath = None,
    timeout: Timeout = 60.0,
    json_file: JsonFile = None,
) -> None:
    """Ask whether `backprop` of a network is the gradient of its own cost, to how many digits.

    The network is a class or an object with `weights`, `biases`, `backprop(x, y)` and a cost.
    `conformance check` judges networks with another interface.
    """
    from conformance.running.isolate import isolated

    wanted = None if sizes is None else sizes_of(sizes)
    check_outputs({"--json": json_file})

    work = partial(_send_report, subject, python_path or (), wanted, seed)
    for record in isolated(work, timeout):
        text, ok, values = cast("tuple[str, bool, dict[str, Any]]", record)
        if json_file is not None:
            put_json("--json", json_file, values)
        say(text)
        say_written([json_file])
    raise typer.Exit(0 if ok else 1)


def _send_report(
    subject: str,
    python_path: Sequence[Path],
    sizes: tuple[int, ...] | None,
    seed: int,
    send: Callable[[object], None],
) -> None:
    """What the child does."""
    from conformance.gradient import gradcheck as checked
    from conformance.programs.load import load

    report = checked(load(subject, python_path, (ast.ClassDef,)), sizes, seed)
    send([report.text(), report.ok, report.to_json()])
