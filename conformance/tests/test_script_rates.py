"""Scripts that move some parameters at other rates than the rest."""

from pathlib import Path

import pytest

from conformance.errors import UnjudgedError
from conformance.report.script_report import ScriptReport
from conformance.tests.scripts import run_edited

SCRIPT = """import numpy as np
rng = np.random.default_rng(3)
X, T = rng.normal(size=(9, 4)), rng.uniform(0.1, 0.9, (9, 2))
w0, w1 = rng.normal(size=(4, 5)), rng.normal(size=(5, 2))
rates, lr, n = [0.1, 0.2], 0.1, len(X)
for epoch in range(9):
    h = 1 / (1 + np.exp(-X @ w0))
    y = 1 / (1 + np.exp(-h @ w1))
    d1 = (y - T) * y * (1 - y)
    d0 = d1 @ w1.T * h * (1 - h)
    w1 -= rates[1] * h.T @ d1
    w0 -= rates[0] * X.T @ d0
"""
BOTH = """    w1 -= rates[1] * h.T @ d1
    w0 -= rates[0] * X.T @ d0
"""


def run(folder: Path, *edits: tuple[str, str]) -> ScriptReport:
    return run_edited(folder, SCRIPT, *edits)


@pytest.mark.parametrize(
    "stated",
    [
        BOTH,
        BOTH.replace("rates[1]", "0.2").replace("rates[0]", "0.1"),
        BOTH.replace("rates[1]", "{'w': 0.2}['w']"),
        """    for w, g, rate in zip([w0, w1], [X.T @ d0, h.T @ d1], rates):
        w -= rate * g
""",
        """    g = [X.T @ d0, h.T @ d1]
    for i, w in enumerate([w0, w1]):
        w -= rates[i] * g[i]
""",
    ],
    ids=["list", "literals", "dict", "zip", "index"],
)
def test_each_parameter_may_have_a_rate_that_is_stated(stated: str, tmp_path: Path) -> None:
    report = run(tmp_path, (BOTH, stated))
    assert report.exit_code == 0, str(report)
    assert "η = 0.2" in str(report), str(report)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.2 * k", "0.1 * k"),
        ("0.2 * s", "0.1"),
        ("0.1 * lr * k", "lr * k"),
        ("twice * lr * k", "lr * k"),
        ("lr * s", "rates[1] * s"),
        ("k * lr", "k * rates[1]"),
        ("c * rates[1]", "c * rates[0]"),
    ],
)
def test_rates_of_their_own_may_stand_beside_other_numbers(
    one: str, other: str, tmp_path: Path
) -> None:
    begin = "    k, s = 0.9**epoch, min(1.0, 50 / np.sqrt((d0**2).sum()))\n"
    begin += "    twice = 2.0\n"
    begin += "    c = 0.5 * (1 + np.cos(np.pi * epoch / 90))\n"
    stated = begin + BOTH.replace("rates[1]", one).replace("rates[0]", other)
    report = run(tmp_path, (BOTH, stated))
    assert report.exit_code == 0, str(report)
    assert "a rate of its own" in str(report), str(report)


@pytest.mark.parametrize(("one", "other"), [("lr * lr * k", "lr * k"), ("lr * k / n", "lr")])
def test_a_number_beside_the_rate_is_none_of_its_own(one: str, other: str, tmp_path: Path) -> None:
    stated = "    k = 1 / (1 + epoch)\n" + BOTH.replace("rates[1]", one).replace("rates[0]", other)
    report = run(tmp_path, (BOTH, stated))
    assert [each.accused.cause.kind for each in report.blames] == ["step"], str(report)


MOMENTUM = """    v1 = 0.8 * v1 - 0.2 * h.T @ d1
    v0 = 0.8 * v0 - 0.1 * (X.T @ d0)
    w1 += v1
    w0 += v0
"""


def test_what_momentum_adds_to_may_have_a_rate_of_its_own(tmp_path: Path) -> None:
    first = "rates, lr, n = [0.1, 0.2], 0.1, len(X)\n"
    begin = first + "v0, v1 = 0 * w0, 0 * w1\n"
    report = run(tmp_path, (first, begin), (BOTH, MOMENTUM))
    assert report.exit_code == 0, str(report)
    assert "a rate of its own" in str(report), str(report)


def test_a_factor_beside_the_rate_is_no_rate(tmp_path: Path) -> None:
    report = run(tmp_path, ("rates[1]", "lr / n"), ("rates[0]", "lr"))
    assert [each.accused.cause.kind for each in report.blames] == ["step"], str(report)


