"""Losses that are judged alone: what they are given is chosen before a verdict is looked at."""

from pathlib import Path

import numpy as np
import pytest

from conformance.api import check
from conformance.file_check import check_file, check_object
from conformance.file_process import Asked
from conformance.shapes.definitions import definitions
from conformance.shapes.function_sources import gives_outputs
from conformance.tests.shapes.measure import judged_source

LOSSES = """\
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def huber(pred, target, delta=1.0):
    r = pred - target
    near = np.abs(r) <= delta
    loss = np.where(near, r**2 / 2, delta * (np.abs(r) - delta / 2)).mean()
    return loss, np.where(near, r, delta * np.sign(r)) / r.size


def pinball_loss(pred, target, tau=0.9):
    e = target - pred
    loss = np.mean(np.maximum(tau * e, (tau - 1) * e))
    return loss, np.where(e > 0, -tau, 1 - tau) / e.size


def distillation_loss(logits, teacher_logits, T):
    p, q = softmax(teacher_logits / T), softmax(logits / T)
    loss = np.sum(p * (np.log(p) - np.log(q))) * T**2 / len(p)
    return loss, (q - p) * T / len(p)


def poisson_nll(log_rate, counts):
    loss = np.mean(np.exp(log_rate) - counts * log_rate)
    return loss, (np.exp(log_rate) - counts) / counts.size


def logistic_loss(prob, label):
    prob = np.clip(prob, 1e-7, 1 - 1e-7)
    loss = -np.mean(label * np.log(prob) + (1 - label) * np.log(1 - prob))
    return loss, (prob - label) / (prob * (1 - prob)) / label.size


def triplet_loss(a, p, n, margin=0.5):
    apart = ((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + margin
    on = (apart > 0)[:, None] * 2 / len(a)
    return np.maximum(0, apart).mean(), (on * (n - p), on * (p - a), on * (a - n))


def matching_loss(z1, z2):
    s = z1 @ z2.T
    p = softmax(s)
    ds = (p - np.eye(len(s))) / len(s)
    dz1 = ds @ z2
    dz2 = ds.T @ z1
    return -np.log(np.diag(p)).mean(), dz1, dz2


def contrastive(x1, x2, same, margin=1.0):
    d = np.sqrt(((x1 - x2) ** 2).sum(axis=1))
    loss = np.mean(same * d**2 + (1 - same) * np.maximum(0, margin - d) ** 2)
    dd = 2 * (same * d - (1 - same) * np.maximum(0, margin - d)) / len(d)
    g = (dd / d)[:, None] * (x1 - x2)
    return loss, g, -g


def weighted_ce_loss(logits, targets, class_weights):
    p, w = softmax(logits), targets @ class_weights
    loss = -np.sum(w[:, None] * targets * np.log(p)) / len(p)
    return loss, w[:, None] * (p - targets) / len(p)


def weighted_mse_loss(pred, target, weights):
    r = pred - target
    return np.mean(weights[:, None] * r**2), 2 * weights[:, None] * r / r.size
"""

