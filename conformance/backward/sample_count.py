"""The samples of a recorded step, read off the outputs that it compares: their number and weights.

Left out: which these are (`compared.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from itertools import takewhile
from operator import or_
from typing import Any

import numpy as np

from conformance.backward.compared import Compared
from conformance.backward.costs import shared
from conformance.backward.groups import grouped
from conformance.backward.normal_equations import PRODUCTS
from conformance.backward.recorded_pass import Goal, bits
from conformance.backward.source import is_float
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node, bits_of_nodes
from reference.step import Array


def samples(found: Compared, goals: Sequence[Goal]) -> int:
    """How many samples there are: the length of the output's axis that no parameter has.

    Of several outputs, those that have data in common, or a value computed of it, are of one, as
    are the probabilities of one softmax.
    """
    if len(found.pairs) > 1:
        wholes = (shared(output) for output, _ in found.pairs)
        alone = [bits_of_nodes([each] if each is not None else []) for each in wholes]
        data = [_of_data(output, bits(goals)) for output, _ in found.pairs]
        return len(_linked([*map(or_, data, alone)]))
    shape = np.shape(found.pairs[0][0].value)
    lengths = {n for each in goals for n in np.shape(each.parameter.value)}
    if len(shape) < 2:  # noqa: PLR2004 - one sample, or one output
        return next((n for n in shape if n not in lengths), 1)
    axis = _axis_of_samples(found.pairs[0][0], {each.parameter for each in goals})
    return int(next((n for n in shape if n not in lengths), shape[axis]))


def _axis_of_samples(output: Node, parameters: Collection[Node]) -> int:
    """The axis along which the samples of an output lie: the last of weights times data."""
    for node in walk([output]):
        if node.operation in PRODUCTS:
            sides = [isinstance(e, Node) and _is_of(e, parameters) for e in node.args[:2]]
            if any(sides):
                return -1 if sides[0] else 0
    return 0


def _is_of(operand: Node, parameters: Collection[Node]) -> bool:
    """Whether an operand is a parameter, perhaps turned or a part of it."""
    while operand.operation in ("transpose", "reshape", "getitem") and operand.inputs:
        operand = operand.inputs[0]
    return operand in parameters


def _of_data(output: Node, parameters: int) -> int:
    """The bits of the data of an output, and of what was computed of it; no table of all samples.

    Args:
        output: a value.
        parameters: the bits of the parameters.
    """
    found = data = 0
    for each in reversed(list(walk([output]))):
        table = not each.inputs and np.ndim(each.value) > 1
        if each.given and not parameters >> each.number & 1:
            data |= 1 << each.number
        if each.uses & data and not table:
            found |= 1 << each.number
    return found


def _linked(sets: Sequence[int]) -> list[int]:
    """Sets of bits, those that have one in common joined."""
    joined = list[int]()
    for each in sets:
        apart = [other for other in joined if not other & each]
        joined = [*apart, reduce(or_, (other for other in joined if other & each), each)]
    return joined


def weights(
    nodes: Sequence[Node], made: Compared, goals: Sequence[Goal]
) -> Iterator[Sequence[Any] | Array]:
    """Numbers by which output errors, or what is made of them, are multiplied, one for each output.

    Such are the returns of a policy gradient. None depends on the parameters; those of a batch, an
    array that is as long, have nothing in common with its outputs.
    """
    parameters, compared = bits(goals), bits_of_nodes(made.users)
    products = [e for e in nodes if e.operation == "multiply" and e.uses & compared]
    if len(made.pairs) == 1:
        yield from ((each,) for each in _of_a_batch(products, made.pairs[0][0], parameters))
    if len(made.users) < 2:  # noqa: PLR2004 - one output
        return
    for group in grouped(products):
        for place in (0, 1):
            parts = [(e, _numbers(e.args[place], parameters)) for e in group.nodes]
            numbers = np.concatenate([each for _, each in parts])
            if numbers.size != len(made.users):  # several products of each, by one number
                own = [each for each in parts if each[1].size]
                several = (
                    {float(e) for node, each in own if node.depends_on(user) for e in each}
                    for user in made.users
                )
                single = takewhile(lambda each: len(each) == 1, several)
                numbers = np.array([e for each in single for e in each])
            if numbers.size == len(made.users) and np.ptp(numbers) > 0:
                yield numbers


def _of_a_batch(products: Sequence[Node], output: Node, parameters: int) -> Iterator[Array]:
    """What an array of the shape of an output is multiplied by, if it has no data in common."""
    shape, found = np.shape(output.value), set[Node]()
    pairs = (pair for each in products for pair in (each.args, each.args[::-1]))
    for one, other in pairs:
        if not (isinstance(one, Node) and isinstance(other, Node)) or one in found:
            continue
        as_long = np.shape(other.value) == shape and np.ndim(one.value) == len(shape) > 0
        data = (each for each in walk([one]) if is_float(each) and not each.inputs)
        if as_long and not one.uses & parameters and not any(map(output.depends_on, data)):
            found.add(one)
            numbers = np.asarray(one.value, dtype=np.float64)  # a mask is of truth values
            yield from [numbers] if np.ptp(numbers) else []


def _numbers(value: Any, parameters: int) -> Array:
    """The numbers that a value is made of; none if it depends on parameters."""
    if type(value) is Node:
        return np.ravel(np.zeros(0) if value.uses & parameters else value.value)
    return np.ravel(value if isinstance(value, int | float | np.ndarray | np.generic) else [])
