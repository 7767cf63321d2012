"""A script that is run again, untraced, until it has updated its parameters, with changes or not.

It begins with the same random numbers, and may write no files. Left out: the traced run
(`script_source.py`), and which changes there are (`edits`).
"""

import ast
import builtins
import random
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

from conformance.script_outcome import NextValue
from conformance.tracing.substitute import generators
from reference.step import Array

PROBE = "__updated__"  # what is called around the statements that may update a parameter

WRITING = frozenset(
    ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink",
     "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen",
     "shutil.rmtree", "socket.connect", "socket.bind", "webbrowser.open")
)  # fmt: skip
"""What a run that is a trial may not do: it changes more than its own process."""


class DoneError(BaseException):
    """All parameters have been updated as often as wanted."""


@dataclass
class PlainScript:
    """A script to be run again.

    Attributes:
        file: its path, by which its lines go.
        tree: its source, which may be changed.
        arguments: that it is given.
        seed: of its random numbers, where it gives none.
        wanted: the parameters, and after which update each is asked for.
        code: what is run.
    """

    file: str
    tree: ast.Module
    arguments: Sequence[str]
    seed: int
    wanted: Sequence[NextValue]
    code: CodeType = field(init=False)

    def __post_init__(self) -> None:
        """Find where its parameters are updated."""
        lines = {line for each in self.wanted for file, line in each.lines if file == self.file}
        self._statements = [*_statements(self.tree, lines)]
        self._names = [compile(each.name, self.file, "eval") for each in self.wanted]
        self.compile()

    def compile(self) -> None:
        """Take the tree as it is.

        Raises:
            SyntaxError: it is no program.
        """
        probes = list[tuple[list[ast.stmt], ast.stmt]]()
        for block, statement in self._statements:
            for i, each in enumerate(block):
                if each is statement:
                    call = ast.Expr(ast.Call(ast.Name(PROBE, ast.Load()), [], []))
                    probe: ast.stmt = ast.fix_missing_locations(ast.copy_location(call, statement))
                    block[i : i + 1] = [probe, each, probe]
                    probes.append((block, probe))
                    break
        try:
            self.code = compile(self.tree, self.file, "exec")
        finally:
            for block, probe in probes:
                block[:] = [each for each in block if each is not probe]

    def values(self) -> dict[str, Array]:
        """Run it: the parameters after the updates that are wanted, by their names.

        Raises:
            BaseException: whatever its code raises.
            LookupError: it ended before.
        """
        asked = _Asked(self.wanted, self._names)
        with _as_at_first(self.seed), _no_writing():
            setattr(builtins, PROBE, asked)
            try:
                exec(self.code, vars(_main(self.file, self.arguments)))  # noqa: S102 - as it was run
            except DoneError:
                return asked.found
            finally:
                delattr(builtins, PROBE)
        raise LookupError("it ended before all parameters were updated")


class _Asked:
    """Takes the parameters as soon as each has been updated as often as wanted."""

    def __init__(self, wanted: Sequence[NextValue], names: Sequence[CodeType]) -> None:
        self.waiting = dict(zip((each.name for each in wanted), names, strict=True))
        self.first = {each.name: each.first for each in wanted}
        self.last: dict[str, Array] = {}
        self.left = {each.name: each.update for each in wanted}
        self.shapes = {each.name: np.shape(each.first) for each in wanted}
        self.found: dict[str, Array] = {}

    def __call__(self) -> None:
        """See which parameters have another value than before."""
        frame = sys._getframe(1)  # noqa: SLF001 - the way to the script's variables
        for name, code in [*self.waiting.items()]:
            value = _evaluated(code, frame, self.shapes[name])
            if value is None:
                continue
            begun = name in self.last or np.array_equal(value, self.first[name], equal_nan=True)
            if not begun:
                continue
            if not np.array_equal(value, self.last.get(name, value), equal_nan=True):
                self.left[name] -= 1
            if not self.left[name]:
                self.found[name] = value
                del self.waiting[name]
            self.last[name] = value
        if not self.waiting:
            raise DoneError


def _evaluated(code: CodeType, frame: FrameType | None, shape: tuple[int, ...]) -> Array | None:
    """What an expression stands for in the innermost call that knows it, as an array."""
    file = frame.f_code.co_filename if frame else ""
    while frame is not None and frame.f_code.co_filename == file:
        with suppress(Exception):  # another call may know it
            value = np.array(eval(code, frame.f_globals, frame.f_locals), dtype=float)  # noqa: S307
            if value.shape == shape:
                return value
        frame = frame.f_back
    return None


def _statements(tree: ast.AST, lines: Collection[int]) -> Iterator[tuple[list[ast.stmt], ast.stmt]]:
    """The innermost statements that lines are of, each with the block that it is in."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            found = getattr(node, name, None)
            block: list[ast.stmt] = found if isinstance(found, list) else []
            for each in block:
                inner = getattr(each, "body", None)
                end = inner[0].lineno - 1 if isinstance(inner, list) else each.end_lineno
                if any(each.lineno <= line <= (end or 0) for line in lines):
                    yield block, each


def _main(file: str, arguments: Sequence[str]) -> ModuleType:
    module = ModuleType("__main__")
    vars(module).update(__file__=file, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    sys.argv = [sys.argv[0], *arguments]
    return module


@contextmanager
def _as_at_first(seed: int) -> Iterator[None]:
    """Random numbers as in the run that was judged, to the end of the block."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what scripts draw from
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    names = "default_rng", "RandomState"
    plain = {each: getattr(np.random, each) for each in names}
    vars(np.random).update(zip(names, generators(seed), strict=True))
    try:
        yield
    finally:
        vars(np.random).update(plain)


_trials: list[bool] = []


@contextmanager
def _no_writing() -> Iterator[None]:
    """Let nothing be written but by this process's own streams, to the end of the block."""
    if not _trials:
        sys.addaudithook(_refuse)
        _trials.append(False)
    _trials[0] = True
    try:
        yield
    finally:
        _trials[0] = False


def _refuse(event: str, args: Any) -> None:
    """Refuse what changes files, or begins other processes, in a trial.

    Raises:
        PermissionError: it is asked for.
    """
    if not _trials[0]:
        return
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes or event in WRITING:
        raise PermissionError(f"a trial does not {event}")
