"""A loss that a program defines, and seldom calls, judges the gradients beside it."""

import ast
import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.backward.loss_names import names_a_loss
from conformance.errors import SubjectError
from conformance.programs.execution import provide
from conformance.script.asked_losses import ASKED, asked
from conformance.script.asking import asking
from conformance.script.losses_in_source import with_losses
from conformance.tests.scripts import run_edited
from conformance.tests.shapes.measure import judged_source as judged

COUNTS = """import numpy as np
rng = np.random.default_rng(3)
exposure = np.column_stack([np.ones(60), rng.normal(size=(60, 2))])
claims = rng.poisson(np.exp(exposure @ [0.5, 0.3, -0.2]))
def neg_log_lik(gamma, Z, k):
    u = Z @ gamma
    return np.mean(np.exp(u) - k * u)
def score(gamma, Z, k):
    return Z.T @ (np.exp(Z @ gamma) - k) / len(k)
gamma = np.zeros(3)
for t in range(40):
    batch = rng.integers(0, 60, 20)
    gamma = gamma - 0.1 * score(gamma, exposure[batch], claims[batch])
    if t % 10 == 9:
        print(neg_log_lik(gamma, exposure, claims))
"""
SQUARED = "(np.exp(Z @ gamma) - k) * np.exp(Z @ gamma)"
"""The same of the quadratic cost."""


def test_a_gradient_of_another_cost_than_the_defined_one_is_wrong(tmp_path: Path) -> None:
    run = run_edited(tmp_path, COUNTS, ("(np.exp(Z @ gamma) - k)", f"({SQUARED})"))
    (blame,) = run.blames
    assert (run.exit_code, blame.lines[0].line) == (1, 9)


def test_the_gradient_of_a_loss_that_is_seldom_printed_is_right(tmp_path: Path) -> None:
    run = run_edited(tmp_path, COUNTS)
    assert (run.exit_code, run.ran.examined.cost) == (0, "own")


PRIVATE = """import numpy as np
class Softmax:
    def _soft(self, X):
        E = np.exp(X @ self.W)
        return E / E.sum(1, keepdims=True)
    def _cost(self, X, Y):
        P = self._soft(X)
        return -np.mean(np.sum(Y * np.log(P), 1)) + 0.005 * np.sum(self.W[:-1] ** 2)
    def _gradient(self, X, Y):
        G = X.T @ (self._soft(X) - Y) / len(X)
        G[:-1] += 0.01 * self.W[:-1]
        return G
    def fit(self, X, Y):
        self.W = 0.1 * np.random.RandomState(0).randn(4, 3)
        for epoch in range(9):
            self.W = self.W - 0.1 * self._gradient(X, Y)
        return self._cost(X, Y)
r = np.random.RandomState(1)
X = np.hstack([r.randn(12, 3), np.ones((12, 1))])
print(Softmax().fit(X, np.eye(3)[r.randint(3, size=12)]))
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [(" += 0.01 * self.W[:-1]", " += 0.02 * self.W[:-1]", 11), ("len(X)", "X.shape[1]", 10)],
)
def test_a_private_loss_with_a_decay_tells_what_decays(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    assert run_edited(tmp_path, PRIVATE).exit_code == 0
    (blame,) = run_edited(tmp_path, PRIVATE, (old, new)).blames
    assert blame.line == line


@pytest.mark.parametrize(
    "line", ["calls.append(len(k))", "k = rng.permutation(k)", "print(len(k))"]
)
def test_a_loss_that_does_more_than_compute_is_not_called_by_us(line: str, tmp_path: Path) -> None:
    edits = ("def neg", "calls = []\ndef neg"), ("    u = ", f"    {line}\n    u = ")
    run = run_edited(tmp_path, COUNTS, *edits)
    assert (run.exit_code, run.ran.examined.cost) == (0, "poisson")


def test_of_two_losses_none_is_taken_for_that_of_the_gradients(tmp_path: Path) -> None:
    error = "def mse(gamma, Z, k):\n    return np.mean((np.exp(Z @ gamma) - k) ** 2)\n"
    run = run_edited(tmp_path, COUNTS, ("def score", error + "def score"))
    assert (run.exit_code, run.ran.examined.cost) == (0, "poisson")


ROBUST = """import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(40, 3))
y = X @ [1.0, -2.0, 0.5] + rng.standard_t(1, size=40)
def huber(e, edge):
    return np.where(np.abs(e) <= edge, 0.5 * e * e, edge * (np.abs(e) - 0.5 * edge)).mean()
