"""The fast steps of a training loop: within the tolerance of the truth, in arrays of their own."""

from collections.abc import Iterator

import numpy as np
import pytest

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.model.functions import DROPOUT
from conformance.tests.support import recorded
from conformance.verdict.deviation import Target, compare
from reference import CROSS_ENTROPY, QUADRATIC, Batch, Network
from reference.descent import Descent
from reference.equations import ACTIVATIONS, COSTS, LEAKY_RELU, TANH, Activation
from reference.step import Array

CASES = store.cases(store.root())


def network(seed: int = 0) -> Network:
    return Network([4, 3, 2], np.random.default_rng(seed))


def data(n: int = 10) -> Batch:
    rng = np.random.default_rng(99)
    return Batch(rng.random((4, n)), rng.random((2, n)))


def orders(epochs: int, n: int = 10, seed: int = 7) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    return (rng.permutation(n) for _ in range(epochs))


def parameters(net: Network) -> list[Array]:
    return [*net.weights, *net.biases]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fast_step_is_within_the_tolerance_of_the_truth(case: Case) -> None:
    for step in recorded(case.id).steps:
        names = [each.removesuffix(DROPOUT) for each in case.activations]
        start, activations = step.parameters, [ACTIVATIONS[each] for each in names]
        kinds = activations, COSTS[case.cost], case.rule, start.state
        fast = Descent(start.w, start.b, *kinds)
        with np.errstate(over="ignore"):
            fast.step(step.batch, case.eta, case.decay)
        for layer, (w, b) in enumerate(zip(fast.weights, fast.biases, strict=True), start=2):
            kept = {name: each for name, each in fast.state.items() if name.endswith(str(layer))}
            for name, array in ((f"w{layer}", w), (f"b{layer}", b), *kept.items()):
                target = Target(step.expected[name], step.bound[name])
                assert not compare(array, target, case.type).problem, name


@pytest.mark.parametrize("activation", [TANH, LEAKY_RELU], ids=["tanh", "leaky-relu"])
def test_with_dropout_a_fast_step_draws_what_a_slow_one_does(activation: Activation) -> None:
    one, other = (
        Network([4, 6, 5, 2], np.random.default_rng(2), activation=activation, dropout=0.5)
        for _ in range(2)
    )
    with one.in_place():
        for m in (3, 1, 3):
            one.update_mini_batch(data(m), 0.5)
            other.update_mini_batch(data(m), 0.5)
    for fast, slow in zip(parameters(one), parameters(other), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-15)


def test_batches_of_different_lengths_take_turns() -> None:
    one, other = network(), network()
    with one.in_place():
        for m in (3, 1, 3, 2):
            one.update_mini_batch(data(m), 0.5, 0.3, 10)
            other.update_mini_batch(data(m), 0.5, 0.3, 10)
    for fast, slow in zip(parameters(one), parameters(other), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-13, atol=1e-15)


def test_training_overwrites_no_array_that_was_there_before() -> None:
    net = network()
    given = parameters(net)
    before = [array.copy() for array in given]
    net.SGD(data(), 1, 3, 0.5)
    assert all(map(np.array_equal, before, given))
    assert not np.array_equal(net.weights[0], before[0])


def test_after_training_a_single_step_overwrites_nothing() -> None:
    net = network()
    net.SGD(data(), 1, 3, 0.5)
    given = parameters(net)
    before = [array.copy() for array in given]
    net.update_mini_batch(data(), 0.5)
    assert all(map(np.array_equal, before, given))


def test_numbers_that_are_no_floats_are_trained_by_the_equations() -> None:
    one, other = network(), network()
    one.weights = [
        w.astype(np.longdouble).view(type("Watched", (np.ndarray,), {})) for w in one.weights
    ]
    one.SGD(data(), 1, 3, 0.5, orders=orders(1))
    other.SGD(data(), 1, 3, 0.5, orders=orders(1))
    np.testing.assert_allclose(np.asarray(one.weights[0], float), other.weights[0], rtol=1e-12)
    assert type(one.weights[0]).__name__ == "Watched"


def test_in_place_is_for_floats() -> None:
    net = network()
    net.weights = [w.astype(object) for w in net.weights]
    with pytest.raises(ValueError, match="floats"), net.in_place():
        pass


@pytest.mark.parametrize("cost", [QUADRATIC, CROSS_ENTROPY])
def test_a_saturated_network_trains_without_a_warning(cost: object) -> None:
    net = Network([4, 3, 2], np.random.default_rng(0), cost)  # type: ignore[arg-type]
    net.weights = [1e4 * w for w in net.weights]
    net.SGD(data(), 1, 3, 0.5)
    assert all(np.isfinite(array).all() for array in parameters(net))


def test_the_same_orders_give_the_same_network() -> None:
    one, two = network(), network()
    two.rng = np.random.default_rng(12345)
    one.SGD(data(), 2, 3, 0.5, orders=orders(2))
    two.SGD(data(), 2, 3, 0.5, orders=list(orders(2)))
    assert all(map(np.array_equal, parameters(one), parameters(two)))


def test_an_order_is_the_order_of_the_samples() -> None:
    one, two = network(), network()
    order = next(orders(1))
    one.SGD(data(), 1, 3, 0.5, orders=[order])
    two.SGD(data().columns(order), 1, 3, 0.5, orders=[np.arange(10)])
    assert all(map(np.array_equal, parameters(one), parameters(two)))


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1], [1, 2, 3], [[0, 1, 2]], [0.5, 1, 2]])
def test_an_order_that_is_no_permutation_is_refused(order: list[int]) -> None:
    with pytest.raises(ValueError, match="epoch 0 is no permutation of 0 … 2"):
        network().SGD(data(3), 1, 2, 0.5, orders=[np.array(order)])


def test_orders_that_end_too_soon_are_refused() -> None:
    with pytest.raises(ValueError, match="none is given for epoch 1"):
        network().SGD(data(3), 2, 2, 0.5, orders=[np.arange(3)])
