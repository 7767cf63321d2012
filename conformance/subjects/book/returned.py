"""What backprop returns for each sample.

Left out: what is right, and what it does beside that (`conduct.py`).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.model.update_kinds import SGD
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.near import CLOSE, alike
from conformance.subjects.observation import Observed
from conformance.verdict.oracle import expectations
from reference.step import Array, Batch, Parameters

Parts = dict[str, list[Array]]
"""The gradients of the single samples, by the names of the mini-batch's."""


def returned(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Parts:
    """The gradients that backprop returns, each sample on a new network."""
    parts: Parts = {}
    for i in range(batch.m):
        net = network.begun(case, start)
        x, y = (network.numbers.out(np.array(each[:, [i]])) for each in (batch.x, batch.y))
        pair = network.backprop(net, x, y, network.masks_of(net, batch, i))
        for name, array in _named(pair).items():
            parts.setdefault(name, []).append(array)
    return parts


def _named(pair: tuple[list[Any], list[Any]]) -> dict[str, Array]:
    """The gradients (∇b, ∇w) of a sample by their names."""
    return {
        f"{quantity}{layer}": np.array(array)
        for quantity, arrays in zip(("nabla_b", "nabla_w"), pair, strict=True)
        for layer, array in enumerate(arrays, 2)
    }


def means(parts: Parts, dtype: str) -> dict[str, RunningError]:
    """The means of the samples' gradients, of those that have one shape."""
    return {
        name: _mean(each, dtype)
        for name, each in parts.items()
        if len({np.shape(part) for part in each}) == 1
    }


def means_apart(
    parts: Parts, case: Case, start: Parameters, batch: Batch
) -> dict[str, RunningError]:
    """The means of the samples' gradients, as far as an update that is not seen has the same.

    Its passes may take all samples at once, whose products are rounded otherwise from z on: both
    are as near to what is exact as the tolerance of the step says.
    """
    plain = replace(case, update=SGD, constants=())  # of the gradients alone
    expected = expectations(plain, start, batch)
    found = means(parts, case.dtype)
    return {
        name: _widened(mean, expected[name])
        if mean.value.shape == expected[name].value.shape
        else mean
        for name, mean in found.items()
    }


def _widened(mean: RunningError, expected: RunningError) -> RunningError:
    bound = mean.bound + 2 * np.nan_to_num(expected.tolerance(), posinf=0.0)
    return RunningError(mean.value, bound, mean.precision)


def errors(parts: Parts) -> dict[str, Observed]:
    """δ of each layer, which is what backprop of one sample gives as its ∇b."""
    return {
        f"delta{name.removeprefix('nabla_b')}": np.hstack(each)
        for name, each in parts.items()
        if name.startswith("nabla_b")
    }


def are_of_one_error(parts: Parts, dtype: str) -> bool:
    """Whether each ∇w of a sample is made of its ∇b: its rows are one row times an entry of that.

    If not, either is made of something else than δ, which is not seen then.
    """

    def same(b: Array, w: Array) -> bool:
        largest = int(np.argmax(np.abs(b)))
        return alike(w * b[largest], b * w[largest], CLOSE[dtype])

    layers = (name.removeprefix("nabla_b") for name in parts if name.startswith("nabla_b"))
    pairs = (zip(parts[f"nabla_b{n}"], parts[f"nabla_w{n}"], strict=True) for n in layers)
    return all(same(b, w) for each in pairs for b, w in each)


def misshapen(pair: tuple[list[Any], list[Any]], start: Parameters) -> dict[str, Observed]:
    """The gradients (∇b, ∇w) of a sample that do not have the shape of their parameters."""
    shapes = {f"nabla_{name}": array.shape for name, array in start.named()}
    named = _named(pair)
    return {name: each for name, each in named.items() if each.shape != shapes[name]}


def _mean(parts: list[Array], dtype: str) -> RunningError:
    """The mean of the samples' gradients, with the bound of any order of summation.

    An update that takes all samples at once rounds their products otherwise than one by one.
    """
    numbers = np.stack([np.asarray(part, dtype=np.float64) for part in parts])
    mean: RunningError = RunningError.exact(numbers, dtype).sum(axis=0) / len(parts)
    together = mean.precision.unit * (len(parts) + 6) * np.abs(numbers).mean(axis=0)
    return RunningError(mean.value, np.maximum(mean.bound, together), mean.precision)
