"""Mistakes in the update, B and W: its sign, its size, what it moves, and sums for means.

Left out: weight decay (`decay_mistakes.py`), what one step leaves to the next (`loops.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formulas, Situation, by_the_book
from reference.equations import relu


def scaled(factor: Callable[[Situation], tuple[float, float]]) -> Formulas:
    """Updates with ∂C/∂b and ∂C/∂w times a factor, given as a numerator and a denominator."""

    def scaled_by(at: Situation, nabla: Any) -> Any:
        times, over = factor(at)
        return nabla * times / over

    return {
        "B": lambda at: by_the_book(at, "B", nabla_b=scaled_by(at, at.nabla_b(at.layer))),
        "W": lambda at: by_the_book(at, "W", nabla_w=scaled_by(at, at.nabla_w(at.layer))),
    }


def in_integers(at: Situation) -> tuple[float, float]:
    """⌊η/m⌋ m over η"""
    eta = float(at.case.eta)
    return eta // at.m * at.m, eta


def with_highest(at: Situation) -> Any:
    """w^l ← w^h − η ∂C/∂w^h, h the highest layer of the same shape"""
    alike = (h for h in range(at.last, 1, -1) if at.w(h).shape == at.w(at.layer).shape)
    return by_the_book(replace(at, layer=next(alike)), "W")


def clipped(nabla: Any) -> Any:
    """min(max(∇, −1), 1), by operations that a running error knows"""
    return nabla - relu(nabla - 1) + relu(-nabla - 1)


def with_loss_scale(at: Situation) -> tuple[float, float]:
    """S over 1; 1024 where no scale is seen in the gradients."""
    return (at.case.scale if at.case.scale != 1 else USUAL_SCALE), 1


SUMS: Formulas = {
    "BP3": lambda at: by_the_book(at, "BP3") * at.m,
    "BP4": lambda at: by_the_book(at, "BP4") * at.m,
}
"""The gradients of BP3 and BP4 without 1/m."""

USUAL_SCALE = 1024.0

STEP_BY_SUM = (
    "It is a convention where the interface does not promise η/m, as update_mini_batch does, if "
    "all parameters move m times as far, on a short last mini-batch too."
)
"""When a step by the sum over the mini-batch is a convention."""

UPDATES = (
    Mistake(
        "ascends",
        "The gradient is added: the cost is climbed.",
        wrong="b^l ← b^l + η ∂C/∂b^l, w^l ← w^l + η ∂C/∂w^l",
        right="b^l ← b^l − η ∂C/∂b^l, w^l ← w^l − η ∂C/∂w^l",
        formulas=scaled(lambda _: (-1, 1)),
        hidden="gradient checks",
        convention="It is a convention where the gradient is shown negative, as that of −C.",
    ),
    Mistake(
        "bias-ascends",
        "The gradient is added to the biases and subtracted from the weights.",
        wrong="b^l ← b^l + η ∂C/∂b^l",
        formulas={"B": scaled(lambda _: (-1, 1))["B"]},
        hidden="gradient checks",
    ),
    Mistake(
        "bias-frozen",
        "The biases are never updated.",
        wrong="b^l ← b^l",
        formulas={"B": lambda at: at.b(at.layer)},
        source="mattm/simple-neural-network#5",
        hidden="gradient checks",
    ),
    Mistake(
        "bias-moves-with-weights",
        "The biases are updated with ∂C/∂w; NumPy makes (n_l, n_{l−1}) of them.",
        wrong="b^l ← b^l − η ∂C/∂w^l",
        formulas={"B": lambda at: by_the_book(at, "B", nabla_b=at.nabla_w(at.layer))},
        source="apache/systemds#2330",
        hidden="gradient checks",
    ),
    Mistake(
        "bias-moves-by-itself",
        "The biases are updated with their own value.",
        wrong="b^l ← b^l − η b^l",
        formulas={"B": lambda at: by_the_book(at, "B", nabla_b=at.b(at.layer))},
        hidden="gradient checks",
    ),
    Mistake(
        "update-not-assigned",
        "The updated weights are stored under another name.",
        wrong="w^l ← w^l",
        right="w^l ← w^l − η ∂C/∂w^l",
        formulas={"W": lambda at: at.w(at.layer)},
        hidden="gradient checks",
    ),
    Mistake(
        "aliased-layers",
        "Layers of the same shape share one array, which the highest of them writes last.",
        wrong="w^l ← w^h − η ∂C/∂w^h, h the highest layer of the same shape",
        right="w^l ← w^l − η ∂C/∂w^l",
        formulas={"W": with_highest},
        source="linkedin/Liger-Kernel#269",
        hidden="no two layers of one shape; given weights that are copied",
    ),
    Mistake(
        "no-batch-mean",
        "The sum over the mini-batch is not divided by m.",
        wrong="b^l ← b^l − η Σ_x ∂C_x/∂b^l, w^l ← w^l − η Σ_x ∂C_x/∂w^l",
        right="b^l ← b^l − (η/m) Σ_x ∂C_x/∂b^l, w^l ← w^l − (η/m) Σ_x ∂C_x/∂w^l",
        formulas=scaled(lambda at: (at.m, 1)),
        source="hunkim/DeepLearningZeroToAll#173",
        hidden="m = 1",
        convention=STEP_BY_SUM,
    ),
    Mistake(
        "divided-by-n",
        "The sum over the mini-batch is divided by the size of the training set.",
        wrong="b^l ← b^l − (η/n) Σ_x ∂C_x/∂b^l, w^l ← w^l − (η/n) Σ_x ∂C_x/∂w^l",
        right="b^l ← b^l − (η/m) Σ_x ∂C_x/∂b^l, w^l ← w^l − (η/m) Σ_x ∂C_x/∂w^l",
        formulas=scaled(lambda at: (at.m, at.case.n)),
        hidden="one mini-batch an epoch",
    ),
    Mistake(
        "divided-twice",
        "The sum over the mini-batch is divided by m twice.",
        wrong="b^l ← b^l − (η/m²) Σ_x ∂C_x/∂b^l, w^l ← w^l − (η/m²) Σ_x ∂C_x/∂w^l",
        right="b^l ← b^l − (η/m) Σ_x ∂C_x/∂b^l, w^l ← w^l − (η/m) Σ_x ∂C_x/∂w^l",
        formulas=scaled(lambda at: (1, at.m)),
        hidden="m = 1",
    ),
    Mistake(
        "gradients-clipped",
        "Each entry of the gradients is clipped to [−1, 1] before the update.",
        wrong="w^l ← w^l − η clip(∂C/∂w^l), and b^l likewise",
        right="w^l ← w^l − η ∂C/∂w^l, and b^l likewise",
        formulas={
            "W": lambda at: by_the_book(at, "W", nabla_w=clipped(at.nabla_w(at.layer))),
            "B": lambda at: by_the_book(at, "B", nabla_b=clipped(at.nabla_b(at.layer))),
        },
        hidden="inputs in [0, 1] and small mini-batches, whose gradients are below 1",
    ),
    Mistake(
        "integer-eta",
        "η/m is a division of integers.",
        wrong="w^l ← w^l − ⌊η/m⌋ Σ_x ∂C_x/∂w^l, and b^l likewise",
        right="w^l ← w^l − (η/m) Σ_x ∂C_x/∂w^l, and b^l likewise",
        formulas=scaled(in_integers),
        hidden="η a multiple of m",
    ),
    Mistake(
        "loss-scale-kept",
        "The gradients are not divided by the loss scale S before the update.",
        wrong="b^l ← b^l − η S ∂C/∂b^l, w^l ← w^l − η S ∂C/∂w^l",
        right="b^l ← b^l − η ∂C/∂b^l, w^l ← w^l − η ∂C/∂w^l",
        formulas=scaled(with_loss_scale),
        hidden="gradient checks, which take the loss with its scale",
    ),
    Mistake(
        "remainder-nominal-size",
        "The short last mini-batch is divided by the size of the others.",
        wrong="w^l ← w^l − (η/m_1) Σ_x ∂C_x/∂w^l, m_1 the size of the first; b^l likewise",
        right="w^l ← w^l − (η/m) Σ_x ∂C_x/∂w^l, and b^l likewise",
        formulas=scaled(lambda at: (at.m, len(at.case.batches[0]))),
        source="mitmul/chainer-cifar10#1",
        hidden="m divides n",
    ),
    Mistake(
        "sums-for-means",
        "∂C/∂b and ∂C/∂w are sums over the mini-batch, and the update takes them as they are.",
        wrong="∂C/∂b^l = Σ_x δ^{x,l}, ∂C/∂w^l = δ^l (a^{l−1})ᵀ",
        right="∂C/∂b^l = (1/m) Σ_x δ^{x,l}, ∂C/∂w^l = (1/m) δ^l (a^{l−1})ᵀ",
        formulas=SUMS,
        hidden="m = 1",
        convention=STEP_BY_SUM,
    ),
    Mistake(
        "sums-shown",
        "∂C/∂b and ∂C/∂w are sums, divided by m in the update, as in the book's program.",
        wrong="∂C/∂b^l = Σ_x δ^{x,l}, b^l ← b^l − (η/m) ∂C/∂b^l, w^l too",
        right="∂C/∂b^l = (1/m) Σ_x δ^{x,l}, b^l ← b^l − η ∂C/∂b^l, w^l too",
        formulas={**SUMS, **scaled(lambda at: (1, at.m))},
        source="the book's network.py",
        hidden="m = 1",
        convention="It is a convention where the gradients of all parameters are sums.",
    ),
)
