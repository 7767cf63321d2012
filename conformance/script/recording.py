"""What a block of Python or a cell of a notebook trains, recorded where it runs and judged.

Nothing is stopped: once enough is recorded, the rest runs as it would without us. Arrays that the
program holds when it begins are traced ones until it ends. A cell begins with `%%conformance`.

Left out: scripts, which run in a process of their own (`run_script.py`).
"""

import ctypes
import linecache
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import count
from types import FrameType, FunctionType, ModuleType, TracebackType
from typing import Any, Self

import numpy as np

from conformance.errors import ConformanceError, SubjectError
from conformance.report.script_report import ScriptReport
from conformance.script.conclude import conclude
from conformance.script.parameter_names import Held, held
from conformance.script.parameters import enough, parameters, steps
from conformance.script.rewrite import compiled
from conformance.script.script_source import traced_imports
from conformance.tracing.entering import Entrance, left
from conformance.tracing.frames import is_installed
from conformance.tracing.long import MOST, LongTrace
from conformance.tracing.modules import replaced
from conformance.tracing.substitute import Float, noted_tensors, substitutes
from conformance.usage import check_updates

DEPTH = 4  # of objects within objects
SEED = 0


class Recording:
    """A block that is recorded: `with recording() as r:`, and then `r.report`.

    Attributes:
        name: of the block.
        updates: after which the rest is not recorded, 2 or more.
        trace: of what it computes.
    """

    def __init__(self, name: str, updates: int) -> None:
        self.name, self.updates = name, check_updates(updates)
        self._report: ScriptReport | None = None
        self._stack = ExitStack()
        self._spaces: Sequence[MutableMapping[str, Any]] = ()
        self._names: list[Held] = []
        self.trace = LongTrace(self._grown)
        self._full = False

    @property
    def report(self) -> ScriptReport:
        """What is known of it, once the block has ended.

        Raises:
            SubjectError: nothing was trained in it.
        """
        if self._report is None:
            try:
                self._report = self._concluded()
            except SubjectError as error:  # what it came through says nothing to who reads this
                raise error.with_traceback(None) from None
        return self._report

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

    @contextmanager
    def within(
        self,
        spaces: Sequence[MutableMapping[str, Any]],
        imports: AbstractContextManager[Any] | None = None,
    ) -> Iterator[None]:
        """Record until the end of the block.

        Args:
            spaces: the variables of the program, the global ones last.
            imports: also traces what is imported meanwhile.
        """
        entrance = Entrance(self.trace)
        self._spaces = spaces
        names: Any = spaces[-1]
        instead = substitutes(self.trace, SEED)
        with (
            replaced(instead, names, {"float": Float}),
            noted_tensors(self.trace),
            imports or nullcontext(),
        ):
            for each in spaces:
                converted(each, entrance.value)
            try:
                yield
            finally:
                self.trace.recording = False
                if not self._full:
                    self._note_names()
                for each in spaces:
                    converted(each, left)

    def _grown(self) -> int:
        """End the recording if it shows enough; else tell how long it may have to be."""
        found = parameters(self.trace.nodes, cut=self.trace.forgot)
        if steps(found, closed=True) >= self.updates or (found and self.trace.stored > MOST):
            self._note_names()
            self._full = True
            self.trace.closed = True
        return enough(found, self.updates)

    def _note_names(self) -> None:
        """Note what the variables hold."""
        self._names = held(self.trace, self._spaces)

    def _concluded(self) -> ScriptReport:
        found = parameters(self.trace.nodes, cut=self.trace.forgot)
        with np.errstate(all="ignore"):
            ran = conclude(self.name, self.trace, found, self._names, self.updates, ())
        return ScriptReport(self.name, ran.examined, ran)


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


def converted(space: MutableMapping[str, Any], one: Callable[[Any], Any]) -> None:
    """Put something else in the place of each array that some variables hold, within objects too.

    Args:
        space: the variables.
        one: what an array or number becomes.
    """
    seen: set[int] = {id(space)}
    for name in list(space):
        if not name.startswith("__"):
            value = space[name]
            after = _converted(value, one, DEPTH, seen)
            if after is not value:
                space[name] = after


def _converted(value: Any, one: Callable[[Any], Any], depth: int, seen: set[int]) -> Any:
    if isinstance(value, np.ndarray | np.generic | float):
        return one(value)
    if not depth or id(value) in seen:
        return value
    seen.add(id(value))
    if type(value) is tuple:
        parts = tuple(_converted(each, one, depth - 1, seen) for each in value)
        return value if all(a is b for a, b in zip(parts, value, strict=True)) else parts
    inner: Any = value if type(value) in (list, dict) else _variables(value)
    keys = range(len(inner)) if type(inner) is list else list(inner)
    for key in keys:
        before = inner[key]
        after = _converted(before, one, depth - 1, seen)
        if after is not before:
            inner[key] = after
    return value


def _variables(value: Any) -> dict[str, Any]:
    """The attributes of an object of the program."""
    found = getattr(value, "__dict__", None)
    if not isinstance(found, dict) or isinstance(value, ModuleType | FunctionType | type):
        return {}
    module = sys.modules.get(type(value).__module__)
    file = getattr(module, "__file__", None) or ""
    return {} if is_installed(file) else found


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
