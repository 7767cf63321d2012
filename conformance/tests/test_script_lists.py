"""Scripts that compute with lists and numbers of Python: their lists are judged as arrays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.errors import UnjudgedError
from conformance.script.parameters import Parameter
from conformance.script.results import moved_twice
from conformance.script.rows import Carried
from conformance.tests.scripts import run_edited
from conformance.tracing import long
from conformance.tracing.lists import Lists
from conformance.tracing.long import LongTrace
from conformance.tracing.trace import Trace

NEURONS = """from math import exp
from random import random, seed
seed(1)
data = [[2.78, 2.55, 0], [1.46, 2.36, 0], [7.62, 2.75, 1], [5.33, -2.08, 1]]
network = [[{"w": [random() for _ in range(3)]} for _ in range(2)] for _ in range(2)]

def activate(w, x):
    z = w[-1]
    for i in range(len(w) - 1):
        z += w[i] * x[i]
    return 1 / (1 + exp(-z))

def forward(row):
    for layer in network:
        outputs = []
        for n in layer:
            n["out"] = activate(n["w"], row)
            outputs.append(n["out"])
        row = outputs
    return row

def backward(target):
    for l in (1, 0):
        for j, n in enumerate(network[l]):
            error = 0.0
            if l == 1:
                error = n["out"] - target[j]
            else:
                for m in network[1]:
                    error += m["w"][j] * m["delta"]
            n["delta"] = error * n["out"] * (1 - n["out"])

for epoch in range(9):
    for row in data:
        forward(row)
        target = [0, 0]
        target[row[-1]] = 1
        loss = sum((t - n["out"]) ** 2 for t, n in zip(target, network[1])) / 2
        backward(target)
        x = row[:-1]
        for layer in network:
            for n in layer:
                for j in range(2):
                    n["w"][j] -= 0.1 * n["delta"] * x[j]
                n["w"][-1] -= 0.1 * n["delta"]
            x = [n["out"] for n in layer]
"""


@pytest.mark.parametrize(
    "edit",
    [
        ("error += m", "error = m"),
        ('* n["delta"] * x[j]', '* n["delta"] * x[0]'),
        ('error * n["out"] * (1', "error * (1"),
    ],
)
def test_a_line_of_a_network_of_dicts_of_lists_is_blamed(
    edit: tuple[str, str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, NEURONS, edit)
    line = NEURONS[: NEURONS.index(edit[0])].count("\n") + 1
    assert f"script.py:{line}" in str(report)
    assert report.exit_code == 1


@pytest.mark.parametrize("unused", ["", "import numpy as np\n"])
def test_a_network_of_dicts_of_lists_is_right(unused: str, tmp_path: Path) -> None:
    report = run_edited(tmp_path, unused + NEURONS)
    assert report.exit_code == 0, str(report)
    assert len(report.gradients) == 4


MOMENTUM = """import math, random
random.seed(0)
data = [([c + random.gauss(0, 1), random.gauss(0, 1)], c) for c in (0, 1, 2) for _ in range(4)]
W = [[0.1 * random.gauss(0, 1) for _ in range(2)] for _ in range(3)]
B = [0.0 for _ in range(3)]
VW, VB = [[0.0] * 2 for _ in range(3)], [0.0] * 3

def softmax(z):
    m = max(z)
    e = [math.exp(v - m) for v in z]
    return [v / sum(e) for v in e]

for step in range(9):
    gW, gB, loss = [[0.0] * 2 for _ in range(3)], [0.0] * 3, 0.0
    for x, y in data:
        p = softmax([sum(W[k][d] * x[d] for d in range(2)) + B[k] for k in range(3)])
        loss -= math.log(p[y]) / len(data)
        for k in range(3):
            diff = p[k] - (1 if k == y else 0)
            for d in range(2):
                gW[k][d] += diff * x[d]
            gB[k] += diff
    for k in range(3):
        for d in range(2):
            VW[k][d] = 0.9 * VW[k][d] - 0.1 * gW[k][d] / len(data)
            W[k][d] += VW[k][d]
        VB[k] = 0.9 * VB[k] - 0.1 * gB[k] / len(data)
        B[k] += VB[k]
"""


def test_lists_that_are_moved_number_by_number_follow_the_rule_of_arrays(tmp_path: Path) -> None:
    report = run_edited(tmp_path, MOMENTUM)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("W", "B")
    assert dict(report.ran.rule.numbers) == pytest.approx({"η": 0.1, "μ": 0.9})


ONLINE = """import math, random
random.seed(2)
data = [([random.gauss(0, 1), random.gauss(0, 1), 1.0], [i % 2, 1 - i % 2]) for i in range(6)]
W = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)]
last = [[0.0] * 3 for _ in range(2)]
for epoch in range(4):
    for x, t in data:
        out = [1 / (1 + math.exp(-sum(w * v for w, v in zip(row, x)))) for row in W]
        loss = 0.5 * sum((a - b) ** 2 for a, b in zip(t, out))
        delta = [(a - b) * b * (1 - b) for a, b in zip(t, out)]
        for k, row in enumerate(W):
            for j in range(3):
                change = 0.3 * delta[k] * x[j] + 0.6 * last[k][j]
                row[j] += change
                last[k][j] = change
"""


def test_a_change_that_two_lists_are_given_is_one_array(tmp_path: Path) -> None:
    report = run_edited(tmp_path, ONLINE)
    assert (report.exit_code, report.ran.parameters) == (0, ("W",)), str(report)
    assert dict(report.ran.rule.numbers) == pytest.approx({"η": 0.3, "μ": 0.6})


RIDGE = """import random
random.seed(1)
X = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(12)]
y = [2 * a - b + 0.3 for a, b, _ in X]
w, b = [0.0] * 3, 0.0
for step in range(9):
    errors = [sum(p * q for p, q in zip(w, row)) + b - t for row, t in zip(X, y)]
    loss = sum(e * e for e in errors) / 24 + 0.05 * sum(p * p for p in w)
    grad = [sum(e * row[j] for e, row in zip(errors, X)) / 12 + 0.1 * w[j] for j in range(3)]
    w = [p - 0.3 * g for p, g in zip(w, grad)]
    b = b - 0.3 * sum(errors) / 12
"""


@pytest.mark.parametrize(
    ("edit", "wrong"),
    [
        ((), []),
        (((" + 0.1 * w[j]", ""),), ["w"]),
        ((("sum(errors) / 12", "sum(errors)"),), ["b"]),
    ],
)
def test_a_list_that_a_new_one_replaces_is_a_parameter(
    edit: tuple[tuple[str, str], ...], wrong: list[str], tmp_path: Path
) -> None:
    report = run_edited(tmp_path, RIDGE, *edit)
    assert [each.name for each in report.gradients] == ["w", "b"]
    assert [each.name for each in report.gradients if not each.ok] == wrong, str(report)


def test_numbers_alone_are_judged(tmp_path: Path) -> None:
    text = """data = [(1.0, 3.1), (2.0, 4.9), (3.0, 7.2)]
w, b = 0.5, 0.0
for step in range(9):
    dw = db = 0.0
    for x, y in data:
        dw += (w * x + b - y) * x
        db += w * x + b - y
    w -= 0.05 * dw / 3
    b -= 0.05 * db / 3
"""
    report = run_edited(tmp_path, text)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("w", "b")
    wrong = run_edited(tmp_path, text, ("+ b - y) * x", "+ b - y)"))
    assert [each.ok for each in wrong.gradients] == [False, True], str(wrong)
    alike = run_edited(tmp_path, text, ("3.1", "-0.05"), ("0.5, 0", "0.0, 0"))  # an error is 0.05
    assert dict(alike.ran.rule.numbers) == pytest.approx({"η": 0.05 / 3})


TABLE = """ratings = [("a", 0, 3.0), ("b", 1, 1.0), ("a", 1, 2.0), ("c", 0, 4.0), ("b", 0, 2.0)]
P = {u: [0.1 * i, 0.2] for i, u in enumerate("abc", 1)}
Q = [[0.3, 0.1], [0.2, 0.5]]
for sweep in range(9):
    for u, i, r in ratings:
        p, q = P[u], Q[i]
        e = sum(a * b for a, b in zip(p, q)) - r
        P[u] = [a - 0.1 * e * b for a, b in zip(p, q)]
        Q[i] = [b - 0.1 * e * a for a, b in zip(p, q)]