def slope(w, X, y, edge):
    e = X @ w - y
    g = np.where(np.abs(e) <= edge, e, edge * np.sign(e)) / len(y)
    return X.T @ g
w, v = np.zeros(3), np.zeros(3)
for t in range(40):
    v = 0.9 * v - 0.05 * slope(w, X, y, 0.7)
    w += v
print(huber(X @ w - y, 0.7))
"""


@pytest.mark.parametrize(("edit", "lines"), [("edge * np.sign", []), ("np.sign", [9])])
def test_a_loss_of_what_a_function_computes_first_judges_it(
    edit: str, lines: list[int], tmp_path: Path
) -> None:
    run = run_edited(tmp_path, ROBUST, ("e, edge * np.sign", f"e, {edit}"))
    assert ([each.line for each in run.blames], run.ran.examined.cost) == (lines, "own"), str(run)


@pytest.mark.parametrize(
    "edit",
    [
        ("    return X.T @ g", "    e = e - e.mean()\n    return X.T @ g"),
        ("def slope(w, X, y, edge)", "def slope(w, X, y, edge, others)"),
        ("    e = X @ w - y", "    for row in X:\n        e = X @ w - y"),
    ],
    ids=["two values", "more data", "in a loop"],
)
def test_only_the_one_value_of_a_variable_is_asked_for(edit: tuple[str, str]) -> None:
    edited = ast.unparse(with_losses(ast.parse(ROBUST.replace(*edit))))
    assert ASKED in ast.unparse(with_losses(ast.parse(ROBUST)))
    assert ASKED not in edited


TRAINED = """import numpy as np
def cost(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
def slopes(w, b, X, y):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    d = p - y
    return X.T @ d / len(y), d.mean()
def train(X, y, lr=0.1, epochs=100):
    w, b = np.zeros(X.shape[1]), 0.0
    for i in range(epochs):
        dw, db = slopes(w, b, X, y)
        w = w - lr * dw
        b = b - lr * db
        if i % 10 == 9:
            print(cost(w, b, X, y))
    return w, b
"""


@pytest.mark.seldom
@pytest.mark.parametrize(("error", "exit_code"), [("p - y", 0), ("(p - y) * p * (1 - p)", 1)])
def test_a_function_that_trains_is_judged_by_the_loss_beside_it(
    error: str, exit_code: int, tmp_path: Path
) -> None:
    assert judged(TRAINED.replace("p - y\n", f"{error}\n"), tmp_path)[0] == exit_code


ALONE = """import numpy as np
def neg_log_lik(gamma, Z, k):
    u = Z @ gamma
    return np.mean(np.exp(u) - k * u)
def score(gamma, Z, k):
    return Z.T @ (np.exp(Z @ gamma) - k) / len(k)
"""


@pytest.mark.seldom
@pytest.mark.parametrize(("error", "exit_code"), [("(np.exp(Z @ gamma) - k)", 0), (SQUARED, 1)])
def test_a_loss_of_names_that_say_nothing_judges_the_function_beside_it(
    error: str, exit_code: int, tmp_path: Path
) -> None:
    text = ALONE.replace("(np.exp(Z @ gamma) - k)", f"({error})")
    assert judged(text, tmp_path)[0] == exit_code


METHODS = """import numpy as np
class Classifier:
    def __init__(self, n):
        self.w, self.b = np.zeros(n), np.zeros(1)
    def forward(self, X):
        return 1 / (1 + np.exp(-(X @ self.w + self.b)))
    def cost(self, X, y):
        p = self.forward(X)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    def step(self, X, y, rate):
        p = self.forward(X)
        d = p - y
        self.w = self.w - rate * X.T @ d / len(y)
        self.b = self.b - rate * d.mean()
rng = np.random.default_rng(1)
X = rng.normal(size=(30, 3))
y = (X[:, 0] > X[:, 1]).astype(float)
model = Classifier(3)
for t in range(50):
    model.step(X, y, 0.5)
    if t % 10 == 9:
        print(model.cost(X, y))
"""


@pytest.mark.parametrize(("error", "exit_code"), [("p - y", 0), ("(p - y) * p * (1 - p)", 1)])
def test_a_method_is_judged_by_the_loss_that_its_class_defines(
    error: str, exit_code: int, tmp_path: Path
) -> None:
    assert run_edited(tmp_path, METHODS, ("d = p - y", f"d = {error}")).exit_code == exit_code


def test_a_loss_that_keeps_what_it_computes_is_asked_of_a_copy(tmp_path: Path) -> None:
    kept = "p = 1 / (1 + np.exp(-(X @ self.w + self.b)))\n        self.p = p\n        return p"
    edit = "return 1 / (1 + np.exp(-(X @ self.w + self.b)))", kept
    stale = "p = self.forward(X)\n        d", "X, p = X[:1], self.p[:1]\n        d"
    assert run_edited(tmp_path, METHODS, edit).ran.examined.cost == "own"
    with pytest.raises(SubjectError, match="has no attribute 'p'"):
        run_edited(tmp_path, METHODS, edit, stale)


@pytest.mark.parametrize("line", ["self.b += 0", "self.b[0] = 0", "self.calls.append(1)"])
def test_a_loss_that_changes_what_its_object_has_is_not_asked_for(
    line: str, tmp_path: Path
) -> None:
    edits = (
        ("np.zeros(1)\n", "np.zeros(1)\n        self.calls = []\n"),
        ("(self, X, y):\n", "(self, X, y):\n        {line}\n".replace("{line}", line)),
    )
    run = run_edited(tmp_path, METHODS, *edits)
    assert (run.exit_code, run.ran.examined.cost) == (0, "cross-entropy")


INLINE = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(30, 3))
y = (X[:, 0] > X[:, 1]).astype(float)
w, b = np.zeros(3), np.zeros(1)
for t in range(1, 51):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    d = p - y
    if t % 10 == 0:
        print(t)
        loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
        print("loss", loss)
    w = w - 0.5 * X.T @ d / len(y)
    b = b - 0.5 * d.mean()
"""


@pytest.mark.parametrize(("error", "exit_code"), [("p - y", 0), ("(p - y) * p * (1 - p)", 1)])
def test_a_loop_is_judged_by_the_loss_that_it_computes_in_some_rounds(
    error: str, exit_code: int, tmp_path: Path
) -> None:
    assert run_edited(tmp_path, INLINE, ("d = p - y", f"d = {error}")).exit_code == exit_code


IN_EPOCHS = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(60, 3))
y = (X[:, :1] > X[:, 1:2]).astype(float)
def forward(x, par):
    steps = {"in": x}
    steps["out"] = 1 / (1 + np.exp(-(x @ par["w"] + par["b"])))
    return steps["out"], steps
