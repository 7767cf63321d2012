"""Programs judged on what the file itself calls them with, and what is no class to judge."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance import check, check_backward
from conformance.shapes.definitions import definitions
from conformance.shapes.own_calls import own_calls
from conformance.tests.shapes.measure import judged_source as judged

FLOW = """
import numpy as np

class Field:
    def __init__(self, dim, width, rng):
        self.p = [rng.normal(size=(dim, width)), rng.normal(size=(width, dim))]

    def __call__(self, y):
        return np.tanh(y @ self.p[0]) @ self.p[1]

    def vjp(self, y, a):
        h = np.tanh(y @ self.p[0])
        d = a @ self.p[1].T * (1 - h ** 2)
        return d @ self.p[0].T, [y.T @ d, h.T @ a]

def loss_and_grad(f, y0, target, h):
    ys = [y0]
    for _ in range(3):
        ys.append(ys[-1] + h * f(ys[-1]))
    a = ys[-1] - target
    loss, g = 0.5 * np.sum(a ** 2), [np.zeros_like(q) for q in f.p]
    for y in ys[-2::-1]:
        back, dp = f.vjp(y, h * a)
        a = a + back
        for G, d in zip(g, dp):
            G += d
    return loss, g

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    f = Field(2, 4, rng)
    y0 = rng.normal(size=(5, 2))
    for step in range(4):
        loss, g = loss_and_grad(f, y0, -y0, 0.1)
        for q, d in zip(f.p, g):
            q -= 0.1 * d
"""


@pytest.mark.parametrize("there", ["a = a + back", "a = back"])
def test_parameters_that_an_argument_holds_are_found(there: str, tmp_path: Path) -> None:
    code, _, said = judged(FLOW.replace("a = a + back", there), tmp_path)
    assert code == int(there == "a = back"), said
    assert "parameters f.p[0], f.p[1]" in said


def test_a_state_that_is_returned_with_gradients_is_none(tmp_path: Path) -> None:
    source = FLOW.replace("return loss, g", "last = ys[-1]\n    return loss, g, last")
    code, _, said = judged(source.replace("loss, g = loss", "loss, g, y = loss"), tmp_path)
    assert code == 0, said
    assert "parameters f.p[0], f.p[1]" in said


FAMILY = """
import numpy as np

class Optimizer:
    def __init__(self, lr=0.01):
        self.lr = lr

    def step(self, params, grads):
        for k in params:
            self.update(k, params[k], grads[k])

class SGD(Optimizer):
    def update(self, k, p, g):
        p -= self.lr * g
"""


def test_a_class_that_others_derive_from_is_judged_by_these(tmp_path: Path) -> None:
    code, _, said = judged(FAMILY, tmp_path)
    assert code == 0, said


def test_a_wrong_sign_is_no_contrastive_divergence_where_the_loss_is_returned() -> None:
    def tracked(g: Any, z: Any, sign: float) -> tuple[Any, Any]:
        x, v, errors = z[0], 0.0, []
        for measured in z[1:]:
            errors.append(measured - x - 0.1 * v)
            x, v = x + 0.1 * v + g[0] * errors[-1], v + g[1] * errors[-1]
        lx = lv = da = db = 0.0
        for r in reversed(errors):
            da, db = da + lx * r, db + lv * r
            lx = lx - (g[0] * lx + g[1] * lv) + sign * r / len(errors)
            lv = lv + 0.1 * lx
        return 0.5 * np.sum(np.array(errors) ** 2) / len(errors), np.array([da, db])

    given = np.array([0.5, 0.2]), np.sin(np.arange(8.0))
    assert check_backward(tracked, *given, -1.0).exit_code == 0
    assert check_backward(tracked, *given, 1.0).exit_code == 1


UPDATES = """
import numpy as np

def step_back(model, z, dt):
    out = np.tanh(z @ model["W"])
    cost = 0.5 * np.sum((out - dt) ** 2)
    model["W"] = model["W"] - 0.1 * z.T @ ((out - dt) * (1 - out ** 2))
    return cost, model

def evaluated(model, z, dt):
    out = np.tanh(z @ model["W"])
    return 0.5 * np.sum((out - dt) ** 2), out

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    model, z, dt = {"W": rng.normal(size=(3, 2))}, rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    for _ in range(9):
        cost, model = step_back(model, z, dt)
        cost, out = evaluated(model, z, dt)
