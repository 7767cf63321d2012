"""Functions of numbers, each with a form of it that loses no digits.

Left out: where a program's value is one of these (`rewrites.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

AXES = (-1, 0, None)


def _tail(z: Any) -> Any:
    """e^−|z|, which does not overflow."""
    return np.exp(-np.abs(z))


def _softplus(z: Any) -> Any:
    return np.maximum(z, 0) + np.log1p(_tail(z))


def _shifted(z: Any, axis: int | None) -> Any:
    return z - np.max(z, axis=axis, keepdims=True)


def _sum(a: Any, axis: int | None) -> Any:
    return np.sum(a, axis=axis, keepdims=True)


@dataclass(frozen=True)
class Form:
    """A function and the form of it that loses no digits.

    Attributes:
        write: the source of the form, of `z` and, if it has two arguments, `y`.
        exact: the function, of exact numbers.
        stable: the form, of floats.
        beside: the source of what it needs.
    """

    write: str
    exact: Callable[..., Any]
    stable: Callable[..., Any]
    beside: str = ""


OF_ONE = (
    Form("np.log1p({z})", lambda z: np.log(1 + z), np.log1p),
    Form("np.expm1({z})", lambda z: np.exp(z) - 1, np.expm1),
    Form(
        "np.where({z} >= 0, 1, np.exp(-abs({z}))) / (1 + np.exp(-abs({z})))",
        lambda z: 1 / (1 + np.exp(-z)),
        lambda z: np.where(z >= 0, 1, _tail(z)) / (1 + _tail(z)),
    ),
    Form(
        "np.where({z} >= 0, np.exp(-abs({z})), 1) / (1 + np.exp(-abs({z})))",
        lambda z: 1 / (1 + np.exp(z)),
        lambda z: np.where(z >= 0, _tail(z), 1) / (1 + _tail(z)),
    ),
    Form(
        "np.exp(-abs({z})) / (1 + np.exp(-abs({z})))**2",
        lambda z: np.exp(z) / ((1 + np.exp(z)) * (1 + np.exp(z))),
        lambda z: _tail(z) / (1 + _tail(z)) ** 2,
    ),
    Form("-np.logaddexp(0, -{z})", lambda z: -np.log(1 + np.exp(-z)), lambda z: -_softplus(-z)),
    Form("np.logaddexp(0, {z})", lambda z: np.log(1 + np.exp(z)), _softplus),
    Form(
        "np.tanh({z})",
        lambda z: 1 - 2 / (np.exp(2 * z) + 1),
        np.tanh,
    ),
    Form(
        "4 * np.exp(-2 * abs({z})) / (1 + np.exp(-2 * abs({z})))**2",
        lambda z: 4 / ((np.exp(z) + np.exp(-z)) * (np.exp(z) + np.exp(-z))),
        lambda z: 4 * _tail(2 * z) / (1 + _tail(2 * z)) ** 2,
    ),
)
"""Functions of each number."""


OF_TWO = (
    Form(
        "np.logaddexp(0, {z}) - {y} * {z}",
        lambda z, y: np.log(1 + np.exp(z)) - y * z,
        lambda z, y: np.maximum(z, 0) - y * z + np.log1p(_tail(z)),
    ),
)
"""Functions of each number and another."""


def _along(axis: int | None) -> tuple[Form, ...]:
    """Functions along an axis, which stays with one entry in it."""
    beside = f", with m = np.max({{z}}, axis={axis}, keepdims=True)"
    total = f"np.sum(np.exp({{z}} - m), axis={axis}, keepdims=True)"
    return (
        Form(
            f"m + np.log({total})",
            lambda z: np.log(_sum(np.exp(z), axis)),
            lambda z: z.max(axis, keepdims=True) + np.log(_sum(np.exp(_shifted(z, axis)), axis)),
            beside,
        ),
        Form(
            f"{{z}} - m - np.log({total})",
            lambda z: z - np.log(_sum(np.exp(z), axis)),
            lambda z: _shifted(z, axis) - np.log(_sum(np.exp(_shifted(z, axis)), axis)),
            beside,
        ),
        Form(
            f"np.exp({{z}} - m) / {total}",
            lambda z: np.exp(z) / _sum(np.exp(z), axis),
            lambda z: np.exp(_shifted(z, axis)) / _sum(np.exp(_shifted(z, axis)), axis),
            beside,
        ),
    )


ALONG = {axis: _along(axis) for axis in AXES}
