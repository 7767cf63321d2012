"""Scripts whose weights have a penalty, or an optimiser that a penalty or an ε may hide."""

from pathlib import Path

import pytest

from conformance.errors import UnjudgedError
from conformance.report.backward_causes import why
from conformance.tests.scripts import run_edited

LASSO = """import numpy as np
rng = np.random.default_rng(7)
X = rng.normal(size=(50, 4))
y = X @ np.array([1.0, -2.0, 0.0, 0.5]) + 0.1 * rng.normal(size=50)
w = rng.normal(size=4) * 0.1
b = 0.0
lam = 0.01
for t in range(20):
    r = X @ w + b - y
    loss = 0.5 * np.mean(r ** 2) + lam * np.abs(w).sum()
    g = X.T @ r / len(X) + lam * np.sign(w)
    w = w - 0.1 * g
    b -= 0.1 * r.mean()
"""


@pytest.mark.parametrize("wrong", ["np.abs(w)", "np.sqrt(w * w + 1e-9)"])
def test_what_is_no_derivative_of_a_penalty_is_blamed_where_it_is_made(
    wrong: str, tmp_path: Path
) -> None:
    made = ("    g = X", f"    pull = {wrong}\n    g = X"), ("lam * np.sign(w)\n", "lam * pull\n")
    (blame,) = run_edited(tmp_path, LASSO, *made).blames
    assert (blame.gradients, blame.line) == (("w",), 11)
    right = run_edited(tmp_path, LASSO, *made, (f"pull = {wrong}", "pull = np.sign(w)"))
    assert right.exit_code == 0, str(right)


STEPPED = "g = X.T @ r / len(X) + lam * np.sign(w)", "g = X.T @ r / len(X)"
THRESHOLDED = {
    "sign": "np.sign(u) * np.maximum(np.abs(u) - 0.1 * lam, 0)",
    "where": "np.where(u > 0.1 * lam, u - 0.1 * lam, np.where(u < -0.1 * lam, u + 0.1 * lam, 0))",
    "norm": "u * np.maximum(0, 1 - 0.1 * lam / np.sqrt(np.sum(u * u)))",
}


@pytest.mark.parametrize("name", THRESHOLDED)
def test_a_penalty_that_a_proximal_step_lessens_has_no_gradient(name: str, tmp_path: Path) -> None:
    step = "    w = w - 0.1 * g", f"    u = w - 0.1 * g\n    w = {THRESHOLDED[name]}"
    norm = ("np.abs(w).sum()", "np.sqrt(np.sum(w * w))") if name == "norm" else ("", "")
    report = run_edited(tmp_path, LASSO, STEPPED, step, norm)
    assert report.exit_code == 0, str(report)
    assert "η = 0.1\n" in f"{report}\n"
    (blame,) = run_edited(tmp_path, LASSO, STEPPED, step, norm, ("X.T @ r", "X.T @ y")).blames
    assert blame.line == 11, blame


EXTRAPOLATED = {
    "difference": "a = u + s * (u - w)",
    "multiples": "a = (1 + s) * u - s * w",
}


@pytest.mark.parametrize("name", EXTRAPOLATED)
def test_a_proximal_step_may_be_taken_where_momentum_leads(name: str, tmp_path: Path) -> None:
    taken = ("X @ w + b", "X @ a + b"), ("w = rng.normal(size=4) * 0.1", "w = a = np.full(4, 0.1)")
    loss = (" + lam * np.abs(w).sum()", " + 0.05 * np.sum(a ** 2)")
    g = ("X.T @ r / len(X) + lam * np.sign(w)", "X.T @ r / len(X) + 0.1 * a")
    shrinks = f"    u = a - 0.1 * g\n    u = {THRESHOLDED['sign']}\n    s = t / (t + 3)"
    step = ("    w = w - 0.1 * g", f"{shrinks}\n    {EXTRAPOLATED[name]}\n    w = u")
    report = run_edited(tmp_path, LASSO, *taken, loss, g, step)
    assert report.exit_code == 0, str(report)
    assert "η = 0.1\n" in f"{report}\n"
    (blame,) = run_edited(tmp_path, LASSO, *taken, loss, g, step, ("X.T @ r", "X.T @ y")).blames
    assert blame.line == 11, blame


