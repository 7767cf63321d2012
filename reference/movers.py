"""The update rules of `updates.py` at speed: over one array of parameters, written in place.

What each keeps lies in arrays like that of the parameters. The results differ from those of the
rules by rounding alone. Left out: the gradients (`descent.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np

from reference.step import Array
from reference.updates import ADAM, ADAMW, L1, MOMENTUM, NESTEROV, RMSPROP, Update

Views = Callable[[Array], tuple[Sequence[Array], Sequence[Array]]]
"""The weights and the biases in an array of all parameters."""


class Mover:
    """An update rule on one array of parameters, with what it keeps."""

    def __init__(
        self, update: Update, parameters: Array, views: Views, state: Mapping[str, Array]
    ) -> None:
        """Begin with a state.

        Args:
            update: a rule of `updates.py`, with any constants.
            parameters: w^2 … w^L b^2 … b^L end to end, which the steps overwrite.
            views: of such an array.
            state: by names such as `v_w2`; zero if it is empty.
        """
        self.update, self.parameters, self.views = update, parameters, views
        self.decaying = sum(prod(w.shape) for w in views(parameters)[0])
        letters = [each for each in "vs" if f"{each}_w" in update.state]
        self._kept = {each: np.zeros_like(parameters) for each in letters}
        self._one, self._other = np.empty_like(parameters), np.empty_like(parameters)
        self.begin(state)
        (self._move,) = (move for rule, move in _MOVES if rule.rules is update.rules)

    @property
    def state(self) -> dict[str, Array]:
        """What is kept, by names such as `v_w2`; views, but for the count of the steps."""
        dtype = self.parameters.dtype
        found = {"t": np.array(self.t, dtype)} if "t" in self.update.state else {}
        for letter, flat in self._kept.items():
            for kind, arrays in zip("wb", self.views(flat), strict=True):
                found |= {f"{letter}_{kind}{layer}": e for layer, e in enumerate(arrays, 2)}
        return found

    def begin(self, state: Mapping[str, Array]) -> None:
        """Take a state, by names such as `v_w2`; zero if it is empty."""
        self.t = float(state.get("t", 0))
        for name, array in self.state.items():
            if name != "t":
                array[...] = state.get(name, 0)

    def step(self, nabla: Array, eta: float, decay: float) -> None:
        """Move all parameters by their gradient, the mean over the samples; it is overwritten."""
        self.t += 1
        weights = self.parameters[: self.decaying]
        if decay and self.update.rules is ADAMW.rules:
            np.multiply(weights, 1 - eta * decay, weights)
        elif decay and self.update.rules is L1.rules:
            room = self._one[: self.decaying]
            np.sign(weights, room)
            np.multiply(room, decay, room)
            np.add(nabla[: self.decaying], room, nabla[: self.decaying])
        elif decay:
            room = self._one[: self.decaying]
            np.multiply(weights, decay, room)
            np.add(nabla[: self.decaying], room, nabla[: self.decaying])
        self._move(self, nabla, eta)

    def _velocity(self, nabla: Array, eta: float) -> Array:
        """v ← μ v − η ∇; ∇ becomes η ∇."""
        v = self._kept["v"]
        np.multiply(v, self.update.constants["mu"], v)
        np.multiply(nabla, eta, nabla)
        np.subtract(v, nabla, v)
        return v

    def plain(self, nabla: Array, eta: float) -> None:
        """w ← w − η ∇"""
        np.multiply(nabla, eta, nabla)
        np.subtract(self.parameters, nabla, self.parameters)

    def momentum(self, nabla: Array, eta: float) -> None:
        """w ← w + v"""
        np.add(self.parameters, self._velocity(nabla, eta), self.parameters)

    def nesterov(self, nabla: Array, eta: float) -> None:
        """w ← w + μ v − η ∇"""
        np.multiply(self._velocity(nabla, eta), self.update.constants["mu"], self._one)
        np.subtract(self._one, nabla, self._one)
        np.add(self.parameters, self._one, self.parameters)

    def _mean_square(self, nabla: Array) -> Array:
        """s ← ρ s + (1 − ρ) ∇²"""
        s, rho = self._kept["s"], self.update.constants["rho"]
        np.multiply(s, rho, s)
        np.multiply(nabla, nabla, self._one)
        np.multiply(self._one, 1 - rho, self._one)
        np.add(s, self._one, s)
        return s

    def _over_root(self, above: Array, below: Array, rate: float, scale: float) -> None:
        """w ← w − rate above / (√below scale + ε)"""
        np.sqrt(below, self._one)
        if scale != 1:
            np.multiply(self._one, scale, self._one)
        np.add(self._one, self.update.constants["epsilon"], self._one)
        np.divide(above, self._one, self._one)
        np.multiply(self._one, rate, self._one)
        np.subtract(self.parameters, self._one, self.parameters)

    def rmsprop(self, nabla: Array, eta: float) -> None:
        """w ← w − η ∇ / (√s + ε)"""
        self._over_root(nabla, self._mean_square(nabla), eta, 1)

    def adam(self, nabla: Array, eta: float) -> None:
        """v ← μ v + (1 − μ) ∇, w ← w − η (v / (1 − μ^t)) / (√(s / (1 − ρ^t)) + ε)"""
        v, c = self._kept["v"], self.update.constants
        s = self._mean_square(nabla)
        np.multiply(v, c["mu"], v)
        np.multiply(nabla, 1 - c["mu"], self._other)
        np.add(v, self._other, v)
        scale = (1 - c["rho"] ** self.t) ** -0.5
        self._over_root(v, s, eta / (1 - c["mu"] ** self.t), float(scale))


_MOVES: tuple[tuple[Update, Callable[[Mover, Array, float], None]], ...] = (
    (L1, Mover.plain),
    (MOMENTUM, Mover.momentum),
    (NESTEROV, Mover.nesterov),
    (RMSPROP, Mover.rmsprop),
    (ADAM, Mover.adam),
    (ADAMW, Mover.adam),
)
