"""Reading a style: the source of a right program, and the places where faults may be laid."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "styles"
TAGS = ("Z", "A", "BP1", "BP2", "BP3", "BP4", "B", "W")
OPTIONS = {
    "function": "a function step(weights, biases, x, y, eta), not a class",
    "cross-entropy": "its cost",
    "decay": "it takes λ and n",
    "torch": "it computes with tensors",
    "transposed": "its weights are (n_{l-1}, n_l)",
    "flat": "its biases have one axis",
    "bias-rows": "its biases are (1, n_l)",
    "x-flat": "it takes samples of one axis",
    "x-rows": "it takes samples as rows",
    "weights-first": "backprop returns (∇w, ∇b)",
    "in-place": "its arrays are filled, and the list is not replaced",
    "one-hidden": "it has one hidden layer, and no other number of layers",
}
"""What the first line of a style may say of it."""


@dataclass(frozen=True)
class Place:
    """A part of a line that computes the quantities of some equations.

    Attributes:
        tags: of the equations.
        line: its number in the source, from 1.
        text: the expression; if empty, the right side of the statement.
        whole: whether only changes of the whole expression belong to these equations.
    """

    tags: frozenset[str]
    line: int
    text: str
    whole: bool


@dataclass(frozen=True)
class Given:
    """A fault that the style itself gives: another line in the place of one.

    Attributes:
        tags: of the equations.
        line: its number.
        name: of the fault.
        text: the line.
        others: numbers of further lines that may be named, as `Program.lines` says.
    """

    tags: frozenset[str]
    line: int
    name: str
    text: str
    others: frozenset[int]


@dataclass(frozen=True)
class Style:
    """A right program and its places.

    Attributes:
        name: of its file.
        entry: the class or function in it.
        options: keys of `OPTIONS`.
        lines: of its source.
        places: where faults may be laid.
        given: faults that it gives itself.
    """

    name: str
    entry: str
    options: frozenset[str]
    lines: tuple[str, ...]
    places: tuple[Place, ...]
    given: tuple[Given, ...]

    @property
    def cases(self) -> tuple[str, ...]:
        """The recorded cases in which it is judged: small, unequal widths, m > 1, η ≠ 1."""
        if "one-hidden" in self.options:
            return ("layout-3-2-4", "remainder-3-4-2")
        if "cross-entropy" in self.options:
            deep = "square-4-4-4-4-cross-entropy" if "decay" in self.options else "single-4-3-2"
            return ("expanding-3-4-5-2", deep)
        if "decay" in self.options:
            return ("square-4-4-4-4", "ten-steps-3-4-2")
        return ("contracting-5-4-3-2", "remainder-3-4-2")


@cache
def styles() -> tuple[Style, ...]:
    """All styles, sorted by name."""
    return tuple(read(path.stem, path.read_text()) for path in sorted(FOLDER.glob("*.txt")))


def read(name: str, text: str) -> Style:
    """The style that is written so.

    Raises:
        ValueError: a mark is not as it should be.
    """
    head, *rest = text.splitlines()
    if not head.startswith("#? "):
        raise ValueError(f"{name}: the first line must begin with `#? `")
    entry, *options = head[3:].split()
    if set(options) - OPTIONS.keys():
        raise ValueError(f"{name}: unknown options in {head!r}")
    lines: list[str] = []
    places: list[Place] = []
    given: list[Given] = []
    for each in rest:
        mark, _, said = each.strip().partition(" ")
        if mark not in ("#=", "#-", "#!"):
            lines.append(each)
            continue
        joined, _, expression = said.partition(" ")
        tags = frozenset(joined.split("+"))
        if tags - set(TAGS):
            raise ValueError(f"{name}: unknown equations in {each!r}")
        if mark == "#!":
            label, _, new = expression.partition(": ")
            label, *others = label.split()
            at = frozenset(len(lines) + int(each.removeprefix("@")) for each in others)
            given.append(Given(tags, len(lines), label, _indent(lines[-1]) + new, at))
        else:
            if expression and lines[-1].count(expression) != 1:
                raise ValueError(f"{name}: {expression!r} is not once in {lines[-1]!r}")
            places.append(Place(tags, len(lines), expression, mark == "#-"))
    return Style(name, entry, frozenset(options), tuple(lines), tuple(places), tuple(given))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
