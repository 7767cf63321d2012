"""Update rules beside the book's: L1, momentum, Nesterov's, RMSProp, Adam and AdamW.

What a rule keeps of each parameter between steps are rows of their own: `v`, a velocity or the mean
of the gradients, and `s`, the mean of their squares; `t` counts the steps. μ is the book's
coefficient of momentum, and β₁ of the paper on Adam; ρ is the decay of the mean square, β₂ there.
ε stands outside the root, and both means of Adam are divided by what their weights add up to, as
in that paper and in PyTorch. Weight decay is a part of the gradient, but in AdamW.

Left out: the book's own update (`equations.py`), and the loop (`network.py`).

Source: M. Nielsen, *Neural Networks and Deep Learning* (2015), chapter 3; I. Sutskever et al., *On
the importance of initialization and momentum* (2013); T. Tieleman and G. Hinton, *Lecture 6.5*
(2012); D. Kingma and J. Ba, *Adam* (2015); I. Loshchilov and F. Hutter, *Decoupled Weight Decay
Regularization* (2019).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from reference.equations import updated_bias, updated_weight
from reference.step import STATE, Array, Parameters, causal_order, split

OLD = "old_"
"""What the names of the state before the step begin with."""


def incremented(t: Array) -> Array:
    """t ← t + 1"""
    return t + 1


def shrunk(w: Array, nabla: Array, eta: float, decay: float) -> Array:
    """w^l ← w^l − (ηλ/n) sgn(w^l) − η ∂C/∂w^l"""
    return w - eta * decay * sign(w) - eta * nabla


def sign(w: Array) -> Array:
    """1, 0 or −1"""
    signs = 1 * (w > 0) - 1 * (-w > 0)
    dtype = getattr(w, "dtype", None)  # NumPy makes integers of truth values
    return signs if dtype is None else signs.astype(dtype)


def velocity(v: Array, nabla: Array, eta: float, mu: float) -> Array:
    """v^l ← μ v^l − η ∂C/∂w^l"""
    return mu * v - eta * nabla


def decayed_velocity(
    v: Array, nabla: Array, w: Array, eta: float, decay: float, mu: float
) -> Array:
    """v^l ← μ v^l − η (∂C/∂w^l + (λ/n) w^l)"""
    return mu * v - eta * (nabla + decay * w)


def along(w: Array, v: Array) -> Array:
    """w^l ← w^l + v^l"""
    return w + v


def ahead(w: Array, v: Array, nabla: Array, eta: float, mu: float) -> Array:
    """w^l ← w^l + μ v^l − η ∂C/∂w^l"""
    return w + (mu * v - eta * nabla)


def decayed_ahead(w: Array, v: Array, nabla: Array, eta: float, decay: float, mu: float) -> Array:
    """w^l ← w^l + μ v^l − η (∂C/∂w^l + (λ/n) w^l)"""
    return w + (mu * v - eta * (nabla + decay * w))


def mean(v: Array, nabla: Array, mu: float) -> Array:
    """v^l ← μ v^l + (1 − μ) ∂C/∂w^l"""
    return mu * v + (1 - mu) * nabla


def decayed_mean(v: Array, nabla: Array, w: Array, decay: float, mu: float) -> Array:
    """v^l ← μ v^l + (1 − μ) (∂C/∂w^l + (λ/n) w^l)"""
    return mu * v + (1 - mu) * (nabla + decay * w)


def mean_square(s: Array, nabla: Array, rho: float) -> Array:
    """s^l ← ρ s^l + (1 − ρ) (∂C/∂w^l)²"""
    return rho * s + (1 - rho) * np.square(nabla)


def decayed_mean_square(s: Array, nabla: Array, w: Array, decay: float, rho: float) -> Array:
    """s^l ← ρ s^l + (1 − ρ) (∂C/∂w^l + (λ/n) w^l)²"""
    return rho * s + (1 - rho) * np.square(nabla + decay * w)


def over_root(w: Array, s: Array, nabla: Array, eta: float, epsilon: float) -> Array:
    """w^l ← w^l − η ∂C/∂w^l / (√s^l + ε)"""
    return w - eta * nabla / (np.sqrt(s) + epsilon)


def decayed_over_root(
    w: Array, s: Array, nabla: Array, eta: float, decay: float, epsilon: float
) -> Array:
    """w^l ← w^l − η (∂C/∂w^l + (λ/n) w^l) / (√s^l + ε)"""
    return w - eta * (nabla + decay * w) / (np.sqrt(s) + epsilon)


def corrected(
    w: Array, v: Array, s: Array, t: Array, eta: float, mu: float, rho: float, epsilon: float
) -> Array:
    """w^l ← w^l − η (v^l / (1 − μ^t)) / (√(s^l / (1 − ρ^t)) + ε)"""
    return w - eta * (v / (1 - mu**t)) / (np.sqrt(s / (1 - rho**t)) + epsilon)


def decoupled(
    w: Array,
    v: Array,
    s: Array,
    t: Array,
    eta: float,
    decay: float,
    mu: float,
    rho: float,
    epsilon: float,
) -> Array:
    """w^l ← (1 − ηλ/n) w^l − η (v^l / (1 − μ^t)) / (√(s^l / (1 − ρ^t)) + ε)"""
    return (1 - eta * decay) * w - eta * (v / (1 - mu**t)) / (np.sqrt(s / (1 - rho**t)) + epsilon)


class Rule(NamedTuple):
    """One equation of an update, and the names of what it is given, those of layers without them.

    `b`, `w` and what begins with `old_` are from before the step; the rest is computed in it.
    """

    function: Callable[..., Any]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Update:
    """An update rule.

    Attributes:
        rules: by the names of what they give, in causal order: the state, then `b` and `w`.
        constants: μ, ρ and ε, those that it has.
    """

    rules: Mapping[str, Rule]
    constants: Mapping[str, float] = field(default_factory=dict)

    @property
    def state(self) -> tuple[str, ...]:
        """The names of what is kept from step to step, without layers."""
        return tuple(name for name in self.rules if name in STATE)

    def with_constants(self, **constants: float) -> "Update":
        """The same rule with other constants."""
        return replace(self, constants={**self.constants, **constants})

    def begun(self, parameters: Parameters) -> Parameters:
        """The parameters with the state of a start, which is zero."""
        state = {"t": np.zeros((), parameters.w[0].dtype)} if "t" in self.rules else {}
        for name, array in parameters.named():
            kept = (f"{each}_{name}" for each in "vs" if f"{each}_{name[0]}" in self.rules)
            state |= {each: np.zeros_like(array) for each in kept}
        return replace(parameters, state=state)

    def moved(
        self,
        parameters: Parameters,
        nabla: Iterable[tuple[Array, Array]],
        rates: Mapping[str, Any],
    ) -> Parameters:
        """The parameters and their state after a step.

        Args:
            parameters: before it, with their state.
            nabla: ∂C/∂b and ∂C/∂w of each layer.
            rates: `eta` and `decay`.
        """
        old = {f"{OLD}{name}": array for name, array in parameters.state.items()}
        given = {**dict(parameters.named()), **old, **self.constants, **rates}
        for at, (b, w) in enumerate(nabla, 2):
            given |= {f"nabla_b{at}": b, f"nabla_w{at}": w}
        after: dict[str, Array] = {}
        for name in causal_order(len(parameters.w) + 1, self.state):
            quantity, layer = split(name)
            if quantity in self.rules:
                rule, known = self.rules[quantity], {**after, **given}
                names = (f"{each}{layer}" for each in rule.inputs)
                pairs = zip(names, rule.inputs, strict=True)
                after[name] = rule.function(
                    *(known[n] if n in known else known[e] for n, e in pairs)
                )
        return Parameters.of(after)


V = {
    "v_b": Rule(velocity, ("old_v_b", "nabla_b", "eta", "mu")),
    "v_w": Rule(decayed_velocity, ("old_v_w", "nabla_w", "w", "eta", "decay", "mu")),
}
MEANS = {
    "v_b": Rule(mean, ("old_v_b", "nabla_b", "mu")),
    "v_w": Rule(decayed_mean, ("old_v_w", "nabla_w", "w", "decay", "mu")),
}
SQUARES = {
    "s_b": Rule(mean_square, ("old_s_b", "nabla_b", "rho")),
    "s_w": Rule(decayed_mean_square, ("old_s_w", "nabla_w", "w", "decay", "rho")),
}
T = {"t": Rule(incremented, ("old_t",))}
ADAM_B = Rule(corrected, ("b", "v_b", "s_b", "t", "eta", "mu", "rho", "epsilon"))
PAPER = {"mu": 0.9, "rho": 0.999, "epsilon": 1e-8}

BOOK_UPDATE = Update(
    {
        "b": Rule(updated_bias, ("b", "nabla_b", "eta")),
        "w": Rule(updated_weight, ("w", "nabla_w", "eta", "decay")),
    }
)
L1 = Update({"b": BOOK_UPDATE.rules["b"], "w": Rule(shrunk, ("w", "nabla_w", "eta", "decay"))})
MOMENTUM = Update(
    {**V, "b": Rule(along, ("b", "v_b")), "w": Rule(along, ("w", "v_w"))}, {"mu": 0.9}
)
NESTEROV = Update(
    {
        **V,
        "b": Rule(ahead, ("b", "v_b", "nabla_b", "eta", "mu")),
        "w": Rule(decayed_ahead, ("w", "v_w", "nabla_w", "eta", "decay", "mu")),
    },
    {"mu": 0.9},
)
RMSPROP = Update(
    {
        **SQUARES,
        "b": Rule(over_root, ("b", "s_b", "nabla_b", "eta", "epsilon")),
        "w": Rule(decayed_over_root, ("w", "s_w", "nabla_w", "eta", "decay", "epsilon")),
    },
    {"rho": 0.99, "epsilon": 1e-8},
)
ADAM = Update(
    {
        **T,
        **MEANS,
        **SQUARES,
        "b": ADAM_B,
        "w": Rule(corrected, ("w", "v_w", "s_w", "t", "eta", "mu", "rho", "epsilon")),
    },
    PAPER,
)
ADAMW = Update(
    {
        **T,
        "v_b": MEANS["v_b"],
        "v_w": Rule(mean, ("old_v_w", "nabla_w", "mu")),
        "s_b": SQUARES["s_b"],
        "s_w": Rule(mean_square, ("old_s_w", "nabla_w", "rho")),
        "b": ADAM_B,
        "w": Rule(decoupled, ("w", "v_w", "s_w", "t", "eta", "decay", "mu", "rho", "epsilon")),
    },
    PAPER,
)
UPDATES = {
    "sgd": BOOK_UPDATE,
    "l1": L1,
    "momentum": MOMENTUM,
    "nesterov": NESTEROV,
    "rmsprop": RMSPROP,
    "adam": ADAM,
    "adamw": ADAMW,
}
