"""One wrong quantity: what the subject showed, what is right, and the tolerance.

Left out: what is said of it (`measure.py`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.judging.evidence import Evidence
from reference.step import Array


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
