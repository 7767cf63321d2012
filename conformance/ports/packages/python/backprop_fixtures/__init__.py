"""The recorded cases: `cases()` lists them, `read(id)` gives the numbers of one."""

from __future__ import annotations

import json
import sys
from array import array
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import prod
from typing import Any

__all__ = ["Case", "Tensor", "cases", "read", "version"]


@dataclass(frozen=True)
class Case:
    """The description of a case; see the README for its fields.

    Attributes:
        id: its name.
        sizes: neurons of each layer, the input first.
        activations: of the layers 2 to L.
        cost: quadratic, cross-entropy or log-likelihood.
        update: sgd, momentum, nesterov, rmsprop, adam or adamw.
        constants: of the update: mu, rho, epsilon, those that it has.
        eta: the learning rate.
        lmbda: the weight decay.
        n: the size of the training set, by which lmbda is divided.
        dtype: float64 or float32.
        batches: the samples of the mini-batch of each step.
        why: the reason for which the case exists.
        catches: known mistakes that it shows.
        quantities: the names of what a step computes, in causal order.
    """

    id: str
    sizes: list[int]
    activations: list[str]
    cost: str
    update: str
    constants: dict[str, float]
    eta: float
    lmbda: float
    n: int
    dtype: str
    batches: list[list[int]]
    why: str
    catches: list[str]
    quantities: list[str]


@dataclass(frozen=True)
class Tensor:
    """A matrix, row-major; the numbers of a float32 case are doubles too, and exact.

    Attributes:
        shape: rows and columns; empty of the cost.
        data: the numbers, of type "d"; `numpy.asarray(data).reshape(shape)` is an array of them.
    """

    shape: list[int]
    data: array[float]


@cache
def _index() -> dict[str, Any]:
    index: dict[str, Any] = json.loads(files(__name__).joinpath("cases.json").read_bytes())
    if index["schema_version"] != 1:
        raise ValueError(f"schema version {index['schema_version']}, not 1")
    return index


@cache
def _bytes() -> bytes:
    return files(__name__).joinpath("cases.bin").read_bytes()


def version() -> str:
    """The version of the corpus, which is that of this package."""
    return str(_index()["version"])


def cases() -> list[Case]:
    """Every case, without its numbers."""
    inner = ("offset", "tensors")
    return [
        Case(**{name: value for name, value in each.items() if name not in inner})
        for each in _index()["cases"]
    ]


def read(id_: str) -> dict[str, Tensor]:
    """The tensors of a case by their names: `w2`, `0/x`, `0/z2`, `bound/0/z2`, …

    Raises:
        KeyError: there is no such case.
    """
    for each in _index()["cases"]:
        if each["id"] == id_:
            return _numbers(each)
    raise KeyError(f"there is no case {id_}")


def _numbers(case: dict[str, Any]) -> dict[str, Tensor]:
    tensors, at = {}, case["offset"]
    for name, shape, *tolerance in case["tensors"]:
        for each in (name, f"bound/{name}") if tolerance else (name,):
            numbers = array("f" if case["dtype"] == "float32" else "d")
            end = at + prod(shape) * numbers.itemsize
            numbers.frombytes(_bytes()[at:end])
            if sys.byteorder == "big":
                numbers.byteswap()
            tensors[each] = Tensor(list(shape), array("d", numbers))
            at = end
    return tensors
