"""The derivative that a gradient is compared with: in its shape, symmetric, or without a diagonal.

Left out: the comparison (`judge_gradients.py`).
"""

import numpy as np

from reference.step import Array


def comparable(right: Array, given: Array, parameter: Array) -> Array:
    """A derivative in the shape of what is given; its symmetric part, of a symmetric parameter.

    A symmetric matrix stays so by the symmetric part alone, as couplings do, and one without a
    diagonal by the other entries.
    """
    right = in_shape(right, np.shape(given))
    if right.shape != np.shape(given):
        return right
    if is_symmetric(given) and is_symmetric(parameter):
        right = (right + right.T) / 2
    if has_no_diagonal(given) and np.any(given) and has_no_diagonal(parameter):
        right = right * (1 - np.eye(len(right)))
    return right


def is_whole(compared: Array, right: Array) -> bool:
    """Whether a gradient is compared with the whole derivative, and not with a part of it."""
    return np.array_equal(np.ravel(compared), np.ravel(right))


def in_shape(right: Array, given: tuple[int, ...]) -> Array:
    """A gradient in the shape that is given, if it is taken off entry by entry: (n,) off (1, n)."""
    ones = right.ndim - len(given)
    alike = given == right.shape[ones:] and right.shape[:ones] == (1,) * ones
    return right.reshape(given) if alike else right


def is_symmetric(array: Array) -> bool:
    """Whether a matrix is symmetric, to the last digit, and not 0 everywhere."""
    square = np.ndim(array) == 2 and len({*np.shape(array)}) == 1 and np.any(array)  # noqa: PLR2004
    return bool(square and np.size(array) > 1 and np.array_equal(array, np.transpose(array)))


def has_no_diagonal(array: Array) -> bool:
    """Whether the diagonal of a square matrix of several numbers is 0."""
    square = np.ndim(array) == 2 and len({*np.shape(array)}) == 1  # noqa: PLR2004 - a matrix
    return bool(square and np.size(array) > 1 and not np.any(np.diagonal(array)))
