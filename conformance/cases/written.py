"""Cases whose numbers stand here. Left out: those that are drawn (`drawn.py`, `digit_cases.py`)."""

from conformance.corpus.recipe import given, recipe, samples

WRITTEN = (
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
        catches=("bp4-transposed", "label-off-by-one", "bp3-wrong-axis"),
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
        "saturated-2-2-3-cross-entropy",
        (2, 2, 3),
        ((0, 1), (2,)),
        given(
            w=[[[1.5, -0.5], [-0.75, 2]], [[8, -4], [-16, 12], [1.25, -0.5]]],
            b=[[0.25, -0.5], [64, -800, 0.125]],
        ),
        samples(
            x=[[1, 0.5], [-0.5, 0.75], [0.25, -1]],
            y=[[1, 0, 0.25], [1, 0, 0.625], [1, 0, 0.875]],
        ),
        why="outputs that are exactly 1 and 0 where 1 and 0 are wanted: 0 ln 0 in the cost is 0",
        catches=("quadratic-delta-on-cross-entropy", "bp2-no-sigma-prime"),
        cost="cross-entropy",
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
