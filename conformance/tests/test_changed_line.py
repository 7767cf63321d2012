"""Which equations stay blamed once the change of one line is known that makes a program right."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.judging.case_report import CaseReport
from conformance.judging.elsewhere import without_what_follows
from conformance.report.book_report import Report
from conformance.report.opening import opening
from conformance.tests.support import recorded
from conformance.tracing.frames import Frame
from conformance.verdict.compare import RESTARTED, Status, Verdict

CASE = "square-4-4-4-4"
NAMES = ("nabla_b2", "nabla_w2", "b2", "w2")


@pytest.mark.parametrize(
    ("direct", "kept"),
    [({"BP3"}, {"BP3", "BP4"}), ({"BP3", "B"}, {"BP3", "BP4", "B"}), ((), {"BP3", "BP4"})],
)
def test_what_is_made_of_a_wrong_quantity_is_blamed_where_the_line_computes_it(
    direct: set[str], kept: set[str]
) -> None:
    verdicts = [Verdict(CASE, 0, RESTARTED, each, Status.FAIL) for each in NAMES]
    (report,) = without_what_follows([CaseReport(recorded(CASE).case, "it", verdicts)], direct)
    assert report.blamed.keys() == kept
    assert report.status is Status.FAIL


@pytest.mark.parametrize(("line", "kept"), [(7, {"BP1", "BP2"}), (8, {"BP1"})])
def test_what_one_line_computes_of_every_layer_is_blamed_in_each(line: int, kept: set[str]) -> None:
    lines = {"delta4": 7, "delta3": line}
    verdicts = [
        Verdict(CASE, 0, RESTARTED, name, Status.FAIL, frames=(Frame("net.py", at, "backprop"),))
        for name, at in lines.items()
    ]
    (report,) = without_what_follows([CaseReport(recorded(CASE).case, "it", verdicts)], ())
    assert report.blamed.keys() == kept


STOPS = """
import numpy as np

def sigma(z):
    return 1 / (1 + np.exp(-z))

