"""The update of a class that returns its gradients is called, recorded and judged as well."""

import re
from pathlib import Path

import pytest

import conformance
from conformance.report.file_report import FileReport
from conformance.tests.shapes.measure import judged_source

SOURCE = """import numpy as np

class Net:
    def __init__(self, n_in, n_out, beta1=0.9, beta2=0.99):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.m = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.v = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.t, self.beta1, self.beta2 = 0, beta1, beta2

    def forward(self, X):
        return 1 / (1 + np.exp(-(X @ self.params["W"] + self.params["b"])))

    def loss(self, X, Y):
        return 0.5 * np.sum((self.forward(X) - Y) ** 2) / len(X)

    def backward(self, X, Y):
        A = self.forward(X)
        d = (A - Y) * A * (1 - A) / len(X)
        return {"W": X.T @ d, "b": d.sum(axis=0)}

    def train_step(self, X, Y, lr=0.01):
        grads = self.backward(X, Y)
"""
DESCENT = """
        for k in grads:
            self.params[k] = self.params[k] - lr * grads[k]
"""
ADAM = """
        self.t += 1
        for k in grads:
            self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1) * grads[k]
            self.v[k] = self.beta2 * self.v[k] + (1 - self.beta2) * grads[k] ** 2
            m_hat = self.m[k] / (1 - self.beta1 ** self.t)
            v_hat = self.v[k] / (1 - self.beta2 ** self.t)
            self.params[k] -= lr * m_hat / (np.sqrt(v_hat) + 1e-8)
"""
FIT = """
    def fit(self, X, Y, steps=200, lr=0.01):
        kept = {k: 0.0 * v for k, v in self.params.items()}
        for _ in range(steps):
            for k, g in self.backward(X, Y).items():
                kept[k] = 0.8 * kept[k] - lr * g
                self.params[k] = self.params[k] + kept[k]
"""
MOMENTUM = """
        for k in grads:
            self.m[k] = 0.9 * self.m[k] - lr * grads[k]
            self.params[k] += self.m[k]
"""
ALONE = (
    SOURCE[: SOURCE.index("    def backward")]
    + """
    def learn(self, X, Y, lr=0.1):
        A = self.forward(X)
        d = (A - Y) * A * (1 - A) / len(X)
        grads = {"W": X.T @ d, "b": d.sum(axis=0)}
"""
)
WRONG = {
    "another correction": (ADAM, "(1 - self.beta2 ** self.t)", "(1 - self.beta1 ** self.t)"),
    "ascends": (DESCENT, "self.params[k] - lr", "self.params[k] + lr"),
    "no square": (ADAM, "grads[k] ** 2", "grads[k]"),
}


def judged(update: str, tmp_path: Path) -> FileReport:
    return written(SOURCE + update, tmp_path)


def written(text: str, tmp_path: Path) -> FileReport:
    file = tmp_path / "net.py"
    file.write_text(text)
    return conformance.check(str(file))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("update", "rule"), [(ADAM, "Adam"), (DESCENT, "gradient descent")], ids=["Adam", "descent"]
)
def test_an_update_that_is_right_is_said_with_its_rule(
    update: str, rule: str, tmp_path: Path
) -> None:
    report = judged(update, tmp_path)
    assert report.exit_code == 0
    assert f"; train_step: {rule}" in str(report)
    assert "not tried" not in str(report)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_an_update_that_is_wrong_is_blamed_though_the_gradients_are_right(
    name: str, tmp_path: Path
) -> None:
    update, right, wrong = WRONG[name]
    report = judged(update.replace(right, wrong), tmp_path)
    line = next(i for i, e in enumerate((SOURCE + update).splitlines(), 1) if right in e)
    assert (report.exit_code, report.blames[0].line) == (1, line)
    assert "2 gradients, all right" in str(report)


def test_only_the_parameters_that_are_moved_wrongly_are_named(tmp_path: Path) -> None:
    update = """
        self.params["W"] -= lr * grads["W"]
        self.params["b"] += lr * grads["b"]
"""
    assert "wrong: the update of params['b']; params['W'] is right" in str(judged(update, tmp_path))


def test_an_update_by_the_gradient_of_another_parameter_is_blamed(tmp_path: Path) -> None:
    text = SOURCE.replace("np.zeros(n_out)}", 'np.zeros(n_out), "c": np.zeros(n_out)}')
    text = text.replace('self.params["b"])))', 'self.params["b"]) * np.exp(self.params["c"])))')
    text = text.replace('"b": d', '"c": (d * z).sum(axis=0), "b": (d * np.exp(c))')
    text = text.replace("X.T @ d,", "X.T @ (d * np.exp(c)),")
    text = text.replace(
        "        d = ",
        """        c = self.params["c"]
        z = (X @ self.params["W"] + self.params["b"]) * np.exp(c)
        d = """,
    )
    update = """
        self.params["W"] -= lr * grads["W"]
        self.params["b"] -= lr * grads["c"]
        self.params["c"] -= lr * grads["c"]
"""
    right = written(
        text + update.replace('["b"] -= lr * grads["c"]', '["b"] -= lr * grads["b"]'), tmp_path
    )
    assert right.exit_code == 0, str(right)
    report = written(text + update, tmp_path)
    assert (report.exit_code, report.blames[0].line) == (1, len((text + update).splitlines()) - 1)


def test_what_trains_is_told_to_take_some_steps(tmp_path: Path) -> None:
    text = SOURCE[: SOURCE.index("    def train_step")] + FIT[FIT.index("    def fit") :]
    assert "fit: gradient descent with momentum" in str(written(text, tmp_path))
    report = written(text.replace("- lr * g", "+ lr * g"), tmp_path)
    assert report.exit_code == 1
    assert "are added to the parameters" in str(report)


