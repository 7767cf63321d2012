"""The equations of the table entry by entry: as symbols, and with numbers put in.

A formula is one list of pieces, text and numbers with symbols, for both ways of writing it. A
number is written as it is if it is short, else to six digits, or to more to tell two apart. Left
out: where the numbers come from (`worked.py`), and how a line is laid out (`step_lines.py`).
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from conformance.corpus.case import Case
from conformance.model import update_kinds as updates
from conformance.model.formula import Tree
from conformance.model.row import MASK, REDUCED
from conformance.model.table import rows
from reference.step import Array, split
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


CONSTANTS = {"mu": "μ", "rho": "ρ", "epsilon": "ε"}
RATES = {"eta": "η", "lmbda": "λ", "n": "n", **CONSTANTS}
FUNCTIONS = {"log": "ln", "maximum": "max", "sqrt": "√"}
"""Functions whose name is written otherwise than NumPy has it."""

SIGNS = {"+": PLUS, "-": " − ", ">": " > "}

SUM, PRODUCT, WHOLE = range(3)
"""How firmly the parts of a formula hold together."""

Written = tuple[Pieces, int]


@dataclass(frozen=True, eq=False)
class Numbers:
    """All that enters the equations of a step, as floats.

    Attributes:
        case: cost and rates.
        values: each quantity as it enters the equations after it, `b2`, `w2` … as they are before
            the update; `f2` and `prime2` are f(z) and f′(z) of the z that enters.
    """

    case: Case
    values: dict[str, Array]

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return int(self.values["x"].shape[1])

    def operand(self, name: str, index: Sequence[int]) -> Operand:
        """An entry of what enters, or of a bias that is added to every column."""
        array, (quantity, layer) = self.values[name], split(name)
        places = index if array.ndim else ()  # the count of the steps is one number
        at = tuple(min(i, size - 1) for i, size in zip(places, array.shape, strict=True))
        if quantity not in ("f", "prime"):
            return Operand(symbol(name, array.shape, at), float(array[at]))
        f = self.case.rows[f"a{layer}"].activation.symbol
        of = symbol(f"z{layer}", array.shape, at)
        if not f:
            return Operand(of, float(array[at]))
        return Operand(f"{f}{'′' * (quantity == 'prime')}({of})", float(array[at]))

    def formula(self, tree: Tree, at: Sequence[int]) -> Pieces:
        """An entry of what a tree gives."""
        return self.written(tree, at)[0]

    def written(self, tree: Tree, at: Sequence[int]) -> Written:
        """The same, and how firmly its pieces hold together."""
        if isinstance(tree, int) or tree == "m":
            return [str(self.m if tree == "m" else tree)], WHOLE
        if isinstance(tree, str):
            return [self.rate(tree) or self.operand(tree, at)], WHOLE
        operator, *operands = tree
        if operator in _SUMS:
            return self.total(str(operator), operands, at)
        if operator == "T":
            return self.written(operands[0], at[::-1])
        if operator == "if":
            condition, *choices = operands
            return self.written(choices[not getattr(self.case, str(condition))], at)
        return _joined(str(operator), [self.written(each, at) for each in operands])

    def rate(self, name: str) -> Operand | None:
        """A rate of the case or a constant of its update; None of anything else."""
        if name in CONSTANTS:
            return Operand(RATES[name], dict(self.case.constants)[name])
        return Operand(RATES[name], getattr(self.case, name)) if name in RATES else None

    def total(self, operator: str, operands: Sequence[Tree], at: Sequence[int]) -> Written:
        """A sum of entries: of all, of a row, or of the products of a row and a column."""
        shape = self.shape(operands[0])
        if operator == "@":
            pairs = (((at[0], k), (k, at[1])) for k in range(shape[1]))
            terms = [
                _joined("*", [self.written(o, i) for o, i in zip(operands, pair, strict=True)])
                for pair in pairs
            ]
        else:
            lines = {
                "sum1": ((at[0], s) for s in range(shape[1])),
                "sum0": ((k, at[1]) for k in range(shape[0])),
            }
            row = lines.get(operator, np.ndindex(shape))
            terms = [self.written(operands[0], index) for index in row]
        if len(terms) == 1:
            return terms[0]
        return total([pieces for pieces, _ in terms]), SUM

    def shape(self, tree: Tree) -> tuple[int, int]:
        """The rows and columns of a tree; 1 of each of a number."""
        if isinstance(tree, int) or tree in ("m", *RATES):
            return 1, 1
        if isinstance(tree, str):
            shape = self.values[tree].shape
            return shape if len(shape) == 2 else (1, 1)  # noqa: PLR2004 - a matrix
        shapes = [self.shape(each) for each in tree[1:]]
        if tree[0] == "T":
            return shapes[0][::-1]
        return max(shapes, key=prod)


_SUMS = ("@", "sum", "sum0", "sum1")


def _joined(operator: str, operands: Sequence[Written]) -> Written:
    """The pieces of an operator and its operands."""
    left, right = operands[0], operands[-1]
    if operator == "neg":
        return _negative(left)
    if operator in SIGNS:
        sign = SIGNS[operator]
        after = _within(right, PRODUCT) if operator == "-" else right[0]
        return [*left[0], sign, *after], SUM
    if operator in ("*", "/"):
        return _product(operator, left, right)
    if operator == "**":
        power = ["²"] if right[0] == ["2"] else ["^", *_within(right, WHOLE)]
        return [*_within(left, WHOLE), *power], WHOLE
    if operator == "exp":
        return ["e^", *_within(left, WHOLE)], WHOLE
    arguments = [piece for each in operands for piece in (", ", *each[0])][1:]
    return [f"{FUNCTIONS.get(operator, operator)}(", *arguments, ")"], WHOLE


def _product(operator: str, left: Written, right: Written) -> Written:
    if right[0] == ["1"]:  # m, of one sample
        return left
    before = _within(left, PRODUCT)
    if operator == "/":
        return [*before, " / ", *_within(right, WHOLE)], PRODUCT
    plain = all(isinstance(each, str) for each in (*left[0], *right[0]))
    return [*before, " · " if plain else DOT, *_within(right, PRODUCT)], PRODUCT


def _negative(of: Written) -> Written:
    (first, *rest), _ = of
    if isinstance(first, Operand) and not rest:
        return [Operand(f"−{first.symbol}", -first.value)], WHOLE
    return ["−", *_within(of, PRODUCT)], PRODUCT


def _within(of: Written, least: int) -> Pieces:
    """The pieces, in parentheses if they hold together less firmly; brackets around those."""
    pieces, binding = of
    if binding >= least:
        return pieces
    opened, closed = "[]" if _has_parentheses(pieces) else "()"
    return [opened, *pieces, closed]


def _has_parentheses(pieces: Iterable[object]) -> bool:
    return any(isinstance(each, str) and each.endswith("(") for each in pieces)
