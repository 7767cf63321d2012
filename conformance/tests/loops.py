"""One step in plain loops over decimals, a number at a time, and known mistakes made in it.

Nothing here is taken from `reference` or from the catalogue. Left out: sizes other than given.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import cached_property
from itertools import product
from typing import Any

Vector = list[Decimal]
Matrix = list[Vector]
Table = dict[int, Matrix]  # by layer


class Hand:
    """The book's step by hand; arrays are lists of rows, samples are columns."""

    def __init__(
        self,
        parameters: tuple[Table, Table],
        batch: tuple[Matrix, Matrix],
        rates: tuple[Decimal, Decimal, int],
        before: "Hand | None" = None,
        cost: str = "quadratic",
    ) -> None:
        """Take w and b by layer, x and y, (η, λ, n), and the step before."""
        self.quadratic = cost == "quadratic"
        self.w, self.b = parameters
        self.x, self.y = batch
        self.eta, self.lmbda, self.n = rates
        self.before = before
        self.m, self.last = len(self.x[0]), max(self.w)

    def size(self, layer: int) -> int:
        return len(self.x) if layer == 1 else len(self.w[layer])

    def table(self, layer: int, columns: int, entry: Callable[[int, int, int], Decimal]) -> Matrix:
        return [[entry(layer, j, i) for i in range(columns)] for j in range(self.size(layer))]

    @cached_property
    def zs(self) -> Table:
        return self.upwards[0]

    @cached_property
    def activations(self) -> Table:
        return self.upwards[1]

    @cached_property
    def upwards(self) -> tuple[Table, Table]:
        zs: Table = {}
        self.rising = {1: self.x}
        for layer in range(2, self.last + 1):
            zs[layer] = self.table(layer, self.m, self.z)
            self.rising[layer] = [[self.a(z) for z in row] for row in zs[layer]]
        return zs, self.rising

    @cached_property
    def deltas(self) -> Table:
        self.falling = {self.last: self.table(self.last, self.m, self.output_delta)}
        for layer in range(self.last - 1, 1, -1):
            self.falling[layer] = self.table(layer, self.m, self.hidden_delta)
        return self.falling

    def z(self, layer: int, j: int, i: int) -> Decimal:
        below = self.rising[layer - 1]
        terms = (self.w[layer][j][k] * below[k][i] for k in range(len(below)))
        return sum(terms, self.b[layer][j][0])

    def a(self, z: Decimal) -> Decimal:
        return 1 / (1 + (-z).exp())

    def slope(self, layer: int, j: int, i: int) -> Decimal:
        s = self.activations[layer][j][i]
        return s * (1 - s)

    def error(self, j: int, i: int) -> Decimal:
        return self.activations[self.last][j][i] - self.y[j][i]

    def cost(self) -> Decimal:
        pairs = product(range(self.size(self.last)), range(self.m))
        return sum((self.cost_of(j, i) for j, i in pairs), Decimal(0)) / self.m

    def cost_of(self, j: int, i: int) -> Decimal:
        if self.quadratic:
            return self.error(j, i) ** 2 / 2
        a, y = self.activations[self.last][j][i], self.y[j][i]
        return -(y * a.ln() + (1 - y) * (1 - a).ln())

    def output_delta(self, layer: int, j: int, i: int) -> Decimal:
        return self.error(j, i) * (self.slope(layer, j, i) if self.quadratic else 1)

    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        above = self.falling[layer + 1]
        terms = (self.w[layer + 1][k][j] * above[k][i] for k in range(len(above)))
        return sum(terms, Decimal(0))

    def hidden_delta(self, layer: int, j: int, i: int) -> Decimal:
        return self.sent_back(layer, j, i) * self.slope(layer, j, i)

    def samples(self) -> list[int]:
        return list(range(self.m))

    def nabla_b(self, layer: int, j: int, _k: int) -> Decimal:
        return sum((self.deltas[layer][j][i] for i in self.samples()), Decimal(0)) / self.m

    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        below = self.activations[layer - 1][k]
        terms = (self.deltas[layer][j][i] * below[i] for i in self.samples())
        return sum(terms, Decimal(0)) / self.m

    def rate(self) -> Decimal:
        return self.eta

    def decay(self) -> Decimal:
        return self.lmbda / self.n

    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return self.b[layer][j][0] - self.rate() * self.nabla_b(layer, j, 0)

    def new_w(self, layer: int, j: int, k: int) -> Decimal:
        w = self.w[layer][j][k]
        return w - self.eta * self.decay() * w - self.rate() * self.nabla_w(layer, j, k)

    def named(self) -> dict[str, Matrix]:
        """Every quantity, the cost as a matrix of one entry."""
        found: dict[str, Matrix] = {"cost": [[self.cost()]]}
        for layer in range(2, self.last + 1):
            below = self.size(layer - 1)
            found[f"z{layer}"] = self.zs[layer]
            found[f"a{layer}"] = self.activations[layer]
            found[f"delta{layer}"] = self.deltas[layer]
            found[f"nabla_b{layer}"] = self.table(layer, 1, self.nabla_b)
            found[f"nabla_w{layer}"] = self.table(layer, below, self.nabla_w)
            found[f"b{layer}"] = self.table(layer, 1, self.new_b)
            found[f"w{layer}"] = self.table(layer, below, self.new_w)
        return found


