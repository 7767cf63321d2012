"""Classes that move parameters, beside a network in a file: each is judged by itself."""

from pathlib import Path
from typing import Any

import pytest

import conformance
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.file_report import FileReport
from conformance.report.script_report import UpdateReport

PROGRAM = Path(__file__).parent / "programs" / "optimisers.py"
RULES = {
    "SGD": "plain", "Momentum": "momentum", "Adam": "adam", "RMSProp": "rmsprop",
    "AdamScratch": "adam", "AdaGrad": "adagrad", "AdamW": "adam", "SGDReturns": "momentum",
    "OptModel": "plain", "Optimizer_Adam": "adam",
}  # fmt: skip


def no_book(_: str) -> Any:
    raise AssertionError("it is no network of the book")


START, *CLASSES = PROGRAM.read_text().split("\n\n\nclass ")
NETWORK, SGD = CLASSES[:2]


def together(folder: Path, *classes: str) -> FileReport:
    """The report on a file of some classes."""
    place = folder / "file.py"
    place.write_text("\n\n\nclass ".join((START, *classes)))
    return check_file(Asked(str(place)), no_book)


def edited(folder: Path, *edits: tuple[str, str], end: str = "") -> FileReport:
    """The report on the network and the class whose lines are edited."""
    text = next(each for each in CLASSES if edits[0][0] in each)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return together(folder, NETWORK, text + end)


def test_right_classes_are_right_and_their_rule_is_named(tmp_path: Path) -> None:
    report = together(tmp_path, *CLASSES)
    assert report.left == ()
    assert report.exit_code == 0
    others = [each for each in report.parts if isinstance(each, UpdateReport)]
    assert {e.ran.script.rpartition(":")[2]: e.ran.rule.kind for e in others} == RULES
    assert dict(others[-4].ran.rule.numbers)["λ"] == pytest.approx(0.01)  # of AdamW
    assert str(others[0]).splitlines()[0].endswith("SGD: its updates are right")


WRONG = [
    ("params[k] -= self.lr * grads[k]", "params[k] += self.lr * grads[k]"),
    ("params[k] -= self.lr * grads[k]", "params[k] -= self.lr * params[k]"),
    ("self.beta * self.v[k] - self.lr * grads[k]", "self.beta * self.v[k] + self.lr * grads[k]"),
    ("+ (1 - self.beta2) * grads[k] ** 2", "+ (1 - self.beta2) * grads[k]"),
    ("layer.b -= self.lr * layer.db", "layer.b += self.lr * layer.db"),
    ("return w - self.learning_rate", "return w + self.learning_rate"),
    ("return w - self.learning_rate *", "return w - "),
]


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_a_class_that_moves_them_wrongly_is_blamed_on_its_line(
    old: str, new: str, tmp_path: Path
) -> None:
    report = edited(tmp_path, (old, new))
    assert report.exit_code == 1
    (wrong,) = (e for e in report.parts if isinstance(e, UpdateReport) and not e.ok)
    text = (tmp_path / "file.py").read_text().splitlines()
    number = next(i for i, each in enumerate(text, 1) if new in each)
    # what is kept has the wrong sign where it is added, a line later
    assert wrong.blames[0].line in (number, number + 1)


LOSS = NETWORK[NETWORK.index("    def loss") : NETWORK.index("    def backward")]
NEGATIVE = NETWORK.replace("(self.A2 - y) * self.A2", "(y - self.A2) * self.A2")
ADDS = SGD.replace("-= self.lr", "+= self.lr")


@pytest.mark.parametrize("network", [NEGATIVE, NEGATIVE.replace(LOSS, "")])
def test_to_add_the_gradients_of_minus_the_cost_is_a_convention(
    network: str, tmp_path: Path
) -> None:
    report = together(tmp_path, network, ADDS)
    assert report.exit_code == 0
    assert "it adds the gradients, which are those of minus the cost: a convention" in str(report)


