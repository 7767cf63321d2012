"""The gradient of one step that the next one adds again, where a velocity belongs.

Left out: velocities (`known_rules.py`), and gradients that are added up (`kept_sums.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.source import lines_of, operand_name, places
from conformance.backward.syntax import loops_around
from conformance.script.histories import OTHER, Known, Mistake, multiple
from conformance.script.linear import ancestors, kept, operands
from conformance.script.update import Update
from conformance.tracing.node import Node


def of_former_gradients(updates: Sequence[Update]) -> Known | None:
    """That no rule is known, if more of a gradient is in the next update than of its own.

    Less of it is a short memory. With the opposite sign it is no velocity, but may be meant, as
    that of optimistic gradient descent is.
    """
    for made, after in pairwise(updates):
        by = after.options[-1][1]
        found = [*_formers(made, after)]
        if any(abs(times) > abs(by) for _, times in found):
            node, times = found[0]
            lines = next(filter(None, (tuple(_put(e, after)) for e, _ in found)), lines_of(node))
            wrong = Known.wrong(Mistake("former", node, lines=lines))
            return wrong if times * by > 0 else OTHER
    return None


def _formers(made: Update, after: Update) -> Iterator[tuple[Node, float]]:
    """What an update adds of the gradient before, which may be computed anew, and how often."""
    gradient, own = made.options[-1][0], {after.old, after.options[-1][0]}
    for each in sorted(_added(after), key=lambda e: e.number):
        computed = np.size(each.value) > 1 and each.depends_on(made.old)  # a number is any multiple
        known = each is gradient or computed
        if known and not any(each is e or each.depends_on(e) for e in own):
            times = multiple(np.asarray(each.value), np.asarray(gradient.value))
            if times:
                yield each, times * kept(each, after.new, frozenset({after.old}))


def _added(update: Update) -> list[Node]:
    """What an update adds to a parameter, as it is and what it is a sum of."""
    return [*ancestors(update.new, operands=lambda e: [] if e is update.old else operands(e))]


def _put(value: Node, update: Update) -> Iterator[Line]:
    """The lines of the loop around an update that put a value where the update reads it."""
    users = [e for e in (update.new, *_added(update)) if value in e.inputs]
    names = {operand_name(e, i).partition("[")[0] for e in users for i in places(e, value)} - {""}
    for line in {line for each in users for line in lines_of(each)}:
        parts = (part for loop in loops_around(line)[:1] for part in ast.walk(loop))
        for each in (part for part in parts if isinstance(part, ast.Assign)):
            targets = (e for target in each.targets for e in ast.walk(target))
            if any(ast.unparse(e) in names for e in targets):
                yield Line(line.file, each.lineno)
