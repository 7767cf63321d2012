"""What compares each output with each target: (m, 1) beside (m,) gives (m, m).

NumPy spreads both without a word. Left out: whether that is what makes gradients wrong
(`own_pass.py`), or a parameter grow (`script/rebound_states.py`).
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.margins import value_of
from conformance.backward.recorded_pass import OwnPass, bits
from conformance.backward.source import MOVES, line_of
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SPREADING = ("subtract", "multiply", "divide", "true_divide")
REFUSED = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError)
"""What operations raise that are given arrays of other shapes."""


def crossed(step: OwnPass) -> tuple[Node, OwnPass] | None:
    """The first operation that does so, and the step with each output and its own target.

    That of the gradients comes first. None if there is none, or what is made of it does not go
    along.
    """
    gradients = [each.node for each in step.goals]
    found = paired(step.trace, [*gradients, *filter(None, [step.loss])], bits(step.goals))
    if found is None:
        return None
    at, (*nodes, loss) = found[0], (*found[1], step.loss)
    if step.loss is not None:
        loss = nodes.pop()
        if np.size(loss.value) != 1:
            return None
    pairs = zip(step.goals, nodes, strict=True)
    return at, replace(step, loss=loss, goals=tuple(replace(e, node=node) for e, node in pairs))


def paired(trace: Trace, ends: Sequence[Node], parameters: int) -> tuple[Node, list[Node]] | None:
    """The first such operation, and what some values are with each output and its own target."""
    targets = dict(_targets(trace.nodes, ends, parameters))
    if not targets:
        return None
    of_first = (each for end in ends for each in targets if end.depends_on(each))
    made: dict[int, Node] = {}
    for node in [e for e in trace.nodes if any(end.depends_on(e) for end in ends)]:
        if node in targets or any(each.number in made for each in node.inputs):
            try:
                made[node.number] = _again(trace, node, made, targets.get(node))
            except REFUSED:
                return None
    return next(of_first), [made.get(each.number, each) for each in ends]


def _targets(
    nodes: Sequence[Node], ends: Sequence[Node], parameters: int
) -> Iterator[tuple[Node, int]]:
    for node in nodes:
        found = _target(node, parameters)
        if found is not None and any(each.depends_on(node) for each in ends):
            yield node, found


def _target(node: Node, parameters: int) -> int | None:
    """Which operand is the target, as (m,) beside an output (m, 1) or the other way round."""
    if node.operation not in SPREADING or len(node.args) != len(("output", "target")):
        return None
    m, *others = np.shape(node.value) or (1,)
    if others != [m] or m == 1:
        return None
    for i, (target, output) in enumerate((node.args, node.args[::-1])):
        if type(output) is not Node or not _is_computed(output, parameters):
            continue
        if type(target) is Node and target.uses & parameters:
            continue
        if {np.shape(output.value), np.shape(value_of(target))} == {(m,), (m, 1)}:
            return i
    return None


def spread_words(nodes: Iterable[Node]) -> str:
    """Which line makes (m, m) of (m, 1) and (m,), as is seldom meant; nothing if none does."""
    for node in nodes:
        line = line_of(node) if node.operation in SPREADING and np.ndim(node.value) > 1 else None
        if line is None:
            continue
        m, shapes = len(node.value), sorted(np.shape(value_of(each)) for each in node.args)
        sources = [{*walk([e], _moved)} for e in node.args if type(e) is Node]
        alike = len(sources) > 1 and sources[0] & sources[1]  # each with each is meant
        if m > 1 and shapes == [(m,), (m, 1)] and not alike:
            place = f"{os.path.relpath(line.file)}:{line.line}"
            return f"; {place} makes ({m}, {m}) of ({m}, 1) and ({m},): give both the same shape"
    return ""


def _moved(node: Node) -> Sequence[Node]:
    """What a value is that is put in another shape."""
    return node.inputs if node.operation in MOVES else ()


def _is_computed(output: Node, parameters: int) -> bool:
    """Whether a value is computed from parameters and from data, and not put in its shape."""
    if output.operation in MOVES or output.function is None or not output.uses & parameters:
        return False
    return any(not each.uses & parameters for each in walk([output], lambda e: e.inputs))


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