def cost(out, y, par):
    return np.mean((out - y) ** 2) + 0.05 / len(y) * np.sum(par["w"] ** 2)
def batches(x, y, size):
    order = rng.permutation(len(x))
    return [(x[order[k:k + size]], y[order[k:k + size]]) for k in range(0, len(x), size)]
par = {"w": rng.normal(size=(3, 1)), "b": np.zeros(1)}
for epoch in range(30):
    for xb, yb in batches(X, y, 20):
        out, steps = forward(xb, par)
        d = 2 * (out - yb) * out * (1 - out) / len(xb)
        gradients = {"w": xb.T @ d + 0.1 / len(xb) * par["w"], "b": d.sum(0)}
        for name in par:
            par[name] = par[name] - 0.5 * gradients[name]
    if epoch % 10 == 0:
        out, _ = forward(X, par)
        print(epoch, cost(out, y, par))
"""

FORWARD = "        out, steps = forward(xb, par)"
MADE_AT_ONCE = (
    ("for xb, yb in batches(X, y, 20):", "for k in range(0, 60, 20):"),
    (FORWARD, f"        xb, yb = X[k:k + 20], y[k:k + 20]\n{FORWARD}"),
)
IN_PLACE = (
    *MADE_AT_ONCE,
    ("        xb, yb = X[k:k + 20], y[k:k + 20]\n", ""),
    ("xb", "X[k:k + 20]"),
    ("yb", "y[k:k + 20]"),
)
SHUFFLED = (
    *MADE_AT_ONCE,
    (
        "    for k in",
        "    order = rng.permutation(60)\n    x, t = X[order], y[order]\n    for k in",
    ),
    ("X[k:k + 20], y[k:k + 20]", "x[k:k + 20], t[k:k + 20]"),
)
"""The ways in which batches are made."""


@pytest.mark.parametrize("edits", [(), MADE_AT_ONCE, IN_PLACE, SHUFFLED])
def test_the_loss_of_all_samples_now_and_then_is_that_of_each_batch(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    run = run_edited(tmp_path, IN_EPOCHS, *edits)
    assert (run.exit_code, run.ran.examined.cost) == (0, "own")
    (blame,) = run_edited(tmp_path, IN_EPOCHS, *edits, ("0.1 / len", "0.3 / len")).blames
    assert 'par["w"]' in (tmp_path / "script.py").read_text().splitlines()[blame.lines[0].line - 1]


def test_a_loss_of_all_samples_is_not_that_of_one(tmp_path: Path) -> None:
    single = ("batches(X, y, 20)", "zip(X, y)"), ("out * (1 - out) / len(xb)", "out * (1 - out)")
    run = run_edited(
        tmp_path, IN_EPOCHS, *single, ("xb.T @ d", "np.outer(xb, d)"), ("d.sum(0)", "d")
    )
    assert run.exit_code == 0


OF_AN_OBJECT = """import numpy as np
class Model:
    def __init__(self):
        rng = np.random.default_rng(1)
        self.w_, self.b_ = rng.normal(size=(3, 1)), np.zeros(1)
    def predict(self, x):
        self.steps = [x]
        self.steps.append(np.tanh(x @ self.w_ + self.b_))
        return self.steps[-1]
    def loss(self, x, y):
        return np.mean(np.cosh(self.predict(x) - y))
    def fit(self, x, y):
        self.losses = []
        for epoch in range(20):
            for k in range(0, len(x), 20):
                xb, yb = x[k:k + 20], y[k:k + 20]
                out = self.predict(xb)
                d = np.sinh(out - yb) / len(xb) * (1 - out ** 2)
                self.w_ = self.w_ - 0.5 * self.steps[0].T @ d
                self.b_ = self.b_ - 0.5 * d.sum(0)
            self.losses.append(self.loss(x, y))
        return self
