"""The derivative of one recorded operation, at the values that it was given.

Four rules, the first that fits. An operation that only moves numbers (indexing, reshaping,
stacking, a write into an array) is applied to the places of its operands: what comes out says where
each entry came from. An operator of torch is differentiated by torch. What HIPS `autograd`
differentiates, it does. Anything else is differentiated
entry by entry: on balls by a step that is far below every digit, in floats where balls do not go.

Left out: the chain rule over many operations (`chain.py`).
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from autograd.core import primitive_jvps, primitive_vjps

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import Exact, to_exact
from conformance.backward.autograd_functions import of_autograd, through
from conformance.backward.by_torch import by_torch
from conformance.backward.kinks import kinked
from conformance.backward.rules import (
    AddedAt,
    ByAutograd,
    ByEntries,
    Derivative,
    Direct,
    Elementwise,
    Moved,
)
from conformance.backward.source import MOVES, Operation
from conformance.backward.through_complex import Composed
from conformance.tracing.node import Node, part_of
from reference.step import Array

FAR, FAR_IN_FLOAT32 = 2.0**40, 2.0**22
"""Farther than any place in an array, and exact beside it."""
STEP_BITS, BITS = 120, 500
FEW = 400  # entries, up to which an operation is differentiated one by one on balls
MANY = 4_000_000  # entries times entries, of operands or the result, up to which it is in floats
HALVED = 6.0e-6  # the cube root of 2⁻⁵³: the step of a central difference in floats
GENERIC = np.random.default_rng(0).normal(size=1 << 15)
CLOSE = 1e-3  # a rule that is wrong is wrong by much; a difference near a kink is not exact


def derivative(made: Operation, values: Callable[[Node], Any], ties: float = 0.5) -> Derivative:
    """The derivative of an operation at the values of its operands.

    Args:
        made: the operation.
        values: of the operands.
        ties: what the first of equal numbers gets where one of them is chosen; see `kinks.py`.

    Raises:
        NotImplementedError: it is not known, and the operands are too large for entry by entry.
    """
    if made.node.operation in MOVES or made.node.function is part_of:
        moved = _moved(made, values)
        if moved is not None:
            return moved
    if made.node.operation == "add.at":
        return AddedAt(made, values)
    kink = kinked(made, values, ties)
    if kink is not None:
        return kink
    return (
        by_torch(made, values)
        or _of_terms(made, values)
        or _by_autograd(made, values)
        or by_entries(made, values)
    )


TERMS: dict[Any, Callable[[Sequence[Any], Any], tuple[Any, ...]]] = {
    np.add: lambda _, __: (1.0, 1.0),
    np.subtract: lambda _, __: (1.0, -1.0),
    np.multiply: lambda pair, _: (pair[1], pair[0]),
    np.negative: lambda _, __: (-1.0,),
    np.divide: lambda pair, result: (np.divide(1.0, pair[1]), np.divide(-result, pair[1])),
    np.exp: lambda _, result: (result,),
    np.tanh: lambda _, result: (1 - result * result,),
}
"""The partial derivatives of operations of which nobody has to find out whether they are right.