def test_an_update_that_does_not_run_is_not_tried(tmp_path: Path) -> None:
    apart = "    def train_step(self, schedule, state):\n        self.params = schedule(state)\n"
    report = judged(DESCENT + "\n" + apart, tmp_path)  # it takes the place of the other
    assert report.exit_code == 0
    assert "note: train_step is not tried" in str(report)


@pytest.mark.parametrize(
    ("update", "rule"),
    [(MOMENTUM, "gradient descent with momentum"), (ADAM, "Adam")],
    ids=["momentum", "Adam"],
)
def test_what_an_update_keeps_is_no_parameter_of_what_only_trains(
    update: str, rule: str, tmp_path: Path
) -> None:
    report = str(written(ALONE + update, tmp_path))
    assert "2 gradients, all right" in report
    assert f"learn: {rule}" in report
    assert "parameters params['W'], params['b']" in report


@pytest.mark.parametrize(
    ("update", "find", "wrong", "line"),
    [
        (MOMENTUM, "X.T @ d", "X.T @ (A - Y) / len(X)", 'grads = {"W"'),
        (MOMENTUM, "- lr * grads[k]", "+ lr * grads[k]", "self.m[k] = "),
        (ADAM, "grads[k] ** 2", "grads[k]", "self.v[k] = "),
    ],
    ids=["gradient", "velocity", "squares"],
)
def test_a_mistake_of_what_only_trains_is_blamed_on_its_line(
    update: str, find: str, wrong: str, line: str, tmp_path: Path
) -> None:
    text = (ALONE + update).replace(find, wrong)
    report = written(text, tmp_path)
    assert line in text.splitlines()[(report.blames[0].line or 0) - 1]


def test_what_moves_parameters_once_is_said_to_be_tried_no_further(tmp_path: Path) -> None:
    once = """
        if self.t:
            return
        self.t = 1
"""
    report = written(ALONE + once + MOMENTUM, tmp_path)
    assert report.exit_code == 0
    assert "note: learn after its first update is not tried" in str(report)


KEPT = """import numpy as np

class Tagger:
    def __init__(self, n_in, n_out):
        self.w = np.random.normal(0, 0.4, (n_in, n_out))
        self.b = np.zeros(n_out)
        self.grads, self.avg = {}, {}

    def predict_proba(self, X):
        return 1 / (1 + np.exp(-(X @ self.w + self.b)))

    def compute_loss(self, X, T):
        p = self.predict_proba(X)
        return -np.mean(T * np.log(p) + (1 - T) * np.log(1 - p))

    def compute_gradients(self, X, T):
        d = (self.predict_proba(X) - T) / T.size
        self.grads["w"], self.grads["b"] = X.T @ d, d.sum(axis=0)
        return self.grads
"""
RMSPROP = """
    def rmsprop_step(self, lr, rho):
        for name, g in self.grads.items():
            self.avg[name] = rho * self.avg.get(name, np.zeros_like(g)) + (1 - rho) * g ** 2
            setattr(self, name, getattr(self, name) - lr * g / (np.sqrt(self.avg[name]) + 1e-8))
"""
OF_ITSELF = RMSPROP.replace("rmsprop_step(self, lr, rho)", "step(self, lr=0.01, rho=0.9)")
WITHOUT = RMSPROP.replace(
    "rmsprop_step(self, lr, rho):", "step(self):\n        lr, rho = 0.01, 0.9"
)
BIASED = """
    def adam_step(self, lr, t, b1=0.9, b2=0.999):
        for name, g in self.grads.items():
            m, v = self.avg.get(name, (0, 0))
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g ** 2
            self.avg[name] = m, v
            m, v = m / (1 - b1**t), v / (1 - b2**t)
            setattr(self, name, getattr(self, name) - lr * m / (np.sqrt(v) + 1e-8))
"""
DECOUPLED = BIASED.replace("adam_step(self, lr, t", "step(self, lr, t").replace(
    "np.sqrt(v) + 1e-8))", "np.sqrt(v) + 1e-8) - lr * 0.01 * getattr(self, name))"
)
WITHOUT_DATA = {
    "by its name": RMSPROP,
    "step": OF_ITSELF,
    "nothing": WITHOUT,
    "Adam": BIASED,
    "AdamW": DECOUPLED,
}


@pytest.mark.parametrize("name", WITHOUT_DATA)
def test_an_update_without_data_is_judged_by_its_rule(name: str, tmp_path: Path) -> None:
    update = WITHOUT_DATA[name]
    right = written(KEPT + update, tmp_path)
    rule = "Adam" if "Adam" in name else "RMSProp"
    assert (right.exit_code, f"step: {rule}" in str(right)) == (0, True), str(right)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        *((name, "- lr", "+ lr") for name in WITHOUT_DATA),
        ("by its name", "(1 - rho) * g", "rho * g"),
        ("step", "(1 - rho) * g ** 2", "(1 - rho) * g"),
    ],
)
def test_a_wrong_update_without_data_is_blamed_on_its_line(
    name: str, old: str, new: str, tmp_path: Path
) -> None:
    text = KEPT + WITHOUT_DATA[name].replace(old, new)
    report = written(text, tmp_path)
    assert report.exit_code == 1
    assert new in text.splitlines()[(report.blames[0].line or 0) - 1]


def test_an_update_without_data_of_no_known_rule_is_said_not_to_be_judged(tmp_path: Path) -> None:
    report = written(KEPT + OF_ITSELF.replace("np.sqrt(", "abs("), tmp_path)
    said = "note: the rule by which step moves parameters is not judged"
    assert (report.exit_code, said in str(report)) == (0, True)


