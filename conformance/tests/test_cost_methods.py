"""Methods that give the cost of a sample: a mistaken cost is wrong, another measure is not judged.

Left out: `cost.fn` (`test_own_cost.py`), the share of the decay (`test_total_cost.py`).
"""

from pathlib import Path
from typing import Any, cast

import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.programs.load import load
from conformance.subjects.book.book_subject import book_subject
from conformance.tests.support import recorded
from conformance.tests.test_own_cost import WITHOUT_COST
from conformance.verdict.compare import Status

ENTROPY, QUADRATIC = "outside-4-3-5-cross-entropy", "square-4-4-4-4"
LOG = "y * np.log(a) + (1 - y) * np.log(1 - a)"
QUADRATIC_NETWORK = """
from conformance.tests.programs.base import Network

class Mine(Network):
"""


def _judged(folder: Path, text: str, case: str) -> CaseReport:
    method = "".join(f"    {line}\n" for line in text.splitlines())
    own = WITHOUT_COST if case == ENTROPY else QUADRATIC_NETWORK
    (folder / "mine.py").write_text(f"import numpy as np\n{own}{method}")
    subject = book_subject(cast("type", load(f"{folder / 'mine.py'}:Mine")), "mine")
    return check_case(subject, recorded(case))


def _notes(report: CaseReport) -> list[Any]:
    return [v.problem for v in report.verdicts if v.status is Status.NOT_OBSERVED and not v.name]


RIGHT = {
    "cost of outputs": f"def cost(self, a, y):\n    return -np.sum({LOG})",
    "mean over the outputs": f"def loss(self, a, y):\n    return -np.mean({LOG})",
    "targets first": f"def loss(self, y, a):\n    return -2 * np.sum({LOG})",
    "called otherwise": "def loss(self, y, d):\n"
    "    return -np.sum(d * np.log(y) + (1 - d) * np.log(1 - y))",
    "of inputs": f"def loss(self, x, y):\n    a = self.feedforward(x)\n    return -np.sum({LOG})",
    "mean over the data": "def cost(self, data):\n"
    "    total = 0.0\n"
    "    for x, y in data:\n"
    "        a = self.feedforward(x)\n"
    f"        total -= np.sum({LOG})\n"
    "    return total / len(data)",
    "bits": f"def loss(self, a, y):\n    return -np.sum({LOG}) / np.log(2)",
    "clipped": "def log_loss(self, a, y):\n"
    "    a = np.clip(a, 1e-7, 1 - 1e-7)\n"
    f"    return -np.sum({LOG})",
    "one ε": "def loss(self, x, y):\n"
    "    a = self.feedforward(x)\n"
    "    return -np.sum(y * np.log(a + 1e-5) + (1 - y) * np.log(1 - a + 1e-8))",
}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_multiple_of_the_cost_is_judged_as_c(name: str, tmp_path: Path) -> None:
    report = _judged(tmp_path, RIGHT[name], ENTROPY)
    assert report.status is Status.PASS
    assert "cost" in {verdict.name for verdict in report.passes}
    assert not _notes(report)


def test_a_factor_of_the_cost_is_a_convention_that_is_said(tmp_path: Path) -> None:
    method = "".join(f"    {line}\n" for line in RIGHT["targets first"].splitlines())
    (tmp_path / "mine.py").write_text(f"import numpy as np\n{WITHOUT_COST}{method}")
    subject = book_subject(cast("type", load(f"{tmp_path / 'mine.py'}:Mine")), "mine")
    said = "loss(y, a) gives 2 times the cross-entropy cost of 4 outputs"
    assert said in subject.conventions


def test_a_cost_that_is_not_finite_is_not_judged(tmp_path: Path) -> None:
    report = _judged(tmp_path, RIGHT["cost of outputs"], ENTROPY)
    saturated = check_case(
        book_subject(cast("type", load(f"{tmp_path / 'mine.py'}:Mine")), "mine"),
        recorded("saturated-2-2-3-cross-entropy"),
    )
    assert (report.status, saturated.status) == (Status.PASS, Status.PASS)


