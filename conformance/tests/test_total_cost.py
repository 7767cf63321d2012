"""The L2 term of a total_cost that holds the formula of the cost itself.

Left out: one that takes `cost.fn` (`test_own_loop.py`).
"""

from pathlib import Path
from typing import cast

import pytest

from conformance import check
from conformance.programs.load import load
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.own_loop import Conduct
from conformance.subjects.book.total_cost import total_cost

NETWORK = """import numpy as np
from conformance.tests.programs.base import Network

class Mine(Network):
    def update_mini_batch(self, mb, eta, lmbda, n):
        gs = [self.backprop(x, y) for x, y in mb]
        for l in range(len(self.weights)):
            w = (1 - eta * lmbda / n) * self.weights[l]
            self.weights[l] = w - eta / len(mb) * sum(g[1][l] for g in gs)
            self.biases[l] = self.biases[l] - eta / len(mb) * sum(g[0][l] for g in gs)

    def total_cost(self, data, lmbda, convert=False):
        n, squares = len(data), sum(np.sum(w**2) for w in self.weights)
        outputs = [(self.feedforward(x), y) for x, y in data]
        return COST
"""
QUADRATIC = "sum(0.5 * np.sum((a - y) ** 2) for a, y in outputs)"


def _judged(folder: Path, cost: str, network: str = NETWORK) -> Conduct:
    (folder / "mine.py").write_text(network.replace("COST", cost))
    kind = cast("type", load(f"{folder / 'mine.py'}:Mine"))
    return total_cost(BookNetwork(kind, "mine"))


RIGHT = {
    "mean": f"{QUADRATIC} / n + 0.5 * (lmbda / n) * squares",
    "sum": f"{QUADRATIC} + 0.5 * lmbda * squares",
    "mean of outputs": "np.mean([(a - y) ** 2 for a, y in outputs]) + lmbda * squares / 2 / n",
    "without half": "sum(np.sum((a - y) ** 2) for a, y in outputs) / n + lmbda / n * squares",
    "absolute": "sum(np.sum(abs(a - y)) for a, y in outputs) / n + lmbda / n * squares",
    "root": "np.sqrt(np.mean([(a - y) ** 2 for a, y in outputs])) + lmbda / 2 / n * squares",
}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_right_share_of_the_decay_is_no_mistake(name: str, tmp_path: Path) -> None:
    assert not _judged(tmp_path, RIGHT[name]).findings


def test_what_a_network_calls_lambda_may_be_that_over_n(tmp_path: Path) -> None:
    rate = NETWORK.replace("lmbda, n):", "lmbda):").replace("lmbda / n", "lmbda")
    assert not _judged(tmp_path, f"{QUADRATIC} / n + 0.5 * lmbda * squares", rate).findings


WRONG = {
    "without n": (f"{QUADRATIC} / n + 0.5 * lmbda * squares", 4.0),
    "without half": (f"{QUADRATIC} / n + lmbda / n * squares", 2.0),
    "twice by n": (f"{QUADRATIC} / n + 0.5 * lmbda / n**2 * squares", 0.25),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_share_of_the_decay_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    cost, factor = WRONG[name]
    (found,) = _judged(tmp_path, cost).findings
    assert found["factor"] == factor
    assert found.frames[0].function == "total_cost"


def test_costs_summed_beside_the_decay_of_a_mean_are_told(tmp_path: Path) -> None:
    (found,) = _judged(tmp_path, f"{QUADRATIC} + 0.5 * (lmbda / n) * squares").findings
    assert found.kind == "costs-summed"


def test_a_total_that_is_neither_mean_nor_sum_is_said_not_to_be_judged(tmp_path: Path) -> None:
    conduct = _judged(tmp_path, f"{QUADRATIC} / n**2 + 0.5 * (lmbda / n) * squares")
    assert conduct.notes == (
        "total_cost was not judged: it is neither the mean nor the sum of its samples' costs",
    )


SIGNS = NETWORK.replace(
    "w = (1 - eta * lmbda / n) * self.weights[l]",
    "w = self.weights[l] - eta * lmbda / n * np.sign(self.weights[l])",
).replace("sum(np.sum(w**2)", "sum(np.abs(w).sum()")
MOMENTUM = """import numpy as np
from conformance.tests.programs.base import Network

class Mine(Network):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.vw = [np.zeros(w.shape) for w in self.weights]
        self.vb = [np.zeros(b.shape) for b in self.biases]

    def update_mini_batch(self, mb, eta, lmbda, mu, n):
        gs = [self.backprop(x, y) for x, y in mb]
        for l in range(len(self.weights)):
            g = sum(g[1][l] for g in gs) / len(mb) + lmbda / n * np.sign(self.weights[l])
            self.vw[l] = mu * self.vw[l] - eta * g
            self.vb[l] = mu * self.vb[l] - eta * sum(g[0][l] for g in gs) / len(mb)
            self.weights[l] = self.weights[l] + self.vw[l]
            self.biases[l] = self.biases[l] + self.vb[l]

    def total_cost(self, data, lmbda):
        n = len(data)
        cost = sum(0.5 * np.sum((self.feedforward(x) - y) ** 2) for x, y in data) / n
        return cost + lmbda / n * sum(np.abs(w).sum() for w in self.weights)
"""


def test_weights_that_go_down_by_their_signs_have_the_penalty_of_these(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        SIGNS.replace("COST", f"{QUADRATIC} / n + lmbda / n * squares")
    )
    assert check(str(tmp_path / "mine.py")).exit_code == 0


def test_momentum_beside_the_signs_of_weights_is_another_network(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MOMENTUM)
    report = check(str(tmp_path / "mine.py"))
    assert report.exit_code == 0, str(report)
    assert "momentum, mu as `mu`" in str(report)