NESTEROV = """import numpy as np
rng = np.random.default_rng(3)
X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
W, b, v, u = rng.normal(size=(3, 1)), np.zeros(1), np.zeros((3, 1)), np.zeros(1)
for t in range(10):
    A, c = W + 0.9 * v, b + 0.9 * u
    r = X @ A + c - y
    loss = np.mean(r ** 2) + 0.05 * np.sum(A ** 2)
    v = 0.9 * v - 0.1 * (2 * X.T @ r / 40 + 0.1 * A)
    u = 0.9 * u - 0.1 * 2 * r.mean(0)
    W, b = W + v, b + u
"""
RMSPROP = """import numpy as np
rng = np.random.default_rng(3)
X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
W, b, s, q = rng.normal(size=(3, 1)), np.zeros(1), np.zeros((3, 1)), np.zeros(1)
for t in range(10):
    r = X @ W + b - y
    loss = np.mean(r ** 2)
    dW, db = 2 * X.T @ r / 40, 2 * r.mean(0)
    s, q = 0.9 * s + 0.1 * dW ** 2, 0.9 * q + 0.1 * db ** 2
    W = W - 0.01 * dW / np.sqrt(s + 1e-5)
    b = b - 0.01 * db / np.sqrt(q + 1e-5)
"""
LABELS = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(50, 4))
y = np.sign(X[:, 0] + 0.5 * X[:, 2])
w, b = np.zeros(4), 0.0
for t in range(20):
    f = X @ w + b
    c = ERROR / 50
    gw = X.T @ c + 0.01 * w
    gb = c.sum()
    w = w - 0.1 * gw
    b -= 0.1 * gb
"""
NEIGHBOURS = """import numpy as np
rng = np.random.default_rng(3)
def pairwise(X):
    s = np.sum(np.square(X), 1)
    return s[:, None] + s[None, :] - 2 * X @ X.T
n = 21
P = np.exp(-pairwise(rng.normal(size=(n, 4))) / 2)
np.fill_diagonal(P, 0)
P = np.maximum(P / np.sum(P), 1e-12)
Y = rng.normal(size=(n, 2))
for t in range(10):
    num = 1 / (1 + pairwise(Y))
    num[range(n), range(n)] = 0
    Q = np.maximum(num / np.sum(num), 1e-12)
    C = np.sum(P * np.log(P / Q))
    S = (P - Q) * num
    Y = Y - 5 * 4 * (S.sum(1)[:, None] * Y - S @ Y)
"""
NO_TERM = (" + lam * np.abs(w).sum()", "")
IN_UPDATE = (" + lam * np.sign(w)\n", "\n")


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([], ""),
        ([("lam * np.sign(w)", "lam * np.where(w > 0, 1, -1)")], ""),
        ([NO_TERM, IN_UPDATE, ("0.1 * g", "0.1 * lam * np.sign(w) - 0.1 * g")], "penalty 0.01"),
        ([NO_TERM, IN_UPDATE, ("- 0.1 * g", "- 0.1 * (g + lam * np.sign(w))")], "penalty 0.01"),
    ],
    ids=["in the loss", "where", "in the update", "in the update's gradient"],
)
def test_absolute_values_are_a_penalty(
    edits: list[tuple[str, str]], said: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, LASSO, *edits)
    assert report.exit_code == 0, str(report)
    assert said in str(report)
    assert "by gradient descent: η = 0.1" in str(report)


AT_ZERO = ("w = rng.normal(size=4) * 0.1\nb = 0.0", "w = np.zeros(4)\nb = np.zeros(1)")
WHERE = ("np.sign(w)", "np.where(w > 0, 1, -1)")


@pytest.mark.parametrize("edits", [[], [NO_TERM]], ids=["in the loss", "beside the loss"])
def test_a_weight_of_zero_has_either_sign_in_a_penalty(
    edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, LASSO, AT_ZERO, WHERE, ("b -=", "b = b -"), *edits)
    assert report.exit_code == 0, str(report)


BY_ENTRIES = """    g = X.T @ r / len(X)
    for j in range(4):
        if w[j] > 0:
            g[j] = g[j] + lam
        else:
            g[j] = g[j] - lam
"""
OF_SQUARES = BY_ENTRIES.replace("lam\n", "lam + 2 * lam * w[j]\n")


FLAT = """import numpy as np
rng = np.random.default_rng(5)
X, T = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
theta, speed = rng.normal(size=(4 * 5 + 5 * 2)), np.zeros(30)

def loss_and_slope(p):
    A, B = p[:20].reshape(4, 5), p[20:].reshape(5, 2)
    h = np.tanh(X @ A)
    e = h @ B - T
    back = X.T @ (e @ B.T * (1 - h * h))
    return 0.5 * np.sum(e**2) / 30, np.concatenate([back.ravel(), (h.T @ e).ravel()]) / 30

