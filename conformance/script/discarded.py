"""Gradients of several mini-batches, of which an update takes those of the last alone.

A loop overwrites them where it has to add. What it has discarded was computed by the same line, of
the same parameters and nothing else that this gradient was computed of; and nothing uses it. Left
out: a single gradient that is so, which its loss tells (`judge_updates.py`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, Line, merged
from conformance.backward.source import own_lines
from conformance.backward.syntax import loops_around
from conformance.script.judgement import Judgement
from conformance.script.update import Update
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

Key = tuple[str, tuple[Frame, ...]]
"""What was done, on which line, called from which."""


def discarded(trace: Trace, results: Sequence[Judgement], names: Sequence[str]) -> Examined | None:
    """What is known of the gradients, if all are overwritten at each update; else None.

    Args:
        trace: of the run.
        results: its updates.
        names: of the parameters.
    """
    found: list[list[tuple[Node, int]]] = []
    alike = _by_operation(trace.nodes)
    for result in results:
        olds = bits_of_nodes(each.old for each in result.updates)
        of_them = [each for each in trace.nodes if each.uses & olds]
        made = bits_of_nodes(each for each in of_them if not olds >> each.number & 1)
        news = [each.new for each in result.updates]
        found.append([_overwriting(each, alike, made, news) for each in result.updates])
        if not all(count for _, count in found[-1]):
            return None
    accused = []
    for name, (node, count) in zip(names, found[0], strict=True):
        why = Cause("last", factor=count + 1)
        accused.append(Accused((name,), _in_a_loop(node), why, mends=False))
    examined = results[0].examined
    gradients = tuple(replace(each, ok=False) for each in examined.gradients)
    told = merged(accused, lambda each: each.lines)
    return replace(examined, gradients=gradients, accused=told, factor=1.0)


def _by_operation(nodes: Sequence[Node]) -> Mapping[Key, list[Node]]:
    found = defaultdict[Key, list[Node]](list)
    for each in nodes:
        found[_key(each)].append(each)
    return found


def _key(node: Node) -> Key:
    return node.operation, node.frames


def _overwriting(
    update: Update, alike: Mapping[Key, list[Node]], made: int, news: Sequence[Node]
) -> tuple[Node, int]:
    """What an update moves by, and how many like it were computed before it for nothing."""
    made &= -1 << update.old.number + 1  # before it, others may have been moved
    own = {_key(each) for each, _ in update.options}
    counts = [
        (node, sum(_is_unused(each, node, update, made, news, own) for each in alike[_key(node)]))
        for node, _ in update.options
    ]
    return max(counts, key=lambda each: each[1], default=(update.new, 0))


def _is_unused(
    each: Node, node: Node, update: Update, made: int, news: Sequence[Node], own: set[Key]
) -> bool:
    """Whether a value is of the same operation, of other data, and used by nothing."""
    return (
        update.old.number < each.number < node.number
        and each.depends_on(update.old)
        and np.shape(each.value) == np.shape(node.value)
        and not each.uses & node.uses & made
        and not any(new.depends_on(each) for new in news)
        and all(_key(one) in own for one in each.consumers)
        and not np.array_equal(each.value, node.value)
    )


def _in_a_loop(node: Node) -> tuple[Line, ...]:
    """The innermost line that led to a value and stands in a loop; the value's own if none does."""
    lines = list(own_lines(node))
    return (*filter(loops_around, lines), *lines)[:1]
