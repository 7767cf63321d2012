"""A parameter that an operation of the backward pass reads after its update.

Left out: one change of an operation that mends all gradients (`fixes.py`).
"""

from collections.abc import Iterator

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Cause, Named
from conformance.backward.groups import Repair
from conformance.backward.judge_gradients import Forward, distance
from conformance.backward.source import MOVES, line_of, operand_name, written_name
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node

UPDATES = ("add", "subtract", FILLED)
"""The operations that make the new value of a parameter, or of rows of it, of the old one."""


def read_after_update(forward: Forward, repair: Repair) -> Cause | None:
    """That an operation reads such a one; None if it is not right with what they all were."""
    first = repair.group.first
    pairs = dict(_updated(forward))
    at = line_of(first)
    way = walk([first], lambda e: e.inputs if line_of(e) == at or e.operation in MOVES else ())
    new = next((each for each in way if each in pairs), None)
    right = repair.values.get(first.number)
    if new is None or right is None or at is None or at == line_of(new):
        return None  # the line that updates it reads the old one
    before = {each.number: forward.chain.values[old.number] for each, old in pairs.items()}
    made = np.asarray(forward.chain.after(before, [first])[first.number])
    if made.shape != np.shape(right) or distance(made, np.asarray(right)) > HALF_OF_THE_DIGITS:
        return None
    name = operand_name(new, 0) or written_name(new)
    used = Named(name, at)
    return Cause("updated", needed=Named(name, line_of(new)), held=used) if name else None


def _updated(forward: Forward) -> Iterator[tuple[Node, Node]]:
    """The new values of parameters that something is computed from, each with the old one."""
    for goal in forward.run.goals:
        states = [goal.parameter]
        for state in states:
            for each in state.consumers:
                moved = each.operation in UPDATES and each.args[0] is state
                alike = np.shape(each.value) == np.shape(state.value)
                if moved and alike and each.consumers and not forward.contains(each):
                    yield each, goal.parameter
                    states += [each] if each.operation == FILLED else []
