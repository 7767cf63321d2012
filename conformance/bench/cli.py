"""The command `conformance bench`. Left out: all that it measures (`table.py`)."""

import json
from pathlib import Path
from typing import Annotated

import typer

from conformance.errors import UsageError


def bench(
    folder: Annotated[
        Path | None,
        typer.Option("--mnist", metavar="DIR", help="Full MNIST; else MNIST_DIR, else a part."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write what was measured.")
    ] = None,
) -> None:
    """Measure how fast things are beside each other, against the budgets."""
    from conformance.bench.table import heading, line, machine, rows, to_json

    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise UsageError(f"--json {json_file}: no such folder")
    where, measured = machine(), []
    typer.echo(heading(where))
    for each in rows(folder):
        measured.append(each)
        typer.echo(line(each))
    if json_file is not None:
        json_file.write_text(json.dumps(to_json(where, measured), indent=1) + "\n")
    missed = [each for each in measured if each.met is False]
    judged = sum(each.met is not None for each in measured)
    typer.echo(f"{judged - len(missed)} of {judged} budgets are met")
    raise typer.Exit(1 if missed else 0)
