"""Scripts with an output error of no known cost, and a number that says which cost it is."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited

HUBER = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + rng.standard_t(2, 30)
w, b = rng.normal(size=3), np.zeros(1)
for it in range(10):
    e = X @ w + b - y
    loss = np.where(np.abs(e) <= 1, 0.5 * e**2, np.abs(e) - 0.5).mean()
    de = np.clip(e, -1, 1) / len(X)
    w = w - 0.1 * X.T @ de
    b = b - 0.1 * de.sum()
    print(it, loss)
"""
OWN = "np.where(np.abs(e) <= 1, 0.5 * e**2, np.abs(e) - 0.5)"
LOGCOSH = [
    (OWN, "np.log(np.cosh(e))"),
    ("np.clip(e, -1, 1)", "np.tanh(e)"),
]
UP = [("w - 0.1", "w + 0.1"), ("b - 0.1", "b + 0.1")]
SURVIVAL = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
t = rng.exponential(np.exp(0.3 * X[:, 0]))
beta, a = np.full(3, 0.1), np.full(1, 0.2)
for it in range(10):
    eta = X @ beta + a
    ll = np.mean(eta - t * np.exp(eta))
    score = (1 - t * np.exp(eta)) / len(t)
    beta = beta + 0.1 * X.T @ score
    a = a + 0.1 * score.sum()
    print(it, ll)
"""


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        (UP, {9, 10, 11}),
        ([("de = np", "de = -np")], {9}),
        ([("de = np", "de = -np"), (OWN, f"-(-{OWN}"), ("- 0.5).mean()", "- 0.5).mean())")], {9}),
        ([*LOGCOSH, *UP], {9, 10, 11}),
        ([*LOGCOSH, *UP, ("loss", "total")], {9, 10, 11}),
        ([*LOGCOSH, (".mean()\n", ".mean() + 0.05 * w @ w\n")], {10}),
    ],
    ids=["ascends", "negated error", "minus a mean", "smooth", "any name", "forgotten penalty"],
)
def test_what_no_number_of_the_program_agrees_with_is_wrong(
    edits: list[tuple[str, str]], lines: set[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, HUBER, *edits)
    assert report.exit_code == 1, str(report)
    told = [each.line for blamed in report.examined.accused for each in blamed.lines]
    assert {int(each.line or 0) for each in report.blames} <= lines <= {*told}


@pytest.mark.parametrize(
    ("script", "edits"),
    [
        (HUBER, []),
        (HUBER, [("loss = np.where", "mae = np.abs(e).mean()\n    loss = np.where")]),
        (HUBER, [(OWN, "np.sqrt(np.abs(e))"), ("loss", "seen")]),
        (SURVIVAL, []),
    ],
    ids=["right", "a metric beside it", "a metric alone", "a likelihood that is maximised"],
)
def test_a_loss_and_numbers_to_be_read_are_no_mistakes(
    script: str, edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, script, *edits)
    assert report.exit_code == 0, str(report)


ASCENT = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)); y = X @ [1., -2, .5] + 0.3 * rng.standard_cauchy(size=60)
w, w0 = np.zeros(3), np.array([1.0, -1.0, 0.0])
for i in range(9):
    r = y - X @ w
    ll = -np.sum(np.log1p(r ** 2))
    objective = ll - 0.5 * np.sum((w - w0) ** 2)
    w += 0.01 * (X.T @ (2 * r / (1 + r ** 2)) - (w - w0))
"""
GAUSS = [
    ("np.log1p(r ** 2)", "s + r ** 2 / np.exp(2 * s)"),
    ("w, w0 =", "s, w, w0 = np.zeros(1),"),
    ("(1 + r ** 2)", "np.exp(2 * s)"),
    ("- (w - w0))\n", "- (w - w0)); s = s + 0.01 * (2 * np.sum(r ** 2) / np.exp(2 * s) - 60)\n"),
]


@pytest.mark.parametrize("edits", [[], GAUSS], ids=["neither convex nor concave", "two outputs"])
def test_what_grows_is_right_unless_its_curvature_or_its_name_tells_otherwise(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, ASCENT, *edits)
    assert report.exit_code == 0, str(report)
    assert "η = 0.01" in str(report)


@pytest.mark.parametrize("edits", [[("w += 0.01", "w -= 0.01")], [("objective", "loss")]])
def test_a_name_says_what_has_to_grow_and_what_to_get_less(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, ASCENT, *edits).blames
    assert (blame.gradients, blame.line) == (("w",), 9)


NARROW = """import torch
torch.manual_seed(0)
X = torch.randn(40, 5); Y = torch.sin(X[:, :2])
W = 0.5 * torch.randn(5, 2)
for it in range(4):
    i = torch.randint(0, 40, (16,))
    out = X[i] @ W
    loss = ((out - Y[i]) ** 2).mean()
    d = 2 * (out - Y[i]) / 32
    W -= 0.1 * X[i].T @ d
"""