class SigmaForSigmaPrime(Hand):
    def slope(self, layer: int, j: int, i: int) -> Decimal:
        return self.activations[layer][j][i]


class RawErrorSentBack(Hand):
    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        if layer < self.last - 1:
            return super().sent_back(layer, j, i)
        terms = (self.w[self.last][k][j] * self.error(k, i) for k in range(self.size(self.last)))
        return sum(terms, Decimal(0))


class WeightsBackwards(Hand):
    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        w, above = self.w[self.last + 1 - layer], self.falling[layer + 1]
        return sum((w[k][j] * above[k][i] for k in range(len(above))), Decimal(0))


class OneLayerNotDivided(Hand):
    def nabla_b(self, layer: int, j: int, k: int) -> Decimal:
        return super().nabla_b(layer, j, k) * (self.m if layer == self.last else 1)

    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        return super().nabla_w(layer, j, k) * (self.m if layer == self.last else 1)


class L2LeftOut(Hand):
    def decay(self) -> Decimal:
        return Decimal(0)


class SigmoidSign(Hand):
    def a(self, z: Decimal) -> Decimal:
        return 1 / (1 + z.exp())


class TanhForSigma(Hand):
    def a(self, z: Decimal) -> Decimal:
        return (z.exp() - (-z).exp()) / (z.exp() + (-z).exp())

    def slope(self, layer: int, j: int, i: int) -> Decimal:
        return 1 - self.a(self.zs[layer][j][i]) ** 2


class CostWithoutHalf(Hand):
    def cost_of(self, j: int, i: int) -> Decimal:
        return 2 * super().cost_of(j, i) if self.quadratic else super().cost_of(j, i)


class MeanOverOutputs(Hand):
    def cost_of(self, j: int, i: int) -> Decimal:
        return super().cost_of(j, i) / len(self.y)

    def output_delta(self, layer: int, j: int, i: int) -> Decimal:
        return super().output_delta(layer, j, i) / len(self.y)


class Bp1NoSigmaPrime(Hand):
    def output_delta(self, _layer: int, j: int, i: int) -> Decimal:
        return self.error(j, i)


class QuadraticDeltaOnCrossEntropy(Hand):
    def output_delta(self, layer: int, j: int, i: int) -> Decimal:
        return self.error(j, i) * self.slope(layer, j, i)


class SigmaPrimeOfA(Hand):
    def slope(self, layer: int, j: int, i: int) -> Decimal:
        s = self.a(self.activations[layer][j][i])
        return s * (1 - s)


class XOneMinusXOfZ(Hand):
    def slope(self, layer: int, j: int, i: int) -> Decimal:
        return self.zs[layer][j][i] * (1 - self.zs[layer][j][i])


class Bp2NoTranspose(Hand):
    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        above = self.falling[layer + 1]
        terms = (self.w[layer + 1][j][k] * above[k][i] for k in range(len(above)))
        return sum(terms, Decimal(0))


class Bp2WrongLayer(Hand):
    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        above = self.falling[layer + 1]
        return sum((self.w[layer][k][j] * above[k][i] for k in range(len(above))), Decimal(0))


class UpdateBeforeBp2(Hand):
    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        above, a = self.falling[layer + 1], self.activations[layer]
        total = Decimal(0)
        for k in range(len(above)):
            w = self.w[layer + 1][k][j]
            nabla = sum((above[k][s] * a[j][s] for s in range(self.m)), Decimal(0)) / self.m
            total += (w - self.eta * self.lmbda / self.n * w - self.eta * nabla) * above[k][i]
        return total


