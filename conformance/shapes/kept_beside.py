"""Dicts in which a program keeps gradients under the names of parameters: `self.g["W1"]`.

Such a dict has the keys of what holds parameters, and nothing that it held goes forward. Left out:
gradients whose own names say so (`places.py`).
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from conformance.shapes.state import Leaf
from conformance.tracing.node import Node

Started = Mapping[str, tuple[Leaf, Node | None]]
Held = dict[str, dict[str, Node]]
"""The nodes of what is held, by what holds it and by its name there."""
NEW, WRITTEN, ADDED = range(3)


def gradient_dicts(start: Started, end: Mapping[str, Node], output: Node | None) -> set[str]:
    """The paths of the dicts that hold gradients in the end of a run.

    Args:
        start: the leaves that the run began with.
        end: what computed each leaf in the end, by its path.
        output: of the network, if it is known.
    """
    before = _held((path, node) for path, (_, node) in start.items() if node is not None)
    after = _held(end.items())
    if any(leaf.is_gradient for leaf, _ in start.values()) or any("grad" in e for e in after):
        return set()  # they are named so
    found: set[str] = set()
    for owner, own in before.items():
        named = any(start[path][0].is_parameter for path in start if _parts(path)[0] == owner)
        used = [name for name, node in own.items() if node.consumers]
        if not named or not used or owner not in after:
            continue
        ranked = []
        for holder, held in after.items():
            if any(_is_copy(held[e], own.get(e), after[owner].get(e)) for e in held):
                continue
            kinds = [_kind(before.get(holder, {}).get(e), held[e], output) for e in held]
            alike = holder != owner and len(held) > 1 and held.keys() <= own.keys()
            if alike and _is_dict(holder, end) and None not in kinds:
                first = min(node.number for node in held.values())  # before moments are made of it
                ranked.append((max(e for e in kinds if e is not None), first, holder))
        found |= {holder for _, _, holder in sorted(ranked)[:1]}
    return found


def _kind(before: Node | None, after: Node, output: Node | None) -> int | None:
    """How what a dict holds came there; None if it is no gradient."""
    if before is None:
        return NEW
    if before is after or (output is not None and output.depends_on(before)):
        return None
    if not after.depends_on(before):
        return WRITTEN
    return ADDED if after.operation == "add" and before in after.inputs else None


def _is_copy(held: Node, *own: Node | None) -> bool:
    """Whether it has the numbers of the parameter of its name, before or after an update."""
    return any(e is not None and np.array_equal(e.value, held.value) for e in own)


def _held(pairs: Iterable[tuple[str, Node]]) -> Held:
    found: Held = {}
    for path, node in pairs:
        holder, name = _parts(path)
        found.setdefault(holder, {})[name] = node
    return found


def _parts(path: str) -> tuple[str, str]:
    """What holds a value, and its name there: `self.g` and `W1` of `self.g['W1']`."""
    found = re.fullmatch(r"(.*)\['(\w+)'\]", path)
    holder, _, name = (found[1], "", found[2]) if found else path.rpartition(".")
    return holder, name


def _is_dict(holder: str, end: Iterable[str]) -> bool:
    return any(path.startswith(f"{holder}['") for path in end)


def as_gradient(leaf: Leaf, dicts: set[str]) -> Leaf:
    """A leaf, named as a gradient if it is in one of some dicts."""
    return Leaf(leaf.path, f"d{leaf.name}", leaf.value) if _parts(leaf.path)[0] in dicts else leaf
