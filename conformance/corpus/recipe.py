"""How the numbers of a case are made: its start, its data, its training.

Left out: which cases there are (`cases`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike

from conformance.corpus.case import Case
from conformance.corpus.starts import drawn, dyadics
from conformance.model.updates import SGD
from reference.step import Batch, Parameters

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
