"""Cases of other update rules than the book's, each with its state.

Each rule has three: one of square layers with the constants that it usually has and several steps,
so that what one step leaves to the next shows; and two of unequal layers with others, of which ε is
large, so that its place shows in float32 too. Left out: the rules (`reference/updates.py`).
"""

from collections.abc import Iterator
from functools import partial

from conformance.cases.family_cases import classes
from conformance.corpus.recipe import Recipe, normal, recipe, uniform
from reference.updates import UPDATES

SQUARE, EXPANDING = (3, 3, 3), (2, 4, 3)
STEPS = ((0, 1, 2), (3, 4, 5), (6, 0))  # n = 7, m = 3
OTHER = {"mu": 0.75, "rho": 0.9375, "epsilon": 0.0078125}
RATES = {"momentum": (0.5, 1.0), "nesterov": (0.5, 1.0)}  # η of the two; of the others they differ
SMALL = 0.03125, 0.0625


def _usual(name: str, seed: int) -> Recipe:
    return recipe(
        "-".join([name, *map(str, SQUARE)]),
        SQUARE,
        STEPS,
        normal(SQUARE, seed),
        uniform(SQUARE, 7, seed + 1),
        why=f"{name} with its usual constants: three steps, square layers, weight decay",
        catches=("bp2-no-sigma-prime", "bp4-own-activation"),
        eta=RATES.get(name, SMALL)[0],
        lmbda=0.625,
        update=name,
        constants=UPDATES[name].constants,
    )


def _of_update(name: str, seed: int) -> Iterator[Recipe]:
    yield _usual(name, seed)
    other = partial(
        recipe,
        sizes=EXPANDING,
        batches=((0, 1, 2), (3, 4)),  # n = 5, m = 3
        catches=("bp2-no-sigma-prime",),
        eta=RATES.get(name, SMALL)[1],
        update=name,
        constants={each: OTHER[each] for each in UPDATES[name].constants},
    )
    yield other(
        "-".join([name, *map(str, EXPANDING)]),
        start=normal(EXPANDING, seed + 4),
        data=uniform(EXPANDING, 5, seed + 5),
        why=f"{name} with other constants: unequal layers, no decay",
    )
    yield other(
        "-".join([name, "relu", "softmax", *map(str, EXPANDING)]),
        start=normal(EXPANDING, seed + 2, scaled=True),
        data=classes(EXPANDING, 5, seed + 3),
        why=f"{name} with other constants: ReLU and softmax, unequal layers",
        cost="log-likelihood",
        activations=("relu", "softmax"),
    )


OF_UPDATES = (
    recipe(
        "l1-3-3-3",
        SQUARE,
        ((0, 1, 2), (3, 4)),  # n = 5, m = 3
        normal(SQUARE, 480),
        uniform(SQUARE, 5, 481),
        why="L1 regularisation: each weight shrinks by as much, whatever its size",
        catches=("l1-as-l2", "l2-over-m"),
        lmbda=0.3125,
        update="l1",
    ),
    *(
        each
        for i, name in enumerate(name for name in UPDATES if name not in ("sgd", "l1"))
        for each in _of_update(name, 400 + 8 * i)
    ),
)
