"""Functions that train are called and judged by their updates; a loss is never taken for one."""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.errors import SubjectError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.backward_report import BackwardReport
from conformance.report.file_report import FileReport

LOSS = """\
def compute_error(b, m, points):
    total = 0
    for i in range(len(points)):
        total += (m * points[i, 0] + b - points[i, 1]) ** 2
    return total / len(points)
"""
STEP = """

def step_gradient(b_current, m_current, points, learning_rate):
    db, dm, n = 0, 0, len(points)
    for i in range(n):
        x, y = points[i, 0], points[i, 1]
        db += -(2 / n) * (y - (m_current * x + b_current))
        dm += -(2 / n) * x * (y - (m_current * x + b_current))
    return [b_current - learning_rate * db, m_current - learning_rate * dm]


def runner(points, starting_b, starting_m, learning_rate, num_iterations):
    b, m = starting_b, starting_m
    for i in range(num_iterations):
        b, m = step_gradient(b, m, points, learning_rate)
    return [b, m]
"""
COURSE = """\
def compute_cost(x, y, w, b):
    cost = 0
    for i in range(len(x)):
        cost += (w * x[i] + b - y[i]) ** 2
    return cost / (2 * len(x))


def compute_gradient(x, y, w, b):
    dw, db = 0.0, 0.0
    for i in range(len(x)):
        dw += (w * x[i] + b - y[i]) * x[i]
        db += w * x[i] + b - y[i]
    return dw / len(x), db / len(x)


def gradient_descent(x, y, w_in, b_in, alpha, num_iters, cost_function, gradient_function):
    w, b, history = w_in, b_in, []
    for i in range(num_iters):
        dw, db = gradient_function(x, y, w, b)
        w = w - alpha * dw
        b = b - alpha * db
        history.append(cost_function(x, y, w, b))
    return w, b, history
"""
PARABOLA = """\
def model(x, a, b, c):
    return a * x ** 2 + b * x + c


def mse(x, y, a, b, c):
    return sum((model(p, a, b, c) - q) ** 2 for p, q in zip(x, y)) / len(x)


def update(x, y, a, b, c, lr=0.1):
    errors = [2 * (model(p, a, b, c) - q) / len(x) for p, q in zip(x, y)]
    da = sum(e * p**2 for e, p in zip(errors, x))
    db = sum(e * p for e, p in zip(errors, x))
    dc = sum(e for e, p in zip(errors, x))
    return a - lr * da, b - lr * db, c - lr * dc
"""
OVR = """\
import numpy as np


def sigmoide(z):
    return 1.0 / (1.0 + np.exp(-z))


def entrenar_regresion(X, y, alpha, num_iteraciones):
    theta = np.zeros(X.shape[1])
    for _ in range(num_iteraciones):
        h = sigmoide(X @ theta)
        gradiente = (X.T @ (h - y)) / len(y)
        theta -= alpha * gradiente
    return theta


def predecir_ovr(X, thetas):
    return np.argmax(np.array([sigmoide(X @ theta) for theta in thetas]), axis=0)
"""


def checked(source: str, tmp_path: Path) -> FileReport:
    file = tmp_path / "program.py"
    file.write_text(source, encoding="utf-8")
    return check_file(Asked(str(file)), check)


