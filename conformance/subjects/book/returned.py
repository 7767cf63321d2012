"""What backprop returns for each sample, and what it does beside that.

Left out: what is right, what the update does, and the rest of a network's conduct (`conduct.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.network import BookNetwork
from conformance.verdict.finding import Finding, Kind, finding
from conformance.watching.line_tracer import line_after_which
from reference.step import Array, Batch, Parameters

SQUARE = (4, 3)  # numbers of layers with which one array of equal sizes fits more than one
AGAIN = finding(Kind.UNREPEATABLE, method="backprop")

Parts = dict[str, list[Array]]
"""The gradients of the single samples, by the names of the mini-batch's."""


def returned(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch
) -> tuple[list[Finding], Parts]:
    """What is wrong beside the quantities, and the gradients that backprop returns."""
    findings: list[Finding] = []
    parts: Parts = {}
    for i in range(batch.m):
        net = network.make(case.sizes, case.cost)
        network.fill(net, *network.outwards(start))
        given = [network.numbers.out(np.array(each[:, [i]])) for each in (batch.x, batch.y)]
        pair = network.backprop(net, *given)
        for quantity, arrays in zip(("nabla_b", "nabla_w"), pair, strict=True):
            for layer, array in enumerate(arrays, 2):
                parts.setdefault(f"{quantity}{layer}", []).append(np.array(array))
        if i == 0:
            findings = _findings(network, case, start, batch, (net, given, pair))
    return findings, parts


def _findings(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, first: tuple[Any, Any, Any]
) -> list[Finding]:
    """What a call did to what it was given, and whether it does the same again."""
    net, given, pair = first
    numbers, findings = network.numbers, list[Finding]()
    kept = [np.array(each) for part in pair for each in part]
    x, y = (numbers.memory(each) for each in given)
    if not np.array_equal(x, batch.x[:, [0]]) or not np.array_equal(y, batch.y[:, [0]]):
        findings.append(_overwritten(network, case, start, batch, "its sample"))
    held = network.inwards(net)
    if not all(np.array_equal(held[name], w) for name, w in start.named()):
        findings.append(_overwritten(network, case, start, batch, "the weights or biases"))
    again = [each for part in network.backprop(net, *given) for each in part]
    if not all(map(_equal, kept, again)):
        findings.append(AGAIN)
    if _shared([numbers.memory(each) for each in (*net.weights, *net.biases)]):
        findings.append(finding(Kind.MEMORY_SHARED))
    square = next(([2] * n for n in SQUARE if n not in network.stops), [2, 2])
    made = network.make(square, case.cost)
    if _shared([*made.weights, *made.biases]):
        findings.append(finding(Kind.ARRAY_SHARED, sizes=str(square)))
    return findings + ([network.misordered] if network.misordered else [])


def _overwritten(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, what: str
) -> Finding:
    """What backprop changes although it is not its own, with the line, in a new network."""
    net = network.make(case.sizes, case.cost)
    network.fill(net, *network.outwards(start))
    sample = batch.x[:, [0]], batch.y[:, [0]]
    given = [network.numbers.out(np.array(each)) for each in sample]
    held = [network.numbers.memory(each) for each in given]

    def changed() -> bool:
        if what == "its sample":
            return not all(map(np.array_equal, held, sample))
        own = network.inwards(net)
        return not all(np.array_equal(own[name], w) for name, w in start.named())

    frames = line_after_which(changed, lambda: network.backprop(net, *given))
    return finding(Kind.OVERWRITTEN, frames, method="backprop", what=what)


def _equal(one: Any, other: Any) -> bool:
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