"""


def test_vectors_that_are_moved_in_other_steps_are_judged(tmp_path: Path) -> None:
    assert run_edited(tmp_path, TABLE).exit_code == 0
    wrong = run_edited(tmp_path, TABLE, ("a - 0.1 * e * b for a, b", "a - 0.1 * e * a for a, b"))
    assert [blame.line for blame in wrong.blames] == [8]


WORDS = """import math
words = [0, 3, 1, 4, 2, 5, 0, 2, 4]
emb = [[0.1 * i - 0.2 * j for j in range(3)] for i in range(6)]
out = [[0.3 - 0.1 * i + 0.2 * j for j in range(3)] for i in range(6)]
for epoch in range(2):
    for center, context in zip(words, words[1:]):
        h = emb[center]
        scores = [sum(a * b for a, b in zip(h, row)) for row in out]
        exps = [math.exp(s) for s in scores]
        probs = [e / sum(exps) for e in exps]
        loss = -math.log(probs[context])
        err = [p - (k == context) for k, p in enumerate(probs)]
        dh = [sum(err[k] * out[k][d] for k in range(6)) for d in range(3)]
        for k in range(6):
            out[k] = [o - 0.1 * err[k] * x for o, x in zip(out[k], h)]
        emb[center] = [e - 0.1 * g for e, g in zip(h, dh)]
"""


def test_rows_that_are_replaced_are_those_of_parameters(tmp_path: Path) -> None:
    report = run_edited(tmp_path, WORDS)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("emb", "out")


@pytest.mark.parametrize(
    ("edit", "right"),
    [(("e - 0.1", "e + 0.1"), [False, True]), (("err[k] * x for", "err[k] for"), [True, False])],
    ids=["words", "outputs"],
)
def test_wrong_rows_are_told(edit: tuple[str, str], right: list[bool], tmp_path: Path) -> None:
    report = run_edited(tmp_path, WORDS, edit)
    assert [each.ok for each in report.gradients] == right, str(report)


SAMPLES = """import numpy as np
rng = np.random.default_rng(0)
ws = [rng.normal(size=(3, 2)), rng.normal(size=(1, 3))]
X, Y = rng.normal(size=(8, 2)), np.array([[0.], [1.], [1.], [0.], [1.], [0.], [0.], [1.]])

def gradients(x, y):
    h = np.tanh(ws[0] @ x)
    d = 1 / (1 + np.exp(-ws[1] @ h)) - y
    return [np.outer(ws[1].T @ d * (1 - h * h), x), np.outer(d, h)]

for step in range(9):
    for start in (0, 4):
        found = [gradients(x, y) for x, y in zip(X[start:start + 4], Y[start:start + 4])]
        for grads in found:
            for l in range(2):
                ws[l] -= 0.3 / 4 * grads[l]
"""


def test_gradients_of_samples_that_are_taken_off_one_by_one_are_one_step(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SAMPLES)
    assert report.exit_code == 0, str(report)
    wrong = run_edited(tmp_path, SAMPLES, ("(1 - h * h)", "h"))
    assert [each.ok for each in wrong.gradients] == [False, True], str(wrong)


PARTS = """import numpy as np
rng = np.random.default_rng(0)
X, Y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0.0])
W, v = rng.uniform(-1, 1, (3, 2)), rng.uniform(-1, 1, 3)
for epoch in range(9):
    for x, y in zip(X, Y):
        h = [np.tanh(sum(w * e for w, e in zip(W[j], x))) for j in range(3)]
        d = sum(v[j] * h[j] for j in range(3)) - y
        loss = 0.5 * d ** 2
        for j in range(3):
            back = d * v[j] * (1 - h[j] ** 2)
            v[j] -= 0.1 * d * h[j]
            for i in range(2):
                W[j][i] -= 0.1 * back * x[i]
"""


def test_an_array_that_is_written_through_parts_of_parts_is_a_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PARTS)
    assert report.exit_code == 0, str(report)
    wrong = run_edited(tmp_path, PARTS, ("back * x[i]", "back * h[i]"))
    assert sorted(each.ok for each in wrong.gradients) == [False, True], str(wrong)


@pytest.mark.parametrize("rows", [0, 2])
def test_a_list_keeps_its_numbers_whatever_is_done_to_it(rows: int) -> None:
    """Against lists that nobody follows: indices, slices, rows, growth, and numbers held apart."""
    rng = np.random.default_rng(rows)
    for _ in range(40):
        plain = rng.normal(size=(rows, 3) if rows else 4).round(2).tolist()
        lists = Lists(LongTrace(lambda: 0))
        followed = lists.value([*map(list, plain)] if rows else list(plain))
        held, before, apart = followed[0], plain[0], False
        for _ in range(12):
            i, kind = int(rng.integers(len(plain))), rng.integers(4)
            number = float(rng.normal())
            if kind == 0 and rows:
                plain[i][1], lists.stored_in(followed[i])[1] = number, number
            elif kind == 1 and rows:
                plain[i], lists.stored_in(followed)[i] = [number] * 3, lists.value([number] * 3)
            elif not rows and kind < 2:
                plain[i], lists.stored_in(followed)[i] = number, number
            elif kind == 2 and rows:
                plain[i][:], lists.stored_in(followed[i])[:] = [number] * 3, [number] * 3
                apart = True  # such a row is an array of its own
            elif not rows and kind == 2:
                plain.append(number)
                followed.append(number)
            lists.value(followed)
            assert followed == plain
            array = lists.array(followed)
            assert apart or array is not None
            if array is not None:
                assert np.array_equal(array, plain)
                assert np.array_equal(lists.trace.argument(array).value, plain)
        assert rows or held == before


ROWS = """import math
data = [([1.0, 0.5, 0.6], 1), ([0.2, -1.0, 0.6], 0), ([0.3, 0.4, 0.6], 1), ([0.7, -0.4, 1.0], 0)]
weights = [[0.1, 0.2, 0.3], [0.3, -0.2, 0.1]]
lr, decay = 0.2, 0.01
for x, gold in data:
    scores = [sum(w * v for w, v in zip(row, x)) for row in weights]
    exps = [math.exp(s) for s in scores]
    probs = [e / sum(exps) for e in exps]
    loss = -math.log(probs[gold])
    for k in range(2):
        err = probs[k] - (1.0 if k == gold else 0.0)
        weights[k] = [w - lr * err * v - lr * decay * w for w, v in zip(weights[k], x)]
"""
APART, TOGETHER = "lr * err * v - lr * decay * w", "lr * (err * v + decay * w)"
DENSE, SPARSE = "0.6], 1), ([0.2", "0.0], 1), ([0.2"


@pytest.mark.parametrize(
    "edits",
    [
        (),
        ((DENSE, SPARSE),),
        ((APART, TOGETHER),),
        ((APART, TOGETHER), (DENSE, SPARSE)),
        (
            (", -1.0, 0.6]", ", 0.0, 0.0]"),
            (APART, TOGETHER),
        ),
        (("loss =", "total ="), (APART, TOGETHER)),
    ],
)
def test_rows_that_are_lists_may_decay(edits: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    assert run_edited(tmp_path, ROWS, *edits).examined.ok


BIASES = """import math
import random

random.seed(99)
sizes = [2, 2, 1]
net = [
    [
        {"weights": [random.uniform(-1, 1) for _ in range(m)], "bias": random.uniform(-1, 1)}
        for _ in range(n)
    ]
    for m, n in zip(sizes, sizes[1:])
]

def forward(row):
    signal = row
    for layer in net:
        outputs = []
        for neuron in layer:
            z = neuron["bias"]
            for w, v in zip(neuron["weights"], signal):
                z += w * v
            neuron["z"] = z
            neuron["out"] = z if z > 0 else 0.1 * z
            outputs.append(neuron["out"])
        signal = outputs
    return signal[0]

def train(row, target, rate):
    out = forward(row)
    for l in (1, 0):
        for j, neuron in enumerate(net[l]):
            error = out - target if l else sum(n["weights"][j] * n["delta"] for n in net[1])
            neuron["delta"] = error * (1 if neuron["z"] > 0 else 0.1)
    for l, layer in enumerate(net):
        inputs = [n["out"] for n in net[l - 1]] if l else row
        for neuron in layer:
            for k, v in enumerate(inputs):
                neuron["weights"][k] -= rate * neuron["delta"] * v
            neuron["bias"] -= rate * neuron["delta"]
    return (out - target) ** 2 / 2

rows = [([0.1, 0.9], 1), ([0.9, 0.2], 1), ([0.15, 0.1], 0), ([0.8, 0.95], 0)]
for epoch in range(9):
    cost = sum(train(row, target, 0.1) for row, target in rows)
