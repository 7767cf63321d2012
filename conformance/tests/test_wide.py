"""Who computes in more digits than are judged is right, and it is noted."""

from typing import Any

import numpy as np
import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.report.book_report import Report
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.function.function_subject import function_subject
from conformance.tests.networks.book import Array, Network
from conformance.tests.support import recorded
from conformance.tests.test_function_subject import step
from conformance.verdict.compare import Status

CASES = ("remainder-3-4-2", "saturated-2-8-3")
WIDE = np.dtype(np.longdouble)

pytestmark = pytest.mark.skipif(
    WIDE.itemsize == np.dtype(np.float64).itemsize, reason="long double is float64 here"
)


def wide(arrays: list[Array]) -> list[Array]:
    return [each.astype(WIDE) for each in arrays]


class Wide(Network):
    """Computes the gradient in long double, which makes its parameters so too."""

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """The gradient (nabla_b, nabla_w) of the cost of one sample."""
        kept = self.weights, self.biases
        self.weights, self.biases = wide(self.weights), wide(self.biases)
        try:
            return super().backprop(*wide([x, y]))
        finally:
            self.weights, self.biases = kept


class Frozen(Wide):
    """Computes so too, and never moves its biases."""

    def update_mini_batch(self, mini_batch: Any, eta: float) -> None:
        """One step of gradient descent on a list of (x, y) pairs."""
        kept = self.biases
        super().update_mini_batch(mini_batch, eta)
        self.biases = kept


def wide_step(weights: Any, biases: Any, x: Array, y: Array, eta: float) -> dict[str, Any]:
    return step(wide(weights), wide(biases), x.astype(WIDE), y.astype(WIDE), eta)


def noted(reports: list[CaseReport]) -> list[str]:
    return Report("it", cases=tuple(reports)).notes


@pytest.mark.parametrize(
    "subject",
    [book_subject(Wide, "wide"), function_subject(wide_step, "wide")],
    ids=["network", "function"],
)
def test_floats_wider_than_float64_pass_and_are_noted(subject: Any) -> None:
    reports = [check_case(subject, recorded(id_)) for id_ in CASES]
    assert [each.status for each in reports] == [Status.PASS] * 2
    assert noted(reports) == [f"it computes in {WIDE}: that is judged as it rounds to float64"]


def test_what_is_wrong_in_them_is_blamed() -> None:
    report = check_case(book_subject(Frozen, "frozen"), recorded(CASES[0]))
    assert [each.tag for each in Report("it", cases=(report,)).blames] == ["B"]
