"""Mistakes in weight decay, which is a part of W.

Left out: decay in the cost (`forward.py`).
"""

from collections.abc import Callable
from typing import Any

from conformance.mistakes.mistake import BOOK, Mistake
from conformance.mistakes.situation import Formulas, Situation, by_the_book, where
from reference.equations import updated_weight


def decaying(factor: Callable[[Situation], tuple[float, float]]) -> Formulas:
    """The update of w with λ/n times a factor, given as a numerator and a denominator."""

    def weight(at: Situation) -> Any:
        times, over = factor(at)
        return by_the_book(at, "W", decay=at.decay * times / over)

    return {"W": weight}


def decayed_bias(at: Situation) -> Any:
    """b^l ← (1 − ηλ/n) b^l − η ∂C/∂b^l"""
    return updated_weight(at.b(at.layer), at.nabla_b(at.layer), at.eta, at.decay)


def decay_by_size(at: Situation) -> Any:
    """w^l ← (1 − ηλ/n) w^l − η ∂C/∂w^l"""
    return updated_weight(at.w(at.layer), at.nabla_w(at.layer), at.eta, at.decay)


def decay_after_step(at: Situation) -> Any:
    """w^l ← (1 − ηλ/n) (w^l − η ∂C/∂w^l)"""
    return (1 - at.eta * at.decay) * (at.w(at.layer) - at.eta * at.nabla_w(at.layer))


DECAY = (
    Mistake(
        "l1-as-l2",
        "The weights shrink by a part of their size where L1 is meant.",
        wrong=BOOK["W"],
        right="w^l ← w^l − (ηλ/n) sgn(w^l) − η ∂C/∂w^l",
        formulas=where("W", lambda at: at.case.update == "l1", decay_by_size),
        hidden="other updates; λ = 0",
    ),
    Mistake(
        "l2-left-out",
        "The weights do not decay.",
        wrong="w^l ← w^l − η ∂C/∂w^l",
        formulas=decaying(lambda _: (0, 1)),
        hidden="λ = 0",
    ),
    Mistake(
        "l2-without-n",
        "λ is not divided by n.",
        wrong="w^l ← (1 − ηλ) w^l − η ∂C/∂w^l",
        formulas=decaying(lambda at: (at.case.n, 1)),
        hidden="λ = 0",
    ),
    Mistake(
        "l2-over-m",
        "λ is divided by m.",
        wrong="w^l ← (1 − ηλ/m) w^l − η ∂C/∂w^l",
        formulas=decaying(lambda at: (at.case.n, at.m)),
        source="d2l-ai/d2l-en#744",
        hidden="λ = 0; one mini-batch an epoch",
    ),
    Mistake(
        "l2-doubled",
        "λ is doubled, as if its term in the cost had no ½.",
        wrong="w^l ← (1 − 2ηλ/n) w^l − η ∂C/∂w^l",
        formulas=decaying(lambda _: (2, 1)),
        hidden="λ = 0",
    ),
    Mistake(
        "l2-halved",
        "λ is halved, the ½ of its term in the cost not being cancelled by the square.",
        wrong="w^l ← (1 − ηλ/2n) w^l − η ∂C/∂w^l",
        formulas=decaying(lambda _: (1, 2)),
        hidden="λ = 0",
    ),
    Mistake(
        "l2-sign",
        "The weights grow instead of decaying.",
        wrong="w^l ← (1 + ηλ/n) w^l − η ∂C/∂w^l",
        formulas=decaying(lambda _: (-1, 1)),
        source="andersbll/nnet#4",
        hidden="λ = 0",
    ),
    Mistake(
        "l2-on-biases",
        "The biases decay too.",
        wrong="b^l ← (1 − ηλ/n) b^l − η ∂C/∂b^l",
        formulas={"B": decayed_bias},
        source="jakeret/tf_unet#40",
        hidden="λ = 0",
    ),
    Mistake(
        "l2-after-step",
        "The decay comes after the gradient step, on the new weights.",
        wrong="w^l ← (1 − ηλ/n) (w^l − η ∂C/∂w^l)",
        formulas={"W": decay_after_step},
        hidden="λ = 0; a tolerance of 1e-4",
    ),
)
