"""Optimisers that are made of what a network of the same file holds (`network_optimisers.py`)."""

from pathlib import Path

import pytest

from conformance import check

NET = """import numpy as np

class Linear:
    def __init__(self, n_in, n_out, rng):
        self.theta = [rng.normal(0, 0.5, (n_in, n_out)), np.zeros(n_out)]
        self.slopes = [None, None]

    def forward(self, x):
        self.x = x
        return x @ self.theta[0] + self.theta[1]

    def backward(self, d):
        self.slopes = [self.x.T @ d, d.sum(axis=0)]
        return d @ self.theta[0].T

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, d):
        return d * (1 - self.y ** 2)

class Chain:
    def __init__(self, n_in, n_hidden, n_out, seed=0):
        rng = np.random.default_rng(seed)
        self.parts = [Linear(n_in, n_hidden, rng), Tanh(), Linear(n_hidden, n_out, rng)]

    def layers(self):
        return [part for part in self.parts if isinstance(part, Linear)]

    def forward(self, x):
        for part in self.parts:
            x = part.forward(x)
        return x

    def loss(self, x, y):
        return 0.5 * np.sum((self.forward(x) - y) ** 2) / len(x)

    def backward(self, x, y):
        d = (self.forward(x) - y) / len(x)
        for part in reversed(self.parts):
            d = part.backward(d)

class Mover:
    def __init__(self, layers, eta, keeps=0.9):
        self.layers, self.eta, self.keeps = layers, eta, keeps
        self.pace = [[np.zeros_like(t) for t in e.theta] for e in layers]

    def step(self):
        for e, pace in zip(self.layers, self.pace):
            for i, s in enumerate(e.slopes):
                pace[i] = self.keeps * pace[i] - self.eta * s
                e.theta[i] = e.theta[i] + pace[i]
"""


FUNCTIONS = """import numpy as np

def start(n_in, n_out):
    return {"W": np.random.RandomState(0).randn(n_in, n_out), "b": np.zeros(n_out)}

def forward(params, X):
    return np.tanh(X @ params["W"] + params["b"])

def loss(params, X, Y):
    return 0.5 * np.sum((forward(params, X) - Y) ** 2)

def gradients(params, X, Y):
    out = forward(params, X)
    d = (out - Y) * (1 - out ** 2)
    return {"W": X.T @ d, "b": d.sum(axis=0)}

class Watcher:
    __slots__ = ("model",)

    def __init__(self, model):
        self.model = model

    def step(self):
        return len(self.model.layers)
"""


def test_functions_hold_nothing_of_which_a_class_is_made(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FUNCTIONS)
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == 0, str(report)


def test_an_optimiser_may_have_slots(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        NET.replace(
            "class Mover:", 'class Mover:\n    __slots__ = "layers", "eta", "keeps", "pace"\n'
        )
    )
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == 0, str(report)
    assert "net.py:Mover" in str(report)


def _line(text: str) -> int:
    return next(i for i, each in enumerate(NET.splitlines(), 1) if text in each)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "", id="right"),
        pytest.param("pace[i] - self", "pace[i] + self", id="added", marks=pytest.mark.seldom),
    ],
)
def test_an_optimiser_is_made_of_the_layers_of_the_file(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "net.py").write_text(NET.replace(old, new) if old else NET)
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == bool(old), str(report)
    assert "net.py:Mover" in str(report)
    assert (f"net.py:{_line('self.eta * s')}:" in str(report)) == bool(old), str(report)


def test_an_optimiser_of_no_known_rule_is_not_passed_over(tmp_path: Path) -> None:
    text = NET.replace("self.keeps * pace[i] -", "self.keeps * e.theta[i] -")
    (tmp_path / "net.py").write_text(text)
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == 3, str(report)
    assert "not judged: Mover: its updates are those of no rule" in str(report)


def test_what_an_optimiser_moves_has_to_be_kept(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET.replace("e.theta[i] = e.theta", "theta = e.theta"))
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == 1, str(report)
    assert f"net.py:{_line('e.theta[i] = e')}:" in str(report), str(report)


def test_an_optimiser_that_moves_nothing_is_told(tmp_path: Path) -> None:
    text = NET.replace("e.theta[i] = e.theta[i] + pace[i]", "moved = pace[i]")
    (tmp_path / "net.py").write_text(text)
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == 3, str(report)
    assert "not judged: Mover: its step moves no parameter" in str(report)


SHADOW = """
class Average:
    def __init__(self, model):
        self.model, self.kept = model, [e.theta[0].copy() for e in model.layers()]

    def update(self):
        for i, e in enumerate(self.model.layers()):
            self.kept[i] = 0.9 * self.kept[i] + 0.1 * e.theta[0]
"""


BOUND = """
class Bound:
    def __init__(self, model, most=0.5):
        self.model, self.most = model, most

    def update(self):
        for e in self.model.layers():
            e.theta[0] = np.clip(e.theta[0], -self.most, self.most)
"""


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SHADOW, id="mean"),
        pytest.param(BOUND, id="bound", marks=pytest.mark.seldom),
    ],
)
def test_what_computes_with_no_gradient_is_no_optimiser(other: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET + other)
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == 0, str(report)


def test_the_decay_that_an_optimiser_adds_is_that_of_the_loss(tmp_path: Path) -> None:
    text = NET.replace("** 2) / len(x)", "** 2) / len(x) + self.lam * self.size()")
    text = text.replace("seed=0):", "lam=0.1, seed=0):\n        self.lam = lam")
    text = text.replace("    def loss", SIZE + "    def loss")
    decays = "self.eta * (s + 0.1 * e.theta[i] * (i == 0))"
    for by, wrong in (("0.1", False), ("0.2", True)):
        whole = text.replace("self.eta * s", decays.replace("0.1", by))
        (tmp_path / "net.py").write_text(whole)
        report = check(str(tmp_path / "net.py"))
        assert report.exit_code == wrong, str(report)
        assert ("(i == 0)" in str(report)) == wrong, str(report)


SIZE = """    def size(self):
        return 0.5 * sum(np.sum(e.theta[0] ** 2) for e in self.layers())

"""


HANDED_LAYERS = """class Mover:
    def __init__(self, eta, first=0.9, second=0.99):
        self.eta, self.betas, self.t, self.kept = eta, (first, second), 0, {}

    def update(self, layers):
        self.t += 1
        p, q = self.betas
        for k, e in enumerate(layers):
            for i, s in enumerate(e.slopes):
                m, v = self.kept.get((k, i), (0.0, 0.0))
                self.kept[k, i] = m, v = p * m + (1 - p) * s, q * v + (1 - q) * s * s
                mean, square = m / (1 - p ** self.t), v / (1 - q ** self.t)
                e.theta[i] = e.theta[i] - self.eta * mean / (np.sqrt(square) + 1e-8)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "", id="right"),
        pytest.param("v / (1 - q", "v / (1 - p", id="the other share", marks=pytest.mark.seldom),
        pytest.param("e.theta[i] - self", "e.theta[i] + self", id="added"),
    ],
)
def test_layers_may_be_handed_to_what_moves_them(tmp_path: Path, old: str, new: str) -> None:
    own = HANDED_LAYERS.replace(old, new) if old else HANDED_LAYERS
    text = NET.partition("class Mover")[0] + own
    (tmp_path / "net.py").write_text(text)
    report = check(str(tmp_path / "net.py"))
    line = next((i for i, e in enumerate(text.splitlines(), 1) if old and new in e), 0)
    assert report.exit_code == bool(old), str(report)
    assert "net.py:Mover" in str(report)
    assert (f"net.py:{line}:" in str(report)) == bool(old), str(report)