class Bp3SummedOverAll(Hand):
    def nabla_b(self, layer: int, _j: int, _k: int) -> Decimal:
        return sum((each for row in self.deltas[layer] for each in row), Decimal(0)) / self.m


class Bp3MeanForSum(Hand):
    def nabla_b(self, layer: int, j: int, _k: int) -> Decimal:
        return super().nabla_b(layer, j, 0) / self.m


class Bp4Transposed(Hand):
    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        return super().nabla_w(layer, k, j)


class Bp4OwnActivation(Hand):
    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        pairs = zip(self.deltas[layer][j], self.activations[layer][k], strict=True)
        return sum((delta * a for delta, a in pairs), Decimal(0)) / self.m


class Bp4NoDelta(Hand):
    def nabla_w(self, layer: int, _j: int, k: int) -> Decimal:
        return sum(self.activations[layer - 1][k], Decimal(0)) / self.m


class LastSampleOnly(Hand):
    def samples(self) -> list[int]:
        return [self.m - 1]


class LastSampleSkipped(Hand):
    def samples(self) -> list[int]:
        return list(range(self.m - 1))


class BiasMovesByItself(Hand):
    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return self.b[layer][j][0] * (1 - self.eta)


class L2OnBiases(Hand):
    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return super().new_b(layer, j, 0) - self.eta * self.lmbda / self.n * self.b[layer][j][0]


class L2AfterStep(Hand):
    def new_w(self, layer: int, j: int, k: int) -> Decimal:
        stepped = self.w[layer][j][k] - self.eta * self.nabla_w(layer, j, k)
        return stepped - self.eta * self.lmbda / self.n * stepped


class L2WithoutN(Hand):
    def decay(self) -> Decimal:
        return self.lmbda


class L2OverM(Hand):
    def decay(self) -> Decimal:
        return self.lmbda / self.m


class L2Doubled(Hand):
    def decay(self) -> Decimal:
        return 2 * self.lmbda / self.n


class L2Halved(Hand):
    def decay(self) -> Decimal:
        return self.lmbda / self.n / 2


class L2Sign(Hand):
    def decay(self) -> Decimal:
        return -self.lmbda / self.n


class NoBatchMean(Hand):
    def rate(self) -> Decimal:
        return self.eta * self.m


class GradientsClipped(Hand):
    def clipped(self, nabla: Decimal) -> Decimal:
        return min(max(nabla, Decimal(-1)), Decimal(1))

    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return self.b[layer][j][0] - self.eta * self.clipped(self.nabla_b(layer, j, 0))

    def new_w(self, layer: int, j: int, k: int) -> Decimal:
        w = self.w[layer][j][k]
        moved = self.eta * self.clipped(self.nabla_w(layer, j, k))
        return w - self.eta * self.decay() * w - moved


class LossScaleKept(Hand):
    def rate(self) -> Decimal:
        return self.eta * 1024


class DividedByN(Hand):
    def rate(self) -> Decimal:
        return self.eta * self.m / self.n


class DividedTwice(Hand):
    def rate(self) -> Decimal:
        return self.eta / self.m