X = np.random.default_rng(2).normal(size=(60, 3))
print(Model().fit(X, np.sin(X[:, :1])).losses)
"""


def test_the_loss_of_a_copy_of_an_object_is_asked_for(tmp_path: Path) -> None:
    run = run_edited(tmp_path, OF_AN_OBJECT)
    assert (run.exit_code, run.ran.examined.cost) == (0, "own")
    (blame,) = run_edited(tmp_path, OF_AN_OBJECT, (" * (1 - out ** 2)", "")).blames
    assert blame.lines[0].line == 18


BY_ALL = ("0.1 / len(xb)", "0.1 / len(X)")
QUOTIENT = (
    ("np.mean((out - y) ** 2) + 0.05 / len(y) *", "(np.sum((out - y) ** 2) + 0.05 *"),
    ('np.sum(par["w"] ** 2)', 'np.sum(par["w"] ** 2)) / len(y)'),
)


@pytest.mark.parametrize("edits", [(), QUOTIENT], ids=["a term", "a part of a quotient"])
def test_weights_may_decay_as_in_the_loss_of_all_samples(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    run = run_edited(tmp_path, IN_EPOCHS, *edits, BY_ALL)
    assert (run.exit_code, run.ran.examined.cost) == (0, "own")
    wrong = run_edited(tmp_path, IN_EPOCHS, *edits, ("0.1 / len(xb)", "0.2 / len(X)"))
    assert (wrong.exit_code, len(wrong.blames)) == (1, 1)


MSE = """def mse(out, y):
    return np.mean((out - y) ** 2)
