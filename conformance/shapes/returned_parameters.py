"""What functions that move parameters returned: which parameter each part of it is.

Left out: what was taken off them (`gradients_of_updates.py`).
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from conformance.programs.held_state import Leaf, leaves, short
from conformance.shapes.attempts import Attempt
from conformance.shapes.function_sources import returned_parts


def updated(run: Attempt) -> dict[str, Any]:
    """What functions that move parameters returned, by paths and by names."""
    found: dict[str, Any] = {}
    for name, value in run.updated.items():
        for leaf in leaves(value, name, run.plan.module):
            found[leaf.path] = leaf.value
            if leaf.is_parameter:
                found.setdefault(short(leaf.path), leaf.value)  # `return {"w": w}`
    for name, root in run.roots.items():
        before = {leaf.path for leaf in leaves(root, name, run.plan.module)}
        for value in _returned_by_training(run, name):
            after = {leaf.path: leaf.value for leaf in leaves(value, name, run.plan.module)}
            if name != "self" and before == after.keys():
                found |= after
    return found


def _returned_by_training(run: Attempt, name: str) -> Iterator[Any]:
    """What functions that train returned of what they were handed under a name.

    It is the part that they give the same name. Where none has it, it may be all that they
    returned, or each part of it; of several things they were handed, the part at its place.
    """
    place = list(run.roots).index(name)
    for call, function, result in run.results:
        if call.role != "train":
            continue
        parts = list(result) if type(result) is tuple else []
        named = [part for said, part in returned_parts(function, result) if said == name]
        if named or len(run.roots) == 1:
            yield from named or [result, *parts]
        elif [np.shape(each) for each in parts[: len(run.roots)]] == _shapes(run):
            yield parts[place]


def _shapes(run: Attempt) -> list[tuple[int, ...]]:
    return [np.shape(each) for each in run.roots.values()]


def returned_anew(run: Attempt) -> list[Leaf]:
    """What a function that trains returned, where it was handed no parameters and makes its own."""
    parts = () if run.roots else run.updated.items()
    found = (leaves(e, name, run.plan.module, computed=True) for name, e in parts)
    return [*chain.from_iterable(found)]
