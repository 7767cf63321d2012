"""Scripts that train by Adam: its rule, its mistakes, and numbers that are not finite."""

import time
from pathlib import Path

import pytest

from conformance.backward.findings import Cause, Changed, Line, Named
from conformance.errors import SubjectError, UnjudgedError
from conformance.report.backward_causes import why
from conformance.report.script_report import ScriptReport
from conformance.run_script import run_script
from conformance.tests.scripts import quiet, run_edited

SCRIPT = """import numpy as np
rng = np.random.RandomState(0)
X = rng.randn(30, 2)
T = np.eye(3)[rng.randint(0, 3, 30)]
p = {"W1": rng.randn(2, 6), "b1": np.zeros(6), "W2": rng.randn(6, 3), "b2": np.zeros(3)}
m = {k: np.zeros_like(v) for k, v in p.items()}
v = {k: np.zeros_like(v) for k, v in p.items()}
lr, beta1, beta2, eps, t = 0.01, 0.9, 0.999, 1e-8, 0
for epoch in range(30):
    h = np.maximum(0, X @ p["W1"] + p["b1"])
    e = np.exp(h @ p["W2"] + p["b2"])
    q = e / e.sum(axis=1, keepdims=True)
    loss = -(T * np.log(q)).sum() / len(X)
    ds = (q - T) / len(X)
    dh = ds @ p["W2"].T * (h > 0)
    grads = {"W1": X.T @ dh, "W2": h.T @ ds, "b2": ds.sum(axis=0)}
    grads["b1"] = dh.sum(axis=0)
    t += 1
    for k in p:
        m[k] = beta1 * m[k] + (1 - beta1) * grads[k]
        v[k] = beta2 * v[k] + (1 - beta2) * grads[k] ** 2
        m_hat = m[k] / (1 - beta1 ** t)
        v_hat = v[k] / (1 - beta2 ** t)
        p[k] -= lr * m_hat / (np.sqrt(v_hat) + eps)
"""
NUMBERS = [(f"{e} = {{k: np.zeros_like(v) for", f"{e} = {{k: 0 for") for e in "mv"]
STEP = "p[k] -= lr * m_hat / (np.sqrt(v_hat) + eps)"
SQUARE = "(1 - beta2) * grads[k] ** 2"


def run(folder: Path, *edits: tuple[str, str]) -> ScriptReport:
    return run_edited(folder, SCRIPT, *edits)


def test_a_gradient_of_another_shape_is_named_in_adam(tmp_path: Path) -> None:
    (blame,) = run(tmp_path, ("dh.sum(axis=0)", "dh.sum()")).blames
    assert blame.gradients == ("p['b1']",)
    assert blame.accused.cause.kind == "shape"


def test_a_gradient_of_another_shape_is_named_in_momentum(tmp_path: Path) -> None:
    momentum = [(f"v[k] = beta2 * v[k] + {SQUARE}", "pass"), (SECOND, "pass")]
    step = STEP, "p[k] -= lr * m[k]"
    rows = ('"b1": np.zeros(6)', '"b1": np.zeros((1, 6))')
    (blame,) = run(
        tmp_path, step, *momentum, rows, ("dh.sum(axis=0)", "dh.sum(keepdims=True)")
    ).blames
    assert blame.gradients == ("p['b1']",)
    assert blame.accused.cause.kind == "shape"


def line_of(kind: str, report: ScriptReport) -> str:
    (blame,) = report.blames
    assert blame.accused.cause.kind == kind
    return SCRIPT.splitlines()[int(blame.line or 0) - 1].strip()


def test_numbers_that_overflow_are_told_where_they_do(tmp_path: Path) -> None:
    start = time.monotonic()
    report = run(tmp_path, (STEP, "p[k] -= 1e300 * grads[k]"))
    assert line_of("infinite", report) == 'e = np.exp(h @ p["W2"] + p["b2"])'
    assert report.ran.updates == 2
    assert time.monotonic() - start < 20


def test_a_count_that_begins_with_0_divides_by_0(tmp_path: Path) -> None:
    report = run(tmp_path, ("t += 1", "t += epoch > 0"))
    assert line_of("infinite", report) == "t += 1"


@pytest.mark.parametrize("numbers", [False, True])
def test_a_root_of_what_is_negative_is_told(numbers: bool, tmp_path: Path) -> None:
    edit = SQUARE, SQUARE.removesuffix(" ** 2")
    if numbers:
        with pytest.raises(SubjectError, match=r"not finite at once: .*script.py:24"):
            run(tmp_path, edit, *NUMBERS)
    else:
        assert line_of("no square", run(tmp_path, edit)).startswith("v[k] = ")


FIRST = "m_hat = m[k] / (1 - beta1 ** t)"
OF_SQUARES = "v[k] = beta2 * v[k]"
SECOND = "v_hat = v[k] / (1 - beta2 ** t)"
MISTAKES = [
    ("correction square", (SECOND, "v_hat = v[k] / (1 - beta1 ** t)"), SECOND),
    ("uncorrected square", (SECOND, "v_hat = v[k]"), SECOND),
    ("uncorrected mean", (FIRST, "m_hat = m[k]"), FIRST),
    ("stuck", ("t += 1", "t = 1"), "t += 1"),
    ("stuck", ("t += 1", "t = t + (epoch % 9 == 0)"), "t += 1"),
    # t is counted for each parameter, where the loop was before
    ("steps", ("t += 1\n    for k in p:", "for k in p:\n        t += 1"), "for k in p:"),
    ("no root", ("np.sqrt(v_hat)", "v_hat"), STEP),
    (
        "rate square",
        (f"beta2 * v[k] + {SQUARE}", "(1 - beta2) * v[k] + beta2 * grads[k] ** 2"),
        f"v[k] = beta2 * v[k] + {SQUARE}",
    ),
    ("no square", (OF_SQUARES, "v[k] = beta2 * m[k]"), "v[k] = beta2 * v[k] + " + SQUARE),
    ("no square", (SQUARE, "(1 - beta2) * abs(grads[k])"), "v[k] = beta2 * v[k] + " + SQUARE),
    ("no square", (SQUARE, "(1 - beta2) * m[k] ** 2"), "v[k] = beta2 * v[k] + " + SQUARE),
    (
        "growth",
        ("m_hat = m", "p[k] *= 1 + lr\n        m_hat = m"),
        "m_hat = m[k] / (1 - beta1 ** t)",
    ),
]


@pytest.mark.parametrize(("kind", "edit", "line"), MISTAKES)
def test_a_mistake_in_adam_is_named_on_its_line(
    kind: str, edit: tuple[str, str], line: str, tmp_path: Path
) -> None:
    report = run(tmp_path, edit)
    assert line_of(kind, report) == line
    assert report.exit_code == 1
    assert len(report.blames[0].accused.lines) == 1


WITHIN = (
    SCRIPT[SCRIPT.index("        m[k] = ") :].replace("        ", "    ").replace("grads[k]", "g")
)
BY_A_FUNCTION = (
    (SCRIPT[SCRIPT.index("        m[k] = ") :], "        p[k] -= step(k, grads[k])\n"),
    ("for epoch", "def step(k, g):\n" + WITHIN.replace("p[k] -=", "return") + "for epoch"),
)


def test_what_a_function_renames_is_blamed_there(tmp_path: Path) -> None:
    assert run(tmp_path, *BY_A_FUNCTION).exit_code == 0
    report = run(tmp_path, *BY_A_FUNCTION, (SECOND, "v_hat = v[k]"))
    assert {(e.line, e.accused.cause.kind) for e in report.blames} == {(13, "uncorrected square")}


EPOCHS = """import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(32, 3)), rng.normal(size=(32, 1))
w, m, s = rng.normal(size=(3, 1)), np.zeros((3, 1)), np.zeros((3, 1))
def adam(w, g, m, s, count, b1=0.9, b2=0.999):
    m = b1 * m + (1 - b1) * g
    s = b2 * s + (1 - b2) * g ** 2
    return w - 0.01 * (m / (1 - b1 ** count)) / (np.sqrt(s / (1 - b2 ** count)) + 1e-8), m, s
step = 0
for epoch in range(5):
    step = step + 1
    for i in range(0, 32, 8):
        g = X[i:i + 8].T @ (X[i:i + 8] @ w - y[i:i + 8]) / 8
        w, m, s = adam(w, g, m, s, step)
"""


@pytest.mark.parametrize("counted", ["step + 1", "epoch + 1"])
def test_epochs_that_are_counted_in_the_place_of_updates_are_told_where_they_are(
    counted: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, EPOCHS, ("= step + 1", f"= {counted}"))
    (blame,) = report.blames
    assert "+=" not in str(report)
    assert (blame.accused.cause.kind, blame.line) == ("stuck", 11)
    once = ("    step = step + 1\n", ""), ("        g = ", "        step = step + 1\n        g = ")
    assert run_edited(tmp_path, EPOCHS, *once).exit_code == 0


PACED = """import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(32, 3)), rng.normal(size=(32, 1))
w, m, s = rng.normal(size=(3, 1)), np.zeros((3, 1)), np.zeros((3, 1))
def moved(w, pace, m, root):
    return w - pace * m / (root + 1e-8)
for t in range(1, 6):
    g = X.T @ (X @ w - y) / 32
    m = 0.9 * m + 0.1 * g
    s = 0.999 * s + 0.001 * g ** 2
    pace = 0.05 * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
    w = moved(w, pace, m, np.sqrt(s))
"""
BESIDE = (
    ("0.05 * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)", "1 - 0.999 ** t"),
    ("pace * m", "0.05 * m"),
    ("np.sqrt(s)", "np.sqrt(s / pace)"),
)


