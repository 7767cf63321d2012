"""What a wrong quantity has of an earlier step: it is an old value, or the last move goes on in it.

Left out: statements on this step alone (`whole.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.diagnosis.measured import Measure, Measured, measure
from conformance.judging.case_report import Evidence
from reference.step import Array, split


@dataclass(frozen=True, eq=False)
class Failure:
    """A quantity that is wrong, given its inputs."""

    evidence: Evidence
    name: str

    @cached_property
    def got(self) -> Array:
        """What the subject showed."""
        return np.asarray(self.evidence.got(self.name), np.float64)

    @cached_property
    def right(self) -> Array:
        """What the book's equation gives on the subject's own inputs."""
        return np.asarray(self.evidence.expected(self.name).value, np.float64)

    @cached_property
    def tolerance(self) -> Array:
        """How far a right program may be off, entry by entry."""
        return self.evidence.target(self.name).tolerance

    @property
    def axes(self) -> tuple[str, ...]:
        """What the axes of the quantity count, in words."""
        return self.evidence.case.rows[self.name].axes

    @property
    def comparable(self) -> bool:
        """Whether the numbers have the right shape and are finite."""
        return self.got.shape == self.right.shape and bool(np.isfinite(self.got).all())

    @cached_property
    def outside(self) -> Array:
        """Which entries are wrong."""
        outside: Array = ~(np.abs(self.got - self.right) <= self.tolerance)
        return outside

    def is_(self, other: Array, room: float = 1.0) -> bool:
        """Whether the subject's numbers are these, within some tolerances."""
        if other.shape != self.got.shape:
            return False
        largest = np.max(self.tolerance, initial=0.0) if np.isfinite(self.tolerance).all() else 0.0
        return bool(np.all(np.abs(self.got - other) <= room * np.maximum(self.tolerance, largest)))


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
