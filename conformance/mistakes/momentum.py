"""Mistakes in what an update rule keeps from step to step, that of momentum above all.

Left out: what is made of the means of RMSProp and Adam (`optimiser_mistakes.py`).
"""

from typing import Any

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, Formulas, Situation, by_the_book, where

MOMENTUM = ("momentum", "nesterov")
ADAM = ("adam", "adamw")
ROOTS = ("rmsprop", *ADAM)
VELOCITY = "v^l ← μ v^l − η (∂C/∂w^l + (λ/n) w^l)"
OTHERS = "other updates"


def kept(letters: str, rules: tuple[str, ...], formula: Formula) -> Formulas:
    """Another formula for what some rules keep under these letters."""
    return where(
        "V", lambda at: at.case.update in rules and at.quantity[:2] in letters.split(), formula
    )


def moved(rules: tuple[str, ...], formula: Formula) -> Formulas:
    """Another formula for the weights and biases after a step by some rules."""

    def holds(at: Situation) -> bool:
        return at.case.update in rules

    return {**where("B", holds, formula), **where("W", holds, formula)}


def parameter(at: Situation) -> Any:
    """w^l or b^l before the step"""
    return at.given[f"{at.of}{at.layer}"]


def whole(at: Situation) -> Any:
    """∂C/∂b^l, or ∂C/∂w^l + (λ/n) w^l"""
    return at.nabla + at.decay * parameter(at) if at.of == "w" else at.nabla


def with_old(at: Situation, old: Any) -> Any:
    """What is kept, of another value of the step before."""
    return by_the_book(at, "V", **{f"old_{at.quantity}": old})


def forgotten(at: Situation) -> Any:
    """v^l ← −η ∂C/∂w^l"""
    return with_old(at, 0 * at.kept)


def is_shared(at: Situation) -> bool:
    """Whether what is kept fits what another layer has left."""
    return at.case.update != "sgd" and at.quantity != "t" and left(at).shape == at.kept.shape


def left(at: Situation) -> Any:
    """What stands in one array of all layers: that of the layer before, or of the last one."""
    if at.layer > 2:  # noqa: PLR2004 - the first layer
        return at.named[f"{at.quantity}{at.layer - 1}"]
    return at.given[f"old_{at.quantity}{at.last}"]


def without_decay(at: Situation) -> Any:
    """v^l ← μ v^l − η ∂C/∂w^l"""
    return by_the_book(at, "V", decay=0 * at.decay)


def is_velocity(at: Situation) -> bool:
    """Whether it is the velocity of weights"""
    return at.case.update in MOMENTUM and at.quantity == "v_w"


def decay_beside(at: Situation) -> Any:
    """w^l ← (1 − ηλ/n) w^l + v^l"""
    return (1 - at.eta * at.decay) * at.w(at.layer) + at.state("v")


def dampened(at: Situation) -> Any:
    """v^l ← μ v^l − (1 − μ) η ∂C/∂w^l"""
    mu = at.given["mu"]
    return mu * at.kept - (1 - mu) * at.eta * whole(at)


def plain(at: Situation) -> Any:
    """w^l ← w^l + v^l"""
    return parameter(at) + at.state("v")


def one_late(at: Situation) -> Any:
    """The update with what the step before left."""
    layered = f"{at.of}{at.layer}"
    old = {f"{each}_{at.of}": at.given.get(f"old_{each}_{layered}") for each in "vs"}
    old = {name: each for name, each in old.items() if each is not None}
    return by_the_book(at, at.of.upper(), **old)


MOMENTA = (
    Mistake(
        "momentum-sign",
        "The velocity of the step before is subtracted.",
        wrong="v^l ← −μ v^l − η ∂C/∂w^l",
        right="v^l ← μ v^l − η ∂C/∂w^l",
        formulas=kept("v_", MOMENTUM, lambda at: with_old(at, -at.kept)),
        hidden=f"{OTHERS}; a single step",
    ),
    Mistake(
        "velocity-subtracted",
        "The velocity, which has the sign of the descent, is subtracted.",
        wrong="w^l ← w^l − v^l",
        right="w^l ← w^l + v^l",
        formulas=moved(("momentum",), lambda at: parameter(at) - at.state("v")),
        hidden=OTHERS,
    ),
    Mistake(
        "momentum-drops-decay",
        "The weight decay is left out of the velocity.",
        wrong="v^l ← μ v^l − η ∂C/∂w^l",
        right=VELOCITY,
        formulas=where("V", is_velocity, without_decay),
        hidden=f"{OTHERS}; λ = 0",
    ),
    Mistake(
        "momentum-decay-outside",
        "The weights decay beside the velocity and not through it.",
        wrong="v^l ← μ v^l − η ∂C/∂w^l, w^l ← (1 − ηλ/n) w^l + v^l",
        right=f"{VELOCITY}, w^l ← w^l + v^l",
        formulas={
            **where(
                "V", lambda at: is_velocity(at) and at.case.update == "momentum", without_decay
            ),
            **where("W", lambda at: at.case.update == "momentum", decay_beside),
        },
        hidden=f"{OTHERS}; λ = 0; a single step",
        convention="It is a convention where decoupled decay is meant (Loshchilov and Hutter).",
    ),
    Mistake(
        "momentum-dampened",
        "The gradient is weighted by 1 − μ in the velocity.",
        wrong="v^l ← μ v^l − (1 − μ) η ∂C/∂w^l",
        right="v^l ← μ v^l − η ∂C/∂w^l",
        formulas=kept("v_", MOMENTUM, dampened),
        hidden=OTHERS,
        convention="It is a convention where the velocity is meant as a mean, with another η.",
    ),
    Mistake(
        "nesterov-as-momentum",
        "The step is that of plain momentum, which does not look ahead.",
        wrong="w^l ← w^l + v^l",
        right="w^l ← w^l + μ v^l − η ∂C/∂w^l",
        formulas=moved(("nesterov",), plain),
        hidden=OTHERS,
    ),
    Mistake(
        "state-forgotten",
        "What is kept from step to step is set to zero before each.",
        wrong="v^l ← −η ∂C/∂w^l",
        right="v^l ← μ v^l − η ∂C/∂w^l",
        formulas=kept("v_ s_", (*MOMENTUM, *ROOTS), forgotten),
        hidden=f"{OTHERS}; a single step",
    ),
    Mistake(
        "state-shared-by-layers",
        "Layers of the same shape share one velocity or moment.",
        wrong="v^l ← μ v^{l−1} − η ∂C/∂w^l",
        right="v^l ← μ v^l − η ∂C/∂w^l",
        formulas=where("V", is_shared, lambda at: with_old(at, left(at))),
        hidden=f"{OTHERS}; no two layers of one shape",
    ),
    Mistake(
        "state-one-step-late",
        "The parameters move by what the step before has left, before it is brought up to date.",
        wrong="w^l ← w^l + v^l, v^l of the step before",
        right="w^l ← w^l + v^l",
        formulas=moved(("momentum", *ROOTS), one_late),
        hidden=OTHERS,
    ),
)
