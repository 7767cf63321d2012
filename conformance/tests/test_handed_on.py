"""Backward passes that no reading tries: of other names, or of which a caller takes a part."""

from pathlib import Path

from conformance.tests.shapes.measure import judged_source as judged

NETWORK = """
import numpy as np

class Schicht:
    def __init__(self, n, m, keim):
        self.W = np.random.default_rng(keim).normal(size=(n, m))
        self.v = np.zeros(m)

    def vorwaerts(self, x):
        self.x, self.y = x, np.tanh(x @ self.W + self.v)
        return self.y

    def rueckwaerts(self, d):
        d = d * (1 - self.y ** 2)
        self.dW, self.dv = self.x.T @ d, d.sum(0)
        return d @ self.W.T

class Netz:
    def __init__(self):
        self.teile = [Schicht(2, 4, 1), Schicht(4, 3, 2)]

    def vorwaerts(self, x):
        for teil in self.teile:
            x = teil.vorwaerts(x)
        return x

    def rueckwaerts(self, d):
        for teil in self.teile[::-1]:
            d = teil.rueckwaerts(d)

def cross_entropy(z, y):
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return -(y * np.log(p)).sum() / len(z), (p - y) / len(z)

def lerne(netz, x, y):
    for i in range(5):
        verlust, d = cross_entropy(netz.vorwaerts(x), y)
        netz.rueckwaerts(d)
        for teil in netz.teile:
            teil.W -= 0.1 * teil.dW
            teil.v -= 0.1 * teil.dv

if __name__ == "__main__":
    zufall = np.random.default_rng(0)
    lerne(Netz(), zufall.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2]])
"""


def test_a_backward_pass_of_unknown_names_is_judged_by_a_run(tmp_path: Path) -> None:
    code, _, said = judged(NETWORK, tmp_path)
    assert (code, "4 gradients, all right" in said) == (0, True), said
    assert "note: of Netz and Schicht, only what these updates use is judged" in said, said
    code, lines, said = judged(NETWORK.replace("d.sum(0)", "d.mean(0)"), tmp_path)
    assert (code, lines[:1]) == (1, ["self.dW, self.dv = self.x.T @ d, d.mean(0)"]), said


def test_a_backward_pass_that_no_run_shows_is_said_not_to_be_judged(tmp_path: Path) -> None:
    data = 'np.load("daten.npy"), np.load("ziele.npy")'
    source = NETWORK.replace("zufall.normal(size=(6, 2)), np.eye(3)[[0, 1, 2, 0, 1, 2]]", data)
    code, _, said = judged(source, tmp_path)
    assert (code, "not judged: Netz: " in said) == (3, True), said


CLOSURES = """
import numpy as np

def dense(W):
    def begin(X):
        def give_back(dY):
            W[...] -= 0.1 * X.T @ dY
            return dY @ W.T
        return X @ W, give_back
    return begin

def squared_hinge(scores, t):
    m = np.maximum(0, 1 - t * scores)
    return (m ** 2).mean(), -2 * t * m / scores.size

def main(path):
    X, t = np.load(path)
    model = dense(np.ones((2, 3)))
    for i in range(3):
        scores, back = model(X)
        loss, d = squared_hinge(scores, t)
        back(d)

if __name__ == "__main__":
    main("data.npy")
"""


def test_a_backward_pass_that_the_forward_pass_returns_is_told(tmp_path: Path) -> None:
    code, _, said = judged(CLOSURES, tmp_path)
    assert (code, "not judged: dense: " in said) == (3, True), said


UPDATED = """
import numpy as np

def loss_and_grad(w, x, y):
    d = x @ w - y
    return 0.5 * (d ** 2).mean(), x.T @ d / len(x)

def take(w, g):
    return w - 0.1 * g

def main(path):
    x, y = np.load(path)
    w = np.zeros(x.shape[1])
    for i in range(3):
        loss, g = loss_and_grad(w, x, y)
        w = take(w, g)

if __name__ == "__main__":
    main("data.npy")
"""


def test_an_update_is_no_backward_pass(tmp_path: Path) -> None:
    code, _, said = judged(UPDATED, tmp_path)
    assert (code, "not judged" in said) == (0, False), said


