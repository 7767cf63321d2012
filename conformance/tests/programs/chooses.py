"""Networks that let one choose the cost; the costs stand in another file."""
import costs
from base import Network, s


class Chooses(Network):
    def __init__(self, sizes, cost=costs.CrossEntropyCost):
        super().__init__(sizes)
        self.cost = cost

    def backprop(self, x, y):
        a, zs = [x], []
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ a[-1] + b)
            a.append(s(zs[-1]))
        d = self.cost.delta(zs[-1], a[-1], y)
        nb, nw = [d], [d @ a[-2].T]
        for l in range(len(self.weights) - 2, -1, -1):
            d = self.weights[l + 1].T @ d * a[l + 1] * (1 - a[l + 1])
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
        return nb, nw


class Fixed(Chooses):
    def __init__(self, sizes):
        super().__init__(sizes, costs.CrossEntropyCost)


class FixedInstance(Chooses):
    def __init__(self, sizes):
        super().__init__(sizes, costs.CrossEntropyCost())


class FixedHalf(Chooses):
    def __init__(self, sizes):
        super().__init__(sizes, costs.HalfSlope)


class ChoosesUnused(Chooses):
    def backprop(self, x, y):
        nb, nw = super().backprop(x, y)
        if len(nw) > 1:
            nw[0] = nb[0] @ s(x).T  # wrong
        return nb, nw