@pytest.mark.parametrize(
    ("kind", "edits", "line"),
    [
        ("root of correction", [("np.sqrt(1 - 0.999 ** t)", "(1 - 0.999 ** t)")], 11),
        ("correction square", [("0.999 ** t", "0.9 ** t")], 11),
        ("uncorrected mean", [(" / (1 - 0.9 ** t)", "")], 11),
        ("uncorrected mean", BESIDE, 6),
    ],
)
def test_a_wrong_correction_is_told_where_its_power_is_computed(
    kind: str, edits: list[tuple[str, str]], line: int, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, PACED, *edits).blames
    assert (blame.accused.cause.kind, blame.line) == (kind, line)


LOOP = "    for k in p:\n"
NORM = "norm = np.sqrt(sum((g ** 2).sum() for g in grads.values()))"
SHORT = "grads = {k: g * min(1, 0.1 / norm) for k, g in grads.items()}"
OTHERS = [
    # a decay whose rate is no short binary number, beside the loss
    ((LOOP, f"{LOOP}        grads[k] = grads[k] + 0.01 * p[k]\n"),),
    ((LOOP, f"{LOOP}        grads[k] = np.clip(grads[k], -0.01, 0.01)\n"),),
    ((LOOP, f"    {NORM}\n    {SHORT}\n{LOOP}"),),
    # a bias of two axes, and means of one that are broadcast to it
    (*NUMBERS, ('"b1": np.zeros(6)', '"b1": np.zeros((1, 6))')),
]


@pytest.mark.parametrize("edits", OTHERS)
def test_gradients_that_are_clipped_or_decay_are_right(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    report = run(tmp_path, *edits)
    assert report.exit_code == 0, str(report)
    assert report.ran.rule.kind == "adam"


def test_the_gradient_of_another_parameter_is_the_updates_fault(tmp_path: Path) -> None:
    edits = ("t += 1", 't += 1\n    grads["b1"], grads["b3"] = grads["b3"], grads["b1"]')
    wide = [
        ("randn(2, 6)", "randn(2, 3)"),
        ("zeros(6)", "zeros(3)"),
        ("randn(6, 3)", "randn(3, 3)"),
    ]
    text = ('"b2": np.zeros(3)}', '"b2": np.zeros(3), "b3": np.zeros(3)}')
    add = [text, ('h @ p["W2"] + p["b2"]', 'h @ p["W2"] + p["b2"] + 2 * p["b3"]')]
    gradient = ('grads["b1"] =', 'grads["b3"] = 2 * ds.sum(axis=0)\n    grads["b1"] =')
    report = run(tmp_path, *wide, *add, gradient, edits)
    assert {each.accused.cause.kind for each in report.blames} == {"other"}
    assert {each.gradients for each in report.blames} == {("p['b1']",), ("p['b3']",)}


def test_a_factor_of_the_loss_that_adam_hides_is_told(tmp_path: Path) -> None:
    report = run(tmp_path, ("(q - T) / len(X)", "12 * (q - T) / len(X)"))
    assert "the gradients are 12 times those of the loss: a convention" in str(report)


STEPS = [STEP, "p[k] -= lr * grads[k]"]


@pytest.mark.parametrize("step", STEPS)
def test_a_decay_of_the_weights_alone_after_the_step_is_no_part_of_it(
    step: str, tmp_path: Path
) -> None:
    decay = '\n        if "W" in k:\n            p[k] *= 1 - lr * 0.5'
    report = run(tmp_path, (STEP, f"{step}{decay}"))
    assert report.exit_code == 0, str(report)
    numbers = dict(report.ran.rule.numbers)
    assert (numbers["η"], numbers["λ"]) == pytest.approx((0.01, 0.5))


FOLDED = """import numpy as np
rng = np.random.default_rng(6)
A, B = rng.normal(size=(4, 6)) / 2, rng.normal(size=(7, 2)) / 2  # the last row is the bias
X, one = rng.normal(size=(30, 3)), np.ones((30, 1)); Y = np.c_[X[:, 0] * X[:, 1], np.cos(X[:, 2])]
speed = [np.zeros_like(A), np.zeros_like(B)]
for epoch in range(9):
    h = np.tanh(np.c_[X, one] @ A)
    d = (np.c_[h, one] @ B - Y) / 30
    gB, gA = np.c_[h, one].T @ d, np.c_[X, one].T @ (d @ B[:-1].T * (1 - h ** 2))
    eta = 0.1 * 0.9 ** epoch
    for W, s, g in zip((A, B), speed, (gA, gB)):
        s[:] = 0.8 * s + g
        W[:-1] *= 1 - eta * 0.01
        W -= eta * s
"""


def test_a_part_of_what_a_velocity_moves_may_decay(tmp_path: Path) -> None:
    report = run_edited(tmp_path, FOLDED)
    assert (report.exit_code, report.ran.rule.kind) == (0, "momentum"), str(report)
    for wrong in (("1 - eta * 0.01", "1 + eta * 0.01"), ("eta * s\n", "eta * (s + g)\n")):
        assert len(run_edited(tmp_path, FOLDED, wrong).ran.unjudged) == 2


def test_what_decays_by_0_is_moved_by_its_gradient_alone(tmp_path: Path) -> None:
    adam = STEP.replace("p[k] -= lr * ", "step = ")
    step = f"{adam}\n        p[k] -= lr * (step + (0.5 if 'W' in k else 0.0) * p[k])"
    report = run(tmp_path, (STEP, step))
    assert report.exit_code == 0, str(report)
    assert report.ran.rule.kind == "adam"


CHANGING = """a = -lr * min(1, t / 9) * np.sqrt(1 - beta2 ** t) / (1 - beta1 ** t)
        p[k] += a * m[k] / (np.sqrt(v[k]) + eps)"""


@pytest.mark.parametrize(
    ("right", "wrong", "kind"),
    [
        ("/ (1 - beta1 **", "/ (1 - beta2 **", "correction mean"),
        ("sqrt(1 - beta2 **", "sqrt(1 - beta1 **", "correction square"),
        ("np.sqrt(v[k])", "v[k]", "no root"),
        ("", "", ""),
    ],
)
def test_the_rate_of_adam_may_change_where_it_is_divided_by_a_correction(
    right: str, wrong: str, kind: str, tmp_path: Path
) -> None:
    report = run(tmp_path, (STEP, CHANGING.replace(right, wrong)))
    assert [each.accused.cause.kind for each in report.blames] == [kind][: len(kind)]
    assert report.ran.rule.kind == ("other" if kind else "adam")


def test_a_correction_that_counts_nothing_is_told_beside_a_rate_that_changes(
    tmp_path: Path,
) -> None:
    changing = (STEP, STEP.replace("lr", "(lr * np.cos(t / 20))"))
    assert run(tmp_path, changing).exit_code == 0
    report = run(tmp_path, changing, (FIRST, "m_hat = m[k] / (1 - beta1)"))
    assert line_of("stuck", report) == FIRST


def test_a_rule_that_is_not_known_is_not_accused(tmp_path: Path) -> None:
    report = run(tmp_path, ("grads[k] ** 2", "np.abs(grads[k]) ** 1.5"))
    assert report.exit_code == 3
    assert str(report).startswith("not judged: the updates of p['b1'], p['b2'], p['W1'] and ")
    assert all(each.ok for each in report.gradients)


def test_the_number_of_a_decay_is_named_with_why(tmp_path: Path) -> None:
    decay = '\n    lam = 0.2\n    grads["W1"] = grads["W1"] + lam * p["W1"]'
    loss = "\n    loss = loss + 0.05 * (p['W1'] ** 2).sum()"
    edits = ("t += 1", f"t += 1{decay}"), ("/ len(X)\n    ds", f"/ len(X){loss}\n    ds")
    report = run(tmp_path, *edits)
    said = "in `lam * p['W1']` (line 21), `lam` (0.2 here) has to be multiplied by 0.5, for the"
    assert said in str(report)


def test_an_operand_without_a_name_is_told_by_its_line() -> None:
    product = Named("multiply", Line("net.py", 7), is_operation=True)
    cause = Cause("changed", changed=Changed("operand", "1", "", "d @ w", product))
    said = "in `d @ w`, the first operand has to be the product that line 7 computes"
    assert why(cause) == said


LOGISTIC = """import numpy as np
np.random.seed(3)
X = np.random.randn(60, 5)
t = (X @ np.arange(5) > 0).astype(float)
w, b, mw, vw, mb, vb = np.zeros(5), 0.0, np.zeros(5), np.zeros(5), 0.0, 0.0
for i in range(1, 9):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    gw, gb = X.T @ (p - t) / 60, np.mean(p - t)
    mw, mb = 0.9 * mw + 0.1 * gw, 0.9 * mb + 0.1 * gb
    vw, vb = 0.99 * vw + 0.01 * gw ** 2, 0.99 * vb + 0.01 * gb ** 2
    w = w - 0.1 * (mw / (1 - 0.9 ** i)) / (np.sqrt(vw / (1 - 0.99 ** i)) + 1e-8)
    b = b - 0.1 * (mb / (1 - 0.9 ** i)) / (np.sqrt(vb / (1 - 0.99 ** i)) + 1e-8)
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("", "", 0),
        ("vb / (1 - 0.99 ** i)", "vb / (1 - 0.9 ** i)", 1),
    ],
)
def test_a_bias_that_is_one_number_is_held_to_the_rule(
    old: str, new: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(LOGISTIC.replace(old, new) if old else LOGISTIC)
    with quiet():
        report = run_script(str(tmp_path / "script.py"), timeout=20)
    assert report.exit_code == code, str(report)
    assert not code or "β1 is in the correction of the mean of the squares" in str(report)


def test_a_rate_that_is_computed_of_each_gradient_is_no_fault(tmp_path: Path) -> None:
    assert run(tmp_path, (STEP, "p[k] -= lr * grads[k] / np.linalg.norm(grads[k])")).ok


def test_a_velocity_with_a_decay_in_it_is_momentum(tmp_path: Path) -> None:
    velocity = "v[k] = 0.9 * v[k] + grads[k] + 0.01 * p[k]"
    step = STEP, f"{velocity}\n        p[k] -= lr * v[k]"
    no_adam = [(f"v[k] = beta2 * v[k] + {SQUARE}", "pass"), (SECOND, "pass")]
    report = run(tmp_path, step, *no_adam)
    assert report.ran.rule.kind == "momentum"
    assert dict(report.ran.rule.numbers) == pytest.approx({"η": 0.01, "μ": 0.9, "λ": 0.01})


LINE = """import numpy as np
rng = np.random.RandomState(0)
x = rng.randn(3, 1)
y = 5 * x + rng.rand()
w, b = 0.0, 0.0


def descend(x, y, w, b, rate):
    dw, db = 0.0, 0.0
    for xi, yi in zip(x, y):
        dw += -2 * xi * (yi - (w * xi + b))
        db += -2 * (yi - (w * xi + b))
    return w - rate * dw / len(x), b - rate * db / len(x)


for epoch in range(20):
    w, b = descend(x, y, w, b, 0.01)
    print(np.sum((y - w * x - b) ** 2) / len(x))
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [("w, b = 0.0, 0.0", "w, b = 0.0, 0.0", ()), ("db += -2 *", "db += -4 *", ("b",))],
)
def test_a_sum_over_the_samples_is_no_parameter(
    old: str, new: str, wrong: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "line.py").write_text(LINE.replace(old, new))
    with quiet():
        report = run_script(str(tmp_path / "line.py"), timeout=20)
    assert report.ran.parameters == ("w", "b")
    assert tuple(n for each in report.blames for n in each.gradients) == wrong


