"""A network whose update keeps arrays and has constants of its own is judged by its own rule.

Left out: rules that its parameters promise (`test_updates.py`).
"""

from pathlib import Path

import pytest

import conformance
from conformance.api import check
from conformance.report.book_report import Report

BASE = """
import numpy as np


class Network:
    def __init__(self, sizes):
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, k) for k, n in zip(sizes, sizes[1:])]
        self.t = 0
        self.top = {}
        self.v = [[0.0 * p for p in ps] for ps in (self.weights, self.biases)]
        self.s = [[0.0 * p for p in ps] for ps in (self.weights, self.biases)]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = 1 / (1 + np.exp(-(w @ a + b)))
        return a

    def backprop(self, x, y):
        a = [x]
        for w, b in zip(self.weights, self.biases):
            a.append(1 / (1 + np.exp(-(w @ a[-1] + b))))
        delta, nb, nw = (a[-1] - y) * a[-1] * (1 - a[-1]), [], []
        for l in reversed(range(len(self.weights))):
            nb.insert(0, delta)
            nw.insert(0, delta @ a[l].T)
            delta = self.weights[l].T @ delta * a[l] * (1 - a[l])
        return nb, nw

    def update_mini_batch(self, mini_batch, eta):
        pairs = [self.backprop(x, y) for x, y in mini_batch]
        m = len(pairs)
        nw = [sum(each) / m for each in zip(*(pair[1] for pair in pairs))]
        nb = [sum(each) / m for each in zip(*(pair[0] for pair in pairs))]
        self.t += 1
        for ps, gs, vs, ss in zip((self.weights, self.biases), (nw, nb), self.v, self.s):
            for i, g in enumerate(gs):
                self.move(ps, i, g, vs, ss, eta)

    def move(self, ps, i, g, v, s, eta):
"""
HELD = {"mu": 0.75, "rho": 0.875, "beta1": 0.9, "beta2": 0.99, "eps": 1e-6}

