"""The cell magic `%%conformance` of a notebook: the cell runs, and what it trains is judged.

Left out: recording (`recording.py`).
"""

import linecache
import sys
from itertools import count
from typing import Any

from conformance.errors import ConformanceError
from conformance.report.script_report import ScriptReport
from conformance.script.recording import SEED, Recording
from conformance.script.rewrite import compiled
from conformance.script.script_source import traced_imports
from conformance.tracing.entering import Entrance

_CELLS = count(1)


def load(shell: Any) -> None:
    """Give a shell of IPython the magic."""

    def conformance(line: str, cell: str) -> ScriptReport | None:
        """Run the cell, and judge the gradients and updates of what it trains."""
        return run_cell(shell, cell, _updates(line))

    shell.register_magic_function(conformance, "cell", "conformance")


def _updates(line: str) -> int:
    """The number in `--updates N`; 3 if there is none."""
    words = line.replace("=", " ").split()
    return int(words[1]) if words[:1] == ["--updates"] and words[1:] else 3


def run_cell(shell: Any, cell: str, updates: int) -> ScriptReport | None:
    """Run a cell in the variables of a shell; None, and one line, if it trains nothing.

    Args:
        shell: of IPython: `user_ns`, and `transform_cell` if it has that.
        cell: the source.
        updates: that are judged.
    """
    name = f"cell {next(_CELLS)}"
    source = getattr(shell, "transform_cell", str)(cell)
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = len(source), None, lines, name
    run = Recording(name, updates)
    code = compiled(source, name)
    with run.within([shell.user_ns], traced_imports(Entrance(run.trace), SEED, shell.user_ns)):
        exec(code, shell.user_ns)  # noqa: S102 - to run it is what was asked for
    try:
        return run.report
    except ConformanceError as error:
        sys.stderr.write(f"error: {name}: {error}\n")
        return None