"""


@pytest.mark.parametrize(("seed", "sizes", "count"), [(99, "2, 2, 1", 6), (1, "2, 3, 1", 8)])
def test_each_bias_of_a_network_of_neurons_is_a_parameter(
    seed: int, sizes: str, count: int, tmp_path: Path
) -> None:
    edits = ("99", str(seed)), ("2, 2, 1", sizes)
    examined = run_edited(tmp_path, BIASES, *edits).examined
    assert [each.ok for each in examined.gradients] == [True] * count


def test_a_wrong_bias_of_a_hidden_neuron_is_told(tmp_path: Path) -> None:
    edit = '"bias"] -= rate', '"bias"] -= (1 if l else 3) * rate'
    examined = run_edited(tmp_path, BIASES, edit).examined
    assert [each.name for each in examined.gradients if not each.ok] == [
        "net[0][0]['bias']",
        "net[0][1]['bias']",
    ]


EVEN_TARGETS = """import random, math
random.seed(11)
W = [[random.gauss(0, 1) for _ in range(3)] for _ in range(2)]
V = [[random.gauss(0, 1) for _ in range(2)] for _ in range(2)]

def sig(t):
    return 1 / (1 + math.exp(-t))

for k in range(10):
    x = [random.uniform(-1, 1) for _ in range(3)]
    y = [1.0, 1.0] if k < 2 else [1.0, 0.0]
    h = [sig(sum(w * v for w, v in zip(wi, x))) for wi in W]
    out = [sig(sum(w * v for w, v in zip(wi, h))) for wi in V]
    delta = [(o - t) * o * (1 - o) for o, t in zip(out, y)]
    below = [sum(V[i][j] * delta[i] for i in range(2)) for j in range(2)]
    dh = [b * a * (1 - a) for b, a in zip(below, h)]
    above = [sum(W[i][j] * dh[i] for i in range(2)) for j in range(3)]
    for i in range(2):
        for j in range(2):
            V[i][j] -= 0.5 * delta[i] * h[j]
        for j in range(3):
            W[i][j] -= 0.5 * dh[i] * x[j]
"""


def test_the_targets_of_a_sample_may_be_equal(tmp_path: Path) -> None:
    examined = run_edited(tmp_path, EVEN_TARGETS).examined
    assert (examined.cost, [each.ok for each in examined.gradients]) == ("quadratic", [True] * 2)


IN_LISTS = """import numpy as np
x = np.arange(5.0).reshape(5, 1) / 4
slope, offset = [[1]], [[-1]]
for epoch in range(20):
    error = np.dot(x, slope) + offset - (2 * x + 1)
    loss = np.mean(error ** 2)
    slope -= 0.2 * np.mean(error * x)
    offset -= 0.2 * np.mean(error)
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_a_list_becomes_an_array_where_a_number_of_numpy_is_taken_off(
    wrong: bool, tmp_path: Path
) -> None:
    edits = [("mean(error * x)", "mean(error * x ** 2)")] if wrong else []
    report = run_edited(tmp_path, IN_LISTS, *edits)
    assert report.exit_code == wrong, str(report)


PREFERENCES = """import math
steps = [(0, 1, 4), (1, 0, 3), (2, 2, 5), (0, 3, 1), (1, 4, 2)]
P = [[0.1 * u - 0.05 * d + 0.03 for d in range(3)] for u in range(3)]
Q = [[0.21 - 0.05 * i + 0.1 * d * i for d in range(3)] for i in range(6)]
bias = [0.0] * 6
for u, i, j in steps:
    x = bias[i] - bias[j]
    for d in range(3):
        x += P[u][d] * (Q[i][d] - Q[j][d])
    loss = math.log(1 + math.exp(-x))
    s = 1 / (1 + math.exp(x))
    for d in range(3):
        p, qi, qj = P[u][d], Q[i][d], Q[j][d]
        P[u][d] += 0.1 * (s * (qi - qj) - 0.01 * p)
        Q[i][d] += 0.1 * (s * p - 0.01 * qi)
        Q[j][d] += 0.1 * (-s * p - 0.01 * qj)
    bias[i] += 0.1 * (s - 0.01 * bias[i])
    bias[j] += 0.1 * (-s - 0.01 * bias[j])
"""


def test_numbers_of_a_list_that_later_steps_move_are_not_of_this_step(tmp_path: Path) -> None:
    report = run_edited(tmp_path, PREFERENCES)
    assert report.exit_code == 0, str(report)
    assert report.ran.parameters == ("P", "Q", "bias")
    assert report.examined.decay == pytest.approx(0.01)
    assert report.examined.factor == 1


def test_rows_of_which_the_entries_are_moved_in_turns_are_whole(tmp_path: Path) -> None:
    without = ("bias[i] - bias[j]", "0.0"), ("    bias[i] += 0.1 * (s - 0.01 * bias[i])\n", "")
    last = ("    bias[j] += 0.1 * (-s - 0.01 * bias[j])\n", "")
    report = run_edited(tmp_path, PREFERENCES, *without, last)
    assert report.exit_code == 0, str(report)


HOUSES = """import random
random.seed(2)
rows = [[random.gauss(0, 1) for _ in range(3)] for _ in range(12)]
targets = [2 * r[0] - r[1] + 0.5 * r[2] + random.gauss(0, 0.1) for r in rows]
weights, bias = [random.uniform(-0.5, 0.5) for _ in range(3)], 0.0
learning_rate = 0.05
for epoch in range(20):
    squared = 0.0
    for row, target in zip(rows, targets):
        error = bias + sum(w * x for w, x in zip(weights, row)) - target
        squared += error ** 2
        for j in range(len(weights)):
            gradient = 2 * error * row[j]
            weights[j] -= learning_rate * gradient
        bias -= learning_rate * 2 * error
    print(epoch, squared / len(rows))
"""


def test_a_single_number_is_right_by_the_rate_beside_wrong_entries(tmp_path: Path) -> None:
    assert run_edited(tmp_path, HOUSES).exit_code == 0
    report = run_edited(tmp_path, HOUSES, ("error * row[j]", "error * row[0]"))
    assert {each.name: each.ok for each in report.examined.gradients} == {
        "weights": False,
        "bias": True,
    }


XOR = """import math
import random
random.seed(7)
data = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)]
w = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(3)]
b = [random.uniform(-1, 1) for _ in range(3)]
v = [random.uniform(-1, 1) for _ in range(3)]
c = [0.0]
for epoch in range(30):
    error = 0.0
    for x, t in data:
        h = [0.0] * 3
        for j in range(3):
            s = b[j]
            for i in range(2):
                s += w[j][i] * x[i]
            h[j] = math.tanh(s)
        s = c[0]
        for j in range(3):
            s += v[j] * h[j]
        o = 1.0 / (1.0 + math.exp(-s))
        error += 0.5 * (o - t) ** 2
        d = (o - t) * o * (1.0 - o)
        e = [d * v[j] * (1.0 - h[j] * h[j]) for j in range(3)]
        for j in range(3):
            v[j] -= 0.6 * d * h[j]
        c[0] -= 0.6 * d
        for j in range(3):
            for i in range(2):
                w[j][i] -= 0.6 * e[j] * x[i]
            b[j] -= 0.6 * e[j]
"""


def test_a_sample_of_zeros_is_judged_by_the_loss_of_the_others(tmp_path: Path) -> None:
    assert run_edited(tmp_path, XOR).ok


SINGLE = """import math, random
random.seed(4)
def sig(x):
    return 1 / (1 + math.exp(-x))
inputs, targets = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0]
w = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(3)]
b, v, c = [random.uniform(-1, 1) for _ in range(3)], [0.1, -0.8, -0.6], -0.3
rate = 0.6
for epoch in range(2):
    loss = 0.0
    for x, t in zip(inputs, targets):
        h = [sig(b[j] + w[j][0] * x[0] + w[j][1] * x[1]) for j in range(3)]
        z = c
        for j in range(3):
            z += v[j] * h[j]
        y = sig(z)
        loss += 0.5 * (t - y) ** 2
        d = (y - t) * y * (1 - y)
        e = [d * v[j] * h[j] * (1 - h[j]) for j in range(3)]
        for j in range(3):
            v[j] -= rate * d * h[j]
        c -= rate * d
        for j in range(3):
            for i in range(2):
                w[j][i] -= rate * e[j] * x[i]
            b[j] -= rate * e[j]
"""


def test_a_negative_factor_that_changes_with_the_parameters_is_no_sign(tmp_path: Path) -> None:
    assert run_edited(tmp_path, SINGLE).exit_code == 0
    report = run_edited(tmp_path, SINGLE, ("y * (1 - y)", "z * (1 - z)"))
    (blame,) = report.blames
    assert blame.accused.lines[0].line == 18
    assert blame.accused.cause.kind != "negated"
    assert dict(report.ran.rule.numbers).get("η", 0.6) == 0.6


