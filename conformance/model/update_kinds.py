"""The update rules as rows of the table: their code, and their tolerance for other computations.

A new rule is an entry of `reference.updates`, with its code here. Left out: the rows of the book's
own update (`table.py`).
"""

import re
from collections.abc import Callable
from typing import Any

from conformance.model.functions import ROUTES
from reference import updates
from reference.equations import updated_bias
from reference.updates import Rule

SGD = "sgd"
"""The book's own update, which keeps nothing."""

ABOUT = {
    "t": "the number of steps",
    "v_b": "the velocity or mean gradient of the biases of layer {layer}",
    "v_w": "the velocity or mean gradient of the weights into layer {layer}",
    "s_b": "the mean square of the gradient of the biases of layer {layer}",
    "s_w": "the mean square of the gradient of the weights into layer {layer}",
    "b": "the new biases of layer {layer}",
    "w": "the new weights into layer {layer}",
}

SYMBOLS = {"t": "t", "v_b": "vb", "v_w": "vw", "s_b": "sb", "s_w": "sw", "b": "b", "w": "w"}

_DECAYED = "(nabla + lmbda / n * w if lmbda else nabla)"
_ROOT = "np.sqrt(s / (1 - rho ** t)) + epsilon"
_STEP = f"eta * (v / (1 - mu ** t)) / ({_ROOT})"

CODE: dict[Callable[..., Any], str] = {
    updated_bias: "w - eta * nabla",
    updates.shrunk: "w - (eta * lmbda / n * np.sign(w) if lmbda else 0) - eta * nabla",
    updates.incremented: "old_t + 1",
    updates.velocity: "mu * old_v - eta * nabla",
    updates.decayed_velocity: f"mu * old_v - eta * {_DECAYED}",
    updates.along: "w + v",
    updates.ahead: "w + mu * v - eta * nabla",
    updates.decayed_ahead: f"w + mu * v - eta * {_DECAYED}",
    updates.mean: "mu * old_v + (1 - mu) * nabla",
    updates.decayed_mean: f"mu * old_v + (1 - mu) * {_DECAYED}",
    updates.mean_square: "rho * old_s + (1 - rho) * nabla ** 2",
    updates.decayed_mean_square: f"rho * old_s + (1 - rho) * {_DECAYED} ** 2",
    updates.over_root: "w - eta * nabla / (np.sqrt(s) + epsilon)",
    updates.decayed_over_root: f"w - eta * {_DECAYED} / (np.sqrt(s) + epsilon)",
    updates.corrected: f"w - {_STEP}",
    updates.decoupled: f"((1 - eta * lmbda / n) * w if lmbda else w) - {_STEP}",
}
"""Each equation as NumPy code, of which `nabla`, `v`, `s` and `w` are those of the parameter."""


def code(rule: Rule, quantity: str) -> str:
    """The code of a quantity, in the names of its inputs."""
    of = quantity[-1]
    names = {each: f"{each}_{of}" for each in ("nabla", "old_v", "old_s", "v", "s")} | {"w": of}
    return re.sub(r"\w+", lambda word: names.get(word[0], word[0]), CODE[rule.function])


def formula(rule: Rule, quantity: str) -> str:
    """The equation as it is written, of weights or of biases."""
    said = (rule.function.__doc__ or "").splitlines()[0]
    return said.replace("w^l", "b^l") if quantity[-1] == "b" else said


def loosened(rule: Rule, quantity: str) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """The tolerance of a quantity for other ways to compute it, and what else enters that.

    Programs put η and 1/m elsewhere, keep −v/η in the place of v, go from v towards ∇ by a part of
    their difference, and add up the samples one by one: each costs some roundings of the largest
    terms.
    """
    names = tuple(each for each in rule.inputs if each not in ("t", "mu", "rho", "epsilon"))

    def tolerance(result: Any, *terms: Any) -> Any:
        *given, x = terms
        at = dict(zip(names, map(abs, given), strict=True))
        nabla = at.get("nabla_w", at.get("nabla_b", 0))
        nabla = nabla + at["decay"] * at["w"] if "decay" in at else nabla
        nabla = nabla * nabla if quantity[0] == "s" else nabla * at.get("eta", 1)
        before = at.get(f"old_{quantity}", at.get(quantity, 0))
        velocity = at.get(f"v_{quantity}", 0) if f"nabla_{quantity}" in names else 0
        most = before + nabla + velocity + (abs(result) if quantity in ("b", "w") else 0)
        return result.loosened(2 * ROUTES + x.shape[1], most)

    return (*names, "x"), tolerance
