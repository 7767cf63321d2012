"""What does to arrays of exact numbers what an operation of torch does to tensors.

The names are those of torch's operators (`aten::NAME`), to which all of its functions and methods
come down. Where NumPy has the function, it is called as NumPy's, so that what is said of a NumPy
operation (its axis, its operands, what it might have to be instead) can be said of it; else the
arguments are as torch hands them over. Left out: what only shows other numbers of the same memory,
which needs no function (`tensors.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.tracing.node import Node
from conformance.tracing.special import expit, softmax
from reference.step import Array

Call = tuple[str, Callable[..., Any] | None, tuple[Any, ...], dict[str, Any]]
"""The name of an operation, its function and its arguments."""


def _softmax_backward(sent: Any, a: Any, dim: int, _dtype: Any = None) -> Any:
    return a * (sent - np.sum(sent * a, axis=dim, keepdims=True))


def _log_softmax_backward(sent: Any, logs: Any, dim: int, _dtype: Any = None) -> Any:
    return sent - np.exp(logs) * np.sum(sent, axis=dim, keepdims=True)


def _reduced(losses: Any, reduction: int) -> Any:
    """The losses themselves, their mean or their sum, by torch's number of it."""
    if reduction == 0:
        return losses
    return np.sum(losses) / np.size(losses) if reduction == 1 else np.sum(losses)


def _shared(sent: Any, a: Any, reduction: int) -> Any:
    return sent / np.size(a) if reduction == 1 else sent


def _cross_entropy(a: Any, y: Any, weight: Any = None, reduction: int = 1) -> Any:
    losses = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return _reduced(losses if weight is None else losses * weight, reduction)


def _cross_entropy_backward(
    sent: Any, a: Any, y: Any, weight: Any = None, reduction: int = 1
) -> Any:
    slope = (a - y) / (a * (1 - a))
    return _shared(sent, a, reduction) * (slope if weight is None else slope * weight)


def _cross_entropy_of_z(
    z: Any, y: Any, weight: Any = None, factor: Any = None, reduction: int = 1
) -> Any:
    if weight is not None or factor is not None:
        raise TypeError("a cross-entropy with weights")
    return _cross_entropy(expit(z), y, None, reduction)


def _chosen(logs: Any, labels: Array, weight: Any, reduction: int, *_: Any) -> Any:
    """The negative logarithms of what the labels were given, and how many there are."""
    if weight is not None:
        raise TypeError("a loss with weights")
    losses = -np.take_along_axis(np.asarray(logs), labels[..., None], axis=-1)[..., 0]
    return _reduced(losses, reduction), np.float64(labels.size)


def _chosen_backward(
    sent: Any, logs: Any, labels: Array, weight: Any, reduction: int, *_: Any
) -> Any:
    if weight is not None:
        raise TypeError("a loss with weights")
    hot = np.arange(np.shape(logs)[-1]) == labels[..., None]
    sent = np.asarray(_shared(sent, labels, reduction))
    return np.where(hot, -(sent[..., None] if sent.ndim else sent), 0)


LOSSES: dict[str, tuple[str, Callable[..., Any]]] = {
    "_softmax": ("softmax", lambda z, dim, _half=False: softmax(z, dim)),
    "_log_softmax": ("log_softmax", lambda z, dim, _half=False: np.log(softmax(z, dim))),
    "mse_loss": ("mse_loss", lambda a, y, reduction=1: _reduced(np.square(a - y), reduction)),
    "binary_cross_entropy": ("binary_cross_entropy", _cross_entropy),
    "binary_cross_entropy_with_logits": ("binary_cross_entropy", _cross_entropy_of_z),
    "nll_loss_forward": ("nll_loss", _chosen),
    "nll_loss_backward": ("nll_loss", _chosen_backward),
    "_softmax_backward_data": ("softmax", _softmax_backward),
    "_log_softmax_backward_data": ("log_softmax", _log_softmax_backward),
    "mse_loss_backward": ("mse_loss", lambda sent, a, y, how: _shared(sent, a, how) * 2 * (a - y)),
    "binary_cross_entropy_backward": ("binary_cross_entropy", _cross_entropy_backward),
}
"""Their operators: what each is known as, and its function."""


Axes = int | Sequence[int] | None


def _axes(dim: Axes) -> int | tuple[int, ...] | None:
    if dim is None or isinstance(dim, int):
        return dim
    return tuple(dim) or None