def test_another_target_than_that_of_the_loss_is_wrong_in_float32_too(tmp_path: Path) -> None:
    assert run_edited(tmp_path, NARROW).exit_code == 0
    (blame,) = run_edited(tmp_path, NARROW, ("(out - Y[i]) / 32", "(out - Y[i - 1]) / 32")).blames
    assert (blame.gradients, blame.line) == (("W",), 9)


DECAYING = """import torch, torch.nn.functional as F
torch.manual_seed(0)
X = torch.randn(20, 5); y = torch.randint(0, 3, (20,)); W = 0.5 * torch.randn(5, 3)
for it in range(4):
    s = X @ W
    loss = F.cross_entropy(s, y) + 0.05 * (W ** 2).sum()
    logp = torch.log_softmax(s, 1)
    d = (logp.exp() - F.one_hot(y, 3)) / 20
    W -= 0.5 * (X.T @ d + 0.1 * W)
"""


def test_a_decay_beside_a_loss_of_torch_is_a_part_of_it(tmp_path: Path) -> None:
    assert run_edited(tmp_path, DECAYING).exit_code == 0
    assert run_edited(tmp_path, DECAYING, (" + 0.1 * W", "")).exit_code == 1


RATE_WITHIN = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
W, b = rng.normal(size=(4, 2)), np.zeros(2)
for it in range(4):
    i = rng.integers(0, 50, 16)
    out = X[i] @ W + b
    loss = ((out - Y[i]) ** 2).mean()
    d = 2 * (out - Y[i]) / 32
    W -= 0.1 * X[i].T @ d
    b -= 0.1 * d.sum(0)
"""


def test_a_rate_within_a_product_is_not_to_blame_for_wrong_targets(tmp_path: Path) -> None:
    assert run_edited(tmp_path, RATE_WITHIN).exit_code == 0
    (blame,) = run_edited(tmp_path, RATE_WITHIN, ("(out - Y[i]) /", "(out - Y[:16]) /")).blames
    assert ({*blame.gradients}, blame.line) == ({"W", "b"}, 9)


NUMBER_BY_NUMBER = """import math, random
random.seed(0)
data = [([random.random(), random.random()], random.randint(0, 1)) for _ in range(20)]
w, b = [0.1, -0.2], 0.0
for x, t in data:
    p = 1 / (1 + math.exp(-(w[0] * x[0] + w[1] * x[1] + b)))
    loss = -(t * math.log(p) + (1 - t) * math.log(1 - p))
    e = p - t
    for i in range(2):
        w[i] -= 0.1 * e * x[i]
    b -= 0.1 * e
"""


def test_the_gradients_of_another_cost_than_the_loss_are_wrong(tmp_path: Path) -> None:
    assert run_edited(tmp_path, NUMBER_BY_NUMBER).exit_code == 0
    report = run_edited(tmp_path, NUMBER_BY_NUMBER, ("p - t", "(p - t) * p * (1 - p)"))
    assert report.exit_code == 1, str(report)
    assert [each.line for each in report.blames] == [8]


MEAN_OF_NUMBERS = """import numpy as np
rng = np.random.default_rng(0)
xs = rng.random(20) * 4
ys = 2.5 * xs - 1 + 0.3 * rng.normal(size=20)
w = b = 0.0
for epoch in range(20):
    dw = db = loss = 0.0
    for x, y in zip(xs, ys):
        err = w * x + b - y
        loss += err ** 2
        dw += 2 * err * x
        db += 2 * err
    loss /= 20
    w -= 0.05 * (dw / 20)
    b -= 0.05 * (db / 20)
"""


def test_the_mean_is_the_loss_where_a_gradient_is_that_of_the_mean(tmp_path: Path) -> None:
    assert run_edited(tmp_path, MEAN_OF_NUMBERS).exit_code == 0
    report = run_edited(tmp_path, MEAN_OF_NUMBERS, ("db += 2", "db = 2"))
    assert [each.gradients for each in report.blames] == [("b",)]


PAIRS = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
w, b = rng.normal(size=(3, 1)), np.zeros(1)
for step in range(50):
    pred = X @ w + b
    loss = np.mean((pred - y) ** 2)
    d = 2 * (pred - y.reshape(-1, 1)) / len(X)
    w -= 0.1 * X.T @ d
    b -= 0.1 * d.sum(axis=0)
"""


def test_a_loss_that_compares_each_output_with_each_target_is_to_blame_itself(
    tmp_path: Path,
) -> None:
    (blame,) = run_edited(tmp_path, PAIRS).blames
    assert (blame.accused.cause.kind, blame.lines[0].line) == ("crossed", 7)
    assert run_edited(tmp_path, PAIRS, ("(pred - y)", "(pred[:, 0] - y)")).exit_code == 0
    (blame,) = run_edited(tmp_path, PAIRS, ("2 * (pred", "2 * (pred * pred")).blames
    assert (blame.accused.cause.kind == "crossed", blame.lines[0].line) == (False, 8)


