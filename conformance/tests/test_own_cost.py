"""The cost that a network shows beside its gradients is judged, in floats and on balls.

Left out: the derivative of a cost, which BP1 judges.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.programs.load import load
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.networks import right_costs
from conformance.tests.networks.book import Array
from conformance.tests.networks.right_costs import (
    CrossEntropyCost,
    QuadraticCost,
    WithQuadraticCost,
)
from conformance.tests.support import exactly, recorded
from conformance.verdict.compare import Status

CASES = ("square-4-4-4-4", "square-4-4-4-4-cross-entropy", "saturated-2-8-3")


class WithoutHalf(QuadraticCost):
    """Lacks its ½, in the cost alone."""

    @staticmethod
    def fn(a: Array, y: Array) -> float:
        """The squared distance."""
        c: Any = np.linalg.norm(a - y) ** 2
        return c  # type: ignore[no-any-return]


class OfTheData(QuadraticCost):
    """Is asked in another way."""

    @staticmethod
    def fn(data: Array) -> float:  # type: ignore[override]
        """The cost of some data."""
        return float(len(data))


@cache
def checked(id_: str, cost: type = QuadraticCost) -> CaseReport:
    def make(sizes: list[int]) -> WithQuadraticCost:
        return WithQuadraticCost(sizes, cost)

    return check_case(book_subject(make, "with cost"), recorded(id_))


@pytest.mark.parametrize("id_", CASES)
def test_a_right_cost_is_judged(id_: str) -> None:
    report = check_case(book_subject(right_costs.WithCost, "with cost"), recorded(id_))
    assert report.status is Status.PASS
    assert "cost" in {verdict.name for verdict in report.passes}


@pytest.mark.parametrize("id_", CASES)
def test_a_right_cost_is_exactly_right(id_: str) -> None:
    subject, whole = book_subject(right_costs.WithCost, "with cost"), recorded(id_)
    run = exactly(subject, whole)
    assert run.right
    assert "cost" in run.errors


def test_a_cost_without_its_half_is_blamed_on_its_line() -> None:
    report = checked("square-4-4-4-4", WithoutHalf)
    assert {tag_of(each.name, report.case.layers) for each in report.failures} == {"C"}
    frame = report.failures[0].frames[0]
    assert (frame.file, frame.function) == (__file__, "fn")


def test_a_cost_that_is_asked_in_another_way_is_not_judged_and_the_report_says_so() -> None:
    report = checked("square-4-4-4-4", OfTheData)
    assert report.status is Status.PASS
    notes = [v.problem for v in report.verdicts if v.status is Status.NOT_OBSERVED and not v.name]
    assert {note.partition(":")[0] for note in notes} == {"cost.fn(a, y) was not judged"}


# No cost

WITHOUT_COST = """
from conformance.tests.programs.base import Network, s

class Mine(Network):
    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(s(w @ a[-1] + b))
        d = a[-1] - y
        nb, nw = [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, d)
            nw.insert(0, d @ a[l].T)
            d = self.weights[l].T @ d * a[l] * (1 - a[l])
        return nb, nw
"""
QUADRATIC = """
    def loss(self, x, y):
        return 0.5 * ((self.feedforward(x) - y) ** 2).sum()
"""
ENTROPY = """
    def loss(self, x, y):
        a = self.feedforward(x)
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()
"""


def _subject(folder: Path, text: str) -> Any:
    (folder / "mine.py").write_text(text)
    return book_subject(cast("type", load(f"{folder / 'mine.py'}:Mine")), "mine")


@pytest.mark.parametrize(
    ("more", "cost"),
    [("", "cross-entropy"), (QUADRATIC, "quadratic"), (ENTROPY, "cross-entropy")],
    ids=["none", "quadratic", "entropy"],
)
def test_a_network_that_states_no_cost_has_that_of_its_output_error(
    tmp_path: Path, more: str, cost: str
) -> None:
    subject = _subject(tmp_path, f"import numpy as np\n{WITHOUT_COST}{more}")
    assert subject.costs == (cost,)
    said = any("none is stated" in each for each in subject.conventions)
    assert said == (more == "")


SHOWN = """
class Entropy:
    @staticmethod
    def fn(a, y):
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum()

Mine.cost = Entropy
"""


def test_the_cost_that_is_shown_decides_before_the_output_error(tmp_path: Path) -> None:
    wrong = WITHOUT_COST.replace("d = a[-1] - y", "d = (a[-1] - y) * a[-1] * (1 - a[-1])")
    assert _subject(tmp_path, f"import numpy as np\n{wrong}{SHOWN}").costs == ("cross-entropy",)


METHODS = {
    "of inputs": "    def cost(self, x, y):\n"
    "        return self.loss(self.feedforward(x), y)\n"
    "    def loss(self, a, y):\n        return LOSS.sum()\n",
    "of outputs": "    def loss(self, a, y):\n        return LOSS.sum() / y.size\n",
    "of targets": "    def loss_of(self, y, a):\n        return 2 * LOSS.mean()\n",
}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_that_gives_a_cost_decides_which_it_is(name: str, tmp_path: Path) -> None:
    loss = "-(y * np.log(a) + (1 - y) * np.log(1 - a))"
    wrong = WITHOUT_COST.replace("d = a[-1] - y", "d = (a[-1] - y) * a[-1] * (1 - a[-1])")
    source = f"import numpy as np\n{wrong}{METHODS[name].replace('LOSS', loss)}"
    assert _subject(tmp_path, source).costs == ("cross-entropy",)


PLOT = """
    def animate_cost(self, x, y):
        Mine.drawn = True
        print("cost:", self.cost(x, y))
        return self.cost(x, y)
    def cost(self, x, y):
        return 0.5 * ((self.feedforward(x) - y) ** 2).sum()
