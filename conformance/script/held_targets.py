"""An update judged with a target held constant, such as that of Q-learning, or an advantage.

Left out: an update that is judged as it is (`judge_updates.py`).
"""

import re
from collections.abc import Sequence

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import stored_names
from conformance.script.judge_updates import judged
from conformance.script.judgement import Judgement
from conformance.script.update import Update
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

HELD = re.compile(r"\w*adv(antages?)?(_\w+)?", re.IGNORECASE)
"""What a score is multiplied by, such as an advantage."""
TARGET = re.compile(
    r"\w*(targets?|labels?|expected|returns?|backups?)\w*|y|yj|y_?t|t", re.IGNORECASE
)
FEW = 3


def with_held_targets(
    trace: Trace,
    updates: Sequence[Update],
    names: Sequence[str],
    *,
    quick: bool = False,
    right: int | None = None,
) -> Judgement | None:
    """The judgement of an update, a target held constant; None if there is no such target.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        quick: see `judged`.
        right: how many gradients are right without.
    """
    for users in _targets(trace, updates):
        try:
            found = judged(trace, updates, names, held=users, quick=quick)
        except NotAGradientError:
            continue
        known = found.right and found.examined.cost != "unknown"
        seen = all(e.ok or e.error > HALF_OF_THE_DIGITS for e in found.examined.gradients)
        more = right is not None and found.right > right and seen
        if found.ok or found.own_loss or known or more:
            return found
    return None


def _targets(trace: Trace, updates: Sequence[Update]) -> list[list[tuple[Node, Node]]]:
    """What is called so and depends on parameters, each with what meets it there.

    That depends on parameters too, and neither uses the other.
    """
    given = bits_of_nodes(each.old for each in updates)
    first = min(each.new.number for each in updates)
    found: dict[Node, list[tuple[Node, Node]]] = {}
    for node in trace.nodes[:first]:
        called = {"subtract": TARGET, "multiply": HELD}.get(node.operation)
        if called is None or len(node.inputs) != len(("output", "target")):
            continue
        for target, output in (node.inputs, node.inputs[::-1]):
            apart = not target.depends_on(output) and not output.depends_on(target)
            named = any(map(called.fullmatch, stored_names(target)))
            if named and apart and target.uses & given and output.uses & given:
                found.setdefault(target, []).append((node, target))
    return list(found.values())[-FEW:]
