"""Gradient descent at speed: the steps of a training loop, written over one array of parameters.

The equations of `equations.py`, in the same order, for plain float arrays. What makes them fast:
every product and every function writes into an array that is there already; σ′(z) = a (1 − a)
takes the σ(z) of the forward pass, and so do the other f′; η/m multiplies δ (n_L m numbers) and
not ∂C/∂w (n_l n_{l−1} numbers); sums over the samples, and b beside itself m times, are products
with a column of ones; and one subtraction moves all weights and biases. The results differ from
those of `backprop.step` by rounding alone.

Left out: z, δ and ∇, which nobody looks at here, and other arithmetics than NumPy's floats.

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapters 1 to 3.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import prod

import numpy as np

from reference.equations import (
    COSTS,
    LEAKY_RELU,
    LINEAR,
    QUADRATIC,
    RELU,
    SIGMOID,
    SLOPE,
    SOFTMAX,
    TANH,
    Activation,
    Cost,
    cross_entropy_delta,
    difference,
)
from reference.families import behind
from reference.movers import Mover
from reference.step import Array, Batch, Parameters
from reference.updates import BOOK_UPDATE, Update


def knows(activations: Iterable[Activation], cost: Cost) -> bool:
    """Whether the steps of such a network are written here."""
    return cost in COSTS.values() and all(each in _KERNELS for each in activations)


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
        self,
        weights: Sequence[Array],
        biases: Sequence[Array],
        activations: Sequence[Activation] = (),
        cost: Cost = QUADRATIC,
        update: Update = BOOK_UPDATE,
        state: Mapping[str, Array] | None = None,
    ) -> None:
        """Copy the parameters, for which `fits` holds.

        Args:
            weights: (n_l, n_{l-1}) arrays for l = 2 … L.
            biases: (n_l, 1) arrays.
            activations: of the layers 2 … L, sigmoids if not given; for these and the cost `knows`.
            cost: it goes with the activation of the output.
            update: another rule than the book's.
            state: what it has kept, by names such as `v_w2`; nothing yet if not given.
        """
        arrays = [*weights, *biases]
        self.parameters = np.concatenate([array.ravel() for array in arrays])
        self._change = np.empty_like(self.parameters)  # η ∂C/∂w and η ∂C/∂b
        shapes, layers = [array.shape for array in arrays], len(weights)

        def views(flat: Array) -> tuple[Sequence[Array], Sequence[Array]]:
            found = _views(flat, shapes)
            return found[:layers], found[layers:]

        self.weights, self.biases = views(self.parameters)
        self._changes = views(self._change)
        book = update is BOOK_UPDATE
        self._mover = None if book else Mover(update, self.parameters, views, state or {})
        self._kernels = [_KERNELS[each] for each in activations or [SIGMOID] * layers]
        output = activations[-1] if activations else SIGMOID
        self._sloped = behind(output, cost).delta not in (cross_entropy_delta, difference)
        self._work: dict[tuple[int, bool], _Work] = {}  # the last mini-batch may be shorter

    @property
    def state(self) -> dict[str, Array]:
        """What the update keeps, by names such as `v_w2`: views of it."""
        return {} if self._mover is None else self._mover.state

    def begin(self, parameters: Parameters) -> None:
        """Start from other parameters, with their state."""
        for views, arrays in ((self.weights, parameters.w), (self.biases, parameters.b)):
            for view, array in zip(views, arrays, strict=True):
                view[...] = array
        if self._mover is not None:
            self._mover.begin(parameters.state)

    def step(self, batch: Batch, eta: float, decay: float = 0.0) -> None:
        """Take one step of gradient descent.

        Args:
            batch: the mini-batch, in the dtype of the parameters, perhaps with masks; its own m
                divides.
            eta: the learning rate η.
            decay: λ/n; biases do not decay.
        """
        m = batch.x.shape[1]
        key = m, bool(batch.masks)
        work = self._work.get(key)
        if work is None:
            parameters = self.weights, self.biases
            work = self._work[key] = _Work(parameters, self._changes, self._kernels, *key)
        work.masks[:] = batch.masks
        work.forward(batch.x)
        rate = eta / m if self._mover is None else 1 / m
        work.backward(batch.x.T, batch.y, rate, sloped=self._sloped)
        if self._mover is not None:
            self._mover.step(self._change, eta, decay)
            return
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
        kernels: Sequence["_Kernel"],
        m: int,
        masked: bool,
    ) -> None:
        weights, biases = parameters
        dtype = biases[0].dtype
        a, delta, room = ([np.empty((len(b), m), dtype) for b in biases] for _ in range(3))
        self.masks: list[Array] = []  # of this step
        if masked:
            slopes = enumerate(map(np.empty_like, a[:-1]))
            kernels = [
                *(_with_mask(kernels[i], self.masks, i, each) for i, each in slopes),
                kernels[-1],
            ]
        self._ones, self._one = np.ones((m, 1), dtype), np.ones((), dtype)
        rows = [self._ones.T if each.of_z else -self._ones.T for each in kernels]
        self._upwards = list(zip(weights, biases, a, room, kernels, rows, strict=True))
        self._output = a[-1], delta[-1], room[-1], kernels[-1].times_slope
        self._lowest = delta[0], changes[0][0], changes[1][0]
        between = zip(
            *(delta[1:], changes[0][1:], changes[1][1:]),
            *([w.T for w in weights[1:]], a[:-1], [each.T for each in a[:-1]]),
            *(delta[:-1], room[:-1], [each.times_slope for each in kernels[:-1]]),
            strict=True,
        )
        self._downwards = list(between)[::-1]

    def forward(self, x: Array) -> None:
        """a^l = f(w^l a^{l−1} + b^l); of σ −z = −b − w a is computed first."""
        one, below = self._one, x
        for w, b, a, room, kernel, row in self._upwards:
            np.dot(w, below, a)
            np.dot(b, row, room)
            kernel.joined(room, a, a)
            kernel.function(a, one)
            below = a

    def backward(self, x_rows: Array, y: Array, rate: float, *, sloped: bool) -> None:
        """(η/m) δ^L … (η/m) δ^2, and the changes that follow from each."""
        ones, one = self._ones, self._one
        a, delta, room, times_slope = self._output
        np.subtract(a, y, delta)  # δ^L = a^L − y, and for the quadratic cost ⊙ f′(z^L)
        if sloped:
            times_slope(delta, a, room, one)
        np.multiply(delta, rate, delta)
        for delta, change_w, change_b, w_rows, a, a_rows, below, room, times in self._downwards:
            np.dot(delta, a_rows, change_w)  # δ^l (a^{l−1})ᵀ
            np.dot(delta, ones, change_b)  # Σ_x δ^{x,l}
            np.dot(w_rows, delta, below)  # ((w^l)ᵀ δ^l) ⊙ f′(z^{l−1})
            times(below, a, room, one)
        delta, change_w, change_b = self._lowest
        np.matmul(delta, x_rows, change_w)  # faster than np.dot, which is faster elsewhere
        np.dot(delta, ones, change_b)


@dataclass(frozen=True)
class _Kernel:
    """An activation that overwrites its argument.

    Attributes:
        function: overwrites z, or −z, with f(z); takes a 1 too.
        times_slope: multiplies δ by f′ made of a, in some room.
        of_z: whether it takes z.
    """

    function: Callable[[Array, Array], object]
    times_slope: Callable[[Array, Array, Array, Array], object]
    of_z: bool = True

    @property
    def joined(self) -> np.ufunc:
        """What makes it of ±b and w a."""
        return np.add if self.of_z else np.subtract


def _with_mask(kernel: _Kernel, masks: Sequence[Array], i: int, slope: Array) -> _Kernel:
    """The same of masks[i], and f′ ⊙ r made before r ⊙ f(z) overwrites f(z)."""
    room = np.empty_like(slope)

    def function(a: Array, one: Array) -> None:
        mask = masks[i]
        kernel.function(a, one)
        np.copyto(slope, mask)
        kernel.times_slope(slope, a, room, one)
        np.multiply(a, mask, a)

    def times_slope(delta: Array, _: Array, __: Array, ___: Array) -> None:
        np.multiply(delta, slope, delta)

    return replace(kernel, function=function, times_slope=times_slope)


def _sigmoid(a: Array, one: Array) -> None:
    np.exp(a, a)
    np.add(a, one, a)
    np.reciprocal(a, a)


def _times_sigmoid_prime(delta: Array, a: Array, room: Array, one: Array) -> None:
    """δ ← δ ⊙ a (1 − a)"""
    np.subtract(one, a, room)
    np.multiply(room, a, room)
    np.multiply(delta, room, delta)


def _times_tanh_prime(delta: Array, a: Array, room: Array, one: Array) -> None:
    """δ ← δ ⊙ (1 − a²)"""
    np.multiply(a, a, room)
    np.subtract(one, room, room)
    np.multiply(delta, room, delta)


def _times_relu_prime(delta: Array, a: Array, room: Array, _one: Array) -> None:
    """δ ← δ where a > 0, else 0"""
    np.sign(a, room)
    np.multiply(delta, room, delta)


def _leaky_relu(a: Array, _one: Array) -> None:
    np.maximum(a, SLOPE * a, out=a)


def _times_leaky_relu_prime(delta: Array, a: Array, room: Array, one: Array) -> None:
    """δ ← δ where a > 0, else 0.01 δ"""
    np.copyto(room, one)
    np.multiply(room, SLOPE, room, where=a < 0)
    np.multiply(delta, room, delta)


def _softmax(a: Array, _one: Array) -> None:
    np.subtract(a, a.max(axis=0, keepdims=True), a)
    np.exp(a, a)
    np.divide(a, a.sum(axis=0, keepdims=True), a)


def _nothing(*_: Array) -> None:
    """f(z) = z, and what has no f′."""


_KERNELS = {
    SIGMOID: _Kernel(_sigmoid, _times_sigmoid_prime, of_z=False),
    TANH: _Kernel(lambda a, _: np.tanh(a, a), _times_tanh_prime),
    RELU: _Kernel(lambda a, _: np.maximum(a, 0, out=a), _times_relu_prime),
    LEAKY_RELU: _Kernel(_leaky_relu, _times_leaky_relu_prime),
    SOFTMAX: _Kernel(_softmax, _nothing),
    LINEAR: _Kernel(_nothing, _nothing),
}


def _views(flat: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """The arrays of these shapes that lie end to end in one."""
    ends = accumulate(map(prod, shapes), initial=0)
    return [
        flat[start:end].reshape(shape)
        for (start, end), shape in zip(pairwise(ends), shapes, strict=True)
    ]