def test_a_loss_is_not_called_another_where_an_update_is_wrong(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SINGLE, ("b[j] -= rate", "b[j] += rate"))
    assert [each.accused.cause.kind for each in report.blames] == ["ascends"]
    assert "of which these are not the gradients" not in str(report)


CLICKS = """import random
from math import exp, log, sqrt
random.seed(7)
w, squares, bias, own = [0.0] * 6, [1e-6] * 6, 0.0, 1e-6
for t in range(40):
    features = [(random.randrange(3), 1.0), (3 + random.randrange(3), random.random())]
    y = 1.0 if random.random() < 0.5 else 0.0
    p = 1.0 / (1.0 + exp(-bias - sum(w[i] * x for i, x in features)))
    loss = -log(p) if y == 1.0 else -log(1.0 - p)
    error = p - y
    own += error * error
    bias -= 0.2 * error / sqrt(own)
    for i, x in features:
        g = error * x + 0.001 * w[i]
        squares[i] += g * g
        w[i] -= 0.2 * g / sqrt(squares[i])
"""
PLAIN = (
    (" / sqrt(squares[i])", ""),
    ("        squares[i] += g * g\n", ""),
    (" / sqrt(own)", ""),
    ("    own += error * error\n", ""),
)


TWO_TABLES = [
    ("0.0, 1e-6\n", "0.0, 1e-6\nu, others = [0.1] * 6, [1e-6] * 6\n"),
    ("w[i] * x for", "w[i] * x + u[i] * (x + 0.5) ** 2 for"),
    ("+= g * g", "+= g * g; h = error * (x + 0.5) ** 2 + 0.001 * u[i]; others[i] += h * h"),
    (
        "w[i] -= 0.2 * g / sqrt(squares[i])",
        "u[i] -= 0.2 * h / sqrt(others[i]); w[i] -= 0.2 * g / sqrt(squares[i])",
    ),
]


@pytest.mark.parametrize("right", [True, False])
def test_squares_of_the_gradient_of_another_table_are_told(right: bool, tmp_path: Path) -> None:
    wrong = () if right else (("others[i] += h * h", "others[i] += g * g"),)
    report = run_edited(tmp_path, CLICKS, *TWO_TABLES, *wrong)
    found = [(each.gradients, each.accused.cause.kind, each.line) for each in report.blames]
    assert found == ([] if right else [(("u",), "other", 16)]), str(report)


@pytest.mark.parametrize(("edits", "rule"), [((), "adagrad"), (PLAIN, "plain")])
def test_some_numbers_of_a_list_are_moved_beside_a_number_of_its_own(
    edits: tuple[tuple[str, str], ...], rule: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, CLICKS, *edits)
    assert report.exit_code == 0, str(report)
    assert report.ran.rule.kind == rule


def test_a_forgotten_factor_of_numbers_moved_by_adagrad_is_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, CLICKS, ("error * x", "error"))
    assert [each.ok for each in report.gradients] == [False, True], str(report)


OF_NUMBERS = """import numpy as np
import random
random.seed(1)
data = [(random.gauss(0, 1), random.gauss(0, 1)) for _ in range(12)]
labels = [1.0 if x + y > 0.3 else 0.0 for x, y in data]
a, b, c = 0.1, -0.2, 0.0
va = vb = vc = 0.0
for epoch in range(20):
    loss, da, db, dc = 0.0, 0.0, 0.0, 0.0
    for (x, y), t in zip(data, labels):
        p = 1 / (1 + np.exp(-(a * x + b * y + c)))
        loss -= (t * np.log(p) + (1 - t) * np.log(1 - p)) / len(data)
        e = (p - t) / len(data)
        da += e * x
        db += e * y
        dc += e
    va = 0.9 * va + da
    vb = 0.9 * vb + db
    vc = 0.9 * vc + dc
    a -= 0.05 * va
    b -= 0.05 * vb
    c -= 0.05 * vc
"""
AHEAD = tuple((f"0.05 * v{p}", f"0.05 * (0.9 * v{p} + d{p})") for p in "abc")
ROOTS = (
    *((f"v{p} = 0.9 * v{p} + d{p}", f"v{p} = 0.9 * v{p} + 0.1 * d{p} ** 2") for p in "abc"),
    *((f"0.05 * v{p}", f"0.05 * d{p} / (np.sqrt(v{p}) + 1e-8)") for p in "abc"),
)


@pytest.mark.parametrize(
    ("edits", "rule"),
    [
        ((), "gradient descent with momentum: η = 0.05, μ = 0.9"),
        (AHEAD, "gradient descent with the momentum of Nesterov: η = 0.05, μ = 0.9"),
        (ROOTS, "RMSProp: η = 0.05, β = 0.9"),
    ],
    ids=["momentum", "nesterov", "rmsprop"],
)
@pytest.mark.parametrize("module", ["np", "math"])
def test_each_parameter_may_be_a_number_and_what_is_kept_for_it(
    module: str, edits: tuple[tuple[str, str], ...], rule: str, tmp_path: Path
) -> None:
    functions = [(f"np.{each}(", f"{module}.{each}(") for each in ("exp", "log")]
    edits = (*edits, *functions, ("import numpy as np\n", "import math, numpy as np\n"))
    report = run_edited(tmp_path, OF_NUMBERS, *edits)
    assert report.exit_code == 0, str(report)
    assert f"updates of a, b, c, by {rule}" in str(report)
    assert "not judged" not in str(report)


OBJECTS = """import random, math
random.seed(3)

class Neuron:
    def __init__(self, n):
        self.w = [random.uniform(-1, 1) for _ in range(n)]
        self.b = random.uniform(-1, 1)

    def out(self, x):
        self.x = x
        self.a = math.tanh(sum(w * v for w, v in zip(self.w, x)) + self.b)
        return self.a

layers = [[Neuron(2) for _ in range(3)], [Neuron(3)]]
data = [([0, 0], [-1]), ([0, 1], [1]), ([1, 0], [1]), ([1, 1], [-1])]

def train(x, y, lr):
    out = x
    for layer in layers:
        out = [n.out(out) for n in layer]
    d = [(o - t) * (1 - o * o) for o, t in zip(out, y)]
    for k in (1, 0):
        back = [0.0] * len(layers[k][0].w)
        for n, dn in zip(layers[k], d):
            for i in range(len(n.w)):
                back[i] += dn * n.w[i]
                n.w[i] -= lr * dn * n.x[i]
            n.b -= lr * dn
        if k:
            d = [e * (1 - n.a ** 2) for e, n in zip(back, layers[k - 1])]
    return 0.5 * sum((o - t) ** 2 for o, t in zip(out, y))

for epoch in range(50):
    total = 0
    for x, y in data:
        total += train(x, y, 0.1)
"""


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        ((), 0),
        ((("n.b -= lr * dn", "n.b = n.b - lr * dn"),), 0),
        ((("(1 - n.a ** 2)", "(1 - n.a)"),), 30),
        ((("n.b -= lr * dn", "n.b -= lr * dn * n.a"),), 28),
    ],
    ids=["right", "assigned", "slope", "bias"],
)
def test_the_bias_of_a_neuron_may_be_a_number_of_its_own(
    edit: tuple[tuple[str, str], ...], line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, OBJECTS, *edit)
    assert report.exit_code == bool(line), str(report)
    assert "clipped" not in str(report)
    assert not line or report.blames[0].line == line


COORDINATES = """import random
random.seed(4)
SIZE, DIM = 9, 3
place = [[random.uniform(-1, 1) for _ in range(DIM)] for _ in range(SIZE)]
seen = [[0.5] * DIM for _ in range(SIZE)]
pairs = [(a, b, abs(a - b) / 4) for a in range(SIZE) for b in range(a)]
random.shuffle(pairs)
for a, b, wanted in pairs:
    apart = [p - q for p, q in zip(place[a], place[b])]
    error = sum(d * d for d in apart) - wanted
    loss = error ** 2
    for one, sign in ((a, 1), (b, -1)):
        for k in range(DIM):
            slope = 4 * error * sign * apart[k]
            seen[one][k] += slope * slope
            place[one][k] -= 0.01 * slope / (seen[one][k] ** 0.5 + 1e-6)
"""


@pytest.mark.parametrize("right", [True, False])
def test_what_is_kept_of_numbers_that_were_moved_long_before_is_of_a_known_rule(
    right: bool, tmp_path: Path
) -> None:
    wrong = () if right else (("+= slope * slope", "+= slope"),)
    report = run_edited(tmp_path, COORDINATES, *wrong)
    assert report.exit_code == (not right), str(report)
    assert not right or "by AdaGrad" in str(report)


