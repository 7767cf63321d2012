"""A command as a subject: a program in any language that reads a case and writes what it computed.

It is run once a case, without a shell, and writes safetensors or JSON, with the names of
`ports/README.md`. Left out: running it (`conformance.process`), reading what it wrote
(`command_output.py`), and what is said of it (`judge.py`).
"""

import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.store import Recorded
from conformance.errors import SubjectError, UsageError
from conformance.isolate import signal_name
from conformance.process import Ended, run
from conformance.smallest.numbers import recorded as small
from conformance.subjects import COMMAND, Subject
from conformance.subjects.command_output import read_output
from conformance.subjects.trace import (
    Family,
    FreeTraceSession,
    TraceSession,
    families,
    followable,
)
from reference.step import Parameters

FORMATS = ("safetensors", "json")
PLACES = ("{case}", "{out}")
TIMEOUT = 60.0  # seconds
KEPT = 8  # cases whose numbers are kept: the smallest network is asked for again at once


@dataclass(frozen=True)
class CommandSubject(Subject):
    """A subject whose steps are those that a program wrote."""

    free: Callable[[Case], bool] = lambda _: False

    def runs_freely(self, case: Case) -> bool:
        """Whether it wrote a free run."""
        return self.free(case)


def command_subject(
    command: str,
    format: str = "safetensors",  # noqa: A002 - as --format
    timeout: float = TIMEOUT,
) -> CommandSubject:
    """The subject of a command.

    Args:
        command: words as for a shell, in which {case} and {out} stand for the two paths; if
            neither occurs, both are appended. It may begin with `cmd:`.
        format: in which it is given the case.
        timeout: seconds for each case.

    Raises:
        UsageError: the command is not complete, or there is no such program or format.
    """
    command = command.removeprefix(COMMAND).strip()
    if format not in FORMATS:
        raise UsageError(f"--format {format}: give {' or '.join(FORMATS)}")
    words = _words(command)

    @lru_cache(maxsize=KEPT)
    def ran(case: Case) -> tuple[Recorded, tuple[Family, Family]]:
        recorded = _recorded(case)
        return recorded, _written(command, words, recorded, format, timeout)

    def start(case: Case, parameters: Parameters) -> TraceSession:
        recorded, (restarted, _) = ran(case)
        return TraceSession(recorded, restarted, case, parameters)

    def start_free(case: Case, parameters: Parameters) -> FreeTraceSession:
        return FreeTraceSession(ran(case)[1][1], case, parameters)

    name = COMMAND + command.removesuffix(" ".join(PLACES)).rstrip()
    return CommandSubject(name, start, start_free, free=lambda case: bool(ran(case)[1][1]))


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
        raise UsageError(f"--command {command}: there is no program {words[0]}")
    return words + missing


def _recorded(case: Case) -> Recorded:
    """The numbers of a case: of the corpus if it is one of it, else of the ladder."""
    place = store.root()
    return store.read(place, case) if case in store.cases(place) else small(case)


def _written(
    command: str, words: list[str], recorded: Recorded, format_: str, timeout: float
) -> tuple[Family, Family]:
    """What the command writes of a case: the restarted steps, and the free run.

    Raises:
        SubjectError: it fails, hangs, or writes what is not the steps of the case.
    """
    case = recorded.case
    with TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True) as folder:
        given, out = Path(folder) / f"{case.id}.{format_}", Path(folder) / "out"
        given.write_bytes(_given(recorded, format_))
        paths = dict(zip(PLACES, (str(given), str(out)), strict=True))
        ended = run([_filled(word, paths) for word in words], timeout)
        problem = _problem(ended, timeout)
        try:
            if problem:
                raise SubjectError(problem)  # noqa: TRY301
            steps, free = families("its output", case, read_output(out, case))
            followable("its output", case, free)
            if not steps and not free:
                raise SubjectError("it wrote no quantity of a step, such as `0/z2`")  # noqa: TRY301
        except SubjectError as error:
            raise SubjectError(f"{command} in {case.id}: {error}{ended.said()}") from error
    return steps, free


def _given(recorded: Recorded, format_: str) -> bytes:
    """The case as the bytes of a file; a copy, which the command may spoil."""
    tensors = dict(recorded.steps[0].parameters.named())
    for t, step in enumerate(recorded.steps):
        tensors |= {f"{t}/x": step.batch.x, f"{t}/y": step.batch.y}
        tensors |= {f"{t}/{name}": array for name, array in step.expected.items()}
        tensors |= {f"bound/{t}/{name}": array for name, array in step.bound.items()}
    make = store.serialized if format_ == "safetensors" else store.readable
    return make(recorded.case, tensors)


def _filled(word: str, paths: Mapping[str, str]) -> str:
    for place, path in paths.items():
        word = word.replace(place, path)
    return word


def _problem(ended: Ended, timeout: float) -> str:
    if ended.status is None:
        return f"not done after {timeout:g} s: it hangs, or needs a longer --timeout"
    if ended.status < 0:
        return f"died by {signal_name(-ended.status)}"
    return f"exited with status {ended.status}" if ended.status else ""
