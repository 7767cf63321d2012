"""What an operand has to be, where that says by itself that it is the one to blame.

A wrong result and the right one, with one operand taken for right, say what the other has to be.
Mostly any array would do. But where an operand is spread over an axis, what is found has to be the
same all along it; where it is made of a comparison, it has to be 0s and 1s; and where several are
put together, all but one may be right as they are. That does not happen by chance.

Left out: repairs by a ∂C/∂v (`blame.py`), and changes of an operation (`changes.py`).
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.region import INVERSES
from conformance.backward.rules import Moved
from conformance.backward.source import MOVES, is_float
from conformance.tracing.node import Node
from reference.step import Array

DEEP = 12  # operations


def told(
    chain: Chain, node: Node, right: Array, fixed: Callable[[Node], bool]
) -> Iterator[tuple[Node, Array]]:
    """The values that have to be others, and what they have to be, the last computed first.

    Args:
        chain: of the run.
        node: a value that is wrong.
        right: what it has to be.
        fixed: whether a value is taken for right.
    """
    waiting, seen = [(node, right, False)], 0
    while waiting and seen < DEEP:
        seen += 1
        here, needed, told_here = waiting.pop(0)
        others = [each for each in here.inputs if not fixed(each)]
        for operand, wanted, sure in _operands(chain, here, needed, fixed):
            told_too = sure or (told_here and others == [operand])
            if told_too:
                yield operand, wanted
            waiting.append((operand, wanted, told_too))


def agreed(told: Iterable[tuple[Node, Array]]) -> list[Node]:
    """The operands that have to be the same wherever they are used: else another is wrong.

    Args:
        told: operands, each with what it has to be in one use.
    """
    wanted, apart = dict[Node, Array](), set[Node]()
    for operand, right in told:
        if not _same(right, wanted.setdefault(operand, right)) and right is not wanted[operand]:
            apart.add(operand)
    return [each for each in wanted if each not in apart]


def _operands(
    chain: Chain, node: Node, right: Array, fixed: Callable[[Node], bool]
) -> Iterator[tuple[Node, Array, bool]]:
    """The operands that may be to blame, what each has to be, and whether that is sure."""
    if node.operation in MOVES:
        yield from _moved(chain, node, right, fixed)
        return
    inverse = INVERSES.get(node.operation)
    if inverse is None or len(node.args) != len(inverse) or node.kwargs:
        return
    args, _ = chain.arguments(node, {})
    for i, operand in enumerate(node.args):
        if type(operand) is not Node or not is_float(operand) or fixed(operand):
            continue
        if operand is node.args[1 - i]:
            return
        with np.errstate(all="ignore"):
            wanted = np.asarray(inverse[i](right, args[1 - i]), dtype=np.float64)
        own = chain.values[operand.number]
        if wanted.shape != np.shape(right) or _same(wanted, own):
            continue
        narrow = _along(wanted, np.shape(own))
        if narrow is not None:  # a factor may as well be that of another operand
            yield operand, narrow, own.size == 1 or fitted(narrow, own) is None
        elif wanted.shape == np.shape(own):
            yield operand, wanted, _is_mask(operand) and _chooses(wanted)


def _moved(
    chain: Chain, node: Node, right: Array, fixed: Callable[[Node], bool]
) -> Iterator[tuple[Node, Array, bool]]:
    """The operands of an operation that moves numbers: sure if one of several alone is wrong."""
    made, rule = chain.derivative(node) or (None, None)
    if made is None or not isinstance(rule, Moved):
        return
    moved = rule.sources >= 0
    numbers = np.full(sum(rule.sizes), np.nan)
    numbers[rule.sources[moved]] = right[moved]
    if not _same(numbers[rule.sources[moved]], right[moved]):
        return  # a number that stands at several places has to be several
    parts = np.split(numbers, np.cumsum(rule.sizes)[:-1])
    wrong = []
    for operand, part in zip(made.inputs, parts, strict=True):
        own = np.ravel(chain.values[operand.number])
        wanted = np.where(np.isnan(part), own, part)
        if not _same(wanted, own):
            wrong.append((operand, wanted.reshape(np.shape(operand.value))))
    spread = rule.sources[moved].size > np.unique(rule.sources[moved]).size
    for operand, wanted in wrong:
        if not fixed(operand):
            yield operand, wanted, len(wrong) == 1 and (len(made.inputs) > 1 or spread)


def _along(wanted: Array, shape: tuple[int, ...]) -> Array | None:
    """An array in a shape that is spread to its own, if it is the same all along; else None."""
    kept = (1,) * (wanted.ndim - len(shape)) + shape
    axes = tuple(i for i, n in enumerate(kept) if n == 1 < wanted.shape[i])
    if not axes or not wanted.size or not np.all(np.isfinite(wanted)):
        return None
    middle = np.median(wanted, axis=axes, keepdims=True)
    scale = float(np.max(np.abs(wanted), initial=0.0))
    if float(np.max(np.abs(wanted - middle), initial=0.0)) > HALF_OF_THE_DIGITS * scale:
        return None
    return np.asarray(middle.reshape(shape))


def _same(one: Array, other: Array) -> bool:
    scale = float(np.max(np.abs(other), initial=0.0)) or 1.0
    with np.errstate(all="ignore"):  # a division may have given no number
        return bool(np.all(np.abs(one - other) <= HALF_OF_THE_DIGITS * scale))


def _is_mask(node: Node) -> bool:
    """Whether a value is made of truth values."""
    arrays = (each.value for each in node.inputs)
    return any(isinstance(each, np.ndarray) and each.dtype.kind == "b" for each in arrays)


def _chooses(wanted: Array) -> bool:
    with np.errstate(all="ignore"):
        near = np.minimum(np.abs(wanted), np.abs(wanted - 1))
    return bool(np.all(near <= HALF_OF_THE_DIGITS))
