"""Who is wrong where a subject fails: itself, our equation, the recorded file, or rounding.

What failed in floats is decided on balls, in the same case, step and state. If a quantity follows
from its equation there, its digits were lost and its formula is right; if it does not, it is wrong
whatever the rounding. Where balls cannot tell, floats have decided.

Left out: the failures themselves (`judge.py`), and how balls decide (`verdict/on_balls.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.subjects.observation import SHOWN, Observation
from conformance.verdict.compare import (
    EQUATION,
    FORWARD,
    RECORD,
    RESTARTED,
    RETURNED,
    UNDECIDED,
    Status,
    Verdict,
    judge,
    recorded_truth,
)
from conformance.verdict.deviation import Target, compare, plain
from conformance.verdict.oracle import expectation

OWN = "reference"  # the subject that computes by the equations of the judge


def failed_in(verdicts: Sequence[Verdict], mode: str) -> frozenset[str]:
    """The names of the quantities of which the subject is accused in a mode."""
    failed = (v for v in verdicts if v.status is Status.FAIL and v.mode == mode)
    return frozenset(verdict.name for verdict in failed if verdict.name and not verdict.doubted)


def with_doubts(
    verdicts: list[Verdict], recorded: Recorded, t: int, seen: Observation, *, own: bool
) -> list[Verdict]:
    """The verdicts, each failure marked at which the record itself would fail, and who is wrong.

    If the subject is our `own` reference, it is no witness for it.
    """
    if not any(verdict.status is Status.FAIL for verdict in verdicts):
        return verdicts
    truth = recorded_truth(recorded, t)

    def marked(verdict: Verdict) -> Verdict:
        failed = verdict.status is Status.FAIL and verdict.name
        if not failed or not _doubtful(recorded, t, verdict.name):
            return verdict
        who = UNDECIDED
        if verdict.mode == RESTARTED and verdict.name in seen.shown:
            shown, type_ = seen.shown[verdict.name], recorded.case.type
            if not compare(shown, truth[verdict.name], type_).problem:
                who = EQUATION  # the subject and the record agree against it
            elif verdict.from_truth and not own:
                who = RECORD  # the subject and the equation agree against it
        return replace(verdict, doubted=True, who=who)

    return [marked(verdict) for verdict in verdicts]


@lru_cache(maxsize=4096)  # the proof of the mistakes asks for it with every one of them
def _doubtful(recorded: Recorded, t: int, name: str) -> bool:
    """Whether the record itself would fail at a quantity.

    The first question spares the second, a judgement of the whole step, and changes no answer.
    """
    step = recorded.steps[t]
    start, truth = (step.parameters, step.batch), recorded_truth(recorded, t)
    local = Target.of(expectation(name, recorded.case, start, step.expected))
    if not compare(step.expected[name], local, recorded.case.type).problem:
        return False
    judged = judge(recorded.case, (t, RESTARTED), start, truth, step.expected)
    return name in failed_in(judged, RESTARTED)  # and does not follow from another


MOST = 3_000_000
"""Products of a weight and an activation in a step that balls are asked of: about two seconds."""


def decided(verdicts: Sequence[Verdict], seen: Observation, case: Case, m: int) -> list[Verdict]:
    """The verdicts on a step of m samples, each failure in floats decided on balls."""
    products = m * sum(n * below for below, n in pairwise(case.sizes))
    found = [_decided(each, seen, products) for each in verdicts]
    wrong = {each.mode: each.name for each in reversed(found) if _is_wrong(each)}
    return [_explained(each, wrong.get(each.mode, "")) for each in found]


def _is_wrong(verdict: Verdict) -> bool:
    exactly = verdict.on_balls is not None and not verdict.on_balls.right
    return verdict.status is Status.FAIL and exactly


def _explained(verdict: Verdict, wrong: str) -> Verdict:
    """What loses its digits for what is wrong in the same step, such as an infinite number."""
    if verdict.status is not Status.LOST or not wrong:
        return verdict
    return replace(verdict, status=Status.EXPLAINED, explained_by=wrong, lost=None, frames=())


def _is_further_off(verdict: Verdict, seen: Observation, lost: float) -> bool:
    """Whether a quantity is further off than it is in the run that balls decided.

    Then that run started from other inputs than those that were shown, and says nothing of it.
    """
    shown = seen.shown.get(verdict.name)
    if shown is None or verdict.worst is None or verdict.from_truth:
        return False
    largest = float(np.max(np.abs(plain(shown)), initial=abs(verdict.worst.right)))
    return 2 * lost * largest < abs(verdict.worst.got - verdict.worst.right)


def _decided(verdict: Verdict, seen: Observation, products: int) -> Verdict:
    mode = verdict.mode if verdict.mode in (FORWARD, RETURNED) else SHOWN
    on_balls = seen.on_balls.get(mode)
    failed = verdict.status is Status.FAIL and verdict.name and not verdict.doubted
    if not failed or on_balls is None or products > MOST:
        return verdict
    found = on_balls(verdict.name)
    verdict = replace(verdict, on_balls=found, frames=found.frames)
    if verdict.worst is None or not found.right:  # of another shape or dtype, or wrong
        return verdict
    lost = on_balls.lost(verdict.name, verdict.worst.index)
    if _is_further_off(verdict, seen, lost.off):  # as where two layers share memory, which is found
        explained = bool(seen.findings)
        return replace(verdict, status=Status.EXPLAINED, frames=()) if explained else verdict
    frames = lost.loss.frames if lost.loss is not None else ()
    return replace(verdict, status=Status.LOST, lost=lost, frames=frames, hidden=())
