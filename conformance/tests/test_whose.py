"""Whose an error is: one of this project exits 4, and is never said of the subject."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.api import check
from conformance.edits import search_edits
from conformance.errors import InternalError, SubjectError, UsageError
from conformance.judging import judge
from conformance.running.isolate import isolated
from conformance.running.tracebacks import call, is_ours, stopped
from conformance.tests.networks import book
from conformance.tests.test_cli import one_line, run
from conformance.tests.test_plugin import finish, start
from conformance.tracing.trace import Trace

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

BOOK = Path(book.__file__)
RETURNED = "        return nabla_b, nabla_w\n"
WEIGHTS = "[np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]"
UPDATED = "[w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]"
OUTPUT = "        return a\n"


@pytest.fixture
def broken(monkeypatch: Patch) -> None:
    """Let this project be broken where it judges."""
    monkeypatch.setattr(judge, "judge", None)


def caught(work: Any) -> BaseException:
    """What a call raises."""
    with pytest.raises(BaseException) as info:  # noqa: PT011 - whatever it is
        work()
    return info.value


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("subject", ["reference", f"{BOOK}:Network"])
def test_an_error_of_ours_is_one_line_and_exits_4(subject: str, capsys: Capture) -> None:
    assert run("check", subject, "--case", "hand-2-3-1") == 4
    line = one_line(capsys)
    assert line.startswith("an error of conformance itself: TypeError: ")
    assert "conformance/judging/judge.py:" in line
    assert line.endswith("(please report it where you got this package; -v shows the traceback)")


@pytest.mark.usefixtures("broken")
def test_v_shows_the_traceback_of_an_error_of_ours(capsys: Capture) -> None:
    assert run("check", f"{BOOK}:Network", "--case", "hand-2-3-1", "-v") == 4
    error = capsys.readouterr().err
    assert error.startswith("Traceback (most recent call last):\n")
    assert error.count("an error of conformance itself") == 1


def test_an_error_of_ours_outside_a_check_exits_4(monkeypatch: Patch, capsys: Capture) -> None:
    monkeypatch.setattr("conformance.explain.show_step.example", None)
    assert run("explain") == 4
    assert "TypeError" in one_line(capsys)


def test_what_a_call_itself_raises_is_the_subjects() -> None:
    def one(_first: object) -> None: ...

    assert not is_ours(caught(lambda: call(one, 1, 2)))  # type: ignore[call-arg]
    assert isinstance(stopped("here", caught(lambda: call(int, "x"))), SubjectError)


def test_an_operation_on_traced_numbers_is_the_subjects() -> None:
    trace = Trace()
    zero = trace.number(0.0, trace.node("given eta", None, (), {}, np.array(0.0)))
    assert not is_ours(caught(lambda: 1 / zero))


def test_an_operation_on_traced_arrays_is_the_subjects(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    wrong = "np.dot(delta, delta, activations[-2])"
    source = BOOK.read_text("utf-8").replace("np.dot(delta, activations[-2].transpose())", wrong)
    path.write_text(source, "utf-8")
    (case,) = check(f"{path}:Network", case="layout-3-2-4").cases
    assert "stopped in" in case.error
    assert [Path(each.file).name for each in case.frames] == ["net.py"]


@pytest.mark.thorough
@pytest.mark.usefixtures("no_search")
def test_a_recursion_without_end_is_the_subjects(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    again = "        self.backprop(x, y)\n        # backwards"
    path.write_text(BOOK.read_text("utf-8").replace("        # backwards", again), "utf-8")
    report = check(f"{path}:Network", case="hand-2-3-1")
    assert report.exit_code == 3
    assert "RecursionError" in report.cases[0].error


def test_an_error_of_ours_in_a_child_is_ours_here() -> None:
    def work(_send: object) -> None:
        check(1, case="no such case")

    with pytest.raises(UsageError):
        list(isolated(work, 20.0))
    with pytest.raises(InternalError, match="Object of type set"):
        list(isolated(lambda send: send({1}), 20.0))


STRANGE = {
    "gradients of None": (RETURNED, "        return [None for b in nabla_b], nabla_w\n"),
    "a gradient of None": (RETURNED, "        return [None, *nabla_b[1:]], nabla_w\n"),
    "dicts of gradients": (RETURNED, "        return [{0: b} for b in nabla_b], nabla_w\n"),
    "a dict": (RETURNED, "        return {'b': nabla_b, 'w': nabla_w}\n"),
    "strings": (RETURNED, "        return ['abc' for b in nabla_b], nabla_w\n"),
    "ragged": (RETURNED, "        return nabla_b, [[[1.0], [1.0, 2.0]] for w in nabla_w]\n"),
    "huge": (RETURNED, "        return [np.full(b.shape, 10**400) for b in nabla_b], nabla_w\n"),
    "none inside": (RETURNED, "        return [[[None]] for b in nabla_b], nabla_w\n"),
    "objects": (RETURNED, "        return [b.astype(object) for b in nabla_b], nabla_w\n"),
    "huge factor": ("delta = self.cost", "delta = 10**400 * self.cost"),
    "weights of dicts": (WEIGHTS, "[{0: x} for x in sizes[1:]]"),
    "a dict of weights": (WEIGHTS, "{i: np.ones((2, 2)) for i in sizes[1:]}"),
    "ragged weights": (WEIGHTS, "[[[0.0], [0.0, 1.0]] for x in sizes[1:]]"),
    "no weights left": (UPDATED, "None"),
    "nothing in the weights": (UPDATED, "[None for w in self.weights]"),
    "a dict left": (UPDATED, "dict(enumerate(self.weights))"),
    "too few weights left": (UPDATED, "self.weights[1:]"),
    "huge weights left": (UPDATED, "[np.full(w.shape, 10**400) for w in self.weights]"),
    "strings left": (UPDATED, "['a' for w in self.weights]"),
    "lists left": (UPDATED, "[w.tolist() for w in self.weights]"),
    "a generator left": (UPDATED, "(w for w in self.weights)"),
    "an output of None": (OUTPUT, "        return None\n"),
    "a dict of outputs": (OUTPUT, "        return {0: a}\n"),
    "a string": (OUTPUT, "        return 'abc'\n"),
    "a huge output": (OUTPUT, "        return np.full(a.shape, 10**400)\n"),
}


@pytest.mark.thorough
@pytest.mark.parametrize(
    "what",
    [
        pytest.param(each, marks=[pytest.mark.seldom] if each == "a dict of weights" else [])
        for each in STRANGE
    ],
)
def test_what_is_no_array_of_numbers_is_the_subjects(
    what: str, tmp_path: Path, monkeypatch: Patch, capsys: Capture
) -> None:
    monkeypatch.setattr(search_edits, "LONGEST", 0.5)  # begun, but for most there is no change
    right, strange = STRANGE[what]
    source = BOOK.read_text("utf-8")
    assert source.count(right) == 1
    path = tmp_path / "net.py"
    path.write_text(source.replace(right, strange), "utf-8")
    status = run("check", f"{path}:Network", "--case", "layout-3-2-4")
    said = capsys.readouterr()
    assert status in (1, 2, 3)
    assert "itself" not in said.err
    assert "isnan" not in said.out + said.err
    assert len(said.err.splitlines()) <= 1


@pytest.mark.parametrize("what", ["nested lists", "lists of objects"])
def test_weights_in_lists_are_judged(what: str, tmp_path: Path) -> None:
    made = "np.random.randn(y, x)"
    listed = f"{made}.tolist()" if what == "nested lists" else f"{made}.astype(object)"
    path = tmp_path / "net.py"
    path.write_text(BOOK.read_text("utf-8").replace(made, listed), "utf-8")
    assert check(f"{path}:Network", case="layout-3-2-4").ok


@pytest.mark.thorough
@pytest.mark.parametrize(
    "more",
    [
        pytest.param(("--conformance-xfails", "expected.txt"), id="expected failures"),
        pytest.param((), id="all", marks=pytest.mark.seldom),
    ],
)
def test_in_the_suite_an_error_of_ours_is_an_error_and_no_failure(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "breaking.py").write_text("import conformance.judging.judge as j\nj.judge = None\n")
    (tmp_path / "expected.txt").write_text("*/bp2/*\n")
    asked = ("-k", "hand-2-3-1/bp2/ref", "--conformance-subject", "reference", "-p", "breaking")
    suite = ("--pyargs", "conformance.suite.test_equation", *asked)
    code, out = finish(start(tmp_path, *suite, *more, python_path=str(tmp_path)))
    assert code == 1
    assert "1 error" in out.splitlines()[-1]
    assert "failed" not in out.splitlines()[-1]
    assert "an error of conformance itself: TypeError" in out


def test_a_reader_that_goes_is_no_verdict(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "check", "reference", "--case", "hand*"]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(  # noqa: S603
        command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert ended.returncode == 128 + 13
    assert b"Traceback" not in ended.stderr
