"""An update judged with what was computed from its parameters held constant.

Such are the targets of Q-learning, the advantage by which a score is multiplied, what is kept from
before the first update, and how far from the parameters their gradients are taken. Left out: an
update that is judged as it is (`judge_updates.py`).
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import stored_names
from conformance.script.chains import roles
from conformance.script.judge_updates import judged
from conformance.script.judgement import Judgement
from conformance.script.linear import read_forward
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
        right: how many gradients are right without; None if they cannot be judged without.
    """
    for users in targets(trace, updates):
        try:
            found = judged(trace, updates, names, held=users, quick=quick)
        except NotAGradientError:
            continue
        if found.ok:
            return found
        if quick:
            continue
        turned = any(each.cause.kind == "negated" for each in found.examined.accused)
        known = turned or (found.right and (right is None or found.examined.cost != "unknown"))
        seen = all(e.ok or e.error > HALF_OF_THE_DIGITS for e in found.examined.gradients)
        more = right is not None and found.right > right and seen
        fewer = right is not None and found.right < right
        if (found.own_loss or known or more) and not fewer:
            return found
    return None


def targets(trace: Trace, updates: Sequence[Update]) -> list[list[tuple[Node, Node]]]:
    """What is called so and depends on parameters, each with what meets it there.

    That depends on parameters too, and neither uses the other. Before them comes what later steps
    use again as it is, such as the probabilities of the policy that has acted.
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
            named = named or (called is TARGET and _is_bootstrapped(target, output, given))
            if named and apart and target.uses & given and output.uses & given:
                found.setdefault(target, []).append((node, target))
    beside = [[*_beside(each, first)] for each in updates]
    ahead = [each for some in beside for each in some] if all(beside) else []
    again = [*_used_again(trace.nodes[:first], updates)]
    return [*filter(None, (again, ahead)), *list(found.values())[-FEW:]]


def _is_bootstrapped(target: Node, output: Node, given: int) -> bool:
    """Whether a value is r + γ v′, where v′ is computed from the parameters of an output v."""
    parts = [each for each in target.inputs if each.uses & given]
    if target.operation != "add" or len(parts) != 1 or parts[0].operation != "multiply":
        return False
    return parts[0].uses & given == output.uses & given


def _beside(made: Update, first: int) -> Iterator[tuple[Node, Node]]:
    """How far from a parameter its gradient is taken, as by sharpness-aware minimisation."""
    for node in read_forward(made.old) - {made.old}:
        if node.number < first:
            alike = (e for e in node.inputs if np.shape(e.value) == np.shape(node.value))
            yield from ((node, e) for e in alike if e is not made.old and e.depends_on(made.old))


def _used_again(nodes: Sequence[Node], updates: Sequence[Update]) -> Iterator[tuple[Node, Node]]:
    """What was computed from parameters and is used in the same way once they are moved.

    A state that a recurrence hands on is used in another way before.
    """
    given = bits_of_nodes(each.old for each in updates)
    last = max(each.new.number for each in updates)
    for node in nodes:
        if node.uses & given and not given >> node.number & 1:
            later = {each for e in node.consumers if e.number > last for each in roles(node, e)}
            for each in node.consumers if later else ():
                if each.number < last and not later.isdisjoint(roles(node, each)):
                    yield each, node
