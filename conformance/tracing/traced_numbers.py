"""Numbers that note in a trace what is done with them, of NumPy and of Python.

Left out: how an operation is noted (`operations.py`), arrays (`arrays.py`).
"""

from collections.abc import Callable
from operator import add, floordiv, mod, mul, neg, pos, sub, truediv
from operator import pow as power
from typing import Any

import numpy as np

from conformance.tracing.node import Node
from conformance.tracing.operations import apply, apply_ufunc, cast
from conformance.tracing.trace import Trace, plain, trace_of


def _operators() -> dict[str, Any]:
    """The operators of a traced number, each noted as what NumPy calls it."""
    made: dict[str, Any] = {}
    for ufunc, python in PYTHONS.items():
        if ufunc.nin == 1:
            made[f"__{python.__name__}__"] = _unary(ufunc)
        else:
            made[f"__{python.__name__}__"] = _binary(ufunc, turned=False)
            made[f"__r{python.__name__}__"] = _binary(ufunc, turned=True)
    return made


def _binary(ufunc: np.ufunc, *, turned: bool) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        of_numpy = isinstance(self.plain, np.generic)  # which makes an array of a list
        known = isinstance(other, int | float | np.ndarray | np.generic)
        if not (known or (of_numpy and isinstance(other, list))):
            return NotImplemented
        pair = (other, self) if turned else (self, other)
        if all(isinstance(plain(each), int | float) for each in pair):
            return _of_python(ufunc, pair)
        return apply_ufunc(ufunc, "__call__", pair, {})

    return operator


def _unary(ufunc: np.ufunc) -> Callable[..., Any]:
    def operator(self: Any) -> Any:
        if type(self.plain) in (int, float):
            return _of_python(ufunc, (self,))
        return apply_ufunc(ufunc, "__call__", (self,), {})

    return operator


PYTHONS: dict[Any, Callable[..., Any]] = {
    np.add: add, np.subtract: sub, np.multiply: mul, np.divide: truediv, np.power: power,
    np.floor_divide: floordiv, np.remainder: mod, np.negative: neg, np.absolute: abs,
    np.positive: pos,
}  # fmt: skip
"""What Python does to its own numbers."""


def _of_python(ufunc: np.ufunc, pair: tuple[Any, ...]) -> Any:
    """An operation on numbers of Python, which gives one again."""
    whole = (each.tracer for each in pair if type(each) is TracedInt)
    trace, result = trace_of(pair) or next(whole, None), PYTHONS[ufunc](*map(plain, pair))
    if trace is None or not trace.recording:
        return result
    return trace.record(ufunc.__name__, ufunc, tuple(map(trace.operand, pair)), {}, result)


class _Number:
    """What traced numbers have beside being floats of NumPy."""

    tracer: Trace | None
    node: Node | None
    plain: Any

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with plain numbers and note the result."""
        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Compute with plain numbers and note the result, if it is none of the shape alone."""
        if func in (np.shape, np.ndim, np.size) and len(args) == 1 and not kwargs:
            return func(self.plain)
        return apply(func, getattr(func, "__name__", "function"), args, kwargs)

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """A number of another type."""
        result, trace = np.asarray(self.plain).astype(plain(dtype))[()], self.tracer
        if trace is None or not trace.recording or result.dtype.kind != "f":
            return result
        return trace.record("astype", cast, (self.node, result.dtype), {}, result)

    def __round__(self, digits: int | None = None) -> Any:
        """Rounded to some digits; to an integer, it is not followed."""
        result, trace = round(self.plain, digits), self.tracer
        if digits is None or trace is None or not trace.recording:
            return result
        return trace.record("round", np.round, (self.node, digits), {}, result)

    def __repr__(self) -> str:
        """As a plain number is shown."""
        return repr(self.plain)

    def __str__(self) -> str:
        """As a plain number is shown."""
        return str(self.plain)

    def __format__(self, how: str) -> str:
        """As a plain number is shown."""
        return format(self.plain, how)

    def __reduce__(self) -> Any:
        """A pickled number is a plain one."""
        return self.plain.__reduce__()

    def itself(self, *_: Any) -> Any:
        """Itself, which is also its copy."""
        return self

    item = tolist = __copy__ = __deepcopy__ = itself


# NumPy's own type comes first: where it does not, its methods call each other without end.
class _Traced64(np.float64, _Number):  # type: ignore[misc]
    """A float64."""


class _Traced32(np.float32, _Number):  # type: ignore[misc]
    """A float32."""


class _TracedLong(np.longdouble, _Number):  # type: ignore[misc]
    """A longdouble."""


class TracedFloat(float, _Number):  # type: ignore[misc]
    """A float of Python: unlike one of NumPy it takes the precision of what it meets."""


class TracedInt(int, _Number):  # type: ignore[misc]
    """A whole number of Python; what is computed of such ones alone is plain, as an index is."""


_METHODS = (
    "item", "tolist", "__round__", "__repr__", "__str__", "__format__", "__reduce__",
    "__deepcopy__", "__copy__",
)  # fmt: skip

for _kind in (_Traced64, _Traced32, _TracedLong, TracedFloat, TracedInt):
    for _name, _operator in _operators().items():
        setattr(_kind, _name, _operator)
    for _name in (*_METHODS, "__array_ufunc__", "__array_function__"):
        setattr(_kind, _name, getattr(_Number, _name))
    if _kind not in (TracedFloat, TracedInt):
        setattr(_kind, "astype", _Number.astype)  # noqa: B010 - mypy knows no other way

KINDS: dict[type, type] = {
    np.float64: _Traced64, np.float32: _Traced32, np.longdouble: _TracedLong, float: TracedFloat
}  # fmt: skip
"""Which traced number stands for one of each type."""


def begun_number(trace: Trace, value: Any) -> Any:
    """A number that a program begins with, a whole one too, as a constant of its own."""
    node = trace.node("constant", None, (), {}, np.asarray(value, float))
    if type(value) is not int:
        return trace.number(value, node)
    made = TracedInt(value)
    made.tracer, made.node, made.plain = trace, node, value
    return made
