"""Parameters that are never moved, where their gradients are computed, and others that are."""

from pathlib import Path

import pytest

from conformance.tests.scripts import run_edited
from conformance.tests.shapes.measure import judged_source

LAYERS = """import numpy as np
gen = np.random.RandomState(1)
X = gen.randn(30, 3)
T = np.tanh(X @ gen.randn(3, 2))
class Net:
    def __init__(self):
        self.w = [gen.randn(3, 5) * 0.5, gen.randn(5, 2) * 0.5]
        self.b = [np.zeros(5), np.zeros(2)]
    def run(self, x):
        self.a = [x]
        for w, b in zip(self.w, self.b):
            self.a.append(np.tanh(self.a[-1] @ w + b))
        return self.a[-1]
    def back(self, t):
        d = 2 * (self.a[2] - t) / t.size * (1 - self.a[2] ** 2)
        e = d @ self.w[1].T * (1 - self.a[1] ** 2)
        return [self.a[0].T @ e, self.a[1].T @ d], [e.sum(0), d.sum(0)]
    def move(self, gw, gb, rate):
        for k in range(2):
            self.w[k] -= rate * gw[k]
            self.b[k] -= rate * gb[k]
net = Net()
for turn in range(20):
    print(np.mean((net.run(X) - T) ** 2))
    net.move(*net.back(T), 0.5)
"""


def test_weights_that_stay_where_biases_move_are_told(tmp_path: Path) -> None:
    report = run_edited(tmp_path, LAYERS, ("            self.w[k] -= rate * gw[k]\n", ""))
    told = [(each.gradients, each.accused.cause.kind, each.line) for each in report.blames]
    assert told == [(("self.w[0]", "self.w[1]"), "still", 17)], str(report)


@pytest.mark.parametrize("kept", ["list", "dict"])
def test_the_loop_that_passes_the_last_layer_over_is_told(kept: str, tmp_path: Path) -> None:
    as_dict = ("self.b = [np.zeros(5), np.zeros(2)]", "self.b = {0: np.zeros(5), 1: np.zeros(2)}")
    held = [as_dict, ("self.w, self.b):", "self.w, self.b.values()):")] * (kept == "dict")
    report = run_edited(tmp_path, LAYERS, *held, ("for k in range(2)", "for k in range(1)"))
    told = {(each.gradients, each.accused.cause.kind, each.line) for each in report.blames}
    assert told == {(("self.w[1]", "self.b[1]"), "still", 19)}, str(report)
    assert "`for k in range(1)` passes it over" in str(report)


@pytest.mark.parametrize("sign", ["", "-"], ids=["gradient", "negative"])
def test_a_gradient_that_is_put_into_the_list_of_its_parameters_is_told(
    sign: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, LAYERS, ("self.b[k] -= rate", f"self.b[k] = {sign}rate"))
    assert [each.line for each in report.blames] == [21], str(report)


CRITIC = """import numpy as np
gen = np.random.default_rng(4)
A, w, v, u = gen.normal(size=(3, 5)), gen.normal(size=(5, 4)), gen.normal(size=3), np.zeros(1)
for turn in range(30):
    s = gen.normal(size=(25, 3))
    h = np.tanh(s @ A)
    e = np.exp(h @ w)
    p = e / e.sum(axis=1)[:, None]
    a = np.minimum((p.cumsum(axis=1) < gen.random((25, 1))).sum(axis=1), 3)
    better = (a == np.argmax(s @ np.ones((3, 4)), axis=1)) - s @ v - u
    actor = -np.mean(better * np.log(p[np.arange(25), a]))
    critic = np.mean(better ** 2) / 2
    d = better[:, None] * (p - np.eye(4)[a]) / 25
    dw, dA = h.T @ d, s.T @ (d @ w.T * (1 - h ** 2))
    dv, du = -s.T @ better / 25, -np.mean(better)
    w -= 0.2 * dw
    A -= 0.2 * dA
    v -= 0.1 * dv
    u -= 0.1 * du
    print(turn, actor, critic)
"""


@pytest.mark.parametrize(
    ("left", "line"), [("", 0), ("    A -= 0.2 * dA\n", 14), ("    w -= 0.2 * dw\n", 14)]
)
def test_of_several_losses_what_is_left_out_by_the_update_of_one_is_told(
    left: str, line: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, CRITIC, *[(left, "")] * bool(left))
    told = [(each.accused.cause.kind, each.line) for each in report.blames]
    assert told == [("still", line)] * bool(line), str(report)


def test_what_a_layer_gives_its_input_moves_nothing_and_is_right(tmp_path: Path) -> None:
    edits = ("return [self.a", "self.dx = e @ self.w[0].T\n        return [self.a")
    assert run_edited(tmp_path, LAYERS, edits).exit_code == 0


