"""A scalar that was rounded before it met an array is admitted, and nothing else is."""

from collections.abc import Callable

import numpy as np
import pytest

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import to_balls
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks import book
from conformance.tests.networks.book import Array, Pairs
from conformance.tests.support import exactly, recorded
from conformance.verdict.apart import EXACT, moved, relative, rescaled

UNIT = 2.0**-50
SOME = np.array([[0.5, -1.25, 3.0], [0.125, 2.0, -0.75]])
BEFORE = np.array([[1.5, 0.25, -2.0], [0.375, -1.0, 0.625]])


def off(own: Array, right: Array) -> float:
    """How far balls of 400 bits are apart."""
    found = relative(own, right)
    assert found is not None
    return found


def test_a_common_factor_of_a_few_roundings_is_admitted() -> None:
    with precision(400):
        right = to_balls(SOME)
        own = right * (1 + 2.0**-52)
        assert off(own, right) > EXACT
        assert off(own, rescaled(right, own, UNIT)) <= EXACT


@pytest.mark.parametrize(
    "error", [2.0**-52 * np.arange(6).reshape(2, 3), 2.0**-40 * np.ones((2, 3))]
)
def test_factors_that_differ_or_are_too_large_are_not(error: Array) -> None:
    with precision(400):
        right = to_balls(SOME)
        own = right * (1 + to_balls(error))
        assert off(own, rescaled(right, own, UNIT)) > EXACT


def test_of_parameters_the_decay_and_the_rate_may_be_rounded_each() -> None:
    with precision(400):
        before, nabla = to_balls(BEFORE), to_balls(SOME)
        right = before * 0.75 - nabla * 0.5
        own = before * (0.75 + 2.0**-54) - nabla * (0.5 + 2.0**-53)
        assert off(own, right) > EXACT
        assert off(own, moved(right, own, before, UNIT)) <= EXACT
        own = before * 0.75 - nabla * (0.5 + 2.0**-40)
        assert off(own, moved(right, own, before, UNIT)) > EXACT


def moving(rate: Callable[[float, int], float]) -> list[str]:
    """What is wrong on balls if each sample moves the parameters by `rate(η, m)` times its ∇."""

    class OneByOne(book.Network):
        def update_mini_batch(self, mini_batch: Pairs, eta: float) -> None:
            each = rate(eta, len(mini_batch))
            moves = [self.backprop(x, y) for x, y in mini_batch]
            for nabla_b, nabla_w in moves:
                self.biases = [b - each * nb for b, nb in zip(self.biases, nabla_b, strict=True)]
                self.weights = [w - each * nw for w, nw in zip(self.weights, nabla_w, strict=True)]

    return exactly(book_subject(OneByOne, "it"), recorded("remainder-3-4-2")).wrong


def test_an_update_by_single_samples_is_exactly_right() -> None:
    assert moving(lambda eta, m: eta / m) == []
    assert moving(lambda eta, m: 1.001 * eta / m) == ["b2", "w2", "b3", "w3"]