def mse_prime(out, y):
    return 2 * (out - y) / len(y)
def cost("""
OF_PARTS = (
    ("def cost(", MSE),
    ("return np.mean((out - y) ** 2) +", "return mse(out, y) +"),
    ("2 * (out - yb) * out * (1 - out) / len(xb)", "mse_prime(out, yb) * out * (1 - out)"),
)


def test_a_part_of_a_loss_that_is_asked_for_beside_it_is_not_the_loss(tmp_path: Path) -> None:
    assert run_edited(tmp_path, IN_EPOCHS, *OF_PARTS).exit_code == 0
    (blame,) = run_edited(tmp_path, IN_EPOCHS, *OF_PARTS, ("0.1 / len", "0.2 / len")).blames
    assert blame.accused.gradients == ("par['w']",)


ANEW = (
    ("d = 2 *", "value = cost(out, yb, par)\n        d = 2 *"),
    (
        "np.mean((out - y) ** 2)",
        "-np.mean(y * np.log(out + 1e-7) + (1 - y) * np.log(1 - out + 1e-7))",
    ),
    ("2 * (out - yb) * out * (1 - out) / len(xb)", "(out - yb) / len(xb)"),
)


def test_of_a_loss_that_is_computed_and_asked_for_either_may_judge(tmp_path: Path) -> None:
    assert run_edited(tmp_path, IN_EPOCHS, *ANEW).exit_code == 0


FROZEN = """from dataclasses import dataclass, replace
import numpy as np
@dataclass(frozen=True)
class State:
    coef: np.ndarray
    steps: int = 0
def nll(state, x, y):
    z = x @ state.coef
    return np.mean(np.logaddexp(0, z) - y * z)
def gradient(state, x, y):
    p = 1 / (1 + np.exp(-x @ state.coef))
    return x.T @ (p - y) / len(y)
rng = np.random.default_rng(13)
x = rng.normal(size=(60, 4))
y = (x[:, 0] > x[:, 1]).astype(float)
state = State(np.zeros(4))
for turn in range(30):
    if turn % 6 == 0:
        print(nll(state, x, y))
    state = replace(state, coef=state.coef - 0.3 * gradient(state, x, y), steps=turn)
"""


def test_a_loss_of_what_is_frozen_is_asked_for(tmp_path: Path) -> None:
    assert run_edited(tmp_path, FROZEN).ran.examined.cost == "own"
    (blame,) = run_edited(tmp_path, FROZEN, ("(p - y)", "((p - y) * p * (1 - p))")).blames
    assert blame.lines[0].line == 12


FITTED = """import numpy as np
class Regressor:
    def predict(self, X):
        return 1 / (1 + np.exp(-(X @ self.coef_ + self.intercept_)))
    def loss(self, X, Y):
        return np.sum((self.predict(X) - Y) ** 2) / len(X)
    def fit(self, X, Y):
        rng = np.random.RandomState(4)
        self.coef_ = rng.randn(X.shape[1], Y.shape[1]) * 0.4
        self.intercept_ = np.zeros(Y.shape[1])
        self.losses_ = []
        for epoch in range(9):
            for start in range(0, len(X), 20):
                x, y = X[start:start + 20], Y[start:start + 20]
                out = 1 / (1 + np.exp(-(x @ self.coef_ + self.intercept_)))
                d = 2 * (out - y) * out * (1 - out) / len(x)
                self.coef_ -= 0.5 * x.T @ d
                self.intercept_ -= 0.5 * d.sum(axis=0)
            self.losses_.append(self.loss(X, Y))
        return self
"""


def test_what_trains_itself_is_judged_by_the_loss_of_its_class(tmp_path: Path) -> None:
    code, _, words = judged(FITTED, tmp_path)
    assert code == 0
    assert "judged by" not in words  # a known cost
    code, lines, _ = judged(FITTED.replace(" * out * (1 - out)", ""), tmp_path)
    assert (code, lines) == (1, ["d = 2 * (out - y) / len(x)"])


def test_functions_run_their_own_code_again_after_losses_are_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "fitted.py"
    names: dict[str, Any] = {"__name__": "fitted"}
    file.write_text(FITTED)
    exec(compile(FITTED, str(file), "exec"), names)  # noqa: S102 - it is ours
    provide(names)
    kind: Any = names["Regressor"]
    before = kind.fit.__code__
    with asking(names) as (losses, _):
        assert kind.fit.__code__ is not before
        kind().fit(np.ones((40, 2)), np.ones((40, 1)))
    assert kind.fit.__code__ is before
    assert len(losses) == 18
    assert all(len(each) == 1 and each[0] > 0 for each in losses)


NAMES = ["_cost", "_loss", "computeCost", "total_loss", "logloss", "perte_moyenne", "coutTotal"]


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_may_be_private_and_of_words_with_capitals(name: str) -> None:
    assert names_a_loss(name)


@pytest.mark.parametrize("name", ["_cost_gradient", "costPrime", "lossDelta", "customer"])
def test_a_derivative_is_no_loss(name: str) -> None:
    assert not names_a_loss(name)


PREDICTS = """
def rates(gamma, Z, k):
    return Z * gamma
def neg_log_lik(gamma, Z, k):
    return rates(gamma, Z, k) - k
"""


def test_what_a_loss_itself_calls_asks_for_no_loss() -> None:
    answers: list[object] = []

    def ask(named: Callable[[], Any], **given: Any) -> None:
        answers.append(asked(named, **given))

    names: dict[str, Any] = {"__builtins__": {**vars(builtins), ASKED: ask}}
    exec(compile(with_losses(ast.parse(PREDICTS)), "net.py", "exec"), names)  # noqa: S102 - it is written above
    names["rates"](2.0, 3.0, 1.0)
    assert answers == [None, 5.0]


MIXTURE = """import numpy as np
rng = np.random.default_rng(1)
inputs = np.column_stack([rng.normal(size=12), np.ones(12)])
goals = np.abs(inputs[:, 0])
V, W = 0.5 * rng.normal(size=(3, 2)), 0.5 * rng.normal(size=(3, 2))
def run(x):
    g = np.exp(V @ x)
    return g / np.sum(g), W @ x
def error(x, t):
    g, y = run(x)
    return -np.log(np.sum(g * np.exp(-0.5 * (t - y) ** 2)))
for epoch in range(2):
    for i in rng.permutation(12):
        x, t = inputs[i], goals[i]
        g, y = run(x)
        likelihood = g * np.exp(-0.5 * (t - y) ** 2)
        share = likelihood / np.sum(likelihood)
        W -= 0.05 * np.outer(-share * (t - y), x)
        V -= 0.05 * np.outer(g - share, x)
    print(np.mean([error(x, t) for x, t in zip(inputs, goals)]))
"""
"""A loss of one sample that is seldom called, and a loop that assigns what it takes."""


@pytest.mark.parametrize(
    ("edit", "names"),
    [
        (("", ""), ()),
        (("g - share", "g - likelihood"), ("V",)),
        (("        x, t = inputs[i], goals[i]\n", ""), ("W",)),
    ],
    ids=["right", "wrong", "a loop over the samples"],
)
def test_a_loop_that_assigns_what_a_loss_takes_is_judged_by_it(
    edit: tuple[str, str], names: tuple[str, ...], tmp_path: Path
) -> None:
    samples = ("for i in rng.permutation(12):", "for x, t in zip(inputs, goals):")
    wrong = ("-share * (t - y), x", "-g * (t - y), x")
    edits = (edit, samples, wrong) if names == ("W",) else (edit,)
    run = run_edited(tmp_path, MIXTURE, *edits)
    assert [each.gradients for each in run.blames] == [names] * bool(names), str(run)
    assert (run.exit_code, run.ran.examined.cost) == (bool(names), "own")


GRADIENTS = """    def gradients(self, x, y):
        z = self.w @ x + self.b
        d = self.cost.delta(z, sigmoid(z), y)
        return d @ x.T, d.sum(1, keepdims=True)
    def step"""
COST_CLASSES = """import numpy as np
class Likelihood:
    @staticmethod
    def fn(a, y):
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / a.shape[1]
    @staticmethod
    def delta(z, a, y):
        return a - y
class SquaredError(Likelihood):
    def fn(self, a, y):
        return 0.5 * np.sum((a - y) ** 2)
    def delta(self, z, a, y):
        return (a - y) * slope(z)
def sigmoid(z):
    return 1 / (1 + np.exp(-z))
def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))
class Perceptron:
    def __init__(self, cost):
        self.w, self.b, self.cost = 0.3 * r.randn(2, 3), np.zeros((2, 1)), cost
    def step(self, x, y):
        z = self.w @ x + self.b
        d = self.cost.delta(z, sigmoid(z), y) / x.shape[1]
        self.w -= 0.5 * d @ x.T
        self.b -= 0.5 * d.sum(1, keepdims=True)
