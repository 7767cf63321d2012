"""The cases: sizes, cost, rates, mini-batches, starts and data, and why each exists.

What hides mistakes is: one step, one sample, layers that are not square or only square, one-hot
targets, no weight decay, a batch size that divides n, weights near zero. No set-up is good at
everything, so the cases are of many kinds. Each exists in float64 and in float32; every number
written here is exact in both. Left out: the values to be expected (`conformance.corpus.build`).
"""

from conformance.corpus.recipe import (
    Mnist,
    Recipe,
    Training,
    consecutive,
    given,
    normal,
    recipe,
    samples,
    uniform,
)
from reference.step import Batch

SEVEN = ((0, 1, 2), (3, 4, 5), (6,))  # n = 7, m = 3
SEVEN_TWICE = (*SEVEN, (4, 0, 6), (2, 5, 1), (3,))
TEN_TWICE = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (9,), (7, 2, 9), (0, 8, 4), (5, 1, 6), (3,))
HIDDEN = ("bp2-no-transpose", "bp2-stops-early", "update-before-bp2", "bp4-own-activation")
LOOP = ("gradients-accumulate", "momentum-left-on", "no-batch-mean", "divided-by-n")
DECAY = ("l2-without-n", "l2-over-m", "l2-doubled", "l2-sign", "l2-on-biases", "l2-after-step")
DIGITS = ("bp2-no-sigma-prime", "bp2-no-transpose", "update-before-bp2", "pixels-255")


def recipes() -> tuple[Recipe, ...]:
    """All cases in both dtypes, sorted by id."""
    basis = (*_written(), *_drawn(), *_mnist())
    both = (*basis, *(each.in_float32() for each in basis))
    return tuple(sorted(both, key=lambda each: each.case.id))


def _written() -> tuple[Recipe, ...]:
    """Cases whose numbers stand here."""
    return (
        recipe(
            "hand-2-3-1",
            (2, 3, 1),
            ((0,),),
            given(
                w=[[[0.5, -0.25], [0.125, 0.75], [-1, 0.5]], [[1, -0.5, 0.25]]],
                b=[[0.25, -0.5, 0], [-0.125]],
            ),
            samples(x=[[1, 0.5]], y=[[1]]),
            why="one sample and short fractions: every value can be recomputed by hand",
            catches=("bp1-no-sigma-prime", "bp2-no-sigma-prime", "sigma-prime-of-a", "ascends"),
            eta=0.5,
        ),
        recipe(
            "layout-3-2-4",
            (3, 2, 4),
            ((0, 1),),
            given(
                w=[
                    [[0.0625, 0.125, 0.1875], [-0.25, 0.3125, -0.375]],
                    [[0.4375, -0.5], [0.5625, 0.625], [-0.6875, 0.75], [0.8125, -0.875]],
                ],
                b=[[0.9375, -1], [1.0625, -1.125, 1.1875, -1.25]],
            ),
            samples(
                x=[[0.25, 0.5, 1], [1, -0.5, 0.125]],
                y=[[0, 0.25, 0.5, 0.75], [1, 0.125, 0.375, 0.625]],
            ),
            why="no two weights or layer sizes are equal: what is transposed or shifted shows",
            catches=("bp4-transposed", "label-off-by-one", "bp3-wrong-axis", "bp2-wrong-layer"),
        ),
        recipe(
            "saturated-2-8-3",
            (2, 8, 3),
            ((0, 1, 2), (2, 0)),
            given(
                w=[
                    [
                        [1000, 0],
                        [-1000, 0],
                        [40, 0],
                        [-40, 0],
                        [100, 1],
                        [-100, 1],
                        [20, -1],
                        [0.5, 1],
                    ],
                    [
                        [1, -1, 1, -1, 1, -1, 1, 1],
                        [900, 1, 0, 0, 0, 0, 0, 1],
                        [-90, 0, 1, 0, 0, 1, 1, 1],
                    ],
                ],
                b=[[0] * 8, [0.5, 0, 0]],
            ),
            samples(
                x=[[1, 0.5], [0.75, -0.25], [1, 0.125]],
                y=[[0, 1, 0], [1, 0.5, 0.25], [0.5, 1, 0]],
            ),
            why="neurons whose sigma is exactly 0 or 1 in float32, in float64, or in neither",
            catches=("sigma-prime-of-a", "bp1-no-sigma-prime"),
        ),
        recipe(
            "zeros-2-2-2",
            (2, 2, 2),
            ((0,), (0,)),
            given(w=[[[0, 0], [0, 0]], [[0, 0], [0, 0]]], b=[[0, 0], [0, 0]]),
            samples(x=[[1, 0]], y=[[1, 0]]),
            why="all parameters zero: exact zeros and halves, deltas that vanish and then do not",
            catches=("bp4-own-activation", "bias-frozen"),
        ),
        recipe(
            "cancelling-2-2-2",
            (2, 2, 2),
            ((0, 1), (1,)),
            given(
                w=[[[0.75, -0.5], [0.75, -0.5]], [[1, -1], [0.5, 0.25]]],
                b=[[0.125, 0.125], [0, 0.5]],
            ),
            samples(x=[[0.5, 0.25], [1, 0.75]], y=[[1, 0], [0, 0.5]]),
            why="a weighted input that is exactly zero, reached through terms that are not",
            catches=("update-before-bp2",),
        ),
    )


