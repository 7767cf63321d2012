"""A script in a process of its own, and the report on it.

Left out: what that process does (`script/script_child.py`).
"""

import ast
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from conformance.errors import (
    InfiniteError,
    NothingTrainedError,
    StoppedError,
    SubjectError,
    UnjudgedError,
)
from conformance.report.script_report import ScriptReport
from conformance.running.isolate import isolated
from conformance.script_outcome import ENDED, Ran, Training
from conformance.usage import check_timeout, check_updates
from conformance.values import from_values

if TYPE_CHECKING:
    from conformance.running.isolate import Send

JUDGING, BRIEFLY = 120.0, 20.0  # seconds that the judgement may take, and that of a trial
LATER = 10.0  # seconds after which no later training is begun, and that the judgement of one takes


def run_script(
    script: str,
    arguments: Sequence[str] = (),
    *,
    updates: int = 3,
    timeout: float = 60.0,
    seed: int = 0,
    trial: bool = False,
    changed: ast.Module | None = None,
) -> ScriptReport:
    """Run a script until it has updated its parameters some times, and judge the updates.

    The script is executed, in a process of its own.

    Args:
        script: its path.
        arguments: that it is given.
        updates: after which it is stopped, 2 or more.
        timeout: seconds after which it is stopped.
        seed: of its random numbers, where it gives none.
        trial: whether it may write nothing, what it prints is not shown, and it is judged briefly.
        changed: what is run in the place of its source, of which no line is blamed.

    Raises:
        UsageError: there is no such script, or fewer updates are asked for.
        SubjectError: it failed, or there was nothing to judge.
    """
    from conformance.script.script_source import parts_of

    parts_of(script)
    sys.stdout.flush()
    limits = check_updates(updates), check_timeout(timeout)
    asked = _Asked(script, tuple(arguments), *limits, seed, trial=trial, changed=changed)
    try:
        ran = asked.ran()
        ran = ran if ran.training is None or not ran.examined.ok else asked.with_later(ran)
    except SubjectError as error:
        words = str(error)
        named = words if words.startswith(f"{script}:") else f"{script}: {words}"
        raise type(error)(named) from error
    return ScriptReport(script, ran.examined, ran)


@dataclass(frozen=True)
class _Asked:
    """A run of a script that is asked for; see `run_script`.

    Attributes:
        before: the trainings that are cut in it, and not judged.
    """

    script: str
    arguments: tuple[str, ...]
    updates: int
    timeout: float
    seed: int
    before: tuple[Training, ...] = ()
    trial: bool = field(default=False, kw_only=True)
    changed: ast.Module | None = field(default=None, kw_only=True)

    def ran(self) -> Ran:
        """What is known of its first training.

        Raises:
            SubjectError: it failed, or there was nothing to judge.
        """
        judging = LATER if self.before else BRIEFLY if self.trial else JUDGING
        longest, ended = self.timeout + judging, inf
        ran: Ran | None = None
        try:
            work, shown = partial(_work, self), not self.trial
            for record in isolated(work, longest, shown=shown, later=judging):
                if record == ENDED:
                    ended = monotonic()
                    continue
                ran = from_values(Ran, record)
        except StoppedError as error:
            if ran is not None:  # a trial of a change ended it
                return ran
            if monotonic() - ended < judging:
                raise
            why = f"it was run, and was not judged in {judging:g} s; give fewer `--updates`"
            raise StoppedError(f"{self.script}: {why}") from error
        if ran is None:
            raise StoppedError(f"{self.script}: its process ended and said nothing")
        return ran

    def with_later(self, ran: Ran) -> Ran:
        """What is known of a script the first training of which is right, with those after it.

        The first that is wrong is told in its place.
        """
        known, until = ran, monotonic() + LATER
        trial = replace(self, trial=True)
        while ran.training is not None and (left := until - monotonic()) > 0:
            trial = replace(trial, before=(*trial.before, ran.training), timeout=left)
            which = f"{len(trial.before) + 1}"
            try:
                ran = trial.ran()
            except NothingTrainedError:
                break
            except (UnjudgedError, InfiniteError):
                return replace(known, notes=(*known.notes, ("unjudged", which)))
            except SubjectError:  # cut short, it may fail
                break
            if "time" in dict(ran.notes):  # or be cut within an update
                break
            new = ran.training is None or not ran.training.is_within(trial.before)
            if ran.updates and (not ran.examined.ok or (ran.unjudged and new)):
                return replace(ran, notes=(*ran.notes, ("training", which)))
            if ran.updates:
                said = tuple(each for each in known.notes if each[0] != "later")
                known = replace(known, later=(*known.later, ran.rule), notes=said)
        return known


def _work(asked: _Asked, send: "Send") -> None:
    from threadpoolctl import threadpool_limits

    from conformance.running.dry_run import writing_nothing
    from conformance.script.script_child import Session

    with threadpool_limits(1), writing_nothing() if asked.trial else nullcontext():
        given = asked.arguments, asked.updates, asked.timeout, asked.seed
        Session(asked.script, *given, send, asked.changed, asked.before).run()
