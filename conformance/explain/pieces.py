"""What a formula is made of: text and numbers with symbols, one list for both ways of writing it.

A number is written as it is if it is short, else to six digits, or to more to tell two apart. Left
out: the formulas (`formulas.py`).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.model import updates
from conformance.model.row import MASK, REDUCED
from conformance.model.table import rows
from reference.step import split
from reference.updates import OLD

SIX, SHORT = 6, 7
ALL = 17  # digits that tell any two floats apart
NBSP = "\N{NO-BREAK SPACE}"
PLUS = " + "  # where a line may be broken
MOST = 4  # terms of a sum that are written out; of a longer one, one less

SYMBOLS = {
    **{row.quantity.name: row.quantity.symbol for row in rows(2).values()},
    **{f"{REDUCED}{each}": f"R{each}" for each in "bw"},
    **updates.SYMBOLS,
    MASK: "r",
    **{f"{OLD}{name}": symbol for name, symbol in updates.SYMBOLS.items()},
}


@dataclass(frozen=True)
class Operand:
    """A number of a formula, by its symbol."""

    symbol: str
    value: float


Piece = str | Operand
Pieces = list[Piece]

DOT = "·"
"""A product: a space between symbols, a dot between numbers."""


def word(name: str) -> str:
    """The name of a quantity as it is written: δ2 for `delta2`."""
    quantity, layer = split(name)
    return f"{SYMBOLS.get(quantity, quantity)}{layer or ''}"


def worded(said: str) -> str:
    """Words with the names of quantities in them as they are written."""
    return re.sub(r"\b(?:delta|nabla_[bw])\d+\b", lambda name: word(name[0]), said)


def symbol(name: str, shape: tuple[int, ...], index: tuple[int, ...]) -> str:
    """The entry as it is written: no index where there is one entry, no sample where m is 1."""
    if np.prod(shape) == 1:
        return word(name)
    single = split(name)[0] != "w" and not split(name)[0].endswith("_w") and shape[1] == 1
    return f"{word(name)}[{','.join(map(str, index[: 1 if single else 2]))}]"


def text(pieces: Sequence[Piece], *, symbols: bool = True) -> str:
    """The formula in symbols or in numbers; what must not be broken holds no-break spaces."""
    parts: list[str] = []
    for piece in pieces:
        if piece == DOT:
            parts.append(NBSP if symbols else f"{NBSP}·{NBSP}")
        elif isinstance(piece, str):
            parts.append(piece if piece == PLUS else piece.replace(" ", NBSP))
        elif symbols:
            parts.append(piece.symbol)
        else:
            number = written(piece.value)
            inner = bool(parts) and not parts[-1].endswith(("(", "[", "^"))
            parts.append(f"({number})" if inner and number.startswith("−") else number)
    return "".join(parts)


def operands(pieces: Sequence[Piece]) -> tuple[Operand, ...]:
    """The numbers that are put in, in their order."""
    return tuple(each for each in pieces if isinstance(each, Operand))


def total(terms: Sequence[Pieces]) -> Pieces:
    """The sum; of a long one the first terms that are not 0 stand for all."""
    shown = terms
    if len(terms) > MOST:
        full = [term for term in terms if all(each.value for each in operands(term))]
        shown = [*full, *terms][: MOST - 1]
    joined = [piece for term in shown for piece in [PLUS, *term]][1:]
    return joined if shown is terms else [*joined, PLUS, f"… ({len(terms)} terms)"]


def written(number: float, digits: int = SIX) -> str:
    """The number in so many significant digits, with a minus that is no hyphen; exact if short."""
    if not math.isfinite(number):
        return str(number).replace("-", "−")
    short = f"{number:.{SHORT}g}"
    text = short if float(short) == number else f"{number:.{digits}g}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def apart(right: float, yours: float) -> tuple[str, str]:
    """Two numbers, to as many digits as tell them apart."""
    for digits in range(SIX, ALL + 1):
        pair = written(right, digits), written(yours, digits)
        if pair[0] != pair[1]:
            return pair
    return pair