WRONG = {
    "sign of a term": "def cost(self, a, y):\n"
    "    return np.sum(-y * np.log(a) + (1 - y) * np.log(1 - a))",
    "sign, of inputs": "def loss(self, x, y):\n"
    "    a = self.feedforward(x)\n"
    "    return np.mean(-y * np.log(a) + (1 - y) * np.log(1 - a))",
    "sign, of data": "def cost(self, data):\n"
    "    outputs = [(self.feedforward(x), y) for x, y in data]\n"
    "    return sum(np.sum((1 - y) * np.log(1 - a) - y * np.log(a)) for a, y in outputs)",
    "sign, targets first": "def loss(self, y, a):\n"
    "    return np.sum(-y * np.log(a) + (1 - y) * np.log(1 - a))",
    "sign of all": f"def cost(self, a, y):\n    return np.sum({LOG})",
    "exchanged": "def cost(self, a, y):\n"
    "    return -np.sum(a * np.log(y + 1e-9) + (1 - a) * np.log(1 - y + 1e-9))",
    "without 1 - y": "def cost(self, a, y):\n    return -np.sum(y * np.log(a) + np.log(1 - a))",
    "without y": "def cost(self, a, y):\n    return -np.sum(np.log(a) + (1 - y) * np.log(1 - a))",
    "sign in total_cost": "def total_cost(self, data, lmbda):\n"
    "    mean = sum(self.sample(self.feedforward(x), y) for x, y in data) / len(data)\n"
    "    return mean + lmbda / len(data) / 2 * sum(np.sum(w**2) for w in self.weights)\n"
    "def sample(self, a, y):\n"
    "    return -np.sum(y * np.log(a) - (1 - y) * np.log(1 - a))",
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_cost_that_is_no_measure_of_the_error_is_wrong(name: str, tmp_path: Path) -> None:
    report = _judged(tmp_path, WRONG[name], ENTROPY)
    assert {each.name for each in report.failures} == {"cost"}
    (frame, *_) = report.failures[0].frames
    assert "np.log" in (tmp_path / "mine.py").read_text().splitlines()[frame.line - 1]


def test_a_quadratic_cost_of_the_sum_is_wrong(tmp_path: Path) -> None:
    text = "def cost(self, a, y):\n    return 0.5 * np.sum((a + y) ** 2)"
    assert {e.name for e in _judged(tmp_path, text, QUADRATIC).failures} == {"cost"}


OTHERS = {
    "absolute error": "def loss_mae(self, a, y):\n    return np.abs(a - y).sum()",
    "root": "def cost(self, a, y):\n    return np.sqrt(np.mean((a - y) ** 2))",
    "of a softmax": "def cost_ce(self, a, y):\n    return -np.sum(y * np.log(a))",
    "explained": "def loss_r2(self, a, y):\n"
    "    return 1 - np.abs(a - y).sum() / np.abs(y - y.mean()).sum()",
    "hinge": "def loss(self, a, y):\n    return np.maximum(0, 1 - (2 * y - 1) * (2 * a - 1)).sum()",
    "smoothed": "def loss(self, a, y):\n"
    "    t = 0.9 * y + 0.025\n"
    "    return -np.sum(t * np.log(a) + (1 - t) * np.log(1 - a))",
    "weighted": "def loss(self, x, y):\n"
    "    a = self.feedforward(x)\n"
    "    return -np.sum(5 * y * np.log(a) + (1 - y) * np.log(1 - a))",
}


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_another_measure_of_the_error_is_not_judged_and_the_report_says_so(
    name: str, tmp_path: Path
) -> None:
    report = _judged(tmp_path, OTHERS[name], QUADRATIC)
    assert report.status is Status.PASS
    (note,) = {*_notes(report)}
    assert note.startswith(OTHERS[name].partition("(")[0].removeprefix("def "))
    assert note.endswith(") was not judged: it gives no multiple of the quadratic cost")


SILENT = {
    "zero-one": "def zero_one_loss(self, a, y):\n    return float(np.argmax(a) != np.argmax(y))",
    "cost matrix": "def cost(self, a, y):\n"
    "    prices = np.arange(16.0).reshape(4, 4) % 5\n"
    "    return prices[np.argmax(y), np.argmax(a)]",
    "derivative": "def cost_derivative(self, a, y):\n    return a - y",
    "decay": "def l2_cost(self, x, y):\n    return sum(np.sum(w**2) for w in self.weights)",
}


@pytest.mark.parametrize("name", sorted(SILENT))
def test_what_is_no_function_of_the_error_is_not_asked(name: str, tmp_path: Path) -> None:
    report = _judged(tmp_path, SILENT[name], ENTROPY)
    assert report.status is Status.PASS
    assert not _notes(report)


def test_a_cost_with_a_decay_of_its_own_is_not_judged(tmp_path: Path) -> None:
    text = (
        "lmbda = 0.5\n"
        "def cost(self, x, y):\n"
        "    a = self.feedforward(x)\n"
        "    decay = self.lmbda / 2 * sum(np.sum(w**2) for w in self.weights + self.biases)\n"
        f"    return -np.sum({LOG}) + decay"
    )
    report = _judged(tmp_path, text, ENTROPY)
    assert report.status is Status.PASS
    assert {*_notes(report)} == {
        "cost(x, y) was not judged: it gives no multiple of the cross-entropy cost"
    }


def test_a_metric_beside_the_cost_does_not_decide_which_it_is(tmp_path: Path) -> None:
    text = f"{RIGHT['of inputs']}\ndef mse(self, a, y):\n    return np.mean((a - y) ** 2)"
    metric = text.replace("def mse", "def cost_mse")  # before `loss` in the alphabet
    assert _judged(tmp_path, metric, ENTROPY).status is Status.PASS
