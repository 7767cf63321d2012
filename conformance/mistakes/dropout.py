"""Mistakes with the mask r^l of a dropout: 0 where a neuron is left out, else 1 or 1/(1 − p).

Left out: what is done at test, which is no part of a step.
"""

from collections.abc import Callable
from typing import Any

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.output_mistakes import with_slope
from conformance.mistakes.situation import Formulas, Situation, by_the_book, where

FORWARD = "a^l = σ(z^l) ⊙ r^l"
BACKWARD = "δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l) ⊙ r^l"


def has_mask(at: Situation) -> bool:
    """Whether neurons of the layer are left out."""
    return at.masked


def with_mask(tag: str, other: Callable[[Any], Any]) -> Formulas:
    """The equation of a hidden layer with something else in the place of its mask."""
    return where(tag, has_mask, lambda at: by_the_book(at, tag, mask=other(at.mask)))


def below(at: Situation) -> Any:
    """r^{l−1}"""
    return at.at(f"a{at.layer - 1}").mask


def is_output_behind_dropout(at: Situation) -> bool:
    """Whether the layer is the output, behind one with dropout that is as wide or wider"""
    if not 2 < at.layer == at.last:  # noqa: PLR2004 - there is a hidden layer
        return False
    return at.at(f"a{at.layer - 1}").masked and below(at).shape[0] >= at.y.shape[0]


def slope_of_masked(at: Situation) -> Any:
    """f′ made of a^l"""
    return at.f.prime_of_a(at.a(at.layer)) if at.f.prime_of_a else 1


DROPOUT = (
    Mistake(
        "mask-not-applied",
        "The forward pass leaves no neuron out.",
        wrong="a^l = σ(z^l)",
        right=FORWARD,
        formulas=with_mask("A", lambda _: 1),
        hidden="no dropout",
    ),
    Mistake(
        "mask-at-the-output",
        "Output neurons are left out as well.",
        wrong="a^L = f(z^L) ⊙ r",
        right="a^L = f(z^L)",
        formulas=where(
            "A",
            is_output_behind_dropout,
            lambda at: by_the_book(at, "A") * below(at)[: at.y.shape[0]],
        ),
        hidden="no dropout",
    ),
    Mistake(
        "mask-not-sent-back",
        "The mask is left out on the way down: neurons that were left out have an error.",
        wrong="δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)",
        right=BACKWARD,
        formulas=with_mask("BP2", lambda _: 1),
        hidden="no dropout; f′ made of a that is 0, where that is 0",
    ),
    Mistake(
        "mask-drawn-again",
        "Another mask is drawn on the way down; here it is the one of the next sample.",
        wrong="… ⊙ r̃^l, drawn again",
        right=BACKWARD,
        formulas=with_mask("BP2", lambda mask: mask[:, [*range(1, mask.shape[1]), 0]]),
        hidden="no dropout; one mask for all samples",
    ),
    Mistake(
        "mask-scale-left-out",
        "The scale 1/(1 − p) of the forward pass is left out on the way down.",
        wrong="… ⊙ [r^l > 0]",
        right=BACKWARD,
        formulas=with_mask("BP2", lambda mask: mask > 0),
        hidden="no dropout; masks of 0 and 1, as in the book",
    ),
    Mistake(
        "mask-scaled-twice",
        "The scale 1/(1 − p) is there twice on the way down.",
        wrong="… ⊙ r^l ⊙ r^l",
        right=BACKWARD,
        formulas=with_mask("BP2", lambda mask: mask * mask),
        hidden="no dropout; masks of 0 and 1, as in the book",
    ),
    Mistake(
        "slope-of-masked-activation",
        "The derivative is made of an activation that has its mask, and the mask a scale.",
        wrong="… ⊙ r^l (1 − (a^l)²), a^l = r^l ⊙ tanh z^l",
        right="… ⊙ r^l (1 − tanh² z^l)",
        formulas={"BP2": with_slope(slope_of_masked, has_mask)["BP2"]},
        hidden="no dropout; masks of 0 and 1, as in the book; ReLU",
    ),
)
