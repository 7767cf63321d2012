"""Real processes that take steps together, over gloo on one machine, kept alive over cases.

Each is a new interpreter in a process group of its own. They meet by a file in a temporary folder.
Every wait has a limit; whatever goes wrong in one of them, or here, all are killed with what they
have started, and the folder is removed. The next case finds new ones. Left out: what they run
(`rank_program.py`), and a sandbox.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import TracebackType
from typing import Any, Self

from safetensors.numpy import load

from conformance.errors import SubjectError, UsageError
from conformance.processes import rank_program
from conformance.processes.division import Divided
from conformance.processes.rank_lines import Lines, right_of
from conformance.processes.rank_program import FAILED, Job, Program, Settings, Traced, unflat
from conformance.processes.ranks import Failure, ProcessStep, can_go_on, hangs, others, printed
from conformance.running.group import Group, end_marked, new_mark
from conformance.running.isolate import signal_name
from conformance.tracing.frames import Frame

GRACE = 5.0  # seconds for processes whose collective has run out of time to say so
START = 180.0  # seconds until all have imported what they need, and met
AFTERMATH = 1.0  # seconds after a failure in which others may fail too, and one be the reason


class Workers:
    """Some processes; used as a context manager, which ends them."""

    def __init__(self, name: str, world: int, program: Program, timeout: float) -> None:
        """Start none yet.

        Args:
            name: for messages.
            world: how many.
            program: that each runs.
            timeout: seconds for each collective.
        """
        self.name, self.world, self.program, self.timeout = name, world, program, timeout
        self._running: _Running | None = None
        self._unopened: SubjectError | None = None

    def __enter__(self) -> Self:
        """Start none yet."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End them."""
        self.end()

    def step(self, divided: Divided, t: int) -> Sequence[ProcessStep]:
        """Take one step of a case from its start; what each process shows.

        Raises:
            SubjectError: one of them raised, died or hung, or showed what is no quantity.
            UsageError: the program is not there.
        """
        case, found = divided.of_step(t), self.ask(divided, t)
        with self._failing(f"{self.name} in {case.id}"):
            for rank, shown in enumerate(found):
                _check_names(rank, shown, case.rows)
        return found

    def ask(self, divided: Divided, t: int) -> Sequence[ProcessStep]:
        """What each process shows of a step, whatever names it has; as `step`."""
        case, jobs = divided.of_step(t), self._jobs(divided, t)
        with self._failing(f"{self.name} in {case.id}"):
            answers = self._group().ask(jobs, self.timeout + GRACE)
            return [
                unflat(load(answer), len(job.micro_batches))
                for job, answer in zip(jobs, answers, strict=True)
            ]

    def lines(self, divided: Divided, t: int) -> Lines:
        """The lines of rank 0 at which gradients of all processes become wrong in a step.

        Raises:
            SubjectError: one of them raised, died or hung; all are ended.
        """
        first, *others = self._jobs(divided, t)
        with self._failing(f"{self.name} in {divided.case.id}, traced"):
            told = [Traced(first, right_of(divided, t)), *others]
            answer, *_ = self._group().ask(told, self.timeout + GRACE)
        named = json.loads(answer)
        return {name: tuple(Frame(*each) for each in frames) for name, frames in named.items()}

    def _jobs(self, divided: Divided, t: int) -> list[Job]:
        case, m = divided.of_step(t), divided.batches[t].m
        own: list[list[Any]] = [[] for _ in range(self.world)]
        for rank, _, part in divided.parts(t):
            own[rank].append((part.x, part.y))
        return [
            Job(case, rank, divided.starts[rank], tuple(own[rank]), m) for rank in range(self.world)
        ]

    def end(self) -> None:
        """End all processes, and leave nothing of them."""
        if self._running is not None:
            running, self._running = self._running, None
            running.end()

    def _group(self) -> "_Running":
        if self._unopened is not None:  # no case opens the program another way
            raise self._unopened
        if self._running is None:
            self._running = _Running(self.world)
            place = str(Path(self._running.folder.name) / "meeting")
            told = [
                Settings(rank, self.world, place, self.timeout, self.program)
                for rank in range(self.world)
            ]
            try:
                self._running.ask(told, START)
            except SubjectError as error:
                self._unopened = error
                self.end()
                raise
        return self._running

    @contextmanager
    def _failing(self, where: str) -> Iterator[None]:
        """End all if something fails after which some may wait, and say where it was."""
        try:
            yield
        except SubjectError as error:
            if self._running is None or not self._running.ready:
                self.end()
            raise SubjectError(f"{where}: {error}", error.line) from error
        except BaseException:
            self.end()
            raise


