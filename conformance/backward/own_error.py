"""A backward value that is taken for ∂C/∂v, and whether there is a cost of which it is that.

There is none if ∂g/∂v is not symmetric. Left out: which values are tried (`unknown_cost.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, layouts
from conformance.backward.decay import Decay
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

DIRECTIONS = 3  # pairs of them, along which ∂g/∂v is tried


@dataclass(frozen=True, eq=False)
class OwnError:
    """A backward value that stands for ∂C/∂v.

    Attributes:
        error: the value, of the first sample.
        output: v, of the first sample.
        at_output: whether v is the output itself, and not what it was computed from.
        loss: Σ g v.
        count: how many gradients are right by it.
        decay: that makes more of them right, if one does.
        factor: of these gradients, beside those of Σ g v; negative if g is minus ∂C/∂v.
    """

    error: Node
    output: Node
    at_output: bool
    loss: Node
    count: int = 0
    factor: float = 1.0
    decay: Decay | None = None


def has_a_cost(trace: Trace, found: OwnError) -> bool:
    """Whether some cost has this output error."""
    return is_symmetric(trace, found) and adds_up(trace, found) and _has_one_sign(found)


def _has_one_sign(found: OwnError) -> bool:
    """Whether an error that is a function of a − y alone, entry by entry, goes one way from y."""
    signs = _signs(found)
    return not (np.any(signs > 0) and np.any(signs < 0))


def goes_up(found: OwnError) -> bool:
    """Whether what is taken for the gradients of such an error has them the other way."""
    return bool(np.any(_signs(found) * found.factor < 0))


def _signs(found: OwnError) -> Array:
    """The signs of an error that is a function of a − y, beside those of a − y; 0 of another."""
    compared = (e for e in found.output.consumers if len(e.inputs) > 1)
    differences = (e for e in compared if e.operation == "subtract")
    apart = next((e for e in differences if _is_given(found.output, e)), None)
    if apart is None or not found.at_output or not found.error.depends_on(apart):
        return np.zeros(1)
    way = list(walk([found.error], short_of({apart})))
    own = all(e.depends_on(apart) or np.size(e.value) == 1 for e in way)
    if not own or any(np.shape(e.value) not in ((), np.shape(apart.value)) for e in way):
        return np.zeros(1)
    turned = 1 if apart.args[0] is found.output else -1
    signs: Array = turned * np.sign(apart.value) * np.sign(found.error.value)
    return signs


def _is_given(output: Node, apart: Node) -> bool:
    """Whether what an output is subtracted from, or the other way round, is not made of it."""
    return all(each is output or not each.depends_on(output) for each in apart.inputs)


def is_symmetric(trace: Trace, found: OwnError) -> bool:
    """Whether ∂g/∂v is symmetric, along generic directions."""
    both = [
        (float(np.vdot(u, jv)), float(np.vdot(v, ju)), np.abs(u * jv).sum())
        for u, v, ju, jv in _generic(trace, found)
    ]
    return all(abs(a - b) <= HALF_OF_THE_DIGITS * size for a, b, size in both)


def _generic(trace: Trace, found: OwnError) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Pairs of directions u and v, with how g moves along each of them."""
    shape = np.shape(found.output.value)
    one, other = np.random.default_rng(0).normal(size=(2, DIRECTIONS, *shape))
    moved = [along(trace, found, seeds) for seeds in (one, other)]
    for u, v, ju, jv in zip(one, other, *moved, strict=True):
        if ju is not None and jv is not None:
            yield u, v, ju, jv


def adds_up(trace: Trace, found: OwnError) -> bool:
    """Whether g adds up to 0 along an axis, if it does not change with a number that is added to v.

    The outputs of a softmax do not change with it either, nor does a cost of them.
    """
    shape = np.shape(found.output.value)
    given = turned_to(np.asarray(Chain(trace).values[found.error.number], dtype=np.float64), shape)
    seeds = np.random.default_rng(0).normal(size=(1, *shape))
    (generic,) = along(trace, found, seeds)
    if given is None or generic is None or not np.any(generic):
        return True
    for axis in range(len(shape)):
        (shifted,) = along(trace, found, np.ones_like(seeds) * seeds.take([0], axis + 1))
        near = HALF_OF_THE_DIGITS * np.max(np.abs(generic))
        if shape[axis] > 1 and shifted is not None and np.max(np.abs(shifted)) <= near:
            sums, size = given.sum(axis=axis), np.abs(given).sum(axis=axis)
            return bool(np.all(np.abs(sums) <= HALF_OF_THE_DIGITS * size))
    return True


def along(trace: Trace, found: OwnError, seeds: Array) -> list[Array | None]:
    """How g moves with v, along each of some directions; None where that is not known."""
    number = found.output.number
    among = [
        each
        for each in trace.nodes[number + 1 : found.error.number + 1]
        if each.depends_on(found.output) and found.error.depends_on(each)
    ]
    tangents = Chain(trace).forward({number: seeds}, among).get(found.error.number)
    shape = np.shape(found.output.value)
    return [None if tangents is None else turned_to(tangents[i], shape) for i in range(len(seeds))]


def turned_to(value: Array, shape: tuple[int, ...]) -> Array | None:
    """A value in a layout in which it has a shape; None if there is none."""
    return next((layout(value) for layout in layouts(value.shape, shape)), None)
