"""Mistakes on the way up: Z, A and C.

Left out: wrong samples and targets, and what one call leaves to the next (`loops.py`).
"""

from typing import Any

import numpy as np

from conformance.arithmetic.balls import is_balls
from conformance.arithmetic.rounding import Precision, RunningError
from conformance.mistakes.mistake import Mistake
from conformance.mistakes.output_mistakes import of_sigmoids, with_slope
from conformance.mistakes.situation import Situation, by_the_book, where
from reference.equations import weighted_input


def in_single(at: Situation) -> Any:
    """z^l = w^l a^{l−1} + b^l, in float32"""
    operands = at.w(at.layer), at.a(at.layer - 1), at.b(at.layer)
    z = weighted_input(*map(_single, operands))
    if isinstance(z, RunningError):
        return RunningError(z.value, z.bound, _precision(*operands))
    return z.astype(at.case.type)


def _single(array: Any) -> Any:
    """The numbers in float32; running errors count its roundings from here on."""
    if not isinstance(array, RunningError):
        return array.astype(np.float32)
    precision = Precision.of(np.float32, exact_centre=is_balls(array.value))
    return RunningError(array.value, array.bound, precision).widened(1, 1)


def _precision(*operands: Any) -> Precision:
    return next(each.precision for each in operands if isinstance(each, RunningError))


def squared_errors(at: Situation) -> Any:
    """C = (1/m) Σ_x ‖a^L − y‖²"""
    return np.square(at.a(at.last) - at.y).sum() / at.m


def with_decay(at: Situation) -> Any:
    """C = C_0 + (λ/2n) Σ_l ‖w^l‖²"""
    squares: Any = sum(np.square(at.w(layer)).sum() for layer in range(2, at.last + 1))
    return by_the_book(at, "C") + squares * at.decay / 2


def tanh(at: Situation) -> Any:
    """tanh z^l, as 2 / (1 + e^−2z) − 1"""
    return 2 / (1 + np.exp(-2 * at.z(at.layer))) - 1


FORWARD = (
    Mistake(
        "float32-inside",
        "The weighted input is computed in float32 in a float64 run.",
        wrong="z^l = w^l a^{l−1} + b^l in float32",
        right="z^l = w^l a^{l−1} + b^l in float64",
        formulas={"Z": in_single},
        hidden="float32 runs, and short fractions, which are exact in float32",
    ),
    Mistake(
        "sigmoid-sign",
        "The minus in the exponent of σ is missing.",
        wrong="a^l = 1 / (1 + e^z)",
        right="a^l = 1 / (1 + e^−z)",
        formulas=where("A", of_sigmoids, lambda at: 1 / (1 + np.exp(at.z(at.layer)))),
        source="Yorko/mlcourse.ai#640",
        hidden="z = 0",
    ),
    Mistake(
        "tanh-for-sigma",
        "tanh stands in place of σ, and its derivative in place of σ′.",
        wrong="a^l = tanh z^l",
        right="a^l = σ(z^l)",
        formulas={
            **where("A", lambda at: at.sigmoid and (at.quadratic or at.layer < at.last), tanh),
            **with_slope(lambda at: 1 - np.square(tanh(at)), of_sigmoids),
        },
        hidden="the outputs of the cross-entropy, which takes no negative ones",
    ),
    Mistake(
        "cost-without-half",
        "The quadratic cost lacks its ½.",
        wrong="C = (1/m) Σ_x ‖a^L − y‖²",
        formulas=where("C", lambda at: at.quadratic, squared_errors),
        hidden="the cross-entropy; programs that show no cost; accuracy",
        convention="It is a convention where the output error has the 2 too.",
    ),
    Mistake(
        "l2-in-cost",
        "The cost holds the term of the weight decay, without which it is compared.",
        wrong="C = C_0 + (λ/2n) Σ_l ‖w^l‖²",
        right="C = C_0",
        formulas={"C": with_decay},
        hidden="λ = 0; programs that show no cost",
    ),
)