losses = []
for step in range(20):
    losses.append(loss_and_slope(theta)[0])
    ahead = theta + 0.9 * speed
    _, slope = loss_and_slope(ahead)
    speed = 0.9 * speed - 0.1 * slope
    theta = theta + speed
"""


@pytest.mark.parametrize("start", [[], [AT_ZERO, ("b -=", "b = b -")]], ids=["drawn", "zeros"])
@pytest.mark.parametrize("loop", [BY_ENTRIES, OF_SQUARES], ids=["lasso", "elastic net"])
def test_a_penalty_whose_sign_an_if_chooses_is_a_convention(
    loop: str, start: list[tuple[str, str]], tmp_path: Path
) -> None:
    line = "    g = X.T @ r / len(X) + lam * np.sign(w)\n"
    edits = [(line, loop), NO_TERM, *start]
    report = run_edited(tmp_path, LASSO, *edits)
    assert report.exit_code == 0, str(report)
    assert "an L1 penalty" in str(report)
    wrong = run_edited(tmp_path, LASSO, (line, loop.replace("w[j] > 0", "r[j] > 0")), *edits[1:])
    assert [each.gradients for each in wrong.blames] == [("w",)]


def test_a_penalty_of_the_wrong_sign_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LASSO, ("+ lam * np.sign(w)", "- lam * np.sign(w)"))
    (blame,) = report.blames
    assert blame.gradients == ("w",)
    assert LASSO.splitlines()[int(blame.line or 0) - 1].strip().startswith("g = ")


OF_TWO = (
    ("np.array([1.0, -2.0, 0.0, 0.5]) + 0.1 * rng.normal(size=50)", "rng.normal(size=(4, 2))"),
    ("rng.normal(size=4) * 0.1\nb = 0.0", "rng.normal(size=(4, 2))\nb = np.zeros(2)"),
    (
        "    loss = 0.5 * np.mean(r ** 2)",
        "    d = r / r.size\n    loss = 0.5 * np.sum(r ** 2) / 50",
    ),
    ("X.T @ r / len(X)", "X.T @ d"),
    ("b -= 0.1 * r.mean()", "b -= 0.1 * d.sum(0)"),
)


@pytest.mark.parametrize("penalty", ["absolutes", "squares"])
def test_where_the_penalty_is_that_of_the_loss_the_factor_is_one_of_the_data(
    penalty: str, tmp_path: Path
) -> None:
    edits = [*OF_TWO]
    if penalty == "squares":
        edits += [("np.abs(w).sum()", "np.sum(w ** 2)"), ("lam * np.sign(w)", "2 * lam * w")]
    (blame,) = run_edited(tmp_path, LASSO, *edits).blames
    assert (blame.line, blame.accused.mends) == (10, True)
    right = run_edited(tmp_path, LASSO, *edits, ("r / r.size", "r / 50"))
    assert right.exit_code == 0, str(right)


def test_the_penalty_of_weights_that_are_ahead_is_no_part_of_the_velocity(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NESTEROV)
    assert report.exit_code == 0, str(report)
    assert "with momentum: η = 0.1, μ = 0.9" in str(report)


def test_a_look_against_the_velocity_is_blamed(tmp_path: Path) -> None:
    old = "W + 0.9 * v, b + 0.9 * u"
    report = run_edited(tmp_path, NESTEROV, (old, old.replace("+", "-")))
    (blame,) = report.blames
    assert (sorted(blame.gradients), blame.accused.cause.kind) == (["W", "b"], "behind")
    assert old in NESTEROV.splitlines()[int(blame.line or 0) - 1]


def test_a_parameter_that_alone_looks_not_ahead_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NESTEROV, ("b + 0.9 * u", "b"))
    (blame,) = report.blames
    assert (blame.gradients, blame.accused.cause.kind) == (("b",), "behind")


def test_a_parameter_that_moves_on_from_where_it_looks_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NESTEROV, ("W, b = W + v, b + u", "b = b + u\n    W = A + v"))
    (blame,) = report.blames
    told = blame.gradients, blame.accused.cause.kind, blame.line
    assert told == (("A",), "ahead", 12), str(report)


def test_what_is_read_in_the_place_of_a_look_ahead_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NESTEROV, ("@ A + c", "@ A + b"))
    (blame,) = report.blames
    assert (blame.gradients, blame.accused.cause.kind, blame.line) == (("b",), "behind", 7)


def test_a_look_ahead_that_nothing_reads_is_told_where_the_gradient_is_asked_for(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, FLAT)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, FLAT, ("loss_and_slope(ahead)", "loss_and_slope(theta)"))
    (blame,) = report.blames
    assert (blame.accused.cause.kind, blame.line) == ("behind", 17), str(report)


LISTED = """import numpy as np
rng = np.random.default_rng(6)
def output(layers, x):
    values = [x]
    for A in layers:
        values.append(np.tanh(A @ values[-1]))
    return values