def _drawn() -> tuple[Recipe, ...]:
    """Cases with normal parameters, inputs in [−1, 1] and real-valued targets."""
    square = "square deep layers, real-valued targets, weight decay, n = 7 in batches of 3, twice"

    def dead(dtype: object) -> Batch:
        batch = uniform((4, 3, 2), 5, seed=41)(dtype)  # type: ignore[arg-type]
        x = batch.x.copy()
        x[[1, 3]] = 0
        return Batch(x, batch.y)

    return (
        recipe(
            "square-4-4-4-4",
            (4, 4, 4, 4),
            SEVEN_TWICE,
            normal((4, 4, 4, 4), seed=10),
            uniform((4, 4, 4, 4), 7, seed=11),
            why=square,
            catches=(*HIDDEN, *LOOP, *DECAY),
            lmbda=0.3125,
        ),
        recipe(
            "square-4-4-4-4-cross-entropy",
            (4, 4, 4, 4),
            SEVEN_TWICE,
            normal((4, 4, 4, 4), seed=10),
            uniform((4, 4, 4, 4), 7, seed=11),
            why=f"{square}, with the cost whose output error has no sigma-prime",
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
            catches=("bp2-no-transpose", "bp3-not-summed", *DECAY),
            lmbda=0.3125,
        ),
        recipe(
            "expanding-3-4-5-2",
            (3, 4, 5, 2),
            SEVEN_TWICE,
            normal((3, 4, 5, 2), seed=22),
            uniform((3, 4, 5, 2), 7, seed=23),
            why="each hidden layer wider than the last, two epochs",
            catches=("bp2-wrong-layer", "mean-over-outputs", *LOOP),
            cost="cross-entropy",
        ),
        recipe(
            "contracting-5-4-3-2",
            (5, 4, 3, 2),
            SEVEN,
            normal((5, 4, 3, 2), seed=24),
            uniform((5, 4, 3, 2), 7, seed=25),
            why="each layer narrower than the last",
            catches=("bp2-wrong-layer", "delta-over-m", "cost-without-half"),
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
            catches=("momentum-left-on", "aliased-layers", "float32-inside"),
            lmbda=0.3125,
            eta=2.0,
        ),
        recipe(
            "dead-inputs-4-3-2",
            (4, 3, 2),
            ((0, 1, 2), (3, 4)),
            normal((4, 3, 2), seed=40),
            dead,
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
    )


def _mnist() -> tuple[Recipe, ...]:
    """Cases on real digits, with the book's rates."""
    return (
        recipe(
            "mnist-784-30-10",
            (784, 30, 10),
            consecutive(10, 10, 10),
            normal((784, 30, 10), seed=100),
            Mnist(first=0),
            why="the book's network, digits and rates, three steps",
            catches=DIGITS,
            eta=3.0,
        ),
        recipe(
            "mnist-784-30-10-trained",
            (784, 30, 10),
            consecutive(10, 10, 10),
            normal((784, 30, 10), seed=100),
            Mnist(first=2000),
            why="the same after a hundred steps: small errors, neurons near saturation",
            catches=DIGITS,
            eta=3.0,
            training=Training(steps=100, m=10),
        ),
        recipe(
            "mnist-784-100-10",
            (784, 100, 10),
            consecutive(32),
            normal((784, 100, 10), seed=102, scaled=True),
            Mnist(first=30),
            why="chapter 3: scaled weights, cross-entropy, decay; a wide layer, a batch of 32",
            catches=("quadratic-delta-on-cross-entropy", "l2-over-m"),
            cost="cross-entropy",
            eta=0.5,
            lmbda=5.0,
            n=5120,
        ),
        recipe(
            "mnist-784-30-20-10",
            (784, 30, 20, 10),
            consecutive(10),
            normal((784, 30, 20, 10), seed=104),
            Mnist(first=62),
            why="two hidden layers on digits",
            catches=(*DIGITS, "bp2-wrong-layer"),
            eta=3.0,
        ),
        recipe(
            "mnist-784-10",
            (784, 10),
            consecutive(10, 10),
            normal((784, 10), seed=106),
            Mnist(first=72),
            why="no hidden layer on digits",
            catches=("bp1-no-sigma-prime", "label-off-by-one"),
            eta=3.0,
        ),
        recipe(
            "mnist-784-10-short-batch",
            (784, 10),
            consecutive(10, 4),
            normal((784, 10), seed=108),
            Mnist(first=92),
            why="fourteen digits in batches of 10 and 4: the short batch divides by 4",
            catches=("remainder-nominal-size", "no-batch-mean"),
            eta=3.0,
        ),
    )
