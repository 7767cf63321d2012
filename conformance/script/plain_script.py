"""A script that is run again, untraced, until it has updated its parameters, with changes or not.

It begins with the same random numbers, and may write no files. Left out: the traced run
(`script_source.py`), and which changes there are (`edits`).
"""

import ast
import builtins
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import CodeType, FrameType

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.judge_gradients import distance
from conformance.running.dry_run import writing_nothing
from conformance.script.script_source import main_module, seed_all
from conformance.script_outcome import NextValue
from conformance.tracing.substitute import generators
from reference.step import Array

PROBE = "__updated__"  # what is called around the statements that may update a parameter


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
        until: the line after which it is stopped, if no parameters are asked for.
        codes: what is run, a statement of the script after another.
        counts: for each parameter, after how many changes it was as it was before the update that
            is judged, and after; empty before the first run.
    """

    file: str
    tree: ast.Module
    arguments: Sequence[str]
    seed: int
    wanted: Sequence[NextValue]
    codes: list[CodeType] = field(default_factory=list)
    until: int = 0
    counts: Sequence[tuple[int, int]] = ()

    def __post_init__(self) -> None:
        """Find where its parameters are updated.

        Raises:
            SyntaxError: what they are called is no expression.
        """
        lines = {line for each in self.wanted for file, line in each.lines if file == self.file}
        lines |= {self.until} - {0}
        self._probes = [
            (block, each, _probe(each, 0), _probe(each, each.lineno))
            for block, each in _statements(self.tree, lines)
        ]
        self._names = [self._expressions(each) for each in self.wanted]
        self._compiled: dict[ast.stmt, CodeType] = {}
        self.codes = self.compiled()
        with self._probed():
            self._compiled = dict(zip(self.tree.body, self.codes, strict=True))

    def _expressions(self, wanted: NextValue) -> list[CodeType]:
        found = []
        for name in (wanted.name, *wanted.others):
            with suppress(SyntaxError):  # it is said so, and is no expression
                found.append(compile(name, self.file, "eval"))
        if not found:
            raise SyntaxError
        return found

    def compiled(self, line: int = 0) -> list[CodeType]:
        """What is to be run, of the tree as it is.

        Args:
            line: where it was changed.

        Raises:
            SyntaxError: it is no program.
        """
        with self._probed():
            kept = {} if line == 0 else self._compiled
            return [
                (None if _has(each, line) else kept.get(each))
                or compile(ast.Module([each], []), self.file, "exec")
                for each in self.tree.body
            ]

    @contextmanager
    def _probed(self) -> Iterator[None]:
        """The tree with the probes in it, to the end of the block."""
        put = list[tuple[list[ast.stmt], list[ast.stmt]]]()
        for block, statement, before, after in self._probes:
            there = [each.lineno for each in block]
            if statement.lineno in there:  # it may be changed
                put.append((block, [*block]))
                at = there.index(statement.lineno)
                block[at : at + 1] = [before, block[at], after]
        try:
            yield
        finally:
            for block, statements in reversed(put):
                block[:] = statements

    def values(self) -> list[Array]:
        """Run it: the parameters after the updates that are wanted, in their order.

        The first run has to be that which was judged: an update may be many changes, entry by
        entry, and it counts them.

        Raises:
            BaseException: whatever its code raises.
            LookupError: it ended before.
        """
        counts = self.counts or [(0, 0)] * len(self.wanted)
        each_of = zip(self.wanted, self._names, counts, strict=True)
        awaited = [_Awaited(each, codes, self._behind(each), *n) for each, codes, n in each_of]
        with _as_at_first(self.seed), writing_nothing():
            setattr(builtins, PROBE, _Asked(awaited))
            names = vars(main_module(self.file, [sys.argv[0], *self.arguments]))
            try:
                for code in self.codes:
                    exec(code, names)  # noqa: S102 - as it was run
            except DoneError:
                self.counts = [(each.begins, each.ends) for each in awaited]
                return [each.value for each in awaited if each.value is not None]
            finally:
                delattr(builtins, PROBE)
                names.clear()  # its functions hold it, and it holds its arrays
        raise LookupError("it ended before all parameters were updated")

    def _behind(self, wanted: NextValue) -> int:
        """The first line of the statement that computes a value."""
        line = wanted.lines[0][1] if wanted.lines else 0
        return max((each.lineno for _, each, *_ in self._probes if each.lineno <= line), default=0)


def _has(statement: ast.stmt, line: int) -> bool:
    """Whether a line is one of a statement, or beside it, as of one that is moved."""
    return statement.lineno - 1 <= line <= (statement.end_lineno or statement.lineno) + 1


def _probe(statement: ast.stmt, line: int) -> ast.stmt:
    """A call of the probe beside a statement, which is told the line behind which it is."""
    call = ast.Expr(ast.Call(ast.Name(PROBE, ast.Load()), [ast.Constant(line)], []))
    return ast.fix_missing_locations(ast.copy_location(call, statement))


@dataclass
class _Awaited:
    """A value that a script is to give.

    Attributes:
        wanted: it.
        codes: of its names.
        behind: the line of the statement behind which alone it is looked for; 0 if behind any.
        begins: after how many changes it is as it was before the update that is judged.
        ends: after how many it is updated; 0 if that is not known.
        last: what it was.
        changes: of it until now, or runs of that statement.
        value: it, once it is known.
    """

    wanted: NextValue
    codes: Sequence[CodeType]
    behind: int
    begins: int = 0
    ends: int = 0
    last: Array | None = None
    changes: int = 0
    value: Array | None = None

    def see(self, line: int, frame: FrameType) -> None:
        """See it behind a statement, or before one (0)."""
        shape = np.shape(self.wanted.new)
        if self.wanted.occurrence:
            self.changes += line == self.behind
            if line == self.behind and self.changes == self.wanted.occurrence - 1:
                self._begin(frame)
            if self.changes == self.wanted.occurrence:
                self.value = _evaluated(self.codes, frame, shape)
            return
        value = _evaluated(self.codes, frame, shape)
        if value is None:
            return
        same = self.last is None or np.array_equal(value, self.last, equal_nan=True)
        self.last = value
        self.changes += not same
        if not self.ends and self._is_updated(value):
            self.ends = self.changes
        self.value = value if self.changes == self.ends and self.ends else None
        if self.changes == self.begins and not same:
            self._begin(frame)
            self.last = _evaluated(self.codes, frame, shape)

    def _begin(self, frame: FrameType) -> None:
        """Let it be what it was before the update that is judged, which begins where it began."""
        held, name = _found(self.codes, frame, np.shape(self.wanted.new)), self.wanted.name
        if isinstance(held, float) and frame.f_globals.get(name) is held:
            frame.f_globals[name] = self.wanted.old[()]
        _put(held, self.wanted.old)

    def _is_updated(self, value: Array) -> bool:
        """Whether it is what the update that is judged has made of it; or where that begins.

        Raises:
            LookupError: it has changed more often than updates of each entry change it.
        """
        old, new = self.wanted.old, self.wanted.new
        if self.changes > (self.wanted.update + 1) * max(1, new.size):
            raise LookupError("it becomes something else than in the run that was judged")
        if np.array_equal(value, old, equal_nan=True):
            self.begins = self.changes
            return False
        return distance(value - old, new - old) <= HALF_OF_THE_DIGITS


def _put(held: object, values: Array) -> None:
    """Put numbers into an array, or into lists."""
    if isinstance(held, np.ndarray) and held.flags.writeable:
        held[...] = values
    elif isinstance(held, list):
        for i, each in enumerate(held):
            if isinstance(each, list | np.ndarray):
                _put(each, values[i])
            else:
                held[i] = float(values[i])


class _Asked:
    """Takes what is awaited as soon as it is there."""

    def __init__(self, awaited: Sequence[_Awaited]) -> None:
        self.awaited = awaited

    def __call__(self, line: int) -> None:
        """See what is there behind the statement of a line, or before one (0).

        Raises:
            DoneError: all is.
        """
        frame = sys._getframe(1)  # noqa: SLF001 - the way to the script's variables
        waiting = [each for each in self.awaited if each.value is None]
        for each in waiting:
            each.see(line, frame)
        if all(each.value is not None for each in waiting) and (line or self.awaited):
            raise DoneError


def _evaluated(
    codes: Sequence[CodeType], frame: FrameType | None, shape: tuple[int, ...]
) -> Array | None:
    """What one of some expressions stands for, as an array of its own; None if none is known."""
    found = _found(codes, frame, shape)
    return None if found is None else np.array(found, dtype=float)


def _found(
    codes: Sequence[CodeType], frame: FrameType | None, shape: tuple[int, ...]
) -> object | None:
    """What one of some expressions stands for, in the innermost call that knows it."""
    file = frame.f_code.co_filename if frame else ""
    while frame is not None and frame.f_code.co_filename == file:
        for code in codes:
            with suppress(Exception):  # another call may know it
                value: object = eval(code, frame.f_globals, frame.f_locals)  # noqa: S307
                if np.array(value, dtype=float).shape == shape:
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


@contextmanager
def _as_at_first(seed: int) -> Iterator[None]:
    """Random numbers as in the run that was judged, to the end of the block."""
    seed_all(seed)
    names = "default_rng", "RandomState"
    plain = {each: getattr(np.random, each) for each in names}
    vars(np.random).update(zip(names, generators(seed), strict=True))
    try:
        yield
    finally:
        vars(np.random).update(plain)