BLOCKS = """import numpy as np
gen = np.random.default_rng(6)
class Block:
    def __init__(self, n, m):
        self.w, self.c = gen.normal(size=(n, m)) / 2, np.zeros(m)
        self.dw, self.dc = np.zeros((n, m)), np.zeros(m)
    def up(self, x):
        self.x, self.y = x, np.tanh(x @ self.w + self.c)
        return self.y
    def down(self, g):
        d = g * (1 - self.y ** 2)
        self.dw, self.dc = self.x.T @ d, d.sum(0)
        return d @ self.w.T
blocks = [Block(3, 6), Block(6, 4), Block(4, 2)]
X = gen.normal(size=(25, 3))
T = np.tanh(X[:, :2])
for turn in range(20):
    out = X
    for block in blocks:
        out = block.up(out)
    loss = np.mean((out - T) ** 2)
    g = 2 * (out - T) / T.size
    for k in range(2, -1, -1):
        g = blocks[k].down(g)
    for block in blocks:
        block.w -= 0.4 * block.dw
        block.c -= 0.4 * block.dc
"""


def test_a_layer_that_the_backward_pass_leaves_out_is_told(tmp_path: Path) -> None:
    assert run_edited(tmp_path, BLOCKS).exit_code == 0
    report = run_edited(tmp_path, BLOCKS, ("range(2, -1, -1)", "range(2, 0, -1)"))
    told = [(each.accused.cause.kind, each.line) for each in report.blames]
    assert sorted(told) == [("zero", 26), ("zero", 27)], str(report)


def test_a_velocity_that_is_put_over_before_it_is_read_is_told(tmp_path: Path) -> None:
    class_, moved = "        self.dw, self.dc = ", "        block.w -= 0.4 * block.dw\n"
    begun = class_.replace("self.dw", "self.vw, self.dw").replace("= ", "= np.zeros((n, m)), ")
    kept = (
        "        block.vw *= 0.7\n        block.vw += block.dw\n        block.w -= 0.4 * block.vw\n"
    )
    text = BLOCKS.replace(f"{class_}np.zeros", f"{begun}np.zeros", 1).replace(moved, kept)
    assert run_edited(tmp_path, text).exit_code == 0
    report = run_edited(tmp_path, text, ("block.vw += block.dw", "block.vw = block.dw"))
    told = [(each.accused.cause.kind, each.line) for each in report.blames]
    assert told == [("unread", 27)], str(report)


KEYED = """import numpy as np
gen = np.random.default_rng(2)
X = gen.normal(size=(20, 3))
T = np.sin(X[:, :1])
net = {"w": gen.normal(size=(3, 4)), "b": np.zeros(4), "v": gen.normal(size=(4, 1))}
def gradients(net):
    h = np.tanh(X @ net["w"] + net["b"])
    d = 2 * (h @ net["v"] - T) / len(X)
    e = d @ net["v"].T * (1 - h ** 2)
    print(np.mean((h @ net["v"] - T) ** 2))
    return {"w": X.T @ e, "b": e.sum(0), "v": h.T @ d}
def fit(net, learnt):
    for turn in range(20):
        g = gradients(net)
        for key in learnt:
            net[key] = net[key] - 0.1 * g[key]
fit(net, ["b", "v"])
"""


@pytest.mark.parametrize(
    ("keys", "wrong"), [("learnt", 0), ('("b", "v")', 1)], ids=["handed", "own"]
)
def test_what_is_not_among_the_keys_that_a_function_is_handed_is_frozen(
    keys: str, wrong: int, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, KEYED, ("in learnt", f"in {keys}"))
    assert report.exit_code == wrong, str(report)


@pytest.mark.parametrize(
    ("kept", "lines"),
    [
        ("beta * block.vw + (1 - beta) * block.dw", []),
        ("(1 - alpha) * block.vw + alpha * block.dw", []),
        ("(1 - beta) * block.vw + beta * block.dw", [28]),
    ],
    ids=["right", "other share", "exchanged"],
)
def test_the_shares_of_a_mean_are_exchanged_if_it_keeps_the_rest(
    kept: str, lines: list[int], tmp_path: Path
) -> None:
    begun = (
        "        self.dw, self.dc = np.zeros",
        "        self.vw = 0.0\n        self.dw, self.dc = np.zeros",
    )
    moved = "block.w -= 0.4 * block.dw", f"block.vw = {kept}\n        block.w -= 0.4 * block.vw"
    start = "blocks = [Block(3", "alpha, beta = 0.3, 0.8\nblocks = [Block(3"
    bias = "        block.c -= 0.4 * block.dc\n", ""
    report = run_edited(tmp_path, BLOCKS, begun, moved, start, bias)
    assert [each.line for each in report.blames if each.accused.cause.kind == "shares"] == lines