FORGOTTEN = """import numpy as np
rng = np.random.RandomState(0)
X, T = rng.randn(12, 3), rng.randn(12, 2)
W1, b1, W2 = rng.randn(3, 5), np.zeros(5), rng.randn(5, 2)
sums = [np.zeros_like(e) for e in (W1, b1, W2)]
for epoch in range(20):
    h = np.tanh(X @ W1 + b1)
    loss = ((h @ W2 - T) ** 2).sum()
    gradients = dW1, db1, dW2 = [np.zeros_like(e) for e in (W1, b1, W2)]
    dy = 2 * (h @ W2 - T)
    dz = dy @ W2.T * (1 - h ** 2)
    dW2 += h.T @ dy
    db1 + dz.sum(axis=0)
    dW1 += X.T @ dz
    for p, g, s in zip((W1, b1, W2), gradients, sums):
        s += g * g
        p += -0.01 * g / np.sqrt(s + 1e-8)
"""


def test_a_gradient_that_is_computed_and_not_kept_is_found(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(FORGOTTEN)
    with quiet():
        (blame,) = run_script(str(tmp_path / "script.py"), timeout=20).blames
    assert blame.gradients == ("b1",)
    assert blame.accused.cause.kind == "still"
    assert blame.accused.lines[0].line == 13


WITHOUT = """import numpy as np
rng = np.random.default_rng(1)
X, Y = rng.normal(size=(15, 3)), rng.normal(size=(15, 2))
U, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
mU, mV = np.zeros_like(U), np.zeros_like(V)
for epoch in range(6):
    h = np.tanh(X @ U)
    e = (h @ V - Y) / len(X)
    gV = h.T @ e
    gU = X.T @ (e @ V.T * (1 - h ** 2))
    mU = 0.8 * mU - 0.1 * gU
    mV = 0.8 * mV - 0.1 * gV
    U = U + mU
    V = V + mV
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("mU = 0.8 * mU - 0.1 * gU", "mU = 0.8 * mU"),
        ("mU = 0.8 * mU - 0.1 * gU", "gU = 0.01 * U\n    mU = 0.8 * mU - 0.1 * gU"),
    ],
)
def test_a_step_that_is_made_without_the_gradient_is_blamed_where_it_is_made(
    line: str, wrong: str, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, WITHOUT, (line, wrong)).blames
    assert blame.gradients == ("U",)
    assert blame.accused.lines[0].line == 11


def test_a_number_that_others_read_rightly_is_not_blamed_where_it_is_given(tmp_path: Path) -> None:
    edits = [("for epoch", "mu = 0.8\nfor epoch"), ("0.8 * mU", "mu * mU"), ("0.8 * mV", "mu")]
    (blame,) = run_edited(tmp_path, WITHOUT, *edits).blames
    assert blame.gradients == ("V",)
    assert blame.accused.lines[0].line == 13


KEPT = """import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
W, b = rng.normal(size=(3, 2)), np.zeros(2)
sW, sb, rho = np.zeros_like(W), np.zeros_like(b), 0.9
for epoch in range(20):
    e = X @ W + b - T
    loss = np.mean(np.sum(e**2, axis=1))
    dW, db = 2 * X.T @ e / len(X), 2 * e.mean(axis=0)
"""
RMSPROP = """    sW = rho * sW + (1 - rho) * dW**2
    sb = rho * sb + (1 - rho) * db**2
    W -= 0.01 * dW / (np.sqrt(sW) + 1e-8)
    b -= 0.01 * db / (np.sqrt(sb) + 1e-8)
"""
LION = """    W = W - 0.01 * (np.sign(rho * sW + (1 - rho) * dW) + 0.1 * W)
    b = b - 0.01 * np.sign(rho * sb + (1 - rho) * db)
    sW = 0.99 * sW + (1 - 0.99) * dW
    sb = 0.99 * sb + (1 - 0.99) * db
"""


@pytest.mark.parametrize(
    ("rule", "old", "new", "kind"),
    [
        (RMSPROP, "(1 - rho) * db**2", "(1 - rho) * dW.sum(axis=0) ** 2", "other"),
        (RMSPROP, "+ (1 - rho) * db**2", "+ rho * db**2", "share"),
        (LION, "sb + (1 - 0.99) * db", "sb - (1 - 0.99) * db", "minus"),
    ],
)
def test_what_an_update_keeps_is_judged(
    rule: str, old: str, new: str, kind: str, tmp_path: Path
) -> None:
    (blame,) = run_edited(tmp_path, KEPT + rule, (old, new)).blames
    lines = (KEPT + rule).replace(old, new).splitlines()
    assert (blame.gradients, blame.accused.cause.kind) == (("b",), kind)
    assert new in lines[int(blame.line or 0) - 1]


SCALED = """import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(12, 3)), rng.normal(size=(12, 1))
W, b, V, c = rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 1)), np.zeros(1)
s = dict.fromkeys("WbVc", 0.0)
for epoch in range(20):
    h = np.tanh(X @ W + b)
    e = (h @ V + c - T) / len(X)
    d = e @ V.T * (1 - h**2)
    gW, gb, gV, gc = X.T @ d, d.sum(axis=0), h.T @ e, e.sum(axis=0)
    s["W"] = 0.9 * s["W"] + 0.1 * gW**2
    s["b"] = 0.9 * s["b"] + 0.1 * gb**2
    s["V"] = 0.9 * s["V"] + 0.1 * gV**2
    s["c"] = 0.9 * s["c"] + 0.1 * gc**2
    W -= 0.01 * gW / (np.sqrt(s["W"]) + 1e-7)
    b -= 0.01 * gb / (np.sqrt(s["b"]) + 1e-7)
    V -= 0.01 * gV / (np.sqrt(s["V"]) + 1e-7)
    c -= 0.01 * gc / (np.sqrt(s["c"]) + 1e-7)
"""


def test_squares_of_a_smaller_gradient_are_none_of_the_own(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCALED, ("gb**2", "gc**2"))
    (blame,) = report.blames
    assert (blame.gradients, blame.line, blame.accused.cause.kind) == (("b",), 12, "other")
    assert "the gradient of `c` is used here" in str(report)
    with pytest.raises(UnjudgedError, match="in a way that is not known"):
        run_edited(tmp_path, SCALED, ("0.1 * gb**2", "0.1 * (gb**2).sum() * np.ones(1)"))


def test_squares_of_the_weights_are_none_of_the_gradient(tmp_path: Path) -> None:
    report = run_edited(tmp_path, KEPT + RMSPROP, ("rho) * dW**2", "rho) * W**2"))
    (blame,) = report.blames
    assert (blame.gradients, blame.accused.cause.kind) == (("W",), "no square")
    assert blame.line == KEPT.count("\n") + 1
    assert "every update is right with" not in str(report)  # as with 0 in the place of a share


VELOCITIES = """    vW = 0.05 * dW + 0.8 * sW
    vb = 0.05 * db + 0.8 * sb
    sW, sb = vW, vb
    W -= vW
    b -= vb
"""


@pytest.mark.parametrize("name", ["W", "b"])
def test_of_two_velocities_the_one_that_keeps_a_number_of_the_program_is_right(
    name: str, tmp_path: Path
) -> None:
    edit = f"0.05 * d{name} + 0.8 * s{name}", f"0.05 * (d{name} + 0.8 * s{name})"
    (blame,) = run_edited(tmp_path, KEPT + VELOCITIES, edit).blames
    assert (blame.gradients, blame.accused.cause.kind) == ((name,), "rate")
    assert blame.line == KEPT.count("\n") + 1 + (name == "b")
    assert run_edited(tmp_path, KEPT + VELOCITIES).exit_code == 0


ADAGRAD = """    sW += np.abs(dW)
    sb += np.abs(db)
    W += -0.1 * dW / np.sqrt(sW + 1e-8)
    b += -0.1 * db / np.sqrt(sb + 1e-8)
