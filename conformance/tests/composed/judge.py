"""What the checker says of a composed program, in a word."""

import re
from pathlib import Path
from typing import Literal

from conformance import check
from conformance.errors import UnjudgedError
from conformance.run_script import run_script
from conformance.tests.composed.program import Program

Kind = Literal["right", "line", "another line", "not judged"]
"""The verdict: `line` where the line of the mistake is blamed."""


def judge(program: Program, folder: Path) -> Kind:
    """The verdict on a program.

    Args:
        program: it.
        folder: where it is written.
    """
    place = folder / "composed.py"
    place.write_text(program.source, encoding="utf-8")
    try:
        script = "def " not in program.source
        report = run_script(str(place), timeout=60) if script else check(str(place))
    except UnjudgedError:
        return "not judged"
    if report.exit_code != 1:
        return "right" if report.exit_code == 0 else "not judged"
    said = {int(line) for line in re.findall(r"composed\.py:(\d+)", str(report))}
    return "line" if program.line in said else "another line"