def slopes(layers, x, y):
    values, found = output(layers, x), []
    d = (values[-1] - y) / y.shape[1]
    for i in (1, 0):
        d = d * (1 - values[i + 1] ** 2)
        found.insert(0, d @ values[i].T)
        d = layers[i].T @ d
    return found
X, Y = rng.normal(size=(3, 20)), np.tanh(rng.normal(size=(2, 20)))
layers, speed = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))], [np.zeros((4, 3)), 0]
speed[1] = np.zeros((2, 4))
for turn in range(30):
    ahead = [A + 0.8 * v for A, v in zip(layers, speed)]
    g = slopes(ahead, X, Y)
    for i in range(2):
        speed[i] = 0.8 * speed[i] - 0.1 * g[i]
        layers[i] = layers[i] + speed[i]
    print(0.5 * np.sum((output(layers, X)[-1] - Y) ** 2) / 20)
"""


def test_a_look_ahead_of_a_list_is_told_where_the_gradients_are_asked_for(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LISTED)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, LISTED, ("slopes(ahead", "slopes(layers"))
    (blame,) = report.blames
    assert (blame.accused.cause.kind, blame.line) == ("behind", 21), str(report)


def test_an_epsilon_within_the_root_is_one_of_single_entries_too(tmp_path: Path) -> None:
    report = run_edited(tmp_path, RMSPROP)
    assert report.exit_code == 0, str(report)
    assert "by RMSProp: η = 0.01, β = 0.9, ε = 1e-05" in str(report)


def test_a_norm_by_which_gradients_are_clipped_hides_no_loss(tmp_path: Path) -> None:
    clipped = """    G = {"W": 2 * X.T @ r / 40 + 0.1 * A, "b": 2 * r.mean(0)}
    G |= {"c": np.ones(2), "d": np.ones(2)}
    norm = np.sqrt(sum((g ** 2).sum() for g in G.values()))
    G = {k: g * min(1, 9 / norm) for k, g in G.items()}
    v = 0.9 * v - 0.1 * G["W"]
"""
    edits = [
        ("    v = 0.9 * v - 0.1 * (2 * X.T @ r / 40 + 0.1 * A)\n", clipped),
        ("0.1 * 2 * r.mean(0)", '0.1 * G["b"]'),
    ]
    report = run_edited(tmp_path, NESTEROV, *edits)
    assert report.exit_code == 0, str(report)
    assert report.ran.examined.cost == "own"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("-y / (1 + np.exp(y * f))", "logistic loss"),
        ("-y * (y * f < 1)", "hinge loss"),
        ("-y * np.exp(-y * f)", "no known cost"),
        ("np.tanh(f - y)", "no known cost"),
    ],
)
def test_a_decay_beside_any_output_error_is_a_convention(
    error: str, said: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, LABELS, ("ERROR", error))
    assert report.exit_code == 0, str(report)
    assert said in str(report)
    assert "weight decay 0.01" in str(report)


def test_limits_of_probabilities_hide_no_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, NEIGHBOURS)
    assert report.exit_code == 0, str(report)
    assert report.ran.examined.cost == "own"


def test_a_decay_that_the_loss_states_otherwise_is_blamed(tmp_path: Path) -> None:
    loss = "\n    loss = np.log(np.cosh(f - y)).mean() + 0.01 * np.sum(w ** 2)"
    report = run_edited(tmp_path, LABELS, ("ERROR", "np.tanh(f - y)"), ("+ b\n", f"+ b{loss}\n"))
    (blame,) = report.blames
    assert blame.gradients == ("w",)


OUTSIDE = """import numpy as np
rng = np.random.default_rng(14)
X = rng.normal(size=(100, 3))
y = np.where(X @ np.array([1.0, -2.0, 0.5]) + 0.3 > 0, 1, -1)
w = rng.normal(size=3) * 0.1
for step in range(9):
    far = y * (X @ w) > 1
    w -= 0.01 * (w - y[far] @ X[far])
