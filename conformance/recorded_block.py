"""A block of Python or a cell of a notebook that trains, recorded where it runs: the report.

A cell begins with `%%conformance`. Left out: how it is recorded (`script/program_recorder.py`).
"""

import ctypes
import linecache
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack
from itertools import count
from types import FrameType, TracebackType
from typing import Any, Self

from conformance.errors import ConformanceError, SubjectError
from conformance.report.script_report import ScriptReport
from conformance.script.program_recorder import SEED, ProgramRecorder
from conformance.script.script_source import compiled, traced_imports
from conformance.tracing.entering import Entrance


class Recording(ProgramRecorder):
    """A block that is recorded: `with recording() as r:`, and then `r.report`."""

    def __init__(self, name: str, updates: int) -> None:
        super().__init__(name, updates)
        self._stack = ExitStack()

    @property
    def report(self) -> ScriptReport:
        """What is known of it, once the block has ended.

        Raises:
            SubjectError: nothing was trained in it.
        """
        try:
            return ScriptReport(self.name, self.ran.examined, self.ran)
        except SubjectError as error:  # what it came through says nothing to who reads this
            raise error.with_traceback(None) from None

    def __enter__(self) -> Self:
        """Begin to record what the block computes that this is written in."""
        frame = sys._getframe(1)  # noqa: SLF001 - the block's variables
        spaces: list[MutableMapping[str, Any]] = [frame.f_globals]
        if frame.f_locals is not frame.f_globals:
            spaces.insert(0, _Locals(frame))
        self._stack.enter_context(self.within(spaces))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End."""
        self._stack.close()


class _Locals(MutableMapping[str, Any]):
    """The local variables of a function that runs."""

    def __init__(self, frame: FrameType) -> None:
        self.frame = frame

    def __getitem__(self, name: str) -> Any:
        return self.frame.f_locals[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.frame.f_locals[name] = value
        if sys.version_info < (3, 13):
            write = ctypes.pythonapi.PyFrame_LocalsToFast
            write(ctypes.py_object(self.frame), ctypes.c_int(0))

    def __delitem__(self, name: str) -> None:
        raise TypeError("a local variable stays")

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.frame.f_locals))

    def __len__(self) -> int:
        return len(self.frame.f_locals)


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