@pytest.mark.parametrize(
    "source",
    [LOSS + STEP, COURSE, PARABOLA, OVR],
    ids=["step", "course", "parabola", "own"],
)
def test_right_functions_that_train_are_judged_by_their_updates(
    source: str, tmp_path: Path
) -> None:
    report = checked(source, tmp_path)
    assert report.exit_code == 0
    assert "by gradient descent" in str(report)
    assert "compute_error(" not in str(report)


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (STEP.replace("points[i, 0], points[i, 1]", "points[0, i], points[1, i]"), "x *", ""),
        (LOSS + STEP, "dm += -(2 / n) * x *", "dm += (2 / n) * x *"),
        (LOSS + STEP, "dm += -(2 / n) * x *", "dm += -(2 / n) *"),
        (PARABOLA, "e for e, p", "e * p for e, p"),
        pytest.param(
            *(COURSE, "b = b - alpha * db", "b = b - alpha * dw"),
            marks=pytest.mark.seldom,
        ),
    ],
    ids=["columns", "sign", "no input", "third", "other gradient"],
)
def test_a_wrong_function_that_trains_is_blamed_on_its_line(
    source: str, right: str, wrong: str, tmp_path: Path
) -> None:
    made = source.replace(right, wrong, 1)
    line = next(i for i, e in enumerate(made.splitlines(), 1) if e not in source.splitlines())
    report = checked(made, tmp_path)
    assert report.exit_code == 1
    wrong_parts = (part for part in report.parts if isinstance(part, BackwardReport))
    accused = [each for part in wrong_parts for each in part.examined.accused]
    assert {each.lines[0].line for each in accused} == {line}


@pytest.mark.parametrize("wrong", ["m_current - learning_rate * m_current", "m_current"])
def test_a_parameter_that_is_moved_by_no_gradient_is_not_cleared(
    wrong: str, tmp_path: Path
) -> None:
    source = STEP.replace("m_current - learning_rate * dm", wrong)
    with pytest.raises(SubjectError, match="fits no known shape"):
        checked(LOSS + source, tmp_path)


def test_the_loss_of_a_file_tells_where_no_known_cost_does(tmp_path: Path) -> None:
    source = LOSS + STEP.replace("dm += -(2 / n) * x *", "db += -(2 / n) * x *")
    report = checked(source, tmp_path)
    assert report.exit_code == 1
    assert "db += -(2 / n)" in str(report)


@pytest.mark.parametrize(
    ("name", "slope", "power"),
    [("loss", "m", "** 4"), ("erro", "m", "** 2"), ("erro", "w", "** 4")],
)
def test_a_loss_alone_is_not_judged_as_a_gradient(
    name: str, slope: str, power: str, tmp_path: Path
) -> None:
    """It is one by its name, as a sum of squares, or as what is called w is no data."""
    source = LOSS.replace("m *", f"{slope} *").replace("b, m,", f"b, {slope},")
    with pytest.raises(SubjectError, match="fits no known shape"):
        checked(source.replace("** 2", power).replace("compute_error", name), tmp_path)


def test_what_trains_and_cannot_be_called_is_told_beside_what_was_judged(tmp_path: Path) -> None:
    source = COURSE.replace("w, b, history = w_in", "x.no_such_name()\n    w, b, history = w_in")
    report = checked(source, tmp_path)
    assert report.exit_code == 3
    assert "not judged: gradient_descent: it may train, and no way was found" in str(report)


CLASSES = """import numpy as np

def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)

def train(X, y, alpha=0.01, epochs=1000, num_classes=None):
    m, n = X.shape
    if num_classes is None:
        num_classes = len(np.unique(y))
    onehot = np.eye(num_classes)[y]
    theta = np.zeros((n, num_classes))
    for epoch in range(epochs):
        h = softmax(X @ theta)
        gradient = (1 / m) * X.T @ (h - onehot)
        theta -= alpha * gradient
    return theta
"""


@pytest.mark.parametrize(("wrong", "code"), [("(h - onehot)", 0), ("((h - onehot) * h)", 1)])
def test_a_function_that_takes_labels_is_tried(wrong: str, code: int, tmp_path: Path) -> None:
    report = checked(CLASSES.replace("(h - onehot)", wrong), tmp_path)
    assert report.exit_code == code


SGD = """\
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logistic_gd(X, y, alpha=0.01, epochs=1000):
    theta = np.zeros(X.shape[1])
    for _ in range(epochs):
        theta -= alpha * X.T @ (sigmoid(X @ theta) - y) / len(X)
    return theta


def logistic_sgd(X, y, alpha=0.01, epochs=1000):
    theta = np.zeros(X.shape[1])
    for _ in range(epochs):
        for x, t in zip(X, y):
            h = sigmoid(x @ theta)
            theta -= alpha * (h - t) * h * (1 - h) * (x @ theta)
    return theta
"""