"""


def test_a_decay_without_any_gradient_tells_no_cost(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="no known cost"):
        run_edited(tmp_path, OUTSIDE)


RIDGE = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
y = X @ np.array([1.0, 2.0, -1.0])
w = rng.normal(size=3)
v = np.zeros(3)
lam = 0.05
for it in range(5):
    r = X @ w - y
    loss = 0.5 * np.mean(r**2) + 0.5 * lam * np.sum(w**2)
    v = 0.8 * v + X.T @ r / len(y) + lam * w
    w = w - 0.4 * v
"""
SUMMED = "    v = 0.8 * v + X.T @ r / len(y) + lam * w\n    w = w - 0.4 * v"


@pytest.mark.parametrize(
    "steps",
    [
        SUMMED,
        "    v = 0.8 * v + lam * w + X.T @ r / len(y)\n    w = w - 0.4 * v",
        "    g = X.T @ r / len(y)\n    v = 0.8 * v - 0.4 * g - 0.4 * lam * w\n    w = w + v",
        "    v *= 0.8\n    v += X.T @ r / len(y)\n    v += lam * w\n    w -= 0.4 * v",
    ],
)
def test_a_decay_that_is_added_to_the_velocity_beside_the_gradient_is_a_part_of_it(
    steps: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, RIDGE, (SUMMED, steps))
    assert report.examined.ok
    assert "η = 0.4, μ = 0.8" in str(report)


def test_a_wrong_decay_that_is_added_to_the_velocity_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, RIDGE, (" + lam * w", " - lam * w"))
    assert report.examined.accused[0].lines[0].line == 11


def test_a_decay_of_another_size_than_the_loss_states_is_wrong(tmp_path: Path) -> None:
    loss = ("0.5 * np.mean(r**2) + 0.5 * lam * np.sum(w**2)", "r @ r / 80 + 0.5 * lam * w @ w")
    steps = (SUMMED, "    w = w - 0.05 * (X.T @ r / len(y) + 2 * lam * w)")
    report = run_edited(tmp_path, RIDGE, loss, steps)
    assert report.examined.accused[0].lines[0].line == 11
    right = (SUMMED, "    w = w - 0.05 * (X.T @ r / len(y) + lam * w)")
    assert run_edited(tmp_path, RIDGE, loss, right).examined.ok


LAYERS = """import numpy as np
rng = np.random.default_rng(0)
class Dense:
    def __init__(self, n, m, l2=0.0):
        self.W, self.b, self.l2 = rng.normal(size=(n, m)), np.zeros(m), l2
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, d):
        self.dW = self.x.T @ d + 2 * self.l2 * self.W
        self.db = d.sum(axis=0)
        return d @ self.W.T
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
one, two = Dense(3, 4, l2=0.01), Dense(4, 2)
for step in range(10):
    h = np.tanh(one.forward(X))
    out = two.forward(h)
    loss = np.sum((out - y) ** 2) / 40 + one.l2 * np.sum(one.W ** 2)
    one.backward(two.backward((out - y) / 20) * (1 - h ** 2))
    for layer in (one, two):
        layer.W -= 0.1 * layer.dW
        layer.b -= 0.1 * layer.db
"""


def test_a_layer_that_does_not_decay_does_not_show_that_a_decay_is_right(tmp_path: Path) -> None:
    assert run_edited(tmp_path, LAYERS).exit_code == 0
    report = run_edited(tmp_path, LAYERS, ("2 * self.l2 * self.W", "self.l2 * self.W"))
    assert [each.line for each in report.blames] == [10]
    assert "`self.l2` (0.01 here) has to be multiplied by 2" in str(report)


SCHEDULE = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
T = np.tanh(X @ rng.normal(size=(3, 1)))
p = {"w": rng.normal(size=(3, 1)), "b": np.zeros(1)}
m, v = ({k: np.zeros_like(e) for k, e in p.items()} for _ in "mv")
for t in range(1, 30):
    y = X @ p["w"] + p["b"]
    loss = np.mean((y - T) ** 2)
    d = 2 * (y - T) / 20
    g = {"w": X.T @ d, "b": d.sum(0)}
    lr = 0.01 * (1 + np.cos(np.pi * t / 30))
    for k in p:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        v[k] = 0.999 * v[k] + 0.001 * g[k] ** 2
        mh, vh = m[k] / (1 - 0.9**t), v[k] / (1 - 0.999**t)
        p[k] = p[k] - lr * mh / (np.sqrt(vh) + 1e-8) - lr * 0.01 * p[k]