"""


def test_what_is_returned_beside_a_loss_may_be_no_gradient(tmp_path: Path) -> None:
    place = tmp_path / "net.py"
    place.write_text(UPDATES, encoding="utf-8")
    calls = own_calls(definitions(str(place)))
    assert [each.function.__name__ for each in calls] == ["step_back", "evaluated"]
    assert [each.found(None) for each in calls] == [None, None]


OWN_STEP = """
import numpy as np

class Rede:
    def rodar(self, tabela):
        X, y = tabela[:, :4], tabela[:, 4:]
        self.W1, self.W2 = np.random.rand(X.shape[1], 3), np.random.rand(3, 1)
        for _ in range(4):
            erro, (dW1, dW2) = self.passo(X, y)
            self.W1 = self.W1 - 0.1 * dW1
            self.W2 = self.W2 - 0.1 * dW2

    def passo(self, X, y):
        h = np.tanh(X @ self.W1)
        e = h @ self.W2 - y
        dW1, dW2 = X.T @ (e @ self.W2.T * (1 - h**2)) / len(X), h.T @ e / len(X)
        return np.mean(e**2), (dW1, dW2)

if __name__ == "__main__":
    np.random.seed(0)
    Rede().rodar(np.random.rand(10, 5))
"""


@pytest.mark.parametrize("there", ["h.T @ e / len", "2 * h.T @ e / len"], ids=["all", "one"])
def test_an_object_that_trains_itself_may_read_another_multiple_of_its_loss(
    there: str, tmp_path: Path
) -> None:
    code, _, said = judged(OWN_STEP.replace("h.T @ e / len", there), tmp_path)
    assert code == int(there.startswith("2")), said
    assert code or "0.5 times" in said


FILTER = """import numpy as np

def loss_and_grads(par, y):
    phi, q = np.tanh(par["phi_raw"]), np.exp(par["log_q"])
    e = y[1:] - phi * y[:-1] - par["shift"]
    n = len(e)
    loss = 0.5 * np.sum(np.log(q) + e**2 / q) / n
    dphi = -np.sum(e * y[:-1]) / q / n
    dq = 0.5 * np.sum(1 / q - e**2 / q**2) / n
    return loss, {"phi_raw": dphi * (1 - phi**2), "log_q": dq * q, "shift": -np.sum(e) / q / n}

if __name__ == "__main__":
    y = np.cumsum(np.random.default_rng(0).normal(size=30))
    par = {"phi_raw": -0.5, "log_q": -0.5, "shift": -0.5}
    for _ in range(20):
        loss, grads = loss_and_grads(par, y)
        par = {k: v - 0.05 * grads[k] for k, v in par.items()}
"""


@pytest.mark.parametrize(("wrong", "code"), [("dq * q", 0), ("dq", 1)])
def test_numbers_are_parameters_if_gradients_have_their_keys(
    wrong: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(FILTER.replace("dq * q", wrong))
    report = check(str(tmp_path / "net.py"))
    assert report.exit_code == code
    assert "parameters phi_raw, log_q, shift" in str(report)


LOSSES = """
import numpy as np

def counts(w, log_k, X, y, exposure):
    k, mu = np.exp(log_k), exposure * np.exp(X @ w)
    loss = np.sum((y + k) * np.log(k + mu) - k * log_k - y * np.log(mu)) / len(y)
    d_mu = ((y + k) / (k + mu) - y / mu) / len(y)
    dk = np.log(k + mu) + (y + k) / (k + mu) - log_k - 1
    return loss, {"w": X.T @ (d_mu * mu), "log_k": np.sum(dk) / len(y) * k}

def ranks(w, X, gain, margin=0.5):
    s = X @ w
    weight = np.maximum(gain[:, None] - gain[None, :], 0.0)
    gap = margin - s[:, None] + s[None, :]
    d = -weight / (1 + np.exp(-gap))
    return np.sum(weight * np.log1p(np.exp(gap))), {"w": X.T @ (d.sum(axis=1) - d.sum(axis=0))}

