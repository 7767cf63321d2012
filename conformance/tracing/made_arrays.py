"""What NumPy makes of nothing, of lists and of numbers, as a traced program sees it.

Left out: the other functions that it sees (`substitute.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.tracing.arrays import Traced
from conformance.tracing.node import flat
from conformance.tracing.recorder import as_floats_of_objects
from conformance.tracing.trace import Trace, plain, trace_of

MADE = (
    "zeros", "ones", "empty", "full", "eye", "identity", "zeros_like", "ones_like", "empty_like",
)  # fmt: skip
COPIED = (
    "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require", "copy",
    "fromiter", "asarray_chkfinite",
)  # fmt: skip
OF_LISTS = (
    "sum", "mean", "prod", "max", "min", "amax", "amin", "std", "var", "average", "dot", "matmul",
    "outer", "inner", "vdot", "tensordot", "multiply", "add", "subtract", "divide", "exp", "tanh",
    "log", "sqrt", "square", "negative", "maximum", "minimum", "power", "cumsum", "transpose",
    "squeeze", "reshape", "ravel", "where", "clip", "einsum", "logaddexp", "log1p", "expm1", "sin",
    "cos", "abs", "sign", "fmax", "fmin",
)  # fmt: skip
"""Functions that take a list for an array, without a word to the arrays in it."""


def _made(trace: Trace, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """An array that is made of nothing."""

    def made(*args: Any, **kwargs: Any) -> Any:
        result = original(*plain(args), **plain(kwargs))
        if result.dtype.kind != "f" or not trace.recording:
            return result
        if name == "full" and trace_of((args, kwargs)) is not None:
            node = trace.node(name, original, trace.argument(args), trace.argument(kwargs), result)
            return trace.traced(result.copy(), node)
        value = np.zeros_like(result) if name.startswith("empty") else np.array(result)
        return trace.traced(result, trace.node("constant", None, (), {}, value))

    return made


def _copied(trace: Trace, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """An array that is made of others and of numbers."""

    def again(given: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(given, list | tuple) and any(map(np.ndim, flat(given))):
            return original([*given], *args, **kwargs)
        return np.asarray(given)

    again.__name__ = name

    def made(given: Any, *args: Any, **kwargs: Any) -> Any:
        if name == "fromiter":
            given = list(given)
        given = np.asarray(given) if type(given).__name__ == "_Flat" else given
        given = given.numpy() if _foreign(given) else given
        result = original(plain(given), *args, **kwargs)
        kind = as_floats_of_objects(result).dtype.kind
        if not trace.recording or kind not in "fiub":
            return result
        if isinstance(given, Traced) and result.base is not None and _shares(result, given):
            return given if result.shape == given.shape else result
        if trace_of(given) is None:
            if kind != "f":
                return result
            return trace.traced(result, trace.constant(result)) if result.base is None else result
        node = trace.node(name, again, (trace.argument(given),), {}, np.array(result))
        return trace.traced(result, node)

    return made


class Joined:
    """`np.r_` and `np.c_`, which join what stands between their brackets."""

    def __init__(self, trace: Trace, original: Any) -> None:
        self._trace, self._original = trace, original

    def __getitem__(self, key: Any) -> Any:
        """What is joined, and what computed it."""
        result, items = self._original[plain(key)], key if isinstance(key, tuple) else (key,)
        if not self._trace.recording or trace_of(items) is None:
            return result
        nodes = self._trace.argument(items)
        return self._trace.record("concatenate", self._again, nodes, {}, result)

    def _again(self, *items: Any) -> Any:
        return self._original[items]


def traced_array(trace: Trace, value: Any) -> Any:
    """A number, a list of numbers or a tensor as an array that knows what computed it."""
    return _copied(trace, "asarray", np.asarray)(value)


def _foreign(given: Any) -> bool:
    """Whether an array is to be made of what is none itself, such as a tensor."""
    return not isinstance(given, np.ndarray | np.generic) and hasattr(given, "numpy")


def _shares(result: Any, given: Any) -> bool:
    return bool(np.shares_memory(result, plain(given)))


def _of_lists(trace: Trace, name: str, original: Any) -> Any:
    """A function that is given lists of arrays or of numbers where it takes an array."""

    def lifted(value: Any) -> Any:
        if isinstance(value, list | tuple) and trace_of(value) is not None:
            return _copied(trace, "array", np.array)(value)
        return value

    def called(*args: Any, **kwargs: Any) -> Any:
        lifts = name not in ("einsum", "transpose", "reshape")
        args = tuple(map(lifted, args)) if lifts else args
        return original(*args, **kwargs)

    if isinstance(original, np.ufunc):
        return _Ufunc(original, called, lifted)
    called.__name__ = name
    return called


class _Ufunc:
    """A ufunc as a traced program sees it."""

    def __init__(
        self, original: np.ufunc, called: Callable[..., Any], lifted: Callable[[Any], Any]
    ) -> None:
        self._original, self._called, self._lifted = original, called, lifted
        self.__name__ = original.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._called(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._original, name)
        if name not in ("reduce", "accumulate", "outer", "reduceat"):
            return found
        return lambda *args, **kwargs: found(*map(self._lifted, args), **kwargs)


MAKERS = ((MADE, _made), (COPIED, _copied), (OF_LISTS, _of_lists))
"""Names of NumPy's functions, each with what gives what is seen in their place."""
