"""A sum along another axis than the one by which all gradients are right, forward or backward.

A softmax that is divided by sums over the samples is a function like any other, and the gradients
of the one over the classes are wrong by it. Left out: programs of which no loss is known
(`without_loss.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.causes import worst_entry
from conformance.backward.chain import Chain
from conformance.backward.findings import Accused, Cause, Changed
from conformance.backward.groups import UNFIT, Group, grouped
from conformance.backward.judge_gradients import Forward, Verdict, verdicts
from conformance.backward.source import lines_of
from conformance.backward.value_names import operation_text
from conformance.tracing.node import Node, bits_of_nodes, substituted
from conformance.tracing.trace import Trace

SUMS = ("sum", "add.reduce", "mean", "max", "amax", "maximum.reduce")
MOST = 40_000  # operations that are done again


def along_another_axis(forward: Forward, found: list[Verdict]) -> tuple[Accused, ...]:
    """The sums of one line to blame, if with another axis all is right: backward ones first."""
    nodes = (e for e in forward.run.trace.nodes if e.operation in SUMS and e.kwargs.get("keepdims"))
    sums = [each for each in nodes if type(each.kwargs.get("axis")) is int]
    groups = sorted(grouped(sums), key=lambda each: forward.contains(each.first))
    for group in groups[: MOST // len(forward.run.trace.nodes)]:
        for axis in _others(group):
            if _is_right(forward, group, axis):
                first = group.first
                axes = str(first.kwargs["axis"]), str(axis)
                changed = Changed("axis", *axes, operation_text(first))
                why = Cause("changed", changed=changed, worst=worst_entry(found))
                names = tuple(each.goal.name for each in found if not each.ok)
                return (Accused(names, lines_of(first), why, mends=True),)
    return ()


def _others(group: Group) -> Iterator[int]:
    axes = np.ndim(group.first.args[0].value)
    own = group.first.kwargs["axis"] % axes
    yield from (each for each in range(axes) if each != own)


def _is_right(forward: Forward, group: Group, axis: int) -> bool:
    """Whether all gradients, as the program computes them, are those of the changed loss."""
    own, copies = forward.run, dict[int, Node]()
    changed = bits_of_nodes(group.nodes)
    try:
        for node in own.trace.nodes:
            made = copies[node.number] = _copied(node, copies)
            if changed >> node.number & 1:
                made.kwargs = {**made.kwargs, "axis": axis}
            if node.uses & changed and node.function is not None:
                made.value = np.asarray(made.again(_scalar))
        goals = tuple(
            replace(each, parameter=copies[each.parameter.number], node=copies[each.node.number])
            for each in own.goals
        )
        trace = Trace.of([*copies.values()])
        run = replace(own, trace=trace, loss=copies[own.loss.number], goals=goals)
        again = Forward(run, Chain(trace, ties=forward.chain.ties))
        return all(each.ok for each in verdicts(again))
    except UNFIT:
        return False


def _copied(node: Node, copies: Mapping[int, Node]) -> Node:
    """A node that is made of copies of what it was made of."""

    def copy(each: Node) -> Node:
        return copies.get(each.number, each)

    made = replace(node, inputs=tuple(map(copy, node.inputs)), consumers=[])
    made.args, made.kwargs = substituted(node.args, copy), substituted(node.kwargs, copy)
    made.replaces = None if node.replaces is None else copy(node.replaces)
    made.writes = tuple((at, substituted(value, copy), *where) for at, value, *where in node.writes)
    for each in made.inputs:
        each.consumers.append(made)
    return made


def _scalar(node: Node) -> Any:
    """The value of a node; a number where the array has no axes."""
    return node.value[()] if np.ndim(node.value) == 0 else node.value
