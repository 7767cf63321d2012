"""Backpropagation through time that goes back some steps and no further.

It leaves out what reaches a parameter through more steps, on purpose. The gradient is followed back
with the contributions of each number of steps apart; those of the first ones together are what is
given then. Left out: a gradient that goes back all the way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from conformance.backward.chain import Arrays
from conformance.backward.comparable import in_shape
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.groups import Group, grouped, operation_key
from conformance.backward.judge_gradients import Forward, Verdict, distance
from conformance.backward.recorded_pass import NoGradientError
from conformance.backward.source import MOVES
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from reference.step import Array

MOST = 1 << 24  # entries of a gradient, of all numbers of steps together
WORK = 1 << 16  # operations, of all numbers of steps together, beyond which a few steps are tried
A_FEW = 8  # steps, at least
FEWEST = 2  # steps, that nobody goes back by mistake
WORDS = (
    "the gradients go back one step through time and no further; if that is meant, let them go "
    "back as many steps as the sequence has (such as `bptt_truncate`) to have them judged"
)


def truncated(forward: Forward, found: list[Verdict]) -> tuple[list[Verdict], int]:
    """The verdicts, with right what is a truncated gradient; and after how many steps it is, or 0.

    Raises:
        NoGradientError: it is after a single step, which may be meant or not.
    """
    wrong = [each for each in found if not each.ok]
    steps = _steps(forward, wrong) if wrong else None
    if steps is None:
        return found, 0
    largest = max(np.size(each.goal.parameter.value) for each in wrong)
    tried = max(A_FEW, WORK // len(forward.nodes()))
    parts = steps.apart(forward, min(steps.most, MOST // largest, tried))
    for k in range(1, len(next(iter(parts.values()), ()))):
        made = {id(e): _truncated(e, parts, k) for e in wrong}
        if all(each is not None for each in made.values()):
            if steps.is_cut(parts, k):
                return found, 0
            if k < FEWEST:
                raise NoGradientError(WORDS)
            return [made.get(id(e)) or e for e in found], k
    return found, 0


def _truncated(verdict: Verdict, parts: Arrays, k: int) -> Verdict | None:
    """The verdict that a gradient is right up to k steps; None if it is not."""
    apart = parts.get(verdict.goal.parameter.number)
    if apart is None or k + 1 >= len(apart) or not np.any(apart[k + 1 :]):
        return None
    right = in_shape(apart[: k + 1].sum(axis=0), verdict.given.shape)
    error = distance(verdict.given, right) if right.shape == verdict.given.shape else np.inf
    made = replace(verdict, ok=True, right=right, error=error, exact=False, lost=False)
    return made if error <= HALF_OF_THE_DIGITS else None


@dataclass(frozen=True, eq=False)
class _Steps:
    """The steps of the recurrences of a forward pass.

    Attributes:
        groups: the executions of an operation that take a parameter, each made of the one before.
        most: steps from the first execution of one to its last.
        within: the numbers of the values that the executions are made of, as bits.
    """

    groups: tuple[int, ...]
    most: int
    within: int
    keys: frozenset[object]

    def at(self, node: Node) -> int:
        """After how many steps a value is known."""
        return max((node.uses & each).bit_count() for each in self.groups)

    def is_cut(self, parts: Arrays, k: int) -> bool:
        """Whether a state passes nothing on that all losses after it are more than k steps from.

        A gradient that goes back k steps from each loss passes on what is nearer: where the next
        execution is nearer to a loss of its own, what was before has been overwritten.
        """
        return any(
            before <= k <= after
            for each in self.groups
            for before, after in pairwise(
                int(np.argmax(np.any(parts[i].reshape(len(parts[i]), -1), axis=1)))
                for i in range(each.bit_length())
                if each >> i & 1 and i in parts and np.any(parts[i])
            )
        )

    def between(self, consumer: Node, node: Node) -> int:
        """How many steps lie between what an operation computes and an operand of it.

        What is only moved stays where it is, and so does what no later step is made of.
        """
        if consumer.operation in MOVES or operation_key(consumer) not in self.keys:
            return 0
        before = self.at(node)
        return max(0, self.at(consumer) - before) if before else 0

    def apart(self, forward: Forward, most: int) -> Arrays:
        """∂C/∂v, the contributions by the number of steps along the first axis."""
        loss = forward.run.loss
        seed = np.zeros((most + 1, *np.shape(loss.value)))
        seed[0] = 1

        def later(consumer: Node, node: Node, part: Array) -> Array:
            by = min(self.between(consumer, node), len(part))
            return part if not by else np.concatenate([np.zeros_like(part[:by]), part[:-by]])

        return forward.chain.reverse({loss.number: seed}, forward.contains, change=later)


def _steps(forward: Forward, wrong: Sequence[Verdict]) -> _Steps | None:
    """The steps of the recurrences that take a parameter again and again; None if there are few."""
    found = [group for each in wrong for group in _recurrences(forward, each.goal.parameter)]
    groups = tuple(sum(1 << e.number for e in group.nodes) for group in found)
    longest = [
        max((each.uses & bits).bit_count() for each in group.nodes)
        for group, bits in zip(found, groups, strict=True)
    ]
    most = max(longest, default=0) - 1
    if most <= FEWEST - 1:
        return None
    within = 0
    for group in found:
        for each in group.nodes:
            within |= each.uses
    nodes = (e for e in forward.nodes() if within >> e.number & 1)
    return _Steps(groups, most, within, frozenset(map(operation_key, nodes)))


def _recurrences(forward: Forward, parameter: Node) -> list[Group]:
    """The operations of the forward pass that take a parameter and what they gave before."""

    def further(node: Node) -> list[Node]:
        moved = node is parameter or node.operation in MOVES
        return [e for e in node.consumers if forward.contains(e)] if moved else []

    users = [e for e in walk([parameter], further) if e is not parameter]
    taking = [e for e in users if e.operation not in MOVES]
    return [each for each in grouped(taking) if each.recurrent]
