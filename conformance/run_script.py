"""A script in a process of its own, and the report on it.

Left out: what that process does (`script/script_child.py`).
"""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from conformance.errors import StoppedError, SubjectError
from conformance.report.script_report import ScriptReport
from conformance.running.isolate import isolated
from conformance.script_outcome import ENDED, Ran
from conformance.usage import check_timeout, check_updates
from conformance.values import from_values

if TYPE_CHECKING:
    from conformance.running.isolate import Send

JUDGING, BRIEFLY = 120.0, 20.0  # seconds that the judgement may take, and that of a trial


def run_script(
    script: str,
    arguments: Sequence[str] = (),
    *,
    updates: int = 3,
    timeout: float = 60.0,
    seed: int = 0,
    trial: bool = False,
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

    Raises:
        UsageError: there is no such script, or fewer updates are asked for.
        SubjectError: it failed, or there was nothing to judge.
    """
    from conformance.script.script_source import parts_of

    parts_of(script)
    sys.stdout.flush()
    asked = check_updates(updates), check_timeout(timeout)
    work = partial(_work, script, tuple(arguments), (*asked, seed), trial)
    judging = BRIEFLY if trial else JUDGING
    longest, ended = timeout + judging, inf
    ran: Ran | None = None
    try:
        for record in isolated(work, longest, shown=not trial):
            if record == ENDED:
                ended = monotonic()
                continue
            ran = from_values(Ran, record)
    except StoppedError as error:
        if ran is not None:  # a trial of a change ended it
            return ScriptReport(script, ran.examined, ran)
        if monotonic() - ended < judging:
            raise
        words = f"{script}: it was run, and was not judged in {longest:g} s; give fewer `--updates`"
        raise StoppedError(words) from error
    except SubjectError as error:
        words = str(error)
        named = words if words.startswith(f"{script}:") else f"{script}: {words}"
        raise type(error)(named) from error
    if ran is None:
        raise StoppedError(f"{script}: its process ended and said nothing")
    return ScriptReport(script, ran.examined, ran)


def _work(
    script: str,
    arguments: tuple[str, ...],
    asked: tuple[int, float, int],
    trial: bool,
    send: "Send",
) -> None:
    from threadpoolctl import threadpool_limits

    from conformance.running.dry_run import writing_nothing
    from conformance.script.script_child import Session

    with threadpool_limits(1), writing_nothing() if trial else nullcontext():
        Session(script, arguments, *asked, send).run()
