"""A command as a subject: a program in any language that reads a case and writes what it computed.

It is run once a case, without a shell, and writes safetensors or JSON, with the names of
`ports/README.md`. Whatever it does is a `SubjectError`, and its folder of temporary files is
removed. Runs may stand side by side: the work is in the child processes, so threads do, and the
judge takes their outcomes in the order of the cases. Where something is wrong in a recorded case,
it asks for a second run. A command that hung is not run on small networks, each as long a wait.
Left out: the process (`running/process.py`), and reading what it wrote (`command_output.py`).
"""

import os
import shlex
import shutil
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TypeVar

from conformance.cases.small import recorded as small
from conformance.corpus import casefile, store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, tensors
from conformance.errors import SubjectError, UsageError
from conformance.running.isolate import signal_name
from conformance.running.process import Ended, run
from conformance.subjects import COMMAND, Subject
from conformance.subjects.command.command_output import read_output, too_large
from conformance.subjects.observation import Family
from conformance.subjects.trace.trace_subject import (
    FreeTraceSession,
    TraceSession,
    families,
    followable,
)
from reference.step import Array, Parameters

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


KEPT = 8  # outcomes: a case is asked for step by step, a small network again at once
AHEAD = 2  # runs for each worker that may wait for the judge

Outcome = Written | SubjectError
Key = tuple[Case, bool]
"""A case, and whether it is run a second time."""


class Runs:
    """What a command wrote of each case that is asked for."""

    def __init__(self, program: Program, workers: int = 1) -> None:
        """Run nothing yet."""
        self.program, self.workers = program, workers
        self._kept: OrderedDict[Key, Outcome] = OrderedDict()
        self._coming: dict[Case, Future[Outcome]] = {}
        self.begin: Callable[[], None] = lambda: None  # more of the cases that come
        self._hung = ""  # in which case

    def of(self, case: Case, *, second: bool = False) -> Written:
        """What it wrote of a case, in the first run or in a second one.

        Raises:
            SubjectError: it fails, hangs, declines, or writes what is not the steps of the case.
        """
        outcome = self._outcome(case, second=second)
        if isinstance(outcome, SubjectError):
            raise SubjectError(str(outcome))
        return outcome

    def is_recorded(self, case: Case) -> bool:
        """Whether a case is one of the corpus, and no small network."""
        return case in self._recorded

    @cached_property
    def _recorded(self) -> frozenset[Case]:
        return frozenset(store.cases(store.root()))

    def declines(self, case: Case) -> str:
        """Why it declines a case, or nothing."""
        outcome = self._outcome(case)
        return outcome.reason if isinstance(outcome, DeclinedError) else ""

    def _outcome(self, case: Case, *, second: bool = False) -> Outcome:
        key = case, second
        if key not in self._kept:
            self.begin()
            coming = None if second else self._coming.pop(case, None)
            self._kept[key] = self._run(case) if coming is None else coming.result()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    @contextmanager
    def ahead(self, cases: Sequence[Case]) -> Iterator[None]:
        """Run it on these cases, which are asked for in this order, as long as this lasts."""
        if self.workers == 1:
            yield
            return
        waiting, stop = deque(cases), Event()
        pool = ThreadPoolExecutor(self.workers)

        def more() -> None:
            while waiting and len(self._coming) < AHEAD * self.workers:
                case = waiting.popleft()
                self._coming[case] = pool.submit(self._run, case, stop.is_set)

        self.begin = more
        try:
            yield
        finally:
            self.begin = lambda: None
            stop.set()
            pool.shutdown(cancel_futures=True)
            self._coming.clear()

    def _run(self, case: Case, stop: Callable[[], bool] = bool) -> Outcome:
        try:
            if self.is_recorded(case):
                return self.program.run(store.read(store.root(), case), stop)
            if self._hung:
                name = self.program.command
                raise SubjectError(f"{name} hung in {self._hung}: not run on small networks")  # noqa: TRY301
            return self.program.run(small(case), stop)
        except HungError as error:
            self._hung = case.id
            return error
        except SubjectError as error:
            return error


FORMATS = ("safetensors", "json")
TIMEOUT = 60.0  # seconds


@dataclass(frozen=True)
class CommandSubject(Subject):
    """A subject whose steps are those that a program wrote."""

    runs: Runs = field(kw_only=True)

    def ahead(self, cases: Sequence[Case]) -> AbstractContextManager[None]:
        """Run the program on the cases that come, as many side by side as were asked for."""
        return self.runs.ahead(cases)

    def declines(self, case: Case) -> str:
        """Why the program declines a case, or nothing; it is run if it was not yet."""
        return self.runs.declines(case)

    def runs_freely(self, case: Case) -> bool:
        """Whether it wrote a free run."""
        return bool(self.runs.of(case).free)


def command_subject(
    command: str,
    format: str = "safetensors",  # noqa: A002 - as --format
    timeout: float = TIMEOUT,
    workers: int = 1,
) -> CommandSubject:
    """The subject of a command.

    Args:
        command: words as for a shell, in which {case} and {out} stand for the two paths; if
            neither occurs, both are appended. It may begin with `cmd:`.
        format: in which it is given the case.
        timeout: seconds for each case.
        workers: cases that are run side by side.

    Raises:
        UsageError: the command is not complete, or there is no such program or format.
    """
    command = command.removeprefix(COMMAND).strip()
    if format not in FORMATS:
        raise UsageError(f"--format {format}: give {' or '.join(FORMATS)}")
    words = _words(command)

    runs = Runs(Program(command, tuple(words), format, timeout), workers)

    def again(case: Case, mode: str) -> Callable[[], Family] | None:
        """What gives what a second run wrote of a case, of which some are not run again."""
        recorded = runs.is_recorded(case)
        return (lambda: getattr(runs.of(case, second=True), mode)) if recorded else None

    def start(case: Case, parameters: Parameters) -> TraceSession:
        written = runs.of(case)
        return TraceSession(written.recorded, written.steps, case, parameters, again(case, "steps"))

    def start_free(case: Case, parameters: Parameters) -> FreeTraceSession:
        return FreeTraceSession(runs.of(case).free, case, parameters, again(case, "free"))

    name = COMMAND + command.removesuffix(" ".join(PLACES)).rstrip()
    return CommandSubject(name, start, start_free, family=(), runs=runs)


def _absent(program: str) -> str:
    """What is wrong with a program that cannot be found."""
    if not Path(program).is_file():
        return f"there is no program {program}"
    if os.access(program, os.X_OK):  # in the current folder, which a shell does not search either
        return f"there is no program {program} on the PATH: give ./{program}"
    return f"{program} is no program: make it executable, or give what runs it too"


def _words(command: str) -> list[str]:
    """The words of a command, the two places among them."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--command {command}: {error}") from error
    if not words:
        raise UsageError("--command: it is empty; give a program, such as './my_port {case} {out}'")
    missing = [place for place in PLACES if not any(place in word for word in words)]
    if len(missing) == 1:
        raise UsageError(f"--command {command}: {missing[0]} is missing in it")
    if shutil.which(words[0]) is None:
        raise UsageError(f"--command {command}: {_absent(words[0])}")
    return words + missing