@pytest.mark.parametrize(
    ("classes", "code"), [((NEGATIVE, SGD), 1), ((NETWORK, ADDS), 1), ((ADDS,), 3)]
)
def test_to_add_gradients_is_wrong_if_the_network_shows_it(
    classes: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    assert together(tmp_path, *classes).exit_code == code


UNKNOWN = {
    "(1 - self.beta2) * grads[k] ** 2": "(1 - self.beta2) * np.abs(grads[k]) ** 1.5",
    "self.lr * m_hat / (np.sqrt(v_hat) + self.eps)": "self.lr * m_hat / (v_hat**0.25 + self.eps)",
}


@pytest.mark.parametrize("old", UNKNOWN)
def test_what_is_no_known_rule_is_not_called_right(old: str, tmp_path: Path) -> None:
    main = "\n\n\nif __name__ == '__main__':\n    print('a main part')\n"
    report = edited(tmp_path, (old, UNKNOWN[old]), end=main)
    assert report.exit_code == 3
    assert [each.name for each in report.left] == ["Adam"]
    assert "not judged: Adam: its updates are those of no rule that is known" in str(report)


MEAN = "m_hat = self.m[k] / (1 - self.beta1**self.t)", "m_hat = self.m[k]"
SQUARE = "v_hat = self.v[k] / (1 - self.beta2**self.t)", "v_hat = self.v[k]"
NO_ROOT = "(np.sqrt(v_hat) + self.eps)", "(v_hat + self.eps)"
UNCORRECTED = [
    ((MEAN, SQUARE), "are not both divided by 1 − β^t"),
    ((MEAN,), "are not both divided by 1 − β^t"),
    ((SQUARE,), "are not both divided by 1 − β^t"),
    ((NO_ROOT,), "and not by its square root"),
]


@pytest.mark.parametrize(("edits", "why"), UNCORRECTED)
def test_a_missing_correction_or_root_is_named(
    edits: tuple[tuple[str, str], ...], why: str, tmp_path: Path
) -> None:
    report = edited(tmp_path, *edits)
    assert report.exit_code == 1
    assert why in str(report)


M, V = "self.m[k] = self.beta1 * self.m[k] + (1 - self.beta1)", "self.beta2 * self.v[k]"
BY_MEAN, BY_SQUARE = "(1 - self.beta1**self.t)", "(1 - self.beta2**self.t)"
CAUSES = [
    (((BY_SQUARE, "(1 - self.beta1**self.t)"),), "β1 is in the correction of the mean of the sq"),
    (((BY_MEAN, "(1 - self.beta2**self.t)"),), "β2 is in the correction of the mean of the grad"),
    (((M, M.replace("beta1", "beta2")), (V, "self.beta1 * self.v[k]")), "β1 and β2 are exchanged"),
    (((M, M.replace("beta1 *", "beta2 *")),), "it has to keep 0.9 (β1)"),
    (((M, "self.m[k] = (1 - self.beta1) * self.m[k] + self.beta1"),), "it has to keep 0.9 (β1)"),
    (((BY_MEAN, "(1 - (1 - self.beta1)**self.t)"),), "so divide it by 1 − 0.9^t"),
    (((V, "self.beta1 * self.v[k]"),), "it has to keep 0.999 (β2)"),
    ((("self.t += 1", "self.t = 1"),), "t in the correction 1 − β^t is 1 at each"),
    ((("self.t += 1", "self.t += 1 + (self.t == 0)"),), "is 2 at update 1"),
    (((f"            {M}", f"            self.t += 1\n            {M}"),
      ("self.t += 1\n", "pass\n")), "grows by 4 from update to update"),
    ((("/ (np.sqrt(v_hat) + self.eps)", "/ np.sqrt(v_hat) + self.eps"),), "ε is added to the quo"),
    (((M, M.replace("1 - self.beta1", "1 - self.beta2")),), "is multiplied by 0.001, and has"),
]  # fmt: skip


def test_each_mistake_in_adam_is_named(tmp_path: Path) -> None:
    start = next(each for each in CLASSES if each.startswith("Adam:"))
    texts = []
    for i, (edits, _) in enumerate(CAUSES):
        text = start.replace("Adam:", f"Adam{i}:", 1)
        for old, new in edits:
            assert old in text
            text = text.replace(old, new, 1)
        texts.append(text)
    report = together(tmp_path, NETWORK, *texts)
    source = (tmp_path / "file.py").read_text().splitlines()
    wrong = [each for each in report.parts if isinstance(each, UpdateReport)]
    assert len(wrong) == len(CAUSES)
    for each, (edits, why) in zip(wrong, CAUSES, strict=True):
        assert why in str(each), each
        line = source[int(each.blames[0].line or 0) - 1]
        counts = "self.t += 1" in edits[0][0] + edits[-1][0]
        assert line in edits[0][1] or any(new in line for _, new in edits) or counts


def test_adam_that_counts_no_steps_may_mean_to_correct_nothing(tmp_path: Path) -> None:
    report = edited(tmp_path, MEAN, SQUARE, ("self.t += 1", "pass"))
    assert report.exit_code == 0
    assert "by Adam without the correction of its first steps" in str(report)


FUNCTIONS = PROGRAM.with_name("optimiser_functions.py").read_text()
OF_FUNCTIONS = [
    ('w -= config["learning_rate"] * dw', 'w -= config["learning_rate"] * w', 1),
    ("v - config", "v + config", 3),
    ("* dw ** 2", "* dw", 1),
    ("(np.sqrt(vt) +", "(vt +", 1),
    ("- learning_rate * v[", "- learning_rate * grads[", 1),
    ('["db" + str(l)] / (1 - np.power(beta2, t))', '["db" + str(l)]', 1),
    ('["b" + str(l)] - learning_rate * grads', '["b" + str(l)] + learning_rate * grads', 1),
]


def of_functions(folder: Path, text: str) -> FileReport:
    """The report on a file of functions that move parameters."""
    place = folder / "file.py"
    place.write_text(text)
    return check_file(Asked(str(place)), no_book)


def test_functions_that_move_parameters_are_judged(tmp_path: Path) -> None:
    report = of_functions(tmp_path, FUNCTIONS)
    assert report.exit_code == 0
    assert [e.ran.rule.kind for e in report.parts if isinstance(e, UpdateReport)] == [
        "plain", "momentum", "adam", "plain", "momentum", "rmsprop", "adam"
    ]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code"), OF_FUNCTIONS)
def test_a_wrong_function_is_not_called_right(
    old: str, new: str, code: int, tmp_path: Path
) -> None:
    start, *others = FUNCTIONS.split("\n\n\ndef ")
    one = next(each for each in others if old in each)
    report = of_functions(tmp_path, f"{start}\n\n\ndef {one.replace(old, new, 1)}")
    assert report.exit_code == code


BY_NAME = """import numpy as np


def update_layers(W1, b1, W2, b2, vW1, vb1, vW2, vb2, dW1, db1, dW2, db2, lr, beta=0.9):
    vW1 = beta * vW1 + (1 - beta) * dW1
    vb1 = beta * vb1 + (1 - beta) * db1
    vW2 = beta * vW2 + (1 - beta) * dW2
    vb2 = beta * vb2 + (1 - beta) * db2
    W1 = W1 - lr * vW1
    b1 = b1 - lr * vb1
    W2 = W2 - lr * vW2
    b2 = b2 - lr * vb2
    return vW1, vb1, vW2, vb2, W1, b1, W2, b2


def update(w, b, dw, db, lr):
    w -= lr * dw
    b -= lr * db


class Momentum:
    def __init__(self, lr=0.01, mu=0.9):
        self.lr, self.mu, self.vw, self.vb = lr, mu, 0, 0

    def apply(self, W, dl_dw, b, dl_db):
        self.vw = self.mu * self.vw + self.lr * dl_dw
        self.vb = self.mu * self.vb + self.lr * dl_db
        W = W - self.vw
        b = b - self.vb
        return W, b
"""


def test_what_takes_each_parameter_by_its_name_is_judged(tmp_path: Path) -> None:
    report = of_functions(tmp_path, BY_NAME)
    assert report.exit_code == 0
    rules = [e.ran.rule.kind for e in report.parts if isinstance(e, UpdateReport)]
    assert rules == ["momentum", "momentum", "plain"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b - self.vb", "b + self.vb"),
        ("beta) * db2", "beta) * db1"),
        ("W1 - lr", "W1 + lr"),
        ("lr * db\n", "lr * b\n"),
    ],
)
def test_what_takes_a_wrong_parameter_by_its_name_is_told(
    old: str, new: str, tmp_path: Path
) -> None:
    text = BY_NAME.replace(old, new)
    parts = of_functions(tmp_path, text).parts
    (wrong,) = (each for each in parts if isinstance(each, UpdateReport) and not each.ok)
    assert new.strip() in text.splitlines()[int(wrong.blames[0].line or 0) - 1]


