"""What is kept of a quantity behind its verdict, and of a free run: values that travel.

Left out: how they come about (`detail/cells.py`) and are written (`report`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One entry of a quantity, as `Worst`."""

    index: tuple[int, ...]
    got: float
    right: float
    ulps: float
    ratio: float


@dataclass(frozen=True)
class Cell:
    """One quantity of one step.

    Attributes:
        step: its number.
        mode: restarted, feedforward or free run.
        name: of the quantity.
        shape: of the array.
        dtype: of the array.
        against: what it was compared with: "its inputs" or "the truth".
        worst: the entries with the largest error as a multiple of the tolerance, the worst first.
        counts: a histogram of the errors in ulps: exact, up to 1, up to 2, up to 4, and so on.
        limits: the smallest and the largest tolerance of an entry, in ulps.
        levels: error over tolerance of each entry in row order, a byte an entry, as `level`
            says; deflated (zlib), base64. Empty if it was left out.
    """

    step: int
    mode: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    against: str
    worst: tuple[Entry, ...]
    counts: tuple[int, ...]
    limits: tuple[float, float]
    levels: str


@dataclass(frozen=True)
class Point:
    """The entry of one step that is furthest from its tolerance, or nearest to it.

    Attributes:
        step: its number.
        name: of the quantity.
        index: of the entry.
        error: |got − right|; infinite if it is no number.
        tolerance: how large it may be in any correct implementation by now.
    """

    step: int
    name: str
    index: tuple[int, ...]
    error: float
    tolerance: float

    @property
    def outside(self) -> bool:
        """Whether rounding cannot explain it."""
        return not self.error <= self.tolerance
