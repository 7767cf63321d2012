"""The numbers on which the quantities of a run are looked for: no two have anything in common.

Left out: the runs (`stepped.py`), and the search (`pattern.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from conformance.corpus.case import Case
from conformance.model.functions import DROPOUT, SIGMOID
from conformance.model.table import of_layers
from reference.backprop import errors, feedforward
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters

LABELLED = "log-likelihood"

LAYERS = range(2, 8)
"""Numbers of layers that are tried, to see for which a program is written."""


DRAWS = 200
"""Numbers that are drawn until their signs are mixed."""


class Draw(NamedTuple):
    """Which numbers are drawn.

    Attributes:
        seed: other numbers for another seed.
        scale: of the weights and biases, a power of two or its negative.
    """

    seed: int = 7
    scale: float = 1.0


FIRST = Draw()


def generic(
    case: Case, m: int, sizes: Sequence[int], draw: Draw = FIRST
) -> tuple[Case, Parameters, Batch]:
    """A case of these sizes with numbers of which no two have anything in common.

    z and δ of each sample have both signs, as far as that is met, so that what depends on a sign
    shows. η is a multiple of m and λ one of n, by powers of two, so that no scalar is rounded.

    Args:
        case: for cost, dtype and rates.
        m: the number of samples.
        sizes: of the layers.
        draw: which numbers.
    """
    like = case.cost, case.activations
    start, batch = _with_signs(draw.seed, case.type, m, tuple(sizes), *like)
    start = start.map(lambda each: each * each.dtype.type(draw.scale))
    return generic_case(case, m, sizes), start, batch.map(np.copy)


def _generic_masks(sizes: Sequence[int], m: int, dtype: "np.dtype[Any]") -> tuple[Array, ...]:
    """Masks of hidden layers: 2, but for one neuron of four, of each sample another."""
    places = (np.add.outer(np.arange(n), np.arange(m)) for n in sizes[1:-1])
    return tuple((2 * (each % 4 != 1)).astype(dtype) for each in places)


def generic_case(case: Case, m: int, sizes: Sequence[int]) -> Case:
    """A case of these sizes, of which no rate is rounded; see `generic`."""
    lmbda = case.n * 0.15625 if case.lmbda else 0.0
    return replace(case, sizes=tuple(sizes), eta=m * 0.3125, lmbda=lmbda)


def _drawn(
    rng: np.random.Generator,
    dtype: "np.dtype[Any]",
    m: int,
    sizes: Sequence[int],
    *,
    labelled: bool,
) -> tuple[Parameters, Batch]:
    """Numbers, and targets in (0, 1), or classes of which each occurs."""
    bits = 2.0**20 if dtype.itemsize == 4 else 2.0**44  # noqa: PLR2004 - what the floats hold

    def drawn(*shape: int) -> Array:
        return np.asarray(np.round(rng.normal(size=shape) * bits) / bits, dtype=dtype)

    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    start = Parameters(tuple(drawn(n, k) for n, k in pairs), tuple(drawn(n, 1) for n, _ in pairs))
    start = start.map(lambda each: each * dtype.type(0.5))  # for what grows layer by layer
    x, y = drawn(sizes[0], m), np.abs(drawn(sizes[-1], m)) % 1.0
    classes = np.eye(sizes[-1], dtype=dtype)[:, np.arange(m) % sizes[-1]]
    return start, Batch(x, classes if labelled else y)


@lru_cache(maxsize=64)
def _with_signs(
    seed: int,
    dtype: "np.dtype[Any]",
    m: int,
    sizes: tuple[int, ...],
    cost: str,
    activations: tuple[str, ...],
) -> tuple[Parameters, Batch]:
    """The first numbers of which z and δ have both signs in each sample, or those of the most."""
    rng = np.random.default_rng(seed)
    best, most = None, -1
    usual, masked = set(activations) == {SIGMOID}, activations[0].endswith(DROPOUT)
    masks = _generic_masks(sizes, m, dtype) if masked else ()
    book = BOOK if usual else of_layers(cost, activations)
    draws = (_drawn(rng, dtype, m, sizes, labelled=cost == LABELLED) for _ in range(DRAWS))
    for start, batch in draws:
        z, a = feedforward(start, batch.x, book, masks)
        wrong = errors(start, z, a, batch.y, book, masks)
        both = [_both_signs(each) for each in (*z, *wrong) if len(each) > 1]
        score = sum(map(np.count_nonzero, both))
        if score > most:
            best, most = (start, batch), score
        if all(each.all() for each in both):
            break
    assert best is not None  # noqa: S101 - there is one draw at least
    return best[0], replace(best[1], masks=masks)


def _both_signs(columns: Array) -> Array:
    signs: Array = np.any(columns > 0, axis=0) & np.any(columns < 0, axis=0)
    return signs


def trial_case(sizes: Sequence[int], cost: str, dtype: str = "float64", **more: Any) -> Case:
    """A case of a trial, with η = 1 and no decay."""
    return Case("trial", tuple(sizes), cost, 1.0, 0.0, 1, dtype, ((0,),), "", (), **more)


def trial_numbers(sizes: Sequence[int], m: int, dtype: str) -> tuple[Parameters, Batch]:
    """The numbers of a trial: no two are alike, and no layer is saturated."""

    def drawn(shape: tuple[int, ...], seed: int) -> Array:
        numbers: Array = np.sin(7.0 * np.arange(1, 1 + np.prod(shape)) + seed)
        return numbers.reshape(shape).astype(dtype)

    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    w = tuple(drawn(shape, i) for i, shape in enumerate(pairs))
    b = tuple(drawn((n, 1), 10 + i) for i, (n, _) in enumerate(pairs))
    x, y = drawn((sizes[0], m), 20), drawn((sizes[-1], m), 21)
    return Parameters(w, b), Batch(x, (1 + y) / 2)
