"""The two passes drawn: forward downwards at the left, backward upwards beside it.

Left out: what is drawn (`two_passes.py`), and its colours (`backward.css`).
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.backward.findings import Examined
from conformance.report.page.box_texts import Texts
from conformance.report.page.highlight import Runs
from conformance.report.page.markup import Child, coloured, element
from conformance.report.page.two_passes import Row, TwoPasses, ordinals, two_passes

PAD, BAR, INSET, HEAD = 10, 20, 40, 5  # in a box; of the line of the pass; of a parameter; arrow
BETWEEN, CLOSE = 22, 10  # units between rows; between parameters
LANES = 4  # lines side by side in a margin


@dataclass(frozen=True)
class Measure:
    """The sizes of a drawing, in units of its own, which are CSS pixels at its natural size.

    Attributes:
        name: of the width that it is for.
        width: of the whole.
        margin: for what leads past other values, at either side.
        gap: between the two passes.
        letter: size of the letters.
        advance: the width of one, in the widest of the usual monospaced fonts.
        code: the most lines that a line of code is broken into.
    """

    name: str
    width: float
    margin: float
    gap: float
    letter: float
    advance: float
    code: int

    @property
    def column(self) -> float:
        """The width of either pass."""
        return (self.width - 2 * self.margin - self.gap) / 2

    @property
    def leading(self) -> float:
        """From line to line."""
        return round(1.4 * self.letter, 1)


WIDE = Measure("wide", 1060, 30, 34, 13, 7.9, 2)
NARROW = Measure("narrow", 358, 16, 8, 11.5, 7.0, 3)


@dataclass(frozen=True)
class Box:
    """A place of the drawing with its lines of text."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    lines: tuple[Runs, ...]

    @property
    def middle(self) -> float:
        """Its height on the page."""
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


def drawings(examined: Examined) -> list[ET.Element]:
    """The two passes, once for wide screens and once for narrow ones."""
    passes = two_passes(examined)
    return [_drawing(examined, passes, measure) for measure in (WIDE, NARROW)]


def _drawing(examined: Examined, passes: TwoPasses, measure: Measure) -> ET.Element:
    left, right, height = _boxes(examined, passes, measure)
    height += BETWEEN
    head = measure.leading
    titles = [
        element("text", words, x=x, y=head, class_="title", fill="gray")
        for words, x in (
            ("forward ↓", measure.margin),
            ("backward ↑", measure.margin + measure.column + measure.gap),
        )
    ]
    parts = [
        *titles,
        *_edges(passes, left, measure, back=False),
        *_edges(passes, right, measure, back=True),
        *(_drawn(each, measure) for column in (left, right) for each in column if each),
    ]
    return element(
        "svg",
        *parts,
        class_=f"passes {measure.name}",
        viewBox=f"0 0 {measure.width:g} {height:g}",
        width=f"{measure.width:g}",
        height=f"{height:g}",
        font_family="ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace",
        font_size=measure.letter,
        role="img",
        aria_label=_words(examined, passes),
    )


def _words(examined: Examined, passes: TwoPasses) -> str:
    """The drawing in words."""
    blamed = [row for row in passes.rows if row.state == "blamed"]
    wrong = [examined.passes[row.place].forward.name for row in blamed]
    at = f"; ✗ marks ∂C/∂{', ∂C/∂'.join(wrong)}" if wrong else ""
    return f"The forward pass downwards, and beside it the backward pass upwards{at}"


Column = list[Box | None]


def _boxes(examined: Examined, passes: TwoPasses, measure: Measure) -> tuple[Column, Column, float]:
    """The boxes of both passes, a row at a time, and where they end."""
    left: Column = []
    right: Column = []
    y = 1.8 * measure.leading
    again = ordinals(examined.passes)
    beyond = measure.margin + measure.column + measure.gap
    for i, row in enumerate(passes.rows):
        inset = INSET if row.kind == "parameter" else 0
        wide = measure.column - inset
        texts = Texts(examined, row, again, int((wide - 2 * PAD) / measure.advance), measure.code)
        ahead, back = [*texts.forward()], [*texts.backward()]
        left.append(_box(measure.margin + inset, y, wide, row.kind, ahead, measure))
        kind = f"{row.kind} {row.state}".strip()
        right.append(_box(beyond + inset, y, wide, kind, back, measure) if back else None)
        y += max(each.height for each in (left[-1], right[-1]) if each)
        following = passes.rows[i + 1].kind if i + 1 < len(passes.rows) else ""
        y += CLOSE if row.kind == following == "parameter" else BETWEEN
    return left, right, y - BETWEEN


def _box(
    x: float, y: float, width: float, kind: str, lines: Sequence[Runs], measure: Measure
) -> Box:
    return Box(x, y, width, len(lines) * measure.leading + PAD, kind, tuple(lines))


