"""The book's equations entry by entry: as symbols, and with numbers put in.

Left out: how pieces become text (`pieces.py`), where the numbers come from (`exactly.py`), and how
a line is laid out (`lines.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from conformance.corpus.case import Case
from conformance.smallest.pieces import DOT, PLUS, Operand, Pieces, symbol, total
from reference.step import Array, split


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


def _z(layer: int, index: tuple[int, ...], numbers: Numbers) -> Pieces:
    j, s = index
    below = range(numbers.case.sizes[layer - 2])
    terms: list[Pieces] = [
        [numbers.operand(f"w{layer}", j, k), DOT, numbers.operand(f"a{layer - 1}", k, s)]
        for k in below
    ]
    return [*total(terms), PLUS, numbers.operand(f"b{layer}", j, 0)]


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
        return [*total(terms), divided] if len(terms) == 1 else ["[", *total(terms), "]", divided]
    return ["−[", *total(terms), "]", "" if m == 1 else f" / {m}"]


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
    return ["(", *total(terms), ")", DOT, prime]


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
    return terms[0] if m == 1 else ["(", *total(terms), f") / {m}"]
