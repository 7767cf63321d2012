"""What stands in the place of Python's own functions of numbers, and leaves traced ones traced."""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.tracing.arrays import Traced
from conformance.tracing.trace import is_traced_number, plain, trace_of


class _Floats(type):
    """What a type of numbers is for a traced program: its numbers are those of the plain type."""

    plain: type

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.plain)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.plain)

    def __eq__(cls, other: object) -> bool:
        return other is cls.plain or other is cls

    def __hash__(cls) -> int:
        return hash(cls.plain)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.plain, name)


class Float(metaclass=_Floats):
    """`float`, which leaves traced numbers traced."""

    plain: type = float
    dtype = np.dtype(np.float64)

    def __new__(cls, value: Any = 0.0) -> Any:
        """The number that a value is."""
        if isinstance(value, Traced) and value.size == 1 and value.dtype == np.float64:
            return value.reshape(())[()]
        if is_traced_number(value) and isinstance(value, np.float64 | int):
            return value if cls.plain is np.float64 else _of_python(value)
        if is_traced_number(value) and type(value.plain) is cls.plain:
            return value
        return cls.plain(plain(value))


def _of_python(value: Any) -> Any:
    """A traced number of NumPy's as one of Python's."""
    known = value.tracer is not None and value.node is not None
    return value.tracer.number(float(value.plain), value.node) if known else value


class Float64(Float):
    """`np.float64`, which does so too."""

    plain = np.float64


def _chosen(function: Callable[..., Any], ufunc: np.ufunc) -> Callable[..., Any]:
    """`max` or `min`, which notes that it chose between two numbers: either may be a constant."""

    def chosen(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        pair = len(args) == ufunc.nin and not kwargs
        trace = trace_of(args) if pair and isinstance(result, int | float) else None
        if trace is None or not trace.recording:
            return result
        operands = tuple(map(trace.operand, args))
        return trace.record(ufunc.__name__, ufunc, operands, {}, plain(result))

    return chosen


BUILTINS = {"float": Float, "max": _chosen(max, np.maximum), "min": _chosen(min, np.minimum)}
"""By the names of what they stand for."""
