"""Which operations gave the entries of one array, where a program computes number by number.

They are one operation of one line, in the order in which it was done: of a running sum the last,
and none of them was made of another. Left out: an operation on whole arrays, which is its own.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Any

import numpy as np

from conformance.tracing.node import Node
from conformance.tracing.replay import Replay
from reference.step import Array


class Entries:
    """The entries that were computed together in one run.

    Attributes:
        running: the numbers of the operations whose results are running sums on the way.
    """

    def __init__(self, nodes: Sequence[Node], samples: Sequence[int]) -> None:
        """Look at the operations of a run.

        Args:
            nodes: of the run.
            samples: the bits of the nodes of each sample.
        """
        self.nodes, self.samples = nodes, reduce(or_, samples, 0)
        self.running = set[int]()
        self._together = self._found()

    def of(self, node: Node) -> tuple[Node, ...]:
        """The operations whose results are one array's entries with that of one; it alone if none.

        What a running sum was on the way is no entry.
        """
        return self._together.get(node.number, (node,))

    def turn(self, node: Node) -> int:
        """How often its line did the same operation before in the same call; a sum is one."""
        return self._turns[node.number]

    @cached_property
    def _turns(self) -> dict[int, int]:
        counts: dict[object, int] = {}
        found: dict[int, int] = {}
        for each in self.nodes:
            key = each.operation, each.frames[:1], each.calls[:1]
            found[each.number] = turn = counts.get(key, -1) + 1
            if each.number not in self.running:
                counts[key] = turn
        return found

    def _found(self) -> dict[int, tuple[Node, ...]]:
        """The groups of more than one, by the number of each member."""
        lines: dict[Any, list[Node]] = defaultdict(list)
        for node in self.nodes:
            value, of = np.asarray(node.value), node.uses & self.samples  # a rate is of none
            if of and node.frames and value.size == 1 and value.dtype.kind == "f":
                lines[node.operation, node.frames, of].append(node)
        groups = (group for nodes in lines.values() for group in self._of_line(nodes))
        return {each.number: group for group in groups for each in group}

    def _of_line(self, nodes: Sequence[Node]) -> Iterator[tuple[Node, ...]]:
        """The groups of more than one, each in the innermost call that computed several."""
        for depth in range(len(nodes[0].frames)):
            calls: dict[tuple[int, ...], list[Node]] = defaultdict(list)
            for node in nodes:
                calls[node.calls[depth:]].append(node)
            groups = [group for each in calls.values() for group in _apart(each, self.running)]
            yield from (tuple(each) for each in groups if len(each) > 1)
            nodes = [each[0] for each in groups if len(each) == 1]


def _apart(nodes: Sequence[Node], running: set[int]) -> list[list[Node]]:
    """Groups of which none was made of another, without what is a running sum on the way."""
    groups: list[list[Node]] = []
    group: list[Node] = []
    made = 0
    for node in nodes:
        if group and group[-1] in node.inputs:
            running.add(group[-1].number)
            made ^= 1 << group.pop().number
        elif node.uses & made:
            groups.append(group)
            group, made = [], 0
        group.append(node)
        made |= 1 << node.number
    return [*groups, group]


def value_of(replay: Replay, entries: Sequence[Node]) -> Array:
    """What some operations gave, one entry after the other; or the only one of them."""
    values = [np.asarray(replay.value(each)) for each in entries]
    return values[0] if len(values) == 1 else np.stack([each.reshape(()) for each in values])
