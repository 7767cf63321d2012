"""The verdict on a gradient, array by array, and its text of at most 80 columns.

Left out: colour, JSON, and how the slopes were measured (`lanes.py`).
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import flint

from conformance.gradient.lanes import Lane, Measured
from conformance.gradient.network import Refused

WIDTH = 80
SAME = 1e-3  # ratios that agree so far are one factor
TINY = 1e-6  # of the largest entry: too small for a ratio


class Status(StrEnum):
    """Whether an array of the gradient is what the cost says."""

    OK = "ok"
    ZERO = "ok, though all is 0"
    SCALAR = "ok but for a scalar in floats"
    WRONG = "WRONG"


@dataclass(frozen=True)
class Row:
    """One parameter array.

    Attributes:
        name: `w2`, by the book's number of the layer.
        status: the verdict.
        digits: to which backprop and cost agree, relative to the largest entry.
        possible: the digits that could have been shown.
        tried: how many entries or directions.
        entries: whether they were entries.
        worst: the entry where they differ most, or None for a direction.
        claimed: what backprop says there.
        found: what the cost says there.
        ratio: the one factor by which all that was tried is off, or None.
    """

    name: str
    status: Status
    digits: int
    possible: int
    tried: int
    entries: bool
    worst: tuple[int, ...] | None
    claimed: float
    found: float
    ratio: float | None

    @property
    def ok(self) -> bool:
        """Whether it is the gradient."""
        return self.status is not Status.WRONG

    def line(self) -> str:
        """The row of the table."""
        tried = (
            _count(self.tried, "entry", "entries")
            if self.entries
            else _count(self.tried, "direction", "directions")
        )
        text = f"  {self.name:<4}{_count(self.digits, 'digit', 'digits'):>10}  {tried:<12}"
        if self.ok:
            return f"{text}  {self.status}"
        claimed, found = _pair(self.claimed, self.found)
        where = f" at {list(self.worst)}" if self.worst is not None else ""
        return f"{text}  {self.status}{where}: {claimed}, not {found}"


@dataclass(frozen=True, repr=False)
class GradReport:
    """Whether a network's backprop is the gradient of its own cost.

    Attributes:
        subject: the network's class.
        sizes: neurons of each layer.
        cost: how the subject was asked for its cost.
        layout: how it took a sample.
        lane: the arithmetic that judged.
        rows: an array each, `b2 w2 b3 w3 …`.
        dropped: (lane, reason) of the sharper arithmetics that could not judge.
    """

    subject: str
    sizes: tuple[int, ...]
    cost: str
    layout: str
    lane: str
    rows: tuple[Row, ...]
    dropped: tuple[tuple[str, str], ...]

    @property
    def ok(self) -> bool:
        """Whether every array is the gradient."""
        return all(row.ok for row in self.rows)

    @property
    def digits(self) -> int:
        """The digits to which all arrays agree."""
        return min(row.digits for row in self.rows)

    def sentence(self) -> str:
        """The verdict in one sentence, or two."""
        wrong = [row for row in self.rows if not row.ok]
        if not wrong:
            shown = _count(self.digits, "digit", "digits")
            return f"backprop is the gradient of its own cost to {shown}{self._why()}"
        first = next(row for row in wrong if row.name[1:] == wrong[-1].name[1:])
        claimed, found = _pair(first.claimed, first.found)
        where = f"entry {list(first.worst)}: " if first.worst is not None else "one direction: "
        text = (
            f"nabla_{first.name} is not the gradient of the cost: {where}"
            f"backprop says {claimed}, the cost says {found}"
        )
        if first.ratio is not None and all(_same(row.ratio, first.ratio) for row in self.rows):
            return f"{text}. The whole gradient is {first.ratio:.3f} times that of the cost"
        if first.ratio is not None:
            text += f": ratio {first.ratio:.3f}" + (" everywhere" if first.tried > 1 else "")
        others = ", ".join(f"nabla_{row.name}" for row in wrong if row is not first)
        return text + (f". Wrong too: {others}" if others else "")

    def text(self) -> str:
        """A table and the sentence."""
        head = f"{self.subject} {list(self.sizes)}, its own {self.cost}, {self.lane}"
        notes = [f"not in {lane}: {why}" for lane, why in self.dropped]
        lines = [head, *notes, *(row.line() for row in self.rows), self.sentence() + "."]
        return "\n".join(_wrapped(line) for line in lines)

    def __str__(self) -> str:
        """The same."""
        return self.text()

    def __repr__(self) -> str:
        """The verdict in one line, as a failing `assert report.ok` shows it."""
        return f"<{self.subject}: {self.sentence()}>"

    def _why(self) -> str:
        believed = ", its cost_derivative believed" if "derivative" in self.cost else ""
        return believed + self._limit()

    def _limit(self) -> str:
        if any(row.status is Status.SCALAR for row in self.rows):
            return ", as far as a scalar that it computes in floats allows"
        most = min(row.possible for row in self.rows)
        return f" (at most {most} can be shown)" if self.dropped else ""


def judged(name: str, lane: Lane, slopes: Sequence[Measured]) -> Row:
    """The verdict on one array.

    Raises:
        Refused: the balls are too wide to tell.
    """
    scale = max(max(_above(each.claimed), _above(each.found), each.largest) for each in slopes)
    apart = [abs(each.claimed - each.found) / (scale or 1) for each in slopes]
    worst = max(range(len(slopes)), key=lambda k: _above(apart[k]))
    off = _above(apart[worst])
    errors = [each.error / (scale or 1) for each in slopes]
    cap = min(lane.cap, _digits(max(errors), lane.cap))
    if lane.needed is None:
        fine = all(_above(each) <= error for each, error in zip(apart, errors, strict=True))
    else:
        fine = off <= 10.0**-lane.needed
    right = Status.OK if scale else Status.ZERO
    status = right if fine else _short_of_fine(lane, apart)
    at = slopes[worst]
    return Row(
        name=name,
        status=status,
        digits=_digits(off, cap),
        possible=cap,
        tried=len(slopes),
        entries=at.probe.index is not None,
        worst=at.probe.index,
        claimed=float(at.claimed.mid()),
        found=float(at.found.mid()),
        ratio=None if status is not Status.WRONG else _ratio(slopes, scale),
    )


def _short_of_fine(lane: Lane, apart: Sequence[flint.arb]) -> Status:
    """Wrong for sure, or as far off as a scalar that the subject rounds."""
    if all(_above(each) <= lane.admitted for each in apart):
        return Status.SCALAR
    if not any(float(each.abs_lower()) > lane.admitted for each in apart):
        raise Refused("the balls became too wide to tell")
    return Status.WRONG


def _ratio(slopes: Sequence[Measured], scale: float) -> float | None:
    """The one factor claimed / found of everything tried, if there is one and it is not 1."""
    pairs = [(float(each.claimed.mid()), float(each.found.mid())) for each in slopes]
    ratios = [
        claimed / found if found else math.inf
        for claimed, found in pairs
        if max(abs(found), abs(claimed)) > TINY * scale
    ]
    if not ratios or not math.isfinite(ratios[0]) or math.isclose(ratios[0], 1, rel_tol=SAME):
        return None
    one = all(math.isclose(each, ratios[0], rel_tol=SAME) for each in ratios)
    return ratios[0] if one else None


def _pair(claimed: float, found: float) -> tuple[str, str]:
    """Two numbers to one digit beyond where they part, four digits at least."""
    apart, size = abs(claimed - found), max(abs(claimed), abs(found))
    digits = 3 if not apart else min(16, max(3, math.ceil(math.log10(size / apart)) + 1))
    return f"{claimed:.{digits}e}", f"{found:.{digits}e}"


def _same(ratio: float | None, other: float) -> bool:
    return ratio is not None and math.isclose(ratio, other, rel_tol=10 * SAME)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _above(ball: flint.arb) -> float:
    return float(ball.abs_upper())


def _digits(off: float, cap: int) -> int:
    """⌊−log10⌋ of a relative error, between 0 and what can be proved."""
    return cap if off <= 0 else max(0, min(cap, math.floor(-math.log10(off))))


def _wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