if __name__ == "__main__":
    rng = np.random.default_rng(2)
    X, w = rng.normal(size=(12, 3)), rng.normal(size=3)
    print(counts(w, 0.3, X, rng.poisson(2.0, 12), rng.uniform(0.5, 2, 12)))
    print(ranks(w, X, rng.integers(0, 3, size=12)))
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("", ""), ("d = -weight /", "d = -np.sign(weight) /"), ("- y / mu", "+ y / mu")],
    ids=["right", "ranks", "counts"],
)
def test_what_the_file_calls_a_loss_with_comes_first(
    right: str, wrong: str, tmp_path: Path
) -> None:
    code, lines, said = judged(LOSSES.replace(right, wrong) if right else LOSSES, tmp_path)
    assert code == int(bool(right)), said
    assert ("counts" in said, "ranks" in said) == (True, True)
    assert not right or wrong in lines[0], said


@pytest.mark.parametrize("wrong", [False, True])
def test_what_a_test_calls_a_loss_with_tells_as_well(wrong: bool, tmp_path: Path) -> None:
    source = LOSSES.replace('if __name__ == "__main__":', "def test_losses():")
    source += "    assert False\n"  # it may compare the gradients with others, and stop there
    code, lines, said = judged(
        source.replace("- y / mu", "+ y / mu") if wrong else source, tmp_path
    )
    assert code == int(wrong), said
    assert said.count("what the file calls it with in test_losses()") == len(("counts", "ranks"))
    assert not wrong or "+ y / mu" in lines[0]


TRAINED = """
import numpy as np

def squared(beta, X, y):
    r = X @ beta - y
    return 0.5 * np.mean(r ** 2), X.T @ r / len(y)

def huber(beta, X, y, bound=0.5):
    r = X @ beta - y
    small = np.abs(r) <= bound
    loss = np.where(small, 0.5 * r ** 2, bound * (np.abs(r) - 0.5 * bound)).mean()
    return loss, X.T @ np.where(small, r, bound * np.sign(r)) / len(y)

def descend(f, beta, args):
    for _ in range(200):
        loss, grad = f(beta, *args)
        beta = beta - 0.1 * grad
    return beta

if __name__ == "__main__":
    X = np.random.default_rng(0).normal(size=(20, 3))
    print(descend(squared, np.zeros(3), (X, X @ [1.0, 2.0, 3.0])))
    print(descend(huber, np.zeros(3), (X, X @ [1.0, 2.0, 3.0])))
"""


def test_each_loss_that_a_file_descends_is_judged(tmp_path: Path) -> None:
    place = tmp_path / "net.py"
    place.write_text(TRAINED, encoding="utf-8")
    found = {e.name: e.found(None) for e in own_calls(definitions(str(place)))}
    assert {name: e and e.examined.ok for name, e in found.items()} == {
        "squared": True,
        "huber": True,
    }


def test_a_loss_is_tried_with_other_settings_than_its_defaults(tmp_path: Path) -> None:
    source = TRAINED.replace("bound", "delta").replace("delta=0.5", "delta=1.0")
    wrong = source.replace("delta * np.sign(r)) /", "np.sign(r)) /")
    code, _, said = judged(wrong.replace("squared, np", "huber, np"), tmp_path)
    assert (code, "has to be multiplied by `delta`" in said) == (1, True), said


KEYED = """
import numpy as np

def step(w, b, X, y):
    r = X @ w + b - y
    return 0.5 * np.mean(r ** 2), {"w": w - 0.1 * X.T @ r / len(y), "b": b - 0.1 * r.mean()}

if __name__ == "__main__":
    X = np.random.default_rng(0).normal(size=(20, 3))
    print(step(np.ones(3), 0.5, X, X @ [1.0, 2.0, 3.0]))
"""


def test_what_a_parameter_becomes_is_no_gradient(tmp_path: Path) -> None:
    place = tmp_path / "net.py"
    place.write_text(KEYED, encoding="utf-8")
    assert [e.found(None) for e in own_calls(definitions(str(place)))] == [None]


CLIP = """
import numpy as np

def clip_loss(img, txt, log_t):
    u = img / np.linalg.norm(img, axis=1, keepdims=True)
    scale, n = np.exp(log_t), len(img)
    S = scale * u @ txt.T
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    loss = -np.log(np.diag(P)).mean()
    dS = (P - np.eye(n)) / n
    du = scale * dS @ txt
    dimg = (du - u * (du * u).sum(axis=1, keepdims=True)) / np.linalg.norm(img, axis=1)[:, None]
    dtxt = scale * dS.T @ u
    dlog_t = (dS * S).sum()
    return loss, dimg, dtxt, dlog_t
"""
CALLED = """
if __name__ == "__main__":
    rng = np.random.default_rng(0)
    print(clip_loss(rng.normal(size=(6, 4)), rng.normal(size=(6, 4)), 0.5))
"""


