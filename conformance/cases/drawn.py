"""Cases with normal parameters, drawn inputs and real-valued targets.

Left out: how numbers are drawn (`conformance.corpus.recipe`).
"""

from numpy.typing import DTypeLike

from conformance.corpus.recipe import normal, recipe, uniform
from reference.step import Batch, Parameters

SEVEN = ((0, 1, 2), (3, 4, 5), (6,))  # n = 7, m = 3
SEVEN_TWICE = (*SEVEN, (4, 0, 6), (2, 5, 1), (3,))
TEN_TWICE = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (9,), (7, 2, 9), (0, 8, 4), (5, 1, 6), (3,))
HIDDEN = ("bp2-no-transpose", "bp2-stops-early", "update-before-bp2", "bp4-own-activation")
LOOP = ("gradients-accumulate", "momentum-left-on", "no-batch-mean", "divided-by-n")
DECAY = ("l2-without-n", "l2-over-m", "l2-doubled", "l2-sign", "l2-on-biases", "l2-after-step")
THREE_STEPS = ((0, 1), (2, 3), (4,))  # n = 5, m = 2
OUTSIDE = "one hidden layer, inputs far beyond 1 and below −1, weight decay, a short last batch"
SQUARE = "square deep layers, real-valued targets, weight decay, n = 7 in batches of 3, twice"


def _dead_inputs(dtype: DTypeLike) -> Batch:
    """Drawn data, of which two inputs are zero in every sample."""
    batch = uniform((4, 3, 2), 5, seed=41)(dtype)
    x = batch.x.copy()
    x[[1, 3]] = 0
    return Batch(x, batch.y)


def _outside(dtype: DTypeLike) -> Batch:
    """Drawn data with inputs in [−4, 4]."""
    batch = uniform((4, 3, 5), 5, seed=71)(dtype)
    return Batch(4 * batch.x, batch.y)


def _large(dtype: DTypeLike) -> Batch:
    """Drawn data with inputs in [−1024, 1024]."""
    batch = uniform((4, 3, 5), 5, seed=81)(dtype)
    return Batch(1024 * batch.x, batch.y)


def _small_first(dtype: DTypeLike) -> Parameters:
    """Normal parameters, w² divided by 256: z² stays small where inputs are large."""
    start = normal((4, 3, 5), seed=80)(dtype)
    first, *others = start.w
    return Parameters((first / 256, *others), start.b)


