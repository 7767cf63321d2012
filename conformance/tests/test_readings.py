"""What a wrong line computes is not taken for another network than the one that is meant.

Left out: networks whose family is told (`test_families.py`), the change itself (`test_edits.py`).
"""

from pathlib import Path

import pytest

from conformance.api import check
from conformance.outcome import Outcome
from conformance.tests.networks import classifier, families

SOURCE = Path(classifier.__file__).read_text("utf-8")

WRONG = {
    "another activation": ("return softmax(np.dot", "return sigmoid(np.dot", "A"),
    "divided by the largest": ("return e / np.sum(e)", "return e / np.max(e)", "A"),
    "turned in sign": ("np.exp(z - np.max(z))", "np.exp(np.max(z) - z)", "A"),
}
"""By the mistake: the text, what stands in its place, the equation."""


@pytest.mark.usefixtures("brief_search")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("another activation", marks=pytest.mark.seldom),
        "divided by the largest",
        pytest.param("turned in sign", marks=pytest.mark.seldom),
    ],
)
def test_a_wrong_output_is_judged_as_the_output_that_the_code_names(
    name: str, tmp_path: Path
) -> None:
    right, wrong, equation = WRONG[name]
    assert SOURCE.count(right) == 1
    file = tmp_path / "classifier.py"
    file.write_text(SOURCE.replace(right, wrong), encoding="utf-8")
    report = check(f"{file}:Network")
    assert "softmax at the output" in report.conventions
    assert _lines(report) == {equation: SOURCE[: SOURCE.index(right)].count("\n") + 1}
    assert report.change is not None
    assert right in report.change.text


STEP = """\
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.max(axis=0)

def step(weights, biases, x, y, eta):
    a, m, shown = [x], x.shape[1], {}
    for i, (w, b) in enumerate(zip(weights, biases)):
        z = w @ a[-1] + b
        a.append(softmax(z) if i == len(weights) - 1 else 1 / (1 + np.exp(-z)))
        shown[f"a{i + 2}"] = a[-1]
    delta = a[-1] - y
    for i in reversed(range(len(weights))):
        shown[f"nabla_b{i + 2}"] = delta.sum(axis=1, keepdims=True) / m
        shown[f"nabla_w{i + 2}"] = delta @ a[i].T / m
        delta = (weights[i].T @ delta) * a[i] * (1 - a[i])
    return shown
"""


@pytest.mark.usefixtures("brief_search")
@pytest.mark.thorough
def test_a_function_is_judged_as_the_output_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "step.py"
    file.write_text(STEP, encoding="utf-8")
    report = check(f"{file}:step")
    assert "softmax at the output" in " ".join(report.conventions)
    assert _lines(report) == {"A": 5}


def _lines(report: Outcome) -> dict[str, int | None]:
    return {each.tag: each.line for each in report.blames}


@pytest.mark.usefixtures("no_search")
def test_the_family_that_is_said_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "classifier.py"
    file.write_text(SOURCE.replace("np.sum(e)", "np.max(e)"), encoding="utf-8")
    report = check(f"{file}:Network", family=("sigmoid", "sigmoid"), case="single-4-3-2")
    assert "softmax at the output" not in report.conventions


FOLLOWED = {
    "over the samples": ("e / np.sum(e)", "e / np.sum(e, axis=1, keepdims=True)"),
    "no activation": ("        return relu(z)\n", "        return z\n"),
}
"""What the program's own forward pass can be followed through, with a change of another line."""


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_family_that_is_named_is_preferred_to_the_own_forward_pass(
    name: str, tmp_path: Path
) -> None:
    source = Path(families.__file__).read_text("utf-8")
    right, wrong = FOLLOWED[name]
    assert source.count(right) == 1
    file = tmp_path / "families.py"
    file.write_text(source.replace(right, wrong), encoding="utf-8")
    report = check(f"{file}:Network")
    assert "ReLU in the hidden layers" in report.conventions
    assert "softmax at the output" in report.conventions
    assert report.blames[0].tag == "A"