BATCHES = """import math, random

r = random.Random(1)
samples = [([r.random() for _ in range(6)], [r.random(), r.random()]) for _ in range(40)]
w = [[r.gauss(0, 1) for _ in range(6)] for _ in range(2)]
b = [0.0, 0.0]

def gradient(x, t):
    z = [sum(u * v for u, v in zip(row, x)) + c for row, c in zip(w, b)]
    a = [math.tanh(each) for each in z]
    d = [(e - f) * (1 - e * e) for e, f in zip(a, t)]
    return [[e * v for v in x] for e in d], d

for at in range(0, 40, 8):
    found = [gradient(x, t) for x, t in samples[at : at + 8]]
    for gw, gb in found:
        for j in range(2):
            b[j] -= 0.5 / 8 * gb[j]
            for i in range(6):
                w[j][i] -= 0.5 / 8 * gw[j][i]
"""


def test_what_each_of_many_samples_moves_is_one_step(tmp_path: Path) -> None:
    report = run_edited(tmp_path, BATCHES)
    assert report.exit_code == 0, str(report)
    assert len(report.gradients) == 2
    report = run_edited(tmp_path, BATCHES, ("(1 - e * e)", "(1 - e)"))
    assert report.exit_code == 1
    assert "(1 - e) for e, f" in str(report)


GRIDS = """from math import tanh
from random import Random

class Grid:
    def __init__(self, cells):
        self.cells = [[each for each in row] for row in cells]

    def with_each(self, other, f):
        if isinstance(other, Grid):
            pairs = zip(self.cells, other.cells)
            return Grid([f(a, b) for a, b in zip(p, q)] for p, q in pairs)
        return Grid([f(a, other) for a in row] for row in self.cells)

    def plus(self, other): return self.with_each(other, lambda a, b: a + b)
    def minus(self, other): return self.with_each(other, lambda a, b: a - b)
    def times(self, other): return self.with_each(other, lambda a, b: a * b)
    def turned(self): return Grid(zip(*self.cells))
    def squashed(self): return Grid([tanh(a) for a in row] for row in self.cells)
    def slope(self): return Grid([1 - a * a for a in row] for row in self.cells)
    def dot(self, other):
        columns = other.turned().cells
        return Grid([sum(a * b for a, b in zip(row, c)) for c in columns] for row in self.cells)

r = Random(1)
def drawn(rows, columns):
    return Grid([[r.uniform(-1, 1) for _ in range(columns)] for _ in range(rows)])

v, w, c = drawn(3, 2), drawn(2, 3), drawn(2, 1)
data = [(drawn(2, 1), drawn(2, 1)) for _ in range(4)]
for _ in range(5):
    gv, gw, gc = v.times(0.0), w.times(0.0), c.times(0.0)
    for x, y in data:
        h = v.dot(x).squashed()
        out = w.dot(h).plus(c).squashed()
        d = out.minus(y).times(out.slope())
        gw = gw.plus(d.dot(h.turned()))
        gc = gc.plus(d)
        d = w.turned().dot(d).times(h.slope())
        gv = gv.plus(d.dot(x.turned()))
    v, w, c = v.minus(gv.times(0.1)), w.minus(gw.times(0.1)), c.minus(gc.times(0.1))
"""


def test_a_class_of_lists_with_operations_of_its_own_is_judged(tmp_path: Path) -> None:
    report = run_edited(tmp_path, GRIDS)
    assert report.exit_code == 0, str(report)
    assert len(report.gradients) == 3, str(report)


@pytest.mark.seldom
@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("d = w.turned().dot(d).times(h.slope())", "d = w.turned().dot(d).times(h)"),
        ("gc = gc.plus(d)", "gc = c.plus(d)"),
    ],
)
def test_the_call_of_an_operation_that_others_call_rightly_is_blamed(
    line: str, wrong: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, GRIDS, (line, wrong))
    assert str(report).splitlines()[1].endswith(wrong), str(report)


def test_numbers_that_are_forgotten_amid_an_operation_are_constants_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long, "MANY", 60)
    trace = LongTrace(lambda: 0)
    lists = Lists(trace)
    numbers = lists.value([1.5] * 7)
    for _ in range(40):
        numbers = lists.value([a + b for a, b in zip(numbers, numbers[::-1], strict=True)])
        assert all(trace.has(each) for node in trace.nodes for each in node.inputs)
    assert trace.forgot


RATED = """import random
random.seed(5)
ratings = [(u, i, random.uniform(1, 5)) for u in range(6) for i in range(5)]
U = [[random.gauss(0, 0.5) for _ in range(3)] for _ in range(6)]
V = [[random.gauss(0, 0.5) for _ in range(3)] for _ in range(5)]
bu, bi = [0.0] * 6, [0.0] * 5
def predict(u, i):
    total = bu[u] + bi[i]
    for k in range(3):
        total += U[u][k] * V[i][k]
    return total
for epoch in range(5):
    random.shuffle(ratings)
    for u, i, r in ratings:
        e = r - predict(u, i)
        bu[u] += 0.05 * (e - 0.02 * bu[u])
        bi[i] += 0.05 * (e - 0.02 * bi[i])
        for k in range(3):
            old = U[u][k]
            U[u][k] += 0.05 * (e * V[i][k] - 0.02 * U[u][k])
            V[i][k] += 0.05 * (e * old - 0.02 * V[i][k])
"""


def test_rows_of_lists_are_moved_by_one_rating_in_each_step(tmp_path: Path) -> None:
    run = run_edited(tmp_path, RATED)
    assert (run.exit_code, len(run.ran.parameters)) == (0, 4), str(run)
    wrong = run_edited(tmp_path, RATED, ("e * V[i][k]", "e * U[u][k]"))
    assert (wrong.exit_code, [e.lines[0].line for e in wrong.blames]) == (1, [20]), str(wrong)


@pytest.mark.parametrize(("rows", "twice"), [([0], [1]), ([0, 1], [1, 2])])
def test_rows_of_which_each_table_has_others_are_of_several_updates(
    rows: list[int], twice: list[int]
) -> None:
    trace, rng = Trace(), np.random.default_rng(3)
    users, items = (trace.given(rng.normal(size=(2, 3)), name) for name in "ui")
    values: list[list[Any]] = [[trace.argument(each)] for each in (users, items)]
    for moved in ([0, 1], rows):
        errors = [users[i] @ items[i] for i in range(2)]
        for i in moved:
            users[i] = users[i] - errors[i] * items[i]
        items[0] = items[0] - errors[0]
        for known, each in zip(values, (users, items), strict=True):
            known.append(trace.argument(each))
    found = [Parameter(Carried(known, twice={known[1]}), ()) for known in values]
    assert moved_twice(found, 2) == twice


MATRIX = """import math
import random
random.seed(3)

class Matrix:
    def __init__(self, rows):
        self.rows = [list(row) for row in rows]

    def __add__(self, other):
        return self.apply(lambda a, b: a + b, other)

    def __sub__(self, other):
        return self.apply(lambda a, b: a - b, other)

    def __mul__(self, other):
        if isinstance(other, Matrix):
            return self.apply(lambda a, b: a * b, other)
        return Matrix([[a * other for a in row] for row in self.rows])

    def __matmul__(self, other):
        columns = list(zip(*other.rows))
        return Matrix([[sum(a * b for a, b in zip(r, c)) for c in columns] for r in self.rows])

    def T(self):
        return Matrix(zip(*self.rows))

    def apply(self, f, *others):
        several = zip(self.rows, *(each.rows for each in others))
        return Matrix([[f(*numbers) for numbers in zip(*rows)] for rows in several])

def drawn(rows, columns):
    return Matrix([[random.gauss(0, 1) for _ in range(columns)] for _ in range(rows)])

weights = [drawn(3, 2), drawn(1, 3)]
biases = [drawn(3, 1), drawn(1, 1)]
data = [(drawn(2, 1), Matrix([[0.5]])), (drawn(2, 1), Matrix([[0.25]]))]
for _ in range(9):
    for x, y in data:
        a = [x]
        for w, b in zip(weights, biases):
            a.append((w @ a[-1] + b).apply(lambda z: 1 / (1 + math.exp(-z))))
        loss = sum((o - t) ** 2 for (o,), (t,) in zip(a[-1].rows, y.rows)) / 2
        delta = (a[2] - y) * a[2].apply(lambda s: s * (1 - s))
        hidden = (weights[1].T() @ delta) * a[1].apply(lambda s: s * (1 - s))
        steps = [hidden @ a[0].T(), delta @ a[1].T()]
        weights = [w - g * 0.5 for w, g in zip(weights, steps)]
        biases = [b - g * 0.5 for b, g in zip(biases, [hidden, delta])]
"""


