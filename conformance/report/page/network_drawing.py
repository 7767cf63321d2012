"""A network drawn as layers: where it is wrong, and what is only explained by that.

Left out: the markup and its colours (`drawings.html.j2`, `page.css`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.corpus.case import Case
from conformance.explain.formulas import word
from conformance.model.table import tag_of
from conformance.verdict.compare import Status, Verdict
from reference.step import split

MOST = 5  # neurons of a layer that are drawn
WIDTH, SIDE = 400, 44  # units of the drawing; from its edge to the first layer
DOWN, RADIUS = 34, 12  # between neurons
HEAD, LINE = 46, 18  # the number of a layer above it; a line of text below
ROOMY = 80  # between layers, where a layer's number is said in words
WIDELY = 110  # the same, where words on weights stand beside those on layers
GAP = 8  # between these words otherwise

Point = tuple[float, float]
Label = tuple[float, float, str, str]  # x, y, text, class


@dataclass(frozen=True)
class Part:
    """The neurons of a layer, or the weights that lead to it.

    Attributes:
        state: `fail`, `explained` or `right`.
        wrong: the symbols of what is wrong there by itself.
        explained: of what follows from something wrong.
    """

    state: str
    wrong: tuple[str, ...]
    explained: tuple[str, ...]


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
class Mark:
    """What is drawn behind a layer, or the weights to it, that is wrong by itself."""

    x: float
    width: float
    height: float


@dataclass(frozen=True)
class Network:
    """The drawing, in units of its own.

    Attributes:
        case: the network, by the id of its case.
        step: which one.
        layers: from the input.
        weights: between them.
        marks: where something is wrong by itself.
        texts: numbers of layers above, what is wrong below.
        follows: whether something is only explained by that.
        words: the drawing in words.
    """

    case: str
    step: int
    height: float
    layers: tuple[Layer, ...]
    weights: tuple[Weights, ...]
    marks: tuple[Mark, ...]
    texts: tuple[Label, ...]
    follows: bool
    words: str
    width: float = WIDTH
    radius: float = RADIUS


def network(case: Case, verdicts: Iterable[Verdict], step: int = 0, tag: str = "") -> Network:
    """The network of a case, with the verdicts on one step of it.

    Args:
        case: the network.
        verdicts: on its quantities.
        step: which one.
        tag: of the equation that is marked; any that is wrong if empty.
    """
    wrong = [v for v in verdicts if v.status in (Status.FAIL, Status.EXPLAINED) and v.name]
    across = (WIDTH - 2 * SIDE) / (len(case.sizes) - 1)
    tall = max(min(size, MOST) + (size > MOST) for size in case.sizes)
    foot = HEAD + (tall - 1) * DOWN + 2 * RADIUS
    layers = [
        _layer(
            i, size, (SIDE + (i - 1) * across, (HEAD + foot) / 2), _part(wrong, i, weights=False)
        )
        for i, size in enumerate(case.sizes, start=1)
    ]
    weights = [_weights(*pair, wrong) for pair in pairwise(layers)]
    below = _Below(layers, weights, foot, across)
    failed = [v.name for v in wrong if v.status is Status.FAIL]
    marked = {word(name) for name in failed if tag in ("", tag_of(name, case.layers))}
    return Network(
        case.id,
        step,
        below.end + 12,
        tuple(layers),
        tuple(weights),
        tuple(below.marks(marked)),
        (*_heads(layers, across), *below.labels()),
        any(v.status is Status.EXPLAINED for v in wrong),
        _words(case, wrong),
    )


@dataclass(frozen=True)
class _Below:
    """The words below the drawing: those on weights beside those on layers, or under them."""

    layers: Sequence[Layer]
    weights: Sequence[Weights]
    foot: float
    across: float

    @property
    def under_layers(self) -> float:
        """Where the words on layers end."""
        return self.foot + LINE * max(_lines(each.part) for each in self.layers)

    @property
    def start(self) -> float:
        """Where those on weights begin."""
        return self.foot if self.across >= WIDELY else self.under_layers + GAP

    @property
    def end(self) -> float:
        """Where all end."""
        most = max(_lines(each.part) for each in self.weights)
        return max(self.under_layers, self.start + LINE * most)

    def labels(self) -> Iterator[Label]:
        """The words."""
        for each in self.layers:
            yield from _labels(each.x, self.foot + LINE, each.part)
        for other in self.weights:
            yield from _labels(other.x, self.start + LINE, other.part)

    def marks(self, symbols: Collection[str]) -> Iterator[Mark]:
        """What is drawn behind these quantities, down to their words."""
        layer, beside = min(self.across * 0.8, 72), max(min(self.across - 56, 72), 30)
        found: list[tuple[Layer | Weights, float, float]]
        found = [(each, layer, self.under_layers) for each in self.layers]
        found += [(each, beside, self.end) for each in self.weights]
        for each, width, end in found:
            if not set(symbols).isdisjoint(each.part.wrong):
                yield Mark(each.x - width / 2, width, end + 6)


def _lines(part: Part) -> int:
    return len(part.wrong) + len(part.explained)


def _layer(number: int, size: int, centre: Point, part: Part) -> Layer:
    x, middle = centre
    places = min(size, MOST) + (size > MOST)
    points = [(x, middle + (i - (places - 1) / 2) * DOWN) for i in range(places)]
    if size <= MOST:
        return Layer(number, size, x, tuple(points), None, part)
    gap = MOST - 1  # the last neuron stands below the dots
    return Layer(number, size, x, (*points[:gap], points[-1]), points[gap], part)


def _weights(one: Layer, other: Layer, wrong: Sequence[Verdict]) -> Weights:
    lines = tuple((a, b) for a in one.neurons for b in other.neurons)
    return Weights((one.x + other.x) / 2, lines, _part(wrong, other.number, weights=True))


def _heads(layers: Sequence[Layer], across: float) -> Iterator[Label]:
    """The number of each layer, and its size where not all of it is drawn."""
    for each in layers:
        yield each.x, 20, f"layer {each.number}" if across >= ROOMY else str(each.number), "head"
        if each.more is not None:
            yield each.x, 36, f"{each.size} neurons" if across >= ROOMY else str(each.size), ""
            yield each.x, each.more[1] + 5, "⋮", "more"


def _labels(x: float, y: float, part: Part) -> Iterator[Label]:
    """What is wrong there, a line each."""
    words = [(f"{each} ✗", "fail") for each in part.wrong]
    words += [(each, "explained") for each in part.explained]
    yield from ((x, y + i * LINE, text, kind) for i, (text, kind) in enumerate(words))


def _part(wrong: Sequence[Verdict], layer: int, *, weights: bool) -> Part:
    def symbols(status: Status) -> tuple[str, ...]:
        names = [v.name for v in wrong if v.status is status and _belongs(v.name, layer, weights)]
        return tuple(dict.fromkeys(map(word, names)))

    failed, explained = symbols(Status.FAIL), symbols(Status.EXPLAINED)
    state = "fail" if failed else "explained" if explained else "right"
    return Part(state, failed, explained)


def _belongs(name: str, layer: int, weights: bool) -> bool:
    quantity, own = split(name)
    return own == layer and quantity.endswith("w") is weights


def _words(case: Case, wrong: Sequence[Verdict]) -> str:
    """The drawing in words."""

    def names(status: Status) -> str:
        return ", ".join(dict.fromkeys(word(v.name) for v in wrong if v.status is status))

    failed, explained = names(Status.FAIL), names(Status.EXPLAINED)
    text = f"The network {list(case.sizes)}: {failed or 'nothing'} is wrong by itself"
    return f"{text}; {explained} follow from it" if explained else text
