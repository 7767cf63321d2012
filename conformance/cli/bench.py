"""The command `conformance bench`. Left out: all that it measures (`conformance.bench`)."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import JsonFile, option
from conformance.cli.say import say, say_written
from conformance.files import check_outputs, put_json


def bench(
    folder: Annotated[
        Path | None,
        option("DIR", "The full MNIST; else MNIST_DIR, else the embedded part.", "--mnist"),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Measure times in one run, and compare their ratios with the budgets."""
    from conformance.bench.bench_table import heading, line, machine, rows, to_json
    from conformance.versions import has_torch

    check_outputs({"--json": json_file})
    where, measured = machine(), []
    say(heading(where))
    if not has_torch():
        say("note: torch is not installed: the rows that need it are left out", error=True)
    for each in rows(folder):
        measured.append(each)
        say(line(each))
    if json_file is not None:
        put_json("--json", json_file, to_json(where, measured))
    missed = [each for each in measured if each.met is False]
    judged = sum(each.met is not None for each in measured)
    say(f"{judged - len(missed)} of {judged} budgets are met")
    say_written([json_file])
    raise typer.Exit(1 if missed else 0)
