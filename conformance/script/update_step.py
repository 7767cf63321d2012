"""One update of all parameters as a trace of its own, in which their old values are given.

What is wrong with a step of 40,000 samples is wrong with one of 64 too, and is found sooner: it is
computed again on a few. Where an operation does not go along, all samples are kept. Left out: the
rest of the run, whose values are constants here.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from conformance.backward.normal_equations import is_of_products
from conformance.tracing.node import Node, bits_of_nodes, flat, substituted, uses_of_nodes
from conformance.tracing.trace import Trace

NOTHING: Mapping[Node, Node] = MappingProxyType({})


class Step:
    """A part of a trace.

    Attributes:
        trace: of the part.
        of: the node of each node of the whole trace.
        share: of the samples that it is computed on.
        changed: the nodes of the whole trace whose values are others here.
    """

    def __init__(
        self,
        whole: Trace,
        olds: Mapping[Node, str],
        wanted: Iterable[Node],
        held: Collection[tuple[Node, Node]] = (),
        instead: Mapping[Node, Node] = NOTHING,
        ones: Collection[Node] = (),
    ) -> None:
        """Take what some values are computed from, down to the old values of the parameters.

        Args:
            whole: the trace of the run.
            olds: the old values, with their names.
            wanted: the values.
            held: operations, each with an operand that is held constant in it.
            instead: values, each with the old value that stands in its place.
            ones: values in whose places ones stand.
        """
        self.trace, self.held = Trace(sites=True), held
        self.of: dict[Node, Node] = {}
        for node in instead:
            self.of[node] = self._copy(instead[node], olds[instead[node]], own=True)
        for node in ones:
            self.of[node] = self._copy(node, None, own=False)
            self.of[node].value = np.ones_like(node.value)
        self.changed = {*instead, *ones}
        for node, own in _needed(whole, {*olds, *instead}, wanted):
            if node not in self.of:
                self._copy(node, olds.get(node), own=own)
        self.trace.ended = len(self.trace.nodes)
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
            if not self.changed.isdisjoint(node.inputs):
                self.changed.add(node)
                made.value = np.asarray(made.again(lambda each: _scalar(each.value)))
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

    def noted(self, name: str, function: np.ufunc, inputs: tuple[Node, ...], like: Node) -> Node:
        """A further operation, on the line of another one."""
        value = np.asarray(function(*(each.value for each in inputs)))
        node = self.trace.node(name, function, inputs, {}, value)
        node.frames, node.calls = like.frames, like.calls
        return node

    def _copied(self, node: Node) -> Node:
        """The copy of a node; of one that the trace has forgotten, its value."""
        return self.of[node] if node in self.of else self._copy(node, None, own=False)

    def _known(self, value: Any) -> Any:
        return substituted(value, lambda each: self.of.get(each, each))


def _needed(
    whole: Trace, olds: Collection[Node], wanted: Iterable[Node]
) -> Iterator[tuple[Node, bool]]:
    """What some values are computed from, in the order of time; whether it belongs to the step."""
    before = max(each.number for each in olds)
    given = bits_of_nodes(olds)
    found = {*wanted, *olds}
    own = set[Node]()
    for node in reversed(whole.nodes):
        if (node in found and node not in olds) and (
            node.number > before or node.uses & given or is_of_products(node)
        ):
            own.add(node)
            found.update(node.inputs)
    yield from ((each, each in own) for each in whole.nodes if each in found)


MANY, FEW = 1000, 64
REFUSED = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError, KeyError)
"""What operations raise that are given arrays of other lengths."""


def on_few_samples(nodes: Sequence[Node], parameters: Sequence[Node]) -> float:
    """Compute a step again on a few samples, if it has many; the share of them that was taken.

    Args:
        nodes: of the step, in the order of time; their values are replaced.
        parameters: the nodes among them that are given.
    """
    many = _samples(nodes, parameters)
    if not many:
        return 1.0
    chosen = np.linspace(0, many - 1, FEW).astype(int)
    values: dict[int, Any] = {}
    for node in nodes:
        try:
            with np.errstate(all="ignore"):
                made = _again(node, many, chosen, values)
        except REFUSED:
            return 1.0
        if np.shape(made) != tuple(FEW if n == many else n for n in np.shape(node.value)):
            return 1.0
        values[node.number] = made
    for node in nodes:
        node.value = values[node.number]
    return FEW / many


def _again(node: Node, many: int, chosen: Any, values: dict[int, Any]) -> Any:
    """The value of a node, of the chosen samples alone.

    Raises:
        ValueError: it takes places among all samples.
    """
    if node.function is None:
        value = node.value
        for axis, n in enumerate(np.shape(value)):
            value = np.take(value, chosen, axis) if n == many else value
        return value
    plain = [e for e in flat((node.args, node.kwargs)) if type(e) is not Node]
    if any(_counts(each, many) for each in plain):
        raise ValueError(node.operation)
    made = np.asarray(node.again(lambda each: _scalar(values[each.number])))
    return made.astype(np.asarray(node.value).dtype, copy=False)


def _counts(value: Any, many: int) -> bool:
    """Whether an argument has a place or a length a sample in it."""
    if isinstance(value, np.ndarray | range | slice):
        long = not isinstance(value, slice) and np.size(value) >= many
        return long or (isinstance(value, slice) and value.stop is not None)
    return type(value) is int and value == many


def _scalar(value: Any) -> Any:
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _samples(nodes: Sequence[Node], parameters: Sequence[Node]) -> int:
    """How many samples there are, if many: the length that most constants share; else 0."""
    own = {n for each in parameters for n in np.shape(each.value)}
    counts = Counter(
        n
        for each in nodes
        if each.function is None
        for n in np.shape(each.value)
        if n >= MANY and n not in own
    )
    return counts.most_common(1)[0][0] if counts else 0
