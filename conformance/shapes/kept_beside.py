"""Dicts in which a program keeps gradients under the names of parameters: `self.g["W1"]`.

Such a dict has the keys of what holds parameters, and nothing that it held goes forward. Left out:
gradients whose own names say so (`places.py`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from conformance.programs.held_state import Leaf
from conformance.tracing.node import Node

Started = Mapping[str, tuple[Leaf, Node | None]]
Held = dict[str, dict[str, Node]]
"""The nodes of what is held, by what holds it and by its name there."""
NEW, WRITTEN, ADDED = range(3)
DICT = "[]"  # ends the path of a dict


@dataclass(frozen=True)
class Beside:
    """The dicts that have the keys of what holds parameters, and are used by nothing forward.

    Attributes:
        gradients: those that hold gradients, by their paths.
        others: those that hold moments, or copies.
    """

    gradients: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def marked(self, leaf: Leaf) -> Leaf:
        """A leaf with what it is."""
        holder, _ = _parts(leaf.path)
        if holder in self.gradients:
            return replace(leaf, name=f"d{leaf.name}", beside="gradient")
        return replace(leaf, beside="other") if holder in self.others else leaf


def beside(start: Started, end: Mapping[str, Node], output: Node | None, since: int) -> Beside:
    """What the dicts beside those of parameters hold, once a program went back.

    Args:
        start: the leaves that the run began with.
        end: what computed each leaf by now, by its path.
        output: of the network, if it is known.
        since: the number of the first node of what went back.
    """
    before = _held((path, node) for path, (_, node) in start.items() if node is not None)
    after = _held(end.items())
    named = any(leaf.is_gradient for leaf, _ in start.values()) or any("grad" in e for e in after)
    gradients: set[str] = set()
    others: set[str] = set()
    for owner, own in before.items():
        if not _holds_parameters(owner, start) or owner not in after:
            continue
        alike = [e for e in after if e != owner and _mirrors(e, after[e], own)]
        free = [
            e for e in alike if not any(_goes_on(n, output) for n in before.get(e, {}).values())
        ]
        others |= {each for each in free if each in before and "grad" not in each.lower()}
        moved = any(after[owner].get(name) is not node for name, node in own.items())
        found = {} if named or moved else {e: after[e] for e in free}
        gradients |= {*_gradient_dict(found, before, own, since)}
    return Beside(frozenset(gradients), frozenset(others - gradients))


def _gradient_dict(free: Held, before: Held, own: Mapping[str, Node], since: int) -> list[str]:
    """The dict among some that was written going back, the new one first; none if none was."""
    ranked = []
    for holder, held in free.items():
        copied = any(_is_copy(held[e], own[e]) for e in held)
        kinds = [_kind(before.get(holder, {}).get(e), held[e]) for e in held]
        late = max(node.number for node in held.values()) >= since
        if late and not copied and None not in kinds:
            ranked.append((max(e for e in kinds if e is not None), holder))
    return [holder for _, holder in sorted(ranked)[:1]]


def _holds_parameters(owner: str, start: Started) -> bool:
    """Whether parameters are held there by their names, and something is computed with one."""
    own = [each for path, each in start.items() if _parts(path)[0] == owner]
    named = any(leaf.is_parameter for leaf, _ in own)
    return named and any(node is not None and node.consumers for _, node in own)


def _mirrors(holder: str, held: Mapping[str, Node], own: Mapping[str, Node]) -> bool:
    """Whether it is a dict with the keys of what holds parameters."""
    return len(held) > 1 and held.keys() <= own.keys() and holder.endswith(DICT)


def _goes_on(node: Node, output: Node | None) -> bool:
    """Whether what comes out is made of a value."""
    return bool(node.consumers) if output is None else output.depends_on(node)


def _kind(before: Node | None, after: Node) -> int | None:
    """How what a dict holds came there; None if it is no gradient."""
    if before is None:
        return NEW
    if before is after:
        return None
    if not after.depends_on(before):
        return WRITTEN
    return ADDED if after.operation == "add" and before in after.inputs else None


def _is_copy(held: Node, own: Node) -> bool:
    """Whether it has the numbers of the parameter of its name."""
    return np.array_equal(own.value, held.value)


def _held(pairs: Iterable[tuple[str, Node]]) -> Held:
    """What each thing holds: `self.g` is a dict, and `self` is none."""
    found: Held = {}
    for path, node in pairs:
        holder, name = _parts(path)
        found.setdefault(holder, {})[name] = node
    return found


def _parts(path: str) -> tuple[str, str]:
    """What holds a value, and its name there: `self.g[]` and `W1` of `self.g['W1']`."""
    found = re.fullmatch(r"(.*)\['(\w+)'\]", path)
    holder, _, name = (f"{found[1]}{DICT}", "", found[2]) if found else path.rpartition(".")
    return holder, name