def test_a_class_of_matrices_that_holds_lists_is_followed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, MATRIX)
    assert report.exit_code == 0, str(report)
    assert len(report.gradients) == 4


def test_a_wrong_line_beside_a_class_of_matrices_is_told(tmp_path: Path) -> None:
    wrong = "a[1].apply(lambda s: s * (1 - s))", "a[1].apply(lambda s: s * s)"
    report = run_edited(tmp_path, MATRIX, wrong)
    line = MATRIX[: MATRIX.index("hidden =")].count("\n") + 1
    assert [each.line for each in report.blames] == [line], str(report)


LEADS_AHEAD = """import random
random.seed(5)
data = [([random.gauss(0, 1) for _ in range(3)], random.gauss(0, 1)) for _ in range(12)]
W = [[random.gauss(0, 0.5) for _ in range(3)] for _ in range(2)]
V = [[0.0] * 3 for _ in range(2)]
for epoch in range(6):
    there = [[w + 0.8 * v for w, v in zip(a, b)] for a, b in zip(W, V)]
    G = [[0.0] * 3 for _ in range(2)]
    for x, y in data:
        for k in range(2):
            miss = sum(w * e for w, e in zip(there[k], x)) - y * (k + 1)
            for i in range(3):
                G[k][i] += miss * x[i] / len(data)
    for k in range(2):
        for i in range(3):
            V[k][i] = 0.8 * V[k][i] - 0.2 * G[k][i]
            W[k][i] += V[k][i]
"""


@pytest.mark.parametrize(("edit", "lines"), [("miss * x[i]", []), ("miss * x[i] * x[i]", [13])])
def test_a_velocity_in_a_list_that_leads_ahead_is_no_parameter(
    edit: str, lines: list[int], tmp_path: Path
) -> None:
    run = run_edited(tmp_path, LEADS_AHEAD, ("miss * x[i]", edit))
    found = [each.lines[0].line for each in run.blames]
    assert (found, run.ran.parameters, run.ran.rule.kind) == (lines, ("W",), "momentum"), str(run)


SLICED = """import random
from math import tanh

random.seed(4)
V = [[random.uniform(-0.7, 0.7) for _ in range(2)] + [0.0] for _ in range(3)]
W = [[random.uniform(-0.7, 0.7) for _ in range(3)] + [0.0] for _ in range(2)]


def layer(rows, below):
    return [tanh(sum(w * a for w, a in zip(row[:-1], below)) + row[-1]) for row in rows]


for step in range(40):
    x = [random.random(), random.random()]
    code = layer(V, x)
    back = layer(W, code)
    loss = sum((a - b) ** 2 for a, b in zip(back, x)) / 2
    upper = [(a - b) * (1 - a * a) for a, b in zip(back, x)]
    lower = [sum(upper[i] * W[i][j] for i in range(2)) * (1 - code[j] ** 2) for j in range(3)]
    for rows, delta, below in ((W, upper, code), (V, lower, x)):
        for row, d in zip(rows, delta):
            for i in range(len(below)):
                row[i] -= 0.3 * d * below[i]
            row[-1] -= 0.3 * d
print(loss)
"""


def test_a_row_without_its_bias_is_a_part_of_the_parameter(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SLICED)
    assert (report.exit_code, len(report.gradients)) == (0, 2), str(report)
    report = run_edited(tmp_path, SLICED, (" * (1 - code[j] ** 2)", ""))
    assert report.exit_code == 1, str(report)
    assert "lower = [sum(upper[i] * W[i][j]" in str(report)


STEPS = """import math, random
random.seed(1)
rows = [([random.random() - 0.5, random.random()], random.random()) for _ in range(9)]
w = [[random.random() for _ in range(3)] for _ in range(2)]
step = [[0.0] * 3 for _ in range(2)]
for x, t in rows:
    d = [0.0, 0.0]
    for j in range(2):
        s = w[j][2]
        for i in range(2):
            s += w[j][i] * x[i]
        y = math.tanh(s)
        d[j] = (t - y) * (1 - y * y)
    for j in range(2):
        for i in range(2):
            step[j][i] = 0.3 * d[j] * x[i] + 0.5 * step[j][i]
            w[j][i] += step[j][i]
        step[j][2] = 0.3 * d[j] + 0.5 * step[j][2]
        w[j][2] += step[j][2]
"""


def test_a_momentum_that_two_lines_multiply_is_one_of_the_list(tmp_path: Path) -> None:
    report = run_edited(tmp_path, STEPS)
    assert report.ok
    assert "momentum" in str(report)
    assert "μ = 0.5" in str(report)


HIDDEN = """import math, random
random.seed(1)
rows = [([random.random() - 0.5, random.random()], [random.random(), 0.3]) for _ in range(9)]
u = [[random.random() for _ in range(3)] for _ in range(3)]
v = [[random.random() for _ in range(4)] for _ in range(2)]
h, d, back = [0.0] * 3, [0.0] * 2, [0.0] * 3
err = 0.0
for x, t in rows:
    for j in range(3):
        s = u[j][2]
        for i in range(2):
            s += u[j][i] * x[i]
        h[j] = math.tanh(s)
    for k in range(2):
        s = v[k][3]
        for j in range(3):
            s += v[k][j] * h[j]
        y = 1 / (1 + math.exp(-s))
        e = t[k] - y
        err += 0.5 * e * e
        d[k] = e * y * (1 - y)
    for j in range(3):
        total = 0.0
        for k in range(2):
            total += d[k] * v[k][j]
        back[j] = total * (1 - h[j] * h[j])
    for k in range(2):
        for j in range(3):
            v[k][j] += 0.1 * d[k] * h[j]
        v[k][3] += 0.1 * d[k]
    for j in range(3):
        for i in range(2):
            u[j][i] += 0.1 * back[j] * x[i]
        u[j][2] += 0.1 * back[j]
"""


def test_a_number_that_each_round_of_a_loop_writes_over_is_blamed_before_its_use(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, HIDDEN).ok
    report = str(run_edited(tmp_path, HIDDEN, ("total += d", "total = d")))
    assert "script.py:25" in report.partition("or else")[0]


UNITS = """
import math, random
random.seed(1)

class Link:
    def __init__(self, of):
        self.of, self.w, self.last = of, random.uniform(-1, 1), 0.0

class Unit:
    def __init__(self, below):
        self.links = [Link(each) for each in below]
        self.bar, self.out, self.d = random.uniform(-0.5, 0.5), 0.0, 0.0
    def fire(self):
        self.out = 1 / (1 + math.exp(self.bar - sum(k.w * k.of.out for k in self.links)))

inputs = [Unit([]), Unit([])]
middle = [Unit(inputs) for _ in range(3)]
end = Unit(middle)
for turn in range(40):
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        inputs[0].out, inputs[1].out = a, b
        for u in (*middle, end):
            u.fire()
        end.d = ((a != b) - end.out) * end.out * (1 - end.out)
        for u, k in zip(middle, end.links):
            u.d = u.out * (1 - u.out) * k.w * end.d
        for u in (*middle, end):
            for k in u.links:
                k.last = 0.5 * u.d * k.of.out + 0.6 * k.last
                k.w += k.last
            u.bar -= 0.5 * u.d
"""


def test_thresholds_of_units_may_keep_nothing_beside_links_that_do(tmp_path: Path) -> None:
    report = run_edited(tmp_path, UNITS)
    assert report.exit_code == 0, str(report)


DECAYING = """from math import exp, log
from random import gauss, seed
seed(4)
pontos = [[1.0, gauss(0, 1), gauss(0, 1)] for _ in range(9)]
classes = [int(p[1] - p[2] + gauss(0, 1) > 0) for p in pontos]
w = [0.3, -0.2, 0.4]
N = len(pontos)
for passo in range(30):
    erro, g = 0.0, [0.0, 0.0, 0.0]
    for p, c in zip(pontos, classes):
        s = 1 / (1 + exp(-sum(a * b for a, b in zip(w, p))))
        erro -= c * log(s) + (1 - c) * log(1 - s)
        for k in range(3):
            g[k] += (s - c) * p[k]
    erro /= N
    for k in range(1, 3):
        erro += 0.7 / (2 * N) * w[k] ** 2
    for k in range(3):
        g[k] /= N
        if k > 0:
            g[k] += 0.7 / N * w[k]
    for k in range(3):
        w[k] -= 0.5 * g[k]
"""


