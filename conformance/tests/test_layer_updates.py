"""The update of a layer that keeps its gradients is called, and judged for all its parameters."""

from pathlib import Path

import pytest

import conformance
from conformance.report.file_report import FileReport

SOURCE = """import numpy as np

class Gain:
    def __init__(self, size):
        self.kernel = np.random.normal(0, 0.3, (size, size))
        self.scale = np.random.uniform(0.5, 1, size)
        self.bias = np.zeros(size)
        self.pull = np.zeros((size, size))

    def forward(self, X):
        self.X = X
        self.H = X @ self.kernel
        return self.H * self.scale + self.bias

    def backward(self, d):
        self.dscale = (d * self.H).sum(axis=0)
        self.dbias = d.sum(axis=0)
        self.dkernel = self.X.T @ (d * self.scale)
        return (d * self.scale) @ self.kernel.T

    def tune(self, pace, keep=0.9):
        self.pull = keep * self.pull + self.dkernel
        self.kernel -= pace * self.pull
        self.scale -= pace * self.dscale
        self.bias -= pace * self.dbias
"""


def judged(tmp_path: Path, old: str = "", new: str = "", source: str = SOURCE) -> FileReport:
    file = tmp_path / "gain.py"
    file.write_text(source.replace(old, new))
    return conformance.check(str(file))  # type: ignore[return-value]


def line_of(part: str) -> int:
    return next(i for i, each in enumerate(SOURCE.splitlines(), 1) if part in each)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.kernel -= pace * self.pull", "self.kernel = pace * self.pull"),
        ("self.scale -= pace * self.dscale", "self.scale = -pace * self.dscale"),
        ("self.bias -= pace * self.dbias", "self.bias -= pace * self.dscale"),
        ("self.bias -= pace * self.dbias", "self.bias -= pace * self.bias"),
        ("self.scale -= pace * self.dscale", "self.scale += pace * self.dscale"),
    ],
    ids=["velocity alone", "gradient alone", "another's", "decay alone", "uphill"],
)
def test_a_parameter_becomes_itself_and_a_multiple_of_its_gradient(
    old: str, new: str, tmp_path: Path
) -> None:
    report = judged(tmp_path, old, new)
    name = old.partition(" ")[0].removeprefix("self.")
    assert (report.exit_code, report.blames[0].line) == (1, line_of(old))
    assert f"wrong: the update of {name};" in str(report)


@pytest.mark.parametrize(
    ("old", "gradient"),
    [
        ("        self.bias -= pace * self.dbias\n", "self.dbias ="),
        ("        self.kernel -= pace * self.pull\n", "self.dkernel ="),
    ],
    ids=["gradient", "velocity"],
)
def test_a_parameter_that_nothing_moves_is_told(old: str, gradient: str, tmp_path: Path) -> None:
    report = judged(tmp_path, old, "")
    assert (report.exit_code, report.blames[0].line) == (1, line_of(gradient))
    assert "its gradient is computed here, and moves nothing" in str(report)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        (
            "self.kernel -= pace * self.pull",
            "self.kernel *= 0.99\n        self.kernel -= self.pull",
        ),
        ("        self.bias -=", "        if pace > 1:\n            self.bias -="),
        (
            "        self.bias -= pace * self.dbias\n",
            "\n    def pairs(self):\n        return [(self.bias, self.dbias)]\n",
        ),
        ("self.bias -= pace * self.dbias", "self.bias = 0.5 * self.bias - pace * self.dbias"),
    ],
    ids=["momentum", "decay", "frozen", "elsewhere", "large decay"],
)
def test_what_may_be_right_is_not_accused(old: str, new: str, tmp_path: Path) -> None:
    report = judged(tmp_path, old, new)
    assert (report.exit_code, "all right" in str(report)) == (0, True), str(report)
    assert "not judged" not in str(report)
    assert ("never moved: bias" in str(report)) == ("bias" in old and "0.5" not in new)


def test_an_update_that_is_not_followed_is_told(tmp_path: Path) -> None:
    new = "pace * self.dscale / (np.abs(self.dscale) + 1e-8)"
    report = judged(tmp_path, "pace * self.dscale", new)
    assert report.exit_code == 0
    assert "note: the rule by which tune moves parameters is not judged" in str(report)


def test_an_update_that_cannot_be_called_is_told(tmp_path: Path) -> None:
    report = judged(tmp_path, "tune(self, pace", "tune(self, pace, plan, chart")
    assert report.exit_code == 0
    assert "note: tune(pace, plan, chart, keep) is not tried" in str(report)