def test_what_moves_no_parameters_is_no_update(tmp_path: Path) -> None:
    clear = "\n    def clear(self):\n        self.grads['w'] = 0 * self.grads['w']\n"
    assert "clear" not in str(written(KEPT + clear, tmp_path))


BY_SAMPLE = """import numpy as np

def train(X, y, lr=0.01, epochs=100):
    w = np.full(X.shape[1], 0.1)
    b = 0.0
    for _ in range(epochs):
        for x, t in zip(X, y):
            err = x @ w + b - t
            w -= lr * err * x
            b -= lr * err
    return w, b
"""
OF_NUMBERS = """import numpy as np

class LinReg:
    def __init__(self, n_features, lr=0.01):
        self.w, self.b, self.lr = np.random.randn(n_features), 0.0, lr

    def predict(self, X):
        return X @ self.w + self.b

    def fit(self, X, y, epochs=10):
        for _ in range(epochs):
            for x, t in zip(X, y):
                err = self.predict(x) - t
                self.w -= self.lr * err * x
                self.b -= self.lr * err
"""
OF_LISTS = """import math

def train_logistic(X, y, lr=0.01, epochs=100):
    w = [0.0] * len(X[0])
    for _ in range(epochs):
        for x, t in zip(X, y):
            p = 1 / (1 + math.exp(-sum(a * b for a, b in zip(w, x))))
            err = p - t
            for j in range(len(w)):
                w[j] -= lr * err * x[j]
    return w
"""


@pytest.mark.parametrize(
    ("text", "right", "there"),
    [
        (BY_SAMPLE, "x @ w + b - t", "x @ w + b - t"),
        (BY_SAMPLE, "x @ w + b - t", "(x @ w + b - t) * t"),
        (BY_SAMPLE, "x @ w + b - t", "(x @ w + b - t) / (1 + abs(t))"),
        (OF_NUMBERS, "self.predict(x) - t", "self.predict(x) - t"),
        (OF_NUMBERS, "self.predict(x) - t", "(self.predict(x) - t) * t"),
        (OF_LISTS, "p - t", "p - t"),
        pytest.param(OF_LISTS, "p - t", "(p - t) * p", marks=pytest.mark.seldom),
    ],
)
def test_the_single_error_of_each_sample_is_judged_by_one_factor(
    text: str, right: str, there: str, tmp_path: Path
) -> None:
    text = text.replace(f"err = {right}", f"err = {there}")
    report = written(text, tmp_path)
    assert report.exit_code == int(right != there), str(report)
    for each in report.blames:
        assert f"err = {there}" in text.splitlines()[(each.line or 0) - 1]


def test_a_rate_that_decays_with_each_sample_is_no_factor_of_the_error(tmp_path: Path) -> None:
    decays = BY_SAMPLE.replace("b -= lr * err", "b -= lr * err\n            lr = 0.9 * lr")
    assert written(decays, tmp_path).exit_code == 0
    decays = decays.replace("0.9 * lr", "lr / (1 + 0.1 * lr)")
    assert written(decays, tmp_path).exit_code == 0


def test_an_error_of_two_cases_is_judged_by_no_single_factor(tmp_path: Path) -> None:
    text = BY_SAMPLE.replace("x @ w + b - t", "np.clip(x @ w + b - t, -1, 1)")
    assert written(text, tmp_path).exit_code == 0


UNITS = """import math
import random

class Unit:
    def __init__(self, n):
        self.links = [random.uniform(-1, 1) for _ in range(n)]
        self.bias = random.uniform(-1, 1)

    def fire(self, xs):
        return 1 / (1 + math.exp(-self.bias - sum(w * x for w, x in zip(self.links, xs))))

class Level:
    def __init__(self, n, n_units):
        self.units = [Unit(n) for _ in range(n_units)]
        self.deltas = [0.0] * n_units

    def forward(self, xs):
        self.xs = xs
        self.outs = [unit.fire(xs) for unit in self.units]
        return self.outs

    def amend(self, rate):
        for unit, delta in zip(self.units, self.deltas):
            unit.bias += rate * delta
            for k in range(len(unit.links)):
                unit.links[k] += rate * delta * self.xs[k]

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.rate = 0.5
        self.levels = [Level(n_in, n_hidden), Level(n_hidden, n_out)]

    def forward(self, xs):
        for level in self.levels:
            xs = level.forward(xs)
        return xs

    def backward(self, ts):
        hidden, last = self.levels
        last.deltas = [(t - o) * o * (1 - o) for t, o in zip(ts, last.outs)]
        for k, o in enumerate(hidden.outs):
            back = sum(d * unit.links[k] for d, unit in zip(last.deltas, last.units))
            hidden.deltas[k] = back * o * (1 - o)

    def amend_all(self):
        for level in self.levels:
            level.amend(self.rate)
"""


@pytest.mark.parametrize("name", ["amend_all", "update", "ajustar_pesos"])
def test_what_moves_parameters_after_the_way_back_is_judged_by_any_name(
    name: str, tmp_path: Path
) -> None:
    report = written(UNITS.replace("amend_all", name), tmp_path)
    assert (report.exit_code, "53 gradients, all right" in str(report)) == (0, True), str(report)


