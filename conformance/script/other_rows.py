"""Targets that are those of other samples than the inputs are: shuffled, or of another batch.

Both are rows of tables as long, of which one is taken by numbers in any order and the other in
turn; or both in turn, and those of one are always the same. Left out: tables that are shuffled in
place, and what is computed of the rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined
from conformance.backward.groups import operation_key
from conformance.backward.source import lines_of
from conformance.backward.syntax import aliased, renaming
from conformance.backward.value_names import operation_text
from conformance.script.judgement import Judgement
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes
from reference.step import Array

FEWEST = 4  # rows, of which an order tells something


@dataclass(frozen=True)
class Taken:
    """Some rows of a table.

    Attributes:
        node: the operation that takes them.
        table: of which.
        axis: of the table, along which its samples lie.
        rows: which they are.
        since: the number of the first node that their order was computed from; 0 if they have none.
    """

    node: Node
    table: Node
    axis: int
    rows: Array
    since: int = 0

    @property
    def in_turn(self) -> bool:
        """Whether they are neighbours, in their order."""
        return bool(np.all(np.diff(self.rows) == 1))

    def is_beside(self, other: "Taken") -> bool:
        """Whether another table has as many samples, and was there before the order was.

        As many are taken of both: what is computed of more is some mean of theirs.
        """
        samples = (np.shape(each.table.value)[each.axis] for each in (self, other))
        as_many = len({*samples}) == 1 and len(self.rows) == len(other.rows)
        began = other.table
        while began.operation == FILLED:
            began = began.args[0]
        ordered = other.table.uses >> self.since & 1
        return as_many and began.number < self.since and not ordered

    def is_moved_from(self, other: "Taken") -> bool:
        """Whether their numbers are those of other rows and a number."""
        own, index = self.index, other.index
        sums = isinstance(own, Node) and own.operation in ("add", "subtract")
        return isinstance(index, Node) and sums and any(e is index for e in own.inputs)

    @property
    def index(self) -> Any:
        """What stands for the samples in the brackets."""
        key = self.node.args[1]
        return key[-1] if isinstance(key, tuple) else key


def by_other_rows(
    examined: Examined, judgement: Judgement, every: Sequence[Judgement] = ()
) -> Examined:
    """What is known of right gradients, if a table is taken in turn beside one in any order.

    Nothing is told where the rows of one table are taken in both ways, or the other was made after
    the order was drawn: it may have that order, too.

    Args:
        examined: what is known of them.
        judgement: of their update.
        every: all updates that are judged.
    """
    found = _all_taken(judgement)
    for shuffled, other in product(found, found):
        whole = all(each.in_turn for each in found if each.table is other.table)
        if whole and not shuffled.in_turn and shuffled.is_beside(other):
            pair = (shuffled, other) if shuffled.is_moved_from(other) else (other, shuffled)
            return _blamed(examined, *pair)
    for left, moved in _left_behind(every):
        return _blamed(examined, left, moved)
    return examined


def _all_taken(judgement: Judgement) -> list[Taken]:
    """The rows that go into the gradients of an update."""
    parameters = bits_of_nodes(each.old for each in judgement.updates)
    way = walk(gradient for gradient, _ in judgement.chosen)
    taken = (_taken(each) for each in way if not each.uses & parameters)
    return [e for e in taken if e and len(e.rows) >= FEWEST and not _is_of_places(e.table)]


def _left_behind(every: Sequence[Judgement]) -> Iterator[tuple[Taken, Taken]]:
    """The rows that are those of another table in one update, and stay where they were in another.

    They are the same part of a table there, as `Y[:8]` is, beside another part of the other one.
    """
    steps = list[dict[object, Taken]]()
    for each in every:
        taken = [e for e in _all_taken(each) if isinstance(e.node.args[1], slice)]
        steps.append({(operation_key(e.node), operation_text(e.node)): e for e in taken[::-1]})
    for first, second in permutations(steps, 2):
        for left, moved in permutations(first.keys() & second.keys(), 2):
            one, other, still, gone = first[left], first[moved], second[left], second[moved]
            lengths = {np.shape(e.table.value)[e.axis] for e in (one, other)}
            together = one.table is not other.table and np.array_equal(one.rows, other.rows)
            stays = one.node.args[1] == still.node.args[1] and len(still.rows) == len(gone.rows)
            moves = other.node.args[1] != gone.node.args[1]
            if together and len(lengths) == 1 and stays and moves:
                yield still, gone


def _blamed(examined: Examined, other: Taken, taken: Taken) -> Examined:
    """What is known, with the rows to blame, and those that they are beside.

    Where the others are part of a table that was put in order, and a line after that only gives the
    table of these another name, that line is to blame.
    """
    wrong = tuple(replace(each, ok=False) for each in examined.gradients)
    whole = taken.node.args[0]
    ordered = _taken(whole)
    made = lines_of(whole) if ordered is not None and ordered.since else ()
    renamed = renaming(made, lines_of(other.node))
    left = aliased(renamed[0]) if renamed else operation_text(other.node)
    rows = left, operation_text(whole if renamed else taken.node)
    names, why = tuple(each.name for each in wrong), Cause("rows", names=rows)
    accused = Accused(names, renamed or lines_of(other.node), why, mends=False)
    return replace(examined, gradients=wrong, accused=(accused,))


def _taken(node: Node) -> Taken | None:
    """The rows that an operation takes of a table, or of rows of one; None if it takes none."""
    if node.operation not in ("getitem", "take") or len(node.args) < 2:  # noqa: PLR2004 - and where
        return None
    table, key = node.args[:2]
    *before, last = key if isinstance(key, tuple) else (key,)
    axis = len(before)
    all_before = all(isinstance(each, slice) and each == slice(None) for each in before)
    if not (all_before and node.kwargs.get("axis", axis) == axis and isinstance(table, Node)):
        return None
    of = _taken(table)
    if of is None or of.axis != axis or len({*of.rows.tolist()}) < len(of.rows):  # it is a code
        of = Taken(node, table, axis, np.arange((*np.shape(table.value), 0, 0)[axis]))
    if isinstance(last, slice):
        return replace(of, node=node, rows=of.rows[last])
    if not isinstance(last, Node) or np.ndim(last.value) != 1 or last.value.dtype.kind not in "iub":
        return None
    since = min(each.number for each in walk([last]))
    return replace(of, node=node, rows=of.rows[last.value], since=since)


def _is_of_places(table: Node) -> bool:
    """Whether a table holds the places of samples in some order."""
    value = np.ravel(table.value)
    return value.dtype.kind in "iu" and np.array_equal(np.sort(value), np.arange(value.size))
