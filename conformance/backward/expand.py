"""A recorded run with a node for each value that is handed on.

A value of the forward pass that the backward pass takes, and a result that a call returns, get a
node of their own, so that another value can be put there alone. Left out: everything else.
"""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from conformance.backward.forward import Forward
from conformance.backward.program import Recorded
from conformance.tracing.frames import Frame
from conformance.tracing.trace import Node, substituted

TAKEN, RETURNED = "taken", "returned"


def handed(value: Any, *_: Any) -> Any:
    """The value itself."""
    return value


@dataclass(eq=False)
class _Expansion:
    """The nodes so far, and what stands for the nodes of the run."""

    forward: Forward
    nodes: list[Node]
    same: dict[int, Node]
    made: dict[Any, Node]
    returned: dict[Any, int]

    def add(self, node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Node:
        """A node with other arguments."""
        found = replace(node, number=len(self.nodes), args=args, kwargs=kwargs, consumers=[])
        inputs: dict[int, Node] = {}
        substituted((args, kwargs), lambda e: inputs.setdefault(e.number, e))
        found.inputs = tuple(inputs.values())
        found.uses = 1 << found.number
        for each in found.inputs:
            found.uses |= each.uses
            each.consumers.append(found)
        self.nodes.append(found)
        return found

    def operand(self, node: Node, frames: tuple[Frame, ...]) -> Node:
        """What a backward operation on these lines takes for a node."""
        own = self.same[node.number]
        if self.forward.contains(node):
            key = (TAKEN, node.number, frames[1:])
            return self._handed(key, own, frames[1:] or frames[:1], TAKEN)
        line = _left(node.frames, frames)
        if line:
            return self._handed((RETURNED, node.number, line), own, line, RETURNED)
        return own

    def _handed(self, key: Any, own: Node, frames: tuple[Frame, ...], what: str) -> Node:
        if key not in self.made:
            place: Any = own.site or own.operation
            if what == RETURNED:
                place = len([k for k in self.made if k[0] == what and k[2] == frames]) % 16
            empty = Node(0, what, handed, (), {}, own.value, frames)
            self.made[key] = self.add(empty, (own, (what, place)), {})
        return self.made[key]


def _left(made: tuple[Frame, ...], used: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The line of the call that a value has left when it is used, and those around it."""
    common = 0
    while common < min(len(made), len(used)) and made[-1 - common] == used[-1 - common]:
        common += 1
    inner = len(made) - 1 - common
    return made[inner:] if inner > 0 else ()


def expanded(forward: Forward) -> Recorded:
    """The same run with these nodes."""
    run = forward.run
    state = _Expansion(forward, [], {}, {}, {})
    for node in run.trace.nodes:
        if forward.contains(node) or node.function is None:
            lookup = {e.number: state.same[e.number] for e in node.inputs}
        else:
            lookup = {e.number: state.operand(e, node.frames) for e in node.inputs}
        args = substituted(node.args, lambda e, lookup=lookup: lookup[e.number])
        kwargs = substituted(node.kwargs, lambda e, lookup=lookup: lookup[e.number])
        state.same[node.number] = state.add(node, args, kwargs)
    goals = tuple(
        replace(
            each, parameter=state.same[each.parameter.number], node=state.operand(each.node, ())
        )
        for each in run.goals
    )
    trace: Any = SimpleNamespace(nodes=state.nodes)
    return Recorded(trace, state.same[run.loss.number], goals)
