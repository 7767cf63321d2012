"""What a step that a class has of its own tells: what it calls, whatever that is called."""

import re
from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

POLISH = """
import numpy as np

class Siec:
    def __init__(self, wejscie, ukryte, wyjscie):
        los = np.random.default_rng(5)
        self.A = los.normal(size=(wejscie, ukryte)) / 2
        self.B = los.normal(size=(ukryte, wyjscie)) / 2

    def przelicz(self, dane):
        srodek = np.tanh(dane @ self.A)
        koniec = np.exp(srodek @ self.B)
        return koniec / koniec.sum(axis=1, keepdims=True), (dane, srodek)

    def strata(self, szansa, klasa):
        return -np.log(szansa[np.arange(len(klasa)), klasa]).mean()

    def wstecz(self, szansa, pamiec, klasa):
        dane, srodek = pamiec
        r = szansa.copy()
        r[np.arange(len(klasa)), klasa] -= 1
        r /= len(klasa)
        return dane.T @ (r @ self.B.T * (1 - srodek ** 2)), srodek.T @ r

    def popraw(self, zmiany, tempo=0.1):
        self.A -= tempo * zmiany[0]
        self.B -= tempo * zmiany[1]

    def krok(self, dane, klasa):
        szansa, pamiec = self.przelicz(dane)
        zmiany = self.wstecz(szansa, pamiec, klasa)
        self.popraw(zmiany)
        return self.strata(szansa, klasa)
"""


