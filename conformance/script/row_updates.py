"""Updates of some rows of a table: the gradient of each is one of the table, 0 elsewhere.

Left out: what an update adds (`update_reader.py`).
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import numpy as np

from conformance.script.array_places import Places, part_at, writes_of
from conformance.script.linear import ancestors, entrywise, way
from conformance.tracing.node import FILLED, Node, filled, states_of
from conformance.tracing.trace import Trace


def row_ways(table: Node, before: Collection[Node]) -> Iterator[tuple[list[Node], Places]]:
    """The ways from old rows of a table to what was written into it, and where that is.

    Args:
        table: after the writes.
        before: what it was earlier in the step.
    """
    for value, places in writes_of(table):
        within = ancestors(value)
        for each in (value, *within):
            if part_at(each, places) in before:
                yield way(each, value, within), places
                break


def spread(trace: Trace, row: Node, places: Places, table: Node) -> Node:
    """A node of an array of zeros, as a table is, in which a row stands at some places."""
    nothing = trace.node("constant", None, (), {}, np.zeros_like(np.asarray(table.value)))
    at = np.array(sorted(places))
    value = filled(nothing.value, [(at, np.ravel(row.value))])
    made = trace.node(FILLED, filled, (nothing, ((at, row),)), {}, value)
    made.frames, made.calls, made.sites = row.frames, row.calls, ()
    return made


def hides_a_decay(values: Sequence[Node]) -> bool:
    """Whether all rows that are moved were 0, and a multiple of them is added.

    Args:
        values: of a table, one after another.
    """
    moved = [(old, *row) for old, new in pairwise(values) for row in writes_of(new)]
    return any(_decays(*each) for each in moved) and not any(
        np.any(np.ravel(old.value)[[*places]]) for old, _, places in moved
    )


def _decays(old: Node, value: Node, places: Places) -> bool:
    """Whether a row becomes what has a multiple of the old one in it."""
    before = states_of(old)
    return any(
        each.operation == "multiply" and any(part_at(e, places) in before for e in each.inputs)
        for each in entrywise(value, frozenset())
    )
