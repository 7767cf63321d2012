"""Functions of Python that NumPy calls for each number of an array, as `np.vectorize` has it do.

Left out: operations of NumPy itself (`operations.py`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from conformance.tracing.node import Node
from conformance.tracing.recorder import as_floats_of_objects
from conformance.tracing.trace import Trace, is_traced_number, plain, trace_of
from reference.step import Array

FEW = 512  # numbers for each of which a function of Python is followed


@lru_cache(maxsize=64)
def is_of_python(ufunc: np.ufunc) -> bool:
    """Whether NumPy calls a function of Python for each number, as `np.vectorize` has it made."""
    return ufunc.nout == 1 and ufunc.types == ["O" * ufunc.nin + "->O"]


def in_floats(ufunc: np.ufunc) -> Callable[..., Any]:
    """What NumPy calls; of a function of Python it has the floats as objects."""
    if not is_of_python(ufunc):
        return ufunc
    return lambda *args, **kwargs: as_floats_of_objects(np.asarray(ufunc(*args, **kwargs)))


def one_by_one(trace: Trace, ufunc: np.ufunc, inputs: Any) -> Any:
    """What a function of Python gives of each number, its operations noted.

    None if there are too many, or none is noted, as of a function that is written in C.
    """
    nodes = trace.argument(tuple(inputs))
    held = [e.value if type(e) is Node else np.array(np.asarray(e).tolist()) for e in nodes]
    shape = np.broadcast_shapes(*map(np.shape, held))
    if int(np.prod(shape)) > FEW or any(each.dtype.kind not in "fiub" for each in held):
        return None
    entries = [_entries(trace, *each, shape) for each in zip(nodes, held, strict=True)]
    given = np.asarray(ufunc(*entries), dtype=object).ravel().tolist()
    if not all(isinstance(each, float) for each in given) or trace_of(given) is None:
        return None
    floats = np.array([float(plain(each)) for each in given]).reshape(shape)
    return trace.record("array", put_in_shape, (trace.argument(given), shape), {}, floats)


def _entries(trace: Trace, node: Any, value: Array, shape: tuple[int, ...]) -> Array:
    """The numbers of an array as objects of Python, each of which notes what is done with it."""
    known = type(node) is Node and value.dtype.kind == "f"
    flat_array = (trace.traced(np.array(value), node) if known else value).reshape(-1)
    places = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape)
    numbers = np.empty(shape, dtype=object)
    for index, i in np.ndenumerate(places):
        one = flat_array[i]
        numbers[index] = trace.number(float(plain(one)), one.node) if known else one.item()
    return numbers


def put_in_shape(numbers: Any, shape: tuple[int, ...]) -> Array:
    """An array of a shape, of numbers that were computed one by one."""
    return np.asarray(numbers).reshape(shape)


class OfNumbers(np.vectorize):
    """`np.vectorize` of what is given traced numbers as arrays without an axis."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives of each number."""
        return super().__call__(*map(_as_array, args), **kwargs)


def _as_array(value: Any) -> Any:
    if not is_traced_number(value):
        return value
    return value.tracer.traced(np.array(value.plain), value.node)
