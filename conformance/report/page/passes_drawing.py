"""The two passes drawn: forward downwards at the left, backward upwards beside it.

Left out: what is drawn (`two_passes.py`), the markup (`backward.html.j2`), and its colours
(`backward.css`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.backward.findings import Examined
from conformance.report.page.box_texts import Texts
from conformance.report.page.highlight import Runs
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

    def texts(self, measure: Measure) -> Iterator[tuple[float, float, Runs]]:
        """Where each line of text begins, and the line."""
        for i, runs in enumerate(self.lines):
            yield self.x + PAD, self.y + PAD / 2 + (i + 0.75) * measure.leading, runs

    @property
    def middle(self) -> float:
        """Its height on the page."""
        return self.y + self.height / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Edge:
    """An arrow: the path of its line, the corners of its head, and what it is."""

    path: str
    head: str
    kind: str


@dataclass(frozen=True)
class Drawing:
    """The two passes in one width.

    Attributes:
        measure: its sizes.
        height: of the whole.
        words: the drawing in words.
        titles: where the title of each pass begins, and the title.
        edges: of both passes.
        boxes: of both passes.
    """

    measure: Measure
    height: float
    words: str
    titles: tuple[tuple[float, str], ...]
    edges: tuple[Edge, ...]
    boxes: tuple[Box, ...]


def drawings(examined: Examined) -> list[Drawing]:
    """The two passes, once for wide screens and once for narrow ones."""
    passes = two_passes(examined)
    return [_drawing(examined, passes, measure) for measure in (WIDE, NARROW)]


def _drawing(examined: Examined, passes: TwoPasses, measure: Measure) -> Drawing:
    left, right, height = _boxes(examined, passes, measure)
    beside = measure.margin + measure.column + measure.gap
    return Drawing(
        measure,
        height + BETWEEN,
        _words(examined, passes),
        ((measure.margin, "forward ↓"), (beside, "backward ↑")),
        (*_edges(passes, left, measure, back=False), *_edges(passes, right, measure, back=True)),
        tuple(each for column in (left, right) for each in column if each),
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


def _edges(passes: TwoPasses, boxes: Column, measure: Measure, *, back: bool) -> Iterator[Edge]:
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
            yield Edge(*_around(upper, lower, edge, out if back else -out, back=back), kind)
        else:
            yield Edge(*_along(upper, lower, left + BAR, back=back), kind)


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


def _along(upper: Box, lower: Box, x: float, *, back: bool) -> tuple[str, str]:
    """Along the line of the pass; a parameter stands beside it."""
    beside = upper.x > x
    start = upper.middle if beside else upper.bottom
    path = f"M{upper.x if beside else x:g},{start:.1f}H{x:g}V{lower.y:.1f}"
    if not back:
        return path, _head(x, lower.y, (0, 1))
    return path, _head(upper.x, start, (1, 0)) if beside else _head(x, upper.bottom, (0, -1))


def _around(upper: Box, lower: Box, edge: float, out: float, *, back: bool) -> tuple[str, str]:
    """By the margin, past what stands between."""
    begin, end = upper.middle + 4, lower.middle - 4
    first = upper.x + upper.width if out > 0 else upper.x
    path = f"M{first:g},{begin:.1f}H{edge + out:.1f}V{end:.1f}H{edge:g}"
    return path, _head(first if back else edge, begin if back else end, (-1 if out > 0 else 1, 0))


def _head(x: float, y: float, way: tuple[int, int]) -> str:
    """The corners of the head of an arrow that ends there."""
    a, b = way
    wings = [(x - HEAD * (a + b * s * 0.7), y - HEAD * (b + a * s * 0.7)) for s in (-1, 1)]
    return " ".join(f"{p:.1f},{q:.1f}" for p, q in [(x, y), *wings])
