"""Cases of other networks than the book's first: tanh and ReLU, softmax and linear outputs.

Each pair of an activation of the hidden layers and a cost behind an output that people write has
two: one of square layers, so that no transpose is hidden, whose weights decay; and one of unequal
layers for programs that know no decay. The targets of the log-likelihood are classes: programs read
a label off them. Left out: digits (`digit_cases.py`).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from conformance.corpus.recipe import Data, Recipe, masked, normal, raw, recipe, uniform
from reference.step import Batch

SQUARE, EXPANDING = (4, 4, 4, 3), (3, 5, 2)
HIDDEN = ("sigmoid", "tanh", "relu")
OUTPUTS = (
    ("sigmoid", "quadratic"),
    ("sigmoid", "cross-entropy"),
    ("tanh", "quadratic"),
    ("linear", "quadratic"),
    ("softmax", "log-likelihood"),
)


def classes(sizes: tuple[int, ...], n: int, seed: int) -> Data:
    """n inputs in [−1, 1], and of each sample a class as a one-hot column; all classes occur."""

    def data(dtype: DTypeLike) -> Batch:
        x = uniform((sizes[0], 1), n, seed)(dtype).x
        order = np.argsort([number >> 32 for number in raw(seed + 1, n)])
        return Batch(x, np.eye(sizes[-1], dtype=dtype)[:, order % sizes[-1]])

    return data


def _of_pairs() -> Iterator[Recipe]:
    for i, hidden in enumerate(HIDDEN):
        for j, (output, cost) in enumerate(OUTPUTS):
            if hidden != "sigmoid" or output != "sigmoid":
                yield from _of_pair(hidden, output, cost, 200 + 20 * i + 4 * j)


def _of_pair(hidden: str, output: str, cost: str, seed: int) -> Iterator[Recipe]:
    make = classes if cost == "log-likelihood" else uniform
    words, other = [*dict.fromkeys((hidden, output))], ["cross-entropy"] * (cost == "cross-entropy")
    why = f"hidden layers of {hidden}, {output} at the output, the {cost} cost"
    yield recipe(
        "-".join([*words, *map(str, SQUARE), *other]),
        SQUARE,
        ((0, 1, 2, 3), (4, 5)),  # n = 6, m = 4
        normal(SQUARE, seed, scaled=True),
        make(SQUARE, 6, seed + 1),
        why=f"{why}; square layers, weight decay",
        catches=("bp2-no-sigma-prime", "bp2-no-transpose", "bp4-own-activation", "l2-over-m"),
        cost=cost,
        lmbda=0.3125,
        activations=(hidden, hidden, output),
    )
    yield recipe(
        "-".join([*words, *map(str, EXPANDING), *other]),
        EXPANDING,
        ((0, 1, 2), (3, 4)),  # n = 5, m = 3
        normal(EXPANDING, seed + 2, scaled=True),
        make(EXPANDING, 5, seed + 3),
        why=f"{why}; one hidden layer, no decay",
        catches=("bp2-no-sigma-prime", "no-batch-mean"),
        cost=cost,
        activations=(hidden, output),
    )


FAMILIES = (
    *_of_pairs(),
    *_of_pair("leaky-relu", "softmax", "log-likelihood", 260),
    recipe(
        "softmax-5-3",
        (5, 3),
        ((0, 1, 2), (3, 4, 5), (6,)),
        normal((5, 3), seed=280),
        classes((5, 3), 7, seed=281),
        why="no hidden layer: softmax regression",
        catches=("delta-negated", "bp3-mean-for-sum", "l2-over-m"),
        cost="log-likelihood",
        lmbda=0.3125,
        activations=("softmax",),
    ),
    recipe(
        "tanh-relu-softmax-3-4-5-2",
        (3, 4, 5, 2),
        ((0, 1, 2), (3, 4)),
        normal((3, 4, 5, 2), seed=284),
        classes((3, 4, 5, 2), 5, seed=285),
        why="another activation in each layer: each error has the f′ of its own",
        catches=("bp2-no-sigma-prime",),
        cost="log-likelihood",
        activations=("tanh", "relu", "softmax"),
    ),
    recipe(
        "dropout-2-3-3-2",
        (2, 3, 3, 2),
        ((0, 1, 2),),
        normal((2, 3, 3, 2), seed=288),
        masked(uniform((2, 3, 3, 2), 3, seed=289), (3, 3), 1.0, seed=290),
        why="dropout as in the book: a kept neuron has 1 in the mask, and is scaled at test",
        catches=("mask-not-sent-back", "mask-drawn-again", "bp2-no-transpose"),
        lmbda=0.3125,
        activations=("sigmoid-dropout", "sigmoid-dropout", "sigmoid"),
    ),
    recipe(
        "inverted-dropout-tanh-softmax-2-4-3",
        (2, 4, 3),
        ((0, 1, 2),),
        normal((2, 4, 3), seed=294, scaled=True),
        masked(classes((2, 4, 3), 3, seed=295), (4,), 2.0, seed=296),
        why="inverted dropout: a kept neuron has 1/(1 − p) = 2 in the mask, and no scale at test",
        catches=("mask-not-sent-back", "mask-scale-left-out", "mask-scaled-twice"),
        cost="log-likelihood",
        activations=("tanh-dropout", "softmax"),
    ),
)
