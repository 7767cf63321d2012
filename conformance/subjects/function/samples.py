"""Which nodes of a trace belong to which sample, where a program is given all samples in one array.

Left out: what they compute.
"""

from collections.abc import Sequence

import numpy as np

from conformance.tracing.arranging import ARRANGING
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

NONE = 0
"""The number of what is no sample's; the samples are counted from 1."""


def sample_bits(trace: Trace, given: Node, axis: int) -> list[int]:
    """The bits of each sample: what holds its numbers alone, or computes with several samples'.

    Args:
        trace: of the run.
        given: all samples.
        axis: along which they lie.
    """
    m = given.value.shape[axis]
    along = np.arange(1, m + 1).reshape((m, 1) if axis == 0 else (1, m))
    held = {given.number: np.broadcast_to(along, given.value.shape)}
    bits = [0] * m
    for node in trace.nodes[given.number + 1 :]:
        inputs = [held[each.number] for each in node.inputs if each.number in held]
        if not inputs:
            continue
        arranged = _arranged(node, held)
        if arranged is not None:
            held[node.number] = arranged
        samples = _samples(inputs if arranged is None else [arranged])
        if arranged is None or len(samples) == 1:
            for sample in samples:
                bits[sample - 1] |= 1 << node.number
    return bits


def _samples(arrays: Sequence[Array]) -> list[int]:
    """The samples whose numbers are in some arrays."""
    return sorted({int(each) for array in arrays for each in np.unique(array)} - {NONE})


def _arranged(node: Node, held: dict[int, Array]) -> Array | None:
    """The sample of each entry, if numbers were only put together or taken apart."""
    if node.operation not in ARRANGING or node.function is None:
        return None

    def numbers(each: Node) -> Array:
        return held.get(each.number, np.full(np.shape(each.value), NONE))

    try:
        made = np.asarray(node.again(numbers))
    except (TypeError, ValueError, IndexError):
        return None
    return made if made.shape == np.shape(node.value) and made.dtype.kind == "i" else None
