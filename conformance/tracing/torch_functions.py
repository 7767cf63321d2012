"""What does to arrays of exact numbers what an operation of torch does to tensors.

The names are those of torch's operators (`aten::NAME`), to which all of its functions and methods
come down; their arguments are as torch hands them over. Left out: what only shows other numbers of
the same memory, which needs no function (`tensors.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.tracing.torch_losses import LOSSES, sigmoid
from reference.step import Array

Axes = int | Sequence[int] | None


def _axes(dim: Axes) -> int | tuple[int, ...] | None:
    if dim is None or isinstance(dim, int):
        return dim
    return tuple(dim) or None


def _add(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a + b * alpha


def _subtract(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a - b * alpha


def _reverse_subtract(a: Any, b: Any, alpha: Any = 1) -> Any:
    return b - a * alpha


def _divide(a: Any, b: Any, rounding_mode: None = None) -> Any:
    if rounding_mode is not None:
        raise TypeError("a division that rounds")
    return np.divide(a, b)


def _sum(a: Any, dim: Axes = None, keepdim: Any = False, **_: Any) -> Any:
    return np.sum(a, axis=_axes(dim), keepdims=keepdim)


def _mean(a: Any, dim: Axes = None, keepdim: Any = False, **_: Any) -> Any:
    total = np.sum(a, axis=_axes(dim), keepdims=keepdim)
    return total / (np.size(a) // np.size(total))


def _prod(a: Any, dim: Axes = None, keepdim: Any = False, **_: Any) -> Any:
    return np.prod(a, axis=_axes(dim), keepdims=keepdim)


def _norm(a: Any, order: Any = 2, dim: Axes = None, keepdim: Any = False, **_: Any) -> Any:
    if order not in (None, 2):
        raise TypeError(f"a norm of order {order}")
    return np.sqrt(np.sum(np.square(a), axis=_axes(dim), keepdims=keepdim))


def _added_product(c: Any, a: Any, b: Any = None, beta: Any = 1, alpha: Any = 1) -> Any:
    return c + a if b is None else c * beta + (a @ b) * alpha


def _added_outer(c: Any, a: Any, b: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return c * beta + np.multiply.outer(a, b) * alpha


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
    apart = np.square(a - _mean(a, dim, keepdim=True))
    total = _sum(apart, dim, keepdim)
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


def _gather(a: Any, dim: int, index: Array, **_: Any) -> Any:
    return np.take_along_axis(np.asarray(a), index, axis=dim)


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


def _repeated(a: Any, times: Sequence[int]) -> Any:
    return np.tile(a, tuple(times))


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("add", _add),
    "sub": ("subtract", _subtract),
    "rsub": ("subtract", _reverse_subtract),
    "div": ("divide", _divide),
    "neg": ("negative", np.negative),
    "abs": ("absolute", np.absolute),
    "sign": ("sign", np.sign),
    "exp": ("exp", np.exp),
    "expm1": ("expm1", np.expm1),
    "log": ("log", np.log),
    "log1p": ("log1p", np.log1p),
    "log2": ("log2", np.log2),
    "log10": ("log10", np.log10),
    "sin": ("sin", np.sin),
    "cos": ("cos", np.cos),
    "tanh": ("tanh", np.tanh),
    "sinh": ("sinh", np.sinh),
    "cosh": ("cosh", np.cosh),
    "sqrt": ("sqrt", np.sqrt),
    "rsqrt": ("reciprocal", lambda a: 1 / np.sqrt(a)),
    "round": ("round", lambda a, decimals=0: np.round(a, decimals)),
    "square": ("square", np.square),
    "sigmoid": ("expit", sigmoid),
    "log_sigmoid_forward": ("log", lambda z: (np.log(sigmoid(z)), np.zeros(0))),
    "softplus": ("log1p", lambda z, beta=1, *_: np.log1p(np.exp(z * beta)) / beta),
    "leaky_relu": ("where", lambda a, slope=0.01: np.where(a > 0, a, a * slope)),
    "leaky_relu_backward": ("where", lambda sent, a, slope, _: np.where(a > 0, sent, sent * slope)),
    "silu": ("multiply", lambda z: z * sigmoid(z)),
    "clamp": ("clip", _clamp),
    "where": ("where", np.where),
    "sum": ("add.reduce", _sum),
    "mean": ("mean", _mean),
    "prod": ("multiply.reduce", _prod),
    "cumsum": ("cumsum", lambda a, dim, **_: np.cumsum(a, axis=dim)),
    "amax": ("max", lambda a, dim=None, keepdim=False: np.max(a, _axes(dim), keepdims=keepdim)),
    "amin": ("min", lambda a, dim=None, keepdim=False: np.min(a, _axes(dim), keepdims=keepdim)),
    "max": ("max", _extreme("max")),
    "min": ("min", _extreme("min")),
    "var": ("var", _variance),
    "std": ("std", lambda a, dim=None, **named: np.sqrt(_variance(a, dim, **named))),
    "trace": ("trace", np.trace),
    "linalg_vector_norm": ("norm", _norm),
    "norm": ("norm", _norm),
    "mm": ("matmul", np.matmul),
    "bmm": ("matmul", np.matmul),
    "mv": ("matmul", np.matmul),
    "dot": ("matmul", np.matmul),
    "vdot": ("matmul", np.matmul),
    "addmm": ("add", _added_product),
    "addmv": ("add", _added_product),
    "baddbmm": ("add", _added_product),
    "addr": ("addr", _added_outer),
    "lerp": ("lerp", lambda a, b, weight: a + (b - a) * weight),
    "cat": ("concatenate", lambda parts, dim=0: np.concatenate(parts, axis=dim)),
    "stack": ("stack", lambda parts, dim=0: np.stack(parts, axis=dim)),
    "index": ("getitem", _index),
    "index_select": ("getitem", lambda a, dim, index: np.take(a, index, axis=dim)),
    "index_put": ("put", _put),
    "_index_put_impl": ("put", _put),
    "gather": ("getitem", _gather),
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
    "repeat": ("repeat", _repeated),
    "flip": ("getitem", lambda a, dims: np.flip(a, tuple(dims))),
    "roll": ("roll", lambda a, shifts, dims=(): np.roll(a, tuple(shifts), _axes(dims))),
    "tril": ("tril", np.tril),
    "triu": ("triu", np.triu),
    "sigmoid_backward": ("multiply", lambda sent, a: sent * (1 - a) * a),
    "tanh_backward": ("multiply", lambda sent, a: sent * (1 - a * a)),
    "threshold_backward": ("where", lambda sent, a, at: np.where(a > at, sent, 0)),
    **LOSSES,
}
"""What NumPy calls an operation, or what it is known as; and its function."""

COPIES = ("copy", "fill", "zero")
"""Operations that write into a tensor without reading it."""


def inexact(name: str) -> Callable[..., Any]:
    """Stands for an operation that has no counterpart."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise TypeError(f"torch's {name} has no exact counterpart")

    refuse.__name__ = name
    return refuse
