"""The book's chapter 3 program on the reference: its names, arguments and printed lines."""

from pathlib import Path

import numpy as np
import pytest

from reference import network2
from reference.equations import RELU, SOFTMAX, sigmoid_prime
from reference.step import Array

Pair = tuple[Array, Array]


def points(n: int, seed: int = 3) -> tuple[list[Pair], list[tuple[Array, int]]]:
    """Points of two classes, with columns and with labels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2, 1))
    labels = (x[:, 0, 0] > x[:, 1, 0]).astype(int)
    columns = [network2.vectorized_result(label, 2) for label in labels]
    return list(zip(x, columns, strict=True)), list(zip(x, map(int, labels), strict=True))


def test_the_books_call_trains_and_monitors(capsys: pytest.CaptureFixture[str]) -> None:
    training, evaluation = points(200)[0], points(100, seed=4)[1]
    net = network2.Network([2, 4, 2], cost=network2.CrossEntropyCost, rng=np.random.default_rng(0))
    net.large_weight_initializer()
    found = net.SGD(
        *(training, 5, 10, 0.5),
        lmbda=0.1,
        evaluation_data=evaluation,
        monitor_evaluation_cost=True,
        monitor_evaluation_accuracy=True,
        monitor_training_cost=True,
        monitor_training_accuracy=True,
    )
    evaluation_cost, evaluation_accuracy, training_cost, training_accuracy = found
    assert all(len(each) == 5 for each in found)
    assert evaluation_accuracy[-1] == net.accuracy(evaluation) > 90
    assert training_accuracy[-1] == net.accuracy(training, convert=True)
    np.testing.assert_allclose(training_cost[-1], net.total_cost(training, 0.1), rtol=1e-12)
    right = net.total_cost(evaluation, 0.1, convert=True)
    np.testing.assert_allclose(evaluation_cost[-1], right, rtol=1e-12)
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "Epoch 0 training complete"
    assert out[-1] == f"Accuracy on evaluation data: {evaluation_accuracy[-1]} / 100"


def test_the_total_cost_has_the_term_of_the_decay() -> None:
    data = points(7)[0]
    net = network2.Network([2, 2], rng=np.random.default_rng(0))
    squares = sum((w**2).sum() for w in net.weights)
    apart = net.total_cost(data, 3.0) - net.total_cost(data, 0.0)
    np.testing.assert_allclose(apart, 3.0 / (2 * 7) * squares, rtol=1e-12)


def test_it_stops_early_when_the_accuracy_does_not_grow(capsys: pytest.CaptureFixture[str]) -> None:
    training, evaluation = points(50)[0], points(20)[1]
    net = network2.Network([2, 2], rng=np.random.default_rng(0))
    net.SGD(training, 40, 10, 1e-12, evaluation_data=evaluation, early_stopping_n=3)
    assert len(capsys.readouterr().out.splitlines()) == 4  # one that is better than 0, three not


def test_nothing_to_evaluate_on_is_refused() -> None:
    net = network2.Network([2, 2])
    with pytest.raises(ValueError, match="evaluation_data"):
        net.SGD(points(4)[0], 1, 2, 0.5, monitor_evaluation_accuracy=True)


def test_weights_have_a_deviation_of_one_over_the_root_of_the_inputs() -> None:
    net = network2.Network([400, 100, 10], rng=np.random.default_rng(0))
    assert [round(float(w.std() * np.sqrt(w.shape[1])), 1) for w in net.weights] == [1.0, 1.0]
    assert round(float(net.biases[0].std())) == 1


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    net = network2.Network([3, 4, 2], network2.LogLikelihoodCost, activation=RELU)
    net.save(str(tmp_path / "net.json"))
    again = network2.load(str(tmp_path / "net.json"))
    assert again.activations == (RELU, SOFTMAX)
    x = np.ones((3, 1))
    np.testing.assert_array_equal(net.feedforward(x), again.feedforward(x))


def test_a_cost_class_of_ones_own_is_taken() -> None:
    class Doubled:
        @staticmethod
        def fn(a: Array, y: Array) -> float:
            return float(np.linalg.norm(a - y) ** 2)

        @staticmethod
        def delta(z: Array, a: Array, y: Array) -> Array:
            return 2 * (a - y) * sigmoid_prime(z)

    data = points(6)[0]
    own = network2.Network([2, 3, 2], Doubled, rng=np.random.default_rng(1))
    book = network2.Network([2, 3, 2], network2.QuadraticCost, rng=np.random.default_rng(1))
    own.SGD(data, 2, 3, 0.25)
    book.SGD(data, 2, 3, 0.5)
    np.testing.assert_allclose(own.weights[0], book.weights[0], rtol=1e-12)
    np.testing.assert_allclose(own.total_cost(data, 0), 2 * book.total_cost(data, 0), rtol=1e-12)
