"""Starting values that are the same bytes on every machine.

Numbers come from the raw integers of a bit generator, whose stream NumPy promises not to change,
and become normals by the exact quantile function in balls, correctly rounded. No libm, no BLAS and
no distribution method of a generator, all of which may change, takes part.

Left out: which case uses which numbers (`conformance.cases`).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import flint
import numpy as np
from numpy.typing import DTypeLike

from conformance.arithmetic.balls import rounded, until_decided
from reference.step import Array, Parameters


def raw(seed: int, count: int) -> list[int]:
    """The first `count` 64-bit integers of PCG64 with this seed."""
    return [int(number) for number in np.random.PCG64(seed).random_raw(count)]


def normals(seed: int, count: int, dtype: DTypeLike) -> Array:
    """Correctly rounded draws from a standard normal: √2 erf⁻¹(2u − 1), u = (k + ½) / 2^53."""
    odd = [2 * (number >> 11) + 1 - (1 << 53) for number in raw(seed, count)]  # (2u − 1) 2^53

    def draw(ties: bool) -> Array:  # noqa: FBT001 - the argument of until_decided
        scale = flint.arb(2).sqrt()
        exact = [scale * (flint.arb(k) / (1 << 53)).erfinv() for k in odd]
        return rounded(np.array(exact, dtype=object), dtype, ties=ties)

    return until_decided(draw)


def dyadics(seed: int, count: int, dtype: DTypeLike) -> Array:
    """Draws from the multiples of 1/256 in [−1, 1], exact in every dtype."""
    return np.array([(number >> 32) % 513 - 256 for number in raw(seed, count)], dtype) / 256


def drawn(
    sizes: Sequence[int], numbers: Callable[[int, int, DTypeLike], Array], seed: int, dtype: DTypeLike
) -> Parameters:
    """Parameters filled with drawn numbers, biases and weights layer by layer, row by row."""
    shapes = [shape for below, n in pairwise(sizes) for shape in ((n, 1), (n, below))]
    counts = [rows * columns for rows, columns in shapes]
    parts = np.split(numbers(seed, sum(counts), dtype), np.cumsum(counts)[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return Parameters(w=tuple(arrays[1::2]), b=tuple(arrays[0::2]))
