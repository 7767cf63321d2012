"""Networks whose step is right and whose loop, cost or feedforward is not, as students write them.

`# wrong` marks the line that a report must name; where several are marked, any of them.
"""
# ruff: noqa: ANN001, ANN201, ANN204, ANN205, ARG002, B905, C417, D101, D102, N802, S311, T201
# mypy: ignore-errors
# As students write them: without types, with the book's names.

import random

import numpy as np

from conformance.tests.networks.book import Network, sigmoid
from conformance.tests.networks.right_costs import CrossEntropyCost, WithCost


class Overlaps(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):
        n = len(training_data)
        for _ in range(epochs):
            random.shuffle(training_data)
            mini_batches = [
                training_data[k : k + mini_batch_size + 1]  # wrong
                for k in range(0, n, mini_batch_size)
            ]
            for mini_batch in mini_batches:
                self.update_mini_batch(mini_batch, eta)


class OverlapsInAGenerator(Network):
    def SGD(self, pairs, rounds, size, rate):
        for _ in range(rounds):
            for part in self.parts(pairs, size):
                self.update_mini_batch(part, rate)

    def parts(self, pairs, size):
        at = 0
        while at < len(pairs):
            yield pairs[at : at + size]  # wrong
            at += size - 1


class OverlapsBySlice(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                batch = training_data[max(k - 1, 0) : k + mini_batch_size]  # wrong
                print(k)
                self.update_mini_batch(batch, eta)


class ShufflesRowsOverRows(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        rows = np.array([np.vstack(pair) for pair in training_data])
        for _ in range(epochs):
            random.shuffle(rows)  # wrong
            for k in range(0, len(rows), mini_batch_size):
                part = rows[k : k + mini_batch_size]
                self.update_mini_batch(
                    [(r[: self.sizes[0]], r[self.sizes[0] :]) for r in part], eta
                )


class ShufflesApart(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        xs, ys = [list(each) for each in zip(*training_data)]
        for _ in range(epochs):
            random.shuffle(xs)  # wrong
            random.shuffle(ys)  # wrong
            for k in range(0, len(xs), mini_batch_size):
                here = slice(k, k + mini_batch_size)
                self.update_mini_batch(list(zip(xs[here], ys[here])), eta)


class DropsTheRest(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(len(training_data) // mini_batch_size):  # wrong
                here = slice(k * mini_batch_size, (k + 1) * mini_batch_size)
                self.update_mini_batch(training_data[here], eta)


class DropsTheRestInAComprehension(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            batches = [
                training_data[k - mini_batch_size : k]
                for k in range(mini_batch_size, len(training_data) + 1, mini_batch_size)  # wrong
            ]
            for each in batches:
                self.update_mini_batch(each, eta)


class NominalRate(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                part = training_data[k : k + mini_batch_size]
                rate = eta * len(part) / mini_batch_size  # wrong
                self.update_mini_batch(part, rate)


class ShuffleGivesNone(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            data = random.shuffle(training_data)
            n = len(data)  # wrong
            for k in range(0, n, mini_batch_size):
                self.update_mini_batch(data[k : k + mini_batch_size], eta)


class MisspeltName(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_sise], eta)  # noqa: F821 # wrong


class ForgetsTheRate(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size])  # wrong


class SecondEpochCrashes(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
            training_data = training_data.sort(key=lambda _: random.random())
            if training_data[0] is None:  # wrong
                return


class ReturnsTooEarly(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
                return  # wrong


class MisspeltMethod(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_minibatch(training_data[k : k + mini_batch_size], eta)  # wrong


class EvaluatesNothing(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):
        for j in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
            print(f"Epoch {j}: {self.evaluate(test_data)} / {len(test_data)}")

    def evaluate(self, test_data):
        results = [(np.argmax(self.feedforward(x)), y) for x, y in test_data]  # wrong
        return sum(int(x == y) for x, y in results)


class ZippedOnce(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        batches = map(
            lambda k: training_data[k : k + mini_batch_size],
            range(0, len(training_data), mini_batch_size),
        )
        for epoch in range(epochs):
            for batch in batches:  # wrong
                self.update_mini_batch(batch, eta)
            print(f"Epoch {epoch} complete")


class NeverBackToTheStart(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        k = 0
        for _ in range(epochs):
            while k < len(training_data):  # wrong
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
                k += mini_batch_size


class OneEpochInAHelper(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        self.parts = (
            training_data[k : k + mini_batch_size]
            for k in range(0, len(training_data), mini_batch_size)
        )
        for _ in range(epochs):
            self.epoch(eta)

    def epoch(self, eta):
        [self.update_mini_batch(part, eta) for part in self.parts]  # wrong


class ShrinksBiases(Network):
    def feedforward(self, a):
        for i, w in enumerate(self.weights):
            self.biases[i] *= 0.5  # wrong
            a = sigmoid(w @ a + self.biases[i])
        return a


class SortsWeights(Network):
    def feedforward(self, a):
        order = self.ordered()
        for w, b in zip(order, self.biases):
            a = sigmoid(w @ a + b)
        return a

    def ordered(self):
        for w in self.weights:
            w.sort(axis=0)  # wrong
        return self.weights


class DecayOnceASample(WithCost):
    def total_cost(self, data, lmbda):
        cost = 0.0
        for x, y in data:
            a = self.feedforward(x)
            cost += self.cost.fn(a, y) / len(data)
            squares = sum(np.linalg.norm(w) ** 2 for w in self.weights)
            cost += 0.5 * (lmbda / len(data)) * squares  # wrong
        return cost


class DecayWithoutN(WithCost):
    def total_cost(self, data, lmbda, convert=False):
        cost = 0.0
        for x, y in data:
            cost += self.cost.fn(self.feedforward(x), y) / len(data)
        cost += 0.5 * lmbda * sum(np.linalg.norm(w) ** 2 for w in self.weights)  # wrong
        return cost


class DecayWithoutHalf(WithCost):
    def total_cost(self, data, lmbda):
        costs = [self.cost.fn(self.feedforward(x), y) for x, y in data]
        flat = np.concatenate([w.ravel() for w in self.weights])
        return np.mean(costs) + lmbda / len(data) * np.sum(flat**2)  # wrong


class DataSummed(WithCost):
    def total_cost(self, data, lmbda):
        cost = 0.0
        for x, y in data:
            cost += self.cost.fn(self.feedforward(x), y)  # wrong
        cost += 0.5 * (lmbda / len(data)) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost


class NanOfTheSum(CrossEntropyCost):
    @staticmethod
    def fn(a, y):
        return np.nan_to_num(np.sum(-y * np.log(a) - (1 - y) * np.log(1 - a)))  # wrong


class WithNanOfTheSum(WithCost):
    def __init__(self, sizes, cost=NanOfTheSum):
        super().__init__(sizes, cost)


class NanInSteps(CrossEntropyCost):
    @staticmethod
    def fn(a, y):
        terms = y * np.log(a) + (1 - y) * np.log(1 - a)
        total = -terms.sum()
        if np.isnan(total):
            total = 0.0  # wrong
        return total


class WithNanInSteps(WithCost):
    def __init__(self, sizes, cost=NanInSteps):
        super().__init__(sizes, cost)


LOOPS = {
    Overlaps: "samples-repeated",
    OverlapsInAGenerator: "samples-repeated",
    OverlapsBySlice: "samples-repeated",
    ShufflesRowsOverRows: "samples-repeated",
    ShufflesApart: "pairs-broken",
    DropsTheRest: "remainder-dropped",
    DropsTheRestInAComprehension: "remainder-dropped",
    NominalRate: "nominal-rate",
    ShuffleGivesNone: "stopped",
    MisspeltName: "stopped",
    ForgetsTheRate: "stopped",
    SecondEpochCrashes: "stopped",
    MisspeltMethod: "stopped",
    EvaluatesNothing: "stopped",
    ReturnsTooEarly: "samples-left-out",
    ZippedOnce: "epoch-empty",
    NeverBackToTheStart: "epoch-empty",
    OneEpochInAHelper: "epoch-empty",
}
OTHERS = {
    ShrinksBiases: "overwritten",
    SortsWeights: "overwritten",
    DecayOnceASample: "decay-factor",
    DecayWithoutN: "decay-factor",
    DecayWithoutHalf: "decay-factor",
    DataSummed: "costs-summed",
    WithNanOfTheSum: "entries-ignored",
    WithNanInSteps: "entries-ignored",
}
WRONG = LOOPS | OTHERS
