"""One submission, from its files to its row, in a process that guards it.

It may run on another machine than the command (`grading.py`). Left out: what is read of a
submission (`collect.py`).
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile, mkdtemp
from threading import Lock
from typing import IO, Any

from conformance.grade import guard
from conformance.grade.collect import Contents
from conformance.grade.grade_row import Judgement, Outcome, Row, row_of
from conformance.grade.limits import FILES, MEGABYTE, Limits, environment, in_sandbox
from conformance.running.group import end_marked, new_mark
from conformance.running.isolate import signal_name
from conformance.values import from_values, to_values

LINES = 3  # of what it printed last
SAID = {
    "time": (Outcome.TIME, "no end after {limits.longest:g} s"),
    "memory": (Outcome.LIMIT, "more than {memory} MB of memory"),
    "processes": (Outcome.LIMIT, "more than {limits.processes} processes"),
    "disk": (Outcome.LIMIT, "more than {disk} MB or {files:,} files written"),
    "output": (Outcome.LIMIT, "a report of more than {output} MB"),
}
"""What is said of each limit that a submission went beyond."""


@dataclass(frozen=True)
class Asked:
    """How a submission is judged.

    Attributes:
        limits: that it is held to.
        only: a pattern; files of other names are not judged.
        cost: to judge with, in the place of a program's own.
        family: the activations that the network of the book is meant to have.
    """

    limits: Limits
    only: str | None = None
    cost: str | None = None
    family: tuple[str, str] | None = None

    def key(self) -> dict[str, Any]:
        """What a row depends on beside the files of its submission."""
        meant = {} if self.family is None else {"family": self.family}
        return {"limits": to_values(self.limits), "only": self.only, "cost": self.cost, **meant}

    def options(self) -> str:
        """For the process that judges."""
        said = {"seconds": self.limits.seconds, "only": self.only}
        return json.dumps({**said, "cost": self.cost, "family": self.family})


class _Running:
    """The guards that run in this process."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.guards: set[subprocess.Popen[bytes]] = set()
        self.stopping = False

    def add(self, process: "subprocess.Popen[bytes]") -> None:
        """One more, which ends at once if all are to end."""
        with self.lock:
            self.guards.add(process)
            if self.stopping:
                _close(process.stdin)

    def discard(self, process: "subprocess.Popen[bytes]") -> None:
        """One less."""
        with self.lock:
            self.guards.discard(process)
            _close(process.stdin)
        _close(process.stdout)

    def stop(self, *, stopping: bool) -> None:
        """End all, and those that begin from now on; or let them begin again."""
        with self.lock:
            self.stopping = stopping
            for each in self.guards if stopping else ():
                _close(each.stdin)


_RUNNING = _Running()


def grade_one(name: str, found: Contents, digest: str, asked: Asked) -> Row:
    """Judge the files of a submission.

    Args:
        name: of the submission.
        found: its files.
        digest: that its row is to have.
        asked: how.
    """
    ended = _guarded(found, asked)
    files = [*_judgements(ended.get("output", ""))]
    if not files or ended["ended"] or ended["status"]:
        files += [*_ended(ended, asked.limits)]
    return row_of(name, files, float(ended["seconds"]), digest)


def stop_all() -> None:
    """End every submission that is being judged in this process, and what it has started."""
    _RUNNING.stop(stopping=True)


def begin() -> None:
    """Let submissions be judged in this process, after all were ended."""
    _RUNNING.stop(stopping=False)


def _guarded(found: Contents, asked: Asked) -> dict[str, Any]:
    """How the process that judges ended."""
    limits = asked.limits
    worker = [sys.executable, "-P", "-m", "conformance.grade.grade_worker", asked.options()]
    mark = new_mark()
    with _folder(limits) as folder, TemporaryFile() as archive:
        with zipfile.ZipFile(archive, "w") as packed:
            for name, raw in found.items():
                packed.writestr(name, raw)
        archive.seek(0)
        config = {
            "command": in_sandbox(worker, limits),
            "environment": {**environment(), mark: "1"},
            "folder": folder,
            "input": archive.fileno(),
            "seconds": limits.longest,
            "memory": limits.memory,
            "processes": limits.processes,
            "disk": limits.disk,
            "files": FILES,
        }
        said = _communicate(config, archive.fileno())
    try:
        return dict(json.loads(said))
    except ValueError:  # who guards it was killed
        end_marked(mark)
        return {"ended": "", "status": -9, "output": "", "errors": "", "seconds": 0.0}


def _communicate(config: dict[str, Any], number: int) -> bytes:
    """What the guard says, which ends when its stdin is closed or its command has ended."""
    process = subprocess.Popen(  # noqa: S603 - Python, with a program of ours
        [sys.executable, "-I", "-S", guard.__file__, json.dumps(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(number,),
        start_new_session=True,
    )
    _RUNNING.add(process)
    try:
        return process.stdout.read() if process.stdout is not None else b""
    finally:
        _RUNNING.discard(process)
        process.wait()


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()


@contextmanager
def _folder(limits: Limits) -> Iterator[str]:
    """A temporary folder for a submission, which the guard removes; a sandbox has its own."""
    if limits.sandbox != "none":
        yield ""
        return
    folder = mkdtemp(prefix="conformance-grade-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judgements(output: str) -> Iterator[Judgement]:
    """Those that were written whole; its own code may have written there too."""
    for line in output.splitlines():
        try:
            yield from_values(Judgement, json.loads(line))
        except (TypeError, ValueError, RecursionError):
            continue


def _ended(ended: dict[str, Any], limits: Limits) -> Iterator[Judgement]:
    """What is said of a process that did not end as it should."""
    last = [line for line in ended["errors"].splitlines() if line.strip()][-LINES:]
    if ended["ended"] in SAID:
        outcome, words = SAID[ended["ended"]]
        said = words.format(
            limits=limits,
            memory=limits.memory // MEGABYTE,
            disk=limits.disk // MEGABYTE,
            files=FILES,
            output=guard.OUTPUT // MEGABYTE,
        )
        yield Judgement("", outcome, cause=said, report=tuple(last))
        return
    status = int(ended["status"] or 0)
    number = -status if status < 0 else status - 128  # as a sandbox says it
    what = f"died by {signal_name(number)}" if number > 0 else f"exited with status {status}"
    yield Judgement("", Outcome.CRASH, cause=f"the process {what}", report=tuple(last))
