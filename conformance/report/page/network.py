"""A network drawn as layers: where it is wrong, and what is only explained by that.

Left out: the markup and its colours (`drawings.html.j2`, `page.css`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.corpus.case import Case
from conformance.explain.pieces import word
from conformance.verdict.compare import Status, Verdict
from reference.step import split

MOST = 5  # neurons of a layer that are drawn
ACROSS, DOWN, RADIUS = 132, 30, 9  # units of the drawing between layers, between neurons
TOP, SIDE, FOOT = 20, 60, 58  # margins; the words below a layer
WEIGHTS = ("nabla_w", "w")

Point = tuple[float, float]


@dataclass(frozen=True)
class Part:
    """The neurons of a layer, or the weights that lead to it.

    Attributes:
        state: `fail`, `explained` or `right`.
        wrong: the symbols of what is wrong there by itself.
        explained: of what follows from something wrong.
    """

    state: str
    wrong: str
    explained: str


@dataclass(frozen=True)
class Layer:
    """A layer: its book number, size, neurons, and whether some are not drawn."""

    number: int
    size: int
    x: float
    neurons: tuple[Point, ...]
    more: Point | None
    part: Part


@dataclass(frozen=True)
class Weights:
    """The lines between two layers."""

    x: float
    lines: tuple[tuple[Point, Point], ...]
    part: Part


@dataclass(frozen=True)
class Network:
    """The drawing, in units of its own."""

    width: float
    height: float
    layers: tuple[Layer, ...]
    weights: tuple[Weights, ...]
    foot: float
    words: str


def network(case: Case, verdicts: Iterable[Verdict]) -> Network:
    """The network of a case, with the verdicts on one step of it."""
    wrong = [v for v in verdicts if v.status in (Status.FAIL, Status.EXPLAINED) and v.name]
    tall = max(min(size, MOST) + (size > MOST) for size in case.sizes)
    height = TOP + (tall - 1) * DOWN + 2 * RADIUS
    drawn = [
        _layer(i, size, height, _part(wrong, i, weights=False))
        for i, size in enumerate(case.sizes, start=1)
    ]
    between = [
        Weights(
            (one.x + other.x) / 2,
            tuple((a, b) for a in one.neurons for b in other.neurons),
            _part(wrong, other.number, weights=True),
        )
        for one, other in pairwise(drawn)
    ]
    width = 2 * SIDE + (len(drawn) - 1) * ACROSS
    return Network(width, height + FOOT, tuple(drawn), tuple(between), height, _words(case, wrong))


def _layer(number: int, size: int, height: float, part: Part) -> Layer:
    shown = min(size, MOST)
    places = shown + (size > MOST)
    x = SIDE + (number - 1) * ACROSS
    first = (height + TOP) / 2 - (places - 1) * DOWN / 2 - RADIUS / 2
    points = [(x, first + i * DOWN) for i in range(places)]
    if size <= MOST:
        return Layer(number, size, x, tuple(points), None, part)
    gap = MOST - 1  # the last neuron stands below the dots
    return Layer(number, size, x, (*points[:gap], points[-1]), points[gap], part)


def _part(wrong: Sequence[Verdict], layer: int, *, weights: bool) -> Part:
    def symbols(status: Status) -> str:
        names = [v.name for v in wrong if v.status is status and _belongs(v.name, layer, weights)]
        return " ".join(dict.fromkeys(map(word, names)))

    failed, explained = symbols(Status.FAIL), symbols(Status.EXPLAINED)
    state = "fail" if failed else "explained" if explained else "right"
    return Part(state, failed, explained)


def _belongs(name: str, layer: int, weights: bool) -> bool:
    quantity, own = split(name)
    return own == layer and (quantity in WEIGHTS) is weights


def _words(case: Case, wrong: Sequence[Verdict]) -> str:
    """The drawing in words."""

    def names(status: Status) -> str:
        return ", ".join(dict.fromkeys(word(v.name) for v in wrong if v.status is status))

    failed, explained = names(Status.FAIL), names(Status.EXPLAINED)
    text = f"The network {list(case.sizes)}: {failed or 'nothing'} is wrong by itself"
    return f"{text}; {explained} follow from it" if explained else text
