"""The judgement of one file: every kind of outcome, from the reports that there are."""

from pathlib import Path

import pytest

from conformance.grade.grade_row import Outcome
from conformance.grade.judge_submissions import judge_file
from conformance.tests.grade.support import MISTAKE, RIGHT, written
from conformance.tests.networks import book

BOOK = Path(str(book.__file__)).read_text()
ONE = BOOK.replace("sp = sigmoid_prime(z)", "sp = sigmoid(z)")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which holds the submission."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_right_program(here: Path) -> None:
    written(here / "net.py", RIGHT)
    said = judge_file("net.py", 30)
    assert (said.outcome, said.cause) == (Outcome.RIGHT, "")
    assert [each.ok for each in said.checks] == [True] * 4
    assert said.report


def test_a_wrong_gradient_has_its_line_and_cause(here: Path) -> None:
    written(here / "net.py", RIGHT.replace(*MISTAKE))
    said = judge_file("net.py", 30)
    assert (said.outcome, said.what) == (Outcome.WRONG, "gradient of params['b1']")
    assert said.line.startswith("net.py:")
    assert "mean" in said.cause
    assert sum(not each.ok for each in said.checks) == 1


@pytest.mark.thorough
def test_a_wrong_equation_has_its_layers_line_and_cause(here: Path) -> None:
    written(here / "net.py", ONE)
    said = judge_file("net.py", 60)
    assert (said.outcome, said.line) == (Outcome.WRONG, "net.py:83")
    assert said.what.startswith("BP2 at layers")
    assert [each.name for each in said.checks if not each.ok] == ["BP2"]


@pytest.mark.usefixtures("no_search")
@pytest.mark.thorough
def test_another_activation_than_the_one_that_is_meant_is_wrong(here: Path) -> None:
    written(here / "net.py", ONE)
    said = judge_file("net.py", 5, family=("tanh", "tanh"))
    assert (said.outcome, said.what[:2]) == (Outcome.WRONG, "A ")


@pytest.mark.thorough
def test_what_is_wrong_when_the_time_is_over_is_kept(here: Path) -> None:
    written(here / "net.py", ONE)
    said = judge_file("net.py", 0.1)  # which is as long as a second, and less than all cases take
    assert said.outcome in {Outcome.WRONG, Outcome.TIME}
    assert said.what.startswith("BP2") == (said.outcome is Outcome.WRONG)


@pytest.mark.parametrize(
    ("source", "outcome", "line", "cause"),
    [
        ("def f(:\n", Outcome.LOAD, "net.py:1", "invalid syntax: def f(:"),
        ("\nfrom numpy import no_such_name\n", Outcome.LOAD, "net.py:2", "ImportError: "),
        ("def f():\n  1 / 0\nf()\n", Outcome.LOAD, "net.py:3", "ZeroDivisionError: "),
        ("import os\nos._exit(4)\n", Outcome.CRASH, "", "exited with status 4 before it was done"),
        ("import ctypes\nctypes.string_at(0)\n", Outcome.CRASH, "net.py:2", "died by SIGSEGV"),
        ("x = 1\n", Outcome.NOT_JUDGED, "", "fits no known shape"),
    ],
)
def test_what_cannot_be_judged_says_why(
    source: str, outcome: Outcome, line: str, cause: str, here: Path
) -> None:
    written(here / "net.py", source)
    said = judge_file("net.py", 30)
    assert (said.outcome, said.line) == (outcome, line)
    assert said.cause.startswith(cause)
    assert str(here) not in "\n".join([said.cause, *said.report])


def test_a_hang_is_a_time_out_with_its_line(here: Path) -> None:
    written(here / "net.py", "import time\n\ntime.sleep(99)\n")
    said = judge_file("net.py", 1)
    assert (said.outcome, said.cause) == (Outcome.TIME, "not done within its time")
    assert said.line == "net.py:3"


@pytest.mark.usefixtures("no_search")
@pytest.mark.thorough
def test_a_network_that_raises_is_an_error_with_its_line(here: Path) -> None:
    written(here / "net.py", BOOK.replace("sp = sigmoid_prime(z)", "raise ValueError('no')"))
    said = judge_file("net.py", 60)
    assert (said.outcome, said.line) == (Outcome.ERROR, "net.py:83")
    assert "ValueError: no" in said.cause


def test_a_loop_that_only_prepares_something_hides_no_program(here: Path) -> None:
    written(here / "net.py", f"{RIGHT}\nfor i in range(3):\n    print(i * 2)\n")
    assert judge_file("net.py", 30).outcome is Outcome.RIGHT


@pytest.mark.thorough
def test_a_script_that_trains_is_run(here: Path) -> None:
    source = """import numpy as np
X, y = np.random.rand(6, 3), np.random.rand(6, 1)
w = np.random.rand(3, 1)
for _ in range(20):
    error = X @ w - y
    loss = (error ** 2).mean()
    gradient = X.T @ {error}
    w = w - 0.1 * gradient
    print(loss)
"""
    written(here / "right.py", source.format(error="(error * 2 / 6)"))
    written(here / "wrong.py", source.format(error="np.sign(error)"))
    assert judge_file("right.py", 30).outcome is Outcome.RIGHT
    said = judge_file("wrong.py", 30)
    assert (said.outcome, said.what, said.line) == (Outcome.WRONG, "gradient of w", "wrong.py:7")
