"""Mistakes in other update rules than the book's: in what is kept, and in what is made of it.

Left out: momentum, and the state that any rule keeps (`momentum.py`), the book's own update
(`update_mistakes.py`), and its decay (`decay_mistakes.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.momentum import (
    ADAM,
    MOMENTA,
    OTHERS,
    ROOTS,
    kept,
    moved,
    parameter,
    whole,
)
from conformance.mistakes.situation import Formula, Formulas, Situation, by_the_book, where
from reference import updates

STEP = "w^l ← w^l − η (v^l / (1 − μ^t)) / (√(s^l / (1 − ρ^t)) + ε)"


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


OPTIMISERS = (
    *MOMENTA,
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