@pytest.mark.parametrize("main", [CALLED, ""], ids=["called", "not called"])
def test_each_argument_that_a_gradient_is_named_after_is_judged(main: str, tmp_path: Path) -> None:
    code, _, said = judged(CLIP + main, tmp_path)
    assert (code, "parameters img, txt, log_t" in said) == (0, True), said
    code, lines, said = judged(CLIP.replace("(dS * S)", "(dS / scale * S)") + main, tmp_path)
    assert (code, lines[:1]) == (1, ["dlog_t = (dS / scale * S).sum()"]), said


WORDS = """

def softmax_loss(v, index, U):
    e = np.exp(U @ v)
    d = e / e.sum()
    loss = -np.log(d[index])
    d[index] -= 1
    grad_v = U.T @ d
    grad_U = np.outer(d, v)
    return loss, grad_v, grad_U
"""


def test_a_function_that_promises_gradients_and_is_not_tried_is_named(tmp_path: Path) -> None:
    code, _, said = judged(CLIP + WORDS.replace("e.sum()", "e.unknown()") + CALLED, tmp_path)
    assert (code, "not judged: softmax_loss: " in said) == (3, True), said


LABELLED = """
import numpy as np

def loss_and_grad(W, x, label):
    u = x @ W
    e = np.exp(u - u.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss, d = 0.0, p.copy()
    for t in range(len(label)):
        loss -= np.log(p[t, label[t]])
        d[t, label[t]] -= 1
    return loss, x.T @ d

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    W = rng.normal(size=(3, 5))
    for label in ([1, 2, 3], [4, 0], [0, 3, 1, 2]):
        loss, g = loss_and_grad(W, rng.normal(size=(len(label), 3)), label)
        W -= 0.1 * g
"""


def test_what_is_right_for_the_first_labels_alone_is_not_right_elsewhere(tmp_path: Path) -> None:
    for index, right in (("label[t]", True), ("t + 1", False)):
        place = tmp_path / f"own_{right}.py"
        place.write_text(LABELLED.replace("d[t, label[t]]", f"d[t, {index}]"))
        (call,) = own_calls(definitions(str(place)))
        found = call.found(None)
        assert found is not None
        assert found.elsewhere is not None
        assert (found.examined.ok, found.elsewhere()) == (True, right)


CRITIC = """
import numpy as np

def losses(policy, critic, seen, acts, gained):
    logits = seen @ policy
    logits = logits - logits.max(axis=1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    v = seen @ critic
    gain = gained - v
    n = np.arange(len(acts))
    total = -np.mean(logp[n, acts] * gain) + 0.5 * np.mean((v - gained) ** 2)
    d = np.exp(logp)
    d[n, acts] -= 1
    d *= gain[:, None] / len(acts)
    return total, seen.T @ d, seen.T @ (v - gained) / len(acts)

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    policy, critic = np.zeros((3, 2)), np.zeros(3)
    for _ in range(50):
        seen = rng.normal(size=(16, 3))
        acts = (seen @ policy + rng.gumbel(size=(16, 2))).argmax(1)
        total, dp, dc = losses(policy, critic, seen, acts, seen[:, 0] * (2 * acts - 1))
        policy -= 0.2 * dp
        critic -= 0.1 * dc
"""


