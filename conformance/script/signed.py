"""Updates by the sign of a gradient, or of a mean that it goes into: Lion, and plain signs.

Left out: the rules that divide by what is kept (`adaptive.py`).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.quantities import HALF_OF_THE_DIGITS
from conformance.script.rows import Carried
from conformance.script.update import Update, alike
from conformance.script_outcome import Rule
from conformance.tracing.node import Node
from reference.step import Array


def by_signs(updates: Sequence[Update]) -> Rule:
    """The rule of updates by signs: β1 is of the mean within, β2 of what is kept."""
    first = updates[0]
    eta = abs(first.options[first.own][1])
    decay = (("λ", first.decay),) if first.decay else ()
    kept = first.parameter.states
    if not kept:
        inner = all(each.signed is each.options[each.own][0] for each in updates)
        return Rule("signs", (("η", eta), *decay)) if inner else Rule("other")
    betas = _betas(updates, kept[0]) if len(kept) == 1 else None
    if betas is None:
        return Rule("other")
    return Rule(
        "lion", (("η", eta / (1 - betas[0])), *zip(("β1", "β2"), betas, strict=True), *decay)
    )


def _betas(updates: Sequence[Update], kept: Carried) -> tuple[float, float] | None:
    """β1 and β2 of Lion; None if it is another rule, or what is kept is not all seen."""
    new_of = dict(pairwise(kept.values))
    found = []
    for each in updates:
        gradient, mixed = each.options[each.own][0], each.signed
        read = [e for e in kept.values if mixed is not None and mixed.depends_on(e)]
        old = max(read, key=lambda e: e.number, default=kept.values[0])
        new = new_of.get(old)
        if new is not None and mixed is not None:
            found.append((_share(mixed, old, gradient), _share(new, old, gradient)))
    told = [pair for pair in found if None not in pair]
    same = told and all(
        alike(a or 0.0, b or 0.0) for pair in told for a, b in zip(told[0], pair, strict=True)
    )
    if not same or len(told) < len(found):
        return None
    one, other = told[0]
    return (float(one), float(other)) if one is not None and other is not None else None


def _share(new: Node, old: Node, gradient: Node) -> float | None:
    """β of a value that is β times an old one and 1 − β times the gradient; None if it is none."""
    made, kept, added = _array(new), _array(old), _array(gradient)
    apart = kept - added
    square = float(np.vdot(apart, apart))
    beta = float(np.vdot(apart, made - added)) / square if square else 0.0
    far = np.max(np.abs(made - added - beta * apart), initial=0.0)
    return beta if far <= HALF_OF_THE_DIGITS * np.max(np.abs(made), initial=0.0) else None


def _array(node: Node) -> Array:
    return np.asarray(node.value, dtype=np.float64)
