"""One step of the book's network number by number, to 50 digits: neither NumPy, balls nor matrices.

The independent witness of the worked examples. Left out: everything that is no plain sum.
"""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from itertools import product

from conformance.corpus.case import Case
from reference.step import Array

DIGITS = 50


def in_decimals(case: Case, given: Mapping[str, Array]) -> dict[str, Decimal]:
    """Every number of a step, by the symbols of a worked example; `new w2[0,0]` is updated.

    Args:
        case: sizes, cost and rates.
        given: `x`, `y`, `b2`, `w2` … before the step.
    """
    with localcontext() as context:
        context.prec = DIGITS
        return _Step(case, given).all()


class _Step:
    def __init__(self, case: Case, given: Mapping[str, Array]) -> None:
        self.case, self.m, self.last = case, given["x"].shape[1], len(case.sizes)
        self.eta, self.lmbda = Decimal(case.eta), Decimal(case.lmbda)
        self.n = Decimal(case.n)
        self.said: dict[str, Decimal] = {"η": self.eta, "λ": self.lmbda, "n": self.n}
        self.v: dict[tuple[str, int, int, int], Decimal] = {}
        for name, array in given.items():
            word, layer = (name, 1) if name in "xy" else (name[0], int(name[1:]))
            for (i, j), value in _items(array):
                self.put(word, layer, (i, j), Decimal(value), array.shape)

    def put(
        self, word: str, layer: int, at: tuple[int, int], value: Decimal, shape: tuple[int, int]
    ) -> None:
        """Keep a number, by what it is and by its symbol."""
        self.v[word, layer, *at] = value
        i, j = at
        number = "" if word in "xy" else str(layer)
        matrix = word.removeprefix("new ").removeprefix("∇") == "w" or shape[1] > 1
        index = f"[{i},{j}]" if matrix else f"[{i}]"
        self.said[f"{word}{number}{'' if shape == (1, 1) else index}"] = value

    def all(self) -> dict[str, Decimal]:
        for layer in range(2, self.last + 1):
            self.forward(layer)
        self.cost()
        for layer in range(self.last, 1, -1):
            self.backward(layer)
        for layer in range(2, self.last + 1):
            self.update(layer)
        return self.said

    def below(self, layer: int, k: int, s: int) -> Decimal:
        return self.v["x", 1, k, s] if layer == 2 else self.v["a", layer - 1, k, s]

    def forward(self, layer: int) -> None:
        n, shape = self.case.sizes[layer - 1], (self.case.sizes[layer - 1], self.m)
        for j, s in product(range(n), range(self.m)):
            z = self.v["b", layer, j, 0]
            for k in range(self.case.sizes[layer - 2]):
                z += self.v["w", layer, j, k] * self.below(layer, k, s)
            a = 1 / (1 + (-z).exp())
            index = "" if shape == (1, 1) else f"[{j},{s}]" if self.m > 1 else f"[{j}]"
            self.put("z", layer, (j, s), z, shape)
            self.put("a", layer, (j, s), a, shape)
            symbol = f"z{layer}{index}"
            self.said |= {f"−{symbol}": -z, f"σ({symbol})": a, f"σ′({symbol})": a * (1 - a)}

    def cost(self) -> None:
        total = Decimal(0)
        for j, s in product(range(self.case.sizes[-1]), range(self.m)):
            a, y = self.v["a", self.last, j, s], self.v["y", 1, j, s]
            if self.case.cost == "quadratic":
                total += (a - y) * (a - y) / 2
            else:
                total -= y * a.ln() + (1 - y) * (1 - a).ln()
        self.said["C"] = total / self.m

    def backward(self, layer: int) -> None:
        n = self.case.sizes[layer - 1]
        for j, s in product(range(n), range(self.m)):
            a = self.v["a", layer, j, s]
            prime = a * (1 - a)
            if layer == self.last:
                delta = a - self.v["y", 1, j, s]
                delta *= prime if self.case.cost == "quadratic" else 1
            else:
                above = range(self.case.sizes[layer])
                terms = (self.v["w", layer + 1, k, j] * self.v["δ", layer + 1, k, s] for k in above)
                delta = sum(terms, Decimal(0)) * prime
            self.put("δ", layer, (j, s), delta, (n, self.m))

    def update(self, layer: int) -> None:
        n, below, samples = self.case.sizes[layer - 1], self.case.sizes[layer - 2], range(self.m)
        for j in range(n):
            nabla = sum((self.v["δ", layer, j, s] for s in samples), Decimal(0)) / self.m
            self.put("∇b", layer, (j, 0), nabla, (n, 1))
            new = self.v["b", layer, j, 0] - self.eta * nabla
            self.put("new b", layer, (j, 0), new, (n, 1))
        for j, k in product(range(n), range(below)):
            terms = (self.v["δ", layer, j, s] * self.below(layer, k, s) for s in samples)
            nabla = sum(terms, Decimal(0)) / self.m
            self.put("∇w", layer, (j, k), nabla, (n, below))
            kept = 1 - self.eta * self.lmbda / self.n
            new = kept * self.v["w", layer, j, k] - self.eta * nabla
            self.put("new w", layer, (j, k), new, (n, below))


def _items(array: Array) -> list[tuple[tuple[int, int], float]]:
    rows, columns = array.shape
    return [((i, j), float(array[i, j])) for i, j in product(range(rows), range(columns))]
