"""A command as a subject: a program in any language that reads a case and writes what it computed.

It is run once a case, without a shell, and writes safetensors or JSON, with the names of
`ports/README.md`. Left out: a run on a case (`command_run.py`), which cases it is run on and when
(`command_run.py`), and what is said of it (`judging`).
"""

import os
import shlex
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from conformance.corpus.case import Case
from conformance.errors import UsageError
from conformance.subjects import COMMAND, Subject
from conformance.subjects.command.command_run import PLACES, Program, Runs
from conformance.subjects.observation import Family
from conformance.subjects.trace.trace_subject import FreeTraceSession, TraceSession
from reference.step import Parameters

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

    def start(case: Case, parameters: Parameters) -> TraceSession:
        written = runs.of(case)
        again = partial(_second, runs, case, "steps") if runs.is_recorded(case) else None
        return TraceSession(written.recorded, written.steps, case, parameters, again)

    def start_free(case: Case, parameters: Parameters) -> FreeTraceSession:
        again = partial(_second, runs, case, "free") if runs.is_recorded(case) else None
        return FreeTraceSession(runs.of(case).free, case, parameters, again)

    name = COMMAND + command.removesuffix(" ".join(PLACES)).rstrip()
    return CommandSubject(name, start, start_free, family=(), runs=runs)


def _second(runs: Runs, case: Case, mode: Literal["steps", "free"]) -> Family:
    """What a second run wrote of a case.

    Raises:
        SubjectError: it fails, hangs, declines, or writes what is not the steps of the case.
    """
    written = runs.of(case, second=True)
    return written.steps if mode == "steps" else written.free


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