OFFSET_STAYS = """import numpy as np
rs = np.random.RandomState(4)
points, goal = rs.randn(30, 3), rs.randn(30, 2)
slopes, offset = rs.randn(3, 2) * 0.3, np.zeros(2)
for turn in range(4):
    gap = points.dot(slopes) + offset - goal
    print(0.5 * np.sum(gap**2) / 30)
    slopes -= 0.1 * points.T.dot(gap) / 30
"""


KEPT_OFFSET = OFFSET_STAYS.replace("np.zeros(2)", "0.0").replace(
    "    slopes -= 0.1 * points.T.dot(gap) / 30\n",
    """    g, u = points.T.dot(gap) / 30, gap.sum() / 30
    squares, square = squares + g ** 2, square + u ** 2
    slopes = slopes - 0.1 * g / np.sqrt(squares)
    offset = offset - 0.1 * u / np.sqrt(square)
""",
)
KEPT_OFFSET = KEPT_OFFSET.replace("for turn", "squares, square = np.zeros((3, 2)), 0.0\nfor turn")


@pytest.mark.parametrize(("offset", "lines"), [(None, []), ("", [9])], ids=["moved", "left out"])
def test_a_number_of_whose_gradient_squares_are_kept_and_that_stays_is_told(
    offset: str | None, lines: list[int], tmp_path: Path
) -> None:
    moved = "    offset = offset - 0.1 * u / np.sqrt(square)\n"
    report = run_edited(tmp_path, KEPT_OFFSET, (moved, moved if offset is None else offset))
    assert [each.line for each in report.blames] == lines, str(report)


def test_zeros_that_are_added_as_a_bias_is_and_stay_are_noted(tmp_path: Path) -> None:
    report = run_edited(tmp_path, OFFSET_STAYS)
    assert report.exit_code == 0
    assert "offset is used as the parameters are, and is not updated" in str(report)


REBOUND = """import numpy as np
def start(n_in, n_out):
    rng = np.random.RandomState(4)
    return [rng.randn(n_in, n_out) * 0.4, np.zeros(n_out)]
def gradients(params, X, Y):
    out = X @ params[0] + params[1]
    d = (out - Y) / len(X)
    return 0.5 * np.sum((out - Y) ** 2) / len(X), [X.T @ d, d.sum(axis=0)]
def step(params, grads, rate=0.1):
    for p, g in zip(params, grads):
        p = p - rate * g
"""


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("p = p - rate * g", ["p = p - rate * g"]),
        ("p = rate * g", ["p = rate * g"]),
        ("p -= rate * g", []),
        ("p[:] = p - rate * g", []),
    ],
)
def test_a_function_that_gives_a_name_to_what_it_makes_of_a_parameter_moves_none(
    line: str, lines: list[str], tmp_path: Path
) -> None:
    code, said, _ = judged_source(REBOUND.replace("p = p - rate * g", line), tmp_path)
    assert (code, said) == (int(bool(lines)), lines)


ACCUMULATED = """kept = []
def step(params, grads, rate=0.1):
    if not kept:
        kept.extend([0] + [np.zeros_like(each) for each in params])
    kept[0] += 1
    for sums, g in zip(kept[1:], grads):
        sums += g
    if kept[0] % 4 == 0:
        for p, sums in zip(params, kept[1:]):
            p -= rate * sums / 4
            sums[:] = 0
"""


def test_gradients_that_a_module_adds_up_for_some_steps_are_kept(tmp_path: Path) -> None:
    source = REBOUND[: REBOUND.index("def step")] + ACCUMULATED
    assert judged_source(source, tmp_path)[0] == 0


MARGIN = """import numpy as np
rs = np.random.RandomState(5)
near, far = rs.randn(40, 4), rs.randn(40, 4)
V, gap = rs.randn(4), GAP
for turn in range(4):
    late = near.dot(V) - far.dot(V) + gap
    d = (late > 0) * 1.0 / len(late)
    print(np.sum(late * d), np.sum(late > 0), d.sum())
    V = V - 0.1 * (near - far).T.dot(d)
"""


@pytest.mark.parametrize("gap", ["0.4", "np.array(0.4)"])
def test_the_share_of_samples_within_a_margin_is_no_gradient_of_it(
    gap: str, tmp_path: Path
) -> None:
    report = run_edited(tmp_path, MARGIN, ("GAP", gap))
    assert report.exit_code == 0, str(report)