def test_what_trains_by_its_own_gradients_and_is_not_tried_is_no_success(tmp_path: Path) -> None:
    report = checked(SGD, tmp_path)
    assert (report.exit_code, "not judged: logistic_sgd" in str(report)) == (3, True), report
    right = SGD.replace("* h * (1 - h) * (x @ theta)", "* x")
    assert checked(right, tmp_path).exit_code == 0


OF_TWO = """\
import numpy as np


def logistic(v):
    return 1 / (1 + np.exp(-v))


def forward(inputs, w_in, w_out):
    hidden = logistic(inputs @ w_in)
    return hidden, logistic(hidden @ w_out)


def backward(w_out, hidden, output, y):
    d_output = (output - y) * output * (1 - output)
    d_hidden = d_output @ w_out.T * hidden * (1 - hidden)
    return d_hidden, d_output


def train(x, y, hidden_size, alpha=1, num_iter=1000):
    w_in = np.random.randn(2, hidden_size)
    w_out = np.random.randn(hidden_size, 1)
    for _ in range(num_iter):
        hidden, output = forward(x, w_in, w_out)
        d_hidden, d_output = backward(w_out, hidden, output, y)
        w_out -= alpha * hidden.T @ d_output
        w_in -= alpha * x.T @ d_hidden
    return {"w_in": w_in, "w_out": w_out}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [("", "", 0), ("* hidden *", "*", 15), ("hidden.T @", "np.tanh(hidden).T @", 25)],
    ids=["right", "slope", "update"],
)
def test_a_function_that_makes_its_parameters_for_so_many_inputs_is_given_as_many(
    right: str, wrong: str, line: int, tmp_path: Path
) -> None:
    report = checked(OF_TWO.replace(right, wrong, 1), tmp_path)
    assert report.exit_code == bool(line), report
    assert not line or f"program.py:{line}: " in str(report), report


def test_a_forward_pass_that_returns_two_things_gives_no_gradients_of_its_inputs(
    tmp_path: Path,
) -> None:
    """Inputs beside weights are no parameters, though they come first."""
    before, _, after = OF_TWO.partition("def backward")
    body, _, rest = after.partition("def train")
    lines = "\n    ".join(body.splitlines()[1:3])
    call = "    d_hidden, d_output = backward(w_out, hidden, output, y)"
    source = f"{before}def train{rest}".replace(call, lines)
    report = checked(source, tmp_path)
    assert report.exit_code == 0, report


WAYS = """\
import numpy as np


def softmax_regression(X, y, C, w0=None, kind="sgd", step_size=0.5, max_iterations=1000):
    N, D = X.shape
    w = np.zeros((C, D)) if w0 is None else w0
    b = np.zeros(C)
    onehot = np.eye(C)[y]
    for _ in range(max_iterations):
        if kind == "sgd":
            n = np.random.choice(N)
            e = np.exp(w @ X[n] + b)
            error = e / e.sum() - onehot[n]
            w -= step_size * np.outer(error, X[n])
            b -= step_size * error
        elif kind == "gd":
            e = np.exp(X @ w.T + b)
            error = e / e.sum(axis=1, keepdims=True) - onehot
            w -= step_size * error.T @ X / N
            b -= step_size * np.sum(error, axis=0) / N
        else:
            raise ValueError(kind)
    return w, b
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [("", "", 0), (", axis=0", "", 20)],
    ids=["right", "other word"],
)
def test_a_function_that_trains_is_tried_with_each_word_that_it_knows(
    right: str, wrong: str, line: int, tmp_path: Path
) -> None:
    """The number of classes may be called `C`."""
    report = checked(WAYS.replace(right, wrong, 1), tmp_path)
    assert report.exit_code == bool(line), report
    assert not line or f"program.py:{line}: " in str(report), report
    assert "kind=" not in str(report)


def test_a_word_with_which_a_function_does_not_train_is_said(tmp_path: Path) -> None:
    report = checked(WAYS.replace("w -= step_size * error.T", "w -= x * error.T"), tmp_path)
    assert (report.exit_code, "note: kind='gd' is not tried" in str(report)) == (0, True), report