def test_no_unusual_optimiser_is_accused() -> None:
    report = check_file(Asked(str(PROGRAM.with_name("unusual_optimisers.py"))), no_book)
    assert report.exit_code == 3
    assert all(each.ok for each in report.parts)
    left = {each.name for each in report.left}
    assert left == {"Accumulating", "GradientAscent"}


COUNTING = """\
import numpy as np


def adam_update(w, dw, m, v, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    t += 1
    new_m = beta1 * m + (1 - beta1) * dw
    new_v = beta2 * v + (1 - beta2) * dw ** 2
    m_hat = new_m / (1 - beta1 ** t)
    v_hat = new_v / (1 - beta2 ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), new_m, new_v, t
"""


@pytest.mark.parametrize(("old", "new"), [("", ""), ("t += 1\n", "t += 2\n")])
def test_a_function_that_counts_its_updates_is_given_none_at_first(
    old: str, new: str, tmp_path: Path
) -> None:
    report = of_functions(tmp_path, COUNTING.replace(old, new))
    assert report.exit_code == int(old != new)


NOISE = """\
import numpy as np


def gd_update(w, dw, lr):
    w -= lr * dw
    return w


def sample_w(w_mean, w_std):
    return w_mean + np.random.randn(*w_mean.shape) * w_std
"""


