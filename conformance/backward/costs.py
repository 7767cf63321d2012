"""The costs that are tried where a program has none of its own.

Each is appended to the trace as operations on the program's output, so that whatever judges a
program's own loss judges with it too. All are sums over the samples; what they are divided by is
a factor of all gradients (`factor.py`).

Left out: which value is the output, and what it is compared with (`compared.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.backward.source import is_float
from conformance.tracing.ancestors import ancestors
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace
from reference.step import Array

NEAR = 1e-6
"""How near to 0 or 1 an output may be, before the cost is computed of its logits; how near to 1
probabilities add up to."""

Cost = Callable[[Trace, Node, Any], Any]
"""What is summed, of a trace, the output and what it is compared with; None if it has none."""


def _quadratic(trace: Trace, output: Node, target: Any) -> Any:
    """½ Σ (a − y)²."""
    apart = _traced(trace, output) - _traced(trace, target)
    return 0.5 * apart * apart


def _cross_entropy(trace: Trace, output: Node, target: Any) -> Any:
    """−Σ (y ln a + (1 − y) ln(1 − a))."""
    a, y = _traced(trace, output), _traced(trace, target)
    value = np.asarray(output.value)
    if not _within_0_and_1(value):
        return None
    if value.min() >= NEAR and value.max() <= 1 - NEAR:
        return -(y * np.log(a) + (1 - y) * np.log(1 - a))
    logits = _logits(output, _sigmoid)
    if logits is None:
        return None
    z = _traced(trace, logits)  # ln(1 + e^z) − y z, of numbers that do not overflow
    positive = np.asarray(logits.value) > 0
    sign = np.where(positive, -1.0, 1.0)
    return positive * z + np.log(1 + np.exp(sign * z)) - y * z


def _log_likelihood(trace: Trace, output: Node, target: Any) -> Any:
    """−Σ y ln a, of probabilities."""
    value, y = np.asarray(output.value), _traced(trace, target)
    if shared(output) is not None:
        return -(y * np.log(_traced(trace, output))) if value >= NEAR else None
    axis = _axis_of_probabilities(value)
    if axis is None:
        return None
    if value.min() >= NEAR:
        return -(y * np.log(_traced(trace, output)))
    logits = _logits(output, lambda z: _softmax(z, axis))
    if logits is None:
        return None
    z = _traced(trace, logits)  # Σ y (ln Σ e^z − z)
    shift = np.asarray(logits.value).max(axis=axis, keepdims=True)
    return y * (np.log(np.sum(np.exp(z - shift), axis=axis, keepdims=True)) + shift - z)


def _hinge(trace: Trace, output: Node, target: Any) -> Any:
    """Σ max(0, s_j − s_y + 1) over all j but y, of scores s and one-hot y."""
    value, y = np.asarray(output.value), _value(target)
    if value.ndim == 0 or not _one_hot(y) or _is_probability(output):
        return None
    axis = -1 if value.ndim == 1 or np.all(y.sum(axis=-1) == 1) else 0
    if not np.all(y.sum(axis=axis) == 1):  # of one class, or of none
        return None
    s = _traced(trace, output)
    margins = s - np.sum(s * y, axis=axis, keepdims=True) + 1
    return np.maximum(margins, 0) * (1 - y)


def _margin(trace: Trace, output: Node, target: Any) -> Any:
    """Σ max(0, 1 − y a), of labels −1 and 1."""
    y = _value(target)
    if _is_probability(output) or not np.all(abs(y) == 1):
        return None
    return np.maximum(1 - _traced(trace, output) * y, 0)


def _perceptron(trace: Trace, output: Node, target: Any) -> Any:
    """Σ max(0, −y a), of labels −1 and 1; its derivative is −y where y a is 0 too."""
    y = _value(target) * 1.0
    wrong = np.where(y * output.value <= 0, -y, 0.0)
    return _traced(trace, output) * wrong if np.all(abs(y) == 1) else None


def _logistic(trace: Trace, output: Node, target: Any) -> Any:
    """Σ ln(1 + e^−ya), of labels −1 and 1."""
    y = _value(target)
    if not _of_two(y):
        return None
    margin = _traced(trace, output) * y
    sign = np.where(y * output.value > 0, 1.0, -1.0)  # of numbers that do not overflow
    return np.log(1 + np.exp(-sign * margin)) + 0.5 * (sign - 1) * margin


def _poisson(trace: Trace, output: Node, target: Any) -> Any:
    """Σ (a − y ln a), of a = e^z, or of a multiple of it for each sample, such as an exposure."""
    if _logits(_without_data(trace, output), np.exp) is None:
        return None
    a = _traced(trace, output)
    return a - _traced(trace, target) * np.log(a)


def _without_data(trace: Trace, output: Node) -> Node:
    """What an output is the product of and data; the output itself if it is none."""
    given = bits_of_nodes(each for each in trace.nodes if each.given)
    moving = [each for each in output.inputs if each.uses & given]
    product = output.operation == "multiply" and len(moving) == 1
    square = product and all(each is moving[0] for each in output.args)
    return moving[0] if product and not square else output


COSTS: dict[str, Cost] = {
    "log-likelihood": _log_likelihood,
    "quadratic": _quadratic,
    "cross-entropy": _cross_entropy,
    "hinge": _hinge,
    "margin": _margin,
    "perceptron": _perceptron,
    "logistic": _logistic,
    "poisson": _poisson,
}
"""By the name that `--cost` has, in the order in which they are tried."""

OF_MARGINS = ("margin", "perceptron")
"""Those of labels −1 and 1, which may be known by a margin alone."""


def cost(
    trace: Trace, name: str, pairs: Sequence[tuple[Node, Any]], weights: Sequence[Any] | Array = ()
) -> Node | None:
    """The node of a cost of all samples, appended to a trace; None if it is none of the output.

    Args:
        trace: of the run.
        name: of the cost.
        pairs: outputs, each with what it is compared with, of its shape.
        weights: of the pairs, a number each or one for each sample; all 1 if there are none.
    """
    total: Any = 0.0
    with np.errstate(all="ignore"):
        for i, (output, target) in enumerate(pairs):
            term = COSTS[name](trace, output, target)
            if term is None:
                return None
            total = np.sum(weights[i] * term if len(weights) else term) + total
    found = trace.argument(total)
    return found if type(found) is Node else None


def seeded(trace: Trace, pairs: Sequence[tuple[Node, Array]]) -> Node:
    """The node of Σ g v, whose ∂/∂v is g, of values v and constant arrays g."""
    total: Any = 0.0
    for node, seed in pairs:
        total = np.sum(_traced(trace, node) * _traced(trace, seed)) + total
    found: Node = trace.argument(total)
    return found


def times(trace: Trace, loss: Node, factor: float) -> Node:
    """The node of a loss times a factor, or divided by a whole number, which is no rounded one."""
    traced = trace.traced(np.array(loss.value), loss)
    whole = 1 / factor
    found: Node = trace.argument(traced / whole if whole == round(whole) else traced * factor)
    return found


def _traced(trace: Trace, value: Any) -> Any:
    """The value of a node, or an array, as one that notes what is done with it."""
    if type(value) is Node:
        return trace.traced(np.array(value.value), value)
    array = np.array(value)
    if array.dtype.kind != "f":
        return array
    constant = trace.node("constant", None, (), {}, array)  # whatever has the same numbers
    return trace.traced(array, constant)


def _value(target: Any) -> Array:
    return np.asarray(target.value if type(target) is Node else target)


def _within_0_and_1(value: Array) -> bool:
    return bool(np.all((value >= 0) & (value <= 1)))


def _one_hot(value: Array) -> bool:
    return bool(np.all((value == 0) | (value == 1)))


def _of_two(value: Array) -> bool:
    """Whether several labels are −1 and 1."""
    return value.size > 1 and bool(np.all(abs(value) == 1))


def _axis_of_probabilities(value: Array) -> int | None:
    """The axis along which numbers from 0 to 1 add up to 1; None if there is none."""
    if not _within_0_and_1(value):
        return None
    sums = ((axis, value.sum(axis=axis)) for axis in reversed(range(value.ndim)))
    return next((axis for axis, each in sums if np.all(abs(each - 1) <= NEAR)), None)


def shared(output: Node) -> Node | None:
    """The array or the divisor by which a number is one of several probabilities; None if none."""
    if np.ndim(output.value) or output.operation not in ("divide", "getitem"):
        return None
    source = output.inputs[output.operation == "divide" and len(output.inputs) > 1]
    alike = (e.value for e in source.consumers if e.operation == "divide" and not np.ndim(e.value))
    whole = source.value if output.operation == "getitem" else np.array([*alike])
    return (
        source
        if np.ndim(whole) == 1 < np.size(whole) and _axis_of_probabilities(whole) is not None
        else None
    )


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def _is_probability(output: Node) -> bool:
    """Whether an output is σ(z): a margin is one of scores, and 1 − a is never 0."""
    return _within_0_and_1(np.asarray(output.value)) and _logits(output, _sigmoid) is not None


def _softmax(z: Array, axis: int) -> Array:
    found = np.exp(z - z.max(axis=axis, keepdims=True))
    return np.asarray(found / found.sum(axis=axis, keepdims=True))


def logits_of(output: Node) -> Node:
    """The value that a softmax or σ makes an output of; the output itself if none does."""
    axis = _axis_of_probabilities(np.asarray(output.value))
    function = _sigmoid if axis is None else (lambda z: _softmax(z, axis))
    return _logits(output, function) or output


def _logits(output: Node, function: Callable[[Array], Array]) -> Node | None:
    """The value that a function makes an output of; None if the output was made another way."""
    wanted = np.asarray(output.value, dtype=np.float64)
    for node in ancestors(output):
        if is_float(node) and np.shape(node.value) == wanted.shape:
            with np.errstate(all="ignore"):
                made = function(np.asarray(node.value, dtype=np.float64))
            if np.allclose(made, wanted, rtol=NEAR, atol=NEAR * NEAR):
                return node
    return None
