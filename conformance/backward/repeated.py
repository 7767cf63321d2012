"""A sum to which a loop adds the same value in each of its rounds, where once is right.

Such as the derivative by a bias, which is added once for each weight. Left out: what is added once
for each sample (`overwritten.py`).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.backward.causes import worst_entry
from conformance.backward.factor import ratio
from conformance.backward.findings import Accused, Cause, merged
from conformance.backward.groups import grouped
from conformance.backward.judge_gradients import Forward, Verdict
from conformance.backward.source import lines_of
from conformance.backward.value_names import operation_text
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def repeated(forward: Forward, wrong: Sequence[Verdict]) -> tuple[Accused, ...]:
    """What adds each value as often as a gradient is too large, if that is so of all wrong ones."""
    found = [next(_accused(forward, each), None) for each in wrong]
    told = [each for each in found if each is not None]
    return merged(told, lambda each: each.lines) if len(told) == len(found) else ()


def _accused(forward: Forward, verdict: Verdict) -> Iterator[Accused]:
    times = ratio(verdict) or 0.0
    often = round(times)
    if often < 2 or not np.isclose(times, often):  # noqa: PLR2004 - once is right
        return
    way = [e for e in walk([verdict.goal.node]) if e.operation == "add" and not forward.contains(e)]
    for group in grouped(sorted(way, key=lambda each: each.number)):
        added = _added(forward, group.nodes)
        rounds = zip(*(added[at::often] for at in range(often)), strict=False)
        same = all(np.array_equal(e, each[0]) for each in rounds for e in each)
        if added and len(added) % often == 0 and same:
            text, worst = operation_text(group.first), worst_entry([verdict])
            why = Cause("repeated", text, factor=float(often), worst=worst)
            yield Accused((verdict.goal.name,), lines_of(group.first), why, mends=True)


def _added(forward: Forward, sums: Sequence[Node]) -> list[Any]:
    """What is added to what was there, one after another; nothing if these are no such sums."""
    places = [[i for i, e in enumerate(each.args) if e is last] for last, each in pairwise(sums)]
    if not places or any(each != places[0] for each in places) or len(places[0]) != 1:
        return []
    parts = [each.args[1 - places[0][0]] for each in sums]
    return [forward.chain.values[e.number] if isinstance(e, Node) else e for e in parts]
