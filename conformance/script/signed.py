"""Updates by the sign of a gradient, or of a mean that it goes into: Lion, and plain signs.

Left out: the rules that divide by what is kept (`adaptive.py`).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from conformance.script.moments import Mistake, precision
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node
from reference.step import Array

OTHER = Rule("other")


class Mixture(NamedTuple):
    """How many times an old mean and how many times a gradient is in a value, at all updates."""

    kept: float
    added: float


def by_signs(
    updates: Sequence[Update], gradients: Sequence[Node]
) -> tuple[Rule, tuple[Mistake, ...]]:
    """The rule of updates by signs, and what is wrong: β1 is of the mean within, β2 of the kept.

    Args:
        updates: of one parameter.
        gradients: what each of them is taken to go by.
    """
    first = updates[0]
    eta = abs(next(by for node, by in first.options if node is gradients[0]))
    decay = (("λ", first.decay),) if first.decay else ()
    if not first.parameter.states:
        inner = all(e.signed is g for e, g in zip(updates, gradients, strict=True))
        return (Rule("signs", (("η", eta), *decay)) if inner else OTHER), ()
    rows = _rows(updates)
    mixed, olds, news = zip(*rows, strict=True) if rows else ((), (), ())
    seen = [each for each in news if each is not None]
    if not _tells(seen, olds, gradients):
        return Rule("unknown") if rows else OTHER, ()
    within, kept = _mixture(mixed, olds, gradients), _mixture(seen, olds, gradients)
    if within is None or kept is None or not within.added:
        return OTHER, ()
    far = abs(abs(kept.kept) + abs(kept.added) - 1)
    if far > precision(np.asarray(first.new.value)) or within.kept < 0 or kept.kept < 0:
        return OTHER, ()
    if within.kept * within.added * kept.added < 0:
        return OTHER, (Mistake("minus", seen[0] if kept.added < 0 else mixed[0]),)
    eta /= abs(within.added)
    share = within.kept / (within.kept + abs(within.added))
    return Rule("lion", (("η", eta), ("β1", share), ("β2", kept.kept), *decay)), ()


def _rows(updates: Sequence[Update]) -> list[tuple[Node, Node, Node | None]]:
    """Of each update what its sign is of, and what is kept before it and after it, if it is seen.

    Nothing if it keeps several things, or is by no sign.
    """
    kept, *others = updates[0].parameter.states
    new_of = dict(pairwise(kept.values))
    found = []
    for each in updates:
        if others or each.signed is None:
            return []
        read = [e for e in kept.values if each.signed.depends_on(e)]
        old = max(read, key=lambda e: e.number, default=kept.values[0])
        found.append((each.signed, old, new_of.get(old)))
    return found


def _tells(news: Sequence[Node], olds: Sequence[Node], gradients: Sequence[Node]) -> bool:
    """Whether two entries are there at least, and what is kept is no multiple of the gradients."""
    matrix = _matrix(olds, gradients)[: _entries(news).size] if news else np.zeros((0, 2))
    numbers = bool(np.all(np.isfinite(matrix)))
    return numbers and np.linalg.matrix_rank(matrix) == len(Mixture._fields)


def _mixture(
    values: Sequence[Node], olds: Sequence[Node], gradients: Sequence[Node]
) -> Mixture | None:
    """How often the old values and the gradients are in some values; None if they are not all.

    What is 0 before the first update tells nothing there, and one entry tells nothing by itself:
    all updates tell it together.
    """
    made = _entries(values)
    matrix = _matrix(olds, gradients)[: made.size]
    if not np.all(np.isfinite(made)):
        return None
    shares = np.linalg.lstsq(matrix, made, rcond=None)[0]
    far = np.max(np.abs(made - matrix @ shares), initial=0.0)
    near = far <= precision(np.asarray(values[0].value)) * np.max(np.abs(made), initial=0.0)
    return Mixture(*map(float, shares)) if near else None


def _matrix(olds: Sequence[Node], gradients: Sequence[Node]) -> Array:
    return np.stack((_entries(olds), _entries(gradients)), axis=1)


def _entries(nodes: Sequence[Node]) -> Array:
    return np.concatenate([np.ravel(np.asarray(e.value, dtype=np.float64)) for e in nodes])
