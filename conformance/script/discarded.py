"""Gradients of several mini-batches, of which an update takes those of the last alone.

A loop overwrites them where it has to add. What it has discarded was computed by the same line, of
the same parameters and nothing else that this gradient was computed of; and nothing uses it. Left
out: a single gradient that is so, which its loss tells (`judge_updates.py`).
"""

import ast
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, Line, merged
from conformance.backward.source import own_lines
from conformance.backward.syntax import tree
from conformance.script.judgement import Judgement
from conformance.script.update import Update
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace


def discarded(trace: Trace, results: Sequence[Judgement], names: Sequence[str]) -> Examined | None:
    """What is known of the gradients, if all are overwritten at each update; else None.

    Args:
        trace: of the run.
        results: its updates.
        names: of the parameters.
    """
    found: list[list[tuple[Node, int]]] = []
    for result in results:
        olds = bits_of_nodes(each.old for each in result.updates)
        news = [each.new for each in result.updates]
        found.append([_overwriting(trace, each, olds, news) for each in result.updates])
        if not all(count for _, count in found[-1]):
            return None
    accused = []
    for name, (node, count) in zip(names, found[0], strict=True):
        line = _in_a_loop(node)
        lines = () if line is None else (line,)
        accused.append(Accused((name,), lines, Cause("last", factor=count + 1), mends=False))
    examined = results[0].examined
    gradients = tuple(replace(each, ok=False) for each in examined.gradients)
    told = merged(accused, lambda each: each.lines)
    return replace(examined, gradients=gradients, accused=told, factor=1.0)


def _overwriting(trace: Trace, update: Update, olds: int, news: Sequence[Node]) -> tuple[Node, int]:
    """What an update moves by, and how many like it were computed before it for nothing."""
    counts = [(node, _unused(trace, node, update, olds, news)) for node, _ in update.options]
    return max(counts, key=lambda each: each[1], default=(update.new, 0))


def _unused(trace: Trace, node: Node, update: Update, olds: int, news: Sequence[Node]) -> int:
    """How many values are of the same operation, of other data, and used by nothing."""
    before = [e for e in trace.nodes[update.old.number + 1 : node.number] if e.uses & olds]
    made = bits_of_nodes(each for each in before if not olds >> each.number & 1)
    own = {(each.operation, each.frames) for each, _ in update.options}
    return sum(
        (each.operation, each.frames) == (node.operation, node.frames)
        and each.depends_on(update.old)
        and np.shape(each.value) == np.shape(node.value)
        and not each.uses & node.uses & made
        and not any(new.depends_on(each) for new in news)
        and all((one.operation, one.frames) in own for one in each.consumers)
        and not np.array_equal(each.value, node.value)
        for each in before
    )


def _in_a_loop(node: Node) -> Line | None:
    """The innermost line that led to a value and stands in a loop; the value's own if none does."""
    lines = list(own_lines(node))
    return next(filter(_is_in_a_loop, lines), lines[0] if lines else None)


def _is_in_a_loop(line: Line) -> bool:
    module = tree(line.file)
    every = [] if module is None else list(ast.walk(module))
    loops = (each for each in every if isinstance(each, ast.For | ast.While))
    return any(each.lineno < line.line <= (each.end_lineno or 0) for each in loops)
