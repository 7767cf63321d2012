"""Right networks that compute σ and σ′ in another way than the book."""
# ruff: noqa: B905, E741

import math

import numpy as np

from conformance.tests.networks import book
from conformance.tests.networks.book import Array


class _OwnSigma(book.Network):
    def sigma(self, z: Array) -> Array:
        """The logistic function."""
        raise NotImplementedError

    def sigma_prime(self, z: Array) -> Array:
        """Its derivative."""
        return self.sigma(z) * (1 - self.sigma(z))

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


class StableSigmoid(_OwnSigma):
    """Never overflows: takes the exponential of −|z| and chooses a form by the sign of z."""

    def sigma(self, z: Array) -> Array:
        """The logistic function, without a warning for any z."""
        e = np.exp(-np.abs(z))
        return np.where(z >= 0, 1 / (1 + e), e / (1 + e))

    def sigma_prime(self, z: Array) -> Array:
        """Its derivative as σ(z) σ(−z), which keeps its digits where σ is nearly one."""
        return self.sigma(z) * self.sigma(-z)


class TanhForm(_OwnSigma):
    """Writes σ as a shifted and halved hyperbolic tangent."""

    def sigma(self, z: Array) -> Array:
        """(1 + tanh(z/2)) / 2, which is the logistic function."""
        s: Array = (1 + np.tanh(z / 2)) / 2
        return s


class MirroredForm(_OwnSigma):
    """Writes σ(z) as what σ(−z) leaves of one."""

    def sigma(self, z: Array) -> Array:
        """1 − 1 / (1 + e^z)."""
        with np.errstate(over="ignore"):
            s: Array = 1 - 1 / (1 + np.exp(z))
            return s


class Vectorized(_OwnSigma):
    """Has a function of one number, which `np.vectorize` lets run over arrays."""

    def sigma(self, z: Array) -> Array:
        """The logistic function."""
        s: Array = np.vectorize(lambda each: 1 / (1 + np.exp(-each)))(z)
        return s


class SoftPlus(_OwnSigma):
    """Never overflows, for ln σ is minus the logarithm of a sum of powers of e."""

    def sigma(self, z: Array) -> Array:
        """e^(−ln(1 + e^−z))."""
        s: Array = np.exp(-np.logaddexp(0, -z))
        return s


class WithMath(Vectorized):
    """Computes the one number by `math`, which has no balls."""

    def sigma(self, z: Array) -> Array:
        """The logistic function."""
        s: Array = np.frompyfunc(lambda each: 1 / (1 + math.exp(-each)), 1, 1)(z).astype(z.dtype)
        return s


class PrimeFromActivation(book.Network):
    """Takes σ′ from the activation as a(1 − a) and keeps no z."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        activations = [x]
        for b, w in zip(self.biases, self.weights):
            activations.append(book.sigmoid(np.dot(w, activations[-1]) + b))
        nabla_b, nabla_w = [], []
        error = activations[-1] - y
        for l in range(self.num_layers - 2, -1, -1):
            a = activations[l + 1]
            delta = error * a * (1 - a)
            nabla_b.append(delta)
            nabla_w.append(np.dot(delta, activations[l].T))
            error = np.dot(self.weights[l].T, delta)
        return nabla_b[::-1], nabla_w[::-1]