DRAWN = (
    recipe(
        "square-4-4-4-4",
        (4, 4, 4, 4),
        SEVEN_TWICE,
        normal((4, 4, 4, 4), seed=10),
        uniform((4, 4, 4, 4), 7, seed=11),
        why=SQUARE,
        catches=(*HIDDEN, *LOOP, *DECAY),
        lmbda=0.3125,
    ),
    recipe(
        "square-4-4-4-4-cross-entropy",
        (4, 4, 4, 4),
        SEVEN_TWICE,
        normal((4, 4, 4, 4), seed=10),
        uniform((4, 4, 4, 4), 7, seed=11),
        why=f"{SQUARE}, with the cost whose output error has no sigma-prime",
        catches=(*HIDDEN, "quadratic-delta-on-cross-entropy"),
        cost="cross-entropy",
        lmbda=0.3125,
    ),
    recipe(
        "expanding-2-3-2",
        (2, 3, 2),
        SEVEN,
        normal((2, 3, 2), seed=20),
        uniform((2, 3, 2), 7, seed=21),
        why="a layer wider than its neighbours: transposes have other shapes",
        catches=("bp3-not-summed", *DECAY),
        lmbda=0.3125,
    ),
    recipe(
        "expanding-3-4-5-2",
        (3, 4, 5, 2),
        SEVEN_TWICE,
        normal((3, 4, 5, 2), seed=22),
        uniform((3, 4, 5, 2), 7, seed=23),
        why="each hidden layer wider than the last, two epochs",
        catches=("mean-over-outputs", *LOOP),
        cost="cross-entropy",
    ),
    recipe(
        "contracting-5-4-3-2",
        (5, 4, 3, 2),
        SEVEN,
        normal((5, 4, 3, 2), seed=24),
        uniform((5, 4, 3, 2), 7, seed=25),
        why="each layer narrower than the last",
        catches=("delta-over-m", "cost-without-half"),
    ),
    recipe(
        "narrow-5-1",
        (5, 1),
        SEVEN,
        normal((5, 1), seed=26),
        uniform((5, 1), 7, seed=27),
        why="no hidden layer and a single output: BP1, BP3 and BP4 alone",
        catches=("delta-negated", "bp3-mean-for-sum"),
    ),
    recipe(
        "remainder-3-4-2",
        (3, 4, 2),
        TEN_TWICE,
        normal((3, 4, 2), seed=28),
        uniform((3, 4, 2), 10, seed=29),
        why="ten samples in batches of 3, 3, 3, 1, twice: the last batch divides by its own 1",
        catches=("remainder-nominal-size", "last-sample-skipped", *LOOP),
        eta=3.0,
    ),
    recipe(
        "single-4-3-2",
        (4, 3, 2),
        ((0,), (1,), (0,)),
        normal((4, 3, 2), seed=30),
        uniform((4, 3, 2), 2, seed=31),
        why="a batch of one, and the first sample again: state left over shows",
        catches=("z-accumulates", "gradients-accumulate"),
        cost="cross-entropy",
    ),
    recipe(
        "ten-steps-3-4-2",
        (3, 4, 2),
        tuple((t % 5, (t + 2) % 5) for t in range(10)),
        normal((3, 4, 2), seed=32),
        uniform((3, 4, 2), 5, seed=33),
        why="ten steps of a free run: how rounding grows, and what grows faster",
        catches=("momentum-left-on", "float32-inside"),
        lmbda=0.3125,
        eta=2.0,
    ),
    recipe(
        "dead-inputs-4-3-2",
        (4, 3, 2),
        ((0, 1, 2), (3, 4)),
        normal((4, 3, 2), seed=40),
        _dead_inputs,
        why="inputs that are zero in every sample: their weights move by decay alone",
        catches=("l2-sign", "l2-over-m", "bp4-no-delta"),
        lmbda=0.3125,
    ),
    recipe(
        "duplicates-3-3-2",
        (3, 3, 2),
        ((0, 1, 0, 0),),
        normal((3, 3, 2), seed=50),
        uniform((3, 3, 2), 2, seed=51),
        why="one sample three times in a mini-batch: it counts three times",
        catches=("last-sample-only", "no-batch-mean"),
    ),
    recipe(
        "deep-2-2-2-2-2-2",
        (2, 2, 2, 2, 2, 2),
        THREE_STEPS,
        normal((2, 2, 2, 2, 2, 2), seed=60),
        uniform((2, 2, 2, 2, 2, 2), 5, seed=61),
        why="five layers of weights of one shape: a loop that is right for three may end early",
        catches=("bp2-wrong-layer", *HIDDEN, *DECAY),
        lmbda=0.3125,
    ),
    recipe(
        "deep-3-2-4-3-2-4-3-cross-entropy",
        (3, 2, 4, 3, 2, 4, 3),
        ((0, 1), (2,)),
        normal((3, 2, 4, 3, 2, 4, 3), seed=62),
        uniform((3, 2, 4, 3, 2, 4, 3), 3, seed=63),
        why="six layers of weights, of which neighbours differ in shape",
        catches=("bp2-stops-early", "update-before-bp2", *DECAY),
        cost="cross-entropy",
        lmbda=0.3125,
    ),
    recipe(
        "outside-4-3-5",
        (4, 3, 5),
        THREE_STEPS,
        normal((4, 3, 5), seed=70),
        _outside,
        why=OUTSIDE,
        catches=("uint8-wraps", "remainder-nominal-size", *DECAY),
        lmbda=0.3125,
    ),
    recipe(
        "outside-4-3-5-cross-entropy",
        (4, 3, 5),
        THREE_STEPS,
        normal((4, 3, 5), seed=70),
        _outside,
        why=f"{OUTSIDE}, with the other cost",
        catches=("quadratic-delta-on-cross-entropy", "mean-over-outputs", *DECAY),
        cost="cross-entropy",
        lmbda=0.3125,
    ),
    recipe(
        "large-gradients-4-3-5",
        (4, 3, 5),
        THREE_STEPS,
        _small_first,
        _large,
        why="gradients far beyond 1 in modulus, which programs clip",
        catches=("gradients-clipped", "no-batch-mean"),
        eta=2.0**-16,
    ),
)