FAULTS = {
    "huber": (", r, delta * np.sign", ", r, 2 * delta * np.sign"),
    "pinball_loss": ("-tau, 1 - tau", "-tau, tau - 1"),
    "distillation_loss": ("(q - p) * T", "(q - p)"),
    "poisson_nll": ("(np.exp(log_rate) - counts) /", "(log_rate - counts) /"),
    "logistic_loss": ("(prob - label) / (prob * (1 - prob))", "(prob - label) / prob"),
    "triplet_loss": ("(on * (n - p)", "(on * (p - n)"),
    "matching_loss": ("ds.T @ z1", "ds @ z1"),
    "contrastive": ("g = (dd / d)", "g = dd"),
    "weighted_ce_loss": ("w[:, None] * (p", "(p"),
    "weighted_mse_loss": ("2 * weights[:, None] * r", "2 * r"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_data_in_which_a_fault_does_not_show_clear_no_loss(name: str, tmp_path: Path) -> None:
    for file, source in (("right", LOSSES), ("wrong", LOSSES.replace(*FAULTS[name]))):
        place = tmp_path / f"{name}_{file}.py"
        place.write_text(source, encoding="utf-8")
        judged = check_object(getattr(definitions(str(place)).module, name), None)
        assert judged is not None
        assert judged.exit_code == (file == "wrong"), str(judged)


def test_a_setting_that_is_1_by_default_hides_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    source = (
        "import numpy as np\n\n\ndef sharpened_loss(pred, target, temperature=1.0):\n"
        "    r = np.tanh(pred / temperature) - target\n"
        "    return 0.5 * np.sum(r**2), r * (1 - (r + target) ** 2) / temperature\n"
    )
    for there, code in ((source, 0), (source.replace(" / temperature\n", "\n"), 1)):
        file.write_text(there, encoding="utf-8")
        report = check_file(Asked(str(file)), check)
        assert report.exit_code == code, str(report)


def test_a_loss_that_cannot_be_judged_is_told(tmp_path: Path) -> None:
    file = tmp_path / "losses.py"
    refused = "def rank_loss(z, pairs):\n    dz = z[pairs['better']]\n    return dz.sum(), dz\n"
    number = "def mean_loss(pred, target):\n    return np.mean(pred - target), np.max(pred)\n"
    file.write_text(f"{LOSSES}\n\n{refused}\n\n{number}", encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert [each.name.rpartition(":")[2] for each in report.left] == ["rank_loss"]
    assert (report.exit_code, len(report.parts)) == (3, len(FAULTS))


MEAN = """\
import numpy as np


def mse_loss(pred, target):
    d = pred - target
    return np.mean(d ** 2), 2 * d / len(d)
"""
CALLED = """
if __name__ == "__main__":
    print(mse_loss(np.ones((8, 3)), np.zeros((8, 3)))[0])
"""


def test_one_output_clears_no_loss_that_the_file_calls_with_several(tmp_path: Path) -> None:
    file = tmp_path / "mean.py"
    file.write_text(MEAN, encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == 0
    assert "note: right for one output; for several the gradient is not that of" in str(report)
    file.write_text(MEAN + CALLED, encoding="utf-8")
    (part,) = check_file(Asked(str(file)), check).parts
    assert part.exit_code == 1
    assert "`2 * d / len(d)`" in str(part)


def test_a_gradient_that_is_0_but_for_rounding_clears_no_loss(tmp_path: Path) -> None:
    file = tmp_path / "cosine.py"
    file.write_text(COSINE, encoding="utf-8")
    judged = check_object(definitions(str(file)).module.cosine_loss, None)
    assert judged is not None
    assert not judged.ok, "it is right for vectors of one entry, whose cosine is 1"


COSINE = """\
import numpy as np


def cosine_loss(a, b):
    p, q = (np.linalg.norm(e, axis=1, keepdims=True) for e in (a, b))
    c = (a * b).sum(axis=1, keepdims=True) / (p * q)
    da = (c * a / p**2 - b / (p * q)) / len(a)
    db = (c * b / q**2 - a / (p * q)) * 2 / len(a)
    return (1 - c).mean(), da, db
"""


ENTROPY = """\
import numpy as np


class BinaryCrossEntropy:
    def forward(self, y, p):
        return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))

    def backward(self, y, p):
        return ((1 - y) / (1 - p) - y / p) / np.size(y)
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_labels_that_are_taken_for_numbers_clear_no_loss(wrong: bool, tmp_path: Path) -> None:
    file = tmp_path / "entropy.py"
    faulty = ENTROPY.replace("((1 - y) / (1 - p) - y / p)", "(1 - y) / (1 - p) - (y / p)")
    file.write_text(faulty if wrong else ENTROPY, encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == wrong, str(report)


COMBINED = """\
import numpy as np


class Sigmoid:
    def forward(self, z):
        self.output = 1 / (1 + np.exp(-z))


class SigmoidWithEntropy:
    def __init__(self):
        self.activation = Sigmoid()

    def forward(self, inputs, y_true):
        self.activation.forward(inputs)
        self.output = a = self.activation.output
        self.loss_value = -np.mean(y_true * np.log(a) + (1 - y_true) * np.log(1 - a))

    def backward(self, y_true, y_pred):
        self.dinputs = (y_pred - y_true) / y_true.size
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_a_loss_that_is_kept_is_judged_and_its_arguments_go_by_their_names(
    wrong: bool, tmp_path: Path
) -> None:
    file = tmp_path / "entropy.py"
    text = COMBINED.replace("(y_pred - y_true)", "(y_true - y_pred)") if wrong else COMBINED
    file.write_text(text, encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == wrong, str(report)
    assert "SigmoidWithEntropy" in str(report)


def test_a_class_of_a_loss_that_cannot_be_judged_is_told(tmp_path: Path) -> None:
    file = tmp_path / "entropy.py"
    refused = COMBINED.replace("self.loss_value =", "self.kept =")
    file.write_text(ENTROPY + refused, encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert [each.name.rpartition(":")[2] for each in report.left] == ["SigmoidWithEntropy"]


SIGNS = """\
import numpy as np


def mse(a, b):
    return np.mean((a - b) ** 2)


def mse_prime(a, b):
    return 2 * (a - b) / a.size


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad, lr):
        dx = grad @ self.W.T
        self.W -= lr * self.x.T @ grad
        self.b -= lr * grad.sum(axis=0, keepdims=True)
        return dx


def train(net, X, Y, lr=0.1):
    for _ in range(100):
        net.backward(mse_prime(net.forward(X), Y), lr)
"""


@pytest.mark.parametrize(
    ("negated", "added", "wrong"),
    [
        (False, False, ""),
        (True, True, ""),
        (True, False, "2 * (b - a)"),
        (False, True, "self.W += lr"),
    ],
)
def test_a_loss_and_layers_agree_on_a_sign(
    negated: bool, added: bool, wrong: str, tmp_path: Path
) -> None:
    text = SIGNS.replace("2 * (a - b)", "2 * (b - a)") if negated else SIGNS
    text = text.replace("-= lr", "+= lr") if added else text
    file = tmp_path / "layers.py"
    file.write_text(text, encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert report.exit_code == bool(wrong), str(report)
    assert wrong in str(report)


def test_a_layer_that_adds_is_not_judged_where_nothing_tells_the_sign(tmp_path: Path) -> None:
    file = tmp_path / "layers.py"
    text = SIGNS[: SIGNS.index("def mse")] + SIGNS[SIGNS.index("class") : SIGNS.index("def train")]
    file.write_text(text.replace("-= lr", "+= lr"), encoding="utf-8")
    report = check_file(Asked(str(file)), check)
    assert [each.name for each in report.left] == ["Dense"]


APART = """
import numpy as np

def triplet_loss(anchor, positive, negative, margin=1.0):
    near = np.sum(np.square(anchor - positive), axis=1)
    far = np.sum(np.square(anchor - negative), axis=1)
    return np.mean(np.maximum(near - far + margin, 0))

def triplet_loss_gradient(anchor, positive, negative, margin=1.0):
    near = np.sum(np.square(anchor - positive), axis=1)
    far = np.sum(np.square(anchor - negative), axis=1)
    active = (near - far + margin > 0).reshape(-1, 1)
    N = anchor.shape[0]
    grad_anchor = 2 * (negative - positive) * active / N
    grad_positive = -2 * (anchor - positive) * active / N
    grad_negative = 2 * (anchor - negative) * active / N
    return grad_anchor, grad_positive, grad_negative
"""


@pytest.mark.parametrize("sign", ["", "-"], ids=["right", "wrong"])
def test_a_loss_may_have_the_gradients_of_several_arrays_in_another_function(
    sign: str, tmp_path: Path
) -> None:
    source = APART.replace("grad_negative = 2", f"grad_negative = {sign}2")
    code, lines, said = judged_source(source, tmp_path)
    assert code == len(sign), said
    assert all(each.startswith("grad_negative = -2") for each in lines), said


MIXTURE = """
import numpy as np

def nll(q, M):
    return -np.mean(np.log(M @ q))

def nll_grad(q, M):
    return -(M / (M @ q)[:, None]).mean(axis=0)

if __name__ == "__main__":
    rng = np.random.default_rng(3)
    M, q = rng.uniform(0.1, 0.9, size=(30, 3)), np.full(3, 1 / 3)
    for _ in range(20):
        print(nll(q, M))
        q = q * np.exp(-0.2 * nll_grad(q, M))
        q /= q.sum()
"""


@pytest.mark.parametrize("power", ["", " ** 2"], ids=["right", "wrong"])
def test_what_no_name_says_is_a_target_may_have_another_shape(power: str, tmp_path: Path) -> None:
    code, _, said = judged_source(MIXTURE.replace("[:, None]", f"[:, None]{power}"), tmp_path)
    assert code == bool(power), said
    assert "shape" not in said


NEWTON = """
import numpy as np

def logistic(X, theta):
    return 1 / (1 + np.exp(-X @ theta))

def logistic_grad(X, theta, Y):
    return X.T @ (Y - logistic(X, theta))

def logistic_loglikelihood(X, theta, Y):
    p = logistic(X, theta)
    return np.sum(np.log(np.where(Y, p, 1 - p)))

def logistic_hessian(X, theta, Y):
    return X.T @ (logistic(X, theta) * X)
"""


@pytest.mark.parametrize("there", ["(Y - logistic", "(logistic(X, theta) - Y)#", "(Y + logistic"])
def test_a_likelihood_is_climbed_or_its_minus_gone_down(there: str, tmp_path: Path) -> None:
    code, _, said = judged_source(NEWTON.replace("(Y - logistic", there), tmp_path)
    assert code == int("+" in there), said
    assert "hessian" not in said


def test_a_setting_is_given_another_number_than_its_default(tmp_path: Path) -> None:
    right = """
import numpy as np

def pinball(q, y, tau=0.5):
    e = y - q
    loss = np.mean(np.maximum(tau * e, (tau - 1) * e))
    return loss, np.where(e > 0, -tau, 1 - tau) / y.size
"""
    code, _, said = judged_source(right, tmp_path)
    assert code == 0, said
    code, _, said = judged_source(right.replace("1 - tau)", "tau)"), tmp_path)
    assert code == 1, said


OF_CLASSES = """
import numpy as np

class Loss:
    def loss(self, y, Z):
        return NotImplementedError()

class CrossEntropy(Loss):
    def __call__(self, y, Z):
        return -np.sum(y * np.log(np.exp(Z) / np.sum(np.exp(Z), axis=0)), axis=0)

    def gradient(self, y, Z):
        return np.exp(Z) / np.sum(np.exp(Z), axis=0) - y

class Euclidean:
    def __init__(self, name):
        self.name = name

    def forward(self, input, target):
        return ((input - target) ** 2).sum() / 2

    def backward(self, input, target):
        return input - target

class SoftmaxCrossEntropy:
    def forward(self, X):
        e = np.exp(X - np.max(X, axis=1, keepdims=True))
        self.probs = e / np.sum(e, axis=1, keepdims=True)
        return self.probs

    def backward(self, y_true):
        grad = self.probs.copy()
        grad[np.arange(len(grad)), y_true] -= 1
        return grad / len(grad)
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("0) - y", "0) + y"), ("input - target\n", "input + target\n"), ("-= 1", "-= 2")],
)
def test_a_class_may_be_a_loss_of_any_form(right: str, wrong: str, tmp_path: Path) -> None:
    code, _, said = judged_source(OF_CLASSES, tmp_path)
    assert code == 0, said
    assert "not judged" not in said
    code, _, said = judged_source(OF_CLASSES.replace(right, wrong), tmp_path)
    assert code == 1, said


TRIPLET = """
import numpy as np

def triplet_loss(anchor, positive, negative, margin=0.5):
    d_pos = np.sum((anchor - positive) ** 2, axis=1)
    d_neg = np.sum((anchor - negative) ** 2, axis=1)
    violation = d_pos - d_neg + margin
    active = (violation > 0)[:, None]
    da = 2 * active * (negative - positive) / len(anchor)
    dp = -2 * active * (anchor - positive) / len(anchor)
    dn = 2 * active * (anchor - negative) / len(anchor)
    return np.maximum(violation, 0).mean(), (da, dp, dn)
"""


@pytest.mark.parametrize("name", ["dp", "dn"])
def test_a_few_numbers_on_one_side_of_a_margin_clear_no_loss(name: str, tmp_path: Path) -> None:
    code, _, said = judged_source(TRIPLET, tmp_path)
    assert code == 0, said
    right = next(line for line in TRIPLET.splitlines() if line.startswith(f"    {name} ="))
    wrong = right.replace(" * active", "")
    code, lines, said = judged_source(TRIPLET.replace(right, wrong), tmp_path)
    assert (code, lines[:1]) == (1, [wrong.strip()]), said


def test_the_gradient_of_another_array_is_blamed_where_it_is_returned(tmp_path: Path) -> None:
    source = """
def pull_loss(left, right):
    diff = left - right
    dleft = 2 * diff / diff.size
    return (diff**2).mean(), (dleft, -dleft)
"""
    code, _, said = judged_source(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged_source(source.replace("-dleft", "dleft"), tmp_path)
    assert (code, lines[:1]) == (1, ["return (diff**2).mean(), (dleft, dleft)"]), said


def test_no_count_of_samples_is_blamed_for_a_sign(tmp_path: Path) -> None:
    source = """
import numpy as np

def sigma(t):
    return 1.0 / (1.0 + np.exp(-t))

def loss_and_gradient(w, X, y, cuts):
    n = len(y)
    low, high = np.append(-1e3, cuts), np.append(cuts, 1e3)
    a, b = sigma(high[y] - X @ w), sigma(np.maximum(low[y] - X @ w, -500))
    d = -(a * (1 - a) - b * (1 - b)) / (a - b) / n
    loss = -np.mean(np.log(a - b))
    return loss, X.T @ d

if __name__ == "__main__":
    X, w = np.random.default_rng(2).normal(size=(60, 3)), np.zeros(3)
    for _ in range(3):
        loss, grad = loss_and_gradient(w, X, np.arange(60) % 3, np.array([-1.0, 1.0]))
        w = w - 0.5 * grad
"""
    code, lines, said = judged_source(source, tmp_path)
    assert (code, lines[:1]) == (1, ["d = -(a * (1 - a) - b * (1 - b)) / (a - b) / n"]), said
    code, _, said = judged_source(source.replace("-(a *", "(a *"), tmp_path)
    assert code == 0, said


OF_VECTORS = """\
import numpy as np


class SigmoidWithLoss:
    def forward(self, x, t):
        self.t, self.y = t, 1 / (1 + np.exp(-x))
        p = np.c_[1 - self.y, self.y]
        return -np.sum(np.log(p[np.arange(len(t)), t] + 1e-7)) / len(t)

    def backward(self, dout=1):
        return (self.y - self.t) * dout / len(self.t)
"""


def test_a_loss_that_is_wrong_for_a_matrix_may_be_one_of_vectors(tmp_path: Path) -> None:
    file = tmp_path / "losses.py"
    for there, code in ((OF_VECTORS, 0), (OF_VECTORS.replace("self.y - self", "self.y + self"), 1)):
        file.write_text(there, encoding="utf-8")
        report = check_file(Asked(str(file)), check)
        assert report.exit_code == code, str(report)


KEPT = """\
import numpy as np


class MSE:
    def __call__(self, p, y):
        self.grad = (p - y) / len(y)
        return 0.5 * np.sum((p - y) ** 2) / len(y)
"""


def test_a_loss_may_keep_its_gradient_when_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "losses.py"
    for there, code in ((KEPT, 0), (KEPT.replace("(p - y) / len(y)\n", "p / len(y)\n"), 1)):
        file.write_text(there, encoding="utf-8")
        report = check_file(Asked(str(file)), check)
        assert report.exit_code == code, str(report)


STATIC = """
import numpy as np

class MSELoss:
    @staticmethod
    def forward(y_pred, y_true):
        return np.mean((y_pred - y_true) ** 2)

    def backward(self, y_pred, y_true):
        self.dinputs = 2 * (y_pred - y_true) / y_pred.size
"""


@pytest.mark.parametrize("kind", ["keeps", "returns", "static"])
def test_methods_of_a_loss_may_be_static(kind: str, tmp_path: Path) -> None:
    source = STATIC if kind == "keeps" else STATIC.replace("self.dinputs =", "return")
    if kind == "static":
        source = source.replace("def backward(self, ", "@staticmethod\n    def backward(")
    code, _, said = judged_source(source, tmp_path)
    assert code == 0, said
    code, lines, said = judged_source(
        source.replace("2 * (y_pred - y_true)", "2 * y_pred"), tmp_path
    )
    assert code == 1, said
    assert lines[0].endswith("2 * y_pred / y_pred.size")


TENSORS = """
import numpy as np

class CrossEntropyLoss:
    def __init__(self):
        self.preds = None

    def forward(self, prediction_tensor, label_tensor):
        self.preds = prediction_tensor
        eps = np.finfo(float).eps
        return np.sum(-np.log(prediction_tensor[label_tensor == 1] + eps))

    def backward(self, label_tensor):
        return -label_tensor / (self.preds + np.finfo(float).eps)
"""


def test_a_name_may_end_with_what_kind_of_array_it_is(tmp_path: Path) -> None:
    code, _, said = judged_source(TENSORS, tmp_path)
    assert code == 0, said
    wrong = TENSORS.replace("return -label_tensor", "return label_tensor")
    code, lines, said = judged_source(wrong, tmp_path)
    assert (code, lines) == (1, ["return label_tensor / (self.preds + np.finfo(float).eps)"]), said


PROBABLE = """
import numpy as np

def loss_of(logits, y):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    return -np.mean(log_p[np.arange(len(y)), y]), p
"""


@pytest.mark.parametrize(
    ("given", "gives"),
    [("p", True), ("np.exp(log_p)", True), ("d", False), ("dp", False), ("p - d", False)],
)
def test_what_is_made_of_no_targets_is_no_gradient_of_a_loss(
    given: str, gives: bool, tmp_path: Path
) -> None:
    (tmp_path / "probable.py").write_text(PROBABLE.replace(", p\n", f", {given}\n"))
    (function,) = definitions(str(tmp_path / "probable.py")).functions
    assert gives_outputs(function) == gives


def test_of_a_function_without_a_definition_nothing_is_told() -> None:
    assert not gives_outputs(lambda logits, y: (np.sum(logits) + y, logits))
