"""The command `conformance init`. Left out: what it writes (`conformance.shapes.adapter`)."""

from pathlib import Path
from typing import Annotated

import typer

from conformance.cli.options import PythonPath, Timeout, option
from conformance.cli.say import say


def init(
    file: Annotated[str, typer.Argument(metavar="FILE.py", help="It is executed.")],
    output: Annotated[
        Path | None, option("FILE", "check_FILE.py if not given.", "-o", "--output")
    ] = None,
    python_path: PythonPath = None,
    timeout: Timeout = 60.0,
) -> None:
    """Write a program of a dozen lines that judges FILE.py, where `check` finds no known shape."""
    from conformance.file_check import recognises, write_adapter
    from conformance.file_process import Asked
    from conformance.programs.load import split

    place, name = split(file) or (file, None)
    target = output or Path(place).with_name(f"check_{Path(place).stem}.py")
    asked = Asked(place, name, None, tuple(python_path or ()), timeout)
    write_adapter(asked, target)
    say(f"wrote {target}: give its `step` what it lacks, then run `python {target}`")
    if recognises(asked):
        say(f"note: `conformance check {file}` recognises it without this program")
