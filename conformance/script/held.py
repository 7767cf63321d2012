"""Values that are computed from the parameters and held constant, such as targets of Q-learning.

Left out: numbers for targets, which depend on nothing (`judge.py`).
"""

import re
from collections.abc import Iterator, Sequence

from conformance.backward.program import NotAGradientError
from conformance.backward.source import stored_names
from conformance.script.judge import judged
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
    trace: Trace, updates: Sequence[Update], names: Sequence[str], *, quick: bool = False
) -> Judgement | None:
    """The judgement of an update, a target held constant; None if there is no such target.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        quick: see `judged`.
    """
    for target, name in _targets(trace, updates):
        try:
            found = judged(trace, updates, names, beside={target: name}, quick=quick)
        except NotAGradientError:
            continue
        if found.ok or found.own_loss or (found.right and found.examined.cost != "unknown"):
            return found
    return None


def _targets(trace: Trace, updates: Sequence[Update]) -> Iterator[tuple[Node, str]]:
    """What is called so and depends on parameters, beside a value of which none uses the other."""
    given = bits_of_nodes(each.old for each in updates)
    first = min(each.new.number for each in updates)
    found: dict[Node, str] = {}
    for node in trace.nodes[:first]:
        called = {"subtract": TARGET, "multiply": HELD}.get(node.operation)
        if called is None or len(node.inputs) != len(("output", "target")):
            continue
        for target, output in (node.inputs, node.inputs[::-1]):
            apart = not target.depends_on(output) and not output.depends_on(target)
            name = next(filter(called.fullmatch, stored_names(target)), "")
            if name and apart and target.uses & given and output.uses & given:
                found[target] = name
    yield from list(found.items())[-FEW:]
