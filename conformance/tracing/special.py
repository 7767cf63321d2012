"""Functions of SciPy in operations that a trace knows: for all real arrays they give the same.

And those of `math` that NumPy has not, such as erf. Left out: everything else of SciPy.
"""

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import numpy as np


def expit(x: Any, *_: Any, **__: Any) -> Any:
    """σ(x) = 1 / (1 + e^−x), which is `scipy.special.expit`."""
    return 1.0 / (1.0 + np.exp(-x))


def softmax(x: Any, axis: Any = None) -> Any:
    """e^x / Σ e^x along an axis, which is `scipy.special.softmax`."""
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def logsumexp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """ln Σ e^a along an axis, which is `scipy.special.logsumexp`."""
    most = np.max(a, axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(a - most), axis=axis, keepdims=True)) + most
    return total if keepdims else np.squeeze(total, axis=axis)


def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0
) -> Any:
    """out[i, j] = Σ in1[i + k, j + l] in2[k, l], which is `scipy.signal.correlate2d`."""
    if mode == "valid" and _is_within(in1, in2):
        return correlate2d(in2, in1, mode)[::-1, ::-1]
    before = [
        (n - 1 if mode == "full" else (n - 1) // 2 if mode == "same" else 0) for n in in2.shape
    ]
    after = [n - 1 - k if mode == "same" else k for n, k in zip(in2.shape, before, strict=True)]
    return _slid(in1, in2, list(zip(before, after, strict=True)), boundary, fillvalue)


def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: float = 0
) -> Any:
    """out[i, j] = Σ in1[i − k, j − l] in2[k, l], which is `scipy.signal.convolve2d`."""
    if mode == "valid" and _is_within(in1, in2):
        return convolve2d(in2, in1, mode)
    margins = [
        {"full": (n - 1, n - 1), "same": (n // 2, (n - 1) // 2)}.get(mode, (0, 0))
        for n in in2.shape
    ]
    return _slid(in1, in2[::-1, ::-1], margins, boundary, fillvalue)


def _is_within(in1: Any, in2: Any) -> bool:
    """Whether one array fits into another.

    Raises:
        ValueError: neither fits into the other.
    """
    smaller = [a < b for a, b in zip(in1.shape, in2.shape, strict=True)]
    larger = [a > b for a, b in zip(in1.shape, in2.shape, strict=True)]
    if any(smaller) and any(larger):
        raise ValueError("in 'valid' mode one array has to be at least as large as the other")
    return any(smaller)


def _slid(
    image: Any, kernel: Any, margins: list[tuple[int, int]], boundary: str, fillvalue: float
) -> Any:
    """The sums of products of a kernel with each part of an image that it covers."""
    if any(map(any, margins)):
        how = {"wrap": "wrap", "symm": "symmetric"}.get(boundary)
        image = (
            np.pad(image, margins, constant_values=fillvalue)
            if how is None
            else np.pad(image, margins, mode=how)  # type: ignore[call-overload]
        )
    (h, w), (kh, kw) = image.shape, kernel.shape
    rows = np.arange(h - kh + 1)[:, None, None, None] + np.arange(kh)[:, None]
    columns = np.arange(w - kw + 1)[:, None, None] + np.arange(kw)
    return np.tensordot(image[rows, columns], kernel)


def of_each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    """A function of `math` of each number of an array; exact numbers have one by its name."""
    exact = np.frompyfunc(methodcaller(function.__name__), 1, 1)
    floats = np.vectorize(function, otypes=[float])
    return lambda x: (exact if np.asarray(x).dtype.hasobject else floats)(x)


KNOWN = {"expit": expit}
"""What stands for a universal function of SciPy, by its name."""

MODULES: dict[str, dict[str, Any]] = {
    "scipy.special": {"expit": expit, "softmax": softmax, "logsumexp": logsumexp},
    "scipy.signal": {"correlate2d": correlate2d, "convolve2d": convolve2d},
}
"""What stands for functions of SciPy, by module and name."""
