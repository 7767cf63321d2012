"""Coordinate descent: each update moves one entry of a parameter, the next update the next one.

Such an update says nothing of the gradient of the other entries, and its rate may be that of one
entry alone. What a program keeps in step with the parameter, such as scores or residuals, is no
parameter: it is moved by as much, times data that belong to that entry.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from conformance.script.judgement import Judgement
from conformance.script.linear import read_places, written_places
from conformance.script.parameters import Parameter
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node, bits_of_nodes, is_part
from reference.step import Array

KEPT = (
    "{} is kept in step with {}: it is moved by as much, times data, and by no gradient; let it be "
    "computed of {} in each step"
)
ENTRIES = (
    "each update moves one entry of {}, as coordinate descent does, down the loss, perhaps at "
    "a rate of its own: what is judged is the gradient of all entries"
)


def kept_in_step(moved: Sequence[Parameter]) -> str | None:
    """Why updates cannot be judged of which one moves what is kept in step with a parameter."""
    given = bits_of_nodes(each.values[0] for each in moved)
    for one in moved:
        for other in moved:
            at = [_place(*step) for step in pairwise(other.values)]
            steps = zip(pairwise(one.values), pairwise(other.values), at, strict=False)
            if _are_many(at) and all(_follows(*own, *by, i, given) for own, by, i in steps):
                return KEPT.format(one.name, other.name, other.name)
    return None


def by_entries(results: Sequence[Judgement]) -> str | None:
    """Why wrong gradients are none, if updates move an entry each, the first down the loss."""
    first = results[0]
    wrong = [each.name for each in first.examined.gradients if not each.ok]
    for made in (each for each in first.updates if each.name in wrong):
        at = [_place(e.old, e.new) for r in results for e in r.updates if e.name == made.name]
        step, right = made.new.value - made.old.value, first.examined.rights.get(made.name)
        if not _are_in_order(at) or not _goes_down(step, right, at[0]):
            return None
    return ENTRIES.format(" and ".join(wrong)) if wrong else None


def _place(old: Node, new: Node) -> int | None:
    """The only place of an array that is written into; None if there are more, or it has one."""
    places = written_places(new) if np.size(old.value) > 1 else set()
    return min(places) if len(places) == 1 else None


def _are_many(at: Sequence[int | None]) -> bool:
    return None not in at and len({*at}) > 1


def _are_in_order(at: Sequence[int | None]) -> bool:
    """Whether each place is the next, or the first again."""
    known = [each for each in at if each is not None]
    return _are_many(at) and all(b in (a + 1, 0) for a, b in pairwise(known))


def _goes_down(step: Array, right: Array | None, place: int | None) -> bool:
    """Whether the entry that is moved goes down the loss."""
    if right is None or place is None or np.shape(right) != np.shape(step):
        return False
    return bool(np.ravel(step)[place] * np.ravel(right)[place] < 0)


def _follows(
    old: Node, new: Node, before: Node, after: Node, place: int | None, given: int
) -> bool:
    """Whether a value is moved by as much as an entry of another, times data that belong to it."""
    if place is None or written_places(new) or np.size(new.value) == 1:
        return False
    by, size = np.ravel(after.value - before.value)[place], np.size(after.value)
    data = [e for e in walk([new], short_of({old})) if not e.uses & given and e is not old]
    own = [e for e in data if is_part(e) and _is_of_entry(e, place, size)]
    return any(
        np.shape(e.value) == np.shape(new.value)
        and any(e is one or e.depends_on(one) for one in own)
        and any(np.allclose(old.value + sign * by * e.value, new.value) for sign in (1, -1))
        for e in data
    )


def _is_of_entry(part: Node, place: int, size: int) -> bool:
    """Whether a part of an array is all that has one place along an axis of some length."""
    shape = np.shape(part.inputs[0].value)
    at = np.unravel_index([*read_places(part, alone=True)], shape)
    return any(n == size and np.all(own == place) for n, own in zip(shape, at, strict=True))
