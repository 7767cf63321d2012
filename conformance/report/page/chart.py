"""A free run drawn: error against step on a log axis, and the band that rounding can explain.

Left out: the run itself (`conformance.detail.cells`) and the markup (`drawings.html.j2`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.explain.formulas import word
from conformance.judging.case_report import CaseReport, Point
from conformance.model.table import entry

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 92, 18, 16, 52  # margins
TICKS = 6  # of each axis, at most
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Dot:
    """The error of a step; `edge` says that it lies beyond the axis: none, or no number."""

    x: float
    y: float
    outside: bool
    edge: bool
    words: str


@dataclass(frozen=True)
class Chart:
    """The drawing, in units of its own.

    Attributes:
        case: whose free run it is.
        leaves: the first step that rounding cannot explain, in words; empty if there is none.
        leave: where that is drawn.
        band: the corners of what rounding can explain.
        line: the points of the error.
        dots: one a step.
        across: x and text of the ticks of the steps.
        down: y and text of the ticks of the error.
    """

    case: str
    leaves: str
    leave: float | None
    band: str
    line: str
    dots: tuple[Dot, ...]
    across: tuple[tuple[float, str], ...]
    down: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    top: int = TOP
    floor: int = HEIGHT - BOTTOM
    left: int = LEFT
    right: int = WIDTH - RIGHT


def chart(report: CaseReport) -> Chart | None:
    """The free run of a case; None if there was none of two steps."""
    points = report.curve
    if len(points) < 2:  # noqa: PLR2004 - a line needs two
        return None
    scale = _Scale(points)
    bounds = [(scale.x(each), scale.y(each.tolerance)) for each in points]
    corners = [(bounds[0][0], HEIGHT - BOTTOM), *bounds, (bounds[-1][0], HEIGHT - BOTTOM)]
    dots = [_dot(each, scale) for each in points]
    return Chart(
        report.case.id,
        _leaves(points),
        next((scale.x(each) for each in points if each.outside), None),
        _path(corners),
        _path([(dot.x, dot.y) for dot in dots]),
        tuple(dots),
        tuple((scale.x(each), str(each.step)) for each in points[:: -(-len(points) // 12)]),
        tuple(scale.ticks()),
    )


class _Scale:
    """Steps and errors as places of the drawing."""

    def __init__(self, points: Sequence[Point]) -> None:
        values = [v for each in points for v in (each.error, each.tolerance)]
        known = [math.log10(v) for v in values if 0 < v < math.inf] or [0.0]
        self.low, self.high = math.floor(min(known)) - 1, math.ceil(max(known)) + 1
        self.last = max(each.step for each in points)
        self.floor = "0" if any(each.error == 0 for each in points) else power(self.low)

    def x(self, point: Point) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * point.step / max(self.last, 1), 1)

    def y(self, value: float) -> float:
        log = math.log10(value) if 0 < value < math.inf else self.low if value == 0 else self.high
        share = (log - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    def ticks(self) -> list[tuple[float, str]]:
        stride = -(-(self.high - self.low) // TICKS)
        marks = range(self.low, self.high + 1, stride)
        return [(self.y(10.0**k), power(k) if k > self.low else self.floor) for k in marks]


def power(exponent: int) -> str:
    """A power of ten: `10⁻⁴`."""
    return f"10{str(exponent).translate(RAISED)}"


def _dot(point: Point, scale: _Scale) -> Dot:
    where = entry(point.name, point.index)
    words = (
        f"step {point.step}: {word(point.name)}{', ' + where if where else ''} is off by "
        f"{point.error:.2g}; rounding can explain {point.tolerance:.2g}"
    )
    edge = not 0 < point.error < math.inf
    return Dot(scale.x(point), scale.y(point.error), point.outside, edge, words)


def _leaves(points: Sequence[Point]) -> str:
    first = next((each for each in points if each.outside), None)
    if first is None:
        return ""
    return f"leaves at step {first.step}, in {word(first.name)}"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