"""


def test_a_method_that_does_more_than_compute_a_cost_is_not_called(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"import numpy as np\n{WITHOUT_COST}{PLOT}")
    network = cast("type", load(f"{tmp_path / 'mine.py'}:Mine"))
    assert book_subject(network, "mine").costs == ("quadratic",)
    assert not hasattr(network, "drawn")


def test_an_error_in_the_biases_alone_is_no_cost(tmp_path: Path) -> None:
    wrong = WITHOUT_COST.replace("d = a[-1] - y", "d = (a[-1] - y) * a[-1] * (1 - a[-1])").replace(
        "nb.insert(0, d)", "nb.insert(0, a[-1] - y if l == len(self.weights) - 1 else d)"
    )
    subject = _subject(tmp_path, wrong)
    assert subject.costs == ("quadratic",)


def test_biases_that_look_at_one_target_make_no_classes_of_targets(tmp_path: Path) -> None:
    wrong = WITHOUT_COST.replace("nb.insert(0, d)", "nb.insert(0, 0 * d + d[0])")
    subject = _subject(tmp_path, wrong)
    assert not subject.takes_classes


# An ε in the logarithms


def with_epsilon(pair: Callable[[Array], tuple[Any, Any]]) -> type:
    """A cross-entropy of the logarithms of a pair of arrays that are nearly a and 1 − a."""

    def fn(a: Array, y: Array) -> Any:
        p, q = pair(a)
        return -np.sum(y * np.log(p) + (1 - y) * np.log(q))

    return type("CrossEntropyCost", (CrossEntropyCost,), {"fn": staticmethod(fn)})


def clipped(epsilon: float) -> type:
    def pair(a: Array) -> tuple[Any, Any]:
        p = np.clip(a, epsilon, 1 - epsilon)
        return p, 1 - p

    return with_epsilon(pair)


def subject_with(cost: type) -> Subject:
    return book_subject(lambda sizes: right_costs.WithCost(sizes, cost), "with cost")


CROSS_ENTROPY = ("square-4-4-4-4-cross-entropy", "saturated-2-2-3-cross-entropy")

EPSILONS = {
    "clipped-1e-7": (clipped(1e-7), "1e-07"),
    "clipped-1e-12": (clipped(1e-12), "1e-12"),
    "clipped-eps": (clipped(float(np.finfo(float).eps)), "2.22e-16"),
    "added-1e-12": (with_epsilon(lambda a: (a + 1e-12, 1 - a + 1e-12)), "1e-12"),
    "added-1e-5": (with_epsilon(lambda a: (a + 1e-5, 1 - a + 1e-5)), "1e-05"),
    "at-least-1e-8": (
        with_epsilon(lambda a: (np.maximum(a, 1e-8), np.maximum(1 - a, 1e-8))),
        "1e-08",
    ),
}


@pytest.mark.parametrize("name", sorted(EPSILONS))
def test_an_epsilon_in_the_cost_is_a_convention_that_is_said_with_its_size(name: str) -> None:
    cost, size = EPSILONS[name]
    subject = subject_with(cost)
    assert [each for each in subject.conventions if "ε" in each] == [
        f"an ε of {size} in the logarithms of the cost"
    ]
    for id_ in CROSS_ENTROPY:
        report = check_case(subject, recorded(id_))
        assert not report.failures
        if "saturated" not in id_:
            assert "cost" in {verdict.name for verdict in report.passes}
            assert not exactly(subject, recorded(id_)).wrong


NO_EPSILON = {
    "none": CrossEntropyCost,
    "of-two-sizes": with_epsilon(lambda a: (a + 1e-3, 1 - a + 1e-5)),
    "too-large": clipped(0.25),
    "a-wrong-cost-beside-it": with_epsilon(lambda a: ((a + 1e-7) ** 2, 1 - a + 1e-7)),
}


@pytest.mark.parametrize("name", sorted(NO_EPSILON))
def test_what_no_epsilon_explains_is_judged_as_it_is(name: str) -> None:
    subject = subject_with(NO_EPSILON[name])
    assert not any("ε" in each for each in subject.conventions)
    report = check_case(subject, recorded("square-4-4-4-4-cross-entropy"))
    assert {each.name for each in report.failures} == ({"cost"} if name != "none" else set())


def test_a_cost_with_an_epsilon_that_is_wrong_elsewhere_is_accused() -> None:
    """On the network on which the ε is found it is right: it forgets the first of few outputs."""

    def fn(a: Array, y: Array) -> Any:
        first = np.size(a) == 2
        return clipped(1e-7).fn(a[first:], y[first:])  # type: ignore[attr-defined]

    cost = type("CrossEntropyCost", (CrossEntropyCost,), {"fn": staticmethod(fn)})
    report = check_case(subject_with(cost), recorded("expanding-3-4-5-2"))
    assert {each.name for each in report.failures} == {"cost"}
