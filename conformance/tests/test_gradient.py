"""A gradient check accepts a gradient, finds a wrong one, and says what it could not do."""
# ruff: noqa: ARG001, ARG002, ARG005, D102
# The networks below are written as users write them: no docstrings, arguments that are not used.

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from conformance.cli import main
from conformance.errors import SubjectError, UsageError
from conformance.gradient import GradReport, gradcheck
from conformance.gradient.report import Status
from conformance.report import BACKWARD_SCHEMA
from conformance.tests.networks import book, foreign
from conformance.tests.networks.foreign import TanhSoftmax
from reference.network import Network as Reference
from reference.step import Array

Pair = tuple[list[Array], list[Array]]


class CrossEntropy:
    """The book's chapter 3 cost."""

    @staticmethod
    def fn(a: Array, y: Array) -> Any:
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))


class Quadratic:
    """Another one of chapter 3."""

    @staticmethod
    def fn(a: Array, y: Array) -> Any:
        return 0.5 * np.linalg.norm(a - y) ** 2


class Chapter3(book.Network):
    """With the cost as a class, as network2 has it."""

    cost: Any = CrossEntropy

    def cost_derivative(self, output_activations: Array, y: Array) -> Array:
        a = output_activations
        return (a - y) / (a * (1 - a)) if self.cost is CrossEntropy else a - y


class Chapter3Quadratic(Chapter3):
    """With the norm in its cost."""

    cost = Quadratic


class Rows:
    """Samples as rows, weights (n below, n), the pair turned round, a loss of the output."""

    def __init__(self, *sizes: int) -> None:
        self.biases = [np.zeros((1, n)) for n in sizes[1:]]
        self.weights = [np.zeros((k, n)) for k, n in pairwise(sizes)]

    def activations(self, x: Array) -> list[Array]:
        layers = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            layers.append(np.tanh(layers[-1] @ w + b))
        return layers

    def forward(self, x: Array) -> Array:
        return self.activations(x)[-1]

    def loss(self, a: Array, y: Array) -> Any:
        return 0.5 * np.sum((a - y) ** 2)

    def backprop(self, x: Array, y: Array) -> Pair:
        layers = self.activations(x)
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        delta = (layers[-1] - y) * (1 - layers[-1] ** 2)
        for w, below in zip(reversed(self.weights), reversed(layers[:-1]), strict=True):
            nabla_b.insert(0, delta)
            nabla_w.insert(0, np.outer(below, delta))
            delta = (delta @ w.T) * (1 - below**2)
        return nabla_w, nabla_b


class Flat(Rows):
    """Samples and biases without a second axis."""

    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.biases = [b[0] for b in self.biases]


class FloatCost(TanhSoftmax):
    """Rounds its cost to a float."""

    def cost(self, x: Array, y: Array) -> float:
        return float(super().cost(x, y))  # leaves


class RoundedCost(TanhSoftmax):
    """Rounds its cost to some decimals, to print it."""

    decimals = 4

    def cost(self, x: Array, y: Array) -> float:
        return round(float(super().cost(x, y)), self.decimals)


class Assigning(TanhSoftmax):
    """Puts its gradient into float arrays, while its cost is exact."""

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x, y)
        kept = [np.zeros(b.shape) for b in self.biases]
        for to, nabla in zip(kept, nabla_b, strict=True):
            to[:] = nabla  # leaves
        return kept, nabla_w


class Modulus(Assigning):
    """Takes absolute values, so that complex numbers lose what the complex step needs."""

    def cost(self, x: Array, y: Array) -> Any:
        return super().cost(x, y) + 0.5 * sum(np.sum(np.abs(w) ** 2) for w in self.weights)

    def penalty_slope(self, w: Array) -> Array:
        return w


class Single(TanhSoftmax):
    """Computes in float32 whatever it is given."""

    def forward(self, x: Array) -> list[Array]:
        self.weights = [w.astype(np.float32) for w in self.weights]
        self.biases = [b.astype(np.float32) for b in self.biases]
        return super().forward(x.astype(np.float32))


class ScalarInFloats(TanhSoftmax):
    """Multiplies the cost by the float 1/3 and divides the gradient by 3."""

    def cost(self, x: Array, y: Array) -> Any:
        return 1 / 3 * super().cost(x, y)

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x, y)
        return [each / 3 for each in nabla_b], [each / 3 for each in nabla_w]


