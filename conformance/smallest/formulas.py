"""The book's equations entry by entry: as symbols, and with numbers put in.

A formula is a list of pieces, text and operands; the same list gives both writings. Left out: where
the numbers come from (`exactly.py`), and how a line is laid out (`lines.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.corpus.case import Case
from conformance.smallest.digits import written
from reference.step import Array, split

NBSP = "\N{NO-BREAK SPACE}"
PLUS = " + "  # where a line may be broken
MOST = 4  # terms of a sum that are written out; of a longer one, one less

INFIX = {"delta": "δ", "nabla_b": "∇b", "nabla_w": "∇w", "cost": "C"}


@dataclass(frozen=True)
class Operand:
    """A number of a formula, by its symbol."""

    symbol: str
    value: float


Piece = str | Operand
Pieces = list[Piece]

DOT = "·"
"""A product: a space between symbols, a dot between numbers."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """All that enters the equations of a step, as floats.

    Attributes:
        case: cost and rates.
        before: `x`, `y`, and `b2`, `w2` … before the update.
        entering: each quantity as it enters the equations after it.
        sigma: σ(z) of the z that enter, by layers.
        prime: σ′(z) of them.
    """

    case: Case
    before: dict[str, Array]
    entering: dict[str, Array]
    sigma: dict[int, Array]
    prime: dict[int, Array]

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return int(self.before["x"].shape[1])

    def operand(self, name: str, *index: int) -> Operand:
        """An entry of what enters; of a weight or bias, of before the update."""
        name = "x" if name == "a1" else name
        array = self.before[name] if name in self.before else self.entering[name]
        return Operand(symbol(name, array.shape, index), float(array[index]))


def word(name: str) -> str:
    """The name of a quantity as it is written: δ2 for `delta2`."""
    quantity, layer = split(name)
    return f"{INFIX.get(quantity, quantity)}{layer or ''}"


def symbol(name: str, shape: tuple[int, ...], index: tuple[int, ...]) -> str:
    """The entry as it is written: no index where there is one entry, no sample where m is 1."""
    if np.prod(shape) == 1:
        return word(name)
    single = split(name)[0] not in ("w", "nabla_w") and shape[1] == 1
    return f"{word(name)}[{','.join(map(str, index[: 1 if single else 2]))}]"


def formula(name: str, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    """The right side of the equation that gives an entry of a quantity."""
    quantity, layer = split(name)
    if quantity == "cost" or layer is None:
        return _cost(numbers)
    return _RULES[quantity](layer, index, numbers)


def sigma_prime(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    """σ(z) (1 − σ(z)), the right side of σ′(z)."""
    sigma = _sigma(layer, index, numbers)
    return [sigma, DOT, "(1 − ", sigma, ")"]


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


def _z(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    j, s = index
    below = range(numbers.case.sizes[layer - 2])
    terms: list[Pieces] = [
        [numbers.operand(f"w{layer}", j, k), DOT, numbers.operand(f"a{layer - 1}", k, s)]
        for k in below
    ]
    return [*_total(terms), PLUS, numbers.operand(f"b{layer}", j, 0)]


def _a(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    z = numbers.operand(f"z{layer}", *index)
    return ["1 / (1 + e^", Operand(f"−{z.symbol}", -z.value), ")"]


def _cost(numbers: Numbers) -> Pieces:
    output, m = f"a{numbers.case.layers}", numbers.m
    quadratic = numbers.case.cost == "quadratic"
    term = _square if quadratic else _entropy
    terms = [
        term(numbers.operand(output, *index), numbers.operand("y", *index))
        for index in map(tuple, np.ndindex(numbers.entering[output].shape))
    ]
    if quadratic:
        divided = " / 2" if m == 1 else f" / (2 · {m})"
        return [*_total(terms), divided] if len(terms) == 1 else ["[", *_total(terms), "]", divided]
    return ["−[", *_total(terms), "]", "" if m == 1 else f" / {m}"]


def _square(a: Operand, y: Operand) -> Pieces:
    return ["(", a, " − ", y, ")²"]


def _entropy(a: Operand, y: Operand) -> Pieces:
    return [y, DOT, "ln(", a, ")", PLUS, "(1 − ", y, ")", DOT, "ln(1 − ", a, ")"]


def _delta(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    j, s = index
    prime = _prime(layer, index, numbers)
    if layer == numbers.case.layers:
        a, y = numbers.operand(f"a{layer}", *index), numbers.operand("y", *index)
        quadratic = numbers.case.cost == "quadratic"
        return ["(", a, " − ", y, ")", DOT, prime] if quadratic else [a, " − ", y]
    terms: list[Pieces] = [
        [numbers.operand(f"w{layer + 1}", k, j), DOT, numbers.operand(f"delta{layer + 1}", k, s)]
        for k in range(numbers.case.sizes[layer])
    ]
    if len(terms) == 1:
        return [*terms[0], DOT, prime]
    return ["(", *_total(terms), ")", DOT, prime]


def _nabla_b(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    j, _ = index
    return _mean([[numbers.operand(f"delta{layer}", j, s)] for s in range(numbers.m)])


def _nabla_w(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    j, k = index
    return _mean(
        [
            [numbers.operand(f"delta{layer}", j, s), DOT, numbers.operand(f"a{layer - 1}", k, s)]
            for s in range(numbers.m)
        ]
    )


def _b(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    b, nabla = numbers.operand(f"b{layer}", *index), numbers.operand(f"nabla_b{layer}", *index)
    return [b, " − ", Operand("η", numbers.case.eta), DOT, nabla]


def _w(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    w, nabla = numbers.operand(f"w{layer}", *index), numbers.operand(f"nabla_w{layer}", *index)
    eta, lmbda = Operand("η", numbers.case.eta), Operand("λ", numbers.case.lmbda)
    n = Operand("n", numbers.case.n)
    decayed: Pieces = ["(1 − ", eta, DOT, lmbda, " / ", n, ")", DOT] if numbers.case.lmbda else []
    return [*decayed, w, " − ", eta, DOT, nabla]


_RULES: dict[str, Callable[[int, tuple[int, ...], Numbers], Pieces]] = {
    "z": _z,
    "a": _a,
    "delta": _delta,
    "nabla_b": _nabla_b,
    "nabla_w": _nabla_w,
    "b": _b,
    "w": _w,
}


def _sigma(layer: int, index: tuple[int, ...], numbers: Numbers) -> Operand:
    z = numbers.operand(f"z{layer}", *index)
    return Operand(f"σ({z.symbol})", float(numbers.sigma[layer][index]))


def _prime(layer: int, index: tuple[int, ...], numbers: Numbers) -> Operand:
    z = numbers.operand(f"z{layer}", *index)
    return Operand(f"σ′({z.symbol})", float(numbers.prime[layer][index]))


def _mean(terms: list[Pieces]) -> Pieces:
    m = len(terms)
    return terms[0] if m == 1 else ["(", *_total(terms), f") / {m}"]


def _total(terms: list[Pieces]) -> Pieces:
    """The sum, of which a long one is abbreviated."""
    shown = terms if len(terms) <= MOST else terms[: MOST - 1]
    joined = [piece for term in shown for piece in [PLUS, *term]][1:]
    return joined if shown is terms else [*joined, PLUS, f"… ({len(terms)} terms)"]
