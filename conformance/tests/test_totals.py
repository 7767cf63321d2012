"""A total of losses times the sizes of their batches is not what the gradients are of."""

from pathlib import Path

from conformance.tests.scripts import run_edited

SCRIPT = """import numpy as np

rng = np.random.default_rng(5)
X = rng.normal(size=(60, 3))
T = (X[:, :1] > 0.2).astype(float)
w, b = rng.normal(size=(3, 1)) * 0.4, np.zeros(1)
velocity = np.zeros_like(w)

def entropy(z, t):
    return np.mean(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))))

for epoch in range(3):
    total = 0.0
    for s in range(0, 60, 20):
        x, t = X[s : s + 20], T[s : s + 20]
        z = x @ w + b
        total += entropy(z, t) * len(x)
        d = (1 / (1 + np.exp(-z)) - t) / z.size
        velocity = 0.9 * velocity - 0.1 * (x.T @ d + 0.01 * w)
        w += velocity
        b -= 0.1 * d.sum(axis=0)
    print(epoch, total / len(X))
"""


def test_a_loss_with_a_decay_beside_it_is_that_of_the_batch(tmp_path: Path) -> None:
    report = run_edited(tmp_path, SCRIPT)
    assert report.exit_code == 0, str(report)
    assert "weight decay 0.01 beside it" in str(report)
    assert "times those of the loss" not in str(report)


STOPS = """import numpy as np

rng = np.random.default_rng(5)
X = rng.normal(size=(40, 3))
y = rng.poisson(np.exp(0.3 + 0.4 * X[:, 0])).astype(float)
w, b, lam = np.zeros(3), np.zeros(1), 0.1

def loss(w, b):
    s = X @ w + b
    return np.mean(np.exp(s) - y * s) + 0.5 * lam * np.sum(w**2)

losses = [loss(w, b)]
for k in range(9):
    e = np.exp(X @ w + b) - y
    dw = X.T @ e / len(y) + lam * w
    db = np.array([e.mean()])
    w, b = w - 0.1 * dw, b - 0.1 * db
    losses.append(loss(w, b))
    if abs(losses[-2] - losses[-1]) < 1e-9:
        break
"""


def test_how_a_loss_has_changed_is_no_loss(tmp_path: Path) -> None:
    report = run_edited(tmp_path, STOPS)
    assert (report.exit_code, "goes up" in str(report)) == (0, False), str(report)


def test_a_decay_that_the_loss_lacks_is_seen_beside_a_test_of_its_change(tmp_path: Path) -> None:
    report = run_edited(tmp_path, STOPS, ("[e.mean()])", "[e.mean()]) + lam * b"))
    assert [each.line for each in report.blames] == [16], str(report)