"""


def test_a_bias_of_one_number_decays_by_a_rate_that_is_computed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCHEDULE)
    assert (report.exit_code, report.ran.rule.kind) == (0, "adam"), str(report)


SPIRAL = """import numpy as np
rng = np.random.default_rng(0)
N, K = 20, 3
X, y = rng.normal(size=(N * K, 2)), np.repeat(np.arange(K), N)
W1, b1 = rng.normal(size=(2, 8)), np.zeros(8)
W2, b2 = rng.normal(size=(8, K)), np.zeros(K)
reg = 1e-3
for i in range(100):
    hidden = np.tanh(X @ W1 + b1)
    e = np.exp(hidden @ W2 + b2)
    probs = e / e.sum(1, keepdims=True)
    data_loss = -np.log(probs[range(N * K), y]).mean()
    loss = data_loss + 0.5 * reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dscores = probs.copy()
    dscores[range(N * K), y] -= 1
    dscores /= N * K
    dhidden = dscores @ W2.T * (1 - hidden ** 2)
    dW2 = hidden.T @ dscores
    dW1 = X.T @ dhidden
    dW2 += reg * W2
    dW1 += reg * W1
    W1 -= 0.5 * dW1
    b1 -= 0.5 * dhidden.sum(0)
    W2 -= 0.5 * dW2
    b2 -= 0.5 * dscores.sum(0)
"""


def test_a_factor_that_a_right_decay_has_not_is_a_mistake(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, SPIRAL, ("dscores /= N * K", "dscores /= N")).blames
    assert {*blame.gradients} == {"W1", "b1", "W2", "b2"}
    assert blame.line == SPIRAL[: SPIRAL.index("dscores /= N")].count("\n") + 1


def test_a_decay_that_the_loss_has_of_another_parameter_alone_is_told(tmp_path: Path) -> None:
    (accused,) = run_edited(tmp_path, SPIRAL, (" + np.sum(W2 * W2)", "")).examined.accused
    assert accused.gradients == ("W2",)
    assert accused.lines[0].line == SPIRAL[: SPIRAL.index("dW2 += reg")].count("\n") + 1
    assert "that the loss does not have: add that of W2 to the loss" in why(accused.cause)


LOGISTIC = """import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(40, 5))
t = np.where(X @ rng.normal(size=5) > 0, 1.0, 0.0)
w, b, lam, n = np.full(5, 0.1), 0.2, 0.1, len(X)
for epoch in range(9):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    cost = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p)) + lam / 2 * np.sum(w ** 2)
    d = p - t
    gw, gb = X.T @ d, d.sum()
    gw = gw + lam * w
    w = w - 0.3 * gw
    b = b - 0.3 * gb
"""


@pytest.mark.parametrize("rate", ["0.01", "0.3 / n"])
def test_a_rate_that_has_the_factor_tells_that_the_decay_is_wrong(
    rate: str, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, LOGISTIC, ("0.3 *", f"{rate} *")).blames
    wrong = "d = p - t" if rate == "0.01" else "gw = gw + lam"
    assert blame.line == LOGISTIC[: LOGISTIC.index(wrong)].count("\n") + 1


TORCH = """import torch
torch.manual_seed(0)
X, T = torch.randn(30, 4), torch.randn(30, 2)
W, b = torch.randn(4, 2), torch.zeros(2)
reg = 1e-3
for i in range(100):
    Y = X @ W + b
    loss = 0.5 * ((Y - T) ** 2).sum() / 30 + 0.5 * reg * (W * W).sum()
    d = (Y - T) / 30
    gW = X.T @ d
    gW += reg * W
    W -= 0.5 * gW
    b -= 0.5 * d.sum(0)
"""


def test_a_wrong_decay_of_floats_of_four_bytes_is_told_with_its_operands(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, TORCH, ("gW += reg", "gW += 2 * reg")).blames
    assert "`2 * reg` (0.002 here) has to be multiplied by 0.5" in why(blame.accused.cause)


BIASED = """import numpy as np
rng = np.random.default_rng(0)
X = np.column_stack([np.ones(20), rng.normal(size=(20, 3))])
t = X @ np.array([1.0, 2.0, -1.0, 0.5])
theta, lam = rng.normal(size=4), 0.1
for it in range(30):
    r = X @ theta - t
    loss = 0.5 * np.mean(r ** 2) + 0.5 * lam * np.sum(theta[1:] ** 2)
    grad = X.T @ r / 20
    grad[1:] += lam * theta[1:]
    theta = theta - 0.1 * grad
