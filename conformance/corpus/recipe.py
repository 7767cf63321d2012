"""How the numbers of a case are made: its start, its data, its training.

They are the same bytes on every machine: numbers come from the raw integers of a bit generator,
whose stream NumPy promises not to change, and become normals by the exact quantile function in
balls, correctly rounded. No libm, no BLAS and no distribution method of a generator, all of which
may change, takes part.

Left out: which cases there are (`cases`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

import flint
import numpy as np
from numpy.typing import DTypeLike

from conformance.arithmetic.balls import rounded, until_decided
from conformance.corpus.case import Case
from conformance.model.update_kinds import SGD
from reference.step import Array, Batch, Parameters


def raw(seed: int, count: int) -> list[int]:
    """The first `count` 64-bit integers of PCG64 with this seed."""
    return [int(number) for number in np.random.PCG64(seed).random_raw(count)]


def _normals(seed: int, counts: Sequence[int], fans: Sequence[int], dtype: DTypeLike) -> Array:
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
    parts = np.split(_normals(seed, counts, fans, dtype), np.cumsum(counts)[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    return Parameters(w=tuple(arrays[1::2]), b=tuple(arrays[0::2]))


Start = Callable[[DTypeLike], Parameters]
Data = Callable[[DTypeLike], Batch]
Rows = list[list[float]]


@dataclass(frozen=True)
class Mnist:
    """Images of the embedded training set, from this one on, in place of written or drawn data."""

    first: int


@dataclass(frozen=True)
class Training:
    """So many correctly rounded steps before the first, on the embedded images from 0 on."""

    steps: int
    m: int


@dataclass(frozen=True)
class Recipe:
    """A case, and how its numbers are made in a dtype."""

    case: Case
    start: Start
    data: Data | Mnist
    training: Training | None = None

    def in_float32(self) -> "Recipe":
        """The same case in float32, where float32 inside is no mistake."""
        id_ = f"{self.case.id}-float32"
        catches = tuple(each for each in self.case.catches if each != "float32-inside")
        return replace(self, case=replace(self.case, id=id_, dtype="float32", catches=catches))


def recipe(
    name: str,
    sizes: tuple[int, ...],
    batches: tuple[tuple[int, ...], ...],
    start: Start,
    data: Data | Mnist,
    *,
    why: str,
    catches: tuple[str, ...],
    cost: str = "quadratic",
    eta: float = 1.0,
    lmbda: float = 0.0,
    n: int | None = None,
    training: Training | None = None,
    activations: tuple[str, ...] = (),
    update: str = SGD,
    constants: Mapping[str, float] = MappingProxyType({}),
) -> Recipe:
    """The recipe of a float64 case; n is the number of its samples if it is not given."""
    used = len({sample for batch in batches for sample in batch})
    rates = eta, lmbda, n or used
    case = Case(
        *(name, sizes, cost, *rates, "float64", batches, why, catches, activations),
        update=update,
        constants=tuple(constants.items()),
    )
    return Recipe(case, start, data, training)


def given(w: list[Rows], b: Rows) -> Start:
    """Written parameters; the biases of a layer are a flat list."""

    def start(dtype: DTypeLike) -> Parameters:
        return Parameters(
            tuple(np.array(each, dtype) for each in w),
            tuple(np.array(each, dtype).reshape(-1, 1) for each in b),
        )

    return start


def samples(x: Rows, y: Rows) -> Data:
    """Written samples and targets, one a row here and one a column in the batch."""
    return lambda dtype: Batch(np.array(x, dtype).T, np.array(y, dtype).T)


def normal(sizes: tuple[int, ...], seed: int, *, scaled: bool = False) -> Start:
    """Correctly rounded normal parameters, standard or scaled to the fan-in."""
    return lambda dtype: drawn(sizes, seed, dtype, scaled=scaled)


def uniform(sizes: tuple[int, ...], n: int, seed: int) -> Data:
    """n inputs in [−1, 1] and real-valued targets in [0, 1], multiples of 1/512."""

    def data(dtype: DTypeLike) -> Batch:
        numbers = dyadics(seed, (sizes[0] + sizes[-1]) * n, dtype).reshape(-1, n)
        return Batch(numbers[: sizes[0]], (numbers[sizes[0] :] + 1) / 2)

    return data


def masked(data: Data, hidden: tuple[int, ...], kept: float, seed: int) -> Data:
    """The same with masks of hidden layers of these sizes: 0, or what a kept neuron has.

    About a third of the neurons is left out, of each sample others.
    """

    def masked_data(dtype: DTypeLike) -> Batch:
        batch = data(dtype)
        drawn = (dyadics(seed + i, n * batch.m, dtype) for i, n in enumerate(hidden))
        shapes = ((n, batch.m) for n in hidden)
        masks = ((each > -1 / 3).reshape(shape) for each, shape in zip(drawn, shapes, strict=True))
        return replace(batch, masks=tuple(kept * each.astype(dtype) for each in masks))

    return masked_data


def consecutive(*lengths: int) -> tuple[tuple[int, ...], ...]:
    """Mini-batches of these lengths, one after the other through the data."""
    ends = [sum(lengths[: t + 1]) for t in range(len(lengths))]
    return tuple(tuple(range(end - m, end)) for m, end in zip(lengths, ends, strict=True))