"""


def test_an_epsilon_within_the_root_is_nothing_that_is_kept(tmp_path: Path) -> None:
    report = run_edited(tmp_path, KEPT + ADAGRAD)
    assert [each.accused.cause.kind for each in report.blames] == ["no square"] * 2
    assert {each.line for each in report.blames} == {KEPT.count("\n") + i for i in (1, 2)}


DAMPENED = """    eta, damp = 0.05, 0.3
    sW = rho * sW + (1 - damp) * dW
    sb = rho * sb + (1 - damp) * db
    W -= eta * sW
    b -= eta * sb
"""


@pytest.mark.parametrize(("name", "lines"), [("damp", set()), ("rho", set()), ("eta", {11, 12})])
def test_a_mean_that_moves_by_a_rate_is_not_made_by_its_rest(
    name: str, lines: set[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, KEPT + DAMPENED.replace("1 - damp", f"1 - {name}"))
    assert {each.line for each in report.blames} == lines, str(report)
    assert {each.accused.cause.kind for each in report.blames} <= {"share"}


FORMER = """    sW, W = dW, W - 0.02 * dW + 0.01 * sW
    sb, b = db, b - 0.02 * db + 0.01 * sb
"""


@pytest.mark.parametrize(
    ("former", "exit_code"), [("+ 0.01", 0), ("- 0.01", 0), ("+ 0.9", 3), ("- 0.9", 1)], ids=str
)
def test_a_gradient_that_is_kept_for_a_velocity_is_no_gradient_descent(
    former: str, exit_code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, KEPT + FORMER.replace("+ 0.01", former))
    assert report.exit_code == exit_code, str(report)
    lines = [KEPT.count("\n") + i for i in (1, 2)] if exit_code == 1 else []
    assert sorted(int(each.line or 0) for each in report.blames) == lines, str(report)


INERT = """import random
random.seed(3)
rows = [([random.gauss(0, 1) for _ in range(2)], random.gauss(0, 1)) for _ in range(9)]
w, last = [0.3, -0.2, 0.1], [0.0, 0.0, 0.0]
for turn in range(30):
    loss = 0.0
    for x, t in rows:
        x = x + [1.0]
        r = sum(a * b for a, b in zip(w, x)) - t
        loss += 0.5 * r * r
        for i in range(3):
            step = 0.1 * r * x[i] + 0.5 * last[i]
            w[i] -= step
            last[i] = step
"""


def test_a_gradient_that_is_computed_anew_and_kept_for_the_step_is_blamed(tmp_path: Path) -> None:
    assert run_edited(tmp_path, INERT).exit_code == 0
    (blame,) = run_edited(tmp_path, INERT, ("last[i] = step", "last[i] = r * x[i]")).blames
    assert (blame.line, blame.accused.cause.kind) == (14, "former")


AHEAD = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3))
t = np.arange(20) % 2.0
w, b, vw, vb = np.zeros(3), np.zeros(1), np.zeros(3), np.zeros(1)
for i in range(20):
    wl, bl = w + 0.9 * vw, b + 0.9 * vb
    p = 1 / (1 + np.exp(-(X @ wl + bl)))
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    d = (p - t) / len(t)
    vw = 0.9 * vw - 0.1 * X.T @ d
    vb = 0.9 * vb - 0.1 * d.sum(keepdims=True)
    w = w + vw
    b = b + vb
"""


CLIMBS = """import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(50, 3))
y = (X @ [1., -2, .5] + .3 > 0).astype(float)
w, b = np.zeros(3), 0.0
for epoch in range(20):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    print(np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    err = y - p
    w += 0.1 * X.T @ err / len(y)
    b += 0.1 * err.mean()
"""


def test_a_likelihood_that_is_printed_is_no_loss_to_go_down(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, CLIMBS, ("b +=", "b -=")).blames
    assert (blame.gradients, blame.accused.cause.kind) == (("b",), "ascends")


def test_a_gradient_that_is_0_by_chance_has_lost_no_digits(tmp_path: Path) -> None:
    assert run_edited(tmp_path, AHEAD).exit_code == 0


def test_the_loss_tells_which_update_goes_up(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, AHEAD, ("vb - 0.1", "vb + 0.1")).blames
    assert (blame.gradients, blame.accused.cause.kind) == (("b",), "ascends")
    assert (
        "vb + 0.1" in AHEAD.replace("vb - 0.1", "vb + 0.1").splitlines()[int(blame.line or 0) - 1]
    )


MICRO = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4)); y = (X @ rng.normal(size=4) > 0).astype(float)[:, None]
W1 = rng.normal(size=(4, 5)); b1 = np.zeros(5); W2 = rng.normal(size=(5, 1)); b2 = np.zeros(1)
for step in range(20):
    gW1, gb1, gW2, gb2 = (np.zeros_like(p) for p in (W1, b1, W2, b2))
    for micro in range(3):
        i = rng.integers(0, 120, 16)
        h = np.tanh(X[i] @ W1 + b1)
        d = (1 / (1 + np.exp(-(h @ W2 + b2))) - y[i]) / 48
        dh = d @ W2.T * (1 - h ** 2)
        gW2 += h.T @ d; gb2 += d.sum(0); gW1 += X[i].T @ dh; gb1 += dh.sum(0)
    W1 -= .5 * gW1; b1 -= .5 * gb1; W2 -= .5 * gW2; b2 -= .5 * gb2
"""


def test_gradients_of_which_those_of_the_last_batch_alone_are_used(tmp_path: Path) -> None:
    assert run_edited(tmp_path, MICRO).exit_code == 0
    line = next(each for each in MICRO.splitlines() if "gW2 +=" in each)
    (blame,) = run_edited(tmp_path, MICRO, (line, line.replace("+=", "="))).blames
    assert (blame.accused.cause.kind, blame.gradients) == ("last", ("W1", "b1", "W2", "b2"))
    assert MICRO.splitlines()[int(blame.line or 0) - 1] == line


def test_gradients_that_begin_anew_with_each_batch(tmp_path: Path) -> None:
    begun = next(each for each in MICRO.splitlines(keepends=True) if "zeros_like" in each)
    loop = next(each for each in MICRO.splitlines(keepends=True) if "micro" in each)
    report = run_edited(tmp_path, MICRO, (begun + loop, f"{loop}    {begun}"))
    (blame,) = report.blames
    assert (blame.accused.cause.kind, blame.gradients) == ("anew", ("W1", "b1", "W2", "b2"))
    assert blame.line == MICRO.splitlines(keepends=True).index(begun) + 2
    assert "begins anew" in str(report)


BY_SAMPLES = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)); y = rng.normal(size=(60, 2))
W1, b1, W2 = rng.normal(size=(5, 4)), np.zeros(5), rng.normal(size=(2, 5))

def slopes(x, t):
    h = np.tanh(W1 @ x + b1)
    e = W2 @ h - t
    d = (W2.T @ e) * (1 - h ** 2)
    return np.outer(d, x), d, np.outer(e, h)

for step in range(20):
    total = None
    for i in rng.integers(0, 60, 8):
        found = slopes(X[i], y[i])
        total = found if total is None else [s + g for s, g in zip(total, found)]
    W1, b1, W2 = (p - 0.1 / 8 * g for p, g in zip((W1, b1, W2), total))
"""


def test_gradients_of_which_those_of_the_last_sample_alone_are_used(tmp_path: Path) -> None:
    """One of them is computed from another."""
    assert run_edited(tmp_path, BY_SAMPLES).exit_code == 0
    edit = "[s + g for s, g in zip(total, found)]", "found"
    (blame,) = run_edited(tmp_path, BY_SAMPLES, edit).blames
    assert (blame.accused.cause.kind, {*blame.gradients}) == ("last", {"W1", "b1", "W2"})


LATE = """import numpy as np
rng = np.random.default_rng(0)
X, t = rng.normal(size=(9, 3)), rng.normal(size=9)
w, v = rng.normal(size=3), np.zeros(3)
for x, y in zip(X, t):
    g = (x @ w - y) * x
    w = w - v
    v = 0.01 * g + 0.9 * v
"""


def test_a_velocity_that_moves_before_its_gradient_is_in_it_is_no_parameter(tmp_path: Path) -> None:
    with pytest.raises(UnjudgedError, match="a velocity before the gradient"):
        run_edited(tmp_path, LATE)


TIED = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 6))
W = rng.normal(size=(6, 3)) * 0.3
V = np.zeros_like(W)
for it in range(5):
    H = np.tanh(X @ W)
    R = H @ W.T - X
    loss = 0.5 * (R**2).sum()
    dH = (R @ W) * (1 - H**2)
    V = 0.9 * V - 0.01 * (X.T @ dH) - 0.01 * (R.T @ H)
    W += V
"""
PARTS = "    V = 0.9 * V - 0.01 * (X.T @ dH) - 0.01 * (R.T @ H)"


@pytest.mark.parametrize(
    "steps",
    [
        PARTS,
        "    V *= 0.9\n    V -= 0.01 * (X.T @ dH)\n    V -= 0.01 * (R.T @ H)",
    ],
)
def test_parts_of_a_gradient_may_be_added_one_by_one(steps: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, TIED, (PARTS, steps))
    assert report.examined.ok
    assert "η = 0.01, μ = 0.9" in str(report)


@pytest.mark.parametrize(
    ("edit", "line"),
    [((" - 0.01 * (R.T @ H)", " + 0.01 * (R.T @ H)"), 11), (("(1 - H**2)", "(1 - H)"), 10)],
)
def test_a_wrong_part_of_a_gradient_is_blamed(
    edit: tuple[str, str], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, TIED, edit)
    assert report.examined.accused[0].lines[0].line == line


DECAYING = """import numpy as np
rng = np.random.default_rng(3)
X, t = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
vW = vV = 0
for _ in range(9):
    h = np.tanh(X @ W)
    e = h @ V - t
    loss = 0.5 * (e**2).sum() + 0.05 * ((W**2).sum() + (V**2).sum())
    dV = h.T @ e
    dW = X.T @ (e @ V.T * (1 - h**2))
    dV += 0.1 * V
    dW += 0.1 * W
    vV, vW = 0.9 * vV - 0.01 * dV, 0.9 * vW - 0.01 * dW
    V += vV
    W += vW