@pytest.mark.parametrize(("divisor", "code"), [("n", 1), ("4", 0)])
def test_a_rate_is_that_which_it_divides_unless_by_a_number_that_is_stated(
    divisor: str, code: int, tmp_path: Path
) -> None:
    step = f"rate = lr / {divisor}\n    w1 -= rate * h.T @ d1"
    report = run(tmp_path, ("w1 -= rates[1] * h.T @ d1", step), ("rates[0]", "lr"))
    assert report.exit_code == code, str(report)
    assert ("a rate of its own" in str(report)) is not bool(code)


def test_a_wrong_gradient_beside_stated_rates_is_the_only_one(tmp_path: Path) -> None:
    report = run(tmp_path, ("d1 @ w1.T * h * (1 - h)", "d1 @ w1.T * h"))
    (blame,) = report.blames
    assert blame.accused.gradients == ("w0",)
    assert (blame.accused.lines[0].line, blame.accused.cause.kind) == (10, "slope")


COLUMNS = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(3, 8))
Y = X.sum(0, keepdims=True)
W, v = rng.normal(size=(4, 3)), rng.normal(size=(1, 4))
m = np.zeros_like(v)
for epoch in range(9):
    h = np.tanh(W @ X)
    e = v @ h - Y
    d = v.T @ e * (1 - h ** 2)
    W -= 0.05 * d @ X.T
    m = 0.9 * m + e @ h.T
    v -= 0.05 * m
"""


def test_a_rate_is_no_part_of_a_gradient_whose_other_factor_is_computed_after_it(
    tmp_path: Path,
) -> None:
    report = run_edited(tmp_path, COLUMNS)
    assert report.exit_code == 0, str(report)
    (blame,) = run_edited(tmp_path, COLUMNS, ("1 - h ** 2", "1 - h")).blames
    assert (blame.accused.lines[0].line, blame.accused.gradients) == (10, ("W",))


ENTRIES = """import math
import random
random.seed(1)
w = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(4)]
v = [random.uniform(-1, 1) for _ in range(4)]
last = [0.0] * 4
data = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(10)]
for epoch in range(3):
    for x in data:
        h = [math.tanh(sum(a * b for a, b in zip(row, x))) for row in w]
        e = sum(a * b for a, b in zip(v, h)) - sum(x)
        for i in range(4):
            d = e * v[i] * (1 - h[i] ** 2)
            for j in range(3):
                w[i][j] -= 0.05 * d * x[j]
            last[i] = 0.9 * last[i] + e * h[i]
            v[i] -= 0.05 * last[i]
"""


def test_a_rate_is_no_part_of_a_gradient_in_plain_lists(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ENTRIES)
    assert report.exit_code == 0, str(report)
    (blame,) = run_edited(tmp_path, ENTRIES, ("1 - h[i] ** 2", "1 - h[i]")).blames
    assert (blame.accused.lines[0].line, blame.accused.gradients) == (13, ("w",))


ONE_BY_ONE = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3))
W, v = rng.normal(size=(4, 3)), rng.normal(size=4)
m, s = np.zeros_like(v), np.zeros_like(v)
for epoch in range(9):
    for x in X:
        h = np.tanh(W @ x)
        e = v @ h - x.sum()
        d = v * e * (1 - h ** 2)
        for j in range(4):
            for k in range(3):
                W[j][k] -= 0.05 * d[j] * x[k]
        g = e * h
        m = 0.9 * m + g
        v -= 0.05 * m
"""


def test_what_moves_a_parameter_by_momentum_is_no_gradient_beside_entries(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ONE_BY_ONE)
    assert report.exit_code == 0, str(report)
    (blame,) = run_edited(tmp_path, ONE_BY_ONE, ("1 - h ** 2", "1 - h")).blames
    assert (blame.accused.lines[0].line, blame.accused.gradients) == (10, ("W",))


def test_what_moves_a_parameter_by_adam_is_not_held_to_entries(tmp_path: Path) -> None:
    adam = "s = 0.99 * s + 0.01 * g * g\n        v -= 0.05 * m / (np.sqrt(s) + 1e-8)"
    with pytest.raises(UnjudgedError, match="no single array"):
        run_edited(tmp_path, ONE_BY_ONE, ("v -= 0.05 * m", adam))