@pytest.mark.parametrize(
    ("right", "there"),
    [
        pytest.param(
            *("delta * self.xs[k]", "delta * self.xs[k] * self.xs[k]"), marks=pytest.mark.seldom
        ),
        ("(t - o) * o", "(o - t) * o"),
        pytest.param("unit.bias += rate", "unit.bias -= rate", marks=pytest.mark.seldom),
    ],
)
def test_what_is_kept_of_each_neuron_says_not_all_of_its_weights(
    right: str, there: str, tmp_path: Path
) -> None:
    text = UNITS.replace(right, there)
    report = written(text, tmp_path)
    assert there in text.splitlines()[(report.blames[0].line or 0) - 1]


IN_BATCHES = """import numpy as np

class Columns:
    def __init__(self, sizes):
        self.weights = [np.random.randn(k, n) for n, k in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(k, 1) for k in sizes[1:]]

    def forward(self, x):
        for w, b in zip(self.weights, self.biases):
            x = np.tanh(w @ x + b)
        return x

    def backprop(self, x, y):
        outs, grads_w, grads_b = [x], [], []
        for w, b in zip(self.weights, self.biases):
            outs.append(np.tanh(w @ outs[-1] + b))
        d = outs[-1] - y
        for w, before, out in zip(self.weights[::-1], outs[-2::-1], outs[:0:-1]):
            d = d * (1 - out ** 2)
            grads_w.insert(0, d @ before.T)
            grads_b.insert(0, d)
            d = w.T @ d
        return grads_w, grads_b

    def move(self, mini_batch, rate=0.1):
        sum_w = [np.zeros_like(w) for w in self.weights]
        sum_b = [np.zeros_like(b) for b in self.biases]
        for x, y in mini_batch:
            grads_w, grads_b = self.backprop(x, y)
            sum_w = [s + g for s, g in zip(sum_w, grads_w)]
            sum_b = [s + g for s, g in zip(sum_b, grads_b)]
        k = rate / len(mini_batch)
        self.weights = [w - k * s for w, s in zip(self.weights, sum_w)]
        self.biases = [b - k * s for b, s in zip(self.biases, sum_b)]
"""


def test_an_update_that_takes_the_last_of_several_gradients_is_blamed(tmp_path: Path) -> None:
    right = written(IN_BATCHES, tmp_path)
    assert (right.exit_code, "move: gradient descent" in str(right)) == (0, True), str(right)
    wrong = "sum_b = [g for s, g in zip(sum_b, grads_b)]"
    text = IN_BATCHES.replace("sum_b = [s + g for", "sum_b = [g for")
    report = written(text, tmp_path)
    assert report.exit_code == 1, str(report)
    assert text.splitlines()[(report.blames[0].line or 0) - 1].strip() == wrong


IN_PLACE = """import numpy as np

class Buffers:
    def __init__(self, n_in, n_out, rows):
        self.rows = rows
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
        self.x, self.gW, self.gb = np.empty((rows, n_in)), np.empty((n_in, n_out)), np.empty(n_out)

    def outputs(self, x):
        np.copyto(self.x, x)
        return 1 / (1 + np.exp(-(self.x @ self.W + self.b)))

    def move(self, rate, decay):
        self.gW *= rate / self.rows
        self.gb *= rate / self.rows
        self.W *= 1 - rate * decay
        self.W -= self.gW
        self.b -= self.gb

    def train(self, X, Y, rate, decay, epochs):
        for _ in range(epochs):
            for k in range(0, len(X) - self.rows + 1, self.rows):
                d = self.outputs(X[k : k + self.rows]) - Y[k : k + self.rows]
                np.dot(self.x.T, d, out=self.gW)
                np.sum(d, axis=0, out=self.gb)
                self.move(rate, decay)


if __name__ == "__main__":
    net = Buffers(4, 2, 6)
    X = np.random.rand(24, 4)
    net.train(X, np.eye(2)[(X[:, 0] > 0.5).astype(int)], 0.5, 0.01, 5)
"""


def test_what_training_calls_is_not_called_once_more_after_it(tmp_path: Path) -> None:
    report = written(IN_PLACE, tmp_path)
    assert report.exit_code == 0, str(report)
    assert "move: gradient descent" in str(report)


GIVEN_BACK = """import numpy as np


def init_params(sizes):
    rng = np.random.default_rng(0)
    return [
        {"W": rng.normal(size=(m, n)), "b": np.zeros(n), "mW": np.zeros((m, n)), "mb": np.zeros(n)}
        for m, n in zip(sizes, sizes[1:])
    ]


def forward(params, X):
    kept = [X]
    for p in params:
        kept.append(1 / (1 + np.exp(-(kept[-1] @ p["W"] + p["b"]))))
    return kept


def train_step(params, X, Y, lr=0.1, mu=0.9):
    kept = forward(params, X)
    delta = (kept[-1] - Y) / len(X)
    moved = []
    for i, p in reversed(list(enumerate(params))):
        mW = mu * p["mW"] - lr * kept[i].T @ delta
        mb = mu * p["mb"] - lr * delta.sum(axis=0)
        moved.insert(0, {"W": p["W"] + mW, "b": p["b"] + mb, "mW": mW, "mb": mb})
        delta = (delta @ p["W"].T) * kept[i] * (1 - kept[i])
    return moved
"""


RECORD = 'from collections import namedtuple\n\nLayer = namedtuple("Layer", "W b mW mb")\n'
IN_RECORDS = RECORD + re.sub(
    r'p\["(\w+)"\]',
    r"p.\1",
    re.sub(r'"(\w+)": ', r"\1=", re.sub(r"{(.*)}", r"Layer(\1)", GIVEN_BACK)),
)