MOMENTUM = """
        v[i] = self.mu * v[i] - eta * g
        ps[i] = ps[i] + v[i]
"""
ADAM = """
        v[i] = self.beta1 * v[i] + (1 - self.beta1) * g
        s[i] = self.beta2 * s[i] + (1 - self.beta2) * g**2
        root = np.sqrt(s[i] / (1 - self.beta2**self.t))
        ps[i] = ps[i] - eta * (v[i] / (1 - self.beta1**self.t)) / (root + self.eps)
"""
NESTEROV = """
        before, v[i] = v[i], self.mu * v[i] - eta * g
        ps[i] = ps[i] - self.mu * before + (1 + self.mu) * v[i]
"""
RMSPROP = """
        s[i] = self.rho * s[i] + (1 - self.rho) * g**2
        ps[i] = ps[i] - eta * g / (np.sqrt(s[i]) + self.eps)
"""
ADAGRAD = """
        s[i] = s[i] + g**2
        ps[i] = ps[i] - eta * g / (np.sqrt(s[i]) + self.eps)
"""
AMSGRAD = """
        v[i] = 0.9 * v[i] + 0.1 * g
        s[i] = 0.99 * s[i] + 0.01 * g * g
        self.top = {**self.top, (id(s), i): np.maximum(self.top.get((id(s), i), 0.0), s[i])}
        ps[i] = ps[i] - eta * v[i] / (np.sqrt(self.top[id(s), i]) + 1e-8)
"""
ADADELTA = """
        s[i] = 0.95 * s[i] + 0.05 * g**2
        step = np.sqrt(v[i] + 1e-6) / np.sqrt(s[i] + 1e-6) * g
        v[i] = 0.95 * v[i] + 0.05 * step**2
        ps[i] = ps[i] - eta * step
"""
ADAMAX = """
        v[i] = 0.9 * v[i] + 0.1 * g
        s[i] = np.maximum(0.999 * s[i], np.abs(g))
        ps[i] = ps[i] - eta / (1 - 0.9**self.t) * v[i] / (s[i] + 1e-12)
"""
LION = """
        step = np.sign(0.9 * v[i] + 0.1 * g)
        v[i] = 0.99 * v[i] + 0.01 * g
        ps[i] = ps[i] - eta * step
"""
APART = "judged apart: moves by"
RIGHT = {
    "adagrad": (ADAGRAD, f"{APART} AdaGrad, ε = 1e-06"),
    "adadelta": (ADADELTA, f"{APART} AdaDelta, β = 0.95, ε = 1e-06"),
    "adamax": (ADAMAX, f"{APART} AdaMax, β1 = 0.9, β2 = 0.999, ε = 1e-12"),
    "amsgrad": (AMSGRAD, f"{APART} AMSGrad, β1 = 0.9, β2 = 0.99, ε = 1e-08"),
    "adam": (ADAM, "adam, mu = 0.9, rho = 0.99, epsilon = 1e-06"),
    "adam-mean-of-one-in-five": (
        ADAM.replace("self.beta1", "0.8"),
        "adam, mu = 0.8, rho = 0.99, epsilon = 1e-06",
    ),
    "bounded": (
        "        ps[i] = ps[i] - eta * np.clip(g, -0.5, 0.5)",
        f"{APART} gradient descent, with a rate that changes, or bounded gradients or weights",
    ),
    "changing-rate": (
        "        ps[i] = ps[i] - eta / (1 + 0.25 * self.t) * g",
        f"{APART} gradient descent, with a rate that changes, or bounded gradients or weights",
    ),
    "epsilon-in-the-root": (
        ADAM.replace("(root + self.eps)", "np.sqrt(root**2 + self.eps)"),
        f"{APART} Adam, β1 = 0.9, β2 = 0.99, ε = 1e-06",
    ),
    "lion": (LION, f"{APART} Lion, β1 = 0.9, β2 = 0.99"),
    "mean-of-gradients": (
        MOMENTUM.replace("- eta * g", "- eta * (1 - self.mu) * g"),
        f"{APART} gradient descent with momentum, μ = 0.75",
    ),
    "momentum": (MOMENTUM, "momentum, mu = 0.75"),
    "momentum-literal": (MOMENTUM.replace("self.mu", "0.9"), "momentum, mu = 0.9"),
    "nesterov": (NESTEROV, "nesterov, mu = 0.75"),
    "rmsprop": (RMSPROP, "rmsprop, rho = 0.875, epsilon = 1e-06"),
}
WRONG = {
    "adam-mean-square": (ADAM, "(1 - self.beta2) * g**2", "self.beta2 * g**2"),
    "adam-literal-shares": (
        ADAM.replace("(1 - self.beta2)", "0.01").replace("self.beta2 * s", "0.99 * s"),
        "0.01 * g",
        "0.1 * g",
    ),
    "adam-correction": (ADAM, "s[i] / (1 - self.beta2**self.t)", "s[i] / (1 - self.beta1**self.t)"),
    "half-a-step": ("        ps[i] = ps[i] - eta * g", "eta", "eta / 2"),
    "momentum-twice": (MOMENTUM, "+ v[i]", "+ self.mu * v[i]"),
    "rmsprop-root": (RMSPROP, "np.sqrt(s[i]) + self.eps", "s[i] + self.eps"),
    "rmsprop-shares": (RMSPROP, "(1 - self.rho) * g", "self.rho * g"),
}


def judged(source: str, tmp_path: Path) -> Report:
    """The report on a network in some cases."""
    return check(f"{written(source, tmp_path)}:Network", case="[cl]*-[45]-[34]-*")