GROUPS = """
import numpy as np
rng = np.random.default_rng(4)
X, T = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
net = {"w": rng.normal(size=(3, 4)), "c": np.zeros(4), "v": rng.normal(size=(4, 2))}
groups = [{"of": ["w", "c"], "eta": 0.004}, {"of": ["v"], "eta": 0.001}]
m, s = ({k: np.zeros_like(e) for k, e in net.items()} for _ in "ms")
for t in range(1, 50):
    h = np.tanh(X @ net["w"] + net["c"])
    d = (h @ net["v"] - T) / 40
    dz = d @ net["v"].T * (1 - h * h)
    g = {"v": h.T @ d, "w": X.T @ dz, "c": dz.sum(0)}
    for group in groups:
        for k in group["of"]:
            m[k] += 0.1 * (g[k] - m[k])
            s[k] += 0.01 * (g[k] ** 2 - s[k])
            step = (m[k] / (1 - 0.9**t)) / (np.sqrt(s[k] / (1 - 0.99**t)) + 1e-8)
            net[k] -= group["eta"] * step
"""


@pytest.mark.parametrize(
    ("rate", "told"), [('group["eta"]', []), ("0.004 * (0.25 if k == 'v' else 1)", ["step"])]
)
def test_a_group_of_parameters_may_have_its_own_rate_in_adam(
    rate: str, told: list[str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, GROUPS, ('group["eta"] * step', f"{rate} * step"))
    assert [each.accused.cause.kind for each in report.blames] == told, str(report)


@pytest.mark.parametrize(
    ("stated", "there"),
    [
        (BOTH.replace("rates[1]", "lr").replace("rates[0]", "lr * lr"), "lr * lr"),
        (
            """    v1 = keep * v1 - lr * h.T @ d1
    v0 = keep * v0 - (1 - keep) * lr * X.T @ d0
    w1 += v1
    w0 += v0
""",
            "(1 - keep)",
        ),
        (
            """    v1 = 0.8 * v1 - h.T @ d1
    v0 = 0.8 * v0 - lr * (X.T @ d0)
    w1 += v1
    w0 += v0
""",
            "v1 - h.T",
        ),
        (
            """    by = lr / n
    w1 -= by * h.T @ d1
    w0 -= by * (X.T @ d0) / n
""",
            "/ n",
        ),
    ],
    ids=["the rate twice", "a share of a step", "the rest of what is kept", "the length twice"],
)
def test_of_two_steps_the_one_to_blame_has_a_number_too_much_or_too_few(
    stated: str, there: str, tmp_path: Path
) -> None:
    begin = "rates, lr, n = [0.1, 0.2], 0.2, len(X)\nkeep, v0, v1 = 0.7, 0 * w0, 0 * w1\n"
    first = "rates, lr, n = [0.1, 0.2], 0.1, len(X)\n"
    report = run(tmp_path, (BOTH, stated), (first, begin))
    (blame,) = report.blames
    (line,) = blame.accused.lines
    text = Path(line.file).read_text().splitlines()[line.line - 1]
    assert there in text, str(report)


BATCHES = """
import numpy as np
rng = np.random.default_rng(4)
X, T = rng.normal(size=(36, 3)), rng.normal(size=(36, 2))
w, c = rng.normal(size=(3, 2)), np.zeros(2)
def update(x, t, size):
    global w, c
    m = len(x)
    d = x @ w + c - t
    w = w - (0.5 / m) * x.T @ d
    c = c - (0.5 / m) * d.sum(axis=0)
for k in range(0, 36, 9):
    update(X[k:k + 9], T[k:k + 9], len(X))
"""


@pytest.mark.parametrize("line", ["w = w - (0.5 / m)", "c = c - (0.5 / m)"])
def test_of_two_steps_the_one_by_the_length_of_the_batch_is_right(
    line: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, BATCHES, (line, line.replace("/ m", "/ size")))
    (blame,) = report.blames
    assert BATCHES.splitlines()[(blame.line or 0) - 1].strip().startswith(line), str(report)


TWICE = """
import numpy as np
rng = np.random.default_rng(4)
X, T = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
w, c = rng.normal(size=(3, 2)), np.zeros(2)
vw, vc, eta, mu = np.zeros((3, 2)), np.zeros(2), 0.2, 0.8
for t in range(50):
    d = (X @ w + c - T) / 40
    vw = mu * vw + X.T @ d
    vc = mu * vc + d.sum(axis=0)
    w -= eta * vw
    c -= eta * vc
"""


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ([], []),
        ([("+ X.T @ d", "+ eta * X.T @ d"), ("+ d.sum", "+ eta * d.sum")], [11, 12]),
        ([("w -= eta * vw", "w -= eta * (X.T @ d + mu * vw)"),
          ("c -= eta * vc", "c -= eta * (d.sum(axis=0) + mu * vc)")], []),
    ],
    ids=["once", "twice", "nesterov"],
)  # fmt: skip
def test_a_rate_that_multiplies_all_gradients_twice_is_told(
    edits: list[tuple[str, str]], lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, TWICE, *edits)
    assert sorted(each.line or 0 for each in report.blames) == lines, str(report)
    assert [e.accused.cause.names[0] for e in report.blames] == ["eta" for _ in lines]


