"""Mistakes in other update rules than the book's: in what is kept, and in what is made of it.

Left out: the book's own update (`updates.py`), and its decay (`decay.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, Formulas, Situation, by_the_book, where
from reference import updates

MOMENTUM = ("momentum", "nesterov")
ADAM = ("adam", "adamw")
ROOTS = ("rmsprop", *ADAM)


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


def step_of_adam(at: Situation, v: Any, root: Any) -> Any:
    """w^l ← w^l − η v / (root + ε), the decay of AdamW included"""
    w = parameter(at)
    decays = at.case.update == "adamw" and at.of == "w"
    return ((1 - at.eta * at.decay) * w if decays else w) - at.eta * v / (
        root + at.given["epsilon"]
    )


def corrected(at: Situation) -> tuple[Any, Any]:
    """v^l and s^l over what their weights add up to; of RMSProp the gradient and s^l."""
    if at.case.update == "rmsprop":
        return whole(at), at.state("s")
    t = at.named["t"]
    return at.state("v") / (1 - at.given["mu"] ** t), at.state("s") / (1 - at.given["rho"] ** t)


def inside(at: Situation) -> Any:
    """w^l ← w^l − η v / √(s + ε)"""
    v, s = corrected(at)
    return step_of_adam(at, v, np.sqrt(s + at.given["epsilon"]) - at.given["epsilon"])


def squared_mean(at: Situation) -> Any:
    """s^l ← ρ s^l + (1 − ρ) (v^l)²"""
    rho = at.given["rho"]
    return rho * at.kept + (1 - rho) * np.square(at.state("v"))


def unsquared(at: Situation) -> Any:
    """s^l ← ρ s^l + (1 − ρ) |∂C/∂w^l|"""
    rho = at.given["rho"]
    return rho * at.kept + (1 - rho) * abs(whole(at))


def swapped(tag: str) -> Formula:
    """The equation with μ and ρ exchanged"""
    return lambda at: by_the_book(at, tag, mu=at.given["rho"], rho=at.given["mu"])


def coupled(at: Situation) -> Any:
    """What Adam keeps, where AdamW is meant"""
    rules = updates.ADAM.rules[at.quantity]
    values = {"old_v_w": at.kept, "old_s_w": at.kept, "nabla_w": at.nabla, "w": parameter(at)}
    values |= {name: at.given[name] for name in ("decay", "mu", "rho")}
    return rules.function(*(values[name] for name in rules.inputs))


def is_of_weights(at: Situation) -> bool:
    """Whether AdamW keeps it of weights"""
    return at.case.update == "adamw" and at.quantity in ("v_w", "s_w")


def of_adamw(formula: Callable[[Situation], Any]) -> Formulas:
    """Another formula for the weights after a step of AdamW."""
    return where("W", lambda at: at.case.update == "adamw", formula)


VELOCITY = "v^l ← μ v^l − η (∂C/∂w^l + (λ/n) w^l)"
STEP = "w^l ← w^l − η (v^l / (1 − μ^t)) / (√(s^l / (1 − ρ^t)) + ε)"
OTHERS = "other updates"

OPTIMISERS = (
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
    Mistake(
        "bias-correction-left-out",
        "The means of Adam are not divided by what their weights add up to.",
        wrong="w^l ← w^l − η v^l / (√s^l + ε)",
        right=STEP,
        formulas=moved(ADAM, lambda at: step_of_adam(at, at.state("v"), np.sqrt(at.state("s")))),
        hidden=OTHERS,
        convention="It is a convention where the step size is said to be without it.",
    ),
    Mistake(
        "bias-correction-from-0",
        "The first step has t = 0 in the correction of the means.",
        wrong=f"{STEP}, t from 0",
        right=f"{STEP}, t from 1",
        formulas=moved(ADAM, lambda at: by_the_book(at, at.of.upper(), t=at.named["t"] - 1)),
        hidden=OTHERS,
    ),
    Mistake(
        "epsilon-inside-root",
        "ε stands inside the root.",
        wrong="w^l ← w^l − η v^l / √(s^l + ε)",
        right="w^l ← w^l − η v^l / (√s^l + ε)",
        formulas=moved(ROOTS, inside),
        hidden=OTHERS,
        convention="It is a convention where the program says so, as TensorFlow does of RMSProp.",
    ),
    Mistake(
        "root-left-out",
        "The step is divided by the mean square and not by its root.",
        wrong="w^l ← w^l − η v^l / (s^l + ε)",
        right="w^l ← w^l − η v^l / (√s^l + ε)",
        formulas=moved(ROOTS, lambda at: step_of_adam(at, *corrected(at))),
        hidden=OTHERS,
    ),
    Mistake(
        "square-of-mean",
        "The square of the mean gradient is averaged, not that of the gradient.",
        wrong="s^l ← ρ s^l + (1 − ρ) (v^l)²",
        right="s^l ← ρ s^l + (1 − ρ) (∂C/∂w^l)²",
        formulas=kept("s_", ADAM, squared_mean),
        hidden=OTHERS,
    ),
    Mistake(
        "square-left-out",
        "The modulus of the gradient is averaged, not its square.",
        wrong="s^l ← ρ s^l + (1 − ρ) |∂C/∂w^l|",
        right="s^l ← ρ s^l + (1 − ρ) (∂C/∂w^l)²",
        formulas=kept("s_", ROOTS, unsquared),
        hidden=OTHERS,
    ),
    Mistake(
        "decay-rates-swapped",
        "The decay rates of the two means are exchanged.",
        wrong="v^l ← ρ v^l + (1 − ρ) ∂C/∂w^l, s^l ← μ s^l + (1 − μ) (∂C/∂w^l)²",
        right="v^l ← μ v^l + (1 − μ) ∂C/∂w^l, s^l ← ρ s^l + (1 − ρ) (∂C/∂w^l)²",
        formulas={
            **kept("v_ s_", ADAM, swapped("V")),
            **where("B", lambda at: at.case.update in ADAM, swapped("B")),
            **where("W", lambda at: at.case.update in ADAM, swapped("W")),
        },
        hidden=OTHERS,
    ),
    Mistake(
        "adamw-decay-coupled",
        "The decay of AdamW goes through the means, as a part of the gradient.",
        wrong="v^l ← μ v^l + (1 − μ) (∂C/∂w^l + (λ/n) w^l), s^l likewise",
        right="w^l ← (1 − ηλ/n) w^l − …",
        formulas={
            **where("V", is_of_weights, coupled),
            **of_adamw(lambda at: by_the_book(at, "W", decay=0 * at.decay)),
        },
        hidden=f"{OTHERS}; λ = 0",
    ),
)