@pytest.mark.parametrize(("old", "new"), [("", ""), ("-=", "+=")])
def test_what_takes_gradients_goes_back_through_no_other_function(
    old: str, new: str, tmp_path: Path
) -> None:
    report = of_functions(tmp_path, NOISE.replace(old, new))
    assert len(report.parts) == int(not old)
    assert report.exit_code == (3 if old else 0)


FROM_NUMBERS = """\
import numpy as np


class Momentum:
    def __init__(self, params, lr=0.01, mu=0.9, weight_decay=0.0):
        self.params, self.lr, self.mu, self.wd, self.v = params, lr, mu, weight_decay, {}

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            g = g + self.wd * p
            self.v[i] = self.mu * self.v.get(i, 0.0) + g
            p -= self.lr * self.v[i]


class AdaGrad:
    def __init__(self, lr=0.1):
        self.lr, self.h = lr, {}

    def update(self, params, grads):
        for k in params:
            self.h[k] = self.h.get(k, 0.0) + grads[k] ** 2
            params[k] -= self.lr * grads[k] / (np.sqrt(self.h[k]) + 1e-8)
"""


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        (("", ""), []),
        (("self.h.get(k, 0.0)", "self.h.get(k, 0.1)"), ["AdaGrad"]),
    ],
)
def test_what_is_kept_may_begin_as_a_number_and_a_decay_beside_the_gradient(
    change: tuple[str, str], unknown: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "moving.py"
    file.write_text(FROM_NUMBERS.replace(*change), encoding="utf-8")
    report = check_file(Asked(str(file)), no_book)
    assert [each.name for each in report.left] == unknown
    assert all(each.exit_code == 0 for each in report.parts)
    rules = [each.ran.rule.kind for each in report.parts if isinstance(each, UpdateReport)]
    assert rules == [e for e in ("momentum", "adagrad") if e not in [u.lower() for u in unknown]]


OF_ZEROS = """\
import numpy as np


class Adam:
    def __init__(self, params, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.params = params
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m, self.v, self.t = [0.0] * len(params), [0.0] * len(params), 0

    def update(self, grads):
        self.t += 1
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * g
            self.v[i] = self.beta2 * self.v[i] + (1 - self.beta2) * g * g
            m_hat = self.m[i] / (1 - self.beta1**self.t)
            v_hat = self.v[i] / (1 - self.beta2**self.t)
            p -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("", "", 0), ("np.sqrt(v_hat)", "np.sqrt(self.v[i])", 1), ("np.sqrt(v_hat)", "v_hat", 1)],
)
def test_the_means_of_adam_may_begin_as_numbers_in_a_list(
    old: str, new: str, code: int, tmp_path: Path
) -> None:
    file = tmp_path / "moving.py"
    file.write_text(OF_ZEROS.replace(old, new), encoding="utf-8")
    (found,) = check_file(Asked(str(file)), no_book).parts
    assert isinstance(found, UpdateReport)
    assert found.exit_code == code
    if code:
        assert "p -= " in OF_ZEROS.splitlines()[(found.blames[0].line or 0) - 1]


def test_what_is_taken_beside_the_gradients_is_the_parameters(tmp_path: Path) -> None:
    file = tmp_path / "moving.py"
    other = FROM_NUMBERS.split("class AdaGrad")[1].replace("params", "answer")
    file.write_text(f"import numpy as np\n\n\nclass AdaGrad{other}", encoding="utf-8")
    (found,) = check_file(Asked(str(file)), no_book).parts
    assert isinstance(found, UpdateReport)
    assert found.ran.rule.kind == "adagrad"


def test_what_is_kept_may_be_in_a_dict_that_makes_numbers(tmp_path: Path) -> None:
    source = """
from collections import defaultdict


class Momentum:
    def __init__(self, lr=0.01, mu=0.9):
        self.lr, self.mu, self.v = lr, mu, defaultdict(float)

    def step(self, params, grads):
        for k in params:
            self.v[k] = self.mu * self.v[k] + grads[k]
            params[k] -= self.lr * self.v[k]
"""
    file = tmp_path / "moving.py"
    file.write_text(source, encoding="utf-8")
    report = check_file(Asked(str(file)), no_book)
    rules = [each.ran.rule.kind for each in report.parts if isinstance(each, UpdateReport)]
    assert (report.exit_code, rules) == (0, ["momentum"]), str(report)


HIDDEN = """import numpy as np
class SGD:
    def __init__(self, lr=0.1, momentum=0.0):
        self.lr, self.momentum = lr, momentum
        self.buf = {}
    def step(self, params, grads):
        for k in params:
            b = self.buf.get(k, np.zeros_like(grads[k]))
            self.buf[k] = self.momentum * b + grads[k]
            params[k] -= self.lr * (grads[k] + self.momentum * self.buf[k])
"""


@pytest.mark.parametrize(
    ("edit", "code"),
    [(("", ""), 0), (("=0.0", "=0.9"), 0), (("+ self.momentum *", "- self.momentum *"), 1)],
)
def test_a_momentum_that_is_0_by_default_is_tried(
    edit: tuple[str, str], code: int, tmp_path: Path
) -> None:
    (tmp_path / "sgd.py").write_text(HIDDEN.replace(*edit))
    assert bool(check_file(Asked(str(tmp_path / "sgd.py")), no_book).exit_code) == bool(code)


def test_a_momentum_of_which_no_update_has_anything_is_wrong(tmp_path: Path) -> None:
    steps = "(grads[k] + self.momentum * self.buf[k])"
    (tmp_path / "sgd.py").write_text(HIDDEN.replace(steps, "grads[k]"))
    report = check_file(Asked(str(tmp_path / "sgd.py")), no_book)
    assert report.exit_code == 1
    assert "kept from step to step moves nothing" in str(report)


TAKING = '''"""Optimisers that are handed more than parameters and gradients."""
import numpy as np


class OfOneShape:
    def __init__(self, dim, lr):
        self.v, self.lr = np.zeros(dim), lr

    def update(self, parameters, gradient):
        self.v = 0.9 * self.v + 0.1 * gradient
        return parameters - self.lr * self.v


class OfALayer:
    def __init__(self, beta=0):
        self.beta, self.v_W, self.v_b = beta, 0, 0

    def update(self, lr, W, b, grad_W, grad_b):
        self.v_W = self.beta * self.v_W + (1 - self.beta) * grad_W
        self.v_b = self.beta * self.v_b + (1 - self.beta) * grad_b
        return W - lr * self.v_W, b - lr * self.v_b


class WithMoments:
    def __init__(self, lr=0.001):
        self.lr, self.t = lr, 0

    def update(self, param, grad, m, v):
        self.t += 1
        m = 0.9 * m + 0.1 * grad
        v = 0.99 * v + 0.01 * grad**2
        param -= self.lr * m / (1 - 0.9**self.t) / (np.sqrt(v / (1 - 0.99**self.t)) + 1e-8)
        return param, m, v
'''


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("", "", 0),
        ("b - lr * self.v_b", "b + lr * self.v_b", 1),
        ("0.01 * grad**2", "0.01 * grad", 1),
    ],
)
def test_an_optimiser_may_be_told_shapes_and_handed_what_it_returned(
    old: str, new: str, code: int, tmp_path: Path
) -> None:
    report = of_functions(tmp_path, TAKING.replace(old, new))
    assert report.exit_code == code
    assert len(report.parts) == TAKING.count("class ")


OF_ANY_NAME = """import numpy as np


def adagrad(w, dw, config=None):
    config = config or {}
    config["acc"] = config.get("acc", np.zeros_like(w)) + dw**2
    return w - 0.05 * dw / (np.sqrt(config["acc"]) + 1e-8), config


def heavy_ball(w, dw, config=None):
    config = config or {}
    config["vel"] = 0.9 * config.get("vel", np.zeros_like(w)) - 0.05 * dw
    return w + config["vel"], config


def decayed(w, dw, config=None):
    return dw + 0.1 * w, config
"""


def test_a_function_of_any_name_that_takes_something_off_a_parameter_is_judged(
    tmp_path: Path,
) -> None:
    report = of_functions(tmp_path, OF_ANY_NAME)
    names = [e.ran.script.rpartition(":")[2] for e in report.parts if isinstance(e, UpdateReport)]
    assert (names, report.exit_code) == (["adagrad", "heavy_ball"], 0)
    up = of_functions(tmp_path, OF_ANY_NAME.replace("w + config", "w - config"))
    assert [each.name for each in up.left] == ["heavy_ball"]


def test_squares_may_be_added_to_a_number_that_fills_an_array(tmp_path: Path) -> None:
    source = """import numpy as np


class AdaGrad:
    def __init__(self, params, lr=0.05):
        self.params, self.lr = params, lr
        self.acc = [np.full_like(p, 0.1) for p in params]

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.acc[i] += g * g
            p -= self.lr * g / (np.sqrt(self.acc[i]) + 1e-7)
"""
    (found,) = of_functions(tmp_path, source).parts
    assert isinstance(found, UpdateReport)
    assert (found.exit_code, found.ran.rule.kind) == (0, "adagrad")


OF_A_LAYER = """Descent:
    def __init__(self, learningrate=1.0):
        self.learningrate = learningrate

    def update_Layer(self, layer):
        layer.weights -= self.learningrate * layer.dweights
        layer.biases -= self.learningrate * layer.dbiases
"""


@pytest.mark.parametrize("moved", ["layer.dbiases", "layer.biases"], ids=["right", "wrong"])
def test_a_parameter_whose_gradient_is_not_read_is_moved_wrongly(
    moved: str, tmp_path: Path
) -> None:
    text = OF_A_LAYER.replace("learningrate * layer.dbiases", f"learningrate * {moved}")
    report = together(tmp_path, NETWORK, text)
    assert report.exit_code == int(moved == "layer.biases")
    text = (tmp_path / "file.py").read_text()
    for each in report.blames:
        assert "layer.biases -=" in text.splitlines()[(each.line or 0) - 1]
    assert "Descent" in str(report)


DECAYING_MOMENTUM = """Decaying:
    def __init__(self, lr=0.1, momentum=0.9, weight_decay=0.0):
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity = {}

    def step(self, params, grads):
        for name in params:
            g = grads[name] + self.weight_decay * params[name]
            v = self.momentum * self.velocity.get(name, 0.0) + g
            self.velocity[name] = v
            params[name] -= self.lr * v
"""


def test_a_decay_within_a_velocity_is_one(tmp_path: Path) -> None:
    report = together(tmp_path, NETWORK, DECAYING_MOMENTUM)
    assert report.exit_code == 0
    assert "no update has anything of it" not in str(report)


def test_a_decay_that_is_computed_and_lost_is_wrong(tmp_path: Path) -> None:
    report = together(
        tmp_path, NETWORK, DECAYING_MOMENTUM.replace("0.0) + g", "0.0) + grads[name]")
    )
    assert report.exit_code == 1
    assert "`weight_decay` is read, and no update has anything of it" in str(report)


DECOUPLED = """AdamWd:
    def __init__(self, lr=0.001, wd=0.01):
        self.lr, self.wd, self.m, self.v, self.t = lr, wd, {}, {}, 0

    def update(self, params, grads):
        self.t += 1
        for k in params:
            g = grads[k]
            self.m[k] = 0.9 * self.m.get(k, 0) + 0.1 * g
            self.v[k] = 0.999 * self.v.get(k, 0) + 0.001 * g * g
            mh, vh = self.m[k] / (1 - 0.9 ** self.t), self.v[k] / (1 - 0.999 ** self.t)
            params[k] -= self.lr * self.wd * params[k]
            params[k] -= self.lr * mh / (np.sqrt(vh) + 1e-8)
"""


@pytest.mark.parametrize("times", ["self.lr * ", ""])
def test_a_decay_that_does_not_go_with_the_rate_is_told(times: str, tmp_path: Path) -> None:
    report = together(tmp_path, NETWORK, DECOUPLED.replace("self.lr * self.wd", f"{times}self.wd"))
    assert report.exit_code == 0, str(report)
    assert ("λ w is taken off, whatever η is" in str(report)) == (not times)


def test_a_decay_that_lets_the_weights_grow_within_a_velocity_is_wrong(tmp_path: Path) -> None:
    wrong = DECAYING_MOMENTUM.replace("+ self.weight_decay", "- self.weight_decay")
    assert wrong != DECAYING_MOMENTUM
    report = together(tmp_path, NETWORK, wrong)
    assert report.exit_code == 1
    assert "the weights grow by a multiple of themselves" in str(report)


OF_PAIRS = """Scaled:
    def __init__(self, pairs, rate=0.1):
        self.pairs, self.rate = pairs, rate
        self.squares = [np.zeros_like(w) for w, _ in pairs]

    def step(self):
        for total, (w, dw) in zip(self.squares, self.pairs):
            total += dw * dw
            w -= self.rate * dw / (np.sqrt(total) + 1e-8)
"""


@pytest.mark.parametrize("right", [True, False])
def test_an_optimiser_may_keep_each_parameter_with_its_gradient(
    right: bool, tmp_path: Path
) -> None:
    text = OF_PAIRS if right else OF_PAIRS.replace("dw * dw", "dw")
    report = together(tmp_path, NETWORK, text)
    assert report.exit_code == (not right), str(report)
    assert "Scaled" in str(report)


SCALED = """import numpy as np

class Scaled:
    def __init__(self, weights, lr=0.01, keep=0.95):
        self.weights, self.lr, self.keep = weights, lr, keep
        self.power = [np.zeros_like(w) for w in weights]

    def step(self, grads):
        for w, g, i in zip(self.weights, grads, range(len(grads))):
            self.power[i] = self.keep * self.power[i] + (1 - self.keep) * g * g
            w -= self.lr * g / (np.sqrt(self.power[i]) + 1e-6)
"""


def test_what_is_kept_of_no_gradient_is_told_on_its_line(tmp_path: Path) -> None:
    file = tmp_path / "scaled.py"
    file.write_text(SCALED)
    assert conformance.check(str(file)).exit_code == 0
    file.write_text(SCALED.replace(" + (1 - self.keep) * g * g", ""))
    report = conformance.check(str(file))
    line = next(i for i, each in enumerate(SCALED.splitlines(), 1) if "self.power[i] =" in each)
    assert (report.exit_code, report.blames[0].line) == (1, line), str(report)
    assert "it is 0 at every step" in str(report)


CLIPS_EACH = """import numpy as np

class Careful:
    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            g = grads[key]
            size = np.sqrt(np.sum(g ** 2))
            if size > 1.0:
                g = g / size
            params[key] -= self.lr * g
"""


def test_each_gradient_may_be_clipped_by_its_own_norm(tmp_path: Path) -> None:
    """Those that are small enough are not."""
    (tmp_path / "careful.py").write_text(CLIPS_EACH)
    report = check_file(Asked(str(tmp_path / "careful.py")), no_book)
    assert (report.exit_code, "η" in str(report)) == (0, False), str(report)


DECAYS_IF_TOLD = """import numpy as np

class Steps:
    def __init__(self, lr=0.1, lam=0.0):
        self.lr, self.lam = lr, lam

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * (grads[key] + self.lam * params[key])
"""


def test_a_decay_that_is_0_by_default_has_an_effect(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(DECAYS_IF_TOLD)
    report = check_file(Asked(str(tmp_path / "steps.py")), no_book)
    assert report.exit_code == 0, str(report)
