"""One update of all parameters as a trace of its own, in which their old values are given.

Left out: the rest of the run, whose values are constants here.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.backward.normal_equations import is_of_products
from conformance.script.fewer import on_few_samples
from conformance.tracing.node import Node, bits_of_nodes, substituted, uses_of_nodes
from conformance.tracing.trace import Trace


class Step:
    """A part of a trace.

    Attributes:
        trace: of the part.
        of: the node of each node of the whole trace.
        share: of the samples that it is computed on.
    """

    def __init__(
        self,
        whole: Trace,
        olds: Mapping[Node, str],
        wanted: Iterable[Node],
        held: Collection[tuple[Node, Node]] = (),
    ) -> None:
        """Take what some values are computed from, down to the old values of the parameters.

        Args:
            whole: the trace of the run.
            olds: the old values, with their names.
            wanted: the values.
            held: operations, each with an operand that is held constant in it.
        """
        self.trace, self.held = Trace(sites=True), held
        self.of: dict[Node, Node] = {}
        before = max(each.number for each in olds)
        given = bits_of_nodes(olds)
        for node in _needed(whole, olds, wanted):
            own = node.number > before or bool(node.uses & given) or is_of_products(node)
            self._copy(node, olds.get(node), own=own)
        self.share = on_few_samples(self.trace.nodes, [self.of[each] for each in olds])
        numbers = {node.number: copy.number for node, copy in self.of.items()}
        self.trace.handed = [
            frozenset(numbers[n] for n in each if n in numbers) for each in whole.handed
        ]

    def _copy(self, node: Node, name: str | None, *, own: bool) -> Node:
        """A node in the new trace: an operation if it belongs to the step, else its value."""
        made = self._added(node, name, own=own)
        self.of[node] = made
        return made

    def _added(self, node: Node, name: str | None, *, own: bool) -> Node:
        made = replace(node, inputs=(), consumers=[])
        if name is not None or not own:
            made.operation = "constant" if name is None else f"given {name}"
            made.function, made.args, made.kwargs = None, (), {}
            made.writes, made.replaces = (), None
        else:
            self._connect(made, node)
        made.number = len(self.trace.nodes)
        made.uses = 1 << made.number | uses_of_nodes(made.inputs)
        for each in made.inputs:
            each.consumers.append(made)
        self.trace.nodes.append(made)
        return made

    def _connect(self, made: Node, node: Node) -> None:
        held = {e: self._added(e, None, own=False) for user, e in self.held if user is node}

        def copied(each: Node) -> Node:
            return held[each] if each in held else self._copied(each)

        made.args = substituted(node.args, copied)
        made.kwargs = substituted(node.kwargs, copied)
        made.inputs = tuple(map(copied, node.inputs))
        made.writes = tuple((at, self._known(value), *where) for at, value, *where in node.writes)
        made.replaces = None if node.replaces is None else self.of.get(node.replaces)

    def _copied(self, node: Node) -> Node:
        """The copy of a node; of one that the trace has forgotten, its value."""
        return self.of[node] if node in self.of else self._copy(node, None, own=False)

    def _known(self, value: Any) -> Any:
        return substituted(value, lambda each: self.of.get(each, each))


def _needed(whole: Trace, olds: Mapping[Node, str], wanted: Iterable[Node]) -> list[Node]:
    """What some values are computed from, in the order of time."""
    before = max(each.number for each in olds)
    given = bits_of_nodes(olds)
    found = {*wanted, *olds}
    for node in reversed(whole.nodes):
        if node in found and node not in olds:
            own = node.number > before or node.uses & given or is_of_products(node)
            found.update(node.inputs if own else ())
    return [each for each in whole.nodes if each in found]
