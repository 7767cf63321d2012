"""A program `f(params, *data) -> (loss, gradients)`, run once and recorded.

Left out: the recorder (`tracing/`), and what is made of the record (`judge_gradients.py`).
"""

import dis
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.errors import ConformanceError, SubjectError
from conformance.running.quiet import quiet
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace, plain


class NotAGradientError(ConformanceError, ValueError):
    """What the program gave cannot be judged as a loss and its gradients."""

    exit_code = SubjectError.exit_code


class NothingComparedError(NotAGradientError):
    """Nothing that the program computes is compared with a target."""


class NoGradientError(NotAGradientError):
    """What the program computes is meant to be the gradient of no loss, or it may be."""


@dataclass(frozen=True)
class Goal:
    """A gradient that the program gave.

    Attributes:
        name: of the parameter, as Python writes it: `W1`, `layers[0]['w']`.
        parameter: the node of the parameter.
        node: the node of the gradient.
    """

    name: str
    parameter: Node
    node: Node


def bits(goals: Sequence[Goal]) -> int:
    """The numbers of the parameters as bits."""
    return bits_of_nodes(each.parameter for each in goals)


def decline_underived(nodes: Sequence[Node], underived: Collection[int], parameters: int) -> None:
    """Decline to judge what leads through an operation whose derivative is not known.

    Args:
        nodes: from the parameters to the loss.
        underived: the numbers of such operations.
        parameters: their numbers as bits.

    Raises:
        NotAGradientError: one leads from a parameter to the loss.
    """
    for each in nodes:
        if each.number in underived and each.uses & parameters:
            raise NotAGradientError(f"the derivative of {each.operation} is not known")


@dataclass(frozen=True)
class Recorded:
    """A run.

    Attributes:
        trace: of the run.
        loss: the node of the loss.
        goals: the gradients, in the order of the parameters.
        returns: the line that returns them.
        decays: see `OwnPass`.
    """

    trace: Trace
    loss: Node
    goals: tuple[Goal, ...]
    returns: tuple[Frame, ...] = ()
    decays: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class OwnPass:
    """One training step of a program, recorded: what is to be judged against its own forward pass.

    Attributes:
        trace: of the step, with sites.
        goals: the gradients: the name, the node of the parameter, the node of the gradient.
        loss: the program's own loss, if it has one.
        target: what the output is compared with, if it is known: values, one-hot or integer labels.
        output: the network's output, if it is known.
        scaled: whether gradients are known only up to one common positive factor, as those that are
            read off an update.
        returns: where the gradients are returned.
        promised: whether the program promises the gradients of this very loss, so that a factor
            that they share is no convention.
        quick: whether it is only of interest if all gradients are right, where there is no loss.
        rates: numbers that gradients may be multiplied by, where they are read off an update.
        decays: by how many times themselves parameters decay beside the gradients of a mean, where
            the source states it, each with its name.
    """

    trace: Trace
    goals: tuple[Goal, ...]
    loss: Node | None = None
    target: Node | None = None
    output: Node | None = None
    scaled: bool = False
    returns: tuple[Frame, ...] = ()
    promised: bool = False
    quick: bool = False
    rates: tuple[float, ...] = ()
    decays: tuple[tuple[str, float], ...] = ()


