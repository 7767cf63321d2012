"""What backprop does beside its gradients: to what it is given, from call to call, to memory.

Left out: the gradients, and the rest of a network's conduct (`conduct.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.book_network import BookNetwork
from conformance.tracing.line_tracer import line_after_which
from conformance.verdict.finding import Finding, Kind, finding
from reference.step import Array, Batch, Parameters

SQUARE = (4, 3)  # numbers of layers with which one array of equal sizes fits more than one
AGAIN = finding(Kind.UNREPEATABLE, method="backprop")

Pair = tuple[list[Any], list[Any]]


def backprop_findings(
    network: BookNetwork, case: Case, start: Parameters, sample: Batch
) -> tuple[list[Finding], Pair]:
    """What is wrong beside the gradients of a sample, and they, by two calls of a new network."""
    net = network.begun(case, start)
    numbers = network.numbers
    x, y = (numbers.out(np.array(each)) for each in (sample.x, sample.y))
    held = [numbers.memory(each) for each in (x, y)]
    alone = network.backprop(net, x, y, network.masks_of(net, sample, 0))
    again = network.backprop(net, x, y, network.masks_of(net, sample, 0))
    findings = []
    if not _holds(held, sample):
        findings.append(_overwritten(network, case, (start, sample), "its sample"))
    if not _keeps(network, net, start):
        findings.append(_overwritten(network, case, (start, sample), "the weights or biases"))
    if not same_gradients(alone, again):
        findings.append(AGAIN)
    if _shared([numbers.memory(each) for each in (*net.weights, *net.biases)]):
        findings.append(finding(Kind.MEMORY_SHARED))
    square = next(([2] * n for n in SQUARE if n not in network.stops), [2, 2])
    made = network.make(square, case.cost, case)
    if _shared([*made.weights, *made.biases]):
        findings.append(finding(Kind.ARRAY_SHARED, sizes=str(square)))
    return findings, alone


def same_gradients(first: Pair, second: Pair) -> bool:
    """Whether two gradient pairs hold the same numbers, NaN being itself."""
    pairs = zip((*first[0], *first[1]), (*second[0], *second[1]), strict=True)
    return all(_equal_numbers(one, other) for one, other in pairs)


def _overwritten(
    network: BookNetwork, case: Case, start: tuple[Parameters, Batch], what: str
) -> Finding:
    """What backprop changes although it is not its own, with the line, in a new network."""
    parameters, sample = start
    net = network.begun(case, parameters)
    x, y = (network.numbers.out(np.array(each)) for each in (sample.x, sample.y))
    held = [network.numbers.memory(each) for each in (x, y)]

    def changed() -> bool:
        if what == "its sample":
            return not _holds(held, sample)
        return not _keeps(network, net, parameters)

    frames = line_after_which(
        changed, lambda: network.backprop(net, x, y, network.masks_of(net, sample, 0))
    )
    return finding(Kind.OVERWRITTEN, frames, method="backprop", what=what)


def _holds(held: Sequence[Any], sample: Batch) -> bool:
    """Whether what was given as a sample is that sample still."""
    return all(map(np.array_equal, held, (sample.x, sample.y)))


def _keeps(network: BookNetwork, net: Any, start: Parameters) -> bool:
    """Whether a network has the parameters that it was given."""
    own = network.inwards(net)
    return all(np.array_equal(own[name], w) for name, w in start.named())


def _equal_numbers(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same numbers; NumPy asks no objects whether they are NaN."""
    first, second = (_without_objects(np.asarray(each)) for each in (one, other))
    return np.array_equal(first, second, equal_nan=True)


def _without_objects(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.hasobject else array


def _shared(arrays: Sequence[Any]) -> bool:
    return any(
        isinstance(one, np.ndarray)
        and isinstance(other, np.ndarray)
        and np.shares_memory(one, other)
        for i, one in enumerate(arrays)
        for other in arrays[:i]
    )