def test_a_loss_that_a_loop_adds_a_decay_to_says_what_decays(tmp_path: Path) -> None:
    assert run_edited(tmp_path, DECAYING).exit_code == 0
    bias = run_edited(tmp_path, DECAYING, ("if k > 0", "if k >= 0"))
    half = run_edited(tmp_path, DECAYING, ("+= 0.7 / N", "+= 0.7 / (2 * N)"))
    assert [each.line for report in (bias, half) for each in report.blames] == [21, 21]


WITH_BIASES = """import math, random
random.seed(3)
a = [[random.uniform(-1, 1) for j in range(3)] for i in range(3)]
b = [random.uniform(-1, 1) for j in range(4)]
va, vb = [[0.0] * 3 for i in range(3)], [0.0] * 4
h, d = [0.0] * 3, [0.0] * 3
for turn in range(30):
    for x, t in (([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)):
        for j in range(3):
            z = a[2][j]
            for i in range(2):
                z += x[i] * a[i][j]
            h[j] = math.tanh(z)
        z = b[3]
        for j in range(3):
            z += h[j] * b[j]
        e = t - z
        loss = 0.5 * e ** 2
        for j in range(3):
            d[j] = e * b[j] * (1 - h[j] * h[j])
        for j in range(3):
            vb[j] = 0.15 * e * h[j] + 0.5 * vb[j]
            b[j] += vb[j]
            for i in range(2):
                va[i][j] = 0.15 * d[j] * x[i] + 0.5 * va[i][j]
                a[i][j] += va[i][j]
            va[2][j] = 0.15 * d[j] + 0.5 * va[2][j]
            a[2][j] += va[2][j]
        vb[3] = 0.15 * e + 0.5 * vb[3]
        b[3] += vb[3]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(1 - h[j] * h[j])", "(h[j] - h[j] * h[j])"),
        ("d[j] = e * b[j] * (1 - h[j] * h[j])", "z += e * b[j]; d[j] = z * (1 - h[j] * h[j])"),
    ],
    ids=["derivative", "never begun"],
)
def test_a_rate_that_each_entry_is_multiplied_by_is_one(old: str, new: str, tmp_path: Path) -> None:
    """What is added up from entry to entry is no parameter."""
    assert run_edited(tmp_path, WITH_BIASES).exit_code == 0
    (blame,) = run_edited(tmp_path, WITH_BIASES, (old, new)).blames
    assert blame.gradients == ("a",)
    assert new in WITH_BIASES.replace(old, new).splitlines()[int(blame.line or 0) - 1]


SUMS_OF_A_LOOP = """import random
random.seed(3)
points = [([random.uniform(-1, 1) for _ in range(3)], random.uniform(-1, 1)) for _ in range(6)]
slopes, offset = [0.1, -0.2, 0.3], 0.05

def output(x):
    return offset + sum(s * v for s, v in zip(slopes, x))

for epoch in range(5):
    loss, by_offset, by_slopes = 0.0, 0.0, [0.0] * 3
    for x, t in points:
        r = output(x) - t
        loss += r * r
        for i in range(3):
            by_slopes[i] += 2 * r * x[i]
        by_offset += 2 * r
    loss /= len(points)
    by_offset = by_offset / len(points)
    for i in range(3):
        slopes[i] -= 0.1 * by_slopes[i] / len(points)
    offset -= 0.1 * by_offset
    print(loss)
"""


@pytest.mark.parametrize(("within", "lines"), [("", []), ("    ", [16])])
def test_what_a_loop_of_entries_adds_to_a_sum_of_samples_is_added_too_often(
    within: str, lines: list[int], tmp_path: Path
) -> None:
    edit = ("        by_offset +=", f"        {within}by_offset +=")
    report = run_edited(tmp_path, SUMS_OF_A_LOOP, edit)
    assert [each.line for each in report.blames] == lines, str(report)
    assert ("adds the same value 3 times" in str(report)) == bool(lines)


WRONG_HIDDEN = """import math, random
random.seed(1)
points = [([random.uniform(-1, 1) for _ in range(2)], random.random()) for _ in range(8)]
inner = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(3)]
outer = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(2)]
h, y, e, d = [0.0] * 3, [0.0] * 2, [0.0] * 2, [0.0] * 3
for epoch in range(9):
    for x, t in points:
        for j in range(3):
            h[j] = math.tanh(inner[j][2] + sum(inner[j][i] * x[i] for i in range(2)))
        for k in range(2):
            y[k] = 1 / (1 + math.exp(-sum(outer[k][j] * h[j] for j in range(3))))
            e[k] = (y[k] - t) * y[k] * (1 - y[k])
        for j in range(3):
            s = 0.0
            for k in range(2):
                s += (y[k] - t) * outer[k][j]
            d[j] = s * (1 - h[j] * h[j])
        for j in range(3):
            for k in range(2):
                outer[k][j] -= 0.3 * e[k] * h[j]
            for i in range(2):
                inner[j][i] -= 0.3 * d[j] * x[i]
            inner[j][2] -= 0.3 * d[j]
"""


def test_what_is_made_of_another_wrong_entry_of_a_sum_is_not_to_blame(tmp_path: Path) -> None:
    """It is wrong since the sum of its own entry is."""
    report = run_edited(tmp_path, WRONG_HIDDEN)
    assert report.blames[0].line == 17
    assert "has to give ∂C/∂h" in str(report)


CHARACTERS = """import math
data = [0, 3, 0, 3, 1, 0, 1, 2, 1, 1]
U = [[0.0] * 4 for _ in range(4)]
bias = [0.0] * 4
for a, c in zip(data, data[1:]):
    ex = [math.exp(U[a][k] + bias[k]) for k in range(4)]
    p = [v / sum(ex) for v in ex]
    loss = -math.log(p[c])
    for k in range(4):
        g = p[k] - (1.0 if k == c else 0.0)
        U[a][k] -= 0.5 * g
        bias[k] -= 0.5 * g
"""


@pytest.mark.parametrize(
    ("edit", "code"), [(("", ""), 0), (("p[k] - (1.0", "p[k] * p[k] - (1.0"), 1)]
)
def test_rows_that_a_step_has_left_are_those_of_the_table_after_it(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, CHARACTERS, *([edit] if code else []))
    assert report.exit_code == code, str(report)


WITHOUT_LAST = """from math import tanh
from random import seed, uniform
seed(2)
A = [[uniform(-1, 1) for _ in range(3)] for _ in range(3)]
B = [[uniform(-1, 1) for _ in range(4)] for _ in range(2)]
hidden, made, back, sent = [0.0] * 4, [0.0] * 2, [0.0] * 2, [0.0] * 3
rows = [([uniform(-1, 1), uniform(-1, 1), 1.0], [0.3, -0.2]) for _ in range(6)]
for _ in range(3):
    for row, goal in rows:
        for i in range(3):
            hidden[i] = tanh(sum(A[i][j] * row[j] for j in range(3)))
        hidden[3] = 1.0
        for i in range(2):
            made[i] = sum(B[i][j] * hidden[j] for j in range(4))
            back[i] = made[i] - goal[i]
        loss = sum(each**2 for each in back) / 2
        for j in range(3):
            sent[j] = sum(B[i][j] * back[i] for i in range(2)) * (1 - hidden[j] ** 2)
        for i in range(2):
            for j in range(4):
                B[i][j] -= 0.1 * back[i] * hidden[j]
        for i in range(3):
            for j in range(3):
                A[i][j] -= 0.1 * sent[i] * row[j]
"""


def test_a_list_of_which_some_entries_are_never_moved_is_judged(tmp_path: Path) -> None:
    report = run_edited(tmp_path, WITHOUT_LAST)
    assert [each.name for each in report.examined.gradients if each.ok] == ["A", "B"]
    moved = "            for j in range(3):\n                A[i][j] -="
    (blame,) = run_edited(tmp_path, WITHOUT_LAST, (moved, moved.replace("3", "2"))).blames
    assert (blame.accused.gradients, blame.line) == (("A",), 23)


IN_TURN = """import numpy as np
rng = np.random.default_rng(5)
X, T = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
V, c, U, d = rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 4)), np.ones(4)
R = rng.normal(size=(4, 2))
held = [V, c, U, d, R]
squares = [np.zeros_like(e) for e in held]
for turn in range(40):
    h = np.tanh(X @ V + c)
    k = np.tanh(h @ U + d)
    e = (k @ R - T) / 20
    print(10 * np.sum(e ** 2))
    gR, ek = k.T @ e, e @ R.T * (1 - k ** 2)
    gU, gd = h.T @ ek, ek.sum(axis=0)
    eh = ek @ U.T * (1 - h ** 2)
    gV, gc = X.T @ eh, eh.sum(axis=0)
    slopes = [gV, gc, gU, gd, gR]
    for p, g, s in zip(held, slopes, squares):
        s += g * g
        p -= 0.05 * g / (np.sqrt(s) + 1e-8)
