"""By how much parameters decay in their updates, in the step itself or after it.

Left out: how an update is read (`update.py`).
"""

import ast

from conformance.backward.syntax import tree
from conformance.script.multiples import SAME, alike
from conformance.script.update import Update
from conformance.tracing.node import Node


def shrinking(made: Update) -> float:
    """How many times a parameter is taken away; less than 0 if it grows."""
    share = made.decay or made.after
    return share if abs(share) > SAME else 0.0


def decay(made: Update, eta: float) -> tuple[tuple[str, float], ...]:
    """By how much a parameter decays: as a number that the program states, or else times η."""
    share = shrinking(made)
    if not share:
        return ()
    known = (alike(each, share) or alike(each, 1 - share) for each in _stated(made.new))
    return (("λ", share if not eta or any(known) else share / eta),)


def _stated(node: Node) -> list[float]:
    """The numbers in the file that computes a value."""
    module = tree(node.frames[0].file) if node.frames else None
    found = (each for each in ast.walk(module) if isinstance(each, ast.Constant)) if module else ()
    return [float(e.value) for e in found if isinstance(e.value, int | float) and e.value]