@dataclass(frozen=True)
class _Member:
    """One process, and the socket to it."""

    process: "subprocess.Popen[bytes]"
    connection: Connection
    log: Path


class _Running:
    """The processes that are there.

    Attributes:
        ready: whether all can take another step, and none waits for another.
    """

    def __init__(self, world: int) -> None:
        _check_platform()
        self.ready = False
        self.mark, self.members = new_mark(), list[_Member]()
        self.folder = TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True)
        try:
            for rank in range(world):
                self.members.append(self._start(rank))
        except BaseException:
            self.end()
            raise

    def _start(self, rank: int) -> _Member:
        ours, theirs = socket.socketpair()
        log = Path(self.folder.name) / f"log{rank}"
        code = f"from {rank_program.__name__} import main; main({theirs.fileno()}, {os.getpid()})"
        path = os.pathsep.join(each or os.getcwd() for each in sys.path)  # noqa: PTH109 - a text
        with theirs, log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path, self.mark: "1"},
            )
        return _Member(process, Connection(ours.detach()), log)

    def ask(self, told: Sequence[object], seconds: float) -> list[bytes]:
        """Tell each process something, and wait for what all answer.

        Raises:
            SubjectError: one failed, died, or did not answer in time.
            UsageError: what it runs is not there.
        """
        for member, each in zip(self.members, told, strict=True):
            with suppress(OSError):  # it has died, which is told below
                member.connection.send(each)
        self.ready = False
        answers: dict[int, bytes] = {}
        failures: list[Failure] = []
        waiting = {member.connection: rank for rank, member in enumerate(self.members)}
        deadline = monotonic() + seconds
        while waiting and (ready := wait([*waiting], max(0.0, deadline - monotonic()))):
            for each in ready:
                rank = waiting.pop(each)  # type: ignore[call-overload]
                try:
                    answers[rank] = self._heard(rank)
                except Failure as failure:
                    failures.append(failure)
                    deadline = min(deadline, monotonic() + AFTERMATH)
        self.ready = can_go_on(failures, len(answers), len(self.members))
        if failures:
            raise min(failures, key=lambda each: each.order).error([*answers])
        if waiting:
            raise SubjectError(hangs([*waiting.values()], seconds) + others([*answers]))
        return [answers[rank] for rank in range(len(self.members))]

    def _heard(self, rank: int) -> bytes:
        """What a process answers.

        Raises:
            Failure: it failed, or has died.
        """
        member = self.members[rank]
        try:
            answer = member.connection.recv_bytes()
        except (EOFError, OSError) as error:
            status = member.process.wait()
            how = f"died by {signal_name(-status)}" if status < 0 else f"exited with {status}"
            raise Failure("", f"rank {rank} {how}{printed(member.log)}") from error
        if answer[:1] == FAILED:
            kind, words, line = json.loads(answer[1:])
            of = "" if kind == UsageError.__name__ else f"rank {rank}: "
            raise Failure(kind, f"{of}{words}", None if line is None else tuple(line))
        return answer[1:]

    def end(self) -> None:
        """Kill all, and whatever they have started; remove the folder."""
        for member in self.members:
            Group(member.process.pid).end()
            member.process.kill()
            member.process.wait()
            member.connection.close()
        end_marked(self.mark)
        self.folder.cleanup()


def _check_platform() -> None:
    """Refuse a platform on which a child inherits no socket by its number.

    Raises:
        UsageError: it is one.
    """
    if sys.platform == "win32":
        raise UsageError("several processes need Linux or macOS, where a child inherits a socket")


def _check_names(rank: int, shown: ProcessStep, known: Any) -> None:
    """Refuse what is no quantity.

    Raises:
        SubjectError: there is a name that none has.
    """
    names = [*shown.after, *(name for part in shown.parts for name in part)]
    unknown = sorted(name for name in names if name not in known)
    if unknown:
        raise SubjectError(f"rank {rank} showed {unknown[0]!r}, which is no quantity")