class Net:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes, sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigma(w @ a + b)
        return a

    def backprop(self, x, y):
        acts = [x]
        for b, w in zip(self.biases, self.weights):
            acts.append(sigma(w @ acts[-1] + b))
        grad_b, grad_w = [], []
        d = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
        for k in range(len(self.weights) - 1, -1, -1):
            grad_b.insert(0, d)
            grad_w.insert(0, d @ acts[k].T)
            back = self.weights[k].T @ d
            d = back * acts[k] * (1 - acts[k])
        return grad_b, grad_w

    def update_mini_batch(self, batch, eta):
        pairs = [self.backprop(x, y) for x, y in batch]
        for k in range(len(self.weights)):
            self.biases[k] = self.biases[k] - eta * sum(b[k] for b, _ in pairs) / len(batch)
            self.weights[k] = self.weights[k] - eta * sum(w[k] for _, w in pairs) / len(batch)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("back * acts[k] *", "back * acts[k - 1] *", "with:  d = back * acts[k] * (1 - acts[k])"),
        (" - 1, -1, -1)", ", -1, -1)", "with this at net.py:23:  for k in range("),
    ],
    ids=["here", "before"],
)
def test_a_network_that_stops_is_told_the_change_with_which_it_is_right(
    right: str, wrong: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(STOPS.replace(right, wrong))
    *_, change = opening(check(f"{tmp_path / 'net.py'}:Net"))
    assert change.startswith(f"  every case is right {told}")


SUMMED = """
        m = len(batch)
        sum_b, sum_w = [0 * b for b in self.biases], [0 * w for w in self.weights]
        for x, y in batch:
            grad_b, grad_w = self.backprop(x, y)
            sum_b = [s + g for s, g in zip(sum_b, grad_b)]
            sum_w = [s + g for s, g in zip(sum_w, grad_w)]
        steps = [eta * (s / m) for s in sum_w]
        moves = [eta * (s / m) for s in sum_b]
        self.weights = [w - s for w, s in zip(self.weights, steps)]
        self.biases = [b - s for b, s in zip(self.biases, moves)]
"""


@pytest.mark.seldom
def test_a_sum_over_the_samples_is_blamed_where_it_is_used_if_others_are_divided_there(
    tmp_path: Path,
) -> None:
    begin = STOPS[: STOPS.index("        pairs =")].rstrip("\n")
    wrong = SUMMED.replace("eta * (s / m) for s in sum_b", "eta * s for s in sum_b")
    (tmp_path / "net.py").write_text(begin + wrong)
    _, line, *_ = opening(check(f"{tmp_path / 'net.py'}:Net"))
    assert "moves = [eta * s for s in sum_b]" in line


IN_ROWS = """
import numpy as np

def sigma(z):
    return 1 / (1 + np.exp(-z))

class Net:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n) for n in sizes[1:]]
        self.weights = [np.random.randn(k, n) for k, n in zip(sizes, sizes[1:])]

    def forward(self, a):
        acts = [a]
        for i, w in enumerate(self.weights):
            acts.append(sigma(acts[-1] @ w + self.biases[i]))
        return acts

    def feedforward(self, a):
        return self.forward(a)[-1]

    def backprop(self, x, y):
        acts = self.forward(x)
        grad_b, grad_w = [], []
        e = acts[-1] - y
        for k in range(len(self.weights) - 1, -1, -1):
            e = e * acts[k + 1] * (1 - acts[k + 1])
            grad_b.insert(0, e.sum(axis=0))
            grad_w.insert(0, acts[k].T @ e)
            e = e @ self.weights[k].T
        return grad_b, grad_w

    def update_mini_batch(self, batch, eta):
        x, y = (np.vstack(each) for each in zip(*batch))
        grad_b, grad_w = self.backprop(x, y)
        for k in range(len(self.weights)):
            self.biases[k] = self.biases[k] - eta / len(x) * grad_b[k]
            self.weights[k] = self.weights[k] - eta / len(x) * grad_w[k]
"""


def blame_of(right: str, wrong: str, folder: Path) -> tuple[str, str]:
    """The equation that is blamed of this network with a wrong piece of a line, and the line."""
    (folder / "net.py").write_text(IN_ROWS.replace(right, wrong))
    report = check(f"{folder / 'net.py'}:Net")
    assert isinstance(report, Report)
    (blame,) = report.blames
    lines = (folder / "net.py").read_text().splitlines()
    return blame.tag, lines[blame.frames[0].line - 1]


def test_a_network_that_stops_but_where_all_layers_are_equally_wide_is_judged(
    tmp_path: Path,
) -> None:
    wrong = "e @ self.weights[k]"
    tag, line = blame_of("e @ self.weights[k].T", wrong, tmp_path)
    assert tag == "BP2"
    assert wrong in line


@pytest.mark.usefixtures("no_search")
def test_a_network_whose_forward_pass_stops_is_judged_where_all_layers_are_equally_wide(
    tmp_path: Path,
) -> None:
    wrong = "self.biases[0])"
    tag, line = blame_of("self.biases[i])", wrong, tmp_path)
    assert tag == "Z"
    assert wrong in line


@pytest.mark.usefixtures("no_search")
def test_a_network_that_always_stops_is_called_in_the_layout_in_which_feedforward_runs(
    tmp_path: Path,
) -> None:
    (tmp_path / "net.py").write_text(IN_ROWS.replace("acts[k].T @ e", "acts[k].Q @ e"))
    report = check(f"{tmp_path / 'net.py'}:Net", case="square-*")
    (line,) = {each.frames[0].line for each in report.cases}
    assert "acts[k].Q @ e" in (tmp_path / "net.py").read_text().splitlines()[line - 1]


HIDDEN = """
import numpy as np

def sigma(z):
    return 1 / (1 + np.exp(-z))

def slope_of(z):
    return sigma(z) * (1 - sigma(z))

class Net:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n) for n in sizes[1:]]
        self.weights = [np.random.randn(k, n) for k, n in zip(sizes, sizes[1:])]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = sigma(a @ w + b)
        return a

    def backprop(self, x, y):
        acts, zs, grad_b, grad_w = [x], [], [], []
        for w, b in zip(self.weights, self.biases):
            zs.append(acts[-1] @ w + b)
            acts.append(sigma(zs[-1]))
        e = (acts[-1] - y) * slope_of(zs[-1])
        for k in range(len(zs) - 1, -1, -1):
            grad_b.insert(0, e.sum(axis=0))
            grad_w.insert(0, acts[k].T @ e)
            if k:
                slope = slope_of(zs[k - 1])
                e = slope
        return grad_b, grad_w
"""


@pytest.mark.usefixtures("no_search")
def test_a_hidden_error_that_is_the_slope_alone_is_blamed_on_the_line_that_names_it(
    tmp_path: Path,
) -> None:
    update = IN_ROWS.partition("    def update_mini_batch")
    source = f"{HIDDEN}\n{''.join(update[1:])}"
    (tmp_path / "net.py").write_text(source)
    report = check(f"{tmp_path / 'net.py'}:Net", case="square-*")
    assert isinstance(report, Report)
    (blame,) = report.blames
    line = source.splitlines()[blame.frames[0].line - 1].strip()
    assert (blame.tag, line) == ("BP2", "e = slope")


WRONG_COST = """
    def loss(self, a, y):
        return np.mean(-y * np.log(a) + (1 - y) * np.log(1 - a))
"""


def test_a_wrong_cost_is_told_the_change_with_which_it_is_right(tmp_path: Path) -> None:
    own = STOPS.replace("(acts[-1] - y) * acts[-1] * (1 - acts[-1])", "acts[-1] - y")
    (tmp_path / "net.py").write_text(own + WRONG_COST)
    first, _, _, change, *_ = opening(check(f"{tmp_path / 'net.py'}:Net"))
    assert first.startswith("not conformant: C is wrong")
    assert change.endswith("with:  return np.mean(-y * np.log(a) - (1 - y) * np.log(1 - a))")


def said(folder: Path, text: str) -> str:
    """The opening of the report on a network."""
    (folder / "net.py").write_text(text)
    return "\n".join(opening(check(f"{folder / 'net.py'}:Net")))


@pytest.mark.seldom
def test_where_a_right_network_stops_as_well_the_change_may_leave_it_so(tmp_path: Path) -> None:
    numbers = "return np.vectorize(lambda t: 1 / (1 + math.exp(-t)))(z)"
    text = STOPS.replace("return 1 / (1 + np.exp(-z))", numbers).replace("as np", "as np, math")
    told = said(tmp_path, text.replace("(1 - acts[k])", "(1 + acts[k])"))
    assert "is right with:  d = back * acts[k] * (1 - acts[k])" in told, told
    assert "OverflowError" in told, told


@pytest.mark.seldom
def test_a_gradient_that_is_not_stored_is_blamed_where_its_error_is_made(tmp_path: Path) -> None:
    zeros = "[np.zeros_like(b) for b in self.biases], []"
    text = STOPS.replace("[], []", zeros).replace("            grad_b.insert(0, d)\n", "")
    text = text.replace(
        "        for k in range(len(self.weights) - 1",
        "        grad_b[-1] = d\n        for k in range(len(self.weights) - 1",
    )
    assert "net.py:27, in backprop" in (told := said(tmp_path, text)), told