def written(source: str, tmp_path: Path) -> Path:
    """The file of a network that holds the constants that its source names."""
    held = [f"self.{each} = {value}" for each, value in HELD.items() if f"self.{each}" in source]
    source = source.replace("self.t = 0", "; ".join(("self.t = 0", *held)))
    file = tmp_path / "net.py"
    file.write_text(source, "utf-8")
    return file


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_rule_with_constants_of_its_own_is_recognised(name: str, tmp_path: Path) -> None:
    update, said = RIGHT[name]
    report = judged(BASE + update, tmp_path)
    assert report.ok
    assert said in report.conventions
    assert len(report.cases) > 1


def without_cases(source: str) -> str:
    """A network of softplus, of which there are no cases."""
    right = source.replace("1 / (1 + np.exp(-(w @ a + b)))", "np.log(1 + np.exp(w @ a + b))")
    right = right.replace("1 / (1 + np.exp(-(w @ a[-1] + b)))", "np.log(1 + np.exp(w @ a[-1] + b))")
    right = right.replace("* a[-1] * (1 - a[-1])", "* (1 - np.exp(-a[-1]))")
    return right.replace("* a[l] * (1 - a[l])", "* (1 - np.exp(-a[l]))")


@pytest.mark.parametrize("name", ["adam", "changing-rate", "momentum-literal"])
def test_a_network_without_cases_may_have_a_rule_of_its_own(name: str, tmp_path: Path) -> None:
    update, said = RIGHT[name]
    report = conformance.check(str(written(without_cases(BASE + update), tmp_path)))
    assert report.ok
    assert said.partition(", with")[0] in str(report)


def test_a_wrong_rule_of_a_network_without_cases_is_blamed(tmp_path: Path) -> None:
    update, right, wrong = WRONG["adam-correction"]
    source = without_cases(BASE + update.replace(right, wrong))
    report = conformance.check(str(written(source, tmp_path)))
    assert report.exit_code == 1
    assert "has to be divided by 1 − 0.99^t (β2)" in str(report)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=[pytest.mark.seldom] if each == "rmsprop-root" else [])
        for each in sorted(WRONG)
    ],
)
def test_a_wrong_rule_is_wrong_by_the_rule_that_it_is_meant_to_be(
    name: str, tmp_path: Path
) -> None:
    update, right, wrong = WRONG[name]
    assert update.count(right) == 1
    source = BASE + update.replace(right, wrong)
    report = judged(source, tmp_path)
    assert {each.tag for each in report.blames} <= {"V", "B", "W"}
    line = next(i for i, text in enumerate(source.splitlines(), 1) if wrong in text)
    assert line in {frames[0].line for frames in (e.frames for e in report.blames)}


@pytest.mark.parametrize("update", [ADAM, MOMENTUM], ids=["adam", "momentum"])
def test_an_equation_of_backprop_is_blamed_alone_whatever_the_rule(
    update: str, tmp_path: Path
) -> None:
    wrong = BASE.replace("nb.insert(0, delta)", "nb.insert(0, 2 * delta)")
    report = judged(wrong + update, tmp_path)
    assert [each.tag for each in report.blames] == ["BP3"]


def test_a_velocity_of_the_weights_alone_is_no_rule(tmp_path: Path) -> None:
    update = """
        v[i] = (self.mu if ps is self.weights else 0) * v[i] - eta * g
        ps[i] = ps[i] + v[i]
"""
    report = judged(BASE + update, tmp_path)
    assert [each.tag for each in report.blames] == ["W"]


BIASES_ALONE = {
    "bounded": "np.clip(b - eta * g, -0.05, 0.05)",
    "halved": "0.5 * (b - eta * g)",
    "shifted": "b - eta * g + 0.001",
}


@pytest.mark.parametrize("name", sorted(BIASES_ALONE))
def test_biases_that_move_otherwise_than_the_weights_are_by_no_rule_of_their_own(
    name: str, tmp_path: Path
) -> None:
    update = f"""
        b = ps[i]
        ps[i] = {BIASES_ALONE[name]} if ps is self.biases else b - eta * g
"""
    report = judged(BASE + update, tmp_path)
    assert [each.tag for each in report.blames] == ["B"]


