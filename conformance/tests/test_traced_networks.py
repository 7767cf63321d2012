"""A traced network is the network that it is untraced, and where it is not, that is said.

Left out: what is found in the trace (`test_broken.py`, `test_right.py`).
"""

import math

import numpy as np
import pytest

from conformance.judging.judge import check_case
from conformance.report.book_report import Report
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.traced_runs import update_run
from conformance.subjects.book.traced_session import OTHERWISE, PARTLY_REFUSED
from conformance.subjects.pattern import M
from conformance.subjects.stepped import gathered
from conformance.tests.networks import book
from conformance.tests.networks.book import Array
from conformance.tests.networks.right import RIGHT
from conformance.tests.support import recorded, traced_and_untraced
from conformance.verdict.compare import Status

CLASSES = sorted(RIGHT, key=lambda each: (each.__name__, each.__module__))
IDS = [f"{each.__name__}-{each.__module__.rpartition('.')[2]}" for each in CLASSES]


@pytest.mark.parametrize("cls", CLASSES, ids=IDS)
def test_a_traced_update_is_bit_for_bit_the_untraced_one(cls: type) -> None:
    for array, right in traced_and_untraced(cls):
        assert type(array) is np.ndarray
        assert (array.dtype, array.shape) == (right.dtype, right.shape)
        assert array.tobytes() == right.tobytes()


class ByElement(book.Network):
    """Leaves NumPy: σ is taken of one number after the other, by `math`."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        w = [each.tolist() for each in self.weights]
        b = [each.ravel().tolist() for each in self.biases]
        a = [x.ravel().tolist()]
        for rows, biases in zip(w, b, strict=True):
            z = [math.fsum(map(math.prod, zip(r, a[-1], strict=True))) for r in rows]
            a.append([self.sigma(each + bias) for each, bias in zip(z, biases, strict=True)])
        error = [one - float(other) for one, other in zip(a[-1], y.ravel(), strict=True)]
        nabla_b: list[Array] = []
        nabla_w: list[Array] = []
        for i in reversed(range(len(w))):
            delta = [e * s * (1 - s) for e, s in zip(error, a[i + 1], strict=True)]
            nabla_b.insert(0, np.array(delta).reshape(-1, 1))
            nabla_w.insert(0, np.array([[d * each for each in a[i]] for d in delta]))
            columns = zip(*w[i], strict=True)
            error = [math.fsum(map(math.prod, zip(c, delta, strict=True))) for c in columns]
        return nabla_b, nabla_w

    def sigma(self, z: float) -> float:
        """The logistic function of a number."""
        return 1 / (1 + math.exp(-z))


def test_a_subject_that_leaves_numpy_is_judged_from_what_it_returns() -> None:
    whole = recorded("contracting-5-4-3-2")
    report = check_case(book_subject(ByElement, "by element"), whole)
    assert report.status is Status.PASS
    assert {"delta2", "nabla_w2", "w4"} <= {v.name for v in report.passes}


class Notices(book.Network):
    """Computes something else when it is traced."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b, [w if type(w) is np.ndarray else 2 * w for w in nabla_w]


def test_a_network_that_computes_otherwise_when_traced_is_judged_untraced() -> None:
    report = check_case(book_subject(Notices, "notices"), recorded("contracting-5-4-3-2"))
    assert report.status is Status.PASS
    assert Report("", cases=(report,)).notes == [OTHERWISE]
    assert OTHERWISE in str(Report("", cases=(report,)))


def plain(array: Array) -> Array:
    """The array, if it is an ordinary one."""
    if type(array) is not np.ndarray:
        raise TypeError("give arrays")
    return array


class RefusesForwards(book.Network):
    """Its feedforward takes ordinary arrays alone, and is wrong."""

    def feedforward(self, a: Array) -> Array:
        """The output for an ordinary input column."""
        return 1.001 * super().feedforward(plain(a))


class RefusesBackwards(book.Network):
    """Its backprop takes ordinary arrays alone, and is wrong; its update uses another."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample, the first twice."""
        nabla_b, nabla_w = super().backprop(plain(x), y)
        return [2 * each for each in nabla_b], nabla_w

    def update_mini_batch(self, mini_batch: list[tuple[Array, Array]], eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        pairs = [super(RefusesBackwards, self).backprop(x, y) for x, y in mini_batch]
        for i in range(len(self.weights)):
            mean_b = sum(nabla_b[i] for nabla_b, _ in pairs) / len(pairs)
            mean_w = sum(nabla_w[i] for _, nabla_w in pairs) / len(pairs)
            self.biases[i] = self.biases[i] - eta * mean_b
            self.weights[i] = self.weights[i] - eta * mean_w


class Distance:
    """Twice the quadratic cost, of ordinary arrays."""

    @staticmethod
    def fn(a: Array, y: Array) -> float:
        """The cost of one sample."""
        return float(np.sum((plain(a) - y) ** 2))


class RefusesCost(book.Network):
    """Its cost takes ordinary arrays alone, and is wrong."""

    cost = Distance


@pytest.mark.parametrize(
    ("cls", "tag"), [(RefusesForwards, "A"), (RefusesBackwards, "BP3"), (RefusesCost, "C")]
)
def test_what_refuses_traced_arrays_is_judged_without_lines(cls: type, tag: str) -> None:
    report = check_case(book_subject(cls, cls.__name__), recorded("contracting-5-4-3-2"))
    whole = Report("", cases=(report,))
    assert [(blame.tag, blame.frames) for blame in whole.blames] == [(tag, ())]
    if cls is not RefusesCost:
        assert f"{PARTLY_REFUSED}: TypeError: give arrays" in whole.notes


def test_a_run_of_five_samples_stands_for_one_of_any_other_number_but_one() -> None:
    network, whole = BookNetwork(book.Network, "it"), recorded("remainder-3-4-2")
    patterns, parameters = NetworkPatterns(network), whole.steps[0].parameters
    searched = [
        patterns.found(whole.case, update_run(network, whole.case, parameters, step.batch))
        for step in (whole.steps[0], whole.steps[3])
    ]
    assert [step.batch.m for step in (whole.steps[0], whole.steps[3])] == [3, 1]
    assert [each.pattern.run.m for each in searched] == [M, 1]
    made = update_run(network, whole.case, parameters, whole.steps[0].batch)
    for name, location in searched[0].found.items():
        right = whole.steps[0].expected[name]
        np.testing.assert_allclose(gathered(location, made), right, rtol=1e-12, err_msg=name)
