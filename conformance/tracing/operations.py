"""Operations of NumPy on traced values: computed on plain arrays, and noted in the trace.

So each result is bit for bit what the program computes without us. Left out: what is noted
(`trace.py`), what NumPy hands to nobody (`substitute.py`).
"""

import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from conformance.arithmetic.balls import is_balls
from conformance.tracing.memory import place
from conformance.tracing.node import lengths
from conformance.tracing.special import KNOWN
from conformance.tracing.trace import (
    Trace,
    is_traced_number,
    plain,
    trace_of_call,
)
from conformance.tracing.vectorized import in_floats, is_of_python, one_by_one
from reference.step import Array

MUTATING = ("copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis")
"""Functions of NumPy that write into their first argument."""


def _reduced(ufunc: np.ufunc, method: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*args, **kwargs)

    call.__name__ = f"{ufunc.__name__}.{method}"
    return call


def apply_ufunc(  # noqa: PLR0911 - a return a way in which NumPy may be asked
    ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]
) -> Any:
    """What `__array_ufunc__` does: compute with plain values and note the result."""
    if method == "__call__" and ufunc.__name__ in KNOWN:
        return KNOWN[ufunc.__name__](*inputs)
    trace = trace_of_call(inputs, kwargs)
    if _hold_arrays(inputs):  # NumPy does it entry by entry, and each entry notes it
        return getattr(ufunc, method)(*map(_as_object, inputs), **kwargs)
    if trace is not None and trace.recording and is_of_python(ufunc) and not kwargs:
        noted = one_by_one(trace, ufunc, inputs)
        if noted is not None:
            return noted
    out = kwargs.pop("out", None)
    call = in_floats(ufunc) if method == "__call__" else _reduced(ufunc, method)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if trace is None or not trace.recording:
        options = {"out": tuple(map(plain, out))} if out else {}
        return call(*map(plain, inputs), **{**plain(kwargs), **options})
    if method == "at":
        return _at(trace, ufunc, inputs)
    nodes = tuple(map(trace.operand, inputs))
    options = trace.argument(kwargs) if kwargs else kwargs
    if out is None:
        result = call(*map(plain, inputs), **plain(kwargs))
        if name == "power" and type(inputs[0]) is float and inputs[0] == math.e:
            name, call, nodes = "exp", np.exp, nodes[1:]  # the float stands for e
        return trace.record(name, call, nodes, options, result)
    trace.end_if_enough()  # not amid the write
    return _into(trace, (name, call, nodes, options), out, inputs, kwargs)


def _hold_arrays(values: Iterable[Any]) -> bool:
    """Whether one of them is an array of arrays, such as one of a network's layers."""
    return any(
        isinstance(each, np.ndarray)
        for value in values
        if isinstance(value, np.ndarray) and value.dtype.hasobject
        for each in plain(value).flat
    )


def _as_object(value: Any) -> Any:
    """A number as an object among others, so that NumPy hands it to each of them."""
    if not is_traced_number(value):
        return value
    box = np.empty((), dtype=object)
    box[()] = value
    return box


