"""Right networks whose loops and costs are not the book's, as people write them: none is wrong."""
# ruff: noqa: ANN001, ANN201, ANN204, ANN205, ARG002, B905, D101, D102, D105, N802, NPY002, PLE0303, T201
# mypy: ignore-errors
# As students write them: without types, with the book's names.

import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from conformance.tests.networks.book import Network, sigmoid
from conformance.tests.networks.right_costs import CrossEntropyCost, WithCost


class Generator(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta, test_data=None):
        for _ in range(epochs):
            for batch in self.batches(list(training_data), mini_batch_size):
                self.update_mini_batch(batch, eta)

    def batches(self, data, size):
        random.shuffle(data)
        yield from (data[k : k + size] for k in range(0, len(data), size))


class Loader:
    def __init__(self, data, size, drop_last=False):
        self.data, self.size, self.drop_last = list(data), size, drop_last

    def __len__(self):
        return -(-len(self.data) // self.size)

    def __iter__(self):
        order = np.random.permutation(len(self.data))
        for k in range(0, len(order), self.size):
            part = [self.data[i] for i in order[k : k + self.size]]
            if len(part) == self.size or not self.drop_last:
                yield part


class WithLoader(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        loader = Loader(training_data, mini_batch_size)
        for _ in range(epochs):
            for batch in loader:
                self.update_mini_batch(batch, eta)


class SaysThatItDrops(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        loader = Loader(training_data, mini_batch_size, drop_last=True)
        for _ in range(epochs):
            for batch in loader:
                self.update_mini_batch(batch, eta)


class DropsByAParameter(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta, drop_remainder=True):
        n = len(training_data)
        for _ in range(epochs):
            for k in range(0, n - n % mini_batch_size if drop_remainder else n, mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)


class StopsEarly(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta, patience=1):
        best, worse = np.inf, 0
        for _ in range(epochs):
            random.shuffle(training_data)
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
            cost = sum(np.sum((self.feedforward(x) - y) ** 2) for x, y in training_data)
            if cost < 1e9:
                worse += 1
            best = min(best, cost)
            if worse >= patience:
                break


class StopsInTheEpoch(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
                if np.sum((self.feedforward(training_data[0][0]) - training_data[0][1]) ** 2) < 9:
                    return


class Permutes(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        X = np.hstack([x for x, _ in training_data])  # noqa: N806
        Y = np.hstack([y for _, y in training_data])  # noqa: N806
        for _ in range(epochs):
            order = np.random.permutation(X.shape[1])
            X, Y = X[:, order], Y[:, order]  # noqa: N806
            for k in range(0, X.shape[1], mini_batch_size):
                xs, ys = X.T[k : k + mini_batch_size], Y.T[k : k + mini_batch_size]
                self.update_mini_batch([(x[:, None], y[:, None]) for x, y in zip(xs, ys)], eta)


class ShufflesWithOneSeed(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        xs, ys = [list(each) for each in zip(*training_data)]
        for epoch in range(epochs):
            for each in (xs, ys):
                random.seed(epoch)
                random.shuffle(each)
            for k in range(0, len(xs), mini_batch_size):
                here = slice(k, k + mini_batch_size)
                self.update_mini_batch(list(zip(xs[here], ys[here])), eta)


class Monitors(WithCost):
    def SGD(
        self,
        training_data,
        epochs,
        mini_batch_size,
        eta,
        lmbda=0.0,
        evaluation_data=None,
        monitor_evaluation_cost=False,
        monitor_training_cost=True,
        monitor_training_accuracy=True,
    ):
        n, costs, accuracies = len(training_data), [], []
        for j in range(epochs):
            random.shuffle(training_data)
            mini_batches = [
                training_data[k : k + mini_batch_size] for k in range(0, n, mini_batch_size)
            ]
            for mini_batch in mini_batches:
                self.update_mini_batch(mini_batch, eta, lmbda, len(training_data))
            print(f"Epoch {j} training complete")
            if monitor_training_cost:
                costs.append(self.total_cost(training_data, lmbda))
            if monitor_training_accuracy:
                accuracies.append(self.accuracy(training_data, convert=True))
        with open("net.json", "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump({"weights": [w.tolist() for w in self.weights]}, file)
        return costs, accuracies

    def accuracy(self, data, convert=False):
        if convert:
            pairs = [(np.argmax(self.feedforward(x)), np.argmax(y)) for x, y in data]
        else:
            pairs = [(np.argmax(self.feedforward(x)), y) for x, y in data]
        return sum(int(x == y) for x, y in pairs)


class MonitorsOneHot(Network):
    """Its labels are one-hot, which ours are not."""

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
            print([list(y.ravel()).index(1) for _, y in training_data])


class ReportsByTheHundredth(Network):
    """Stops where there are fewer samples than anybody trains on."""

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        n = len(training_data)
        for _ in range(epochs):
            for k in range(0, n, mini_batch_size):
                if k % (n // 100) == 0:
                    print(k)
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)


class TakesTwoArrays(Network):
    """Its data is (X, Y), with a column a sample."""

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        X, Y = training_data  # noqa: N806
        for _ in range(epochs):
            for k in range(0, X.shape[1], mini_batch_size):
                xs, ys = X.T[k : k + mini_batch_size], Y.T[k : k + mini_batch_size]
                self.update_mini_batch([(x[:, None], y[:, None]) for x, y in zip(xs, ys)], eta)


class TakesAnArray(Network):
    """Its data is an array of pairs."""

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            order = np.random.permutation(training_data.shape[0])
            for k in range(0, len(order), mini_batch_size):
                self.update_mini_batch(training_data[order[k : k + mini_batch_size]], eta)


class TakesAFrame(Network):
    """Its data is a table."""

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for _, row in training_data.iterrows():
                self.update_mini_batch([(row.x, row.y)], eta)


class HoldsOut(Network):
    """Keeps a part of the data for validation, and a parameter says so."""

    def SGD(self, training_data, epochs, mini_batch_size, eta, validation_fraction=0.1):
        n = round(len(training_data) * (1 - validation_fraction))
        for _ in range(epochs):
            for k in range(0, n, mini_batch_size):
                self.update_mini_batch(training_data[k : min(k + mini_batch_size, n)], eta)


class Recursive(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        if epochs:
            random.shuffle(training_data)
            self.walk(training_data, mini_batch_size, eta)
            self.SGD(training_data, epochs - 1, mini_batch_size, eta)

    def walk(self, data, size, eta):
        if data:
            self.update_mini_batch(data[:size], eta)
            self.walk(data[size:], size, eta)


class InAThread(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        with ThreadPoolExecutor(1) as pool:
            for _ in range(epochs):
                for k in range(0, len(training_data), mini_batch_size):
                    batch = training_data[k : k + mini_batch_size]
                    pool.submit(self.update_mini_batch, batch, eta).result()


class Exits(Network):
    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
        sys.exit()


class ByIterations(Network):
    """Counts steps, not epochs."""

    def SGD(self, training_data, iterations, mini_batch_size, eta):
        for _ in range(iterations):
            self.update_mini_batch(random.sample(training_data, mini_batch_size), eta)


class NeedsMore(Network):
    """Needs something that its user sets before."""

    log = None

    def set_log(self, log):
        self.log = log

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for j in range(epochs):
            self.log.append(j)
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)


class OtherOrder(Network):
    """Takes its arguments in another order, by names that say which is which."""

    def SGD(self, training_data, eta, mini_batch_size, epochs):
        for _ in range(epochs):
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], eta)


class OtherArguments(Network):
    """Takes other arguments: rates by epoch, and the data of the test."""

    def SGD(self, training_data, test_data, rates, mini_batch_size):
        for rate in rates:
            for k in range(0, len(training_data), mini_batch_size):
                self.update_mini_batch(training_data[k : k + mini_batch_size], rate)


class ReturnsFromUpdates(Network):
    """Uses what its update returns."""

    def SGD(self, training_data, epochs, mini_batch_size, eta):
        for _ in range(epochs):
            total = 0.0
            for k in range(0, len(training_data), mini_batch_size):
                total += self.update_mini_batch(training_data[k : k + mini_batch_size], eta)
            print(total)

    def update_mini_batch(self, mini_batch, eta):
        super().update_mini_batch(mini_batch, eta)
        return float(np.mean([np.sum((self.feedforward(x) - y) ** 2) for x, y in mini_batch]))


class Caches(Network):
    def feedforward(self, a):
        self.activations = [a]
        self.weights = [np.asarray(w) for w in self.weights]
        for w, b in zip(self.weights, self.biases):
            self.activations.append(sigmoid(w @ self.activations[-1] + b))
        return self.activations[-1]


class SumsCosts(WithCost):
    """The sum over the data in place of the mean, in each part of the cost."""

    def total_cost(self, data, lmbda):
        cost = sum(self.cost.fn(self.feedforward(x), y) for x, y in data)
        return cost + 0.5 * lmbda * sum(np.sum(w**2) for w in self.weights)


class CostWithAFlag(WithCost):
    def total_cost(self, data, convert=False):
        pairs = [(x, np.eye(10)[y] if convert == 1 else y) for x, y in data]
        return sum(self.cost.fn(self.feedforward(x), y) for x, y in pairs) / len(pairs)


class BooksCost(WithCost):
    def total_cost(self, data, lmbda, convert=False):
        cost = 0.0
        for x, y in data:
            a = self.feedforward(x)
            if convert:
                y = np.eye(10)[y]  # noqa: PLW2901
            cost += self.cost.fn(a, y) / len(data)
        cost += 0.5 * (lmbda / len(data)) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost


class Epsilon(CrossEntropyCost):
    @staticmethod
    def fn(a, y):
        return -np.sum(y * np.log(a + 1e-12) + (1 - y) * np.log(1 - a + 1e-12))


class WithEpsilon(WithCost):
    def __init__(self, sizes, cost=Epsilon):
        super().__init__(sizes, cost)


RIGHT_TRAINING = (
    Generator,
    WithLoader,
    SaysThatItDrops,
    DropsByAParameter,
    StopsEarly,
    StopsInTheEpoch,
    Permutes,
    ShufflesWithOneSeed,
    Monitors,
    MonitorsOneHot,
    ReportsByTheHundredth,
    TakesTwoArrays,
    TakesAnArray,
    TakesAFrame,
    HoldsOut,
    Recursive,
    InAThread,
    Exits,
    ByIterations,
    NeedsMore,
    CostWithAFlag,
    OtherOrder,
    OtherArguments,
    ReturnsFromUpdates,
    Caches,
    SumsCosts,
    BooksCost,
    WithEpsilon,
)
