"""Mistakes with the f′ of a layer of any activation, and with where its error comes from.

Left out: σ′ left out or taken at a (`output_mistakes.py`, `backward.py`), and wrong activations.
"""

from typing import Any

import numpy as np

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.output_mistakes import difference, with_slope
from conformance.mistakes.situation import Formulas, Situation, by_the_book, where
from conformance.model.functions import ACTIVATIONS


def ends_with_softmax(at: Situation) -> bool:
    """Whether the output is a softmax, behind which stands the log-likelihood."""
    return at.case.activations[-1] == "softmax"


def through_jacobian(at: Situation) -> Any:
    """δ_j^L = a_j [(a − y)_j − Σ_k a_k (a − y)_k]"""
    a, wrong = at.a(at.last), difference(at)
    return a * (wrong - (a * wrong).sum(axis=0, keepdims=True))


def of_one_hot_labels(at: Situation) -> Any:
    """C = −(1/m) Σ_x Σ_j ln a_{y_j}"""
    a, y = at.a(at.last), at.y
    each = y * np.log(a[1:2]) + (1 - y) * np.log(a[0:1])
    return -each.sum() / at.m


def flipped(at: Situation) -> Any:
    """1 where z < 0, else 0"""
    return -at.z(at.layer) > 0


def like_sigmoid(at: Situation) -> Any:
    """a (1 − a)"""
    return at.a(at.layer) * (1 - at.a(at.layer))


def mirrored(at: Situation) -> int:
    """The layer whose weights stand where those of the next do, from the other end."""
    return at.last + 1 - at.layer


def fits(at: Situation) -> bool:
    """Whether those are others, of the same shape."""
    other, right = mirrored(at), at.layer + 1
    return other != right and at.w(other).shape == at.w(right).shape


def summed_at_the_output(tag: str) -> Formulas:
    """The gradient of the output layer without the division by m."""
    return where(tag, lambda at: at.layer == at.last, lambda at: at.m * by_the_book(at, tag))


FAMILIES = (
    Mistake(
        "sigma-for-sigma-prime",
        "The activation itself is taken for its derivative.",
        wrong="… ⊙ a^l",
        right="… ⊙ σ′(z^l)",
        formulas=with_slope(lambda at: at.a(at.layer)),
    ),
    Mistake(
        "relu-prime-flipped",
        "The slope of ReLU is 1 where z is negative, and 0 elsewhere.",
        wrong="… ⊙ [z^l < 0]",
        right="… ⊙ [z^l > 0]",
        formulas={"BP2": with_slope(flipped, lambda at: at.f == ACTIVATIONS["relu"])["BP2"]},
        hidden="layers that are not of ReLU",
    ),
    Mistake(
        "leaky-slope-left-out",
        "The slope of leaky ReLU is 0 where z is negative, as that of ReLU.",
        wrong="… ⊙ [z^l > 0]",
        right="… ⊙ ([z^l > 0] + 0.01 [z^l < 0])",
        formulas={
            "BP2": with_slope(
                lambda at: at.z(at.layer) > 0, lambda at: at.f == ACTIVATIONS["leaky-relu"]
            )["BP2"]
        },
        hidden="layers that are not of leaky ReLU",
    ),
    Mistake(
        "sigmoid-prime-for-another",
        "a (1 − a), the derivative of σ, is kept with another activation.",
        wrong="… ⊙ a^l (1 − a^l)",
        right="… ⊙ f′(z^l), such as 1 − (a^l)² of tanh",
        formulas=with_slope(like_sigmoid, lambda at: at.f.hidden and not at.sigmoid),
        hidden="sigmoids, of which it is right",
    ),
    Mistake(
        "tanh-prime-without-square",
        "1 − tanh z is taken for the derivative of tanh, without the square.",
        wrong="… ⊙ (1 − a^l)",
        right="… ⊙ (1 − (a^l)²)",
        formulas=with_slope(lambda at: 1 - at.a(at.layer), lambda at: at.f == ACTIVATIONS["tanh"]),
        hidden="layers that are not of tanh",
    ),
    Mistake(
        "softmax-prime-on-top",
        "The derivative of the softmax, entry by entry, stands on top of a − y, which has it.",
        wrong="δ^L = (a^L − y) ⊙ a^L (1 − a^L)",
        right="δ^L = a^L − y",
        formulas=where("BP1", ends_with_softmax, lambda at: difference(at) * like_sigmoid(at)),
        hidden="outputs that are no softmax",
    ),
    Mistake(
        "softmax-jacobian-on-top",
        "a − y is sent through the Jacobian of the softmax, which it has been through already.",
        wrong="δ_j^L = a_j [(a − y)_j − Σ_k a_k (a − y)_k]",
        right="δ^L = a^L − y",
        formulas=where("BP1", ends_with_softmax, through_jacobian),
        hidden="outputs that are no softmax",
    ),
    Mistake(
        "labels-one-hot",
        "The labels are one-hot where the cost takes classes: each entry is taken for a class.",
        wrong="C = −(1/m) Σ_x Σ_j ln a_{y_j}^L",
        right="C = −(1/m) Σ_x Σ_j y_j ln a_j^L",
        formulas=where("C", ends_with_softmax, of_one_hot_labels),
        hidden="costs of columns; a cost that is not compared",
    ),
    Mistake(
        "raw-error-sent-back",
        "a − y goes down to the last hidden layer in the place of δ^L.",
        wrong="δ^{L−1} = ((w^L)ᵀ (a^L − y)) ⊙ σ′(z^{L−1})",
        right="δ^{L−1} = ((w^L)ᵀ δ^L) ⊙ σ′(z^{L−1})",
        formulas=where(
            "BP2",
            lambda at: at.layer == at.last - 1,
            lambda at: by_the_book(at, "BP2", delta=difference(at)),
        ),
        hidden="no hidden layer; costs of which δ^L is a − y",
    ),
    Mistake(
        "weights-backwards",
        "The error goes down through the list of the weights counted from the wrong end.",
        wrong="δ^l = ((w^{L+1−l})ᵀ δ^{l+1}) ⊙ σ′(z^l)",
        formulas=where("BP2", fits, lambda at: by_the_book(at, "BP2", w=at.w(mirrored(at)))),
        hidden="no hidden layer; layers of other shapes stop the program",
    ),
    Mistake(
        "one-layer-not-divided",
        "The gradients of the output layer are sums, those of the other layers are means.",
        wrong="∂C/∂b^L = Σ_x δ^{x,L}, ∂C/∂w^L = δ^L (a^{L−1})ᵀ",
        right="∂C/∂b^L = (1/m) Σ_x δ^{x,L}, ∂C/∂w^L = (1/m) δ^L (a^{L−1})ᵀ",
        formulas={**summed_at_the_output("BP3"), **summed_at_the_output("BP4")},
        hidden="m = 1",
    ),
)
