"""The cases: sizes, cost, rates, mini-batches, starts and data, and why each exists.

What hides mistakes is: one step, one sample, layers that are not square or only square, one-hot
targets, no weight decay, a batch size that divides n, weights near zero. No set-up is good at
everything, so the cases are of many kinds. Each exists in float64 and in float32; every number
given here is exact in both. Left out: the values to be expected (`conformance.corpus.build`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import DTypeLike

from conformance.corpus.case import Case
from conformance.corpus.starts import drawn, dyadics
from reference.step import Array, Batch, Parameters

DTYPES = ("float64", "float32")
SEVEN_TWICE = ((0, 1, 2), (3, 4, 5), (6,), (4, 0, 6), (2, 5, 1), (3,))  # n = 7, m = 3, two epochs
TEN_TWICE = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (9,), (7, 2, 9), (0, 8, 4), (5, 1, 6), (3,))
LAYERS = ("bp2-no-transpose", "bp2-stops-early", "update-before-bp2", "bp4-own-activation")
LOOP = ("gradients-accumulate", "momentum-left-on", "no-batch-mean", "divided-by-n")


@dataclass(frozen=True)
class Mnist:
    """Images of the embedded training set, from this one on, in place of drawn data."""

    first: int


@dataclass(frozen=True)
class Trained:
    """So many correctly rounded steps, on the embedded images from the first on."""

    steps: int
    m: int


@dataclass(frozen=True)
class Recipe:
    """How the numbers of a case are made."""

    case: Case
    start: Callable[[DTypeLike], Parameters]
    data: Callable[[DTypeLike], Batch] | Mnist
    training: Trained | None = None


def recipes() -> tuple[Recipe, ...]:
    """All cases in both dtypes, sorted by id."""
    made = [recipe for basis in (*_by_hand(), *_drawn(), *_mnist()) for recipe in _both(basis)]
    return tuple(sorted(made, key=lambda recipe: recipe.case.id))


def _both(recipe: Recipe) -> list[Recipe]:
    case = recipe.case
    return [
        recipe,
        replace(recipe, case=replace(case, id=f"{case.id}-float32", dtype="float32")),
    ]


def _case(  # noqa: PLR0913 - the fields of a case
    id_: str,
    sizes: tuple[int, ...],
    batches: tuple[tuple[int, ...], ...],
    why: str,
    catches: tuple[str, ...],
    *,
    cost: str = "quadratic",
    eta: float = 1.0,
    lmbda: float = 0.0,
    n: int | None = None,
) -> Case:
    used = len({sample for batch in batches for sample in batch})
    return Case(id_, sizes, cost, eta, lmbda, n or used, "float64", batches, why, catches)


def _given(
    w: list[list[list[float]]], b: list[list[float]], x: list[list[float]], y: list[list[float]]
) -> tuple[Callable[[DTypeLike], Parameters], Callable[[DTypeLike], Batch]]:
    """A start and data from written numbers; biases as flat lists, a sample of x and y a row."""

    def start(dtype: DTypeLike) -> Parameters:
        return Parameters(
            tuple(np.array(each, dtype) for each in w),
            tuple(np.array(each, dtype).reshape(-1, 1) for each in b),
        )

    def data(dtype: DTypeLike) -> Batch:
        return Batch(np.array(x, dtype).T, np.array(y, dtype).T)

    return start, data


def _by_hand() -> list[Recipe]:
    hand = _given(
        w=[[[0.5, -0.25], [0.125, 0.75], [-1, 0.5]], [[1, -0.5, 0.25]]],
        b=[[0.25, -0.5, 0], [-0.125]],
        x=[[1, 0.5]],
        y=[[1]],
    )
    layout = _given(
        w=[
            [[0.0625, 0.125, 0.1875], [-0.25, 0.3125, -0.375]],
            [[0.4375, -0.5], [0.5625, 0.625], [-0.6875, 0.75], [0.8125, -0.875]],
        ],
        b=[[0.9375, -1], [1.0625, -1.125, 1.1875, -1.25]],
        x=[[0.25, 0.5, 1], [1, -0.5, 0.125]],
        y=[[0, 0.25, 0.5, 0.75], [1, 0.125, 0.375, 0.625]],
    )
    saturated = _given(
        w=[
            [[1000, 0], [-1000, 0], [40, 0], [-40, 0], [100, 1], [-100, 1], [20, -1], [0.5, 1]],
            [[1, -1, 1, -1, 1, -1, 1, 1], [900, 1, 0, 0, 0, 0, 0, 1], [-90, 0, 1, 0, 0, 1, 1, 1]],
        ],
        b=[[0, 0, 0, 0, 0, 0, 0, 0], [0.5, 0, 0]],
        x=[[1, 0.5], [0.75, -0.25], [1, 0.125]],
        y=[[0, 1, 0], [1, 0.5, 0.25], [0.5, 1, 0]],
    )
    zeros = _given(w=[[[0, 0], [0, 0]], [[0, 0], [0, 0]]], b=[[0, 0], [0, 0]], x=[[1, 0]], y=[[1, 0]])
    cancelling = _given(
        w=[[[0.75, -0.5], [0.75, -0.5]], [[1, -1], [0.5, 0.25]]],
        b=[[0.125, 0.125], [0, 0.5]],
        x=[[0.5, 0.25], [1, 0.75]],
        y=[[1, 0], [0, 0.5]],
    )
    dead = drawn_data((4, 3, 2), 5, seed=41)

    def dead_inputs(dtype: DTypeLike) -> Batch:
        batch = dead(dtype)
        return Batch(batch.x * np.array([[1], [0], [1], [0]], dtype), batch.y)

    def duplicates(dtype: DTypeLike) -> Batch:
        return drawn_data((3, 3, 2), 2, seed=51)(dtype).columns((0, 1, 0, 0))

    return [
        Recipe(
            _case(
                "hand-2-3-1", (2, 3, 1), ((0,),),
                "one sample and short fractions: every value can be recomputed by hand",
                ("bp1-no-sigma-prime", "bp2-no-sigma-prime", "sigma-prime-of-a", "ascends"),
                eta=0.5,
            ),
            *hand,
        ),
        Recipe(
            _case(
                "layout-3-2-4", (3, 2, 4), ((0, 1),),
                "no two weights and no two layer sizes are equal: a transposed or shifted array shows",
                ("bp4-transposed", "label-off-by-one", "bp3-wrong-axis", "bp2-wrong-layer"),
            ),
            *layout,
        ),
        Recipe(
            _case(
                "saturated-2-8-3", (2, 8, 3), ((0, 1, 2), (2, 0)),
                "neurons whose sigma is exactly 0 or 1 in float32, in float64, or in neither",
                ("sigma-prime-of-a", "bp1-no-sigma-prime"),
            ),
            *saturated,
        ),
        Recipe(
            _case(
                "zeros-2-2-2", (2, 2, 2), ((0,), (0,)),
                "all parameters zero: exact zeros and halves, deltas that vanish and then do not",
                ("bp4-own-activation", "bias-frozen"),
            ),
            *zeros,
        ),
        Recipe(
            _case(
                "cancelling-2-2-2", (2, 2, 2), ((0, 1), (1,)),
                "a weighted input that is exactly zero, reached through terms that are not",
                ("update-before-bp2",),
            ),
            *cancelling,
        ),
        Recipe(
            _case(
                "dead-inputs-4-3-2", (4, 3, 2), ((0, 1, 2), (3, 4)),
                "inputs that are zero in every sample: their weights move by decay alone",
                ("l2-sign", "l2-over-m", "bp4-no-delta"), lmbda=0.3125,
            ),
            drawn_start((4, 3, 2), seed=40),
            dead_inputs,
        ),
        Recipe(
            _case(
                "duplicates-3-3-2", (3, 3, 2), ((0, 1, 2, 3),),
                "one sample three times in a mini-batch: it counts three times",
                ("last-sample-only", "no-batch-mean"),
            ),
            drawn_start((3, 3, 2), seed=50),
            duplicates,
        ),
    ]


def drawn_start(
    sizes: tuple[int, ...], seed: int, *, scaled: bool = False
) -> Callable[[DTypeLike], Parameters]:
    """Correctly rounded normals, standard or scaled to the fan-in."""
    return lambda dtype: drawn(sizes, seed, dtype, scaled=scaled)


def drawn_data(sizes: tuple[int, ...], n: int, seed: int) -> Callable[[DTypeLike], Batch]:
    """Inputs in [−1, 1] and real-valued targets in [0, 1], multiples of 1/512."""

    def data(dtype: DTypeLike) -> Batch:
        numbers: Array = dyadics(seed, (sizes[0] + sizes[-1]) * n, dtype).reshape(-1, n)
        return Batch(numbers[: sizes[0]], (numbers[sizes[0] :] + 1) / 2)

    return data


def _drawn() -> list[Recipe]:
    square = "square deep layers, real-valued targets, weight decay, n = 7 in batches of 3, twice"
    decay = ("l2-without-n", "l2-over-m", "l2-doubled", "l2-sign", "l2-on-biases", "l2-after-step")
    rows: list[tuple[Case, int]] = [
        (
            _case("square-4-4-4-4", (4, 4, 4, 4), SEVEN_TWICE, square, LAYERS + LOOP + decay, lmbda=0.3125),
            10,
        ),
        (
            _case(
                "square-4-4-4-4-cross-entropy", (4, 4, 4, 4), SEVEN_TWICE,
                f"{square}, with the cost whose output error has no sigma-prime",
                (*LAYERS, "cross-entropy-delta-on-quadratic"), cost="cross-entropy", lmbda=0.3125,
            ),
            10,
        ),
        (
            _case(
                "expanding-2-3-2", (2, 3, 2), SEVEN_TWICE[:3],
                "a layer wider than its neighbours: transposes have other shapes",
                ("bp2-no-transpose", "bp3-not-summed", *decay), lmbda=0.3125,
            ),
            20,
        ),
        (
            _case(
                "expanding-3-4-5-2", (3, 4, 5, 2), SEVEN_TWICE,
                "each hidden layer wider than the last, two epochs",
                ("bp2-wrong-layer", "mean-over-outputs", *LOOP), cost="cross-entropy",
            ),
            22,
        ),
        (
            _case(
                "contracting-5-4-3-2", (5, 4, 3, 2), SEVEN_TWICE[:3],
                "each layer narrower than the last",
                ("bp2-wrong-layer", "delta-over-m", "cost-without-half"),
            ),
            24,
        ),
        (
            _case(
                "narrow-5-1", (5, 1), SEVEN_TWICE[:3],
                "no hidden layer and a single output: BP1, BP3 and BP4 alone",
                ("delta-negated", "bp3-mean-for-sum"),
            ),
            26,
        ),
        (
            _case(
                "remainder-3-4-2", (3, 4, 2), TEN_TWICE,
                "ten samples in batches of 3, 3, 3, 1, twice: the last batch divides by its own 1",
                ("remainder-nominal-size", "last-sample-skipped", *LOOP), eta=3.0,
            ),
            28,
        ),
        (
            _case(
                "single-4-3-2", (4, 3, 2), ((0,), (1,), (0,)),
                "a batch of one, and the first sample again: state left over shows",
                ("z-accumulates", "gradients-accumulate"), cost="cross-entropy",
            ),
            30,
        ),
        (
            _case(
                "ten-steps-3-4-2", (3, 4, 2), tuple((i % 5, (i + 2) % 5) for i in range(10)),
                "ten steps of a free run: how rounding grows, and what grows faster",
                ("momentum-left-on", "aliased-layers", "float32-inside"), lmbda=0.3125, eta=2.0,
            ),
            32,
        ),
    ]
    return [
        Recipe(
            case,
            drawn_start(case.sizes, seed),
            drawn_data(case.sizes, case.n, seed + 1),
        )
        for case, seed in rows
    ]


def _mnist() -> list[Recipe]:
    def batches(*lengths: int) -> tuple[tuple[int, ...], ...]:
        starts = np.cumsum((0, *lengths))
        return tuple(
            tuple(range(int(first), int(first) + m)) for first, m in zip(starts, lengths, strict=False)
        )

    deep = ("bp2-no-sigma-prime", "bp2-no-transpose", "update-before-bp2", "pixels-255")
    rows = [
        (
            _case(
                "mnist-784-30-10", (784, 30, 10), batches(10, 10, 10),
                "the book's network, digits and rates, three steps", deep, eta=3.0,
            ),
            100, Mnist(0), None,
        ),
        (
            _case(
                "mnist-784-30-10-trained", (784, 30, 10), batches(10, 10, 10),
                "the same after a hundred steps: small errors, neurons near saturation",
                deep, eta=3.0,
            ),
            100, Mnist(2000), Trained(steps=100, m=10),
        ),
        (
            _case(
                "mnist-784-100-10", (784, 100, 10), batches(32),
                "chapter 3: scaled weights, cross-entropy, weight decay; a wide layer, a batch of 32",
                ("cross-entropy-delta-on-quadratic", "l2-over-m"),
                cost="cross-entropy", eta=0.5, lmbda=5.0, n=5120,
            ),
            102, Mnist(30), None,
        ),
        (
            _case(
                "mnist-784-30-20-10", (784, 30, 20, 10), batches(10),
                "two hidden layers on digits", (*deep, "bp2-wrong-layer"), eta=3.0,
            ),
            104, Mnist(62), None,
        ),
        (
            _case(
                "mnist-784-10", (784, 10), batches(10, 10),
                "no hidden layer on digits", ("bp1-no-sigma-prime", "label-off-by-one"), eta=3.0,
            ),
            106, Mnist(72), None,
        ),
        (
            _case(
                "mnist-784-10-short-batch", (784, 10), batches(10, 4),
                "fourteen digits in batches of 10 and 4: the short batch divides by 4",
                ("remainder-nominal-size", "no-batch-mean"), eta=3.0,
            ),
            108, Mnist(92), None,
        ),
    ]
    return [
        Recipe(case, drawn_start(case.sizes, seed, scaled="100" in case.id), data, training)
        for case, seed, data, training in rows
    ]