BOTH = """import numpy as np
rng = np.random.default_rng(1)
hours = rng.normal(size=(25, 1))
marks = 2 * hours[:, 0] + rng.normal(size=25)
k, c = 0.2, 0.0
for _ in range(40):
    gap = k * hours + c - marks
    mse = np.mean(gap ** 2)
    k -= 0.1 * np.mean(2 * gap * hours)
    c -= 0.1 * np.mean(2 * gap)
"""
GROWING = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(30, 3))
t = (X[:, 0] > X[:, 1]).astype(float)
beta, c = np.zeros((3, 1)), 0.0
for _ in range(40):
    prob = 1 / (1 + np.exp(-(X @ beta + c)))
    gap = prob - t
    beta = beta - 0.5 * (X.T @ gap / 30 + 0.1 * beta)
    c = c - 0.5 * np.sum(gap) / 30
"""
THRESHOLDS = """import numpy as np
rng = np.random.default_rng(1)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
U, at, v = rng.normal(size=(3, 1)), np.linspace(-2, 2, 20), rng.normal(size=(20, 1))
for _ in range(40):
    near = X @ U - at
    phi = np.exp(-near ** 2)
    d = (phi @ v - y) / 10
    loss = np.sum((phi @ v - y) ** 2) / 20
    du = X.T @ ((d @ v.T) * phi * -2 * near).sum(axis=1, keepdims=True)
    v -= 0.1 * phi.T @ d
    U -= 0.1 * du
"""


@pytest.mark.parametrize(
    ("text", "change", "line"),
    [
        (BOTH, ("", ""), 7),
        (BOTH, ("    mse = np.mean(gap ** 2)\n", "\n"), 7),
        (GROWING, ("", ""), 8),
    ],
    ids=("loss", "gradients", "growing"),
)
def test_gradients_of_each_output_with_each_target_are_wrong_though_they_agree(
    text: str, change: tuple[str, str], line: int, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, text, change).blames
    assert (blame.accused.cause.kind, blame.lines[0].line) == ("crossed", line)


@pytest.mark.parametrize(
    ("text", "change"),
    [(BOTH, ("- marks", "- marks[:, None]")), (GROWING, ("- t", "- t[:, None]")), (THRESHOLDS, ())],
    ids=("loss", "growing", "as many thresholds as samples"),
)
def test_outputs_with_their_own_targets_are_right(
    text: str, change: tuple[str, str] | tuple[()], tmp_path: Path
) -> None:
    assert run_edited(tmp_path, text, *([change] if change else [])).exit_code == 0


IN_LISTS = """import math
from random import Random
r = Random(7)
u, v = [r.uniform(-1, 1) for _ in range(6)], [r.uniform(-1, 1) for _ in range(3)]
h, d_out, d_hid = [0.0] * 3, [0.0], [0.0] * 3
def forward(x):
    for j in range(3):
        h[j] = math.tanh(u[2 * j] * x[0] + u[2 * j + 1] * x[1])
    return math.tanh(sum(v[j] * h[j] for j in range(3)))
for x, t in 5 * [((1.0, 0.5), 0.9), ((-1.0, 0.2), -0.9), ((0.4, -1.0), 0.9)]:
    o = forward(x)
    d = o - t
    e = 0.0
    e += d * d
    d_out[0] = 2.0 * d * (1.0 - o * o)
    for j in range(3):
        s = 0.0
        s += d_out[0] * v[j]
        d_hid[j] = s * (1.0 - h[j] * h[j])
    for j in range(3):
        v[j] -= 0.1 * d_out[0] * h[j]
        u[2 * j] -= 0.1 * d_hid[j] * x[0]
        u[2 * j + 1] -= 0.1 * d_hid[j] * x[1]
"""


def test_an_output_error_is_told_where_it_is_computed_and_not_where_a_list_is_read(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, IN_LISTS).ok
    report = run_edited(tmp_path, IN_LISTS, ("(1.0 - o * o)", "(1.0 - d * d)"))
    (blame,) = report.examined.accused
    assert [each.line for each in blame.lines] == [15], str(report)


POISSON = """import numpy as np
rng = np.random.default_rng(2024)
X, exposure = rng.uniform(-1, 1, (40, 3)), rng.uniform(0.2, 1.0, 40)
count = rng.poisson(exposure * np.exp(X[:, 0]))

class Adadelta:
    def __init__(self, array, decay=0.95, eps=1e-5):
        self.array, self.decay, self.eps = array, decay, eps
        self.g2, self.d2 = np.zeros_like(array), np.zeros_like(array)

    def move(self, g):
        self.g2 = self.decay * self.g2 + (1 - self.decay) * g * g
        dx = -np.sqrt(self.d2 + self.eps) / np.sqrt(self.g2 + self.eps) * g
        self.d2 = self.decay * self.d2 + (1 - self.decay) * dx * dx
        self.array += dx

v, c = rng.normal(0, 0.4, 3), np.array([0.1])
rules = [Adadelta(v), Adadelta(c)]
for sweep in range(6):
    for i in range(len(X)):
        d = exposure[i] * np.exp(v @ X[i] + c[0]) - count[i]
        for rule, g in zip(rules, (d * X[i], np.array([d]))):
            rule.move(g)
"""


def test_what_an_optimiser_keeps_of_a_number_is_no_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, POISSON)
    assert report.exit_code == 0, str(report)
