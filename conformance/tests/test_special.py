"""The functions that stand for SciPy's: by their definitions, in plain loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.tracing.special import convolve2d, correlate2d, logsumexp, softmax

RNG = np.random.default_rng(8)


def full(one: Any, other: Any, sign: int) -> Any:
    """The sums over all overlaps; the other one is turned where the sign is −1."""
    (h, w), (kh, kw) = one.shape, other.shape
    turned = other if sign > 0 else other[::-1, ::-1]
    out = np.zeros((h + kh - 1, w + kw - 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(kh):
                for n in range(kw):
                    row, column = i + k - kh + 1, j + n - kw + 1
                    if 0 <= row < h and 0 <= column < w:
                        out[i, j] += one[row, column] * turned[k, n]
    return out


@pytest.mark.parametrize(("function", "sign"), [(correlate2d, 1), (convolve2d, -1)])
def test_the_sums_are_those_over_all_overlaps(function: Callable[..., Any], sign: int) -> None:
    one, other = RNG.normal(size=(6, 5)), RNG.normal(size=(3, 3))
    whole = full(one, other, sign)
    np.testing.assert_allclose(function(one, other), whole)
    np.testing.assert_allclose(function(one, other, "same"), whole[1:-1, 1:-1])
    np.testing.assert_allclose(function(one, other, "valid"), whole[2:-2, 2:-2])
    turned = whole[2:-2, 2:-2][::sign, ::sign][::-1, ::-1]  # convolution commutes
    np.testing.assert_allclose(function(other, one, "valid"), turned)


@pytest.mark.parametrize("function", [correlate2d, convolve2d])
def test_neither_fits_into_the_other(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="at least as large"):
        function(np.ones((3, 5)), np.ones((4, 2)), "valid")


def test_softmax_and_its_logarithm_agree() -> None:
    x = RNG.normal(size=(3, 4))
    np.testing.assert_allclose(np.log(softmax(x, axis=1)), x - logsumexp(x, axis=1, keepdims=True))
    np.testing.assert_allclose(softmax(x).sum(), 1)