r = np.random.RandomState(0)
x = r.randn(3, 20)
y = 1.0 * np.array([x[0] > x[1], x[1] > 0])
net = Perceptron(Likelihood)
for _ in range(4):
    net.step(x, y)
print(net.cost.fn(sigmoid(net.w @ x + net.b), y))
"""
SQUARED_ERROR = ("Perceptron(Likelihood)", "Perceptron(SquaredError())")
WITHOUT_SLOPE = ("(a - y) * slope(z)\n", "a - y\n")


@pytest.mark.parametrize("edits", [[], [SQUARED_ERROR]])
def test_the_derivative_of_a_cost_is_judged_by_the_value_in_its_class(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    run = run_edited(tmp_path, COST_CLASSES, *edits)
    assert (run.exit_code, run.ran.examined.cost) == (0, "own")
    turned = WITHOUT_SLOPE if edits else WITHOUT_SLOPE[::-1]
    (blame,) = run_edited(tmp_path, COST_CLASSES, *edits, turned).blames
    assert blame.line == (23 if edits else 8)


@pytest.mark.seldom  # of a script, the test above holds it
def test_a_network_is_judged_by_the_value_of_its_cost(tmp_path: Path) -> None:
    network = COST_CLASSES[: COST_CLASSES.index("r = ")].replace("    def step", GRADIENTS)
    network = network.replace("r.randn", "np.random.randn").replace("cost):", "cost=Likelihood):")
    code, _, words = judged(network, tmp_path)
    assert (code, "judged by" in words) == (0, False), words
    code, lines, words = judged(network.replace(*WITHOUT_SLOPE[::-1]), tmp_path)
    assert (code, lines) == (1, ["return (a - y) * slope(z)"]), words


VARIATIONAL = """import numpy as np
rng = np.random.default_rng(4)
X = (rng.random((40, 5)) < 0.4).astype(float)
E, D = rng.normal(size=(5, 3)) * 0.5, rng.normal(size=(3, 5)) * 0.5
def terms(eps):
    z = X @ E + eps
    o = z @ D
    rec = np.sum(np.logaddexp(0, o) - X * o) / len(X)
    return rec, 0.5 * np.sum((X @ E) ** 2) / len(X), z, o
def loss(eps):
    rec, kl, _, _ = terms(eps)
    return rec + kl
for step in range(30):
    eps = rng.normal(size=(40, 3))
    _, _, z, o = terms(eps)
    d = (1 / (1 + np.exp(-o)) - X) / len(X)
    gE = X.T @ (d @ D.T + X @ E / len(X))
    if step % 10 == 0:
        print(step, loss(eps))
    D -= 0.2 * z.T @ d
    E -= 0.2 * gE
"""


@pytest.mark.parametrize(("there", "code"), [("+ X @ E /", 0), ("- X @ E /", 1)])
def test_a_part_of_a_loss_judges_no_update_that_does_not_compute_the_whole(
    there: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, VARIATIONAL, ("+ X @ E /", there))
    assert report.exit_code == code, str(report)
