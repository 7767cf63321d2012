"""A loss that compares each output with each target: (m, 1) beside (m,) gives (m, m).

NumPy spreads both without a word. Left out: whether that is what makes gradients wrong
(`own_pass.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.margins import value_of
from conformance.backward.recorded_pass import Recorded, bits
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SPREADING = ("subtract", "add", "multiply", "divide", "true_divide")
REFUSED = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError)
"""What operations raise that are given arrays of other shapes."""


def crossed(run: Recorded) -> tuple[Node, Recorded] | None:
    """The first operation of a loss that does so, and the run with each output and its own target.

    None if there is none, or what the loss is made of does not go along.
    """
    parameters = bits(run.goals)
    within = [each for each in run.trace.nodes if run.loss.depends_on(each)]
    targets = {each: i for each in within if (i := _target(each, parameters)) is not None}
    if not targets:
        return None
    first = min(targets, key=lambda each: each.number)
    made: dict[int, Node] = {}
    for node in within:
        if node in targets or any(each.number in made for each in node.inputs):
            try:
                made[node.number] = _again(run.trace, node, made, targets.get(node))
            except REFUSED:
                return None
    loss = made[run.loss.number]
    return (first, replace(run, loss=loss)) if np.size(loss.value) == 1 else None


def _target(node: Node, parameters: int) -> int | None:
    """Which operand is the target, as (m,) beside an output (m, 1) or the other way round."""
    if node.operation not in SPREADING or len(node.args) != len(("output", "target")):
        return None
    for i, (target, output) in enumerate((node.args, node.args[::-1])):
        if type(output) is not Node or not output.uses & parameters:
            continue
        if type(target) is Node and target.uses & parameters:
            continue
        m, shapes = np.size(output.value), {np.shape(output.value), np.shape(value_of(target))}
        if m > 1 and shapes == {(m,), (m, 1)} and np.shape(node.value) == (m, m):
            return i
    return None


def _again(trace: Trace, node: Node, made: dict[int, Node], target: int | None) -> Node:
    """An operation on other values; the target, if it has one, in the shape of the output."""

    def known(each: Any) -> Any:
        return made.get(each.number, each) if type(each) is Node else each

    args: Sequence[Any] = [known(each) for each in node.args]
    if target is not None:
        shape = np.shape(value_of(args[1 - target]))
        own = np.reshape(value_of(args[target]), shape)
        args = [own if i == target else each for i, each in enumerate(args)]
    kwargs = {key: known(each) for key, each in node.kwargs.items()}
    assert node.function is not None  # noqa: S101 - what depends on parameters is computed
    with np.errstate(all="ignore"):
        value = node.function(*map(_plain, args), **{k: _plain(e) for k, e in kwargs.items()})
    found = trace.node(node.operation, node.function, tuple(args), kwargs, np.asarray(value))
    found.frames, found.calls = node.frames, node.calls
    return found


def _plain(argument: Any) -> Any:
    value = value_of(argument)
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
