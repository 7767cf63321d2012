"""Cases on real digits, with the book's rates. Left out: the digits (`fixtures/mnist`)."""

from conformance.corpus.recipe import Mnist, Training, consecutive, normal, recipe

CATCHES = ("bp2-no-sigma-prime", "update-before-bp2", "pixels-255")

DIGITS = (
    recipe(
        "mnist-784-30-10",
        (784, 30, 10),
        consecutive(10, 10, 10),
        normal((784, 30, 10), seed=100),
        Mnist(first=0),
        why="the book's network, digits and rates, three steps",
        catches=CATCHES,
        eta=3.0,
    ),
    recipe(
        "mnist-784-30-10-trained",
        (784, 30, 10),
        consecutive(10, 10, 10),
        normal((784, 30, 10), seed=100),
        Mnist(first=2000),
        why="the same after a hundred steps: small errors, neurons near saturation",
        catches=CATCHES,
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
        catches=CATCHES,
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