class Regularised(TanhSoftmax):
    """Forgets nothing of the cost but 1e-9 in a logarithm."""

    def cost(self, x: Array, y: Array) -> Any:
        return -np.sum(y * np.log(self.feedforward(x) + 1e-9))


class TwiceSomewhere(TanhSoftmax):
    """One array of its gradient is too large by a factor of 2."""

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b, [2 * nabla_w[0], *nabla_w[1:]]


class NoHalf(book.Network):
    """Its cost lacks the ½ that its gradient has."""

    def cost(self, a: Array, y: Array) -> Any:
        return np.sum((a - y) ** 2)


class MeanOfSquares(book.Network):
    """Its cost is a mean over the outputs, of which its gradient knows nothing."""

    def cost(self, a: Array, y: Array) -> Any:
        return np.mean((a - y) ** 2)


class Keras(TanhSoftmax):
    """A loss whose first argument is the target, and that takes no other name for it."""

    cost: Any = None

    def loss(self, y_true: Array, y_pred: Array) -> Any:
        return -np.sum(y_true * np.log(y_pred))


class Labels(TanhSoftmax):
    """Targets are labels."""

    def cost(self, x: Array, label: Any) -> Any:
        return -np.log(self.feedforward(x)[label, np.arange(x.shape[1])]).sum()

    def backprop(self, x: Array, label: Any) -> Pair:
        return super().backprop(x, np.eye(self.sizes[-1])[label].T)


class NoLabelZero(Labels):
    """Takes the label 0 for none."""

    def backprop(self, x: Array, label: Any) -> Pair:
        y = np.eye(self.sizes[-1])[label].T
        return TanhSoftmax.backprop(self, x, y * (np.asarray(label) != 0))


class FirstSample(TanhSoftmax):
    """The biases get the errors of the first sample for the sum over all."""

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x, y)
        return [super().backprop(x[:, :1], y[:, :1])[0][0], *nabla_b[1:]], nabla_w


class Mean(TanhSoftmax):
    """A cost that is a sum over the samples, and the mean gradient."""

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x, y)
        m = x.shape[1]
        return [each / m for each in nabla_b], [each / m for each in nabla_w]


class Dead(foreign.ReluSoftmax):
    """No unit of it is alive."""

    def hidden(self, z: Array) -> Array:
        h: Array = np.maximum(z - 100, 0)
        return h

    def feedforward(self, x: Array) -> Array:
        p: Array = 0 * super().feedforward(x) + 1 / 3
        return p

    def backprop(self, x: Array, y: Array) -> Pair:
        return [0 * b for b in self.biases], [0 * w for w in self.weights]


