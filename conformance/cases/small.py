"""Small round numbers for a network of any sizes, such that no coincidence hides a mistake.

No two weights are equal while they are few, nothing is 0 or 1, no target is one-hot, and η is
neither 1 nor m. A case is all that is needed to make its numbers. Left out: which cases there are
(`smallest`).
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np

from conformance.cases.build import recorded_run
from conformance.corpus.case import Case
from conformance.corpus.recipe import consecutive, raw
from conformance.corpus.recorded import Recorded
from conformance.model.functions import COSTS, SIGMOID
from conformance.model.update_kinds import SGD
from reference.step import Array, Batch, Parameters
from reference.updates import UPDATES

ETA = 3.0  # the book's
LMBDA, N = 0.5, 4

CONSTANTS = {"mu": 0.75, "rho": 0.9375, "epsilon": 0.0078125}

WEIGHTS = (0.5, -0.75, 1.25, -0.25, 1.5, -1.25, 0.75, -0.5, 1.75, -1.5, 0.25, -1.75)
BIASES = (-0.125, 0.625, 0.375, -0.875, -0.625, 0.875)
X = ((1.75, -0.5, 1.5), (-1.25, 2.25, 0.5), (0.5, -1.75, -0.75))
Y = ((0.375, 0.75, 0.125), (0.875, 0.25, 0.625), (0.625, 0.125, 0.375))
"""Three samples and their targets, one a row; more, or larger ones, are drawn."""


def small_case(
    sizes: tuple[int, ...],
    lengths: tuple[int, ...] = (1,),
    *,
    cost: str = "quadratic",
    decaying: bool = False,
    family: tuple[str, ...] = (),
    update: str = SGD,
) -> Case:
    """The float64 case of a network of these sizes, of mini-batches of these lengths.

    Args:
        sizes: of the layers.
        lengths: of the mini-batches.
        cost: its name.
        decaying: whether λ is not 0.
        family: the activations of the hidden layers and of the output; sigmoids if not given, or
            at the output what the cost usually goes with.
        update: its name; its constants are those of `CONSTANTS`.
    """
    hidden, output = family or (SIGMOID, COSTS[cost].outputs[0])
    activations = (*[hidden] * (len(sizes) - 2), output)
    other = [] if set(activations) == {SIGMOID} else [*dict.fromkeys(activations)]
    words = [
        "small",
        *[update] * (update != SGD),
        *other,
        *map(str, sizes),
        "-then-".join(f"m{m}" for m in lengths),
    ]
    words += ["cross-entropy"] * (cost == "cross-entropy") + ["decay"] * decaying
    lmbda = LMBDA if decaying else 0.0
    batches = consecutive(*lengths)
    why = "small round numbers, to be recomputed by hand"
    rates = ETA, lmbda, N
    named = "-".join(words)
    constants = tuple((each, CONSTANTS[each]) for each in UPDATES[update].constants)
    described = sizes, cost, *rates, "float64", batches, why, (), activations
    return Case(named, *described, update=update, constants=constants)


def entries(sizes: tuple[int, ...]) -> int:
    """How many weights and biases a network of these sizes has."""
    return sum(n * (below + 1) for below, n in pairwise(sizes))


def start_of(case: Case) -> Parameters:
    """The parameters with which a case starts."""
    shapes = list(pairwise(case.sizes))
    weights = _written(WEIGHTS, sum(n * below for below, n in shapes), seed=1)
    biases = _written(BIASES, sum(n for _, n in shapes), seed=2)
    w, b = [], []
    for below, n in shapes:
        part, weights = np.split(weights, [n * below])
        if len(part) > len(WEIGHTS):  # so that many inputs do not saturate a neuron
            part = part / 2 ** (below.bit_length() // 2)
        w.append(case.format.rounded(part.reshape(n, below)))
        part, biases = np.split(biases, [n])
        b.append(case.format.rounded(part.reshape(n, 1)))
    return Parameters(tuple(w), tuple(b))


def batch_of(case: Case, t: int) -> Batch:
    """The mini-batch of a step, counted from 0."""
    count = 1 + max(max(batch) for batch in case.batches)
    x = _samples(X, count, case.sizes[0], seed=3)
    y = _samples(Y, count, case.sizes[-1], seed=4)
    if case.cost == "log-likelihood":  # whose targets are classes
        y = np.eye(len(y))[:, np.arange(count) % len(y)]
    sizes = case.sizes[1:-1] if case.masks else ()
    every = Batch(x, y, tuple(_mask(n, count) for n in sizes))
    return every.map(case.format.rounded).columns(case.batches[t])


def _mask(n: int, m: int) -> Array:
    """2 where a neuron is kept, else 0: one of three is left out, of each sample another."""
    kept: Array = np.add.outer(np.arange(n), np.arange(m)) % 3 != 1
    return 2.0 * kept


@lru_cache(maxsize=256)
def recorded(case: Case) -> Recorded:
    """The case with its numbers, computed in ball arithmetic."""
    batches = (batch_of(case, t) for t in range(case.steps))
    return recorded_run(case, case.rule.begun(start_of(case)), batches)


def _written(numbers: tuple[float, ...], count: int, seed: int) -> Array:
    return np.array(numbers[:count]) if count <= len(numbers) else _odd_multiples(seed, count)


def _samples(numbers: tuple[tuple[float, ...], ...], m: int, n: int, seed: int) -> Array:
    """The first m samples, or targets in (0, 1), of n entries, as columns."""
    table = np.array(numbers)
    if m <= len(table) and n <= table.shape[1]:
        return table[:m, :n].T
    drawn = _odd_multiples(seed, n * m).reshape(n, m)
    return drawn if numbers is X else (drawn + 1) / 2


def _odd_multiples(seed: int, count: int) -> Array:
    """Odd multiples of 1/32 in (−1, 1): short, and never 0."""
    return np.array([2.0 * ((number >> 32) % 32) - 31 for number in raw(seed, count)]) / 32
