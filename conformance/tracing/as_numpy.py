"""Operators of torch as the NumPy functions that they are, with NumPy's names of arguments.

What is said of a NumPy operation (its axis, its operands, what it might have to be instead) can be
said of it then. Left out: operators that NumPy has no function for (`torch_functions.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.tracing.node import Node

Call = tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""The name of an operation, its function and its arguments."""


def as_numpy(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """An operator of torch as a call of NumPy; None if it is none.

    Args:
        name: of the operator, without the mark of a form that writes in place.
        args: as torch has them.
        kwargs: the same by their names.
    """
    if name in BINARY and len(args) == len(("a", "b")) and not kwargs:
        operation, function = BINARY[name]
        return operation, function, (args[::-1] if name == "rsub" else args), {}
    if name in UNARY and len(args) == 1 and not kwargs:
        operation, function = UNARY[name]
        return operation, function, args, {}
    if name in REDUCTIONS:
        return _reduction(name, args, kwargs)
    if name == "relu" and len(args) == 1:
        return "maximum", np.maximum, (args[0], 0), {}
    return _clamp(args, kwargs) if name == "clamp" else None


def _reduction(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    given = dict(zip(("dim", "keepdim"), args[1:], strict=False)) | kwargs
    if set(given) - {"dim", "keepdim", "dtype"} or given.get("dtype") is not None:
        return None
    dim = given.get("dim")
    axis = tuple(dim) if isinstance(dim, list | tuple) else dim
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    operation, function = REDUCTIONS[name]
    named = {"axis": None if axis == () else axis}
    if given.get("keepdim"):
        named["keepdims"] = True
    return operation, function, args[:1], named


def _clamp(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
    """A limit on one side as a maximum or a minimum."""
    low, high = (*args[1:], None, None)[:2]
    low, high = kwargs.get("min", low), kwargs.get("max", high)
    if low is not None and high is None:
        return "maximum", np.maximum, (args[0], low), {}
    if high is not None and low is None:
        return "minimum", np.minimum, (args[0], high), {}
    return None


def _mean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    total = np.sum(a, axis=axis, keepdims=keepdims)
    return total / (np.size(a) // np.size(total))


BINARY: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("add", np.add), "sub": ("subtract", np.subtract), "rsub": ("subtract", np.subtract),
    "mul": ("multiply", np.multiply), "div": ("divide", np.divide), "pow": ("power", np.power),
    "maximum": ("maximum", np.maximum), "minimum": ("minimum", np.minimum),
    "clamp_min": ("maximum", np.maximum), "clamp_max": ("minimum", np.minimum),
    "gt": ("greater", np.greater), "ge": ("greater_equal", np.greater_equal),
    "lt": ("less", np.less), "le": ("less_equal", np.less_equal),
    "eq": ("equal", np.equal), "ne": ("not_equal", np.not_equal),
    "logical_and": ("logical_and", np.logical_and), "logical_or": ("logical_or", np.logical_or),
    "bitwise_and": ("logical_and", np.logical_and), "bitwise_or": ("logical_or", np.logical_or),
}  # fmt: skip
UNARY: dict[str, tuple[str, Callable[..., Any]]] = {
    "logical_not": ("logical_not", np.logical_not), "bitwise_not": ("logical_not", np.logical_not),
    "reciprocal": ("divide", lambda a: 1 / np.asarray(a)),
}  # fmt: skip
REDUCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "sum": ("add.reduce", np.sum), "mean": ("mean", _mean), "prod": ("multiply.reduce", np.prod),
    "amax": ("max", np.max), "amin": ("min", np.min),
}  # fmt: skip
OF_TRUTHS = ("bitwise_and", "bitwise_or", "bitwise_not")
"""Operators that are NumPy's logical ones for arrays of truth values alone."""


def is_of_truths(given: Any) -> bool:
    """Whether all arrays among some arguments hold truth values."""
    arrays = [each.value if type(each) is Node else each for each in given]
    kinds = {each.dtype.kind for each in arrays if isinstance(each, np.ndarray)}
    return kinds == {"b"}
