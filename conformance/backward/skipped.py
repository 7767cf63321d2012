"""A loop of the backward pass that leaves out the first or the last step of the forward pass.

Such as `range(T - 1)`: all gradients are those of the loss if nothing goes back through what that
one step computes of the parameters. Left out: what is cut on purpose (`truncated.py`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.comparable import in_shape
from conformance.backward.factor import shared
from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.groups import grouped
from conformance.backward.judge_gradients import Forward, Verdict, forward_of, verdicts
from conformance.backward.recorded_pass import OwnPass
from conformance.backward.source import MOVES, lines_of
from conformance.backward.syntax import loops_around
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node

FEWEST = 3  # steps, of which a part does not look like all


def skipped(forward: Forward, found: Sequence[Verdict]) -> Accused | None:
    """The loop that leaves out a step, if that makes all gradients what they are; else None."""
    wrong = [each for each in found if not each.ok]
    if not wrong or any(each.given.shape != each.right.shape for each in found):
        return None
    groups = [e.nodes for e in grouped(_users(forward, found)) if len(e.nodes) > 1]
    steps = {len(each) for each in groups}
    if len(steps) != 1 or max(steps) < FEWEST:
        return None
    for at, name in ((-1, "last"), (0, "first")):
        cut = frozenset(each[at].number for each in groups)
        if shared(_without(forward, found, cut), (1.0,), free=True).by_all:
            lines = lines_of(wrong[0].goal.node)
            loops = [(each.file, loop) for each in lines for loop in loops_around(each)]
            if not loops:
                return None
            file, loop = loops[0]
            names = tuple(each.goal.name for each in wrong)
            why = Cause("skipped", name, factor=float(len(groups[0])))
            return Accused(names, (Line(file, loop.lineno),), why, mends=True)
    return None


def skips(step: OwnPass) -> bool:
    """Whether a loop leaves out a step, by the loss of a pass."""
    forward = forward_of(step)
    return skipped(forward, verdicts(forward)) is not None


def _users(forward: Forward, found: Sequence[Verdict]) -> list[Node]:
    """The operations of the forward pass that compute something of a parameter."""
    given = {each.goal.parameter for each in found}

    def further(node: Node) -> list[Node]:
        moved = node in given or node.operation in MOVES
        return [e for e in node.consumers if forward.contains(e)] if moved else []

    way = (user for each in given for user in walk([each], further))
    users = {each.number: each for each in way if each not in given}
    return [users[number] for number in sorted(users) if users[number].operation not in MOVES]


def _without(forward: Forward, found: Sequence[Verdict], cut: frozenset[int]) -> list[Verdict]:
    """Each gradient beside what it is if nothing goes back through some operations."""
    loss = forward.run.loss
    seeds = {loss.number: np.ones((1, *np.shape(loss.value)))}
    made = forward.chain.reverse(seeds, forward.contains, cut)
    rights = [made.get(e.goal.parameter.number, np.zeros((1, *e.right.shape)))[0] for e in found]
    pairs = zip(found, rights, strict=True)
    return [replace(each, right=in_shape(right, each.given.shape)) for each, right in pairs]
