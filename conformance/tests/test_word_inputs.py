"""Classes that take whole numbers, under a name that says nothing of what they are."""

from pathlib import Path

import pytest

from conformance.tests.shapes.measure import judged_source as judged

PHRASES = """
import numpy as np

class Phrases:
    def __init__(self, n_words, n_hidden, n_out):
        rng = np.random.default_rng(2)
        self.table = rng.normal(size=(n_words, n_hidden))
        self.V = rng.normal(size=(n_hidden, n_out))
        self.rate = 0.1

    def forward(self, phrase):
        self.h = np.tanh(self.table[phrase].sum(axis=1))
        return self.h @ self.V

    def loss(self, phrase, Y):
        return np.sum((self.forward(phrase) - Y) ** 2) / 2

    def backward(self, phrase, Y):
        d = self.forward(phrase) - Y
        self.dV = self.h.T @ d
        dz = d @ self.V.T * (1 - self.h ** 2)
        self.dtable = np.zeros_like(self.table)
        np.add.at(self.dtable, phrase, dz[:, None, :])

    def update(self):
        self.table -= self.rate * self.dtable
        self.V -= self.rate * self.dV
"""


@pytest.mark.parametrize("wrong", ["", "(1 + self.h ** 2)"], ids=["right", "slope"])
def test_what_forward_takes_is_given_to_what_takes_it_under_its_name(
    wrong: str, tmp_path: Path
) -> None:
    source = PHRASES.replace("(1 - self.h ** 2)", wrong or "(1 - self.h ** 2)")
    code, lines, said = judged(source, tmp_path)
    assert code == bool(wrong), said
    assert [wrong in each for each in lines[:1]] == [True] * bool(wrong), said
    assert "loss(phrase, Y), backward(phrase, Y) gives the gradients" in said


def test_a_table_is_kept_for_no_average_of_it(tmp_path: Path) -> None:
    average = """
        self.mean_table = 0.9 * self.mean_table + 0.1 * self.table
        self.mean_V = 0.9 * self.mean_V + 0.1 * self.V
"""
    begun = "        self.mean_table, self.mean_V = 0 * self.table, 0 * self.V\n"
    source = PHRASES.replace("        self.rate = 0.1\n", f"        self.rate = 0.1\n{begun}")
    code, _, said = judged(source + average, tmp_path)
    assert code == 0, said
    assert "parameters table, V" in said


ONLINE = """
import numpy as np

class Line:
    def __init__(self, n_in, n_out):
        self.w = np.random.default_rng(2).normal(size=(n_in, n_out))
        self.before = np.zeros((n_in, n_out))

    def predict(self, x):
        return x @ self.w

    def loss(self, x, target):
        return 0.5 * np.sum((self.predict(x) - target) ** 2)

    def train_one(self, x, target, lr, inertia):
        change = inertia * self.before - lr * x.T @ (self.predict(x) - target)
        self.w += change
        self.before = change
"""


def test_a_number_of_no_known_name_is_no_count_of_steps(tmp_path: Path) -> None:
    code, _, said = judged(ONLINE, tmp_path)
    assert code == 0, said
