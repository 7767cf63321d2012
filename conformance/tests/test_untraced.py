"""Programs that compute in part where no operation is noted: still one equation for one mistake.

They keep numbers in structured arrays, in matrices or in complex numbers.
Left out: what is noted (`test_tracing.py`).
"""
# ruff: noqa: B905, E741, RUF007
# Zip and names of a layer as their authors write them.

from typing import Any

import numpy as np
import pytest

from conformance import api
from conformance.tests.networks import book
from conformance.tests.networks.book import Array, Pairs

pytestmark = pytest.mark.usefixtures("no_search")

CASES = ("cancelling-2-2-2", "remainder-3-4-2")
"""In both a mini-batch is of one sample; in the first many numbers are equal."""
NEURON = np.dtype([("net", float), ("out", float), ("err", float)])


class Records(book.Network):
    """Every neuron is a record."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient of a sample."""
        table = [np.zeros(n, dtype=NEURON) for n in self.sizes]
        table[0]["out"] = x[:, 0]
        for w, b, below, at in zip(self.weights, self.biases, table, table[1:]):
            at["net"] = w @ below["out"] + b[:, 0]
            at["out"] = self.fire(at["net"])
        at["err"] = (at["out"] - y[:, 0]) * at["out"] * (1 - at["out"])
        for w, at, above in list(zip(self.weights[1:], table[1:], table[2:]))[::-1]:
            at["err"] = w.T @ above["err"] * at["out"] * (1 - at["out"])
        nabla_w = [np.outer(at["err"], below["out"]) for below, at in zip(table, table[1:])]
        return [self.of_bias(at).reshape(-1, 1) for at in table[1:]], nabla_w

    def fire(self, z: Array) -> Array:
        """The activation."""
        return book.sigmoid(z)

    def of_bias(self, at: Any) -> Array:
        """∇b of a layer."""
        return np.array(at["err"])

    def feedforward(self, a: Array) -> Array:
        """The output."""
        for w, b in zip(self.weights, self.biases):
            a = self.fire(w @ a + b)
        return a


class SortedRecords(Records):
    """Takes the errors of a layer in another order."""

    def of_bias(self, at: Any) -> Array:
        """∇b of a layer."""
        return np.sort(at["err"])


class LowRecords(Records):
    """Takes another function than σ."""

    def fire(self, z: Array) -> Array:
        """The activation."""
        return 1 / (2 + np.exp(-z))


class Matrices(book.Network):
    """A `*` is the product, as in other languages."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step."""
        m = len(mini_batch)
        outs: list[Any] = [np.asmatrix(np.hstack([x for x, _ in mini_batch]))]
        for w, b in zip(self.weights, self.biases):
            outs.append(book.sigmoid(np.asmatrix(w) * outs[-1] + b))
        error = np.multiply(outs[-1] - np.hstack([y for _, y in mini_batch]), slope(outs[-1]))
        for l in range(len(self.weights) - 1, -1, -1):
            db, dw = error.sum(axis=1), error * outs[l].T
            error = np.multiply(np.asmatrix(self.weights[l]).T * error, slope(outs[l]))
            self.biases[l] = np.asarray(self.biases[l] - eta / m * db)
            self.weights[l] = np.asarray(self.weights[l] - eta / m * dw)


class ComplexStep(book.Network):
    """σ′ is the imaginary part of σ a little way off the real numbers."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient of a sample."""
        zs: list[Array] = []
        outs = [x]
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ outs[-1] + b)
            outs.append(rise(zs[-1]))
        delta = (outs[-1] - y) * np.imag(rise(zs[-1] + 1e-30j)) / 1e-30
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        for l in range(len(zs) - 1, -1, -1):
            nabla_b.insert(0, self.of_bias(delta, outs[l + 1]))
            nabla_w.insert(0, delta @ outs[l].T)
            if l:
                delta = self.weights[l].T @ delta * np.imag(rise(zs[l - 1] + 1e-30j)) / 1e-30
        return nabla_b, nabla_w

    def of_bias(self, delta: Array, _: Array) -> Array:
        """∇b of a layer."""
        return delta


class ComplexStepTimesA(ComplexStep):
    """Multiplies ∇b by a."""

    def of_bias(self, delta: Array, a: Array) -> Array:
        """∇b of a layer."""
        return delta * a


class WeightedInputs(book.Network):
    """Takes z for δ in ∇b, of which no target is a part."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient of a sample."""
        _, nabla_w = super().backprop(x, y)
        zs, a = [], x
        for w, b in zip(self.weights, self.biases):
            zs.append(w @ a + b)
            a = book.sigmoid(zs[-1])
        return zs, nabla_w


class TwiceActivated(book.Network):
    """Puts σ before each layer too, and takes the gradient as if it did not."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient of a sample."""
        outs = [x]
        for w, b in zip(self.weights, self.biases):
            outs.append(book.sigmoid(w @ book.sigmoid(outs[-1]) + b))
        delta = (outs[-1] - y) * slope(outs[-1])
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        for l in range(len(self.weights) - 1, -1, -1):
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ outs[l].T)
            delta = self.weights[l].T @ delta * slope(outs[l])
        return nabla_b, nabla_w


def slope(a: Array) -> Array:
    """σ′ of an activation."""
    return np.multiply(a, 1 - a)


def rise(z: Any) -> Any:
    """σ of complex numbers too."""
    return 0.5 + 0.5 * np.tanh(z / 2)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("cls", [Records, Matrices])
def test_a_right_program_is_conformant(cls: type) -> None:
    assert api.check(cls, case=CASES[:1]).exit_code == 0


@pytest.mark.parametrize(
    ("cls", "tag"),
    [
        (SortedRecords, "BP3"),
        (LowRecords, "A"),
        (ComplexStepTimesA, "BP3"),
        (WeightedInputs, "BP3"),
        (TwiceActivated, "Z"),
    ],
)
def test_a_mistake_is_blamed_on_its_equation_alone(cls: type, tag: str) -> None:
    assert [each.tag for each in api.check(cls, case=CASES[1:]).blames] == [tag]
