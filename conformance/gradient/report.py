"""The verdict on a gradient, array by array, and its text of at most 80 columns.

Left out: colour, and how it was judged (`backward/`).
"""

import math
import textwrap
from dataclasses import dataclass
from enum import StrEnum

from conformance.backward.certain import digits_of
from conformance.backward.findings import Entry, Judged
from conformance.report.backward_report import BackwardReport

WIDTH = 80
SAME = 1e-3  # ratios that agree so far are one factor
OF_FLOATS = 15  # digits that two floats may agree to
ROUNDED = 25  # digits of which a scalar that was rounded to a float leaves fewer


class Status(StrEnum):
    """Whether an array of the gradient is what the cost says."""

    OK = "ok"
    FLOATS = "ok in floats"
    ZERO = "ok, though all is 0"
    SCALAR = "ok but for a scalar in floats"
    EPSILON = "ok but for an ε"
    LOST = "the right formula, whose digits are lost"
    WRONG = "WRONG"


@dataclass(frozen=True)
class Row:
    """One parameter array.

    Attributes:
        judged: its gradient.
    """

    judged: Judged

    @property
    def name(self) -> str:
        """`w2`, by the book's number of the layer."""
        return self.judged.name

    @property
    def ok(self) -> bool:
        """Whether it is the gradient."""
        return self.judged.ok

    @property
    def status(self) -> Status:
        """The verdict."""
        if not self.ok:
            return Status.LOST if self.judged.lost else Status.WRONG
        if self.judged.dead:
            return Status.ZERO
        if self.judged.apart:
            return Status.EPSILON
        if not self.judged.exact:
            return Status.FLOATS
        return Status.OK if self.digits >= ROUNDED else Status.SCALAR

    @property
    def digits(self) -> int:
        """To which backprop and cost agree: all entries on balls, else the worst in floats."""
        if self.judged.dead and self.ok:
            return 0
        if self.judged.exact and self.ok and self.judged.digits is not None:
            return self.judged.digits
        return digits_of(max(self.judged.error, self.judged.apart), OF_FLOATS)

    @property
    def entries(self) -> int:
        """How many there are, all of which are compared."""
        return math.prod(self.judged.expected)

    def line(self) -> str:
        """The row of the table."""
        entries = _count(self.entries, "entry", "entries")
        text = f"  {self.name:<4}{_count(self.digits, 'digit', 'digits'):>10}  {entries:<13}"
        worst = self.judged.worst
        if self.ok or worst is None:
            return f"{text} {self.status}"
        given, right = _pair(worst)
        return f"{text} {self.status} at {list(worst.at)}: {given}, not {right}"


@dataclass(frozen=True, repr=False)
class GradReport(BackwardReport):
    """Whether a network's backprop is the gradient of its own cost.

    Attributes:
        sizes: neurons of each layer.
        cost: how the subject was asked for its cost.
        layout: how it took the samples.
        also: other sizes at which it is right.
    """

    sizes: tuple[int, ...]
    cost: str
    layout: str
    also: tuple[tuple[int, ...], ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """An array each, `b2 w2 b3 w3 …`."""
        return tuple(map(Row, self.examined.gradients))

    @property
    def subject(self) -> str:
        """The network's class."""
        return self.name

    @property
    def digits(self) -> int:
        """The digits to which all arrays agree."""
        return min(row.digits for row in self.rows if row.status is not Status.ZERO)

    def sentence(self) -> str:
        """The verdict in one sentence, or two."""
        wrong = [row for row in self.rows if not row.ok]
        if not wrong:
            shown = _count(self.digits, "digit", "digits")
            return f"backprop is the gradient of {self._whose()} to {shown}{self._beside()}"
        first = next(row for row in wrong if row.name[1:] == wrong[-1].name[1:])
        text = f"nabla_{first.name} is not the gradient of {self._whose()}"
        if first.judged.worst is not None:
            given, right = _pair(first.judged.worst)
            at = list(first.judged.worst.at)
            text += f": entry {at}: backprop says {given}, the cost says {right}"
        ratio = first.judged.ratio
        if ratio is not None and all(_same(row.judged.ratio, ratio) for row in self.rows):
            return f"{text}. The whole gradient is {ratio:.3f} times that of the cost"
        if ratio is not None:
            text += f": ratio {ratio:.3f}" + (" everywhere" if first.entries > 1 else "")
        others = ", ".join(f"nabla_{row.name}" for row in wrong if row is not first)
        return text + (f". Wrong too: {others}" if others else "")

    def text(self) -> str:
        """A table and the sentence."""
        lines = [
            f"{self.name} {list(self.sizes)}, {self.cost}, {self.layout}",
            *(f"the same at {list(each)}" for each in self.also),
            *(row.line() for row in self.rows),
            f"{self.sentence()}.",
        ]
        return "\n".join(_wrapped(line) for line in lines)

    def __str__(self) -> str:
        """The same."""
        return self.text()

    def in_one_line(self) -> str:
        """The network and the sentence."""
        return f"{self.name}: {self.sentence()}"

    def _whose(self) -> str:
        """Which cost it is."""
        known = {"own": "its own cost", "unknown": "some cost, its output error believed"}
        return known.get(self.examined.cost, f"the {self.examined.cost} cost")

    def _beside(self) -> str:
        """What is said beside the digits."""
        said = {row.status for row in self.rows}
        words = ""
        if Status.SCALAR in said:
            words += ", as far as a scalar that it computes in floats allows"
        if Status.EPSILON in said:
            words += ", by which an ε moves it"
        if Status.FLOATS in said:
            words += ", in floats"
        return words


def _pair(worst: Entry) -> tuple[str, str]:
    """Two numbers to one digit beyond where they part, four digits at least."""
    apart, size = abs(worst.given - worst.right), max(abs(worst.given), abs(worst.right))
    plain = not apart or not math.isfinite(apart)
    digits = 3 if plain else min(16, max(3, math.ceil(math.log10(size / apart)) + 1))
    return f"{worst.given:.{digits}e}", f"{worst.right:.{digits}e}"


def _same(ratio: float | None, other: float) -> bool:
    return ratio is not None and math.isclose(ratio, other, rel_tol=10 * SAME)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _wrapped(line: str) -> str:
    return textwrap.fill(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
