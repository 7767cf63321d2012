"""Starting values that are the same bytes on every machine.

Numbers come from the raw integers of a bit generator, whose stream NumPy promises not to change,
and become normals by the exact quantile function in balls, correctly rounded. No libm, no BLAS and
no distribution method of a generator, all of which may change, takes part.

Left out: which case uses which numbers (`cases`).
"""

from collections.abc import Sequence
from itertools import pairwise

import flint
import numpy as np
from numpy.typing import DTypeLike

from conformance.arithmetic.balls import rounded, until_decided
from reference.step import Array, Parameters


def raw(seed: int, count: int) -> list[int]:
    """The first `count` 64-bit integers of PCG64 with this seed."""
    return [int(number) for number in np.random.PCG64(seed).random_raw(count)]


def normals(seed: int, counts: Sequence[int], fans: Sequence[int], dtype: DTypeLike) -> Array:
    """Correctly rounded normal draws: √2 erf⁻¹(2u − 1) / √fan, u = (k + ½) / 2^53.

    Args:
        seed: of the bit generator.
        counts: how many draws of each standard deviation.
        fans: the inverse squares of those standard deviations, 1 for the standard normal.
        dtype: float64 or float32.
    """
    odd = [2 * (number >> 11) + 1 - (1 << 53) for number in raw(seed, sum(counts))]  # (2u−1) 2^53
    spread = [fan for count, fan in zip(counts, fans, strict=True) for _ in range(count)]

    def draw(ties: bool) -> Array:
        scales = {fan: (flint.arb(2) / fan).sqrt() for fan in set(fans)}
        exact = [
            scales[fan] * (flint.arb(k) / (1 << 53)).erfinv()
            for k, fan in zip(odd, spread, strict=True)
        ]
        return rounded(np.array(exact, dtype=object), dtype, ties=ties)

    return until_decided(draw)


def dyadics(seed: int, count: int, dtype: DTypeLike) -> Array:
    """Draws from the multiples of 1/256 in [−1, 1], exact in every dtype."""
    return np.array([(number >> 32) % 513 - 256 for number in raw(seed, count)], dtype) / 256


def drawn(sizes: Sequence[int], seed: int, dtype: DTypeLike, *, scaled: bool = False) -> Parameters:
    """Normal parameters, biases and weights layer by layer, row by row.

    Args:
        sizes: neurons of each layer.
        seed: of the bit generator.
        dtype: float64 or float32.
        scaled: weights of standard deviation 1/√n_{l−1}, as in the book's chapter 3, in place of 1.
    """
    shapes = [shape for below, n in pairwise(sizes) for shape in ((n, 1), (n, below))]
    counts = [rows * columns for rows, columns in shapes]
    fans = [columns if scaled else 1 for _, columns in shapes]  # a bias has one column: 1
    parts = np.split(normals(seed, counts, fans, dtype), np.cumsum(counts)[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return Parameters(w=tuple(arrays[1::2]), b=tuple(arrays[0::2]))
