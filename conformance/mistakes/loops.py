"""Mistakes of the loop: samples left out, updates too early, what one step leaves to the next.

Left out: the samples themselves (`data_mistakes.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import (
    Formula,
    Formulas,
    Situation,
    by_the_book,
    evaluate,
    where,
)

MOMENTUM = 0.9
GRADIENTS = {"BP3": "nabla_b", "BP4": "nabla_w"}


def of_samples(kept: Callable[[int], list[bool]]) -> Formulas:
    """∂C/∂b and ∂C/∂w from some of the m samples, still divided by m."""

    def formula(tag: str) -> Formula:
        return lambda at: by_the_book(at, tag, delta=np.where(kept(at.m), at.delta(at.layer), 0))

    return {tag: formula(tag) for tag in GRADIENTS}


def accumulated(tag: str, quantity: str) -> Formula:
    """∇ = (1/m) (Σ_x ∇_x + the sum that the step before left)"""

    def formula(at: Situation) -> Any:
        left = at.previous.named[f"{quantity}{at.layer}"] * at.previous.m if at.previous else 0
        return (by_the_book(at, tag) * at.m + left) / at.m

    return formula


def accumulated_z(at: Situation) -> Any:
    """z^l ← z^l + w^l a^{l−1} + b^l"""
    z = by_the_book(at, "Z")
    before = at.previous.z(at.layer) if at.previous else None
    return z if before is None or before.shape != z.shape else before + z


def moving_on(tag: str, quantity: str) -> Formula:
    """The update, and 0.9 times the last one"""

    def formula(at: Situation) -> Any:
        updated = by_the_book(at, tag)
        if at.previous is None:
            return updated
        now, before = (getattr(each, quantity)(at.layer) for each in (at, at.previous))
        return updated + MOMENTUM * (now - before)

    return formula


def is_short(at: Situation) -> bool:
    """Whether the mini-batch is shorter than the first"""
    return at.m < len(at.case.batches[0])


def moved_z(at: Situation) -> Any:
    """z^l of each sample, with the w^l and b^l that the samples before it have moved"""
    formulas: Formulas = {"BP2": moved_delta}
    for _ in range(at.m):  # each pass makes one more sample right
        named = evaluate(replace(at, named={}, previous=None), formulas, until="nabla_b2")
        formulas = {"Z": partial(_moved_by, named), "BP2": moved_delta}
    return _moved_by(named, at)


def _moved_by(named: dict[str, Any], at: Situation) -> Any:
    """z^l less (η/m) Σ_{k before x} δ_k ((a_k · a_x) + 1)"""
    a, delta = at.a(at.layer - 1), named[f"delta{at.layer}"]
    return by_the_book(at, "Z") - at.eta / at.m * (delta @ _earlier(a.T @ a + 1))


def moved_delta(at: Situation) -> Any:
    """δ^l of each sample, with the w^{l+1} that the samples before it have moved"""
    above = at.delta(at.layer + 1)
    moved = at.eta / at.m * (at.a(at.layer) @ _earlier(above.T @ above))
    return (at.w(at.layer + 1).T @ above - moved) * at.f.prime(at.z(at.layer)) * at.mask


def _earlier(pairs: Any) -> Any:
    """The entries [k, x] of which sample k comes before x, and 0 elsewhere."""
    return np.where(np.tri(pairs.shape[0], k=-1, dtype=bool).T, pairs, 0)


LOOPS = (
    Mistake(
        "last-sample-only",
        "The gradients of the samples overwrite one another: that of the last is kept.",
        wrong="∂C/∂w^l = (1/m) ∂C_{x_m}/∂w^l, and ∂C/∂b^l likewise",
        right="∂C/∂w^l = (1/m) Σ_x ∂C_x/∂w^l, and ∂C/∂b^l likewise",
        formulas=of_samples(lambda m: [i == m - 1 for i in range(m)]),
        source="jbarrow/LambdaNet#5",
        hidden="m = 1",
    ),
    Mistake(
        "last-sample-skipped",
        "The loop over the samples ends one early.",
        wrong="∂C/∂w^l = (1/m) Σ_{x but the last} ∂C_x/∂w^l, and ∂C/∂b^l likewise",
        right="∂C/∂w^l = (1/m) Σ_x ∂C_x/∂w^l, and ∂C/∂b^l likewise",
        formulas=of_samples(lambda m: [i < m - 1 for i in range(m)]),
    ),
    Mistake(
        "update-inside-sample-loop",
        "The parameters move after each sample, by η/m, and the next one sees them moved.",
        wrong="z^l, δ^l of sample x with w^l − (η/m) Σ_{k before x} ∂C_k/∂w^l, and b^l likewise",
        right="z^l, δ^l of all samples with w^l and b^l",
        formulas={"Z": moved_z, "BP2": moved_delta},
        hidden="m = 1",
    ),
    Mistake(
        "remainder-dropped",
        "The short last mini-batch is left out.",
        wrong="b^l ← b^l, w^l ← w^l",
        right="b^l ← b^l − η ∂C/∂b^l, w^l ← (1 − ηλ/n) w^l − η ∂C/∂w^l",
        formulas={
            **where("B", is_short, lambda at: at.b(at.layer)),
            **where("W", is_short, lambda at: at.w(at.layer)),
        },
        source="NervanaSystems/neon#9",
        hidden="m divides n",
    ),
    Mistake(
        "gradients-accumulate",
        "The sums of the gradients are not reset between mini-batches.",
        wrong="∂C/∂w^l = (1/m) (Σ_x ∂C_x/∂w^l + the sum so far), and ∂C/∂b^l likewise",
        right="∂C/∂w^l = (1/m) Σ_x ∂C_x/∂w^l, and ∂C/∂b^l likewise",
        formulas={tag: accumulated(tag, name) for tag, name in GRADIENTS.items()},
        source="karpathy/micrograd#102",
        hidden="a single mini-batch",
    ),
    Mistake(
        "z-accumulates",
        "z is added to what it was in the step before.",
        wrong="z^l ← z^l + w^l a^{l−1} + b^l",
        formulas={"Z": accumulated_z},
        hidden="a single call",
    ),
    Mistake(
        "momentum-left-on",
        "A part of the last update is added to this one.",
        wrong="w^l ← w^l − η ∂C/∂w^l + 0.9 × the last change of w^l, and b^l likewise",
        right="w^l ← w^l − η ∂C/∂w^l, and b^l likewise",
        formulas={"B": moving_on("B", "b"), "W": moving_on("W", "w")},
        hidden="a single step",
    ),
)