"""


def test_gradients_in_each_others_place_are_told_where_they_are_listed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, IN_TURN)
    assert report.exit_code == 0, str(report)
    report = run_edited(tmp_path, IN_TURN, ("[gV, gc, gU, gd,", "[gV, gd, gU, gc,"))
    told = {(each.line, each.accused.cause.kind) for each in report.blames}
    assert told == {(17, "other")}, str(report)


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (("[gV, gc, gU, gd,", "[gV, gd, gU, gc,"), 18),
        (("  held = [V, c, U, d", "  held = [V, d, U, c"), 17),
    ],
)
def test_of_two_lists_the_one_is_told_whose_order_is_not_that_of_the_program(
    edit: tuple[str, str], line: int, tmp_path: Path
) -> None:
    beside = "    slopes = ", "    held = [V, c, U, d, R]\n    slopes = "
    report = run_edited(tmp_path, IN_TURN, beside, edit)
    assert {each.line for each in report.blames} == {line}, str(report)


FILLED_IN_PART = """import math
import random
random.seed(4)
widths, speed = [2, 3, 1], [0.3, 0.1]
begin = [0, 9, 13]
p, slope, kept = [0.0] * 13, [0.0] * 13, [0.0] * 13
for k in range(2):
    for i in range(widths[k] * widths[k + 1]):
        p[begin[k] + i] = random.gauss(0.0, 1.0)
rows = [[random.gauss(0, 1), random.gauss(0, 1)] for _ in range(24)]
aims = [r[0] - 0.5 * r[1] for r in rows]
mid = [0.0] * 3
for turn in range(20):
    loss = 0.0
    for r, t in zip(rows[:6], aims[:6]):
        out = p[12]
        for j in range(3):
            s = p[6 + j]
            for i in range(2):
                s += p[i * 3 + j] * r[i]
            mid[j] = math.tanh(s)
            out += p[9 + j] * mid[j]
        loss += (out - t) ** 2 / 2
        e = out - t
        slope[12] += e
        for j in range(3):
            slope[9 + j] += e * mid[j]
            back = e * p[9 + j] * (1 - mid[j] ** 2)
            slope[6 + j] += back
            for i in range(2):
                slope[i * 3 + j] += back * r[i]
    for k in range(2):
        for n in range(begin[k], begin[k + 1]):
            g = slope[n] / 6
            kept[n] += g * g
            p[n] -= speed[k] * g / (math.sqrt(kept[n]) + 1e-6)
            slope[n] = 0.0
    print(loss / 6)
"""


@pytest.mark.seldom
def test_a_list_that_is_filled_in_part_is_moved_as_one_array(tmp_path: Path) -> None:
    report = run_edited(tmp_path, FILLED_IN_PART)
    assert report.exit_code == 0, str(report)
    assert [each.name for each in report.examined.gradients] == ["p"]
    wrong = "+= back * r[i]", "+= e * r[i]"
    (blame,) = run_edited(tmp_path, FILLED_IN_PART, wrong).blames
    assert (blame.accused.gradients, blame.line) == (("p",), 31)


NAMED_AGAIN = """import math
import random
random.seed(3)
rows = [([0, 0, 1], 0), ([0, 1, 1], 1), ([1, 0, 1], 1), ([1, 1, 1], 0)]
A = [[random.gauss(0, 1) for _ in range(3)] for _ in range(2)]
b = [random.gauss(0, 1) for _ in range(2)]
for turn in range(30):
    error = 0.0
    for x, aim in rows:
        mid = [math.tanh(sum(a * v for a, v in zip(row, x))) for row in A]
        y = 1 / (1 + math.exp(-sum(p * q for p, q in zip(b, mid))))
        off = y - aim
        error += 0.5 * off * off
        d = off * y * (1 - y)
        back = [d * b[j] * (1 - mid[j] ** 2) for j in range(2)]
        for j in range(2):
            b[j] -= 0.5 * d * mid[j]
            for i in range(3):
                A[j][i] -= 0.5 * back[j] * x[i]
    print(error)
"""


def test_an_output_error_is_told_where_it_gets_the_name_by_which_it_goes_back(
    tmp_path: Path,
) -> None:
    assert run_edited(tmp_path, NAMED_AGAIN).exit_code == 0
    report = run_edited(tmp_path, NAMED_AGAIN, ("d = off * y * (1 - y)", "d = off"))
    assert [each.line for each in report.blames] == [14], str(report)


def test_a_bias_that_stays_with_its_velocity_is_told_by_the_loop_that_passes_it_over(
    tmp_path: Path,
) -> None:
    moved = "            b[j] -= 0.5 * d * mid[j]\n"
    last = "        for j in range(3):\n            v[j] = 0.7 * v[j] - 0.5 * d * mid[j]\n"
    edits = (
        ("b = [random.gauss(0, 1) for _ in range(2)]", "b, v = [0.3, -0.2, 0.1], [0.0] * 3"),
        ("for row in A]\n", "for row in A] + [1.0]\n"),
        (
            "        for j in range(2):\n" + moved,
            f"{last}            b[j] += v[j]\n        for j in range(2):\n",
        ),
    )
    assert run_edited(tmp_path, NAMED_AGAIN, *edits).exit_code == 0
    report = run_edited(tmp_path, NAMED_AGAIN, *edits, ("for j in range(3)", "for j in range(2)"))
    assert [each.line for each in report.blames] == [16], str(report)
    assert "`for j in range(2)` passes it over" in str(report)


PREFERRED = """import math, random

rand = random.Random(5)
likes = [[0, 2], [1, 3], [2, 4], [0, 3]]
P = [[rand.gauss(0, 0.4) for _ in range(3)] for _ in range(4)]
Q = [[rand.gauss(0, 0.4) for _ in range(3)] for _ in range(5)]
c = [0.0] * 5
rate, decay = 0.1, 0.02

def margin(u, i, j):
    return c[i] - c[j] + sum(P[u][f] * (Q[i][f] - Q[j][f]) for f in range(3))

def {name}():
    pairs = [(u, i, j) for u in range(4) for i in likes[u] for j in range(5) if j not in likes[u]]
    return sum(math.log(1 + math.exp(-margin(*each))) for each in pairs) / len(pairs)

for k in range(60):
    u = rand.randrange(4)
    i, j = rand.choice(likes[u]), rand.choice([j for j in range(5) if j not in likes[u]])
    e = 1 / (1 + math.exp(margin(u, i, j)))
    for f in range(3):
        p, q, r = P[u][f], Q[i][f], Q[j][f]
        P[u][f] += rate * (e * (q - r) - decay * p)
        Q[i][f] += rate * (e * p - decay * q)
        Q[j][f] += rate * (-e * p - decay * r)
    c[i] += rate * e
    c[j] -= rate * e
    if k % 20 == 19:
        print(k, {name}())
"""


@pytest.mark.seldom
@pytest.mark.parametrize(
    ("name", "said"),
    [("verlust_gesamt", "`verlust_gesamt` gives"), ("report", "computed of an output alone")],
)
def test_an_error_without_a_target_is_declined_where_no_update_computes_its_loss(
    name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UnjudgedError, match=said):
        run_edited(tmp_path, PREFERRED.replace("{name}", name))


TOWARDS = """import math, random

rand = random.Random(8)
seen = [(u, i, rand.random()) for u in range(4) for i in range(5)]
P = [[rand.gauss(0, 0.4) for _ in range(3)] for _ in range(4)]
Q = [[rand.gauss(0, 0.4) for _ in range(3)] for _ in range(5)]
for u, i, wanted in seen:
    a = 1 / (1 + math.exp(-sum(p * q for p, q in zip(P[u], Q[i]))))
    e = (a - wanted) * (1 + a)
    for f in range(3):
        p, q = P[u][f], Q[i][f]
        P[u][f] -= 0.1 * (e * q + 0.02 * p)
        Q[i][f] -= 0.1 * (e * p + 0.02 * q)
"""


def test_an_error_of_a_target_that_no_cost_has_is_blamed(tmp_path: Path) -> None:
    report = run_edited(tmp_path, TOWARDS)
    assert [each.line for each in report.blames] == [9], str(report)