def test_gradients_that_are_never_reset_are_no_momentum(tmp_path: Path) -> None:
    update = """
        v[i] = v[i] + g
        ps[i] = ps[i] - eta * v[i]
"""
    report = judged(BASE + update, tmp_path)
    assert not report.ok


DAMPENED = """
        v[i] = 0.9 * v[i] + 0.5 * g if self.t > 1 else g
        ps[i] = ps[i] - eta * v[i]
"""


def test_a_velocity_that_is_dampened_after_the_first_step_is_momentum(tmp_path: Path) -> None:
    report = judged(BASE + DAMPENED, tmp_path)
    assert report.exit_code == 0, str(report)


UNKNOWN = {
    "bounded-velocity": """
        v[i] = 0.9 * v[i] - eta * g / (np.linalg.norm(g) + 1e-8)
        ps[i] = ps[i] + v[i]
""",
    "cubed-velocity": """
        v[i] = 0.9 * v[i] + 0.1 * g
        ps[i] = ps[i] - eta * (0.3 * g + 0.7 * v[i] ** 3)
""",
}


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_a_rule_that_is_not_known_is_not_judged(name: str, tmp_path: Path) -> None:
    report = judged(BASE + UNKNOWN[name], tmp_path)
    assert (report.exit_code, report.blames) == (3, [])
    assert "moves the parameters by no rule that is known" in report.in_one_line()
    assert Report.from_json(report.to_json()).exit_code == report.exit_code


@pytest.mark.usefixtures("no_search")
def test_gradients_are_judged_beside_a_rule_that_is_not_known(tmp_path: Path) -> None:
    wrong = BASE.replace("nb.insert(0, delta)", "nb.insert(0, 2 * delta)")
    report = judged(wrong + UNKNOWN["cubed-velocity"], tmp_path)
    assert [each.tag for each in report.blames] == ["BP3"]


DECAYS = {
    "divided-by-n": (" / n", "λ as `self.lmbda`, n as `n`"),
    "whole": ("", "λ/n as `self.lmbda`"),
}


@pytest.mark.parametrize("name", sorted(DECAYS))
def test_a_decay_that_a_network_holds_is_set_as_the_cases_have_it(
    name: str, tmp_path: Path
) -> None:
    over, said = DECAYS[name]
    source = BASE.replace("mini_batch, eta)", "mini_batch, eta, n)" if over else "mini_batch, eta)")
    source = source.replace("        self.v = ", "        self.lmbda = 0.1\n        self.v = ", 1)
    decay = f"        self.weights = [(1 - eta * self.lmbda{over}) * w for w in self.weights]\n"
    source = source.replace("        self.t += 1\n", decay, 1)
    report = judged(source + "\n        ps[i] = ps[i] - eta * g\n", tmp_path)
    assert report.ok
    assert said in report.conventions


def test_l1_is_told_from_l2_by_what_it_takes_off(tmp_path: Path) -> None:
    source = BASE.replace("mini_batch, eta)", "mini_batch, eta, lmbda, n)")
    decay = "        nw = [g + lmbda / n * np.sign(w) for g, w in zip(nw, self.weights)]\n"
    source = source.replace("        self.t += 1\n", decay, 1)
    report = judged(source + "\n        ps[i] = ps[i] - eta * g\n", tmp_path)
    assert report.ok
    assert len(report.cases) > 1
    assert "l1" in report.conventions


def test_the_constants_of_a_class_promise_a_rule(tmp_path: Path) -> None:
    wrong = ADAM.replace("s[i] / (1 - self.beta2**self.t)", "s[i] / (1 - self.beta1**self.t)")
    for name in ("beta1", "beta2"):
        wrong = wrong.replace(f"self.{name}", f"self.{name.upper()}")
    source = BASE.replace("class Network:\n", "class Network:\n    BETA1, BETA2 = 0.9, 0.99\n")
    report = judged(source + wrong, tmp_path)
    assert {each.case.update for each in report.cases} == {"adam"}
