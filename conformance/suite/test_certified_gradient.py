"""A third witness: the gradient in balls against central differences of the cost at 1600 bits.

It knows nothing of BP1 to BP4: only the feedforward pass and the cost. Small arrays of parameters
are tried entry by entry, each large one along one direction. Left out: steps after the first, and
more than four samples.
"""

from collections.abc import Iterator

import flint
import numpy as np

from conformance.arithmetic.balls import balls, precision
from conformance.corpus.case import Case
from conformance.corpus.recipe import raw
from conformance.model.table import of_layers
from conformance.suite.asked import Asked
from conformance.suite.judge_subject import recorded
from conformance.verdict.oracle import exact_step
from reference.backprop import feedforward
from reference.step import Array, Batch, Parameters

BITS = 1600
SMALL = 25  # entries of an array up to which each is tried
SAMPLES = 4  # of the mini-batch
STEP = flint.arb(2) ** -120  # an error of STEP², 72 digits down
DIGITS = flint.arb(10) ** -50  # of the slope itself
ZERO = flint.arb(2) ** -1074  # the smallest float64: a smaller slope counts as 0


def test_certified_gradient(small: Asked) -> None:
    """∂C/∂w and ∂C/∂b are the differences of the cost to 50 significant digits."""
    case = small.case
    step = recorded(case).steps[0]
    with precision(BITS):
        few = step.batch.columns(slice(SAMPLES))
        batch = few.map(balls)
        start = step.parameters.map(balls)
        taken = exact_step(case, step.parameters, few)
        for kind, gradients in (("w", taken.nabla_w), ("b", taken.nabla_b)):
            for layer, gradient in enumerate(gradients):
                for direction in _directions(gradient.shape, seed=layer):
                    difference = _difference(case, start, batch, (kind, layer, direction))
                    slope = (gradient * direction).sum()
                    assert abs(difference - slope) < DIGITS * (abs(slope) + ZERO), (
                        f"nabla_{kind}{layer + 2} along {np.argwhere(direction)[0]}: BP gives "
                        f"{slope.str(20)}, differences of the cost give {difference.str(20)}"
                    )


def _directions(shape: tuple[int, ...], seed: int) -> Iterator[Array]:
    size = int(np.prod(shape))
    if size <= SMALL:
        yield from np.eye(size, dtype=int).reshape(size, *shape)
    else:
        yield np.array([number % 3 - 1 for number in raw(seed, size)]).reshape(shape)


def _difference(
    case: Case, start: Parameters, batch: Batch, along: tuple[str, int, Array]
) -> flint.arb:
    kind, layer, direction = along
    arrays = list(getattr(start, kind))
    equations, costs = of_layers(case.cost, case.activations), []
    for sign in (1, -1):
        moved = [*arrays]
        moved[layer] = arrays[layer] + sign * STEP * direction
        changed = {"w": start.w, "b": start.b, kind: tuple(moved)}
        at = Parameters(changed["w"], changed["b"])
        output = feedforward(at, batch.x, equations, batch.masks)[1][-1]
        costs.append(equations[-1].cost(output, batch.y))
    difference: flint.arb = (costs[0] - costs[1]) / (2 * STEP)
    return difference
