"""Mistakes on the way down: BP2, BP3 and BP4.

Left out: BP1 (`output_mistakes.py`), sums over the wrong samples (`loops.py`).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formulas, Situation, by_the_book, where
from conformance.model.update_kinds import SGD


def through(layer: int) -> Formulas:
    """BP2 with the weights of a layer so many above the right one, where their shape fits."""

    def fits(at: Situation) -> bool:
        other, right = at.layer + 1 + layer, at.layer + 1
        return 2 <= other <= at.last and at.w(other).shape == at.w(right).shape  # noqa: PLR2004

    return where("BP2", fits, lambda at: by_the_book(at, "BP2", w=at.w(at.layer + 1 + layer)))


def through_updated(at: Situation) -> Any:
    """δ^l = ((w′^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l), w′ after the update"""
    above = replace(at, layer=at.layer + 1)
    updated = by_the_book(above, "W", nabla_w=by_the_book(above, "BP4"))
    return by_the_book(at, "BP2", w=updated)


def is_square(at: Situation) -> bool:
    """Whether w^{l+1} is"""
    rows, columns = at.w(at.layer + 1).shape
    return bool(rows == columns)


def one_for_all(at: Situation) -> Any:
    """∂C/∂b_j^l = (1/m) Σ_x Σ_i δ_i^{x,l}"""
    total = at.delta(at.layer).sum(axis=0, keepdims=True).sum(axis=1, keepdims=True) / at.m
    return np.ones(at.b(at.layer).shape, at.case.type) * total


def summed(at: Situation) -> Any:
    """Σ_x δ^{x,l}"""
    return at.delta(at.layer).sum(axis=1, keepdims=True)


def without_delta(at: Situation) -> Any:
    """∂C/∂w_jk^l = (1/m) Σ_x a_k^{x,l−1}"""
    return np.ones(at.delta(at.layer).shape, at.case.type) @ at.a(at.layer - 1).T / at.m


BACKWARD = (
    Mistake(
        "bp2-no-sigma-prime",
        "σ′(z^l) is left out in the hidden layers.",
        wrong="δ^l = (w^{l+1})ᵀ δ^{l+1}",
        formulas={"BP2": lambda at: at.w(at.layer + 1).T @ at.delta(at.layer + 1) * at.mask},
        source="iamtrask/Grokking-Deep-Learning#50",
        hidden="no hidden layer",
    ),
    Mistake(
        "bp2-no-transpose",
        "The weights are not transposed on the way down.",
        wrong="δ^l = (w^{l+1} δ^{l+1}) ⊙ σ′(z^l)",
        formulas=where("BP2", is_square, lambda at: by_the_book(at, "BP2", w=at.w(at.layer + 1).T)),
        hidden="symmetric weights; layers that are not square stop the program",
    ),
    Mistake(
        "bp2-wrong-layer",
        "The error goes down through the weights of the layer below.",
        wrong="δ^l = ((w^l)ᵀ δ^{l+1}) ⊙ σ′(z^l)",
        formulas=through(-1),
        hidden="no hidden layer; layers of other shapes stop the program",
    ),
    Mistake(
        "bp2-layer-above",
        "The error goes down through the weights of the layer above.",
        wrong="δ^l = ((w^{l+2})ᵀ δ^{l+1}) ⊙ σ′(z^l)",
        formulas=through(1),
        hidden="fewer than two hidden layers; layers of other shapes stop the program",
    ),
    Mistake(
        "bp2-stops-early",
        "The loop never reaches the first hidden layer.",
        wrong="δ^2 = 0",
        right="δ^2 = ((w^3)ᵀ δ^3) ⊙ σ′(z^2)",
        formulas=where("BP2", lambda at: at.layer == 2, lambda at: 0 * at.z(2)),  # noqa: PLR2004
        hidden="no hidden layer",
    ),
    Mistake(
        "update-before-bp2",
        "The weights are updated before the error goes down through them.",
        wrong="δ^l = ((w^{l+1} − η ∂C/∂w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)",
        formulas=where("BP2", lambda at: at.case.update == SGD, through_updated),
        source="kim-marcel/basic_neural_network#7",
        hidden="no hidden layer; a tiny η",
    ),
    Mistake(
        "bp3-summed-over-all",
        "The errors are summed over the neurons too: one number for the whole layer.",
        wrong="∂C/∂b_j^l = (1/m) Σ_x Σ_i δ_i^{x,l}",
        right="∂C/∂b_j^l = (1/m) Σ_x δ_j^{x,l}",
        formulas={"BP3": one_for_all},
        source="rasbt/stat453-deep-learning-ss21#5",
        hidden="one neuron a layer",
    ),
    Mistake(
        "bp3-not-summed",
        "The errors are not summed over the mini-batch: ∂C/∂b is (n_l, m).",
        wrong="∂C/∂b^l = (1/m) δ^l",
        formulas={"BP3": lambda at: at.delta(at.layer) / at.m},
        hidden="m = 1",
    ),
    Mistake(
        "bp3-wrong-axis",
        "The errors are summed over the neurons instead of the mini-batch: ∂C/∂b is (1, m).",
        wrong="∂C/∂b_x^l = (1/m) Σ_j δ_j^{x,l}",
        right="∂C/∂b_j^l = (1/m) Σ_x δ_j^{x,l}",
        formulas={"BP3": lambda at: at.delta(at.layer).sum(axis=0, keepdims=True) / at.m},
        hidden="m = n_l = 1",
    ),
    Mistake(
        "bp3-mean-for-sum",
        "∂C/∂b is a mean where ∂C/∂w is a sum, and both are divided by m in the update.",
        wrong="∂C/∂b^l = (1/m²) Σ_x δ^{x,l}",
        formulas={"BP3": lambda at: summed(at) / at.m / at.m},
        source="kvfrans/notes#5",
        hidden="m = 1",
    ),
    Mistake(
        "bp3-sum-for-mean",
        "∂C/∂b is a sum where ∂C/∂w is a mean.",
        wrong="∂C/∂b^l = Σ_x δ^{x,l}",
        formulas={"BP3": summed},
        source="kvfrans/notes#5",
        hidden="m = 1",
    ),
    Mistake(
        "bp4-transposed",
        "∂C/∂w is transposed.",
        wrong="∂C/∂w^l = (1/m) a^{l−1} (δ^l)ᵀ",
        formulas={"BP4": lambda at: at.a(at.layer - 1) @ at.delta(at.layer).T / at.m},
        hidden="layers that are not square stop the program",
    ),
    Mistake(
        "bp4-own-activation",
        "∂C/∂w has the activation of the layer itself, not of the one below.",
        wrong="∂C/∂w^l = (1/m) δ^l (a^l)ᵀ",
        formulas={"BP4": lambda at: by_the_book(at, "BP4", a=at.a(at.layer))},
        hidden="layers that are not square stop the program",
    ),
    Mistake(
        "bp4-weighted-input-below",
        "∂C/∂w has the weighted input of the layer below, not its activation.",
        wrong="∂C/∂w^l = (1/m) δ^l (z^{l−1})ᵀ",
        formulas=where(
            "BP4",
            lambda at: at.layer > 2,  # noqa: PLR2004 - below it are the samples
            lambda at: by_the_book(at, "BP4", a=at.z(at.layer - 1)),
        ),
        hidden="no hidden layer",
    ),
    Mistake(
        "bp4-no-delta",
        "∂C/∂w is the activation below, without the error.",
        wrong="∂C/∂w_jk^l = (1/m) Σ_x a_k^{x,l−1}",
        right="∂C/∂w_jk^l = (1/m) Σ_x δ_j^{x,l} a_k^{x,l−1}",
        formulas={"BP4": without_delta},
    ),
    Mistake(
        "bp4-weight-itself",
        "∂C/∂w is the weight, as if z were differentiated by a.",
        wrong="∂C/∂w^l = w^l",
        formulas={"BP4": lambda at: at.w(at.layer)},
        hidden="all parameters zero",
    ),
)