GIVEN = """
import numpy as np
rng = np.random.default_rng(4)
X, T = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
w, c = rng.normal(size=(3, 2)), np.zeros(2)
vw, vc = np.zeros((3, 2)), np.zeros(2)
def moved(p, g, v, pace=0.05, keep=0.8):
    v = keep * v - pace * g
    return p + v, v
for t in range(9):
    d = (X @ w + c - T) / 40
    w, vw = moved(w, X.T @ d, vw)
    c, vc = moved(c, d.sum(axis=0), vc)
"""
SHARE = ("pace * g", "(1 - keep) * g")


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ([], []),
        ([SHARE], [8]),
        ([("pace * g", "g"), ("pace=", "eta=")], [8]),
        ([SHARE, (", pace=0.05", "")], []),
        ([SHARE, ("p + v", "p + pace * v")], []),
        ([SHARE, ("p + v", "p + 0.5 * v")], []),
        ([("pace * g", "0.2 * g")], []),
        ([SHARE, ("pace=0.05", "t=1")], []),
        ([SHARE, ("pace=0.05", "decay=0.05")], []),
    ],
)
def test_a_function_that_moves_by_a_share_of_a_mean_has_to_use_the_rate_that_it_is_given(
    edits: list[tuple[str, str]], lines: list[int], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, GIVEN, *edits)
    assert [each.line for each in report.blames] == lines, str(report)
    assert [e.accused.cause.kind for e in report.blames] == ["unused rate" for _ in lines]


TRUST = """import numpy as np
rng = np.random.default_rng(4)
X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
par = [rng.normal(size=3), np.array([0.1])]
for step in range(6):
    w, c = par
    e = X @ w + c - y
    loss = (e ** 2).mean() / 2
    grads = [X.T @ e / 30, e.mean(keepdims=True)]
    for i, (p, g) in enumerate(zip(par, grads)):
        trust = np.linalg.norm(p) / (np.linalg.norm(g) + 1e-9)
        par[i] = p - 0.02 * min(trust, 10.0) * g
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("", "", 0), ("X.T @ e / 30", "X.T @ e ** 2 / 30", 9)],
    ids=["right", "wrong"],
)
def test_a_rate_may_be_computed_of_the_norms_of_each_parameter(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, TRUST, *([(old, new)] if old else []))
    assert [e.lines[0].line for e in report.examined.accused] == [line] * bool(line), str(report)


DEPTHS = """import numpy as np
rng = np.random.default_rng(5)
X, y = rng.normal(size=(3, 20)), rng.normal(size=20)
W, v = rng.normal(size=(2, 3, 3)) * 0.5, rng.normal(size=3)
rates = 0.3 * 0.8 ** np.arange(2)
for step in range(6):
    H = [X]
    for l in range(2):
        H.append(np.tanh(W[l] @ H[-1]))
    e = v @ H[-1] - y
    loss = (e ** 2).mean() / 2
    d, gW = np.outer(v, e / 20), np.empty_like(W)
    gv = H[-1] @ e / 20
    for l in (1, 0):
        d = d * (1 - H[l + 1] ** 2)
        gW[l] = d @ H[l].T
        d = W[l].T @ d
    W -= rates[:, None, None] * gW
    v -= 0.3 * gv
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("", "", 0), ("H[l + 1] ** 2", "H[l + 1]", 15)],
    ids=["right", "slope"],
)
def test_each_layer_of_an_array_may_have_a_rate(
    old: str, new: str, line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, DEPTHS, *([(old, new)] if old else []))
    assert [e.lines[0].line for e in report.examined.accused] == [line] * bool(line), str(report)


WORDS = """import math
import numpy as np
np.random.seed(1)
corpus = np.random.randint(0, 7, 60).tolist()
U, C = (np.random.rand(7, 4) - 0.5) / 4, np.zeros((7, 4))
for pos in range(1, len(corpus)):
    last, word = corpus[pos - 1], corpus[pos]
    rate = 0.08 * (1 - pos / 100.0)
    step = np.zeros(4)
    loss = 0.0
    for target, label in [(word, 1), *((n, 0) for n in np.random.choice(7, 2) if n != word)]:
        s = 1.0 / (1.0 + math.exp(-np.dot(U[last], C[target])))
        g = (label - s) * rate
        loss -= math.log(s) if label else math.log(1 - s)
        step += g * C[target]
        C[target] += g * U[last]
    U[last] += step
"""