By the operands and the result.
"""


def _of_terms(made: Operation, values: Callable[[Node], Any]) -> Elementwise | None:
    """The derivative of one of these operations, where all is finite; None if it is none."""
    function: Any = made.function if isinstance(made.function, np.ufunc) else None
    if function not in TERMS or made.kwargs or len(made.args) != function.nin:
        return None
    if any(isinstance(each, list | tuple) for each in made.args):
        return None
    pair = [_at(each, values) for each in made.args]
    if not all(map(_is_finite, pair)):
        return None
    partials = TERMS[function](pair, values(made.node))
    return _spread(made, partials) if all(map(_is_finite, partials)) else None


def _is_finite(value: Any) -> bool:
    """Whether all numbers are finite; exact ones are."""
    array = np.asarray(value)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _spread(made: Operation, partials: Sequence[Any]) -> Elementwise:
    shape = np.shape(made.node.value)
    return Elementwise(made, [np.broadcast_to(each, shape) for each in partials])


def _at(argument: Any, values: Callable[[Node], Any]) -> Any:
    return values(argument) if type(argument) is Node else argument


def _by_autograd(made: Operation, values: Callable[[Node], Any]) -> Derivative | None:
    """The derivative by HIPS `autograd`; None if it has none that can be trusted."""
    if isinstance(made.function, Composed):
        function = partial(through, made.function)
        whole = ByAutograd(made, function, values)
        return whole if _trusted(whole, made, values) else None
    function = of_autograd(made)
    if function is not None:
        found: Derivative = ByAutograd(made, function, values)
        if _direct(made) and function in primitive_vjps:
            if isinstance(made.node.function, np.ufunc) and made.node.operation != "matmul":
                found = _elementwise(made, function, values) or found
            elif function in primitive_jvps:
                found = Direct(made, function, values)
        if _trusted(found, made, values):
            return found
    return None


def _elementwise(
    made: Operation, function: Any, values: Callable[[Node], Any]
) -> Elementwise | None:
    if made.kwargs or any(isinstance(each, list | tuple) for each in made.args):
        return None
    shape, places = np.shape(made.node.value), tuple(range(len(made.args)))
    spread = tuple(np.broadcast_to(_at(each, values), shape) for each in made.args)
    pulls = primitive_vjps[function](places, values(made.node), spread, {})(np.ones(shape))
    return Elementwise(made, [pulls[i] for i in places])


def _trusted(rule: Derivative, made: Operation, values: Callable[[Node], Any]) -> bool:
    """Whether a rule agrees with itself both ways and with a difference of the operation.

    Where a number is near a kink or a pole, such as a limit of 1e-12, it may agree along a
    direction that is nearly as small there. What is not finite is left out, such as a threshold
    at ∞.
    """
    arrays = [np.asarray(values(each), dtype=np.float64) for each in made.inputs]
    result = np.asarray(made.node.value)
    drawn = _drawn([*map(np.shape, arrays), result.shape])
    *tangents, cotangent = (
        each * np.isfinite(of) for each, of in zip(drawn, (*arrays, result), strict=True)
    )
    largest = max((float(np.max(np.abs(e), initial=0.0)) for e in arrays), default=1.0)
    relative = [t * np.abs(a) for a, t in zip(arrays, tangents, strict=True)]
    tried = (HALVED * largest, tangents), (HALVED, relative)
    try:
        return any(_agrees(rule, made, values, (cotangent, *some), h) for h, some in tried)
    except (NotImplementedError, NameError, TypeError, ValueError, IndexError, KeyError):
        return False  # autograd does not know the operation, or not with these arguments


def _agrees(
    rule: Derivative,
    made: Operation,
    values: Callable[[Node], Any],
    along: Sequence[Array],
    step: float,
) -> bool:
    """Whether a rule agrees with itself and with a difference, along a cotangent and tangents."""
    cotangent, *tangents = along
    arrays = [np.asarray(values(each), dtype=np.float64) for each in made.inputs]
    pushed = float(np.vdot(cotangent, rule.push(tangents)))
    parts = zip(rule.pull(cotangent), tangents, strict=True)
    pulled = sum(float(np.vdot(part, each)) for part, each in parts if part is not None)
    ends = [
        made.at([_scalar(a + s * t) for a, t in zip(arrays, tangents, strict=True)], values)
        for s in (step, -step)
    ]
    slope = float(np.vdot(cotangent, (np.asarray(ends[0]) - np.asarray(ends[1])) / (2 * step)))
    far = max(abs(pushed - pulled), abs(pushed - slope) if np.isfinite(slope) else 0.0)
    return far <= CLOSE * (1 + abs(pushed) + float(np.abs(cotangent).sum()))


def _drawn(shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Generic numbers in some shapes, different in each."""
    ends = np.cumsum([math.prod(each) for each in shapes])
    numbers = GENERIC[: ends[-1]] if ends[-1] <= GENERIC.size else np.resize(GENERIC, ends[-1])
    parts = np.split(numbers, ends[:-1])
    return [part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True)]


def _direct(made: Operation) -> bool:
    """Whether every operand is an argument by itself."""
    return all(any(arg is each for arg in made.args) for each in made.inputs) and not any(
        type(each) is Node for each in made.kwargs.values()
    )


def _moved(made: Operation, values: Callable[[Node], Any]) -> Moved | None:
    """Where the entries of a result came from; None if they were not only moved."""
    shapes = [np.shape(each.value) for each in made.inputs]
    start, places = 0, []
    for shape in shapes:
        size = int(np.prod(shape))
        places.append(np.arange(start, start + size, dtype=np.float64).reshape(shape))
        start += size
    if start == 0:
        return None
    single = getattr(made.node.value, "dtype", None) == np.float32
    away = FAR_IN_FLOAT32 if single else FAR
    near = np.asarray(made.at(places, values), dtype=np.float64)
    far = np.asarray(made.at([each + away for each in places], values), dtype=np.float64)
    if near.shape != np.shape(made.node.value):
        return None
    if not np.all((far - near == away) | (far == near)):
        return None  # sums are among them
    sources = np.where(far - near == away, near, -1).astype(np.int64)
    # as recorded: of what others compute to more digits they may not reach the result
    numbers = np.concatenate([*(np.ravel(each.value) for each in made.inputs), [0.0]])
    expected = np.where(sources >= 0, numbers[sources], near)
    same = np.array_equal(made.node.value, expected, equal_nan=True)
    narrowed = made.node.operation == "astype" or made.node.value.dtype != np.float64
    return Moved(sources, shapes) if narrowed or same else None