@pytest.mark.parametrize(
    ("edit", "code"),
    [(("", ""), 0), (("(v - gained) / len", "(gained - v) / len"), 1), (("-= 1", "-= 2"), 1)],
)
def test_what_a_policy_holds_constant_is_held_where_its_file_trains(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    assert judged(CRITIC.replace(*edit), tmp_path)[0] == code


DRAWN = """
import numpy as np

class Topics:
    def __init__(self, n, k):
        rng = np.random.default_rng(0)
        self.words, self.texts = rng.normal(size=(n, k)), rng.normal(size=(5, k))

    def loss_and_grads(self, text, drawn):
        seen = self.words[drawn] @ self.texts[text]
        error = 1 / (1 + np.exp(-seen))
        gwords, gtexts = np.zeros_like(self.words), np.zeros_like(self.texts)
        for place, e in zip(drawn, error):
            gwords[place] += e * self.texts[text]
        gtexts[text] = error @ self.words[drawn]
        return np.log1p(np.exp(seen)).sum(), gwords, gtexts

    def descend(self, drawings, rate):
        gw, gt = 0, 0
        for text, drawn in drawings:
            _, gwords, gtexts = self.loss_and_grads(text, drawn)
            gw, gt = gw + gwords, gt + gtexts
        self.words -= rate * gw
        self.texts -= rate * gt

if __name__ == "__main__":
    model = Topics(9, 4)
    pairs = [(0, [3, 4, 5]), (1, [6, 4, 8]), (2, [3, 7, 8]), (4, [5, 7, 5]), (3, [4, 6, 6])]
    for _ in range(20):
        model.descend(pairs, 0.1)
"""


@pytest.mark.parametrize(
    ("right", "there"),
    [
        ("gwords[place] +=", "gwords[place] +="),
        ("gwords[place] +=", "gwords[place] ="),
        ("self.texts -= rate * gt", "self.texts += rate * gt"),
    ],
    ids=["right", "overwritten where a place comes twice", "an update"],
)
def test_a_call_with_a_place_twice_and_the_training_of_the_file_are_judged_too(
    right: str, there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(DRAWN.replace(right, there), tmp_path)
    assert code == int(right != there), said
    assert all(there in each for each in lines[:1]), said


def test_what_a_file_would_write_is_not_written(tmp_path: Path) -> None:
    place = tmp_path / "kept.txt"
    kept = f"    open({str(place)!r}, 'w').write('kept')\n    for _ in range(50):"
    code, _, _ = judged(CRITIC.replace("    for _ in range(50):", kept), tmp_path)
    assert (code, place.exists()) == (0, False)


STEPS = """
import numpy as np

def step(params, batch, rate):
    loss, dW, db = 0.0, 0.0, 0.0
    for x, y in batch:
        e = np.tanh(x @ params["W"] + params["b"]) - y
        loss += 0.5 * e @ e / len(batch)
        d = e * (1 - (e + y) ** 2)
        dW, db = dW + np.outer(x, d) / len(batch), db + d / len(batch)
    grads = {"W": dW, "b": db}
    return {key: params[key] - rate * grads[key] for key in params}, loss

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    data = [(rng.normal(size=3), rng.normal(size=2)) for _ in range(20)]
    params = {"W": rng.normal(size=(3, 2)), "b": np.zeros(2)}
    for at in range(30):
        params, loss = step(params, data[at % 10:at % 10 + 5], 0.3)
    print(loss)
"""


@pytest.mark.parametrize("there", ["(e + y) ** 2", "(e + y)"], ids=["right", "wrong"])
def test_parameters_that_are_handed_to_the_next_call_are_no_gradients(
    there: str, tmp_path: Path
) -> None:
    """A batch may be a list of pairs of arrays and numbers, which are no places."""
    code, lines, said = judged(STEPS.replace("(e + y) ** 2", there), tmp_path)
    assert code == int(there == "(e + y)"), said
    assert lines[:1] in ([], ["d = e * (1 - (e + y))"])


CLASSES = """
import numpy as np

def softmax_loss(W, X, y, reg):
    dW = np.zeros(W.shape)
    loss = 0.0
    for i in range(len(X)):
        f = X[i].dot(W)
        p = np.exp(f) / np.exp(f).sum()
        loss -= np.log(p[y[i]])
        for k in range(W.shape[1]):
            dW[:, k] += (p[k] - (k == y[i])) * X[i]
    dW = dW / len(X) + 2 * reg * W
    return loss / len(X) + reg * np.sum(W * W), dW

if __name__ == "__main__":
    X = np.random.randn(5, 4)
    print(softmax_loss(0.1 * np.random.randn(4, 3), X, np.array([0, 2, 1, 0, 2]), 0.1)[0])
"""
WRONG = "dW[:, k] += (p[k] - (i == y[i])) * X[i]"


def test_what_a_method_of_the_data_gives_is_followed(tmp_path: Path) -> None:
    code, _, said = judged(CLASSES, tmp_path)
    assert code == 0, said
    assert "leaves NumPy" not in said
    code, (line, *_), said = judged(CLASSES.replace("(k == y", "(i == y"), tmp_path)
    assert (code, line) == (1, WRONG), said


@pytest.mark.seldom
def test_a_part_of_a_column_is_blamed_on_its_line(tmp_path: Path) -> None:
    wrong = CLASSES.partition("if __name__")[0].replace("(k == y", "(i == y")
    code, (line, *_), said = judged(wrong, tmp_path)
    assert (code, line) == (1, WRONG), said


GERMAN = """import numpy as np
def verlust(Y, Z):
    d = Y - Z
    return 0.5 * np.mean(d ** 2), d / d.size
def main():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(2, 1))
    for step in range(3):
        X = rng.normal(size=(6, 4, 2))
        Z = X.sum(axis=2, keepdims=True) ** 2
        L, dY = verlust(X @ w, Z)
        w = w - 0.1 * np.einsum('tbi,tbo->io', X, dY)
if __name__ == '__main__':
    main()
"""


@pytest.mark.parametrize(
    ("edit", "code"), [(("", ""), 0), (("d / d.size", "d * abs(d) / d.size"), 1)]
)
def test_a_gradient_is_of_whichever_argument_it_is_right_for(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    found, _, said = judged(GERMAN.replace(*edit) if code else GERMAN, tmp_path)
    assert (found, said.count("verlust(Y, Z) gives")) == (code, 1), said


OF_STEPS = """import numpy as np
def squared_error(ys, goals):
    n = len(ys) * ys[0].size
    total = sum(((y - g) ** 2).sum() for y, g in zip(ys, goals))
    return total / n, [2 * (y - g) / n for y, g in zip(ys, goals)]
"""
CALLED_WITH_STEPS = """if __name__ == '__main__':
    rng = np.random.default_rng(0)
    ys, goals = [list(rng.normal(size=(4, 1, 3))) for _ in range(2)]
    print(squared_error(ys, goals)[0])
"""


@pytest.mark.parametrize("main", [CALLED_WITH_STEPS, ""], ids=["called", "not called"])
@pytest.mark.parametrize("wrong", [False, pytest.param(True, marks=pytest.mark.seldom)])
def test_the_gradients_in_a_list_are_of_whichever_argument_they_are_right_for(
    wrong: bool, main: str, tmp_path: Path
) -> None:
    source = OF_STEPS.replace("[2 * (y - g)", "[(y - g)") if wrong else OF_STEPS
    code, _, said = judged(source + main, tmp_path)
    assert (code, "parameters ys" in said) == (int(wrong), not wrong), said


HANDED = """import numpy as np
def counts(beta, X, y, offset):
    eta = X @ beta + offset
    mu = np.exp(eta)
    return np.mean(mu - y * eta), X.T @ (mu - y) / len(y)
def descend(fun, start, args, lr, n_iter):
    par = start.copy()
    for it in range(n_iter):
        f, g = fun(par, *args)
        par -= lr * g
    return par
if __name__ == "__main__":
    rng = np.random.RandomState(5)
    X, off = rng.randn(20, 2), rng.randn(20)
    y = rng.poisson(np.exp(X @ np.array([0.3, 0.5]) + off)).astype(float)
    print(descend(counts, np.zeros(2), (X, y, off), 0.1, 20))
"""


@pytest.mark.parametrize(("edit", "code"), [(("", ""), 0), (("par -= lr", "par += lr"), 1)])
def test_a_training_that_is_handed_a_loss_and_its_data_is_judged_on_these(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    found, _, said = judged(HANDED.replace(*edit) if code else HANDED, tmp_path)
    assert (found, "wrong: the update of par" in said) == (code, bool(code)), said
    assert "descend: 1 gradient, all right" in said


SVM = """
import numpy as np

def svm(w, b, X, y):
    return (np.maximum(0, 1 - y * (X @ w + b)) ** 2).mean()

def svm_grad(w, b, X, y):
    r = -2 * y * np.maximum(0, 1 - y * (X @ w + b)) / len(y)
    return X.T @ r, r.sum()

if __name__ == "__main__":
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 5))
    y = np.where(X @ rng.normal(size=5) > 0, 1.0, -1.0)
    w, b = np.zeros(5), 0.0
    for _ in range(50):
        gw, gb = svm_grad(w, b, X, y)
        w = np.sign(w - 0.1 * gw) * np.maximum(np.abs(w - 0.1 * gw) - 0.001, 0)
        b = b - 0.1 * gb
    print(svm(w, b, X, y))
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_a_number_that_sums_what_a_gradient_is_a_product_of_is_no_loss(
    wrong: bool, tmp_path: Path
) -> None:
    source = SVM.replace("r = -2 * y", "r = -2") if wrong else SVM
    code, lines, said = judged(source, tmp_path)
    assert code == wrong, said
    assert all(each.startswith("r = -2 *") for each in lines), said
