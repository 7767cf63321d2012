"""The numbers of a program that are of other samples than its gradients are.

Left out: which numbers may be its loss (`loss_numbers.py`).
"""

from collections.abc import Iterable, Sequence

import numpy as np

from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def of_same_samples(losses: Sequence[Node], gradients: Sequence[Node], given: int) -> list[Node]:
    """The numbers that are not of other samples than gradients, such as a loss of a validation.

    Such a number has no array in common with them, beside the parameters, and for each that it has
    they have one that is alike but for the samples.

    Args:
        losses: the numbers.
        gradients: of the parameters.
        given: the parameters, as bits.
    """
    known = _met(gradients, given)
    return [each for each in losses if not _is_of_others(_met([each], given), known)]


def _is_of_others(own: Sequence[Node], known: Sequence[Node]) -> bool:
    """Whether some arrays are those of other samples than known ones."""
    same = any(_are_alike(e, one) for e in own for one in known)
    tails = {np.shape(each.value)[1:] for each in known}
    return bool(own) and not same and all(np.shape(each.value)[1:] in tails for each in own)


def _are_alike(one: Node, other: Node) -> bool:
    """Whether two arrays are one, or either is made of the other, as −C of C, sample by sample."""
    if one is other or np.array_equal(one.value, other.value):
        return True
    as_many = np.shape(one.value)[:1] == np.shape(other.value)[:1]
    return as_many and (one.depends_on(other) or other.depends_on(one))


def _met(nodes: Iterable[Node], given: int) -> list[Node]:
    """The arrays of the data that values are computed of, where they meet the parameters."""
    way = walk(nodes, lambda each: [e for e in each.inputs if e.uses & given])
    made = (each for each in way if not given >> each.number & 1)
    data = (e for each in made for e in each.inputs if not e.uses & given and np.size(e.value) > 1)
    return [*dict.fromkeys(data)]