"""


def test_a_decay_of_the_bias_too_is_a_wrong_term(tmp_path: Path) -> None:
    (blame,) = run_edited(
        tmp_path, BIASED, ("grad[1:] += lam * theta[1:]", "grad += lam * theta")
    ).blames
    assert blame.line == 10
    assert "`lam * theta` has to give one of the terms of ∂C/∂theta" in why(blame.accused.cause)


CHAIN = """import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(5, 6)), np.array([0, 2, 1, 1, 2])
W, trans = rng.normal(size=(6, 3)), np.zeros((3, 3))

def logsum(a, axis):
    return np.log(np.exp(a).sum(axis=axis))

for t in range(9):
    emit = X @ W
    alpha, beta = [emit[0]], [np.zeros(3)]
    for k in range(1, 5):
        alpha.append(emit[k] + logsum(alpha[-1][:, None] + trans, 0))
        beta.insert(0, logsum(trans + emit[5 - k] + beta[0], 1))
    total = logsum(alpha[-1], 0)
    loss = total - emit[np.arange(5), y].sum() - trans[y[:-1], y[1:]].sum()
    d = np.exp(np.array(alpha) + np.array(beta) - total)
    d[np.arange(5), y] -= 1
    dtrans = np.zeros((3, 3))
    for k in range(1, 5):
        dtrans += np.exp(alpha[k - 1][:, None] + trans + emit[k] + beta[k] - total)
        dtrans[y[k - 1], y[k]] -= 1
    W -= 0.1 * (X.T @ d + 0.01 * W)
    trans -= 0.1 * dtrans
"""


def test_the_score_of_a_path_of_labels_states_no_decay(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CHAIN)
    assert report.exit_code == 0, str(report)
    assert report.examined.decay == pytest.approx(0.01)


FORGOTTEN = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
w = rng.normal(size=3)
for k in range(9):
    r = X @ w - y
    loss = np.mean(r ** 2) + 0.05 * w @ w
    g = 2 * X.T @ r / 20
    w = w - 0.1 * g
"""


def test_the_contribution_that_is_left_out_is_named(tmp_path: Path) -> None:
    (accused,) = run_edited(tmp_path, FORGOTTEN).examined.accused
    assert "`0.1 * w` has to be added to `2 * X.T @ r / 20`" in why(accused.cause)


CENTRED = """import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
W = rng.normal(size=(3, 2))
for k in range(9):
    z = X @ W
    mean = z.sum(0) / 20
    diff = z - mean
    loss = np.sum((np.tanh(diff) - y) ** 2)
    ddiff = 2 * (np.tanh(diff) - y) * (1 - np.tanh(diff) ** 2)
    dz = ddiff
    W = W - 0.01 * X.T @ dz
"""


def test_the_path_through_a_mean_is_named_where_it_is_left_out(tmp_path: Path) -> None:
    accused = run_edited(tmp_path, CENTRED).examined.accused
    assert "that of `z.sum(0)` (line 7)" in why(accused[0].cause)


BESIDE_AN_EPSILON = """import numpy as np
rng = np.random.RandomState(0)
X, y, lam, m = rng.rand(30, 4), (rng.rand(30, 1) > 0.5) * 1.0, 1.0, 30
params_rn = rng.randn(25)
def coste(W1, W2, h):
    datos = -y * np.log(h + 1e-6) - (1 - y) * np.log(1 - h + 1e-6)
    return datos.sum() / m + lam / (2 * m) * (np.sum(W1 ** 2) + np.sum(W2 ** 2))
for _ in range(9):
    W1, W2 = params_rn[:20].reshape(4, 5), params_rn[20:].reshape(5, 1)
    a = 1 / (1 + np.exp(-X @ W1))
    h = 1 / (1 + np.exp(-a @ W2))
    print(coste(W1, W2, h))
    g1, g2 = np.zeros((4, 5)), np.zeros((5, 1))
    for i in range(m):
        d2 = h[i] - y[i]
        g2 = g2 + np.outer(a[i], d2)
        g1 = g1 + np.outer(X[i], W2 @ d2 * a[i] * (1 - a[i]))
    g1, g2 = g1 / m + lam * W1 / m, g2 / m + lam * W2 / m
    params_rn = params_rn - 0.5 * np.concatenate((g1.ravel(), g2.ravel()))
"""