def _into(trace: Trace, called: Any, out: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """An operation that writes its result into arrays that are there."""
    name, call, nodes, options = called
    where = options.get("where", True)
    for target in out:
        _before_written(trace, target, whole=where is True)
    zeroed = name == "multiply" and type(inputs[-1]) in (int, float) and inputs[-1] == 0
    before = [trace.argument(each) for each in out] if where is not True or trace.sites else []
    given = plain(tuple(out))
    call(*map(plain, inputs), out=given[0] if len(given) == 1 else given, **plain(kwargs))
    for i, target in enumerate(out):
        value = np.array(plain(target))
        if where is not True:  # only some entries are written
            options = {key: each for key, each in options.items() if key != "where"}
            made = trace.node(name, _masked(call), (where, before[0], *nodes), options, value)
        elif zeroed and inputs[0] is target:  # what was there has no part in it any more
            made = trace.node("constant", None, (), {}, value)
        else:
            made = trace.node(name, call, nodes, options, value)
        made.replaces = before[i] if before else None
        trace.write(target, made)
    written = tuple(_of_trace(trace, each) for each in out)
    return written[0] if len(written) == 1 else written


def _before_written(trace: Trace, target: Any, *, whole: bool = True) -> None:
    """Note the numbers of an array of which something is left when a result is written into it.

    What `np.empty` holds is no number of the program, and may by chance be one of an earlier array.
    """
    memory = trace.memories.of(target)
    known = memory.state is not None or memory.writes
    if known or not whole or place(target, memory.owner) is not None:
        trace.before_write(target)


def _of_trace(trace: Trace, array: Any) -> Any:
    """An array as a traced one that shares its memory: what is `+=` to a plain array."""
    if isinstance(array, Trace.array_type):
        return array
    traced = array.view(Trace.array_type)
    traced.tracer = trace
    return traced


def _masked(call: Callable[..., Any]) -> Callable[..., Any]:
    def masked(where: Any, before: Any, *inputs: Any, **kwargs: Any) -> Any:
        return np.where(where, call(*inputs, **kwargs), before)

    masked.__name__ = getattr(call, "__name__", "masked")
    return masked


def _at(trace: Trace, ufunc: np.ufunc, inputs: Any) -> None:
    """`np.add.at` and the like."""
    target, key, *values = inputs
    trace.before_write(target)
    nodes = trace.argument((target, *values))
    ufunc.at(*map(plain, inputs))
    after = np.array(plain(target))
    if ufunc in (np.add, np.subtract):  # a sum of two arrays: what is there, and what is put there
        call, args = added_at(np.add), (np.zeros_like(after), plain(key), *nodes[1:])
        put = trace.node("add.at", call, args, {}, call(args[0], args[1], *map(plain, values)))
        made = trace.node(ufunc.__name__, ufunc, (nodes[0], put), {}, after)
    else:
        call, args = added_at(ufunc), (nodes[0], plain(key), *nodes[1:])
        made = trace.node(f"{ufunc.__name__}.at", call, args, {}, after)
    trace.write(target, made)


@cache
def added_at(ufunc: np.ufunc) -> Callable[..., Any]:
    """What `ufunc.at` makes of an array, which stays as it is."""

    def call(before: Any, key: Any, *values: Any) -> Any:
        exact = any(np.asarray(each).dtype == object for each in values)
        kind = object if exact else np.result_type(before, *values)
        after = np.array(before, dtype=kind)
        ufunc.at(after, key, *values)
        return after

    return call


def apply(func: Callable[..., Any], name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call a function with plain arrays and note the result."""
    trace = trace_of_call(args, kwargs)
    if trace is None or not trace.recording:
        return func(*map(plain, args), **plain(kwargs))
    args, own = lengths(args) if trace.lists else args, OWN.get(name)
    if own is None and isinstance(kwargs.get("out"), np.ndarray):
        own = _written_into
    if own is not None:
        return own(trace, func, name, args, kwargs)
    nodes, options = trace.argument(tuple(args)), trace.argument(kwargs)
    given = tuple(map(plain, args))
    result = func(*given, **plain(kwargs))
    for i in range(1, len(args)):
        if result is given[i] and isinstance(result, np.ndarray):  # it was given as `out`
            trace.write(args[i], trace.node(name, func, nodes[:i], options, np.array(result)))
            return _of_trace(trace, args[i])
    return trace.record(name, func, nodes, options, result)


def _constant(trace: Trace, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """What is made of a shape, and not of numbers."""
    made = func(*map(plain, args), **plain(kwargs))
    if trace_of_call(args[1:], kwargs) is not None:  # the number that it is filled with
        nodes = trace.argument((plain(args[0]), *args[1:])), trace.argument(kwargs)
        return trace.record(name, func, *nodes, made)
    value = np.zeros_like(made) if name == "empty_like" else np.array(made)
    return trace.traced(made, trace.node("constant", None, (), {}, value))


def _binned(trace: Trace, func: Any, _: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """`np.bincount`, which adds weights to what begins with 0, as `np.add.at` does."""
    made = func(*map(plain, args), **plain(kwargs))
    given = dict(zip(("x", "weights"), args, strict=False)) | kwargs
    x, weights = given["x"], given.get("weights")
    if weights is None:
        return made
    added = np.zeros_like(made), plain(x), trace.argument((weights,))[0]
    return trace.traced(made, trace.node("add.at", added_at(np.add), added, {}, np.array(made)))


def _written_into(trace: Trace, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """What a function writes into an array."""
    rest = {key: value for key, value in kwargs.items() if key != "out"}
    called = name, func, trace.argument(tuple(args)), trace.argument(rest)
    return _into(trace, called, (kwargs["out"],), args, rest)


def _mutate(trace: Trace, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> None:
    target, *others = args
    trace.before_write(target)
    nodes, options = trace.argument((target, *others)), trace.argument(kwargs)
    func(*map(plain, args), **plain(kwargs))
    if name == "copyto" and _is_whole(plain(target), [*map(plain, others)], kwargs):
        shape, value = np.shape(target), np.array(plain(target))
        trace.write(target, trace.node(name, _put_everywhere, (nodes[1], shape), {}, value))
        return

    def call(before: Any, *values: Any, **named: Any) -> Any:
        objects = any(map(is_balls, values))
        after = np.array(before, dtype=object) if objects else np.array(before)
        func(after, *values, **{**named, **({"casting": "unsafe"} if name == "copyto" else {})})
        return after

    made = trace.node(name, call, nodes, options, np.array(plain(target)))
    trace.write(target, made)


OWN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(MUTATING, _mutate),
    **dict.fromkeys(("zeros_like", "ones_like", "empty_like", "full_like"), _constant),
    "bincount": _binned,
}
"""How functions are called that give no new array of numbers made of others, by their names."""


def _is_whole(target: Array, others: list[Any], kwargs: dict[str, Any]) -> bool:
    """Whether numbers of its own kind are copied into all of an array: nothing of it is left."""
    source, *more = others
    return not more and "where" not in kwargs and np.result_type(source) == target.dtype


def _put_everywhere(value: Any, shape: tuple[int, ...]) -> Array:
    return np.array(np.broadcast_to(value, shape))


def cast(array: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
    """A cast; of exact numbers to floats it is none, for they are judged as what they stand for."""
    exact = is_balls(array) and not all(isinstance(each, float) for each in array.flat)
    if exact or not isinstance(array, np.ndarray | np.generic):
        if np.dtype(dtype).kind in "fO":
            return array
        return np.asarray(array).astype(dtype)
    return array.astype(dtype, *args, **kwargs)
