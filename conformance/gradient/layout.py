"""How a subject takes a sample, and which cost it has: found by what runs and fits.

A sample is tried as a column, a row, a flat vector. Targets are one-hot, so that p − y is right
under a softmax and −ln p of the label is a cost; one output neuron gets the targets 1 and 0.
Left out: batches. One sample settles whether a gradient is a gradient, sum or mean alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from conformance.corpus.starts import raw
from conformance.errors import SubjectError, UsageError
from conformance.gradient.cost import WANTED, OwnCost, Sample, candidates, feedforward
from conformance.gradient.network import Network, Refused, found, reason
from reference.step import Array

LAYOUTS: dict[str, Callable[[int], tuple[int, ...]]] = {
    "columns": lambda n: (n, 1),
    "rows": lambda n: (1, n),
    "flat vectors": lambda n: (n,),
}
TRIES = 5


@dataclass(frozen=True)
class Setting:
    """Where the gradient is checked.

    Attributes:
        network: the subject.
        cost: how it is asked for its cost.
        samples: pairs (x, y), over which cost and gradient are summed.
        start: the parameters.
        layout: how a sample is laid out.
    """

    network: Network
    cost: OwnCost
    samples: list[Sample]
    start: list[Array]
    layout: str

    def nabla(self, parameters: Sequence[Array]) -> list[Array]:
        """The subject's gradient, summed over the samples."""
        return gradient(self.network, parameters, self.samples)


def gradient(
    network: Network, parameters: Sequence[Array], samples: Sequence[Sample]
) -> list[Array]:
    """The gradient of a subject, summed over samples."""
    each = [network.nabla(parameters, x, y) for x, y in samples]
    return [np.asarray(sum(parts[1:], parts[0])) for parts in zip(*each, strict=True)]


def settled(network: Network, seed: int) -> Setting:
    """Parameters and samples that the subject accepts, and its cost.

    Raises:
        SubjectError: no layout runs, or what backprop gives does not fit, or changes by itself.
        UsageError: it has no cost that can be asked for.
    """
    start = _start(network, seed)
    problems: dict[str, str] = {}
    for layout, shape in LAYOUTS.items():
        samples = _samples(network.sizes, shape, seed)
        problems[layout] = _problem(partial(_runs, network, start, samples))
        if not problems[layout]:
            cost = _own_cost(network, start, samples, seed)
            return Setting(network, cost, samples, _lively(network, start, samples, seed), layout)
    meant = next((layout for layout in LAYOUTS if _fed(network, start, layout)), "columns")
    raise SubjectError(
        f"{network.name} {list(network.sizes)}, samples as {meant}: {problems[meant]}"
    )


def _fed(network: Network, start: list[Array], layout: str) -> bool:
    """Whether the subject's feedforward takes a sample so laid out, and gives an output."""
    samples = _samples(network.sizes, LAYOUTS[layout], 0)

    def feed() -> None:
        network.use(start)
        if np.shape(feedforward(network, samples[0][0])) != samples[0][1].shape:
            raise Refused("another shape")

    return not _problem(feed)


def _lively(network: Network, start: list[Array], samples: list[Sample], seed: int) -> list[Array]:
    """The start, or another one by which no array of the gradient is all zero (dead units)."""
    for attempt in range(TRIES):
        drawn = _start(network, seed + attempt)
        if all(np.any(each) for each in gradient(network, drawn, samples)):
            return drawn
    return start


def _runs(network: Network, start: list[Array], samples: list[Sample]) -> None:
    """Run backprop twice.

    Raises:
        Refused: the gradient does not hold finite real numbers, or changes by itself.
        SubjectError: it has other shapes than the parameters.
    """
    first, second = gradient(network, start, samples), gradient(network, start, samples)
    for name, nabla, again in zip(network.names, first, second, strict=True):
        if nabla.dtype.kind not in "fiubO":
            raise Refused(f"nabla_{name} holds {nabla.dtype}, not real numbers")
        if not np.isfinite(nabla.astype(np.float64)).all():
            raise Refused(f"nabla_{name} is not finite")
        if not np.array_equal(nabla, again):
            raise Refused(f"nabla_{name} is another one when backprop is called again")


def _own_cost(network: Network, start: list[Array], samples: list[Sample], seed: int) -> OwnCost:
    """The first way to ask for the cost that gives a number which the parameters move.

    Raises:
        UsageError: there is none.
    """
    other, reasons = _start(network, seed + TRIES), []
    for cost in candidates(network):

        def try_cost(cost: OwnCost = cost) -> None:
            value = cost.near(network, start, samples)
            here, again, there = (float(value(each)) for each in (start, start, other))
            if not np.isfinite([here, there]).all():
                raise Refused("it is not finite")
            if here != again:
                raise Refused("it is another one when it is called again")
            if here == there:
                raise Refused("it does not depend on weights and biases")

        problem = _problem(try_cost)
        if not problem:
            return cost
        reasons.append(f"{cost.label}: {problem}")
    tried = "; ".join(reasons) or f"it has {found(network.subject)}"
    raise UsageError(f"{network.name} has no cost to check against, give {WANTED}; {tried}")


def _problem(attempt: Callable[[], Any]) -> str:
    """Why an attempt fails, or nothing."""
    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever the subject raises
        return reason(error)
    return ""


def _uniform(seed: int, count: int) -> Array:
    """Draws from the odd multiples of 2^−24 in (−1, 1), exact in float32 too; none is 0."""
    return np.array([(number >> 40) * 2 + 1 - (1 << 24) for number in raw(seed, count)]) / 2**24


def _start(network: Network, seed: int) -> list[Array]:
    """Parameters of moderate size: by a power of two the smaller, the more inputs a layer has."""
    sizes = [each.size for each in network.start]
    parts = np.split(_uniform(seed, sum(sizes)), np.cumsum(sizes)[:-1])
    fans = [1 if name[0] == "b" else below for name, below in zip(network.names, _below(network))]  # noqa: B905 - cut
    return [
        part.reshape(own.shape) / 2.0 ** round(np.log2(fan) / 2)
        for part, own, fan in zip(parts, network.start, fans, strict=True)
    ]


def _below(network: Network) -> list[int]:
    return [size for size in network.sizes[:-1] for _ in range(2)]


def _samples(
    sizes: Sequence[int], shape: Callable[[int], tuple[int, ...]], seed: int
) -> list[Sample]:
    first, last = sizes[0], sizes[-1]
    x = _uniform(seed + 1000, 2 * first).reshape(2, first)
    if last == 1:
        return [(x[i].reshape(shape(first)), np.full(shape(1), 1.0 - i)) for i in range(2)]
    y = np.zeros(last)
    y[raw(seed, 1)[0] % last] = 1.0
    return [(x[0].reshape(shape(first)), y.reshape(shape(last)))]
