"""The book's `network2.py` on top of `network.py`: cost classes, monitoring, saving.

Code written for the book's program runs on it, with `import reference.network2 as network2`. Beyond
the book it takes `activation=`, `output=`, `update=` and `dropout=`. Left out: gradient descent
itself (`network.py`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapter 3.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reference import network
from reference.descent import fits, knows
from reference.equations import (
    ACTIVATIONS,
    CROSS_ENTROPY,
    LOG_LIKELIHOOD,
    QUADRATIC,
    SIGMOID,
    Activation,
    Cost,
)
from reference.order import Rows
from reference.step import Array, Batch
from reference.updates import BOOK_UPDATE, L1, Update

Labelled = Iterable[tuple[Array, Any]]
"""Pairs of a column x and a label, or a column y."""


class Monitored(NamedTuple):
    """What was monitored, an entry an epoch."""

    evaluation_cost: list[float]
    evaluation_accuracy: list[float]
    training_cost: list[float]
    training_accuracy: list[float]


class QuadraticCost:
    """½ ‖a − y‖²."""

    book = QUADRATIC
    fn = staticmethod(QUADRATIC.value)
    delta = staticmethod(QUADRATIC.delta)


class CrossEntropyCost:
    """−Σ_j [y_j ln a_j + (1 − y_j) ln(1 − a_j)]."""

    book = CROSS_ENTROPY
    fn = staticmethod(CROSS_ENTROPY.value)
    delta = staticmethod(CROSS_ENTROPY.delta)


class LogLikelihoodCost:
    """−Σ_j y_j ln a_j, behind a softmax."""

    book = LOG_LIKELIHOOD
    fn = staticmethod(LOG_LIKELIHOOD.value)
    delta = staticmethod(LOG_LIKELIHOOD.delta)


class Network(network.Network):
    """A network with the interface of chapter 3; see `network.Network`."""

    def __init__(
        self,
        sizes: Sequence[int],
        cost: Any = CrossEntropyCost,
        rng: np.random.Generator | None = None,
        activation: Activation = SIGMOID,
        output: Activation | None = None,
        update: Update = BOOK_UPDATE,
        dropout: float = 0.0,
    ) -> None:
        """Draw weights of standard deviation 1/√n_in, and biases from a standard normal.

        Args:
            sizes: neurons of each layer, two layers or more.
            cost: a class of this module, or one with `fn(a, y)` and `delta(z, a, y)` of a sample.
            rng: where the numbers come from.
            activation: of the hidden layers.
            output: of the output layer; if not given, that with which the cost usually goes.
            update: a rule of `reference.updates`, such as `ADAM`.
            dropout: the probability with which an update leaves out a hidden neuron.

        Raises:
            ValueError: the sizes make no network, or the cost does not go with the output.
        """
        super().__init__(sizes, rng, _book(cost), activation, output, update, dropout)
        self.cost_class = cost
        self.default_weight_initializer()

    def default_weight_initializer(self) -> None:
        """Weights of standard deviation 1/√n_in, biases of 1."""
        self.large_weight_initializer()
        self.weights = [w / np.sqrt(w.shape[1]) for w in self.weights]

    def large_weight_initializer(self) -> None:
        """Weights and biases of standard deviation 1, as in chapter 1."""
        self.biases = [self.rng.standard_normal(b.shape) for b in self.biases]
        self.weights = [self.rng.standard_normal(w.shape) for w in self.weights]

    def relu_weight_initializer(self) -> None:
        """Weights of standard deviation √(2/n_in) and biases of 0, as is usual before ReLU.

        Source: K. He et al., *Delving Deep into Rectifiers* (2015).
        """
        self.large_weight_initializer()
        self.weights = [w * np.sqrt(2 / w.shape[1]) for w in self.weights]
        self.biases = [0 * b for b in self.biases]

    def SGD(  # type: ignore[override]  # noqa: N802 - the book's name and arguments
        self,
        training_data: network.Pairs | Batch,
        epochs: int,
        mini_batch_size: int,
        eta: float,
        lmbda: float = 0.0,
        evaluation_data: Labelled | None = None,
        monitor_evaluation_cost: bool = False,
        monitor_evaluation_accuracy: bool = False,
        monitor_training_cost: bool = False,
        monitor_training_accuracy: bool = False,
        early_stopping_n: int = 0,
    ) -> Monitored:
        """Train for some epochs and monitor what is asked for.

        Args:
            training_data: (x, y) pairs of columns, or a `Batch`.
            epochs: how many times to go through the data, at most.
            mini_batch_size: m.
            eta: the learning rate η.
            lmbda: the weight decay λ.
            evaluation_data: (x, label) pairs.
            monitor_evaluation_cost: whether to note the cost on those, the decay's term included.
            monitor_evaluation_accuracy: whether to count those that are right.
            monitor_training_cost: the same on the training data.
            monitor_training_accuracy: likewise.
            early_stopping_n: epochs without a better evaluation accuracy after which to stop.

        Raises:
            ValueError: a size or count below 1, no samples, or nothing to evaluate on.
        """
        if epochs < 1 or mini_batch_size < 1:
            raise ValueError(f"epochs {epochs}, mini_batch_size {mini_batch_size}: give 1 or more")
        evaluated = list(evaluation_data or ())
        of_evaluation = monitor_evaluation_cost, monitor_evaluation_accuracy
        if not evaluated and (any(of_evaluation) or early_stopping_n):
            raise ValueError("there is no evaluation_data to monitor, or to stop by")
        wanted = (*of_evaluation, monitor_training_cost, monitor_training_accuracy)
        data = training_data if isinstance(training_data, Batch) else network.stacked(training_data)
        rows, found = Rows(data), Monitored([], [], [], [])
        best, waited = 0, 0
        in_place = knows(self.activations, self.cost) and fits(*self.weights, rows.x, rows.y)
        with self.in_place() if in_place else nullcontext():
            for epoch in range(epochs):
                order = self.rng.permutation(data.m)
                for start in range(0, data.m, mini_batch_size):
                    chosen = order[start : start + mini_batch_size]
                    self.update_mini_batch(rows.batch(chosen), eta, lmbda, data.m)
                print(f"Epoch {epoch} training complete")
                self._monitor(found, wanted, data, evaluated, lmbda)
                if early_stopping_n:
                    accuracy = self.accuracy(evaluated)
                    best, waited = max(best, accuracy), 0 if accuracy > best else waited + 1
                    if waited == early_stopping_n:
                        break
        return found

    def _monitor(
        self,
        found: Monitored,
        wanted: tuple[bool, ...],
        data: Batch,
        evaluated: list[tuple[Array, Any]],
        lmbda: float,
    ) -> None:
        """Note what is wanted, in the order of `Monitored`, and print it in that of the book."""
        measures: list[tuple[str, Callable[[], float], str]] = [
            ("Cost on evaluation", lambda: self.total_cost(evaluated, lmbda, convert=True), ""),
            ("Accuracy on evaluation", lambda: self.accuracy(evaluated), f" / {len(evaluated)}"),
            ("Cost on training", lambda: self._cost_of(data, lmbda), ""),
            ("Accuracy on training", lambda: self._right(data), f" / {data.m}"),
        ]
        for i in (2, 3, 0, 1):
            if wanted[i]:
                said, measure, of = measures[i]
                found[i].append(measure())
                print(f"{said} data: {found[i][-1]}{of}")

    def accuracy(self, data: Labelled, convert: bool = False) -> int:
        """How many samples the network gets right; `convert` if they have columns for labels."""
        x, y = zip(*data, strict=True)
        labels = [int(np.argmax(each)) if convert else int(each) for each in y]
        return int((self.feedforward(np.hstack(x)).argmax(axis=0) == np.array(labels)).sum())

    def total_cost(
        self,
        data: Labelled,
        lmbda: float,
        convert: bool = False,
    ) -> float:
        """The mean cost with the term of the weight decay; `convert` if they have labels."""
        x, y = zip(*data, strict=True)
        columns = [vectorized_result(each, self.sizes[-1]) if convert else each for each in y]
        return self._cost_of(Batch(np.hstack(x), np.hstack(columns)), lmbda)

    def _cost_of(self, data: Batch, lmbda: float) -> float:
        cost = float(self.cost.value(self.feedforward(data.x), data.y))
        if self.update.rules is L1.rules:
            return cost + lmbda / data.m * float(sum(np.abs(w).sum() for w in self.weights))
        return cost + 0.5 * lmbda / data.m * float(sum(np.square(w).sum() for w in self.weights))

    def _right(self, data: Batch) -> int:
        answers = self.feedforward(data.x).argmax(axis=0)
        return int((answers == data.y.argmax(axis=0)).sum())

    def save(self, filename: str) -> None:
        """Write sizes, parameters and the cost as JSON, as the book does."""
        names = {each: name for name, each in ACTIVATIONS.items()}
        data = {
            "sizes": self.sizes,
            "weights": [w.tolist() for w in self.weights],
            "biases": [b.tolist() for b in self.biases],
            "cost": self.cost_class.__name__,
            "activations": [names[each] for each in self.activations],
            "dropout": self.dropout,
        }
        Path(filename).write_text(json.dumps(data), encoding="utf-8")


def load(filename: str) -> Network:
    """The network that was saved in a file; one of the book's program has sigmoids."""
    data = json.loads(Path(filename).read_text(encoding="utf-8"))
    cost = getattr(sys.modules[__name__], data["cost"])
    names = data.get("activations") or ["sigmoid"] * (len(data["sizes"]) - 1)
    hidden, output = ACTIVATIONS[names[0]], ACTIVATIONS[names[-1]]
    net = Network(
        data["sizes"],
        cost,
        activation=hidden if names[1:] else SIGMOID,
        output=output,
        dropout=data.get("dropout", 0.0),
    )
    net.weights = [np.array(w) for w in data["weights"]]
    net.biases = [np.array(b) for b in data["biases"]]
    return net


def vectorized_result(j: int, n: int = 10) -> Array:
    """A column of n entries with a 1 in place j."""
    column = np.zeros((n, 1))
    column[j] = 1.0
    return column


def _book(cost: Any) -> Cost:
    """A cost class as a pair of this project; somebody's own is asked sample by sample."""
    if isinstance(getattr(cost, "book", None), Cost):
        return cost.book  # type: ignore[no-any-return]

    def value(a: Array, y: Array) -> Array:
        m = y.shape[1]
        return np.asarray(sum(cost.fn(a[:, [i]], y[:, [i]]) for i in range(m)) / m)

    return Cost(value, cost.delta)