@pytest.mark.parametrize("there", ["(1 - srodek ** 2)", "(1 - srodek)"])
def test_a_step_of_its_own_tells_what_goes_back(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(POLISH.replace("(1 - srodek ** 2)", there), tmp_path)
    assert code == int("**" not in there), said
    assert all(there in each for each in lines[:1]), said
    assert "przelicz(dane), strata(szansa, klasa), wstecz(szansa, pamiec, klasa)" in said


KEPT = """
import numpy as np

class Rete:
    def __init__(self, m, n):
        self.peso = np.random.default_rng(2).normal(size=(m, n))

    def avanti(self, ingresso):
        self.ingresso, self.uscita = ingresso, np.tanh(ingresso @ self.peso)
        return self.uscita

    def perdita(self, giusto):
        self.scarto = self.uscita - giusto
        return 0.5 * (self.scarto ** 2).sum()

    def indietro(self):
        self.dpeso = self.ingresso.T @ (self.scarto * (1 - self.uscita ** 2))

    def passo(self, giusto, ingresso):
        self.avanti(ingresso)
        quanto = self.perdita(giusto)
        self.indietro()
        self.peso -= 0.1 * self.dpeso
        return quanto
"""


@pytest.mark.parametrize("there", ["(1 - self.uscita ** 2)", "(1 - self.uscita)"])
def test_what_goes_back_may_be_given_nothing(there: str, tmp_path: Path) -> None:
    code, lines, said = judged(KEPT.replace("(1 - self.uscita ** 2)", there), tmp_path)
    assert code == int("**" not in there), said
    assert all(there in each for each in lines[:1]), said
    assert "indietro() gives the gradients" in said


MASKED = """
import numpy as np

class Red:
    def __init__(self, capas, guarda=0.8, tasa=0.1, semilla=0):
        self.azar = np.random.RandomState(semilla)
        self.guarda, self.tasa = guarda, tasa
        self.par = {
            "W1": self.azar.randn(capas[1], capas[0]), "b1": np.zeros((capas[1], 1)),
            "W2": self.azar.randn(capas[2], capas[1]), "b2": np.zeros((capas[2], 1)),
        }

    def propaga(self, X, aprende=True):
        Z = self.par["W1"] @ X + self.par["b1"]
        D = np.ones(Z.shape)
        if aprende:
            D = (self.azar.rand(*Z.shape) < self.guarda) / self.guarda
        A = np.maximum(Z, 0) * D
        E = np.exp(self.par["W2"] @ A + self.par["b2"])
        return E / E.sum(axis=0), (X, Z, D, A)

    @staticmethod
    def perdida(P, Y):
        return -np.sum(Y * np.log(P)) / Y.shape[1]

    def entrena(self, X, Y, vueltas=10):
        historia = []
        for _ in range(vueltas):
            P, (X, Z, D, A) = self.propaga(X)
            d = (P - Y) / Y.shape[1]
            g = {"W2": d @ A.T, "b2": d.sum(axis=1, keepdims=True)}
            d = self.par["W2"].T @ d * D * (Z > 0)
            g |= {"W1": d @ X.T, "b1": d.sum(axis=1, keepdims=True)}
            for k in self.par:
                self.par[k] -= self.tasa * g[k]
            historia.append(self.perdida(self.propaga(X, aprende=False)[0], Y))
        return historia
"""


@pytest.mark.parametrize("there", ["* D * (Z > 0)", "* (Z > 0)"], ids=["right", "wrong"])
def test_a_loss_after_the_step_of_another_forward_pass_is_not_that_of_the_gradients(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(MASKED.replace("* D * (Z > 0)", there), tmp_path)
    assert code == int(there == "* (Z > 0)"), said
    assert not lines or there in lines[0], said


SQUARE = """
import numpy as np

class Chain:
    def __init__(self, W1, W2):
        self.W1, self.W2 = W1, W2

    def propagate(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1)
        return self.h @ self.W2

    def cost(self, x, wanted):
        return 0.5 * np.sum((self.propagate(x) - wanted) ** 2)

    def backpropagate(self, last, wanted):
        d = last - wanted
        self.dW2 = self.h.T @ d
        self.dW1 = self.x.T @ (d @ self.W2.T * (1 - self.h ** 2))

    def learn(self, x, wanted):
        last = self.propagate(x)
        self.backpropagate(last, wanted)
        self.W1 -= 0.1 * self.dW1
        self.W2 -= 0.1 * self.dW2

rng = np.random.default_rng(0)
chain = Chain(rng.normal(size=(2, 4)), rng.normal(size=(4, 2)))
"""
"""It is made with as many outputs as inputs: either may be given in the place of the other."""


@pytest.mark.parametrize("there", ["(1 - self.h ** 2)", "(1 - self.h)"])
def test_a_step_of_its_own_tells_inputs_from_outputs_that_are_as_many(
    there: str, tmp_path: Path
) -> None:
    code, lines, said = judged(SQUARE.replace("(1 - self.h ** 2)", there), tmp_path)
    assert code == int("**" not in there), said
    assert all(there in each for each in lines[:1]), said


@pytest.mark.seldom
def test_arguments_of_no_known_names_are_tried_in_each_order(tmp_path: Path) -> None:
    first, _, rest = SQUARE.partition("    def learn")
    text = re.sub(r"\bx\b", "given", first + rest[rest.index("rng = ") :])
    code, _, said = judged(text, tmp_path)
    assert code == 0, said


ADDED = """
import numpy as np

class Perceptron2:
    def __init__(self, n_in, n_mid, n_out, rate):
        self.P, self.p = np.random.normal(0, 1, (n_mid, n_in)), np.zeros((n_mid, 1))
        self.Q, self.q = np.random.normal(0, 1, (n_out, n_mid)), np.zeros((n_out, 1))
        self.rate = rate
        self.squash = lambda s: 1 / (1 + np.exp(-s))

    def query(self, x):
        h = self.squash(np.dot(self.P, np.array(x, ndmin=2).T) + self.p)
        return self.squash(np.dot(self.Q, h) + self.q)

    def train(self, x, target):
        x, target = np.array(x, ndmin=2).T, np.array(target, ndmin=2).T
        h = self.squash(np.dot(self.P, x) + self.p)
        out = self.squash(np.dot(self.Q, h) + self.q)
        d_out = (target - out) * out * (1 - out)
        back = np.dot(self.Q.T, d_out)
        d_mid = back * h * (1 - h)
        self.Q += self.rate * np.dot(d_out, h.T)
        self.q += self.rate * d_out
        self.P += self.rate * np.dot(d_mid, x.T)
        self.p += self.rate * d_mid
"""


@pytest.mark.parametrize("name", ["d_mid", "back"])
def test_what_is_added_in_the_place_of_a_gradient_is_told_where_it_is_added(
    name: str, tmp_path: Path
) -> None:
    code, lines, said = judged(ADDED.replace("rate * d_mid", f"rate * {name}"), tmp_path)
    assert code == (name == "back"), said
    assert lines[:1] == ["self.p += self.rate * back"][:code], said
