"""Networks whose formulas are right and whose floats are not: they lose digits on the way.

Each marks the line on which they go with `# here`. Left out: right networks (`right*.py`) and
wrong formulas (`broken.py`).
"""
# ruff: noqa: B905, E741 - the book's habits

import numpy as np

from conformance.tests.networks import book
from conformance.tests.networks.book import Array, Pairs


class OwnSigma(book.Network):
    """The book's network with σ and σ′ to be written another way."""

    def sigma(self, z: Array) -> Array:
        """The logistic function."""
        return book.sigmoid(z)

    def sigma_prime(self, z: Array) -> Array:
        """Its derivative."""
        return book.sigmoid_prime(z)

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        for b, w in zip(self.biases, self.weights):
            a = self.sigma(w @ a + b)
        return a

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        activations, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ activations[-1] + b)
            activations.append(self.sigma(zs[-1]))
        delta = (activations[-1] - y) * self.sigma_prime(zs[-1])
        nabla_b, nabla_w = [delta], [delta @ activations[-2].T]
        for l in range(2, self.num_layers):
            delta = (self.weights[1 - l].T @ delta) * self.sigma_prime(zs[-l])
            nabla_b.insert(0, delta)
            nabla_w.insert(0, delta @ activations[-l - 1].T)
        return nabla_b, nabla_w


class ShiftedPrime(OwnSigma):
    """Keeps σ away from zero on the way to σ′, which costs the digits of what is small."""

    def sigma_prime(self, z: Array) -> Array:
        """σ(z) (1 − σ(z)), with σ moved up by a hundred."""
        s = self.sigma(z)
        shifted = 100 + s
        kept = shifted - 100  # here
        return kept * (1 - s)


class Complement(OwnSigma):
    """Takes σ(z) for 100 − 99 − σ(−z), which has few digits left where σ is nearly 0."""

    def sigma(self, z: Array) -> Array:
        """The logistic function, of the exponential of z itself."""
        other = 99 + 1 / (1 + np.exp(z))
        return 100 - other  # here


class EntryByEntry(OwnSigma):
    """Fills an array with 100 − 99 − σ(−z), a number at a time."""

    def sigma(self, z: Array) -> Array:
        """The logistic function of each entry."""
        s = np.zeros_like(z)
        for i, j in np.ndindex(z.shape):
            s[i, j] = 100 - (99 + 1 / (1 + np.exp(z[i, j])))  # here
        return s


class WideSums(OwnSigma):
    """Computes in float32, and sums the gradients in float64."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        self.biases = [b.astype(np.float32) for b in self.biases]
        self.weights = [w.astype(np.float32) for w in self.weights]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample, in the weights' precision."""
        kind = self.weights[0].dtype
        return super().backprop(x.astype(kind), y.astype(kind))


class Float32(WideSums, ShiftedPrime):
    """Loses the digits of σ′ in float32, of which there are fewer."""


class GrowingExponential(OwnSigma):
    """Writes σ with the exponential of z, which overflows."""

    def sigma(self, z: Array) -> Array:
        """The logistic function as a share."""
        e = np.exp(z)  # here
        s: Array = e / (1 + e)
        return s


class QuotientPrime(OwnSigma):
    """Takes σ′ by the quotient rule, an infinity over an infinity for large −z."""

    def sigma_prime(self, z: Array) -> Array:
        """The derivative, as a textbook has it."""
        e = np.exp(-z)  # here
        prime: Array = e / (1 + e) ** 2
        return prime


class HalfPrecision(OwnSigma):
    """Saves memory: what comes in float64 is put into float32."""

    def sigma(self, z: Array) -> Array:
        """The logistic function in float32."""
        if z.dtype == np.float64:
            z = z.astype(np.float32)  # here
        return 1 / (1 + np.exp(-z))


class AlwaysFloat32(OwnSigma):
    """Puts everything into float32, exact numbers too, which leave there."""

    def sigma(self, z: Array) -> Array:
        """The logistic function in float32."""
        narrow = z.astype(np.float32)  # here
        return 1 / (1 + np.exp(-narrow))


class LossyFeedforward(book.Network):
    """Has a feedforward of its own, with another σ than backprop."""

    def feedforward(self, a: Array) -> Array:
        """The output for the input column a."""
        for b, w in zip(self.biases, self.weights):
            e = np.exp(w @ a + b)  # here
            a = e / (1 + e)
        return a


class HalfUpdate(book.Network):
    """Sums the gradients in float64, and hands the sum on in float32."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        rate = eta / len(mini_batch)
        pairs = [self.backprop(x, y) for x, y in mini_batch]
        self.biases = [
            b - rate * sum(each) for b, each in zip(self.biases, zip(*(p[0] for p in pairs)))
        ]
        totals = [sum(each) for each in zip(*(p[1] for p in pairs))]
        self.weights = [w - rate * narrow(total) for w, total in zip(self.weights, totals)]


def narrow(array: Array) -> Array:
    """In float32, if it is in float64."""
    if array.dtype == np.float64:
        array = array.astype(np.float32)  # here
    return array


class LossyAndWrong(ShiftedPrime):
    """Loses the digits of σ′, and forgets to divide by the size of the mini-batch."""

    def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        super().update_mini_batch(mini_batch, eta * len(mini_batch))
