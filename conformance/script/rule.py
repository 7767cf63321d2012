"""How the parameters are moved, and what is wrong with it though the gradients may be right.

Left out: the gradients (`judge.py`).
"""

from collections.abc import Sequence

from conformance.backward.findings import Line
from conformance.backward.source import line_of
from conformance.script.findings import Fault
from conformance.script.judge import Judgement
from conformance.script.update import Update, alike
from conformance.tracing.trace import Node


def faults(results: Sequence[Judgement], names: Sequence[str]) -> list[Fault]:
    """What is wrong with the updates."""
    for each in results:
        found = uneven(each, names)
        if found:
            return found
    return []


def uneven(judgement: Judgement, names: Sequence[str]) -> list[Fault]:
    """The parameters that are moved by another factor than the others, if their gradients agree."""
    updates = judgement.updates
    if judgement.whole or not judgement.ok or any(not each.options for each in updates):
        return []
    factors = [each.options[each.own][1] for each in updates]
    usual = judgement.factor
    found = []
    for each, name, factor in zip(updates, names, factors, strict=True):
        if not alike(usual, factor):
            kind = "ascends" if usual * factor < 0 else "factor"
            found.append(Fault(kind, (name,), _line(each), factor / usual))
    return found


def _line(made: Update) -> Line | None:
    """The line of an update at which its factor is decided: where its state is computed, if any."""
    nodes: list[Node] = [state for _, state in made.states] or [made.new]
    return line_of(nodes[0])
