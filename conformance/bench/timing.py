"""Timing two things beside each other: warmed up, in turn, many short rounds, medians.

Seconds are of the machine, ratios travel. They are processor time, which other processes do not
lengthen, in rounds that are shorter than a turn of the scheduler. Left out: what is timed
(`work.py`, `growth.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from statistics import linear_regression, median
from time import process_time

Timed = Callable[[], object]
BLOCK = 0.002  # seconds of one round of one thing, if a single call is shorter
ROUNDS = 51
LONG = 0.1  # seconds of a single call from which fewer rounds must do
FEW = 3


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        what: two things, as `one / other`, or a single figure.
        value: the ratio, or the figure.
        unit: "×", "s", "%" or "slope".
        seconds: of each of the two, where there are two.
        budget: as it is written, or nothing.
        met: whether it is met; None without a budget.
    """

    what: str
    value: float
    unit: str
    seconds: tuple[float, ...] = ()
    budget: str = ""
    met: bool | None = None


def row(what: str, value: float, unit: str, seconds: Sequence[float] = (), budget: str = "") -> Row:
    """A line, with its budget judged: `≤ 2` or `≥ 4`."""
    if not budget:
        return Row(what, value, unit, tuple(seconds))
    sign, limit = budget[0], float(budget[1:])
    met = value <= limit if sign == "≤" else value >= limit
    return Row(what, value, unit, tuple(seconds), budget, met)


def compared(what: str, one: Timed, other: Timed, budget: str = "") -> Row:
    """The median ratio of two things, timed in turn."""
    times = [_times(each) for each in (one, other)]
    single = max(_seconds(one, 1), _seconds(other, 1))
    pairs = [
        (_seconds(one, times[0]), _seconds(other, times[1]))
        for _ in range(FEW if single > LONG else ROUNDS)
    ]
    first, second = (median(each) for each in zip(*pairs, strict=True))
    return row(what, median(a / b for a, b in pairs), "×", (first, second), budget)


def seconds_of(work: Timed) -> float:
    """The median seconds of one thing."""
    times = _times(work)
    rounds = FEW if _seconds(work, 1) > LONG else ROUNDS
    return median(_seconds(work, times) for _ in range(rounds))


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The exponent p of seconds ~ size^p, by least squares over logarithms."""
    return linear_regression([*map(log, sizes)], [*map(log, seconds)]).slope


def _times(work: Timed) -> int:
    """How often a round calls it; it is called a few times before, and so warmed up."""
    for _ in range(FEW):
        seconds = _seconds(work, 1)
        if seconds > LONG:
            break
    return max(1, round(BLOCK / seconds))


def _seconds(work: Timed, times: int) -> float:
    started = process_time()
    for _ in range(times):
        work()
    return (process_time() - started) / times
