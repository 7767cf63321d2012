"""Gradient descent at speed: the steps of a training loop, written over one array of parameters.

The equations of `equations.py`, in the same order, for plain float arrays. What makes them fast:
every product and every function writes into an array that is there already; σ′(z) = a (1 − a)
takes the σ(z) of the forward pass; η/m multiplies δ (n_L m numbers) and not ∂C/∂w (n_l n_{l−1}
numbers); sums over the samples, and b beside itself m times, are products with a column of ones;
and one subtraction moves all weights and biases. The results differ from those of `backprop.step`
by rounding alone.

Left out: z, δ and ∇, which nobody looks at here, and other arithmetics than NumPy's floats.

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapters 1 to 3.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import prod

import numpy as np

from reference.equations import CROSS_ENTROPY, QUADRATIC
from reference.step import Array, Batch

SLOPED = {QUADRATIC.delta: True, CROSS_ENTROPY.delta: False}
"""The costs known here, by BP1, and whether it multiplies by σ′(z^L)."""


def fits(*arrays: Array) -> bool:
    """Whether the arrays are plain ones of one float dtype; others take `backprop.step`."""
    dtype = arrays[0].dtype
    return dtype.kind == "f" and all(type(a) is np.ndarray and a.dtype == dtype for a in arrays)


class Descent:
    """The parameters of a network in training, and the steps that overwrite them.

    Attributes:
        parameters: all of them, w^2 … w^L b^2 … b^L end to end.
        weights: (n_l, n_{l-1}) views of it, for l = 2 … L.
        biases: (n_l, 1) views of it.
    """

    def __init__(
        self, weights: Sequence[Array], biases: Sequence[Array], *, sloped: bool = True
    ) -> None:
        """Copy the parameters, for which `fits` holds; `sloped` is a value of `SLOPED`."""
        arrays = [*weights, *biases]
        self.parameters = np.concatenate([array.ravel() for array in arrays])
        self._change = np.empty_like(self.parameters)  # η ∂C/∂w and η ∂C/∂b
        shapes, layers = [array.shape for array in arrays], len(weights)
        views, changes = _views(self.parameters, shapes), _views(self._change, shapes)
        self.weights, self.biases = views[:layers], views[layers:]
        self._changes = changes[:layers], changes[layers:]
        self._sloped = sloped
        self._work: dict[int, _Work] = {}  # by m: the last mini-batch may be shorter

    def step(self, batch: Batch, eta: float, decay: float = 0.0) -> None:
        """Take one step of gradient descent.

        Args:
            batch: the mini-batch, in the dtype of the parameters; its own m divides.
            eta: the learning rate η.
            decay: λ/n; biases do not decay.
        """
        m = batch.x.shape[1]
        work = self._work.get(m)
        if work is None:
            work = self._work[m] = _Work((self.weights, self.biases), self._changes, m)
        work.forward(batch.x)
        work.backward(batch.x.T, batch.y, eta / m, sloped=self._sloped)
        if decay:
            for w in self.weights:
                np.multiply(w, 1 - eta * decay, w)
        np.subtract(self.parameters, self._change, self.parameters)


class _Work:
    """A step with m samples, and where it writes: a, δ and something between, (n_l, m) each."""

    def __init__(
        self,
        parameters: tuple[Sequence[Array], Sequence[Array]],
        changes: tuple[Sequence[Array], Sequence[Array]],
        m: int,
    ) -> None:
        weights, biases = parameters
        dtype = biases[0].dtype
        a, delta, room = ([np.empty((len(b), m), dtype) for b in biases] for _ in range(3))
        self._ones, self._one = np.ones((m, 1), dtype), np.ones((), dtype)
        self._minus = -self._ones.T
        self._upwards = list(zip(weights, biases, a, room, strict=True))
        self._output = a[-1], delta[-1], room[-1]
        self._lowest = delta[0], changes[0][0], changes[1][0]
        between = zip(
            *(delta[1:], changes[0][1:], changes[1][1:]),
            *([w.T for w in weights[1:]], a[:-1], [each.T for each in a[:-1]]),
            *(delta[:-1], room[:-1]),
            strict=True,
        )
        self._downwards = list(between)[::-1]

    def forward(self, x: Array) -> None:
        """a^l = σ(w^l a^{l−1} + b^l), of which −z = −b − w a is computed first."""
        one, minus, below = self._one, self._minus, x
        for w, b, a, room in self._upwards:
            np.dot(w, below, a)
            np.dot(b, minus, room)
            np.subtract(room, a, a)
            np.exp(a, a)
            np.add(a, one, a)
            np.reciprocal(a, a)
            below = a

    def backward(self, x_rows: Array, y: Array, rate: float, *, sloped: bool) -> None:
        """(η/m) δ^L … (η/m) δ^2, and the changes that follow from each."""
        ones = self._ones
        a, delta, room = self._output
        np.subtract(a, y, delta)  # δ^L = a^L − y, and for the quadratic cost ⊙ σ′(z^L)
        if sloped:
            self._times_slope(delta, a, room)
        np.multiply(delta, rate, delta)
        for delta, change_w, change_b, w_rows, a, a_rows, delta_below, room in self._downwards:
            np.dot(delta, a_rows, change_w)  # δ^l (a^{l−1})ᵀ
            np.dot(delta, ones, change_b)  # Σ_x δ^{x,l}
            np.dot(w_rows, delta, delta_below)  # ((w^l)ᵀ δ^l) ⊙ σ′(z^{l−1})
            self._times_slope(delta_below, a, room)
        delta, change_w, change_b = self._lowest
        np.matmul(delta, x_rows, change_w)  # faster than np.dot, which is faster elsewhere
        np.dot(delta, ones, change_b)

    def _times_slope(self, delta: Array, a: Array, room: Array) -> None:
        """δ ← δ ⊙ a (1 − a)"""
        np.subtract(self._one, a, room)
        np.multiply(room, a, room)
        np.multiply(delta, room, delta)


def _views(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """The arrays of these shapes that lie end to end in one."""
    ends = accumulate(map(prod, shapes), initial=0)
    return [
        flat[start:end].reshape(shape)
        for (start, end), shape in zip(pairwise(ends), shapes, strict=True)
    ]