ATTENTION = """
import numpy as np

def attend(params, query, memory, lengths):
    score = np.einsum("bd,btd->bt", query @ params["Q"], memory)
    score = np.where(np.arange(memory.shape[1]) < lengths[:, None], score, -np.inf)
    w = np.exp(score - score.max(axis=1, keepdims=True))
    w = w / w.sum(axis=1, keepdims=True)
    return np.einsum("bt,btd->bd", w, memory), (query, memory, w)

def attend_grad(params, dctx, cache):
    query, memory, w = cache
    dw = np.einsum("bd,btd->bt", dctx, memory)
    dscore = w * (dw - (w * dw).sum(axis=1, keepdims=True))
    dq = np.einsum("bt,btd->bd", dscore, memory)
    dmemory = w[:, :, None] * dctx[:, None] + dscore[:, :, None] * (query @ params["Q"])[:, None]
    return {"Q": query.T @ dq}, dq @ params["Q"].T, dmemory

def loss_and_grads(params, query, memory, lengths, y):
    ctx, cache = attend(params, query, memory, lengths)
    d = ctx @ params["w"] - y
    grads, _, _ = attend_grad(params, np.outer(d, params["w"]) / len(y), cache)
    return 0.5 * np.mean(d ** 2), {**grads, "w": ctx.T @ d / len(y)}

if __name__ == "__main__":
    rng = np.random.default_rng(8)
    params = {"Q": rng.normal(size=(4, 4)), "w": rng.normal(size=4)}
    for i in range(3):
        q, memory, lengths = rng.normal(size=(5, 4)), rng.normal(size=(5, 6, 4)), [3, 2, 6, 4, 2]
        loss, grads = loss_and_grads(params, q, memory, np.array(lengths), q[:, 0])
        for k in params:
            params[k] = params[k] - 0.5 * grads[k]
"""


def test_what_a_caller_discards_of_a_pair_is_judged_on_what_the_file_gives(tmp_path: Path) -> None:
    code, _, said = judged(ATTENTION, tmp_path)
    assert (code, "attend_grad: 3 gradients, all right" in said) == (0, True), said
    code, lines, said = judged(ATTENTION.replace("w[:, :, None] * dctx[:, None] + ", ""), tmp_path)
    assert (code, [line[:19] for line in lines[:1]]) == (1, ["dmemory = dscore[:,"]), said


LAYERS = """
import numpy as np

class Causal:
    def __init__(self, c_in, c_out, k, dilation, rng):
        self.w = rng.standard_normal((k, c_in, c_out))
        self.k, self.dil = k, dilation

    def forward(self, x):
        pad, T = (self.k - 1) * self.dil, x.shape[1]
        self.xp = np.pad(x, ((0, 0), (pad, 0), (0, 0)))
        return sum(self.xp[:, j * self.dil:j * self.dil + T] @ self.w[j] for j in range(self.k))

    def backward(self, dy):
        pad, T = (self.k - 1) * self.dil, dy.shape[1]
        self.dw, dxp = np.zeros_like(self.w), np.zeros_like(self.xp)
        for j in range(self.k):
            part = slice(j * self.dil, j * self.dil + T)
            self.dw[j] = np.einsum("bti,bto->io", self.xp[:, part], dy)
            dxp[:, part] += dy @ self.w[j].T
        return dxp[:, pad:]

class Stack:
    def __init__(self, ch, dilation, rng):
        self.first = Causal(1, ch, 2, dilation, rng)
        self.last = Causal(ch, 1, 1, dilation, rng)

    def forward(self, x):
        return self.last.forward(self.first.forward(x))

    def backward(self, dy):
        return self.first.backward(self.last.backward(dy))

if __name__ == "__main__":
    rng = np.random.default_rng(3)
    net = Stack(5, 2, rng)
    for i in range(4):
        s = np.sin(0.5 * np.arange(9) + rng.uniform(0, 6, (4, 1)))[:, :, None]
        r = net.forward(s[:, :-1]) - s[:, 1:]
        net.backward(r / np.sqrt(r ** 2 + 0.01) / r.size)
        for each in (net.first, net.last):
            each.w -= 0.1 * each.dw
"""


def test_layers_are_judged_as_the_file_makes_and_calls_them(tmp_path: Path) -> None:
    code, _, said = judged(LAYERS, tmp_path)
    assert (code, said.count("all right"), "not judged" in said) == (0, 2, False), said
    code, lines, said = judged(LAYERS.replace("dxp[:, pad:]", "dxp[:, :T]"), tmp_path)
    assert (code, lines, "Stack" in said) == (1, ["return dxp[:, :T]"], False), said
