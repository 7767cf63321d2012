"""What failed in floats is decided on balls, in the same case, step and state.

If a quantity follows from its equation there, its digits were lost and its formula is right; if it
does not, it is wrong whatever the rounding. Where balls cannot tell, floats have decided.

Left out: how balls decide (`verdict/on_balls.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.observation import SHOWN, Observation
from conformance.verdict.compare import FORWARD, RETURNED, Status, Verdict
from conformance.verdict.deviation import plain

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
