"""What a wrong quantity has of an earlier step: it is an old value, or the last move goes on in it.

Left out: statements on this step alone (`whole.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.diagnosis.failure import Failure
from conformance.diagnosis.measured import Measure, Measured, measure
from reference.step import Array, split


def earlier(failures: Sequence[Failure]) -> Measure | None:
    """Whether it is what it was in the step before."""
    before = [each.evidence.previous for each in failures]
    stale = all(
        each is not None and failure.name in each.shown and failure.is_(each.got(failure.name))
        for failure, each in zip(failures, before, strict=True)
    )
    if stale:
        return measure(Measured.OF_STEP_BEFORE)
    starts = [dict(each.evidence.start.named()).get(each.name) for each in failures]
    kept = all(
        start is not None and failure.is_(np.asarray(start, np.float64))
        for failure, start in zip(failures, starts, strict=True)
    )
    return measure(Measured.AS_BEFORE) if kept else None


def momentum(failures: Sequence[Failure]) -> Measure | None:
    """Which part of the last move of a parameter is in this one once more."""
    moves = [_last_move(each) for each in failures]
    if not all(move is not None and move.any() for move in moves):
        return None
    pairs = [(each, move) for each, move in zip(failures, moves, strict=True) if move is not None]
    part, room = min((_part(*pair) for pair in pairs), key=lambda found: found[1])
    part = _shortest(part, room)
    if not all(each.is_(each.right + part * move, 3) for each, move in pairs):
        return None
    return measure(Measured.MOMENTUM, part=part, quantity=split(failures[0].name)[0])


def _last_move(failure: Failure) -> Array | None:
    """How far a parameter moved in the step before; None if there is none, or no parameter."""
    quantity, at = split(failure.name)[0], failure.evidence.situation.at(failure.name)
    if quantity not in ("w", "b") or at.previous is None:
        return None
    now, before = (getattr(each, quantity)(at.layer).value for each in (at, at.previous))
    return np.asarray(now, np.float64) - np.asarray(before, np.float64)


def _part(failure: Failure, move: Array) -> tuple[float, float]:
    """The part that fits the entry at which it is known best, and how well it is known there."""
    room = np.where(move == 0, np.inf, failure.tolerance / np.abs(move))
    best = int(np.argmin(room))
    part = (failure.got - failure.right).flat[best] / move.flat[best]
    return float(part), float(room.flat[best])


def _shortest(number: float, room: float) -> float:
    """The number with the fewest digits that is as near as that."""
    shorter = (float(f"{number:.{digits}g}") for digits in range(1, 17))
    return next((each for each in shorter if abs(each - number) <= room), number)