def record(
    f: Callable[..., Any],
    params: Any,
    data: tuple[Any, ...],
    own: Callable[..., Any] | None = None,
    called: Sequence[str] = (),
) -> OwnPass:
    """Run a program on copies of its arguments and record it.

    Args:
        f: called as `f(params, *data)`; it returns the loss, or else the network's output or None,
            and the gradients.
        params: arrays of floats, in dicts, lists and tuples.
        data: whatever else it takes.
        own: the program's own function that returns the gradients, if it is not f.
        called: what that calls the data.

    Raises:
        NotAGradientError: it gave no loss and gradients that can be judged.
    """
    trace = Trace(sites=True)
    leaves: dict[str, Node] = {}
    given = _given(trace, params, "params", leaves)
    called = called or [f"data[{i}]" for i in range(len(data))]
    others = [_given(trace, *each, {}) for each in zip(data, called, strict=True)]
    with quiet(), traced_program(trace, own or f):
        result = f(given, *others)
        if not isinstance(result, tuple | list) or len(result) != 2:  # noqa: PLR2004
            raise NotAGradientError("it must return a loss and gradients")
        first, gradients = result
        node = trace.argument(first)
        pairs = list(_leaves(gradients, "params", leaves))
        found = {name: _node(trace, each) for name, each in pairs}
    if type(node) is not Node and first is not None:
        raise NotAGradientError("the loss was not computed from the parameters")
    missing = [name for name in leaves if name not in found]
    if missing:
        raise NotAGradientError(f"no gradient for {', '.join(map(short, missing))}")
    goals = (Goal(short(name), each, found[name]) for name, each in leaves.items())
    step = OwnPass(trace, tuple(goals), returns=last_return(own or f), promised=True)
    if first is None:
        return step
    return replace(step, loss=node) if np.size(node.value) == 1 else replace(step, output=node)


def last_return(f: Callable[..., Any]) -> tuple[Frame, ...]:
    """The last line of a function that returns something."""
    code = getattr(f, "__code__", None)
    if code is None:
        return ()
    found = [e.positions for e in dis.get_instructions(code) if e.opname == "RETURN_VALUE"]
    lines = [each.lineno for each in found if each is not None and each.lineno is not None]
    return (Frame(code.co_filename, max(lines), code.co_name),) if lines else ()


KEYS = "['", '["', "']", '"]'
"""Around a key, as Python writes it."""


def short(name: str) -> str:
    """The name of a parameter: that of a key at the top is the key itself."""
    rest = name.removeprefix("params")
    if rest[:2] in KEYS and rest[-2:] in KEYS and "']['" not in rest:
        return rest[2:-2]
    return name


def _node(trace: Trace, value: Any) -> Node:
    if isinstance(value, list | tuple):
        numbers = np.array(plain(value), dtype=np.float64)
        return trace.node("array", np.array, (trace.argument(value),), {}, numbers)
    found = trace.argument(value)
    return found if type(found) is Node else trace.constant(np.asarray(value, dtype=np.float64))


def _given(trace: Trace, value: Any, name: str, leaves: dict[str, Node]) -> Any:
    """A copy of an argument, its arrays of floats traced."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "f":
            return value.copy()
        made = trace.given(value, name)
        leaves[name] = made.node
        return made
    if isinstance(value, float | np.floating):
        node = trace.node(f"given {name}", None, (), {}, np.array(value))
        leaves[name] = node
        return trace.number(node.value[()], node)
    if isinstance(value, Mapping):
        return {key: _given(trace, e, f"{name}[{key!r}]", leaves) for key, e in value.items()}
    if isinstance(value, list | tuple):
        return _of_kind(
            value, [_given(trace, e, f"{name}[{i}]", leaves) for i, e in enumerate(value)]
        )
    return value


def _of_kind(model: Any, parts: list[Any]) -> Any:
    if hasattr(model, "_fields"):  # a named tuple
        return type(model)(*parts)
    return parts if isinstance(model, list) else tuple(parts)


def parameter_names(params: Any) -> set[str]:
    """The names of the arrays of floats among parameters, in full."""
    leaves: dict[str, Node] = {}
    _given(Trace(), params, "params", leaves)
    return {*leaves}


def walked(gradients: Any, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The gradients with the full names of their parameters, of which these are known."""
    return _leaves(gradients, "params", known)


def _leaves(value: Any, name: str, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The gradients with the names of the parameters, as arrays or nested lists of numbers."""
    if name in known:
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{name}[{key!r}]", known)
    elif isinstance(value, list | tuple):
        for i, each in enumerate(value):
            yield from _leaves(each, f"{name}[{i}]", known)
