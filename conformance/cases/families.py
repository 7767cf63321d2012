"""Cases of other networks than the book's first: tanh and ReLU, softmax and linear outputs.

Each pair of an activation of the hidden layers and a cost behind an output that people write has
one: its layers are square, so that no transpose is hidden; its weights decay; its last mini-batch
is short. The targets of the log-likelihood are classes: programs read a label off them. Left out:
digits (`digits.py`).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from conformance.corpus.recipe import Data, Recipe, normal, recipe, uniform
from conformance.corpus.starts import raw
from reference.step import Batch

SIZES = (4, 4, 4, 3)
BATCHES = ((0, 1, 2, 3), (4, 5))  # n = 6, m = 4
CATCHES = ("bp2-no-sigma-prime", "bp2-no-transpose", "bp4-own-activation", "l2-over-m")
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
            if hidden == output == "sigmoid":
                continue
            seed = 200 + 20 * i + 4 * j
            make = classes if cost == "log-likelihood" else uniform
            words = [*dict.fromkeys((hidden, output)), *map(str, SIZES)]
            yield recipe(
                "-".join([*words, *["cross-entropy"] * (cost == "cross-entropy")]),
                SIZES,
                BATCHES,
                normal(SIZES, seed, scaled=True),
                make(SIZES, 6, seed + 1),
                why=f"hidden layers of {hidden}, {output} at the output, the {cost} cost",
                catches=CATCHES,
                cost=cost,
                lmbda=0.3125,
                activations=(hidden, hidden, output),
            )


FAMILIES = (
    *_of_pairs(),
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
)
