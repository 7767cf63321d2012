"""A function that returns some quantities alone: the others are found in its trace, with the lines.

Left out: what a function returns under its name (`test_function_subject.py`).
"""

from pathlib import Path

import pytest

from conformance import api
from conformance.tests.parts import part

CASES = ("contracting-5-4-3-2", "hand-2-3-1", "remainder-3-4-2")

COLUMNS = """
import numpy as np


def prime(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def step(weights, biases, x, y, eta):
    m = x.shape[1]
    a, zs = [x], []
    for w, b in zip(weights, biases):
        zs.append(w @ a[-1] + b)  # Z
        a.append(1 / (1 + np.exp(-zs[-1])))  # A
    delta = (a[-1] - y) * prime(zs[-1])  # BP1
    shown = {}
    for l in range(len(weights) + 1, 1, -1):
        shown[f"nabla_b{l}"] = delta.sum(axis=1, keepdims=True) / m  # BP3
        shown[f"nabla_w{l}"] = delta @ a[l - 2].T / m  # BP4
        if l > 2:
            delta = (weights[l - 2].T @ delta) * prime(zs[l - 3])  # BP2
    return shown
"""
"""Returns the gradients alone."""

ROWS = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(weights, biases, x, y, eta):
    outputs = [x]
    for w, b in zip(weights, biases):
        net = np.matmul(outputs[-1], w) + b  # Z
        outputs.append(sigmoid(net))  # A
    error = outputs[-1] - y  # BP1
    grads = {}
    for i in reversed(range(len(weights))):
        out = outputs[i + 1]
        error = error * out * (1 - out)  # BP2
        grads[f"nabla_w{i + 2}"] = np.matmul(outputs[i].T, error)  # BP4
        grads[f"nabla_b{i + 2}"] = error.sum(axis=0)  # BP3
        error = np.matmul(error, weights[i].T)  # sent
    return grads
"""
"""Samples as rows, weights turned, biases flat, sums over the samples: none of it is said."""

SAMPLES = """
import numpy as np


def step(weights, biases, x, y, eta):
    n, m = len(weights), x.shape[1]
    gw = [np.zeros_like(w) for w in weights]
    gb = [np.zeros_like(b) for b in biases]
    for i in range(m):
        a, z = [x[:, [i]]], []
        for w, b in zip(weights, biases):
            z.append(w @ a[-1] + b)  # Z
            a.append(1 / (1 + np.exp(-z[-1])))  # A
        d = (a[-1] - y[:, [i]]) * a[-1] * (1 - a[-1])  # BP1
        for l in range(n - 1, -1, -1):
            gb[l] += d / m  # BP3
            gw[l] += d @ a[l].T / m  # BP4
            if l:
                d = (weights[l].T @ d) * a[l] * (1 - a[l])  # BP2
    out = {}
    for l in range(n):
        out[f"w{l + 2}"] = weights[l] - eta * gw[l]  # W
        out[f"b{l + 2}"] = biases[l] - eta * gb[l]  # B
    return out
"""
"""One sample after the other; returns the new parameters alone."""

PROGRAMS = {"columns": COLUMNS, "rows": ROWS, "samples": SAMPLES}

TAGS = {"sent": "BP2"}
"""The equations of lines that are called something else."""

MISTAKES = {
    "columns no slope": ("columns", "BP2", " * prime(zs[l - 3])", ""),
    "columns slope of the layer above": (
        "columns",
        "BP2",
        "prime(zs[l - 3])",
        "prime(zs[l - 2][0])",
    ),
    "columns half the target": ("columns", "BP1", "a[-1] - y", "a[-1] - 0.5 * y"),
    "columns steeper": ("columns", "A", "np.exp(-zs[-1])", "np.exp(-2 * zs[-1])"),
    "columns half a bias": ("columns", "Z", "+ b", "+ 0.5 * b"),
    "columns bias gradients summed": ("columns", "BP3", "keepdims=True) / m", "keepdims=True)"),
    "columns weight gradients halved": ("columns", "BP4", "/ m", "/ m / 2"),
    "rows no bias": ("rows", "Z", " + b", ""),
    "rows sent by half": (
        "rows",
        "sent",
        "np.matmul(error, weights[i].T)",
        "0.5 * np.matmul(error, weights[i].T)",
    ),
    "rows half the target": ("rows", "BP1", "outputs[-1] - y", "outputs[-1] - 0.5 * y"),
    "rows weight gradients halved": (
        "rows",
        "BP4",
        "outputs[i].T, error)",
        "outputs[i].T, error) / 2",
    ),
    "samples no slope": ("samples", "BP2", " * a[l] * (1 - a[l])", ""),
    "samples half a slope": ("samples", "BP2", " * (1 - a[l])", ""),
    "samples plus the target": ("samples", "BP1", "a[-1] - y", "a[-1] + y"),
    "samples the last alone": ("samples", "BP4", "gw[l] += d", "gw[l] = d"),
    "samples decaying biases": ("samples", "B", "biases[l] -", "0.5 * biases[l] -"),
}


def blames(folder: Path, source: str) -> tuple[int, dict[str, int]]:
    """The exit code, and the line that is blamed for each equation."""
    path = folder / "mine.py"
    path.write_text(source)
    report = api.check(f"{path}:step", case=CASES)
    assert not report.remarks
    assert not [each.error for each in report.cases if each.error]
    return report.exit_code, {b.tag: b.frames[0].line if b.frames else 0 for b in report.blames}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_right_function_that_returns_a_part_is_accused_of_nothing(
    name: str, tmp_path: Path
) -> None:
    assert blames(tmp_path, PROGRAMS[name]) == (0, {})


@pytest.mark.parametrize(
    "name", part(MISTAKES, lambda each: MISTAKES[each][0], lambda each: MISTAKES[each][1])
)
def test_an_equation_whose_quantity_is_not_returned_is_blamed_with_its_line(
    name: str, tmp_path: Path
) -> None:
    program, tag, right, wrong = MISTAKES[name]
    lines = PROGRAMS[program].splitlines()
    number = next(i for i, line in enumerate(lines) if tag in line.partition("#")[2].split())
    assert lines[number].count(right) == 1
    lines[number] = lines[number].replace(right, wrong)
    assert blames(tmp_path, "\n".join(lines)) == (1, {TAGS.get(tag, tag): number + 1})


def test_a_function_that_refuses_traced_arrays_has_the_line_of_its_change_and_that_is_said(
    tmp_path: Path,
) -> None:
    refuses = COLUMNS.replace("    m = x", "    assert type(x) is np.ndarray\n    m = x")
    assert blames(tmp_path, refuses) == (0, {})
    wrong = refuses.replace("/ m  # BP4", "/ m / 2  # BP4")
    number = wrong[: wrong.index("/ m / 2")].count("\n") + 1
    assert blames(tmp_path, wrong) == (1, {"BP4": number})
    report = api.check(f"{tmp_path / 'mine.py'}:step", case=CASES)
    assert "not traced: AssertionError" in str(report)


def test_lost_digits_of_a_function_are_told_from_a_wrong_equation(tmp_path: Path) -> None:
    lossy = COLUMNS.replace("(a[-1] - y)", "((a[-1] + 1e5) - (y + 1e5))")
    path = tmp_path / "mine.py"
    path.write_text(lossy)
    report = api.check(f"{path}:step", case=CASES)
    assert report.exit_code == 0
    assert not report.blames
    assert "BP1" in str(report)
    assert "lost digits" in str(report)
