"""How many samples a recorded step has, read off the outputs that it compares with targets.

Left out: which these are (`compared.py`).
"""

from collections.abc import Sequence
from functools import reduce
from operator import or_

import numpy as np

from conformance.backward.compared import Compared
from conformance.backward.recorded_pass import Goal, bits
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def samples(found: Compared, goals: Sequence[Goal]) -> int:
    """How many samples there are: the length of the output's axis that no parameter has.

    Of several outputs, those that have data in common, or a value computed of it, are of one.
    """
    if len(found.pairs) > 1:
        return len(_linked([_of_data(output, bits(goals)) for output, _ in found.pairs]))
    shape = np.shape(found.pairs[0][0].value)
    lengths = {n for each in goals for n in np.shape(each.parameter.value)}
    if len(shape) < 2:  # noqa: PLR2004 - one sample, or one output
        return next((n for n in shape if n not in lengths), 1)
    return int(next((n for n in shape if n not in lengths), shape[0]))


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
