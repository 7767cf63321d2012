"""The number that a program's gradient belongs to by its source, where it has no name that tells.

A function that returns a number beside the gradient, as `scipy.optimize` asks for it, returns the
loss of which it is meant to be. It has to get less, unless its name tells otherwise or the gradient
goes up it.

Left out: what names tell (`loss_names.py`).
"""

import ast
from collections.abc import Sequence

import numpy as np

from conformance.backward.costs import times
from conformance.backward.judge_gradients import Verdict, forward_of, verdicts
from conformance.backward.loss_names import by_name
from conformance.backward.recorded_pass import Goal, OwnPass
from conformance.backward.source import expression, line_of, stored_names, written_name
from conformance.backward.syntax import base, function_around
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def returned_loss(trace: Trace, losses: Sequence[Node], goals: tuple[Goal, ...]) -> Node | None:
    """The number that a function returns beside all of the gradients, or minus it; None if none.

    Args:
        trace: of the step.
        losses: numbers that the program computes.
        goals: the gradients.
    """
    for each in reversed(losses):
        if not all(_are_returned(each, goal.node) for goal in goals):
            continue
        found = verdicts(forward_of(OwnPass(trace, goals, loss=each)))
        if any(np.any(one.right) for one in found):
            return times(trace, each, -1.0) if _goes_up(each, found) else each
    return None


def _goes_up(loss: Node, found: Sequence[Verdict]) -> bool:
    told = by_name(loss)
    alike = [e for e in found if e.given.shape == e.right.shape]
    return told > 0 or (told == 0 and sum(float(np.vdot(e.given, e.right)) for e in alike) < 0)


def _are_returned(loss: Node, gradient: Node) -> bool:
    """Whether a function returns a number and, as another value beside it, a gradient."""
    own, other = line_of(loss), line_of(gradient)
    around = None if own is None or other is None else function_around(own)
    if around is None or other is None or function_around(other) is not around:
        return False
    for each in ast.walk(around):
        value = each.value if isinstance(each, ast.Return) else None
        parts = value.elts if isinstance(value, ast.Tuple) else []
        beside = [part for part in parts if not _holds(part, loss)]
        if 0 < len(beside) < len(parts) and any(_holds(part, gradient) for part in beside):
            return True
    return False


def _holds(part: ast.expr, node: Node) -> bool:
    """Whether a part of what is returned is a value, or has it."""
    names = stored_names(node) | {base(written_name(node))}
    return any(
        each is expression(node) or (isinstance(each, ast.Name) and each.id in names)
        for each in ast.walk(part)
    )