"""


def test_a_decay_that_overwrites_the_gradient_of_a_velocity_is_blamed(tmp_path: Path) -> None:
    assert run_edited(tmp_path, DECAYING).exit_code == 0
    report = run_edited(tmp_path, DECAYING, ("dW += 0.1 * W", "dW = 0.1 * W"))
    (blame,) = report.blames
    assert (blame.gradients, blame.line) == (("W",), 13)


THREE_LAYERS = """import numpy as np
rng = np.random.default_rng(0)
X, t = rng.random((4, 2)), rng.random((4, 1))
w1, w2, w3 = rng.normal(size=(2, 5)), rng.normal(size=(5, 5)), rng.normal(size=(5, 1))
for _ in range(100):
    h = 1 / (1 + np.exp(-X @ w1))
    g = 1 / (1 + np.exp(-h @ w2))
    y = 1 / (1 + np.exp(-g @ w3))
    d3 = (y - t) * y * (1 - y)
    w3 -= 0.1 * g.T @ d3
    d2 = d3 @ w3.T * g * (1 - g)
    w2 -= 0.1 * h.T @ d2
    d1 = d2 @ w2.T * h * (1 - h)
    w1 -= 0.1 * X.T @ d1
"""


def test_several_parameters_that_are_used_after_their_update_are_said_to_be(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, THREE_LAYERS)
    assert [each.line for each in report.blames] == [11, 13]
    for name, used, moved in (("w3", 11, 10), ("w2", 13, 12)):
        assert f"`{name}` is used on line {used} after its update on line {moved}" in str(report)


ASIDE = """
import numpy as np
rng = np.random.default_rng(3)
X, y = rng.normal(size=(12, 4)), rng.normal(size=(12, 1))
W1, W2 = rng.normal(size=(4, 3)), rng.normal(size=(3, 1))
for epoch in range(5):
    H = np.tanh(X @ W1)
    D = (H @ W2 - y) / len(X)
    dW2 = H.T @ D
    dW1 = X.T @ (D @ W2.T * (1 - H ** 2))
    W2 -= 0.1 * dW2
    W1 -= 0.1
"""


def test_what_is_moved_by_no_gradient_is_not_judged(tmp_path: Path) -> None:
    kept = [each for each in ASIDE.splitlines() if "dW1 =" not in each]
    (tmp_path / "train.py").write_text("\n".join(kept))
    with quiet():
        report = run_script(str(tmp_path / "train.py"))
    assert report.exit_code == 3
    assert "not judged: the updates of W1: no gradient of it is in them" in str(report)


def test_a_constant_that_the_data_were_made_of_before_is_not_moved(tmp_path: Path) -> None:
    text = """import numpy as np
rng = np.random.default_rng(0)
X, basis = rng.normal(size=(9, 3)), rng.normal(size=(3, 4))

def output(basis, w):
    return np.tanh(X @ basis) @ w

y = output(basis + 0.1, rng.normal(size=4))
w = np.zeros(4)
for k in range(5):
    r = output(basis, w) - y
    loss = np.sum(r ** 2) / 2
    w -= 0.1 * np.tanh(X @ basis).T @ r
"""
    report = run_edited(tmp_path, text)
    assert report.exit_code == 0, str(report)


def test_a_gradient_that_is_computed_and_moves_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(ASIDE)
    with quiet():
        report = run_script(str(tmp_path / "train.py"))
    (accused,) = report.examined.accused
    assert (report.exit_code, accused.gradients) == (1, ("W1",))
    assert accused.lines[0].line == 12


WITHIN = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 2))
y = np.sin(X[:, :1])
W, V = rng.normal(size=(2, 4)), rng.normal(size=(4, 1))
vW = np.zeros_like(W)
for it in range(100):
    h = np.tanh(X @ W)
    d = (h @ V - y) / 30
    dz = d @ V.T * (1 - h ** 2)
    V -= 0.1 * h.T @ d
    vW = 0.9 * vW - 0.1 * X.T @ dz
    W += vW
"""


def test_a_rate_that_multiplies_an_operand_of_a_gradient_is_the_rate(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(WITHIN.replace("0.9 * vW", "0.0 * vW"))
    with quiet():
        assert "η = 0.1" in str(run_script(str(tmp_path / "train.py")))


def test_a_wrong_gradient_beside_a_rate_that_multiplies_an_operand_is_alone(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(WITHIN.replace("1 - h ** 2", "1 - h"))
    with quiet():
        report = run_script(str(tmp_path / "train.py"))
    (accused,) = report.examined.accused
    assert (accused.gradients, accused.lines[0].line) == (("W",), 11)


NUMBER = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3))
y = (X[:, 0] > 0.2).astype(float)
w, b = np.zeros(3), 0.0
for epoch in range(100):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    db = np.mean(p - y)
    w -= 0.1 * X.T @ (p - y) / len(y)
    b -= 0.1 * db
"""


@pytest.mark.parametrize(("text", "code"), [("0.1 * db", 0), ("0.1", 1), ("0.0", 1)])
def test_a_number_of_which_the_gradient_moves_nothing_is_found(
    text: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(NUMBER.replace("0.1 * db", text))
    with quiet():
        report = run_script(str(tmp_path / "train.py"))
    assert (report.exit_code, [e.gradients for e in report.examined.accused]) == (
        code,
        [("b",)] * code,
    )


CLIPPED = """
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
p = {"W": rng.normal(size=(3, 4)), "V": rng.normal(size=(4, 1)), "c": np.zeros(1)}
for step in range(9):
    h = np.tanh(X @ p["W"])
    d = 2 * (h @ p["V"] + p["c"] - y) / 30
    g = {"V": h.T @ d, "c": d.sum(0), "W": X.T @ (d @ p["V"].T * (1 - h**2))}
    clip = np.minimum(1.0, 0.5 / np.sqrt(sum((e**2).sum() for e in g.values())))
    for k in p:
        p[k] = p[k] - 0.1 * clip * g[k]
"""


def test_a_single_number_is_clipped_as_the_arrays_beside_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(CLIPPED)
    with quiet():
        report = run_script(str(tmp_path / "train.py"))
    assert report.exit_code == 0, str(report)


def test_a_number_beside_the_gradient_is_told_on_its_line(tmp_path: Path) -> None:
    report = run(tmp_path, (STEP, "p[k] = p[k] - lr - grads[k]"))
    assert line_of("number", report) == STEP
    assert "the number 0.01 moves each entry here" in str(report)


@pytest.mark.parametrize("noise", ["", " + 0.01 * rng.normal()"])
def test_noise_beside_the_gradient_is_no_fault(noise: str, tmp_path: Path) -> None:
    report = run(tmp_path, (STEP, f"p[k] = p[k] - lr * grads[k]{noise}"))
    assert report.exit_code == 0, str(report)


HALF = """import numpy as np
rng = np.random.default_rng(4)
X, Y, beta = rng.normal(size=(9, 3)), rng.normal(size=(9, 2)), 0.9
p = {"W": rng.normal(size=(3, 2)), "b": np.zeros(2)}
v = {k: np.zeros_like(e) for k, e in p.items()}
for step in range(9):
    e = (X @ p["W"] + p["b"] - Y) / len(X)
    v["W"] = beta * v["W"] + (1 - beta) * (X.T @ e)
    v["b"] = beta * v["b"] + (1 - beta) * e.sum(axis=0)
    for k in p:
        p[k] -= 0.05 * v[k]
    print(np.sum(e**2))
"""


@pytest.mark.parametrize(("name", "line"), [("W", 8), ("b", 9)])
def test_of_two_that_go_unevenly_the_one_that_lacks_a_number_is_wrong(
    name: str, line: int, tmp_path: Path
) -> None:
    right = f'v["{name}"] + (1 - beta) * '
    report = run_edited(tmp_path, HALF, (right, f'v["{name}"] + '))
    (accused,) = report.examined.accused
    assert (len(accused.gradients), accused.lines[0].line) == (1, line)
    assert "has to be multiplied by `1 - beta`" in str(report)


TWICE = """import numpy as np
rng = np.random.default_rng(4)
X, Y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
m, eta, w, c = len(X), 0.1, rng.normal(size=(3, 2)), np.zeros(2)
for epoch in range(9):
    off = X @ w + c - Y
    dw = X.T @ off / m
    dc = off.mean(axis=0)
    w = w - eta * dw
    c = c - eta * dc
    print((off**2).sum() / m)
"""


@pytest.mark.parametrize(("name", "line"), [("w", 9), ("c", 10)])
def test_of_two_that_go_unevenly_the_one_that_is_divided_twice_is_wrong(
    name: str, line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, TWICE, (f"eta * d{name}", f"eta * d{name} / m"))
    (accused,) = report.examined.accused
    assert accused.lines[0].line == line
    assert f"in `eta * d{name} / m`, `m` is too much" in str(report)


CENTRED = """import numpy as np
rng = np.random.default_rng(9)
X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
p = {"W": rng.normal(size=(3, 8)), "b": np.zeros(8), "v": rng.normal(size=(8, 1))}
m = {k: np.zeros_like(e) for k, e in p.items()}
s = {k: np.zeros_like(e) for k, e in p.items()}
for t in range(1, 9):
    h = X @ p["W"] + p["b"]
    inv = 1 / np.sqrt(h.var(axis=0) + 1e-5)
    z = (h - h.mean(axis=0)) * inv
    a = np.maximum(0, z)
    e = (a @ p["v"] - y) / len(X)
    dz = e @ p["v"].T * (z > 0)
    dh = inv * (dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0))
    g = {"v": a.T @ e, "W": X.T @ dh, "b": dh.sum(axis=0)}
    for k in p:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        s[k] = 0.999 * s[k] + 0.001 * g[k] ** 2
        p[k] -= 0.01 * (m[k] / (1 - 0.9**t)) / (np.sqrt(s[k] / (1 - 0.999**t)) + 1e-8)
    print(0.5 * np.sum(e**2) * len(X))