def _mean(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    total = np.sum(a, axis=axis, keepdims=keepdims)
    return total / (np.size(a) // np.size(total))


def _norm(a: Any, order: Any = 2, dim: Axes = None, keepdim: Any = False, **_: Any) -> Any:
    if order not in (None, 2):
        raise TypeError(f"a norm of order {order}")
    return np.sqrt(np.sum(np.square(a), axis=_axes(dim), keepdims=keepdim))


def _added_product(c: Any, a: Any, b: Any = None, beta: Any = 1, alpha: Any = 1) -> Any:
    return c + a if b is None else c * beta + (a @ b) * alpha


def _clamp(a: Any, low: Any = None, high: Any = None, **named: Any) -> Any:
    low, high = named.get("min", low), named.get("max", high)
    above = a if low is None else np.maximum(a, low)
    return above if high is None else np.minimum(above, high)


def _extreme(name: str) -> Callable[..., Any]:
    def extreme(a: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        best = getattr(np, name)(a, axis=dim, keepdims=keepdim)
        if dim is None:
            return best
        return best, getattr(np, f"arg{name}")(a, axis=dim, keepdims=keepdim)

    return extreme


def _variance(
    a: Any, dim: Axes = None, correction: float | None = None, keepdim: bool = False
) -> Any:
    apart = np.square(a - _mean(a, _axes(dim), keepdims=True))
    total = np.sum(apart, axis=_axes(dim), keepdims=keepdim)
    return total / (np.size(a) // np.size(total) - (1 if correction is None else correction))


def _padded(a: Any, pad: Sequence[int], value: Any = 0) -> Any:
    pairs = [*zip(pad[::2], pad[1::2], strict=True)][::-1]
    pairs = [(0, 0)] * (np.ndim(a) - len(pairs)) + pairs
    return np.pad(_for_writing(a, value), pairs, constant_values=value)


def _index(a: Any, indices: Sequence[Any]) -> Any:
    return np.asarray(a)[tuple(slice(None) if each is None else each for each in indices)]


def _for_writing(a: Any, values: Any) -> Array:
    """A copy of an array that holds exact numbers if it has some, or is to be given some."""
    exact = any(np.asarray(each).dtype.hasobject for each in (a, values))
    return np.array(a, dtype=object) if exact else np.array(a)


def _put(a: Any, indices: Sequence[Any], values: Any, accumulate: bool = False, *_: Any) -> Any:
    after = _for_writing(a, values)
    key: Any = tuple(slice(None) if each is None else each for each in indices)
    if accumulate:
        np.add.at(after, key, values)
    else:
        after[key] = values
    return after


def _added_at(a: Any, dim: int, index: Array, values: Any, alpha: Any = 1) -> Any:
    after = _for_writing(a, values)
    key: Any = (slice(None),) * (dim % after.ndim) + (index,)
    np.add.at(after, key, values * alpha)
    return after


def _scatter(a: Any, dim: int, index: Array, values: Any, **_: Any) -> Any:
    after = _for_writing(a, values)
    np.put_along_axis(after, index, np.broadcast_to(values, index.shape), axis=dim)
    return after


def _part_back(sent: Any, sizes: Sequence[int], dim: int, *key: int) -> Any:
    """The gradient of a whole of which one row, or some, were taken."""
    after = _for_writing(np.zeros(tuple(sizes)), sent)
    after[(slice(None),) * (dim % len(sizes)) + (slice(*key) if key[1:] else key[0],)] = sent
    return after


def _copied(a: Any, *_: Any, **__: Any) -> Any:
    array = np.asarray(a)
    return array if array.dtype.kind in "fO" else array.astype(np.float64)


SAME = (
    "exp", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tanh", "sinh", "cosh", "sqrt",
    "square", "sign", "maximum", "minimum", "logical_and", "logical_or", "logical_not",
)  # fmt: skip
UFUNCS: dict[str, np.ufunc] = {
    **{name: getattr(np, name) for name in SAME},
    "add": np.add, "sub": np.subtract, "rsub": np.subtract, "mul": np.multiply, "div": np.divide,
    "reciprocal": np.divide, "pow": np.power, "neg": np.negative, "abs": np.absolute,
    "relu": np.maximum, "clamp_min": np.maximum, "clamp_max": np.minimum, "gt": np.greater,
    "ge": np.greater_equal, "lt": np.less, "le": np.less_equal, "eq": np.equal, "ne": np.not_equal,
    "mm": np.matmul, "bmm": np.matmul, "mv": np.matmul, "dot": np.matmul, "vdot": np.matmul,
}  # fmt: skip
"""Operators that are NumPy's universal functions."""

OF_TRUTHS = {
    "bitwise_and": np.logical_and, "bitwise_or": np.logical_or, "bitwise_not": np.logical_not,
}  # fmt: skip
"""Operators that are so for arrays of truth values alone."""

REDUCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "sum": ("add.reduce", np.sum), "mean": ("mean", _mean), "prod": ("multiply.reduce", np.prod),
    "amax": ("max", np.max), "amin": ("min", np.min),
}  # fmt: skip

FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "rsqrt": ("reciprocal", lambda a: 1 / np.sqrt(a)),
    "round": ("round", lambda a, decimals=0: np.round(a, decimals)),
    "sigmoid": ("expit", expit),
    "log_sigmoid_forward": ("log", lambda z: (np.log(expit(z)), np.zeros(0))),
    "softplus": ("log1p", lambda z, beta=1, *_: np.log1p(np.exp(z * beta)) / beta),
    "leaky_relu": ("where", lambda a, slope=0.01: np.where(a > 0, a, a * slope)),
    "leaky_relu_backward": ("where", lambda sent, a, slope, _: np.where(a > 0, sent, sent * slope)),
    "silu": ("multiply", lambda z: z * expit(z)),
    "clamp": ("clip", _clamp),
    "where": ("where", np.where),
    "cumsum": ("cumsum", lambda a, dim, **_: np.cumsum(a, axis=dim)),
    "max": ("max", _extreme("max")),
    "min": ("min", _extreme("min")),
    "var": ("var", _variance),
    "std": ("std", lambda a, dim=None, **named: np.sqrt(_variance(a, dim, **named))),
    "trace": ("trace", np.trace),
    "linalg_vector_norm": ("norm", _norm),
    "norm": ("norm", _norm),
    "addmm": ("add", _added_product),
    "addmv": ("add", _added_product),
    "baddbmm": ("add", _added_product),
    "addr": ("addr", lambda c, a, b, beta=1, alpha=1: c * beta + np.multiply.outer(a, b) * alpha),
    "lerp": ("lerp", lambda a, b, weight: a + (b - a) * weight),
    "cat": ("concatenate", lambda parts, dim=0: np.concatenate(parts, axis=dim)),
    "stack": ("stack", lambda parts, dim=0: np.stack(parts, axis=dim)),
    "index": ("getitem", _index),
    "index_select": ("getitem", lambda a, dim, index: np.take(a, index, axis=dim)),
    "index_put": ("put", _put),
    "_index_put_impl": ("put", _put),
    "gather": ("getitem", lambda a, dim, at, **_: np.take_along_axis(np.asarray(a), at, axis=dim)),
    "scatter": ("put", _scatter),
    "constant_pad_nd": ("pad", _padded),
    "select_backward": ("put", _part_back),
    "slice_backward": ("put", _part_back),
    "clone": ("copy", _copied),
    "copy": ("copy", _copied),
    "_to_copy": ("copy", _copied),
    "fill": ("copy", _copied),
    "lift_fresh": ("copy", _copied),
    "index_add": ("index_add", _added_at),
    "repeat": ("repeat", lambda a, times: np.tile(a, tuple(times))),
    "flip": ("getitem", lambda a, dims: np.flip(a, tuple(dims))),
    "roll": ("roll", lambda a, shifts, dims=(): np.roll(a, tuple(shifts), _axes(dims))),
    "tril": ("tril", np.tril),
    "triu": ("triu", np.triu),
    "sigmoid_backward": ("multiply", lambda sent, a: sent * (1 - a) * a),
    "tanh_backward": ("multiply", lambda sent, a: sent * (1 - a * a)),
    "threshold_backward": ("where", lambda sent, a, at: np.where(a > at, sent, 0)),
    **LOSSES,
}
"""What NumPy calls any other operation, or what it is known as; and its function."""


def operation_of(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """An operator of torch as an operation; without a function if only torch has one.

    Args:
        name: of the operator, without the mark of a form that writes in place.
        args: as torch has them.
        kwargs: the same by their names.
    """
    if name in REDUCTIONS:
        return *REDUCTIONS[name], args[:1], _axis_of(args[1:], kwargs)
    name, args, kwargs = _one_sided(args, kwargs) if name == "clamp" else (name, args, kwargs)
    ufunc = UFUNCS.get(name) or (OF_TRUTHS.get(name) if _are_truths(args) else None)
    if ufunc is not None:
        more = {"rsub": args[::-1], "reciprocal": (1, *args), "relu": (*args, 0)}
        return ufunc.__name__, None if kwargs else ufunc, more.get(name, args), kwargs
    return *FUNCTIONS.get(name, (name, None)), args, kwargs


def _axis_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a reduction behind its array, as NumPy has them."""
    given = dict(zip(("dim", "keepdim"), args, strict=False)) | kwargs
    dim = given.get("dim")
    axis = tuple(dim) or None if isinstance(dim, list | tuple) else dim
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    return {"axis": axis, **({"keepdims": True} if given.get("keepdim") else {})}


def _one_sided(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A limit on one side as a maximum or a minimum."""
    given = dict(zip(("min", "max"), args[1:], strict=False)) | kwargs
    limits = [(key, value) for key, value in given.items() if value is not None]
    if len(limits) != 1:
        return "clamp", args, kwargs
    return f"clamp_{limits[0][0]}", (args[0], limits[0][1]), {}


def _are_truths(given: Any) -> bool:
    """Whether all arrays among some arguments hold truth values."""
    arrays = [each.value if type(each) is Node else each for each in given]
    kinds = {each.dtype.kind for each in arrays if isinstance(each, np.ndarray)}
    return kinds == {"b"}


COPIES = ("copy", "fill", "zero")
"""Operations that write into a tensor without reading it."""


def inexact(name: str) -> Callable[..., Any]:
    """Stands for an operation that has no counterpart."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise TypeError(f"torch's {name} has no exact counterpart")

    refuse.__name__ = name
    return refuse