def test_a_function_that_updates_a_thousand_times_is_followed_to_its_first_update(
    tmp_path: Path,
) -> None:
    """No name says how often: it goes on as its author wrote it."""
    report = checked(WAYS.replace("max_iterations", "rounds_of_it"), tmp_path)
    assert report.exit_code == 0, report


DEEP = """\
import numpy as np


def deep_model(X, Y, layer_dims, learning_rate, num_iterations, batch_size, centred=False):
    rng = np.random.default_rng(3)
    Ws = [rng.standard_normal((o, i)) / np.sqrt(i) for i, o in zip(layer_dims, layer_dims[1:])]
    for it in range(num_iterations):
        start = (it * batch_size) % X.shape[1]
        a, y, kept = X[:, start:start + batch_size], Y[:, start:start + batch_size], []
        for W in Ws[:-1]:
            h = np.tanh(W @ a)
            kept.append((a, h))
            a = h - h.mean(axis=1, keepdims=True) if centred else h
        z = Ws[-1] @ a
        e = np.exp(z - z.max(axis=0))
        d = (e / e.sum(axis=0) - y) / y.shape[1]
        gradients = [d @ a.T]
        d = Ws[-1].T @ d
        for W, (a, h) in zip(Ws[-2::-1], kept[::-1]):
            d = d - d.mean(axis=1, keepdims=True) if centred else d
            d = d * (1 - h ** 2)
            gradients.insert(0, d @ a.T)
            d = W.T @ d
        Ws = [W - learning_rate * g for W, g in zip(Ws, gradients)]
    return Ws
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("", "", 0),
        ("d * (1 - h ** 2)", "d * (1 - h)", 21),
        ("d = d - d.mean(axis=1, keepdims=True)", "d = d - d.mean(axis=0, keepdims=True)", 20),
    ],
    ids=["right", "wrong", "wrong where it is told to"],
)
def test_a_function_that_makes_a_network_for_several_classes_is_tried_with_what_is_off(
    right: str, wrong: str, line: int, tmp_path: Path
) -> None:
    report = checked(DEEP.replace(right, wrong), tmp_path)
    assert report.exit_code == bool(line), report
    assert not line or f"program.py:{line}: " in str(report), report


OF_COLUMNS = """\
import numpy as np


def model(X, Y, n_h=5, lr=0.4, epochs=30, seed=1):
    rng = np.random.RandomState(seed)
    p = {"W1": rng.randn(n_h, len(X)), "W2": rng.randn(len(Y), n_h), "b2": np.zeros((len(Y), 1))}
    for _ in range(epochs):
        A1 = np.tanh(p["W1"] @ X)
        T = np.exp(p["W2"] @ A1 + p["b2"])
        A2 = T / T.sum(axis=0)
        dZ2 = (A2 - Y) / X.shape[1]
        dZ1 = (p["W2"].T @ dZ2) * (1 - A1 ** 2)
        grads = {"W1": dZ1 @ X.T, "W2": dZ2 @ A1.T, "b2": dZ2.sum(axis=1, keepdims=True)}
        for k in p:
            p[k] = p[k] - lr * grads[k]
    return p
"""


DROPPING = """import numpy as np


def pass_on(X, p, rng):
    A1 = np.tanh(p["W1"] @ X)
    D1 = rng.rand(*A1.shape) < 0.8
    A1 = A1 * D1 / 0.8
    T = np.exp(p["W2"] @ A1)
    return T / T.sum(axis=0), A1, D1


def pass_back(X, Y, p, A2, A1, D1):
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = (p["W2"].T @ dZ2) * D1 / 0.8 * (1 - (A1 * 0.8) ** 2)
    return {"W1": dZ1 @ X.T, "W2": dZ2 @ A1.T}


def model(X, Y, lr=0.4, epochs=30, seed=1):
    rng = np.random.RandomState(seed)
    p = {"W1": rng.randn(5, len(X)), "W2": rng.randn(len(Y), 5)}
    for _ in range(epochs):
        grads = pass_back(X, Y, p, *pass_on(X, p, rng))
        for k in p:
            p[k] = p[k] - lr * grads[k]
    return p
