"""Mistakes in the output error, BP1, and in σ′, which BP2 shares.

Left out: the other equations on the way down (`backward.py`), wrong targets (`loops.py`).
"""

from collections.abc import Callable
from typing import Any

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, Formulas, Situation, by_the_book, where


def quadratic(formula: Formula) -> Formulas:
    """A wrong output error of the quadratic cost."""
    return where("BP1", lambda at: at.quadratic and at.sloped, formula)


def difference(at: Situation) -> Any:
    """δ^L = a^L − y"""
    return at.a(at.last) - at.y


def with_slope(
    slope: Callable[[Situation], Any], holds: Callable[[Situation], Any] = lambda _: True
) -> Formulas:
    """Something else in the place of f′(z^l), in the hidden layers too, where that holds."""

    def hidden(at: Situation) -> Any:
        return (at.w(at.layer + 1).T @ at.delta(at.layer + 1)) * slope(at) * at.mask

    def output(at: Situation) -> bool:
        return at.quadratic and at.sloped and bool(holds(at))

    return {
        **where("BP1", output, lambda at: difference(at) * slope(at)),
        **where("BP2", holds, hidden),
    }


def of_sigmoids(at: Situation) -> bool:
    """Whether the layer is one of sigmoids."""
    return at.sigmoid


def over_outputs(tag: str) -> Formula:
    """The book's, divided by n_L"""
    return lambda at: by_the_book(at, tag) / at.y.shape[0]


OUTPUT = (
    Mistake(
        "bp1-no-sigma-prime",
        "σ′(z^L) is left out of the output error of the quadratic cost.",
        wrong="δ^L = a^L − y",
        formulas=quadratic(difference),
        source="Bot-Academy/NeuralNetworkFromScratch#3",
        hidden="the cross-entropy, where it is right",
    ),
    Mistake(
        "cross-entropy-delta-on-quadratic",
        "The quadratic cost has the output error of the cross-entropy.",
        wrong="δ^L = a^L − y",
        formulas=quadratic(difference),
        source="mnielsen/neural-networks-and-deep-learning#77",
        hidden="the cross-entropy; the numbers are those of bp1-no-sigma-prime",
    ),
    Mistake(
        "quadratic-delta-on-cross-entropy",
        "The cross-entropy has the output error of the quadratic cost.",
        wrong="δ^L = (a^L − y) ⊙ σ′(z^L)",
        right="δ^L = a^L − y",
        formulas=where(
            "BP1",
            lambda at: at.case.cost == "cross-entropy",
            lambda at: difference(at) * at.f.prime(at.z(at.last)),
        ),
        source="mnielsen/neural-networks-and-deep-learning#77",
        hidden="the quadratic cost",
    ),
    Mistake(
        "delta-negated",
        "The output error is y − a, with the minus of descent still in the update.",
        wrong="δ^L = (y − a^L) ⊙ σ′(z^L)",
        formulas={"BP1": lambda at: -by_the_book(at, "BP1")},
        hidden="a^L = y",
        convention="It is a convention where the update adds the gradient.",
    ),
    Mistake(
        "delta-without-half",
        "The 2 of the square is kept in the derivative, although the cost has a ½.",
        wrong="δ^L = 2 (a^L − y) ⊙ σ′(z^L)",
        formulas=quadratic(lambda at: 2 * by_the_book(at, "BP1")),
        hidden="the cross-entropy; accuracy, for which it is another η",
        convention="It is a convention where the cost has no ½ either.",
    ),
    Mistake(
        "delta-over-m",
        "The output error is divided by m, and its mean is taken as well.",
        wrong="δ^L = (1/m) ∇_a C ⊙ σ′(z^L)",
        right="δ^L = ∇_a C ⊙ σ′(z^L)",
        formulas={"BP1": lambda at: by_the_book(at, "BP1") / at.m},
        hidden="m = 1",
        convention="It is a convention where no mean is taken after it.",
    ),
    Mistake(
        "mean-over-outputs",
        "The cost is a mean over the output neurons as well, as a framework's loss is.",
        wrong="C = (1/m n_L) Σ_x C_x, δ^L = (1/n_L) ∇_a C ⊙ σ′(z^L)",
        right="C = (1/m) Σ_x C_x, δ^L = ∇_a C ⊙ σ′(z^L)",
        formulas={tag: over_outputs(tag) for tag in ("C", "BP1")},
        source="oysteijo/simd_neuralnet#1",
        hidden="n_L = 1",
    ),
    Mistake(
        "sigma-prime-of-a",
        "σ′ is taken at a, which has been through σ already.",
        wrong="… ⊙ σ′(a^l)",
        right="… ⊙ σ′(z^l)",
        formulas=with_slope(lambda at: at.f.prime(at.a(at.layer))),
        source="dwhitena/gophernet#6",
        hidden="accuracy: a run of 30 epochs gets as far",
    ),
    Mistake(
        "x-one-minus-x-of-z",
        "x (1 − x), which is σ′ where x is an activation, is applied to z.",
        wrong="… ⊙ z^l (1 − z^l)",
        right="… ⊙ σ′(z^l) = … ⊙ a^l (1 − a^l)",
        formulas=with_slope(lambda at: at.z(at.layer) * (1 - at.z(at.layer)), of_sigmoids),
        source="BoltzmannEntropy/interviews.ai#4",
    ),
)
