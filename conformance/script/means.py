"""Gradients that are divided by the number of samples twice.

The loss is a mean over the samples, and so is its gradient; another division makes all steps
shorter alike, which only the source tells from a small rate. Left out: one parameter beside others
(`rule.py`).
"""

import ast
from collections.abc import Iterable, Iterator

import numpy as np

from conformance.backward.findings import Accused, Cause
from conformance.backward.source import lines_of, operands
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, scalar
from conformance.script.update import Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node

USUAL = (1.0, 2.0, 0.5)
"""How many times the gradient of a mean it may be: with its ½ or without."""


def means_of_means(judgement: Judgement) -> Iterator[Accused]:
    """The parameters, if each is moved by the mean of a gradient that is a mean already.

    The second division is blamed; if it is on several lines, the first, if that is one for all. If
    no gradient is right, it is not known how many times the right ones they are.
    """
    pairs = [*zip(judgement.updates, judgement.chosen, strict=False)]
    found = [next(_again(judgement, made, gradient), None) for made, (gradient, _) in pairs]
    told = [each for each in found if each is not None]
    adaptive = any(made.adaptive for made, _ in pairs)  # where a factor changes no step
    known = any(each.ok for each in judgement.examined.gradients)
    if not (told and known) or adaptive or len(told) < len(judgement.updates):
        return
    lines = [lines_of(node) for node, _ in told]
    _, count = told[0]
    if len({*lines}) > 1:
        first = [{lines_of(e) for e in walk([g]) if _is_by(e, count)} for _, (g, _) in pairs]
        shared = set.intersection(*first) - {*lines}
        lines = [min(shared)] * len(lines) if shared else lines
    for (made, _), own in zip(pairs, lines, strict=True):
        yield Accused((made.name,), own, Cause("mean", numbers=(count,)), mends=False)


def _again(judgement: Judgement, made: Update, gradient: Node) -> Iterator[tuple[Node, float]]:
    """Where a gradient is divided by the number of samples once more, with that number."""
    examined = judgement.examined
    counts = {float(examined.samples)} if examined.cost not in ("own", "unknown") else set[float]()
    counts |= {*_counts(judgement.loss)} if examined.cost == "own" else set()
    counts = {each for each in counts if each > max(USUAL)}
    if counts and any(alike(abs(examined.factor), each) for each in USUAL):
        names = {
            text for each in walk([gradient]) for text, value in _divisors(each) if value in counts
        }
        way = made.way(gradient)
        for each in way - _divided_by(way):
            for text, value in _divisors(each):
                if value in counts or (value is None and text in names):
                    yield each, min(counts)
    for count in counts:
        if any(alike(abs(examined.factor) * count, each) for each in USUAL):
            node = _second(gradient, count)
            if node is not None:
                yield node, count


def _counts(loss: Node | None) -> Iterator[float]:
    """The numbers by which a loss is divided, and of what it is a mean."""
    numbers = walk([loss] if loss else [], lambda e: [i for i in e.inputs if np.size(i.value) == 1])
    for each in numbers:
        yield from (value for _, value in _divisors(each) if value is not None)


def _divisors(node: Node) -> Iterator[tuple[str, float | None]]:
    """What an operation divides by, as written, and the number; None if that is not known."""
    if node.operation == "mean":
        yield "", np.size(node.inputs[0].value) / np.size(node.value)
    if node.operation in ("divide", "true_divide") and scalar(node.args[1]) is not None:
        yield "".join(map(ast.unparse, operands(node)[1:2])), scalar(node.args[1])
    if node.operation == "multiply":
        for operand, value in zip(operands(node), node.args, strict=False):
            number = scalar(value)
            match operand:
                case ast.BinOp(ast.Constant(1), ast.Div(), by) if number:
                    yield ast.unparse(by), 1 / number
                case ast.BinOp(op=ast.Div(), right=by) if number is not None:
                    yield ast.unparse(by), None


def _divided_by(way: Iterable[Node]) -> set[Node]:
    """What the divisors of some values are made of: a step of n / L, as 1 / (L / n), is no mean."""
    divisors = [e.args[1] for e in way if e.operation in ("divide", "true_divide")]
    return {*walk(each for each in divisors if type(each) is Node)}


def _is_by(node: Node, count: float) -> bool:
    return any(value is not None and alike(value, count) for _, value in _divisors(node))


def _second(gradient: Node, count: float) -> Node | None:
    """Where what goes into a gradient is divided by a number for the second time."""
    times = dict[Node, int]()
    for each in sorted(walk([gradient]), key=lambda each: each.number):
        own = _is_by(each, count)
        times[each] = max((times.get(e, 0) for e in each.inputs), default=0) + own
        if own and times[each] > 1:
            return each
    return None