"""


@pytest.mark.parametrize("first", ["", "p[k] *= 1 - 0.01 * 0.02"], ids=["Adam", "AdamW"])
def test_a_gradient_that_is_rounding_alone_tells_no_rule(first: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, CENTRED, ("for k in p:\n", f"for k in p:\n        {first}\n"))
    assert (report.exit_code, report.ran.unjudged) == (0, ()), str(report)


GRAPH = """import numpy as np

rng = np.random.default_rng(0)
adjacency = (rng.random((6, 6)) < 0.5) * 1.0
x, target = rng.normal(size=(6, 3)), rng.normal(size=2)
W, U = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
for step in range(4):
    message = adjacency @ x
    e = (message @ W + x @ U).mean(0) - target
    print(0.5 * e @ e)
    d = np.tile(e / len(x), (len(x), 1))
    dW, dU = message.T @ d, x.T @ d
    dx = adjacency.T @ (d @ W.T)
    dx += d @ U.T
    W -= 0.1 * dW
    U -= 0.1 * dU
"""


def test_the_gradient_of_the_inputs_is_that_of_no_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, GRAPH)
    assert (report.exit_code, report.ran.notes) == (0, ())


TWO_RULES = """import numpy as np
rng = np.random.default_rng(6)
X = rng.normal(size=(40, 3))
y = np.sin(X.sum(axis=1, keepdims=True))
W, b, head = rng.normal(size=(3, 5)), np.zeros(5), 0.4 * rng.normal(size=(5, 1))
sW, sb = np.zeros_like(W), np.zeros_like(b)
for epoch in range(20):
    h = np.tanh(X @ W + b)
    r = h @ head - y
    small = np.abs(r) <= 0.5
    huber = np.where(small, 0.5 * r ** 2, 0.5 * (np.abs(r) - 0.25)).mean()
    d = np.where(small, r, 0.5 * np.sign(r)) / len(X)
    dz = d @ head.T * (1 - h ** 2)
    gW, gb = X.T @ dz, dz.sum(axis=0)
    sW = 0.9 * sW + 0.1 * gW ** 2
    sb = 0.9 * sb + 0.1 * gb ** 2
    W -= 0.01 * gW / (np.sqrt(sW) + 1e-7)
    b -= 0.01 * gb / (np.sqrt(sb) + 1e-7)
    head -= 0.1 * h.T @ d
"""


def test_a_parameter_that_keeps_nothing_may_have_a_rule_of_its_own(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TWO_RULES)
    assert report.exit_code == 0, str(report)
    assert "head is moved by gradient descent" in str(report)


@pytest.mark.parametrize(("name", "line"), [("W", 15), ("b", 16)])
def test_of_two_means_the_one_that_keeps_less_than_it_adds_is_blamed(
    name: str, line: int, tmp_path: Path
) -> None:
    edit = f"0.9 * s{name} + 0.1 * g{name}", f"0.1 * s{name} + 0.9 * g{name}"
    report = run_edited(tmp_path, TWO_RULES, edit, ("    head -= 0.1 * h.T @ d\n", ""))
    assert [each.line for each in report.blames] == [line], str(report)


MEAN = "m[k] = beta1 * m[k] + (1 - beta1) * grads[k]"
ANEW = "m[k] = (beta1 * (1 - beta1 ** (t - 1)) * m[k] + (1 - beta1) * grads[k]) / (1 - beta1 ** t)"


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ((("m_hat = m[k] /", "m_hat = m[k] = m[k] /"),), [22]),
        ((("v_hat = v[k] / (1", "v[k] /= (1"), ("np.sqrt(v_hat)", "np.sqrt(v[k])")), [23]),
        (
            (
                (MEAN, ANEW),
                ("m_hat = m[k] / (1 - beta1 ** t)\n        v_hat", "m_hat = m[k]\n        v_hat"),
            ),
            [],
        ),
    ],
    ids=["mean", "squares", "as it is corrected"],
)
def test_a_mean_that_is_kept_as_it_is_corrected_is_blamed(
    edits: tuple[tuple[str, str], ...], lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, SCRIPT, *edits)
    assert [(e.line, e.accused.cause.kind) for e in report.blames] == [
        (line, "kept corrected") for line in lines
    ], str(report)


IDLE = """import numpy as np
rng = np.random.default_rng(11)
X = rng.normal(size=(30, 4))
y = X @ rng.normal(size=(4, 2)) + 0.3
pars = dict(W=rng.normal(size=(4, 2)), c=np.zeros(2))
kept = {k: np.zeros_like(p) for k, p in pars.items()}
for epoch in range(12):
    r = X @ pars["W"] + pars["c"] - y
    loss = 0.5 * np.sum(r ** 2) / 30
    grads = dict(W=X.T @ r / 30, c=r.mean(axis=0))
    for k in pars:
        kept[k] = 0.8 * kept[k] + grads[k]
        pars[k] = pars[k] - 0.05 * kept[k]
"""


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ((), 0),
        ((("0.05 * kept[k]", "0.05 * grads[k]"),), 13),
        ((("0.05 * kept[k]", "0.05 * grads[k]"), ("0.8 * kept[k]", "kept[k]")), 0),
    ],
    ids=["momentum", "unread", "total"],
)
def test_a_velocity_that_moves_no_parameter_is_blamed(
    edits: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, IDLE, *edits)
    assert [each.line for each in report.blames] == [line] * bool(line), str(report)


BY_ROOT = "np.sqrt(kept[k] + 1e-6)"


@pytest.mark.parametrize(
    ("divisor", "more", "wrong"),
    [(BY_ROOT, "", 0), ("np.sqrt(1e-3)", "", 1), ("np.sqrt(1e-3)", "print(kept)\n", 0)],
    ids=["rmsprop", "unread", "printed"],
)
def test_squares_that_move_no_parameter_are_blamed_if_nothing_reads_them(
    divisor: str, more: str, wrong: int, tmp_path: Path
) -> None:
    squares = ("kept[k] + grads[k]", "kept[k] + 0.2 * grads[k] ** 2")
    moved = ("0.05 * kept[k]", f"0.01 * grads[k] / {divisor}")
    report = run_edited(tmp_path, IDLE + more, squares, moved)
    told = [(each.line, each.accused.cause.kind) for each in report.blames]
    assert told == [(13, "unread")] * wrong, str(report)
    assert "every update is right with" not in str(report)


def test_a_loss_that_is_called_by_its_form_decides_where_nothing_is_right(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TWO_RULES, ("0.5 * np.sign(r)) / len", "0.5 * r) / len"))
    line = TWO_RULES.splitlines().index("    d = np.where(small, r, 0.5 * np.sign(r)) / len(X)") + 1
    assert [each.lines[0].line for each in report.examined.accused] == [line], str(report)
    assert "quadratic" not in str(report)


TOTALS = """import math
import numpy as np
rng = np.random.default_rng(8)
X = rng.normal(size=(12, 3))
label = rng.integers(0, 2, 12)
w = rng.normal(size=3)
for epoch in range(6):
    total, hits = 0.0, 0
    for x, t in zip(X, label):
        p = 1 / (1 + np.exp(-x @ w))
        total -= math.log(p if t else 1 - p)
        hits += (p > 0.5) == (t > 0.5)
        sure = 1.0 if p > 0 else x @ w
        bound = np.exp(0 * (x @ w))
        w -= 0.1 * (p - t) * x
    print(epoch, total / 12, hits / 12)
"""


def test_the_total_of_a_loss_is_no_parameter_that_is_not_moved(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TOTALS)
    assert report.exit_code == 0, str(report)


TAGGER = """import numpy as np
WORDS, TAGS = 20, 3
D, H = 5, 8
def logsumexp(a, axis):
    m = a.max(axis=axis, keepdims=True)
    return (m + np.log(np.exp(a - m).sum(axis=axis, keepdims=True))).squeeze(axis)
def sentences(rng, n):
    corpus = []
    for _ in range(n):
        words, tags = [], []
        length = rng.integers(3, 5)
        while len(words) < length:
            if rng.random() < 0.35:
                words.append(rng.integers(14, 17))
                tags.append(1)
                for _ in range(rng.integers(0, 3)):
                    words.append(rng.integers(16, 20))
                    tags.append(2)
            else:
                words.append(rng.integers(0, 15))
                tags.append(0)
        corpus.append((np.array(words), np.array(tags)))
    return corpus
def init(rng):
    return {
        "E": rng.normal(0, 0.5, (WORDS + 1, D)),
        "W": rng.normal(0, 0.4, (3 * D, H)),
        "b": np.zeros(H),
        "U": rng.normal(0, 0.5, (H, TAGS)),
        "T": rng.normal(0, 0.3, (TAGS, TAGS)),
        "first": np.zeros(TAGS),
        "last": np.zeros(TAGS),
    }