class Skipping(book.Network):
    """Adds what enters a layer of equal size to what leaves it; its gradient forgets that."""

    def feedforward(self, x: Array) -> Array:
        for w, b in zip(self.weights, self.biases, strict=True):
            a = np.tanh(w @ x + b)
            x = a + x if a.shape == x.shape else a
        return x

    def cost(self, x: Array, y: Array) -> Any:
        return 0.5 * np.sum((self.feedforward(x) - y) ** 2)

    def backprop(self, x: Array, y: Array) -> Pair:
        layers, outputs = [x], [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            layers.append(np.tanh(w @ outputs[-1] + b))
            skips = layers[-1].shape == outputs[-1].shape
            outputs.append(layers[-1] + outputs[-1] if skips else layers[-1])
        back = outputs[-1] - y
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        for i in reversed(range(len(self.weights))):
            delta = back * (1 - layers[i + 1] ** 2)
            nabla_b.insert(0, delta.sum(axis=1, keepdims=True))
            nabla_w.insert(0, delta @ outputs[i].T)
            back = self.weights[i].T @ delta
        return nabla_b, nabla_w


class Dicts(TanhSoftmax):
    """Keeps its parameters in dicts."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__(sizes)
        names = range(1, len(sizes))
        self.weights: Any = dict(zip(names, self.weights, strict=True))
        self.biases: Any = dict(zip(names, self.biases, strict=True))

    def backprop(self, x: Array, y: Array) -> Pair:
        inner = TanhSoftmax(self.sizes)
        inner.weights, inner.biases = list(self.weights.values()), list(self.biases.values())
        return inner.backprop(x, y)

    def feedforward(self, x: Array) -> Array:
        inner = TanhSoftmax(self.sizes)
        inner.weights, inner.biases = list(self.weights.values()), list(self.biases.values())
        return inner.feedforward(x)

    def cost(self, x: Array, y: Array) -> Any:
        return -np.sum(y * np.log(self.feedforward(x)))


class SmallEntry(TanhSoftmax):
    """One entry among many is 1e-10 too large."""

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x, y)
        off = np.zeros(nabla_w[0].shape)
        off[0, 3] = 1e-10
        return nabla_b, [nabla_w[0] * (1 + off), *nabla_w[1:]]


class Rough(TanhSoftmax):
    """In float32, and its gradient is 3 % too large."""

    def backprop(self, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = super().backprop(x.astype(np.float32), y)
        return nabla_b, [np.float32(1.03) * each for each in nabla_w]


def wrong(report: GradReport) -> list[str]:
    return [row.name for row in report.rows if not row.ok]


# Right ones


@pytest.mark.parametrize(
    "network",
    [
        book.Network, *foreign.FOREIGN, Chapter3, Chapter3Quadratic, Rows, Flat, Reference, Keras,
        Labels, Mean, FloatCost, Assigning, Modulus, Dicts,
    ],
)  # fmt: skip
def test_a_right_network_passes_to_50_digits(network: type) -> None:
    report = gradcheck(network)
    assert report.ok, report.text()
    assert report.digits >= 50
    assert {row.status for row in report.rows} == {Status.OK}


@pytest.mark.parametrize("sizes", [[1, 1], [3, 1], [2, 3, 1], [1, 2, 3], [2, 2, 2, 2, 2]])
def test_it_passes_in_every_shape(sizes: list[int]) -> None:
    assert gradcheck(Chapter3, sizes).digits >= 50


def test_every_entry_of_every_array_is_compared() -> None:
    rows = gradcheck(book.Network, [60, 10, 3]).rows
    assert [(row.name, row.entries) for row in rows] == [
        ("b2", 10), ("w2", 600), ("b3", 3), ("w3", 30)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("network", "cost", "layout"),
    [
        (book.Network, "no cost of its own", "6 samples as columns, one by one"),
        (TanhSoftmax, "its own cost(x, y)", "6 samples as columns"),
        (Chapter3, "its own cost.fn(a, y)", "6 samples as columns, one by one"),
        (NoHalf, "its own cost(a, y)", "6 samples as columns, one by one"),
        (Rows, "its own loss(a, y)", "6 samples as rows, one by one"),
        (Flat, "its own loss(a, y)", "6 samples as flat vectors, one by one"),
        (Keras, "its own loss(y, a)", "6 samples as columns"),
    ],
)
def test_cost_and_layout_are_found(network: type, cost: str, layout: str) -> None:
    report = gradcheck(network)
    assert (report.cost, report.layout) == (cost, layout)


def test_a_network_without_a_cost_is_judged_by_the_known_one_that_fits() -> None:
    report = gradcheck(book.Network, [3, 4, 3])
    assert report.examined.cost == "quadratic"
    assert "the gradient of the quadratic cost" in report.sentence()


def test_unequal_and_equal_sizes_are_tried() -> None:
    assert gradcheck(TanhSoftmax).also == ((3, 3, 3, 3),)
    assert gradcheck(TanhSoftmax, [3, 2]).also == ()


def test_an_instance_is_taken_as_it_is_and_gets_its_parameters_back() -> None:
    network = book.Network([3, 2, 2])
    weights, biases = network.weights, network.biases
    before = [each.copy() for each in (*weights, *biases)]
    assert gradcheck(network).sizes == (3, 2, 2)
    assert network.weights is weights
    assert network.biases is biases
    assert all(map(np.array_equal, before, (*weights, *biases)))


def test_a_factory_builds_the_network() -> None:
    assert gradcheck(lambda sizes: book.Network(sizes)).ok  # noqa: PLW0108 - a factory


def test_the_same_seed_gives_the_same_report() -> None:
    first, second = (gradcheck(book.Network, [3, 4, 3], seed=3) for _ in range(2))
    assert first.text() == second.text()


# Wrong ones


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (foreign.TanhSoftmaxWrong, ["b2", "w2", "b3", "w3"]),
        (foreign.ReluSoftmaxWrong, ["w2", "w3", "w4"]),
        (TwiceSomewhere, ["w2"]),
        (FirstSample, ["b2"]),
        (NoLabelZero, ["b2", "w2", "b3", "w3", "b4", "w4"]),
    ],
)
def test_a_wrong_network_is_wrong_where_it_is_wrong(network: type, expected: list[str]) -> None:
    assert wrong(gradcheck(network)) == expected


def test_one_entry_of_a_large_array_is_found() -> None:
    report = gradcheck(SmallEntry, [60, 10, 3])
    assert wrong(report) == ["w2"]
    assert report.rows[1].digits >= 9


def test_a_connection_that_its_gradient_forgets_is_found() -> None:
    assert gradcheck(Skipping, [4, 5, 2, 3]).ok  # it has none there
    report = gradcheck(Skipping)
    assert report.sizes == (3, 3, 3, 3)
    assert wrong(report) == ["b2", "w2", "b3", "w3"]


def test_an_error_in_float32_is_no_gradient() -> None:
    assert wrong(gradcheck(Rough)) == ["w2", "w3", "w4"]


def test_a_wrong_factor_is_named_with_its_ratio() -> None:
    report = gradcheck(TwiceSomewhere)
    assert report.rows[1].judged.ratio == pytest.approx(2)
    assert "nabla_w2 is not the gradient of its own cost: entry [" in report.sentence()
    assert "ratio 2.000 everywhere" in report.sentence()


def test_a_factor_of_the_whole_gradient_is_said_to_be_one() -> None:
    sentence = gradcheck(NoHalf).sentence()
    assert sentence.endswith("The whole gradient is 0.500 times that of the cost")


def test_a_factor_that_two_outputs_would_hide_is_found() -> None:
    sentence = gradcheck(MeanOfSquares).sentence()
    assert sentence.endswith("The whole gradient is 1.500 times that of the cost")


def test_an_epsilon_is_said_with_the_digits_that_it_leaves() -> None:
    report = gradcheck(Regularised)
    assert report.ok
    assert report.digits == 8
    assert {row.status for row in report.rows} == {Status.EPSILON}


def test_a_scalar_in_floats_is_admitted_and_said() -> None:
    report = gradcheck(ScalarInFloats)
    assert report.ok
    assert {row.status for row in report.rows} == {Status.SCALAR}
    assert "scalar that it computes in floats" in report.sentence()


@pytest.mark.parametrize("network", [FloatCost, Assigning, Modulus, Single])
def test_a_wrong_factor_is_found_in_every_arithmetic(network: type) -> None:
    def backprop(self: Any, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = network.backprop(self, x, y)  # type: ignore[attr-defined]
        return [2 * each for each in nabla_b], nabla_w

    report = gradcheck(type("Twice", (network,), {"backprop": backprop}))
    assert wrong(report) == ["b2", "b3", "b4"]
    assert report.rows[0].judged.ratio == pytest.approx(2, rel=1e-2)


def test_a_network_in_float32_is_right() -> None:
    assert gradcheck(Single).ok


@pytest.mark.parametrize(("decimals", "seed"), [(1, 15), (2, 0), (4, 0), (6, 0), (9, 5), (10, 6)])
def test_a_cost_that_is_rounded_accuses_nobody(decimals: int, seed: int) -> None:
    report = gradcheck(type("Shown", (RoundedCost,), {"decimals": decimals}), seed=seed)
    assert report.ok, report.text()


def test_a_sign_is_seen_through_a_rounded_cost() -> None:
    def backprop(self: Any, x: Array, y: Array) -> Pair:
        nabla_b, nabla_w = TanhSoftmax.backprop(self, x, y)
        return [-each for each in nabla_b], nabla_w

    assert "b4" in wrong(gradcheck(type("Turned", (RoundedCost,), {"backprop": backprop})))


# Bad input


def broken(**attributes: Any) -> type:
    """A right network with some attributes replaced."""
    return type("Broken", (TanhSoftmax,), attributes)


def unlike_any_cost(self: Any, x: Array, y: Array) -> Pair:
    """A gradient in which nothing is compared with a target."""
    return [1.5 * b for b in self.biases], [2 * w for w in self.weights]


def right(self: Any, x: Array, y: Array) -> Pair:
    return TanhSoftmax.backprop(self, x, y)


@pytest.mark.parametrize(
    ("backprop", "message"),
    [
        (lambda s, x, y: (right(s, x, y)[0], [w.T for w in right(s, x, y)[1]]), "nabla_w2 has the"),
        (lambda s, x, y: ([], right(s, x, y)[1]), "0 and 3 arrays, not twice 3"),
        (lambda s, x, y: right(s, x, y)[0], "not \\(nabla_b, nabla_w\\)"),
        (lambda s, x, y: None, "gives a NoneType"),
        (lambda s, x, y: [[b * np.nan for b in h] for h in right(s, x, y)], "is not finite"),
        (lambda s, x, y: [[b * 1j for b in h] for h in right(s, x, y)], "complex128"),
        (lambda s, x, y: [[b.astype(str) for b in h] for h in right(s, x, y)], "holds <U32"),
        (lambda s, x, y: [[[[1], [1, 2]] for _ in h] for h in right(s, x, y)], "not an array"),
        (lambda s, x, y: s.nothing, "no attribute 'nothing' in `"),
        (lambda s, x, y: [[b + np.random.rand() for b in h] for h in right(s, x, y)], "again"),  # noqa: NPY002
    ],
)
def test_a_gradient_that_is_none_is_refused_in_one_line(backprop: Any, message: str) -> None:
    with pytest.raises(SubjectError, match=message) as caught:
        gradcheck(broken(backprop=backprop))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (None, "it has backprop, biases"),
        (lambda s, x, y: np.ones(3), "not a number"),
        (lambda s, x, y: "much", "cost\\(x, y\\): "),
        (lambda s, x, y: 1.0, "loss was not computed"),
        (lambda s, x, y: np.nan, "loss was not computed"),
    ],
)
def test_a_cost_that_is_none_is_refused_in_one_line(cost: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        gradcheck(broken(cost=cost, backprop=unlike_any_cost))
    assert "\n" not in str(caught.value)


def test_a_dead_network_shows_nothing() -> None:
    with pytest.raises(SubjectError, match="every gradient is 0"):
        gradcheck(Dead)


def test_layers_that_are_not_dense_are_refused_in_one_line() -> None:
    network = TanhSoftmax([4, 5, 3])
    network.weights[0] = np.ones((2, 1, 3, 3))
    with pytest.raises(SubjectError, match="are no dense layer") as caught:
        gradcheck(network)
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_named_beside_what_is_there() -> None:
    with pytest.raises(UsageError, match=r"no biases, backprop\(x, y\); it has weights"):
        gradcheck(type("Bare", (), {"weights": [np.ones((2, 2))]}))


def test_a_constructor_that_needs_more_says_so() -> None:
    def init(self: Any, sizes: list[int], eta: float, momentum: float) -> None:
        raise AssertionError

    with pytest.raises(UsageError, match=r"cannot be built: TypeError: .*'eta' and 'momentum'"):
        gradcheck(broken(__init__=init))


def test_a_gradient_of_wrong_shape_names_the_layout_that_was_meant() -> None:
    def backprop(self: Any, x: Array, y: Array) -> Pair:
        nabla_w, nabla_b = Rows.backprop(self, x, y)
        return [each.T for each in nabla_w], nabla_b

    with pytest.raises(SubjectError, match=r"as rows: backprop\(x, y\): nabla_w2 has the shape"):
        gradcheck(type("Turned", (Rows,), {"backprop": backprop}))


# What is printed


@pytest.mark.parametrize(
    "network", [book.Network, foreign.TanhSoftmaxWrong, FloatCost, Regularised, ScalarInFloats]
)
def test_the_text_fits_80_columns_and_ends_with_the_verdict(network: type) -> None:
    report = gradcheck(network, [4, 5, 2, 3])
    text = report.text()
    assert max(map(len, text.splitlines())) <= 80
    assert text.endswith(".")
    assert ("WRONG" in text) == (not report.ok)


def test_json_has_every_gradient_by_the_schema(tmp_path: Path) -> None:
    written = tmp_path / "report.json"
    place = f"{Path(foreign.__file__)}:TanhSoftmaxWrong"
    with pytest.raises(SystemExit) as left:
        main(["gradcheck", place, "--json", str(written)])
    assert left.value.code == 1
    values = json.loads(written.read_text())
    jsonschema.validate(values, json.loads(BACKWARD_SCHEMA.read_text()))
    wrong = [each["name"] for each in values["gradients"] if not each["ok"]]
    assert wrong == ["b2", "w2", "b3", "w3"]


def test_a_wrong_network_is_said_to_be_wrong_wherever_its_report_is_shown() -> None:
    report = gradcheck(foreign.TanhSoftmaxWrong)
    said = "The gradients of b2, w2, b3 and w3 are wrong; b4 and w4 are right"
    assert said in report.as_page()
    assert "not conformant" in report.as_markdown()
    assert report.text().splitlines()[0] in report._repr_html_()
    assert report.in_one_line().startswith("TanhSoftmaxWrong: nabla_")
