"""Loss scaling: recognised and said; a scale that is left in the update is the mistake.

The programs are one network in float16, whose output error is multiplied by S.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from conformance.api import check
from conformance.report.book_report import Report
from conformance.tests.parts import part
from conformance.tests.support import with_equations
from reference.equations import BOOK, sigmoid
from reference.step import Array

CASES = ("hand-2-3-1", "layout-3-2-4", "expanding-2-3-2")
SCALES = (8, 1024, 32768)


def network(scale: float, *, returned: float = 1, update: float = 1) -> type:
    """The book's network, its errors scaled; what it returns and the update are divided."""

    class Network:
        def __init__(self, sizes: Any) -> None:
            self.sizes, self.num_layers = sizes, len(sizes)
            self.biases = [np.zeros((n, 1)) for n in sizes[1:]]
            self.weights = [np.zeros((n, k)) for k, n in pairwise(sizes)]

        def feedforward(self, a: Array) -> Array:
            for b, w in zip(self.biases, self.weights, strict=True):
                a = sigmoid(w @ a + b)
            return a

        def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
            a = [x]
            for b, w in zip(self.biases, self.weights, strict=True):
                a.append(sigmoid(w @ a[-1] + b))
            delta = scale * (a[-1] - y) * a[-1] * (1 - a[-1])
            nabla_b, nabla_w = [delta / returned], [delta @ a[-2].T / returned]
            for w, here, below in zip(self.weights[:0:-1], a[-2:0:-1], a[-3::-1], strict=True):
                delta = (w.T @ delta) * here * (1 - here)
                nabla_b.insert(0, delta / returned)
                nabla_w.insert(0, delta @ below.T / returned)
            return nabla_b, nabla_w

        def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
            nabla_b = [0 * b for b in self.biases]
            nabla_w = [0 * w for w in self.weights]
            for x, y in mini_batch:
                of_b, of_w = self.backprop(x, y)
                nabla_b = [n + d for n, d in zip(nabla_b, of_b, strict=True)]
                nabla_w = [n + d for n, d in zip(nabla_w, of_w, strict=True)]
            step = eta / len(mini_batch) / update
            self.biases = [b - step * n for b, n in zip(self.biases, nabla_b, strict=True)]
            self.weights = [w - step * n for w, n in zip(self.weights, nabla_w, strict=True)]

    return Network


def judged(subject: object, precision: str | None) -> Report:
    """In a few small cases."""
    dtype = "float64" if precision is None else None
    return check(subject, case=CASES, dtype=dtype, precision=precision)


PRECISIONS = (None, "float16", "bfloat16")
each_precision = pytest.mark.parametrize("precision", PRECISIONS)


def pairs(scales: Sequence[int]) -> list[tuple[int, str | None]]:
    """Scales and precisions; in CI each of them in one pair."""
    return part([*product(scales, PRECISIONS)], lambda pair: pair[0], lambda pair: pair[1])


@pytest.mark.parametrize(("scale", "precision"), pairs(SCALES))
def test_scaled_gradients_that_the_update_divides_are_a_convention(
    scale: int, precision: str | None
) -> None:
    report = judged(network(scale, update=scale), precision)
    assert report.ok
    assert any(f"multiplied by {scale} (loss scaling)" in each for each in report.conventions)


@each_precision
def test_gradients_that_backprop_divides_are_a_convention(precision: str | None) -> None:
    report = judged(network(1024, returned=1024), precision)
    assert report.ok
    assert any("loss scaling" in each for each in report.conventions)


@pytest.mark.parametrize(("scale", "precision"), pairs(SCALES[:2]))
def test_a_scale_that_is_left_in_the_update_is_named(scale: int, precision: str | None) -> None:
    report = judged(network(scale), precision)
    assert [each.tag for each in report.blames] == ["B", "W"]
    assert {each.mistakes for each in report.causes} == {("loss-scale-kept",)}


def test_half_of_the_scale_is_no_scale() -> None:
    assert [each.tag for each in judged(network(1024, update=512), None).blames] == ["B", "W"]


@pytest.mark.parametrize("factor", [2.0, 4.0, 10.0, 1000.0])
def test_another_factor_is_a_wrong_equation(factor: float) -> None:
    def scaled(right: Callable[..., Array]) -> Callable[..., Array]:
        return lambda *inputs: factor * right(*inputs)

    wrong = with_equations(output_error=scaled(BOOK.output_error))
    report = judged(wrong, None)
    assert [each.tag for each in report.blames] == ["BP1"]
    assert not report.conventions