@pytest.mark.seldom
@pytest.mark.parametrize(
    ("text", "kept", "old"),
    [(GIVEN_BACK, '"mb": mb}', '"mb": p["mb"]}'), (IN_RECORDS, "mb=mb)", "mb=p.mb)")],
    ids=["dicts", "records"],
)
def test_each_update_of_a_function_begins_with_what_the_last_one_gave_back(
    text: str, kept: str, old: str, tmp_path: Path
) -> None:
    right = written(text, tmp_path)
    assert right.exit_code == 0, str(right)
    assert "train_step: gradient descent with momentum" in str(right)
    report = written(text.replace(kept, old), tmp_path)
    line = next(i for i, e in enumerate(text.splitlines(), 1) if kept in e)
    assert (report.exit_code, report.blames[0].line) == (1, line), str(report)


OF_PAIRS = """import numpy as np


def sizes_to_net(sizes):
    rng = np.random.default_rng(3)
    return [(rng.normal(size=(n, m)), rng.normal(size=(n, 1))) for m, n in zip(sizes, sizes[1:])]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def backprop(model, x, y):
    acts = [x]
    for w, b in model:
        acts.append(sigmoid(w @ acts[-1] + b))
    d, grads = acts[-1] - y, []
    for (w, b), a in zip(model[::-1], acts[-2::-1]):
        grads.insert(0, (d @ a.T, d))
        d = (w.T @ d) * a * (1 - a)
    return grads


def summed(model, samples):
    sums = [(0 * w, 0 * b) for w, b in model]
    for x, y in samples:
        sums = [(u + p, v + q) for (u, v), (p, q) in zip(sums, backprop(model, x, y))]
    return sums


def update(model, batch, eta, n):
    total = summed(model, batch)
    rate = eta / len(batch)
    return [(w - rate * dw, b - rate * db) for (w, b), (dw, db) in zip(model, total)]
"""


@pytest.mark.seldom
def test_an_update_is_given_samples_one_by_one_where_it_hands_them_on_to_a_loop(
    tmp_path: Path,
) -> None:
    right = written(OF_PAIRS, tmp_path)
    assert right.exit_code == 0, str(right)
    assert "update: gradient descent" in str(right)
    report = written(OF_PAIRS.replace("b - rate * db", "b + rate * db"), tmp_path)
    assert (report.exit_code, report.blames[0].line) == (1, len(OF_PAIRS.splitlines()))


def test_an_update_by_the_number_of_all_samples_is_not_said_to_be_right(tmp_path: Path) -> None:
    report = written(OF_PAIRS.replace("eta / len(batch)", "eta / n"), tmp_path)
    assert "update: gradient descent" not in str(report)
    assert "not judged: update" in str(report)


AVERAGED = """import numpy as np

class Net:
    def __init__(self, sizes, beta=0.9, rate=0.1):
        self.beta, self.rate = beta, rate
        self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.VW = [np.zeros_like(w) for w in self.W]

    def feed(self, x):
        self.A = [x]
        for w in self.W:
            self.A.append(np.tanh(self.A[-1] @ w))
        return self.A[-1]

    def cost(self, y):
        return np.sum((self.A[-1] - y) ** 2) / 2

    def back(self, y):
        delta, self.dW = self.A[-1] - y, [0] * len(self.W)
        for i in reversed(range(len(self.W))):
            delta = delta * (1 - self.A[i + 1] ** 2)
            self.dW[i], delta = self.A[i].T @ delta, delta @ self.W[i].T

    def fit(self, x, y, epochs=100):
        for _ in range(epochs):
            self.feed(x)
            self.back(y)
            for i in range(len(self.W)):
                self.VW[i] = self.beta * self.VW[i] + (1 - self.beta) * self.dW[i]
                self.W[i] -= self.rate * self.VW[i]
"""