"""


@pytest.mark.parametrize(
    ("source", "wrong", "line"),
    [(OF_COLUMNS, "1 - A1 ** 2", 0), (OF_COLUMNS, "1 - A1", 12), (DROPPING, "", 0)],
    ids=["right", "wrong", "with dropout"],
)
def test_parameters_that_are_made_for_the_samples_are_those_of_data_that_are_turned(
    source: str, wrong: str, line: int, tmp_path: Path
) -> None:
    report = checked(source.replace("1 - A1 ** 2", wrong), tmp_path)
    assert report.exit_code == bool(line), report
    assert not line or f"program.py:{line}: " in str(report), report


DRAWN = """import numpy as np
def start(sizes):
    weights = [np.random.randn(n, k) / np.sqrt(k) for k, n in zip(sizes, sizes[1:])]
    return {'W': weights, 'b': [np.zeros((n, 1)) for n in sizes[1:]]}
def forward(X, params):
    H = np.tanh(params['W'][0].dot(X) + params['b'][0])
    return 1 / (1 + np.exp(-(params['W'][1].dot(H) + params['b'][1]))), H
def cost(P, Y):
    return -(np.dot(Y, np.log(P).T) + np.dot(1 - Y, np.log(1 - P).T))[0, 0] / Y.shape[1]
def backward(X, Y, P, H, params):
    d2 = (P - Y) / X.shape[1]
    d1 = params['W'][1].T.dot(d2) * (1 - H ** 2)
    dW, db = [d1.dot(X.T), d2.dot(H.T)], [d1.sum(1, keepdims=True), d2.sum(1, keepdims=True)]
    return {'W': dW, 'b': db}
def fit(X, Y, sizes, rate=0.3, iterations=500):
    params = start(sizes)
    for i in range(iterations):
        P, H = forward(X, params)
        grads = backward(X, Y, P, H, params)
        for key in params:
            for l in range(2):
                params[key][l] = params[key][l] - rate * grads[key][l]
    return params
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("", "", 0),
        pytest.param(
            "params[key][l] - rate", "params[key][l] + rate", 22, marks=pytest.mark.seldom
        ),
        pytest.param("(1 - H ** 2)", "(1 - H)", 12, marks=pytest.mark.seldom),
    ],
    ids=["right", "uphill", "slope"],
)
def test_a_function_that_draws_its_parameters_is_tried_with_one_output(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    report = checked(DRAWN.replace(old, new) if old else DRAWN, tmp_path)
    assert report.exit_code == bool(line), report
    assert line == 0 or f"program.py:{line}:" in str(report), report
    assert "not judged" not in str(report)


OF_TWO_INPUTS = """import numpy as np

def fit(X, y, lr=0.1, epochs=30):
    b, W = 0.0, np.zeros((2, 1))
    for _ in range(epochs):
        e = (X @ W + b - y) / len(X)
        b = b - lr * e.sum()
        W = W - lr * X.T @ e
    return W, b
"""
MIXED = """

def blended(x, y, rng, alpha=0.3):
    share = rng.beta(alpha, alpha, size=(len(x), 1))
    other = rng.permutation(len(x))
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]
"""


def test_what_only_draws_by_a_number_does_not_train(tmp_path: Path) -> None:
    report = checked(OF_TWO_INPUTS + MIXED, tmp_path)
    assert "blended" not in str(report)
    beside = checked(OF_TWO_INPUTS + MIXED.replace("share * x +", "alpha * x +"), tmp_path)
    assert "not judged: blended" in str(beside)


def test_a_number_among_parameters_tells_no_number_of_inputs(tmp_path: Path) -> None:
    report = checked(OF_TWO_INPUTS, tmp_path)
    assert report.exit_code == 0, report
    assert "fit: 2 gradients, all right" in str(report)
    wrong = checked(OF_TWO_INPUTS.replace("X.T @ e", "X.T @ e**2"), tmp_path)
    assert wrong.exit_code == 1, wrong