def _drawn(box: Box, measure: Measure) -> ET.Element:
    """A box with its text."""
    rect = element(
        "rect", x=box.x, y=round(box.y, 1), width=box.width, height=round(box.height, 1),
        rx=6, fill="white", stroke="gray",
    )  # fmt: skip
    texts = [
        _text(runs, box.x + PAD, box.y + PAD / 2 + (i + 0.75) * measure.leading)
        for i, runs in enumerate(box.lines)
    ]
    return element("g", rect, *texts, class_=f"box {box.kind}")


def _text(runs: Runs, x: float, y: float) -> ET.Element:
    children: list[Child] = coloured(runs, "tspan")
    return element("text", *children, x=round(x, 1), y=round(y, 1))


def _edges(
    passes: TwoPasses, boxes: Column, measure: Measure, *, back: bool
) -> Iterator[ET.Element]:
    """The arrows of a pass: along its line where nothing stands between, else by the margin."""
    pairs = passes.backward if back else passes.forward
    pairs = tuple(sorted((min(pair), max(pair)) for pair in pairs))
    left = measure.margin + (measure.column + measure.gap if back else 0)
    past = [pair for pair in pairs if not _is_free(pair, passes.rows, boxes)]
    lanes = _lanes(past)
    fails = _failing(pairs, passes.rows) if back else set()
    step = (measure.margin - 2) / LANES
    for pair in pairs:
        upper, lower = (boxes[i] for i in pair)
        if upper is None or lower is None:
            continue
        kind = "edge back fail" if pair in fails else "edge back" if back else "edge ahead"
        if pair in lanes:
            out = step * (lanes[pair] + 1)
            edge = left + measure.column if back else left
            yield from _around(upper, lower, edge, out if back else -out, kind, back=back)
        else:
            yield from _along(upper, lower, left + BAR, kind, back=back)


def _failing(pairs: Sequence[tuple[int, int]], rows: Sequence[Row]) -> set[tuple[int, int]]:
    """The pairs on which something wrong is taken on: from what is to blame, or else to a wrong."""
    states = [row.state for row in rows]
    found = {
        (i, j) for i, j in pairs if states[i] == "blamed" or states[j] in ("blamed", "missing")
    }
    reached = {i for i, _ in found}
    return found | {(i, j) for i, j in pairs if states[i] == "wrong" and i not in reached}


def _is_free(pair: tuple[int, int], rows: Sequence[Row], boxes: Column) -> bool:
    between = range(pair[0] + 1, pair[1])
    return all(boxes[k] is None or rows[k].kind == "parameter" for k in between)


def _lanes(pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for each pair, such that no two that overlap share one while there are enough."""
    ends = [-1] * LANES
    found = {}
    for first, last in pairs:
        lane = next((k for k, end in enumerate(ends) if end <= first), LANES - 1)
        ends[lane] = max(ends[lane], last)
        found[first, last] = lane
    return found


def _along(upper: Box, lower: Box, x: float, kind: str, *, back: bool) -> Iterator[ET.Element]:
    """Along the line of the pass; a parameter stands beside it."""
    beside = upper.x > x
    start = upper.middle if beside else upper.bottom
    path = f"M{upper.x if beside else x:g},{start:.1f}H{x:g}V{lower.y:.1f}"
    yield element("path", d=path, class_=kind, fill="none", stroke="gray")
    if not back:
        yield _head(x, lower.y, (0, 1), kind)
    elif beside:
        yield _head(upper.x, start, (1, 0), kind)
    else:
        yield _head(x, upper.bottom, (0, -1), kind)


def _around(
    upper: Box, lower: Box, edge: float, out: float, kind: str, *, back: bool
) -> Iterator[ET.Element]:
    """By the margin, past what stands between."""
    begin, end = upper.middle + 4, lower.middle - 4
    first = upper.x + upper.width if out > 0 else upper.x
    path = f"M{first:g},{begin:.1f}H{edge + out:.1f}V{end:.1f}H{edge:g}"
    yield element("path", d=path, class_=kind, fill="none", stroke="gray")
    direction = -1 if out > 0 else 1
    yield _head(first if back else edge, begin if back else end, (direction, 0), kind)


def _head(x: float, y: float, way: tuple[int, int], kind: str) -> ET.Element:
    """The head of an arrow that ends there."""
    a, b = way
    wings = [(x - HEAD * (a + b * s * 0.7), y - HEAD * (b + a * s * 0.7)) for s in (-1, 1)]
    points = " ".join(f"{p:.1f},{q:.1f}" for p, q in [(x, y), *wings])
    return element("polygon", points=points, class_=f"{kind} head", fill="gray")
