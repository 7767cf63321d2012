"""One run of a command on one case: what it is given, how it ends, and what it wrote.

Whatever it does is a `SubjectError`, and its folder of temporary files is removed. Left out: the
process (`running/process.py`), and reading what it wrote (`output.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from conformance.corpus import casefile
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, tensors
from conformance.errors import SubjectError, UsageError
from conformance.running.isolate import signal_name
from conformance.running.process import Ended, run
from conformance.subjects.command.output import read_output, too_large
from conformance.subjects.observation import Family
from conformance.subjects.trace.subject import families, followable
from reference.step import Array

PLACES = ("{case}", "{out}")
DECLINED = 77  # the exit status of a command that declines a case, as of a test that is skipped
LONGEST = 200  # characters of its reason
NO_REASON = "no reason given"

T = TypeVar("T")


class HungError(SubjectError):
    """The command was not done in time."""


class DeclinedError(SubjectError):
    """The command declines a case, for a reason of its own."""

    def __init__(self, where: str, reason: str) -> None:
        """Keep the reason."""
        super().__init__(f"{where}: declined: {reason}")
        self.reason = reason


@dataclass(frozen=True, eq=False)
class Written:
    """What a command wrote of a case: single steps from the recorded start, and a free run."""

    recorded: Recorded
    steps: Family
    free: Family


@dataclass(frozen=True)
class Program:
    """A command: as it was given, its words, the format of its case, its seconds for each."""

    command: str
    words: tuple[str, ...]
    format: str
    timeout: float

    def run(self, recorded: Recorded, stop: Callable[[], bool]) -> Written:
        """What it writes of a case.

        Args:
            recorded: the case.
            stop: asked again and again; if it says so, the command is ended.

        Raises:
            DeclinedError: it declines the case; what it wrote is not looked at.
            SubjectError: it fails, hangs, or writes what is not the steps of the case.
            UsageError: the case cannot be written down for it.
        """
        case = recorded.case
        with temporary() as folder:
            called = Call(self, case, tensors(recorded), Path(folder))
            return called.ended(stop, lambda out: _written(recorded, out))


@dataclass(frozen=True, eq=False)
class Call:
    """One start of a command.

    Attributes:
        program: the command.
        case: that it is put to.
        given: the arrays of the file that it reads.
        folder: for this file and for what it writes.
        more: variables of its environment.
        rank: of several processes, such as `: rank 1`.
    """

    program: Program
    case: Case
    given: Mapping[str, Array]
    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    rank: str = ""

    def ended(self, stop: Callable[[], bool], read: Callable[[Path], T]) -> T:
        """What is read of its output in the end; raises as `Program.run`."""
        program, case = self.program, self.case
        where = f"{program.command} in {case.id}{self.rank}"
        given, out = self.folder / f"{case.id}.{program.format}", self.folder / "out"
        make = casefile.serialized if program.format == "safetensors" else casefile.readable
        _write(given, make(case, self.given))  # a copy, which the command may spoil
        paths = dict(zip(PLACES, (str(given), str(out)), strict=True))
        words = [_filled(word, paths) for word in program.words]
        watch = partial(_watch, stop, out, case)
        ended = run(words, program.timeout, watch, self.more)
        if ended.status == DECLINED:
            raise DeclinedError(where, ended.last_line(LONGEST).rstrip(".") or NO_REASON)
        try:
            _check_end(ended, program.timeout)
            return read(out)
        except SubjectError as error:
            end = f"{_status(ended)}{ended.said()}"
            raise type(error)(f"{where}: {error}{end}") from error


def _watch(stop: Callable[[], bool], out: Path, case: Case) -> str:
    return "stopped" * stop() or too_large(out, case)


def temporary() -> "TemporaryDirectory[str]":
    """A folder that goes away.

    Raises:
        UsageError: none can be made.
    """
    try:
        return TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UsageError(f"no temporary folder: {error.strerror}; set TMPDIR to another") from error


def _write(path: Path, raw: bytes) -> None:
    try:
        path.write_bytes(raw)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; set TMPDIR to another folder") from error


def _filled(word: str, paths: Mapping[str, str]) -> str:
    for place, path in paths.items():
        word = word.replace(place, path)
    return word


def _check_end(ended: Ended, timeout: float) -> None:
    """Refuse every end but a status of 0.

    Raises:
        SubjectError: it was another; HungError if the time was over.
    """
    if ended.stopped:
        raise SubjectError(f"{ended.stopped}: it was ended")
    if ended.status is None:
        raise HungError(f"not done after {timeout:g} s: it hangs, or needs a longer --timeout")
    if ended.status < 0:
        raise SubjectError(f"died by {signal_name(-ended.status)}")
    if ended.status:
        raise SubjectError(f"exited with status {ended.status}")


def _status(ended: Ended) -> str:
    """How it ended, where its output is to blame instead."""
    return "" if ended.status != 0 else " (it exited with status 0)"


def _written(recorded: Recorded, out: Path) -> Written:
    """What it wrote.

    Raises:
        SubjectError: that is not the steps of the case.
    """
    case = recorded.case
    steps, free = families("its output", case, read_output(out, case))
    followable("its output", case, free)
    if not steps and not free:
        raise SubjectError("it wrote no quantity of a step, such as `0/z2`")
    return Written(recorded, steps, free)