class IntegerEta(Hand):
    def rate(self) -> Decimal:
        return Decimal(int(self.eta) // self.m * self.m)


class RemainderNominalSize(Hand):
    def rate(self) -> Decimal:
        return self.eta * self.m / 3


class Ascends(Hand):
    def rate(self) -> Decimal:
        return -self.eta


class BiasAscends(Hand):
    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return self.b[layer][j][0] + self.eta * self.nabla_b(layer, j, 0)


class BiasFrozen(Hand):
    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return self.b[layer][j][0]


class UpdateNotAssigned(Hand):
    def new_w(self, layer: int, j: int, k: int) -> Decimal:
        return self.w[layer][j][k]


class RemainderDropped(Hand):
    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        return super().new_b(layer, j, 0) if self.m == 3 else self.b[layer][j][0]

    def new_w(self, layer: int, j: int, k: int) -> Decimal:
        return super().new_w(layer, j, k) if self.m == 3 else self.w[layer][j][k]


class DeltaNegated(Hand):
    def output_delta(self, layer: int, j: int, i: int) -> Decimal:
        return -super().output_delta(layer, j, i)


class DeltaWithoutHalf(Hand):
    def output_delta(self, layer: int, j: int, i: int) -> Decimal:
        return 2 * self.error(j, i) * self.slope(layer, j, i)


class DeltaOverM(Hand):
    def output_delta(self, layer: int, j: int, i: int) -> Decimal:
        return super().output_delta(layer, j, i) / self.m


class Bp2NoSigmaPrime(Hand):
    def hidden_delta(self, layer: int, j: int, i: int) -> Decimal:
        return self.sent_back(layer, j, i)


class Bp2StopsEarly(Hand):
    def hidden_delta(self, layer: int, j: int, i: int) -> Decimal:
        return Decimal(0) if layer == 2 else super().hidden_delta(layer, j, i)


class Bp2LayerAbove(Hand):
    def sent_back(self, layer: int, j: int, i: int) -> Decimal:
        above, w = self.falling[layer + 1], self.w[min(layer + 2, self.last)]
        return sum((w[k][j] * above[k][i] for k in range(len(above))), Decimal(0))


class Bp3SumForMean(Hand):
    def nabla_b(self, layer: int, j: int, _k: int) -> Decimal:
        return sum(self.deltas[layer][j], Decimal(0))


class SumsForMeans(Bp3SumForMean):
    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        return super().nabla_w(layer, j, k) * self.m


class SumsShown(SumsForMeans):
    def rate(self) -> Decimal:
        return self.eta / self.m


class Bp4WeightItself(Hand):
    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        return self.w[layer][j][k]


class Bp4WeightedInputBelow(Hand):
    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        below = self.zs[layer - 1][k] if layer > 2 else self.x[k]
        pairs = zip(self.deltas[layer][j], below, strict=True)
        return sum((delta * z for delta, z in pairs), Decimal(0)) / self.m


class L2InCost(Hand):
    def cost(self) -> Decimal:
        entries = (each for rows in self.w.values() for row in rows for each in row)
        squares = sum((each**2 for each in entries), Decimal(0))
        return super().cost() + self.lmbda / (2 * self.n) * squares


class Uint8Wraps(Hand):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.x = [[Decimal(int(each * 256) % 256) / 256 for each in row] for row in self.x]


class AliasedLayers(Hand):
    def new_w(self, _layer: int, j: int, k: int) -> Decimal:
        return super().new_w(self.last, j, k)


class ZAccumulates(Hand):
    def z(self, layer: int, j: int, i: int) -> Decimal:
        kept = self.before is not None and self.before.m == self.m
        left = self.before.zs[layer][j][i] if self.before and kept else Decimal(0)
        return left + super().z(layer, j, i)


class GradientsAccumulate(Hand):
    def nabla_b(self, layer: int, j: int, _k: int) -> Decimal:
        left = self.before.nabla_b(layer, j, 0) * self.before.m if self.before else Decimal(0)
        return super().nabla_b(layer, j, 0) + left / self.m

    def nabla_w(self, layer: int, j: int, k: int) -> Decimal:
        left = self.before.nabla_w(layer, j, k) * self.before.m if self.before else Decimal(0)
        return super().nabla_w(layer, j, k) + left / self.m


class MomentumLeftOn(Hand):
    def new_b(self, layer: int, j: int, _k: int) -> Decimal:
        moved = self.b[layer][j][0] - self.before.b[layer][j][0] if self.before else Decimal(0)
        return super().new_b(layer, j, 0) + Decimal("0.9") * moved

    def new_w(self, layer: int, j: int, k: int) -> Decimal:
        moved = self.w[layer][j][k] - self.before.w[layer][j][k] if self.before else Decimal(0)
        return super().new_w(layer, j, k) + Decimal("0.9") * moved


class LabelOffByOne(Hand):
    def error(self, j: int, i: int) -> Decimal:
        return self.activations[self.last][j][i] - self.y[j - 1][i]


class XAndYShuffledApart(Hand):
    def error(self, j: int, i: int) -> Decimal:
        return self.activations[self.last][j][i] - self.y[j][(i + 1) % self.m]


class ShuffleDuplicatesRows(Hand):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if self.m > 1:
            self.x, self.y = (
                [[row[0], row[0], *row[2:]] for row in rows] for rows in (self.x, self.y)
            )


class Pixels255(Hand):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.x = [[each * 256 / 255 for each in row] for row in self.x]


class UpdateInsideSampleLoop(Hand):
    """A loop over the samples, each of which moves the parameters; the decay comes after it."""

    @cached_property
    def walked(self) -> list[Hand]:
        w, b, passed = self.w, self.b, []
        for i in range(self.m):
            column = [[row[i]] for row in self.x], [[row[i]] for row in self.y]
            one = Hand((w, b), column, (self.eta / self.m, Decimal(0), self.n))
            passed.append(one)
            after = one.named()
            w = {layer: after[f"w{layer}"] for layer in w}
            b = {layer: after[f"b{layer}"] for layer in b}
        return passed

    def z(self, layer: int, j: int, i: int) -> Decimal:
        return self.walked[i].zs[layer][j][0]

    def hidden_delta(self, layer: int, j: int, i: int) -> Decimal:
        return self.walked[i].deltas[layer][j][0]


KNOWN: dict[str, type[Hand]] = {
    "l2-left-out": L2LeftOut,
    "one-layer-not-divided": OneLayerNotDivided,
    "raw-error-sent-back": RawErrorSentBack,
    "sigma-for-sigma-prime": SigmaForSigmaPrime,
    "weights-backwards": WeightsBackwards,
    "aliased-layers": AliasedLayers,
    "ascends": Ascends,
    "bias-ascends": BiasAscends,
    "bias-frozen": BiasFrozen,
    "bias-moves-by-itself": BiasMovesByItself,
    "bp1-no-sigma-prime": Bp1NoSigmaPrime,
    "bp2-layer-above": Bp2LayerAbove,
    "bp2-no-sigma-prime": Bp2NoSigmaPrime,
    "bp2-no-transpose": Bp2NoTranspose,
    "bp2-stops-early": Bp2StopsEarly,
    "bp2-wrong-layer": Bp2WrongLayer,
    "bp3-mean-for-sum": Bp3MeanForSum,
    "bp3-sum-for-mean": Bp3SumForMean,
    "bp3-summed-over-all": Bp3SummedOverAll,
    "bp4-no-delta": Bp4NoDelta,
    "bp4-own-activation": Bp4OwnActivation,
    "bp4-transposed": Bp4Transposed,
    "bp4-weight-itself": Bp4WeightItself,
    "bp4-weighted-input-below": Bp4WeightedInputBelow,
    "cost-without-half": CostWithoutHalf,
    "cross-entropy-delta-on-quadratic": Bp1NoSigmaPrime,
    "delta-negated": DeltaNegated,
    "delta-over-m": DeltaOverM,
    "delta-without-half": DeltaWithoutHalf,
    "divided-by-n": DividedByN,
    "divided-twice": DividedTwice,
    "gradients-accumulate": GradientsAccumulate,
    "integer-eta": IntegerEta,
    "l2-after-step": L2AfterStep,
    "l2-doubled": L2Doubled,
    "l2-halved": L2Halved,
    "l2-in-cost": L2InCost,
    "l2-on-biases": L2OnBiases,
    "l2-over-m": L2OverM,
    "l2-sign": L2Sign,
    "l2-without-n": L2WithoutN,
    "label-off-by-one": LabelOffByOne,
    "last-sample-only": LastSampleOnly,
    "last-sample-skipped": LastSampleSkipped,
    "loss-scale-kept": LossScaleKept,
    "mean-over-outputs": MeanOverOutputs,
    "momentum-left-on": MomentumLeftOn,
    "gradients-clipped": GradientsClipped,
    "no-batch-mean": NoBatchMean,
    "pixels-255": Pixels255,
    "quadratic-delta-on-cross-entropy": QuadraticDeltaOnCrossEntropy,
    "remainder-dropped": RemainderDropped,
    "remainder-nominal-size": RemainderNominalSize,
    "shuffle-duplicates-rows": ShuffleDuplicatesRows,
    "sigma-prime-of-a": SigmaPrimeOfA,
    "sigmoid-sign": SigmoidSign,
    "sums-for-means": SumsForMeans,
    "sums-shown": SumsShown,
    "tanh-for-sigma": TanhForSigma,
    "uint8-wraps": Uint8Wraps,
    "update-before-bp2": UpdateBeforeBp2,
    "update-inside-sample-loop": UpdateInsideSampleLoop,
    "update-not-assigned": UpdateNotAssigned,
    "x-and-y-shuffled-apart": XAndYShuffledApart,
    "x-one-minus-x-of-z": XOneMinusXOfZ,
    "z-accumulates": ZAccumulates,
}
"""Each mistake made by hand, by its id."""