def test_a_loss_with_an_epsilon_states_a_decay(tmp_path: Path) -> None:
    assert run_edited(tmp_path, BESIDE_AN_EPSILON).ok
    edits = [(" + lam * W2 / m", ""), (" + lam * W1 / m", "")]
    report = run_edited(tmp_path, BESIDE_AN_EPSILON, *edits)
    assert not report.ok
    assert "∂C/∂params_rn" in str(report)


BASELINE = """import numpy as np
rng = np.random.default_rng(8)
table = np.column_stack([rng.integers(0, 6, 60), rng.integers(0, 5, 60), rng.normal(3, 1, 60)])
mean = table[:, 2].mean()
user, item = 0.3 * rng.normal(size=(6, 3)), 0.3 * rng.normal(size=(5, 3))
shift, level = np.zeros(6), np.zeros(5)
for epoch in range(10):
    total = 0.0
    for row in table:
        u, i = int(row[0]), int(row[1])
        error = mean + shift[u] + level[i] + user[u] @ item[i] - row[2]
        total += 0.5 * error * error
        old = user[u].copy()
        shift[u] -= 0.1 * (error + 0.02 * shift[u])
        level[i] -= 0.1 * (error + 0.02 * level[i])
        user[u] -= 0.1 * (error * item[i] + 0.02 * old)
        item[i] -= 0.1 * (error * old + 0.02 * item[i])
    print(total / len(table))
"""


@pytest.mark.parametrize("right", [True, False])
def test_an_output_that_is_squared_states_no_decay(right: bool, tmp_path: Path) -> None:
    wrong = () if right else (("error * old +", "error +"),)
    report = run_edited(tmp_path, BASELINE, *wrong)
    assert report.exit_code == (not right), str(report)
    assert not right or "with weight decay 0.02 beside it" in str(report)


RATINGS = """import random
random.seed(5)
stars = [(i % 5, i % 4, random.uniform(1, 5)) for i in range(17)]
U = [[random.gauss(0, 0.3) for _ in range(3)] for _ in range(5)]
V = [[random.gauss(0, 0.3) for _ in range(3)] for _ in range(4)]
ou, ov = [0.0] * 5, [0.0] * 4
for epoch in range(30):
    sse = 0.0
    for a, b, r in stars:
        guess = 3.0 + ou[a] + ov[b]
        for k in range(3):
            guess += U[a][k] * V[b][k]
        miss = r - guess
        sse += miss * miss
        ou[a] += 0.03 * (miss - 0.04 * ou[a])
        ov[b] += 0.03 * (miss - 0.04 * ov[b])
        for k in range(3):
            old = U[a][k]
            U[a][k] += 0.03 * (miss * V[b][k] - 0.04 * old)
            V[b][k] += 0.03 * (miss * old - 0.04 * V[b][k])
"""


def test_a_sum_of_offsets_states_no_decay(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, RATINGS, ("miss * old", "miss * U[a][k]")).blames
    line = RATINGS[: RATINGS.index("V[b][k] +=")].count("\n") + 1
    assert (blame.gradients, blame.line) == (("V",), line)


SLACK = """import numpy as np
rng = np.random.default_rng(17)
X = rng.normal(size=(3, 40)); y = np.sign(X[:1] * X[1:2])
A, B = rng.normal(size=(6, 4)) / 2, rng.normal(size=(1, 7)) / 2  # column 0 is the bias
one = np.ones((1, 40))
for epoch in range(9):
    inner = np.vstack([one, X])
    h = np.tanh(A @ inner)
    outer = np.vstack([one, h])
    slack = np.maximum(0, 1 - y * (B @ outer))
    loss = np.mean(slack ** 2)
    d = -2 * y * slack / y.size
    gB, gA = d @ outer.T, (B[:, 1:].T @ d * (1 - h ** 2)) @ inner.T
    for W, g in ((A, gA), (B, gB)):
        decay = 0.01 * W
        decay[:, 0] = 0
        W -= 0.1 * (g + decay)
"""


def test_gradients_of_a_loss_that_is_no_known_cost_may_decay_beside(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SLACK)
    assert (report.exit_code, report.examined.cost) == (0, "own"), str(report)
    assert "with weight decay 0.01 beside it" in str(report)
    assert run_edited(tmp_path, SLACK, ("* slack / y", "* (slack > 0) / y")).exit_code != 0