def add(P, words, tags, G):
    n = len(words)
    edged = np.concatenate([[WORDS], words, [WORDS]])
    window = np.stack([edged[:-2], edged[1:-1], edged[2:]], axis=1)
    x = P["E"][window].reshape(n, 3 * D)
    h = np.tanh(x @ P["W"] + P["b"])
    s = h @ P["U"]
    alpha = np.zeros((n, TAGS))
    alpha[0] = P["first"] + s[0]
    for t in range(1, n):
        alpha[t] = s[t] + logsumexp(alpha[t - 1][:, None] + P["T"], axis=0)
    logZ = logsumexp(alpha[-1] + P["last"], axis=0)
    beta = np.zeros((n, TAGS))
    beta[-1] = P["last"]
    for t in range(n - 2, -1, -1):
        beta[t] = logsumexp(P["T"] + s[t + 1] + beta[t + 1], axis=1)
    score = P["first"][tags[0]] + s[np.arange(n), tags].sum() + P["last"][tags[-1]]
    score += P["T"][tags[:-1], tags[1:]].sum()
    ds = np.exp(alpha + beta - logZ)
    ds[np.arange(n), tags] -= 1.0
    G["first"] += ds[0]
    G["last"] += ds[-1]
    for t in range(1, n):
        pair = alpha[t - 1][:, None] + P["T"] + s[t] + beta[t]
        G["T"] += np.exp(pair - logZ)
        G["T"][tags[t - 1], tags[t]] -= 1.0
    G["U"] += h.T @ ds
    dpre = (ds @ P["U"].T) * (1.0 - h ** 2)
    G["W"] += x.T @ dpre
    G["b"] += dpre.sum(axis=0)
    dx = (dpre @ P["W"].T).reshape(n, 3, D)
    np.add.at(G["E"], window, dx)
    return logZ - score
def train(epochs=6, size=4, eta=0.1, lam=0.02):
    rng = np.random.default_rng(3)
    corpus = sentences(rng, 12)
    P = init(rng)
    kept = {k: np.zeros_like(v) for k, v in P.items()}
    for ep in range(epochs):
        order = rng.permutation(len(corpus))
        total = 0.0
        for d in range(0, len(corpus), size):
            idx = order[d:d + size]
            G = {k: np.zeros_like(v) for k, v in P.items()}
            for i in idx:
                total += add(P, *corpus[i], G)
            for k in P:
                g = G[k] / len(idx) + lam * P[k]
                kept[k] += g * g
                P[k] -= eta * g / (np.sqrt(kept[k]) + 1e-6)
        if ep % 5 == 0:
            print("epoch", ep, "mean cost", round(total / len(corpus), 4))
    return P
train()
"""


@pytest.mark.seldom
def test_the_last_total_of_an_update_is_its_loss_beside_a_decay(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TAGGER)
    assert report.exit_code == 0, str(report)
    assert "weight decay 0.02 beside it" in str(report)


QHM = """import numpy as np
rng = np.random.default_rng(4)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
W, U, c = rng.normal(size=(3, 4)), rng.normal(size=(4, 1)), np.zeros((1, 1))
mW, mU, mc = np.zeros_like(W), np.zeros_like(U), np.zeros_like(c)
beta, nu = 0.8, 0.6
for k in range(9):
    rate = 0.1
    h = np.tanh(X @ W)
    e = (h @ U + c - Y) / len(X)
    loss = 0.5 * np.sum((h @ U + c - Y) ** 2) / len(X)
    dU, dc = h.T @ e, e.sum(axis=0, keepdims=True)
    dW = X.T @ (e @ U.T * (1 - h ** 2))
    mW = beta * mW + (1 - beta) * dW
    mU = beta * mU + (1 - beta) * dU
    mc = beta * mc + (1 - beta) * dc
    sW = nu * mW + (1 - nu) * dW
    sU = nu * mU + (1 - nu) * dU
    sc = nu * mc + (1 - nu) * dc
    W -= rate * sW
    U -= rate * sU
    c -= rate * sc
"""


def test_steps_of_a_mean_and_of_the_gradient_are_quasi_hyperbolic_momentum(tmp_path: Path) -> None:
    report = run_edited(tmp_path, QHM)
    assert report.exit_code == 0, str(report)
    assert "quasi-hyperbolic momentum: η = 0.1, μ = 0.8, ν = 0.6" in str(report)
    smaller = run_edited(tmp_path, QHM, ("rate = 0.1", "rate = 0.1 / (1 + k)"))
    assert smaller.exit_code == 0, str(smaller)
    tiny = run_edited(tmp_path, QHM, ("rate = 0.1", "rate = 1e-6"))  # v is 1 - β^t times g, almost
    assert tiny.exit_code == 0, str(tiny)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("nu * mU + (1 - nu) * dU", "(1 - nu) * mU + nu * dU", 18),
        ("nu * mU + (1 - nu) * dU", "nu * mU + dU", 18),
        ("nu * mc + (1 - nu) * dc", "(1 - nu) * mc + nu * dc", 19),
        ("U -= rate * sU", "U -= rate * mU", 21),
        ("U -= rate * sU", "U -= 0.5 * rate * sU", 21),
        ("beta * mU + (1 - beta) * dU", "beta * mU + (1 - nu) * dU", 15),
    ],
    ids=["exchanged", "all", "number", "mean", "rate", "share"],
)
def test_a_step_that_is_mixed_otherwise_than_the_others_is_wrong(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    wrong = run_edited(tmp_path, QHM, (old, new))
    assert [blame.line for blame in wrong.blames] == [line], str(wrong)


ACCUMULATOR = """import numpy as np

class Descent:
    def __init__(self, params):
        self.params = params
        self.velocity = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.velocity[i] = 0.9 * self.velocity[i] + g
            p[...] = p - 0.05 * self.velocity[i]

rng = np.random.default_rng(5)
X, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
W, b = rng.normal(size=(3, 2)), np.zeros(2)
optimiser = Descent([W, b])
for epoch in range(20):
    error = X @ W + b - y
    loss = 0.5 * np.sum(error ** 2) / 30
    optimiser.step([X.T @ error / 30, error.sum(axis=0) / 30])
"""


@pytest.mark.parametrize(
    ("edits", "line"),
    [
        ((("0.9 * self.velocity[i] + g", "0.9 * g + g"),), 10),
        ((("self.velocity[i] = 0.9 * self.velocity[i] + g", "self.velocity[i] = 1.9 * g"),), 0),
        ((("- 0.05 * self.velocity[i]", "- 0.05 * (0.9 * self.velocity[i] + g)"),), 0),
    ],
    ids=["forgets", "scaled", "nesterov"],
)
def test_a_velocity_that_has_the_gradient_in_the_place_of_itself_is_blamed(
    edits: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, ACCUMULATOR, *edits)
    assert report.exit_code == bool(line), str(report)
    assert not line or report.blames[0].line == line


@pytest.mark.parametrize(
    ("factor", "beside", "code"),
    [("self.mu", "", 1), ("self.mu", " - self.rate * g", 0), ("self.gain", "", 0)],
    ids=["wrong", "nesterov", "rate"],
)
def test_a_velocity_that_its_own_factor_multiplies_again_is_blamed(
    factor: str, beside: str, code: int, tmp_path: Path
) -> None:
    numbers = "class Descent:\n", "class Descent:\n    mu, rate, gain = 0.9, 0.05, 0.9\n\n"
    kept = "0.9 * self.velocity[i] + g", "self.mu * self.velocity[i] - self.rate * g"
    step = "p - 0.05 * self.velocity[i]", f"p + {factor} * self.velocity[i]{beside}"
    report = run_edited(tmp_path, ACCUMULATOR, numbers, kept, step)
    assert report.exit_code == code, str(report)
    assert [each.line for each in report.blames] == [13] * code


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("1.9 * self.velocity[i] - 0.9 * v", 0),
        ("1.9 * self.velocity[i] + 0.9 * v", 1),
        ("1.9 * self.velocity[i] - v", 1),
        ("0.9 * self.velocity[i] - g", 1),
        ("0.9 * self.velocity[i] + 3.0 * g", 3),
    ],
    ids=["right", "sign", "without", "gradient", "gain"],
)
def test_a_step_of_what_is_kept_before_and_after_is_that_of_nesterov(
    step: str, code: int, tmp_path: Path
) -> None:
    kept = "self.velocity[i] = 0.9 * self.velocity[i] + g"
    edits = (kept, "v, self.velocity[i] = self.velocity[i], 0.9 * self.velocity[i] + g")
    report = run_edited(tmp_path, ACCUMULATOR, edits, ("* self.velocity[i]\n", f"* ({step})\n"))
    assert report.exit_code == code, str(report)
    assert [e.line for e in report.blames] == [11] * (code == 1)


@pytest.mark.parametrize("key", ["...", ":"])
def test_a_parameter_is_moved_in_its_place_by_what_is_kept(key: str, tmp_path: Path) -> None:
    squares = "0.9 * self.velocity[i] + g", "0.9 * self.velocity[i] + (1 - 0.9) * g ** 2"
    step = "p[...] = p - 0.05 * self.velocity[i]"
    places = step, f"p[{key}] -= 0.05 * g / np.sqrt(self.velocity[i] + 1e-8)"
    report = run_edited(tmp_path, ACCUMULATOR, squares, places)
    assert (report.exit_code, report.ran.rule.kind) == (0, "rmsprop"), str(report)
    report = run_edited(tmp_path, ACCUMULATOR, (step, f"p[{key}] += 0.05 * self.velocity[i]"))
    assert [e.line for e in report.blames] == [11], str(report)


SQUARES = (
    ("self.velocity[i] = 0.9 * self.velocity[i] + g", "m = self.velocity[i]\n            KEPT"),
    ("0.05 * self.velocity[i]", "0.05 * g / np.sqrt(m + 1e-8)"),
)


@pytest.mark.parametrize(
    ("kept", "code"),
    [
        ("self.velocity[i] = m = 0.9 * m + (1 - 0.9) * g ** 2", 0),
        ("self.velocity[i] = m = m + g * g", 0),
        ("self.velocity[i] = m = m + 0.1 * g * g", 0),
        ("self.velocity[i] = m = 0.9 + (1 - 0.9) * g * g", 1),
        ("m = m + g * g", 1),
        ("self.velocity[i] = m = m + (1 - 0.9) * g ** 2", 1),
        ("self.velocity[i] = m = (1 - 0.9) * m + 0.9 * g ** 2", 1),
        ("self.velocity[i] = m = (1 - 0.1) * m + 0.1 * g ** 2", 0),
        ("self.velocity[i] = m = 0.3 * m + (1 - 0.3) * g ** 2", 0),
        ("m = g * g", 3),
    ],
    ids=["rmsprop", "adagrad", "scaled", "number", "local", "sum", "rest", "new", "short", "size"],
)
def test_squares_are_kept_where_they_were_read(kept: str, code: int, tmp_path: Path) -> None:
    (old, new), step = SQUARES
    report = run_edited(tmp_path, ACCUMULATOR, (old, new.replace("KEPT", kept)), step)
    assert report.exit_code == code, str(report)
    assert [e.line for e in report.blames] == [11] * (code == 1)


MIXED = """import numpy as np
rng = np.random.default_rng(9)
X, y = rng.normal(size=(40, 4)), rng.normal(size=40)
w, s = rng.normal(size=4), np.zeros(4)
NAME = 0.02
for step in range(12):
    r = X @ w - y
    loss = np.mean(r ** 2)
    g = 2 * X.T @ r / 40
    s = 0.95 * s + 0.05 * g ** 2
    w = w - 0.01 * g / (np.sqrt(s) + 1e-7) - 0.01 * NAME * OF