@pytest.mark.parametrize(("line", "code"), [("(1 - self.beta)", 0), ("(self.beta - 1)", 1)])
def test_a_number_without_a_gradient_is_no_parameter_whatever_it_is_called(
    line: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(AVERAGED.replace("(1 - self.beta)", line))
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == code, str(report)


BUILDS = """\
import numpy as np

class Fitted:
    def __init__(self, width=6, rate=0.01, seed=0):
        self.width, self.rate = width, rate
        self.draw = np.random.default_rng(seed)

    def begin(self, n, k):
        self.all = [self.draw.normal(size=(n, self.width)), np.zeros(self.width),
                    self.draw.normal(size=(self.width, k))]
        self.m = [np.zeros_like(e) for e in self.all]
        self.s = [np.zeros_like(e) for e in self.all]
        self.t = 0

    def gradients(self, X, Y):
        w, b, v = self.all
        h = np.tanh(X @ w + b)
        e = (h @ v - Y) / len(X)
        d = e @ v.T * (1 - h ** 2)
        return [X.T @ d, d.sum(axis=0), h.T @ e]

    def move(self, grads):
        self.t += 1
        rate = self.rate * np.sqrt(1 - 0.99 ** self.t) / (1 - 0.9 ** self.t)
        for p, g, m, s in zip(self.all, grads, self.m, self.s):
            m *= 0.9
            m += 0.1 * g
            s *= 0.99
            s += 0.01 * g * g
            p -= rate * m / (np.sqrt(s) + 1e-8)

    def fit(self, X, Y, rounds=30):
        self.begin(X.shape[1], Y.shape[1])
        for _ in range(rounds):
            self.move(self.gradients(X, Y))
        return self
"""


@pytest.mark.parametrize(
    ("slope", "code"), [("(1 - h ** 2)", 0), ("(1 - h)", 1)], ids=["right", "wrong"]
)
def test_adam_of_a_class_that_makes_its_parameters_where_it_trains(
    slope: str, code: int, tmp_path: Path
) -> None:
    report = written(BUILDS.replace("(1 - h ** 2)", slope), tmp_path)
    assert report.exit_code == code, str(report)


BATCHES = """\
import numpy as np

class Softmax:
    def __init__(self, n_features, n_classes):
        self.W = np.random.randn(n_features, n_classes) * 0.1
        self.b = np.zeros(n_classes)

    def loss(self, X, y):
        S = X @ self.W + self.b
        E = np.exp(S - S.max(axis=1, keepdims=True))
        p = E / E.sum(axis=1, keepdims=True)
        value = -np.log(p[np.arange(len(y)), y]).mean()
        p[np.arange(len(y)), y] -= 1
        return value, {"W": X.T @ p / len(y), "b": p.mean(axis=0)}

    def fit(self, X, y, lr=0.1, epochs=10, batch=32):
        v = {"W": 0 * self.W, "b": 0 * self.b}
        for _ in range(epochs):
            order = np.random.permutation(len(X))
            for start in range(0, len(X), batch):
                rows = order[start:start + batch]
                _, grads = self.loss(X[rows], y[rows])
                for k in v:
                    v[k] = 0.9 * v[k] + grads[k]
                    setattr(self, k, getattr(self, k) - lr * v[k])
"""


@pytest.mark.parametrize(
    ("step", "line"), [("0.9 * v[k] + grads[k]", 0), ("grads[k] - 0.9 * v[k]", 24)]
)
def test_an_argument_that_is_a_number_by_default_is_given_no_batch(
    step: str, line: int, tmp_path: Path
) -> None:
    report = written(BATCHES.replace("0.9 * v[k] + grads[k]", step), tmp_path)
    assert report.exit_code == (1 if line else 0), str(report)
    assert report.blames[0].line == line if line else "with momentum" in str(report)


HANDED = """import numpy as np

class Pair:
    def __init__(self, n_in, n_hidden, n_out):
        self.maps = [np.random.randn(n_in, n_hidden), np.random.randn(n_hidden, n_out)]
        self.shifts = [np.zeros(n_hidden), np.zeros(n_out)]

    def forward(self, X):
        self.X = X
        self.H = np.tanh(X @ self.maps[0] + self.shifts[0])
        self.P = 1 / (1 + np.exp(-(self.H @ self.maps[1] + self.shifts[1])))
        return self.P

    def backward(self, Y):
        d = (self.P - Y) / len(Y)
        e = d @ self.maps[1].T * (1 - self.H**2)
        return [self.X.T @ e, self.H.T @ d], [e.sum(axis=0), d.sum(axis=0)]

    def walk(self, dmaps, dbiases, pace):
        for i in range(2):
            self.maps[i] -= pace * dmaps[i]
            self.shifts[i] -= pace * dbiases[i]

    def repeat(self, X, Y, often):
        for _ in range(often):
            self.forward(X)
            first, second = self.backward(Y)
            self.walk(first, second, 0.3)
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "names"),
    [
        ("self.shifts[i] -= pace", "self.shifts[i] = pace", "self.shifts[i] -=", "shifts"),
        ("self.maps[i] -= pace * dmaps[i]", "pass", "return [", "maps"),
        ("self.maps[i] -= pace", "self.maps[i] -= 0.1 * self.maps[i] * pace  #", "-= pace", "maps"),
    ],
    ids=["anew", "still", "without"],
)
def test_an_update_that_is_handed_gradients_loses_none(
    old: str, new: str, line: str, names: str, tmp_path: Path
) -> None:
    right = written(HANDED, tmp_path)
    assert (right.exit_code, "; walk: gradient descent" in str(right)) == (0, True), str(right)
    report = written(HANDED.replace(old, new), tmp_path)
    at = next(i for i, each in enumerate(HANDED.splitlines(), 1) if line in each)
    assert (report.exit_code, report.blames[0].line) == (1, at), str(report)
    assert f"wrong: the updates of {names}[0] and {names}[1];" in str(report)


def test_what_an_update_leaves_as_it_is_is_said(tmp_path: Path) -> None:
    frozen = HANDED.replace("            self.shifts", "            if i > 1: self.shifts")
    report = written(frozen, tmp_path)
    assert (report.exit_code, "never moved: shifts[0], shifts[1]" in str(report)) == (0, True)


SQUARES = (
    HANDED[: HANDED.index("    def backward")]
    + """
    def descend(self, Y, pace=0.01):
        d = (self.P - Y) / len(Y)
        e = d @ self.maps[1].T * (1 - self.H**2)
        self.dmaps = [self.X.T @ e, self.H.T @ d]
        self.dshifts = [e.sum(axis=0), d.sum(axis=0)]
        for i in range(2):
            self.s[i] = 0.9 * self.s[i] + 0.1 * self.dmaps[i] ** 2
            self.t[i] = 0.9 * self.t[i] + 0.1 * self.dshifts[i] ** 2
            self.maps[i] -= pace * self.dmaps[i] / (np.sqrt(self.s[i]) + 1e-7)
            self.shifts[i] -= pace * self.dshifts[i] / (np.sqrt(self.t[i]) + 1e-7)
"""
)
SQUARES = SQUARES.replace(
    "\n    def forward",
    "        self.s = [np.zeros_like(e) for e in self.maps]\n"
    "        self.t = [np.zeros_like(e) for e in self.shifts]\n\n    def forward",
).replace("descend(", "backward(")


APART = SQUARES.replace(", pace=0.01", "").replace(
    "        for i", "\n    def follow(self, pace=0.01):\n        for i"
)


@pytest.mark.parametrize("text", [SQUARES, APART], ids=["within", "apart"])
def test_an_update_in_what_gives_the_gradients_is_said(text: str, tmp_path: Path) -> None:
    report = written(text, tmp_path)
    assert (report.exit_code, "RMSProp" in str(report)) == (0, True), str(report)


def test_right_updates_of_some_parameters_clear_no_others(tmp_path: Path) -> None:
    moving = "self.maps[i] -= pace * self.dmaps[i] / (np.sqrt(self.s[i]) + 1e-7)"
    text = APART.replace(moving, "pass").replace("maps", "W").replace("shifts", "b")
    report = written(text, tmp_path)
    told = "wrong: the updates of W[0] and W[1];" in str(report)
    assert (report.exit_code, told) == (1, True), str(report)
    assert "moves nothing" in str(report)


DECAY_IN_THE_STEP = """import numpy as np

def begin(n_in, n_out):
    r = np.random.RandomState(5)
    return {"w": r.randn(n_in, n_out), "c": np.zeros(n_out)}

def predict(p, X):
    return 1 / (1 + np.exp(-(X @ p["w"] + p["c"])))

def loss(p, X, Y, lam):
    fit = 0.5 * np.sum((predict(p, X) - Y) ** 2) / len(X)
    return fit + 0.5 * lam * np.sum(p["w"] ** 2)

def gradients(p, X, Y):
    A = predict(p, X)
    d = (A - Y) * A * (1 - A) / len(X)
    return {"w": X.T @ d, "c": d.sum(axis=0)}
"""
STEP_HANDED = """
def step(p, g, eta, lam):
    p["w"] -= eta * (g["w"] + lam * p["w"])
    p["c"] -= eta * g["c"]
"""
STEP_WHOLE = """
def train_step(p, X, Y, eta, lam):
    g = gradients(p, X, Y)
    p["w"] -= eta * (g["w"] + lam * p["w"])
    p["c"] -= eta * g["c"]
"""


@pytest.mark.parametrize("step", [STEP_HANDED, STEP_WHOLE], ids=["handed gradients", "whole"])
@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_the_decay_of_a_loss_may_be_added_by_the_update(
    tmp_path: Path, step: str, *, wrong: bool
) -> None:
    text = DECAY_IN_THE_STEP + (step.replace("+ lam", "- lam") if wrong else step)
    (tmp_path / "net.py").write_text(text)
    report = conformance.check(str(tmp_path / "net.py"))
    line = (
        text.splitlines().index('    p["w"] -= eta * (g["w"] - lam * p["w"])') + 1 if wrong else 0
    )
    assert report.exit_code == wrong, str(report)
    assert (f"net.py:{line}:" in str(report)) == wrong, str(report)


def test_a_step_that_is_wrong_beside_one_that_adds_the_decay_is_blamed(tmp_path: Path) -> None:
    text = DECAY_IN_THE_STEP + STEP_WHOLE.replace('eta * g["c"]', 'eta / len(X) * g["c"]')
    (tmp_path / "net.py").write_text(text)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 1, str(report)
    assert f"net.py:{len(text.splitlines())}:" in str(report).splitlines()[1], str(report)


DECAY_OF_A_METHOD = """import numpy as np

class Regression:
    def __init__(self, n_in, n_out):
        r = np.random.RandomState(2)
        self.w, self.c = r.randn(n_in, n_out), np.zeros(n_out)

    def predict(self, X):
        return np.tanh(X @ self.w + self.c)

    def cost(self, X, Y, lmbda):
        fit = 0.5 * np.sum((self.predict(X) - Y) ** 2) / len(X)
        return fit + lmbda * np.abs(self.w).sum()

    def backprop(self, X, Y):
        A = self.predict(X)
        d = (A - Y) * (1 - A**2) / len(X)
        return X.T @ d, d.sum(axis=0)

    def update_mini_batch(self, X, Y, eta, lmbda):
        dw, dc = self.backprop(X, Y)
        self.w = self.w - eta * (dw + lmbda * np.sign(self.w))
        self.c = self.c - eta * dc
"""


def test_an_update_is_handed_the_decay_that_the_loss_is(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(DECAY_OF_A_METHOD)
    report = conformance.check(str(tmp_path / "net.py"))
    assert report.exit_code == 0, str(report)


KEEPS_LESS = """import numpy as np

class Ridge:
    def __init__(self, n_in, n_out, seed=1):
        r = np.random.RandomState(seed)
        self.w, self.c = r.randn(n_out, n_in), r.randn(n_out, 1)

    def forward(self, X):
        return np.tanh(self.w @ X + self.c)

    def cost(self, X, Y, lmbda):
        n = X.shape[1]
        fit = 0.5 * np.sum((self.forward(X) - Y) ** 2) / n
        return fit + 0.5 * lmbda / n * np.sum(self.w ** 2)

    def backprop(self, X, Y):
        A = self.forward(X)
        d = (A - Y) * (1 - A ** 2)
        return d @ X.T, d.sum(axis=1, keepdims=True)

    def step(self, X, Y, eta, lmbda, n):
        dw, dc = self.backprop(X, Y)
        self.w = (1 - eta * lmbda / n) * self.w - eta / X.shape[1] * dw
        self.c = self.c - eta / X.shape[1] * dc
"""


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_a_parameter_of_which_less_is_kept_decays_as_in_the_loss(
    tmp_path: Path, *, wrong: bool
) -> None:
    text = KEEPS_LESS.replace("1 - eta * lmbda", "1 - 2 * eta * lmbda") if wrong else KEEPS_LESS
    (tmp_path / "ridge.py").write_text(text)
    report = conformance.check(str(tmp_path / "ridge.py"))
    assert report.exit_code == wrong, str(report)


BOUNDED = (
    KEEPS_LESS.partition("    def step")[0]
    + """    def bound_rows(self):
        sizes = np.sqrt(np.sum(self.w ** 2, axis=1, keepdims=True))
        self.w = self.w * np.minimum(1.0, 0.5 / sizes)
"""
)


def test_a_bound_on_parameters_is_no_update_of_them(tmp_path: Path) -> None:
    before, _, after = BOUNDED.replace(", lmbda)", ")").partition("        return fit +")
    text = before + "        return fit\n" + after.partition("\n")[2]
    (tmp_path / "ridge.py").write_text(text)
    report = conformance.check(str(tmp_path / "ridge.py"))
    assert report.exit_code == 0, str(report)


OF_SINGLE_SAMPLES = """
import numpy as np

class Classifier:
    def __init__(self, n_in, n_out):
        rng = np.random.RandomState(4)
        self.w, self.b = rng.randn(n_out, n_in), np.zeros((n_out, 1))
        self.sw, self.sb = 0 * self.w, 0 * self.b
        self.tw, self.tb = 0 * self.w, 0 * self.b

    def feedforward(self, x):
        z = self.w @ x + self.b
        e = np.exp(z - z.max())
        return e / e.sum()

    def backprop(self, x, y):
        d = self.feedforward(x) - y
        return d @ x.T, d

    def update_mini_batch(self, batch):
        gw, gb = 0 * self.w, 0 * self.b
        for x, y in batch:
            dw, db = self.backprop(x, y)
            gw = gw + dw / len(batch)
            gb = gb + db / len(batch)
        self.sw = 0.9 * self.sw + 0.1 * gw ** 2
        step = np.sqrt(self.tw + 1e-6) / np.sqrt(self.sw + 1e-6) * gw
        self.tw = 0.9 * self.tw + 0.1 * step ** 2
        self.w -= step
        self.sb = 0.9 * self.sb + 0.1 * gb ** 2
        step = np.sqrt(self.tb + 1e-6) / np.sqrt(self.sb + 1e-6) * gb
        self.tb = 0.9 * self.tb + 0.1 * step ** 2
        self.b -= step

    def total_cost(self, batch):
        return sum(-np.sum(y * np.log(self.feedforward(x))) for x, y in batch) / len(batch)
"""


@pytest.mark.seldom
def test_what_is_kept_is_told_however_many_samples_are_gone_through(tmp_path: Path) -> None:
    report = written(OF_SINGLE_SAMPLES, tmp_path)
    assert report.ok, report
    assert "AdaDelta" in str(report)


OF_THE_LARGEST = """import numpy as np

class Ridge:
    def __init__(self, n_features, lam=0.1):
        self.w, self.b, self.lam = np.zeros(n_features), 0.0, lam

    def loss(self, X, y):
        return np.mean((X @ self.w + self.b - y) ** 2) / 2 + self.lam / 2 * np.sum(self.w**2)

    def slopes(self, X, y):
        e = (X @ self.w + self.b - y) / len(y)
        return X.T @ e + self.lam * self.w, e.sum()

    def fit(self, X, y, epochs=50, lr=0.1, decay=0.9, keep=0.99):
        mean, most = [0.0, 0.0], [0.0, 0.0]
        for t in range(1, epochs + 1):
            steps = []
            for i, g in enumerate(self.slopes(X, y)):
                mean[i] = decay * mean[i] + (1 - decay) * g
                most[i] = np.maximum(keep * most[i], np.abs(g))
                steps.append(lr / (1 - decay**t) * mean[i] / (most[i] + 1e-8))
            self.w = self.w - steps[0]
            self.b = self.b - steps[1]
            if t % 10 == 0:
                print(self.loss(X, y))
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("", ""), (" + self.lam * self.w, e", ", e"), ("X.T @ e", "X.T @ e / 2")],
    ids=["right", "decay", "error"],
)
def test_a_gradient_is_found_that_is_divided_by_the_largest(
    right: str, wrong: str, tmp_path: Path
) -> None:
    """AdaMax whose states are local to what trains, by a loss that states a decay."""
    code, lines, said = judged_source(OF_THE_LARGEST.replace(right, wrong), tmp_path)
    assert (code, len(lines)) == (int(bool(wrong)),) * 2, said
    assert all(wrong in each for each in lines), said