def by_entries(made: Operation, values: Callable[[Node], Any]) -> Derivative:
    """The partial derivatives of an operation, entry by entry.

    Raises:
        NotImplementedError: too many entries.
    """
    arrays = [np.asarray(values(each), dtype=np.float64) for each in made.inputs]
    size = sum(each.size for each in arrays)
    apart = made.node.operation.endswith("(vectorized)") and not made.kwargs
    if size * max(np.size(made.node.value), size) > MANY and not (apart and size > FEW):
        raise NotImplementedError(made.node.operation)
    if size <= FEW:
        inexact = suppress(TypeError, AttributeError, ValueError, ArithmeticError, IndexError)
        with inexact, precision(BITS):
            return ByEntries(made, _exact_matrices(made, arrays, values))
    if apart:
        return Elementwise(made, [_slope(made, each, arrays, values) for each in made.args])
    return ByEntries(made, _float_matrices(made, arrays, values))


def _slope(
    made: Operation, argument: Any, arrays: list[Array], values: Callable[[Node], Any]
) -> Array:
    """The partial derivative of what is computed number by number, by one of its arguments.

    Where the function bends within a step, as ln Γ does near 0, a step is relative to the number.
    """
    sizes = [np.maximum(1.0, np.abs(each)) for each in arrays]
    whole, half = (
        _difference(made, argument, arrays, values, [f * n for n in sizes]) for f in (1.0, 0.5)
    )
    relative = _difference(made, argument, arrays, values, [np.abs(each) for each in arrays])
    bends = np.abs(whole[0] - half[0]) > relative[1]
    return np.where(bends, relative[0], whole[0])


def _difference(
    made: Operation,
    argument: Any,
    arrays: list[Array],
    values: Callable[[Node], Any],
    sizes: list[Array],
) -> tuple[Array, Array]:
    """A central difference by one of the arguments, and how much of it rounding may be.

    Args:
        made: what is computed.
        argument: by which.
        arrays: all of them.
        values: of others.
        sizes: to which the step of each is relative.
    """
    moved = [HALVED * n * (e is argument) for n, e in zip(sizes, made.inputs, strict=True)]
    pairs = list(zip(arrays, moved, strict=True))
    ends = [np.asarray(made.at([a + s * h for a, h in pairs], values)) for s in (1, -1)]
    apart = 2 * sum(moved, np.zeros(())) * sum(each is argument for each in made.args)
    told = apart > 0
    slope = np.divide(ends[0] - ends[1], apart, where=told, out=0 * ends[0])
    lost = np.finfo(np.float64).eps * np.abs(ends[0])
    return slope, np.divide(lost, apart, where=told, out=np.full_like(lost, np.inf))


def _exact_matrices(
    made: Operation, arrays: list[Array], values: Callable[[Node], Any]
) -> list[Array]:
    exact = [to_exact(each) for each in arrays]
    step = to_exact(2.0**-STEP_BITS)[()]

    def moved(k: int, i: int, by: Any) -> Array:
        changed = [each.copy() for each in exact]
        changed[k].reshape(-1)[i] = changed[k].reshape(-1)[i] + by
        return np.asarray(made.at([_scalar(each) for each in changed], values), dtype=object)

    def column(k: int, i: int) -> list[float]:
        slope = (moved(k, i, step) - moved(k, i, -step)) / (2 * step)
        return [float(each.ball.mid()) if type(each) is Exact else 0.0 for each in slope.flat]

    return [
        np.array([column(k, i) for i in range(each.size)], dtype=np.float64)
        .reshape(each.size, np.size(made.node.value))
        .T
        for k, each in enumerate(arrays)
    ]


def _scalar(array: Array) -> Any:
    return array[()] if array.ndim == 0 else array


def _float_matrices(
    made: Operation, arrays: list[Array], values: Callable[[Node], Any]
) -> list[Array]:
    def moved(k: int, i: int, by: float) -> Array:
        changed = [each.copy() for each in arrays]
        changed[k].reshape(-1)[i] += by
        return np.ravel(np.asarray(made.at(changed, values), dtype=np.float64))

    def column(k: int, i: int) -> Array:
        h = HALVED * max(1.0, abs(float(arrays[k].reshape(-1)[i])))
        return np.asarray((moved(k, i, h) - moved(k, i, -h)) / (2 * h))

    return [
        np.array([column(k, i) for i in range(each.size)])
        .reshape(each.size, np.size(made.node.value))
        .T
        for k, each in enumerate(arrays)
    ]