@pytest.mark.parametrize(("edit", "code"), [(("", ""), 0), (("- s) * rate", "- s) * s * rate"), 1)])
def test_a_rate_that_decays_may_be_within_the_error(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, WORDS, *([edit] if code else []))
    assert report.exit_code == code, str(report)


def test_a_norm_may_scale_a_gradient_together_with_a_decay(tmp_path: Path) -> None:
    scaled = """    loss = ((y - T) ** 2).sum() / 2
    for w, g in ((w1, h.T @ d1), (w0, X.T @ d0)):
        trust = 0.1 * np.linalg.norm(w) / (np.linalg.norm(g) + 0.01 * np.linalg.norm(w))
        w -= lr * trust * (g + 0.01 * w)
"""
    report = run(tmp_path, (BOTH, scaled))
    assert report.exit_code == 0, str(report)
    assert "with weight decay 0.01 beside it" in str(report)


COORDINATES = """import numpy as np
rng = np.random.default_rng(11)
A = rng.normal(size=(40, 5))
t = np.where(A @ [2, -1, 0, 1, 0] > 0, 1.0, -1.0)
beta, margin = np.zeros(5), np.zeros(40)
def cost():
    return np.log1p(np.exp(-t * margin)).sum() + 0.5 * beta @ beta
print(cost())
for turn in range(6):
    for k in range(5):
        p = 1 / (1 + np.exp(t * margin))
        g = beta[k] - (t * p) @ A[:, k]
        h = 1 + (p * (1 - p)) @ A[:, k] ** 2
        d = g / h
        beta[k] -= d
        margin -= d * A[:, k]
print(cost())
"""
ANEW = (
    ("        margin -= d * A[:, k]\n", "        margin = A @ beta\n"),
    (
        "beta, margin = np.zeros(5), np.zeros(40)",
        "beta = np.zeros(5)\nmargin = A @ beta",
    ),
)


@pytest.mark.parametrize(
    ("edits", "said"),
    [((), "margin is kept in step with beta"), (ANEW, "each update moves one entry of beta")],
    ids=["kept", "anew"],
)
def test_coordinate_descent_is_declined(
    edits: tuple[tuple[str, str], ...], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UnjudgedError, match=said):
        run_edited(tmp_path, COORDINATES, *edits)


def test_one_entry_that_goes_up_the_loss_is_wrong(tmp_path: Path) -> None:
    assert run_edited(tmp_path, COORDINATES, *ANEW, ("beta[k] -= d", "beta[k] += d")).blames


OF_GROUPS = """import numpy as np
from collections import namedtuple
Group = namedtuple("Group", "names rate")
rng = np.random.default_rng(3)
X = rng.normal(size=(50, 4))
y = np.sin(X[:, 0])
P = {"W": rng.normal(size=(4, 6)) * 0.5, "b": np.zeros(6)}
P |= {"w": rng.normal(size=6) * 0.5, "c": np.zeros(1)}
groups = [Group(["W", "b"], 0.05), Group(["w", "c"], 0.02)]
kept = {name: np.zeros_like(each) for name, each in P.items()}
for turn in range(40):
    h = np.tanh(X @ P["W"] + P["b"])
    r = h @ P["w"] + P["c"] - y
    loss = 0.5 * np.mean(r ** 2)
    d = r / len(y)
    dz = np.outer(d, P["w"]) * (1 - h ** 2)
    G = {"W": X.T @ dz, "b": dz.sum(0), "w": h.T @ d, "c": d.sum(keepdims=True)}
    for group in groups:
        for name in group.names:
            kept[name] = 0.9 * kept[name] + G[name]
            P[name] = P[name] - group.rate * kept[name]
"""
ADAPTIVE = """kept[name] = 0.9 * kept[name] + 0.1 * G[name] ** 2
            P[name] = P[name] - group.rate * G[name] / (np.sqrt(kept[name]) + 1e-8)"""
BY_MOMENTUM = """kept[name] = 0.9 * kept[name] + G[name]
            P[name] = P[name] - group.rate * kept[name]"""


@pytest.mark.parametrize("step", [BY_MOMENTUM, ADAPTIVE], ids=["momentum", "RMSProp"])
def test_a_single_number_of_a_group_has_the_rate_of_the_group(step: str, tmp_path: Path) -> None:
    run = run_edited(tmp_path, OF_GROUPS, (BY_MOMENTUM, step))
    assert (run.exit_code, run.blames) == (0, ())
