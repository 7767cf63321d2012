"""The book's `Network`: its interface, its training loop, its printed lines."""

import math
from itertools import pairwise

import numpy as np
import pytest

import reference
from conformance.corpus import store
from reference import CROSS_ENTROPY, QUADRATIC, Batch, Cost, Network, Parameters
from reference.equations import LINEAR, LOG_LIKELIHOOD, RELU, SOFTMAX, TANH, sigmoid, sigmoid_prime
from reference.mnist import read_images, read_labels, to_batch
from reference.step import Array

Pair = tuple[Array, Array]


def network(*sizes: int, seed: int = 0, cost: Cost = QUADRATIC) -> Network:
    """A network from a seed."""
    return Network(sizes, np.random.default_rng(seed), cost)


def samples(n: int, inputs: int, outputs: int) -> list[Pair]:
    """Pairs of columns as the book has them."""
    rng = np.random.default_rng(99)
    return [(rng.random((inputs, 1)), rng.random((outputs, 1))) for _ in range(n)]


def cost_by_hand(net: Network, pairs: list[Pair], *, entropy: bool) -> float:
    """The mean cost by plain Python, neuron by neuron."""
    total = 0.0
    for x, y in pairs:
        a = x[:, 0].tolist()
        for w, b in zip(net.weights, net.biases, strict=True):
            z = [
                math.fsum([*(wk * ak for wk, ak in zip(row, a, strict=True)), bias])
                for row, bias in zip(w.tolist(), b[:, 0].tolist(), strict=True)
            ]
            a = [1 / (1 + math.exp(-each)) for each in z]
        for out, target in zip(a, y[:, 0].tolist(), strict=True):
            if entropy:
                total -= target * math.log(out) + (1 - target) * math.log(1 - out)
            else:
                total += (out - target) ** 2 / 2
    return total / len(pairs)


def differences(net: Network, pairs: list[Pair], array: Array, *, entropy: bool) -> Array:
    """Central differences of that cost in each entry of a parameter array."""
    slopes, h = np.zeros(array.shape), 2.0**-16
    for index in np.ndindex(array.shape):
        before, costs = array[index], []
        for sign in (1, -1):
            array[index] = before + sign * h
            costs.append(cost_by_hand(net, pairs, entropy=entropy))
        array[index] = before
        slopes[index] = (costs[0] - costs[1]) / (2 * h)
    return slopes