OF_ROWS = """import numpy as np

class Embedder:
    def __init__(self, n, k, seed=1):
        r = np.random.RandomState(seed)
        self.P, self.c = 0.3 * r.randn(n, k), np.zeros(k)
        self.acc, self.acc_c = np.zeros((n, 1)), np.zeros(k)

    def forward(self, X):
        return X @ self.P + self.c

    def loss(self, X, Y):
        return 0.5 * np.mean(np.sum((self.forward(X) - Y) ** 2, axis=1))

    def fit_step(self, X, Y, lr=0.1):
        D = (self.forward(X) - Y) / len(X)
        gP, gc = X.T @ D, D.sum(axis=0)
        self.acc += (gP ** 2).sum(axis=1, keepdims=True)
        self.acc_c += gc ** 2
        self.P -= lr * gP / (np.sqrt(self.acc) + 1e-7)
        self.c -= lr * gc / (np.sqrt(self.acc_c) + 1e-7)
"""


def test_a_size_that_is_kept_for_each_row_is_no_parameter(tmp_path: Path) -> None:
    code, _, said = judged_source(OF_ROWS, tmp_path)
    assert (code, "parameters P, c" in said) == (0, True), said
    code, lines, said = judged_source(OF_ROWS.replace("X.T @ D,", "X.T @ np.abs(D),"), tmp_path)
    assert (code, len(lines)) == (1, 1), said
    assert "np.abs(D)" in lines[0], said