"""


@pytest.mark.parametrize(
    ("name", "of", "code"), [("weight_decay", "w", 0), ("weight_decay", "g", 1), ("share", "g", 3)]
)
def test_a_gradient_that_is_multiplied_by_a_decay_is_blamed(
    name: str, of: str, code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, MIXED.replace("NAME", name), ("OF", of))
    assert report.exit_code == code, str(report)


BIASES_APART = """import numpy as np
rng = np.random.default_rng(3)
X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
p = {"w": rng.normal(size=4), "b": np.ones(1), "v": rng.normal(size=4)}
m, s = ({k: np.zeros_like(each) for k, each in p.items()} for _ in range(2))
wd = 0.05
for t in range(1, 9):
    h = np.tanh(X * p["v"])
    d = 2 * (h @ p["w"] + p["b"] - y) / 30
    loss = 7.5 * np.sum(d ** 2)
    g = {"w": h.T @ d, "b": d.sum(keepdims=True)}
    g["v"] = np.sum(X * np.outer(d, p["w"]) * (1 - h ** 2), axis=0)
    for k in p:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        s[k] = 0.99 * s[k] + 0.01 * g[k] ** 2
        up = m[k] / (1 - 0.9 ** t) / (np.sqrt(s[k] / (1 - 0.99 ** t)) + 1e-8)
        if k != "b":
            up = up + wd * p[k]
        p[k] = p[k] - 0.01 * up
"""


@pytest.mark.parametrize("of", ["p[k]", "g[k]"], ids=["right", "wrong"])
def test_a_decay_of_the_gradient_is_blamed_where_biases_have_none(of: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, BIASES_APART, ("wd * p[k]", f"wd * {of}"))
    assert [each.line for each in report.blames][:1] == ([18] if of == "g[k]" else [])
    assert report.exit_code == (of == "g[k]"), str(report)


THROWN_FAR = """import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
w, mean, size = rng.normal(size=3), np.zeros(3), np.zeros(3)
for t in range(1, 9):
    d = (np.sin(X @ w) - y) / 30
    loss = 15 * np.sum(d ** 2)
    g = X.T @ (d * np.cos(X @ w))
    mean = 0.9 * mean + 0.1 * g
    size = np.maximum(0.99 * size, g)
    w = w - 0.02 / (1 - 0.9 ** t) * mean / (size + 1e-16)
"""


def test_digits_that_are_lost_where_a_wrong_update_has_led_are_no_mistake(tmp_path: Path) -> None:
    (blame,) = run_edited(tmp_path, THROWN_FAR).blames
    assert (blame.line, blame.accused.cause.kind) == (10, "size")


CLEARED = """import numpy as np

class Linear:
    def __init__(self, rng):
        self.W, self.b = rng.normal(size=(3, 2)), np.zeros(2)
        self.dW, self.db = np.zeros((3, 2)), np.zeros(2)

    def parts(self):
        return [(self.W, self.dW), (self.b, self.db)]

    def clear(self):
        for part in self.slopes():
            part[...] = 0.0

    def slopes(self):
        return [self.dW, self.db]

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, d):
        self.dW += self.x.T @ d
        self.db += d.sum(axis=0)

rng = np.random.default_rng(2)
X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
net = Linear(rng)
for epoch in range(9):
    d = (net.forward(X) - Y) / 30
    net.clear()
    net.backward(d)
    for p, g in net.parts():
        p -= 0.1 * g
"""


def test_where_gradients_are_not_cleared_the_step_is_blamed_that_has_to(tmp_path: Path) -> None:
    assert run_edited(tmp_path, CLEARED).exit_code == 0
    (blame,) = run_edited(tmp_path, CLEARED, ("    net.clear()\n", "")).blames
    assert (blame.line, blame.accused.cause.kind) == (31, "accumulates")


EXTRAPOLATED = """import numpy as np
r = np.random.default_rng(0)
X = r.normal(size=(40, 3))
y = (X @ [1.0, -1.0, 0.5] + 0.4 > 0).astype(float)
w, b = np.zeros(3), 0.0
w_old, b_old = w, b
for k in range(30):
    m = k / (k + 3.0)
    wx, bx = w + m * (w - w_old), b + m * (b - b_old)
    p = 1 / (1 + np.exp(-(X @ wx + bx)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    d = (p - y) / len(y)
    w_old, b_old = w, b
    w = wx - 0.5 * X.T @ d
    b = bx - 0.5 * d.sum()
    print(k, loss)
"""


@pytest.mark.parametrize("m", ["k / (k + 3.0)", "0.9"])
def test_a_step_that_goes_on_from_earlier_values_is_no_growth(m: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, EXTRAPOLATED, ("k / (k + 3.0)", m))
    assert report.exit_code == 0, str(report)


TWO_RATES = """import numpy as np
r = np.random.default_rng(5)
X = r.normal(size=(30, 4))
y = np.sin(X[:, :1])
trunk = {"w": r.normal(size=(4, 6)), "b": np.zeros(6)}
head = {"w": r.normal(size=(6, 1)), "b": np.zeros(1)}
kept = [{k: (0 * p, 0 * p) for k, p in part.items()} for part in (trunk, head)]
def move(part, grads, seen, t, step):
    for k in part:
        m, v = seen[k]
        m, v = 0.9 * m + 0.1 * grads[k], 0.99 * v + 0.01 * grads[k] ** 2
        seen[k] = m, v
        part[k] = part[k] - step * (m / (1 - 0.9 ** t)) / (np.sqrt(v / (1 - 0.99 ** t)) + 1e-8)
for t in range(1, 20):
    h = np.tanh(X @ trunk["w"] + trunk["b"])
    e = h @ head["w"] + head["b"] - y
    print(np.mean(e ** 2))
    d = 2 * e / len(X)
    back = d @ head["w"].T * (1 - h ** 2)
    move(trunk, {"w": X.T @ back, "b": back.sum(0)}, kept[0], t, 0.01)
    move(head, {"w": h.T @ d, "b": d.sum(0)}, kept[1], t, 0.03)
"""


def test_what_a_function_is_handed_as_its_rate_is_that_of_its_call(tmp_path: Path) -> None:
    assert run_edited(tmp_path, TWO_RATES).exit_code == 0
    report = run_edited(tmp_path, TWO_RATES, ("step * (m", "(3 if k == 'b' else 1) * step * (m"))
    assert report.exit_code == 1, str(report)


SEPARATED = """import numpy as np

rng = np.random.default_rng(6)
X = rng.normal(size=(30, 3))
y = np.sign(X @ np.array([1.0, -2.0, 0.5]))
w = np.zeros(3)
m, v, top = np.zeros(3), np.zeros(3), np.zeros(3)
for epoch in range(4):
    margins = y * (X @ w)
    loss = np.mean(np.maximum(0.0, 1.0 - margins))
    g = -X.T @ (y * (margins < 1)) / len(X)
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    top = np.maximum(top, v)
    w -= 0.05 * m / (np.sqrt(top) + 1e-8)
    print(epoch, loss)
"""


def test_gradients_that_become_0_leave_what_is_kept_of_the_first(tmp_path: Path) -> None:
    assert "by AMSGrad" in str(run_edited(tmp_path, SEPARATED))
    report = run_edited(tmp_path, SEPARATED, ("np.maximum(top", "np.minimum(top"))
    assert report.exit_code == 1, str(report)
    assert "top = np.minimum(top, v)" in str(report)


OF_ROWS = """import numpy as np
rng = np.random.default_rng(2)
X = rng.normal(size=(40, 5))
Y = X @ rng.normal(size=(5, 3)) + 0.1 * rng.normal(size=(40, 3))
W, cache = 0.1 * rng.normal(size=(5, 3)), np.zeros((5, 1))
for it in range(30):
    R = X @ W - Y
    cost = 0.5 * np.sum(R ** 2) / len(X)
    dW = X.T @ R / len(X)
    cache = 0.9 * cache + 0.1 * np.mean(dW ** 2, axis=1, keepdims=True)
    W -= 0.05 * dW / np.sqrt(cache + 1e-8)
"""


@pytest.mark.parametrize("axis", [0, 1])
def test_a_size_that_is_kept_for_each_row_or_column_is_no_parameter(
    axis: int, tmp_path: Path
) -> None:
    shape = ("(5, 1)", "(1, 3)" if axis == 0 else "(5, 1)"), ("axis=1", f"axis={axis}")
    report = run_edited(tmp_path, OF_ROWS, *shape)
    assert "1 gradient, all right" in str(report)
    assert not report.blames