def batches_of(net: Network, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """The mini-batches that the network is given from now on."""
    seen: list[Batch] = []
    update = net.update_mini_batch

    def watched(mini_batch: Batch, eta: float, lmbda: float = 0.0, n: int | None = None) -> None:
        seen.append(mini_batch)
        update(mini_batch, eta, lmbda, n)

    monkeypatch.setattr(net, "update_mini_batch", watched)
    return seen


def test_the_books_example_has_the_books_shapes() -> None:
    net = Network([2, 3, 1])
    assert (net.num_layers, net.sizes) == (3, [2, 3, 1])
    assert [b.shape for b in net.biases] == [(3, 1), (1, 1)]
    assert [w.shape for w in net.weights] == [(3, 2), (1, 3)]


def test_the_same_generator_gives_the_same_network() -> None:
    one, two = network(3, 4, 2, seed=5), network(3, 4, 2, seed=5)
    assert all(map(np.array_equal, one.weights + one.biases, two.weights + two.biases))


def test_another_generator_gives_another_network() -> None:
    assert not np.array_equal(network(3, 2, seed=5).weights[0], network(3, 2, seed=6).weights[0])


def test_parameters_are_drawn_from_a_standard_normal() -> None:
    drawn = network(100, 100).weights[0]
    assert abs(drawn.mean()) < 0.05
    assert abs(drawn.std() - 1) < 0.05


@pytest.mark.parametrize("sizes", [[], [3], [3, 0], [0, 3], [3, -1, 2]])
def test_sizes_that_make_no_network_are_refused(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="two layers or more"):
        Network(sizes)


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize("m", [1, 3])
def test_backprop_is_the_slope_of_the_mean_cost(cost: str, m: int) -> None:
    entropy = cost == "cross-entropy"
    net = network(2, 3, 2, cost=CROSS_ENTROPY if entropy else QUADRATIC)
    pairs = samples(m, 2, 2)
    x, y = (np.hstack(side) for side in zip(*pairs, strict=True))
    nabla_b, nabla_w = net.backprop(x, y)
    for array, nabla in zip(net.biases + net.weights, nabla_b + nabla_w, strict=True):
        slopes = differences(net, pairs, array, entropy=entropy)
        np.testing.assert_allclose(nabla, slopes, rtol=0, atol=1e-9)


def test_a_batch_gives_the_mean_of_its_samples() -> None:
    net, pairs = network(4, 3, 2), samples(5, 4, 2)
    x, y = (np.hstack(side) for side in zip(*pairs, strict=True))
    together = net.backprop(x, y)
    each = [net.backprop(*pair) for pair in pairs]
    for kind in (0, 1):
        for layer, nabla in enumerate(together[kind]):
            mean = sum(single[kind][layer] for single in each) / 5
            np.testing.assert_allclose(nabla, mean, rtol=0, atol=1e-15)


def test_backprop_changes_no_parameter() -> None:
    net = network(4, 3, 2)
    before = [array.copy() for array in net.weights + net.biases]
    net.backprop(*samples(1, 4, 2)[0])
    assert all(map(np.array_equal, before, net.weights + net.biases))


@pytest.mark.parametrize(("lmbda", "n"), [(0.0, None), (0.3, 7)])
def test_a_mini_batch_of_pairs_is_a_step_of_the_equations(lmbda: float, n: int | None) -> None:
    net, pairs = network(4, 3, 2), samples(3, 4, 2)
    start = Parameters(tuple(net.weights), tuple(net.biases))
    x, y = (np.hstack(side) for side in zip(*pairs, strict=True))
    right = reference.step(start, Batch(x, y), 0.5, lmbda / (n or 1))
    net.update_mini_batch(pairs, 0.5, lmbda, n)
    assert all(map(np.array_equal, net.weights + net.biases, [*right.w, *right.b]))


def test_weight_decay_without_the_size_of_the_training_set_is_refused() -> None:
    with pytest.raises(ValueError, match="without n"):
        network(4, 2).update_mini_batch(samples(2, 4, 2), 0.5, lmbda=0.1)


def test_the_short_last_batch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(4, 2)
    seen = batches_of(net, monkeypatch)
    net.SGD(samples(10, 4, 2), 2, 3, 0.5)
    assert [batch.m for batch in seen] == [3, 3, 3, 1] * 2


def test_an_epoch_goes_once_through_all_samples_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    net, pairs = network(4, 2), samples(10, 4, 2)
    seen = batches_of(net, monkeypatch)
    net.SGD(pairs, 1, 3, 0.5)
    given = sorted(tuple(np.vstack(pair)[:, 0]) for pair in pairs)
    used = sorted(tuple(column) for batch in seen for column in np.vstack([batch.x, batch.y]).T)
    assert used == given


def test_each_epoch_has_an_order_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(4, 2)
    seen = batches_of(net, monkeypatch)
    net.SGD(samples(10, 4, 2), 2, 10, 0.5)
    assert not np.array_equal(seen[0].x, seen[1].x)


def test_the_decay_of_a_training_run_is_divided_by_the_whole_training_set() -> None:
    one, two = network(4, 2, seed=3), network(4, 2, seed=3)
    pairs = samples(6, 4, 2)
    one.SGD(pairs, 1, 6, 0.5, lmbda=0.3)
    two.update_mini_batch(pairs, 0.5, 0.3, 6)
    np.testing.assert_allclose(one.weights[0], two.weights[0], rtol=1e-14)


def test_without_test_data_an_epoch_prints_that_it_is_complete(
    capsys: pytest.CaptureFixture[str],
) -> None:
    network(4, 2).SGD(samples(4, 4, 2), 2, 2, 0.5)
    assert capsys.readouterr().out == "Epoch 0 complete\nEpoch 1 complete\n"


def test_with_test_data_an_epoch_prints_how_many_are_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = network(4, 2)
    monkeypatch.setattr(net, "evaluate", lambda tests: len(tests) - 1)
    net.SGD(samples(4, 4, 2), 1, 2, 0.5, test_data=[(np.ones((4, 1)), 0)] * 3)
    assert capsys.readouterr().out == "Epoch 0: 2 / 3\n"


def test_test_data_may_be_an_iterator(capsys: pytest.CaptureFixture[str]) -> None:
    network(4, 2).SGD(samples(4, 4, 2), 2, 2, 0.5, test_data=iter([(np.ones((4, 1)), 0)]))
    assert [line[-3:] for line in capsys.readouterr().out.splitlines()] == ["/ 1", "/ 1"]


def test_training_leaves_the_callers_list_of_pairs_alone() -> None:
    pairs = samples(5, 4, 2)
    before = [(x.copy(), y.copy()) for x, y in pairs]
    network(4, 2).SGD(pairs, 2, 2, 0.5)
    for old, new in zip(before, pairs, strict=True):
        assert all(map(np.array_equal, old, new))


@pytest.mark.parametrize("order", ["C", "F"])
def test_training_leaves_the_callers_batch_alone(order: str) -> None:
    x, y = (np.hstack(side) for side in zip(*samples(5, 4, 2), strict=True))
    data = Batch(np.array(x, order=order), np.array(y, order=order))  # type: ignore[call-overload]
    network(4, 2).SGD(data, 2, 2, 0.5)
    assert np.array_equal(data.x, x)
    assert np.array_equal(data.y, y)


@pytest.mark.parametrize(("epochs", "m"), [(0, 2), (1, 0), (-1, 2), (1, -2)])
def test_counts_below_one_are_refused(epochs: int, m: int) -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        network(4, 2).SGD(samples(4, 4, 2), epochs, m, 0.5)


def test_training_on_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        network(4, 2).SGD([], 1, 2, 0.5)


def test_an_empty_mini_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        network(4, 2).update_mini_batch(iter([]), 0.5)


def test_of_no_test_data_none_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    network(4, 2).SGD(samples(4, 4, 2), 1, 2, 0.5, test_data=[])
    assert capsys.readouterr().out == "Epoch 0: 0 / 0\n"


def test_evaluate_counts_where_the_strongest_output_is_the_label() -> None:
    net = network(3, 3)
    net.weights, net.biases = [10 * np.eye(3)], [np.zeros((3, 1))]
    columns = [np.eye(3)[:, [k]] for k in range(3)]
    assert net.evaluate([(columns[0], 0), (columns[1], 1), (columns[2], 0)]) == 2


def test_feedforward_takes_a_column_and_gives_a_column() -> None:
    assert network(4, 3, 2).feedforward(np.ones((4, 1))).shape == (2, 1)


def test_one_epoch_on_a_thousand_digits_beats_chance() -> None:
    place = store.root() / "mnist"
    images = read_images(place / "train-images-idx3-ubyte.gz")[:1000]
    labels = read_labels(place / "train-labels-idx1-ubyte.gz")[:1000]
    unseen = to_batch(read_images(place / "t10k-images-idx3-ubyte.gz"), np.zeros(1000, np.uint8))
    tests = list(
        zip(unseen.x.T[:, :, None], read_labels(place / "t10k-labels-idx1-ubyte.gz"), strict=True)
    )
    net = network(784, 30, 10, cost=CROSS_ENTROPY)
    net.SGD(to_batch(images, labels), 1, 10, 1.0)
    assert net.evaluate([(x, int(label)) for x, label in tests]) > 400  # chance is 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigma_far_out_is_exactly_0_or_1_without_a_warning(dtype: type) -> None:
    z: Array = np.array([-1000, 1000, 0], dtype)
    assert sigmoid(z).tolist() == [0, 1, 0.5]
    assert sigmoid(z).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigma_prime_far_out_is_exactly_0_without_a_warning(dtype: type) -> None:
    z: Array = np.array([-1000, 1000, 0], dtype)
    assert sigmoid_prime(z).tolist() == [0, 0, 0.25]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_stays_in_the_dtype_of_its_numbers(dtype: type) -> None:
    sizes = (4, 3, 2)
    start = Parameters(
        tuple(np.ones((n, below), dtype) for below, n in pairwise(sizes)),
        tuple(np.ones((n, 1), dtype) for n in sizes[1:]),
    )
    batch = Batch(np.ones((4, 2), dtype), np.ones((2, 2), dtype))
    taken = reference.step(start, batch, 0.5, 0.01)
    assert {array.dtype for _, array in taken.named()} == {np.dtype(dtype)}


# Other activations and costs


def test_the_cost_chooses_the_output_that_goes_with_it() -> None:
    net = Network([3, 4, 2], np.random.default_rng(0), LOG_LIKELIHOOD, activation=RELU)
    assert net.activations == (RELU, SOFTMAX)
    np.testing.assert_allclose(net.feedforward(np.ones((3, 5))).sum(axis=0), 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("cost", "output"), [(CROSS_ENTROPY, TANH), (LOG_LIKELIHOOD, LINEAR), (QUADRATIC, SOFTMAX)]
)
def test_a_cost_that_does_not_go_with_the_output_is_refused(
    cost: Cost, output: reference.Activation
) -> None:
    with pytest.raises(ValueError, match="goes with"):
        Network([3, 2], cost=cost, output=output)


def test_linear_hidden_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="output layer alone"):
        Network([3, 2, 1], activation=LINEAR)


def test_a_network_with_a_linear_output_fits_a_line() -> None:
    net = Network([1, 1], np.random.default_rng(0), output=LINEAR)
    x = np.linspace(-1, 1, 20)[None]
    net.SGD(Batch(x, 3 * x - 1), 100, 5, 0.5)
    np.testing.assert_allclose((net.weights[0], net.biases[0]), ([[3]], [[-1]]), rtol=1e-10)


@pytest.mark.parametrize("hidden", [TANH, RELU])
def test_a_softmax_network_learns_to_tell_points(hidden: reference.Activation) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(2, 300))
    labels = (x[0] * x[1] > 0).astype(int)
    net = Network([2, 8, 2], rng, LOG_LIKELIHOOD, activation=hidden)
    net.SGD(Batch(x, np.eye(2)[:, labels]), 60, 10, 0.3)
    assert net.evaluate([(x[:, [i]], int(labels[i])) for i in range(300)]) > 285
