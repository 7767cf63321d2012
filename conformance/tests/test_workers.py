"""Real processes over gloo: the twin, functions, and that nothing is left of what goes wrong.

One pool for each number of processes is shared, since starting one takes seconds. Left out: what is
right (`test_processes.py`).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from time import monotonic, sleep

import numpy as np
import pytest

from conformance import cli
from conformance.errors import SubjectError, UsageError
from conformance.processes.commands import Asked, check
from conformance.processes.division import divided
from conformance.processes.process_check import check_processes
from conformance.processes.rank_program import FunctionProgram, Job, TwinProgram, flat, unflat
from conformance.processes.ranks import Failure, ProcessStep, Simulated
from conformance.processes.workers import Workers

pytestmark = pytest.mark.xdist_group("torch")

CASES = "uneven-remainder-3-4-2"


MARK = "CONFORMANCE_TEST_OF_WORKERS"
"""A variable that processes inherit: other tests have workers too, side by side with these."""


def carriers(mark: str) -> int:
    """How many workers a test has, where /proc tells."""
    found, own = 0, f"{MARK}={mark}\0".encode()
    if sys.platform != "linux":
        return found
    for each in Path("/proc").iterdir():
        try:
            worker = b"processes.rank_program" in (each / "cmdline").read_bytes()
            found += worker and own in (each / "environ").read_bytes() + b"\0"
        except OSError:
            continue
    return found


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Marks the workers of a test."""
    monkeypatch.setenv(MARK, str(tmp_path))
    return str(tmp_path)


# Without processes


def test_what_a_process_shows_travels_by_flat_names() -> None:
    one, two = np.ones((2, 1)), np.zeros(())
    shown = ProcessStep(
        ({"nabla_b2": one}, {"nabla_b2": 2 * one, "cost": two}), {"reduced_b2": 3 * one}
    )
    named = flat(shown)
    assert [*named] == ["own/0/nabla_b2", "own/1/nabla_b2", "own/1/cost", "reduced_b2"]
    again = unflat(named, 2)
    assert [*map(set, again.parts)] == [{"nabla_b2"}, {"nabla_b2", "cost"}]
    assert unflat({"reduced_b2": one}, 2).parts == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("torch_impl", 9), "give 1, 2 or 3"),
        (Asked("model.bin", 2), "FILE.py:step"),
        (Asked("torch_impl", 2, case="nowhere"), "uneven-remainder-3-4-2"),
        (Asked("f.py:step", 2, family=("tanh", "linear")), "--cost and --family"),
    ],
)
def test_what_cannot_be_asked_is_one_line(asked: Asked, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        check(asked)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_command_checks_simulated_processes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["check", "reference", "--processes", "2", "--case", CASES])
    assert left.value.code == 0
    assert "BP4 R B W" in capsys.readouterr().out


def test_what_does_not_go_with_processes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["check", "reference", "--processes", "2", "--save", "out"])
    assert left.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_function_gets_copies_and_its_results_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        dedent(
            """
            def step(rank, world, weights, biases, micro_batches, m, eta, cost):
                weights[0][:] = 7
                assert (rank, world, m, cost) == (1, 2, 10, "quadratic")
                return {"own": {"nabla_b2": [[1.0]]}, "nabla_b2": [[2.0]], "b2": [[3.0]]}
            """
        )
    )
    of = next(each for each in divided(2, "float64") if each.case.id == CASES)
    samples = tuple((part.x, part.y) for rank, _, part in of.parts(0) if rank == 1)
    before = of.parameters.w[0].copy()
    taken = FunctionProgram(f"{file}:step").open()(
        Job(of.of_step(0), 1, of.parameters, samples, of.batches[0].m)
    )
    assert np.array_equal(of.parameters.w[0], before)
    assert [*taken.after] == ["reduced_b2", "b2"]
    assert [*map(set, taken.parts)] == [{"nabla_b2"}]


def test_what_dies_or_raises_is_told_before_what_waits_for_it() -> None:
    waits = Failure("RuntimeError", "rank 0: RuntimeError: [gloo/pair.cc] Connection reset by peer")
    raises = Failure("ValueError", "rank 1: ValueError: no such thing", ("mine.py", 3, "step"))
    dies = Failure("", "rank 2 died by SIGSEGV")
    failures = [waits, raises, dies]
    assert min(failures, key=lambda each: each.order) is dies
    assert min(failures[:2], key=lambda each: each.order) is raises
    assert raises.error([0]).args == ("rank 1: ValueError: no such thing",)
    assert str(waits.error([1])).endswith("(rank 1 had done its step)")


# With them


@pytest.fixture(scope="module")
def two() -> Iterator[Workers]:
    own = f"two of {os.getpid()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, own)
        with Workers("torch_impl", 2, TwinProgram(), 30) as workers:
            yield workers
            assert carriers(own) == (2 if sys.platform == "linux" else 0)
        assert not carriers(own)


@pytest.mark.thorough
def test_the_twin_is_conformant_as_two_processes(two: Workers) -> None:
    report = check_processes(two, divided(2))
    assert report.ok, str(report)
    assert len(report.cases) == 16


@pytest.mark.thorough
def test_the_twin_agrees_with_the_reference(two: Workers) -> None:
    of = divided(2, "float64")[0]
    pairs = zip(two.step(of, 0), Simulated(2).step(of, 0), strict=True)
    for one, other in pairs:
        for name, array in other.after.items():
            np.testing.assert_allclose(one.after[name], array, rtol=1e-12, atol=1e-15)


@pytest.mark.seldom
@pytest.mark.parametrize("world", [1, 3])
def test_the_twin_is_conformant_as_one_process_and_as_three(world: int) -> None:
    some = ("uneven-*", "micro-*", "empty-*")
    assert check(Asked("torch_impl", world, case=some, dtype="float64")).ok


WRONG = """
import os
import signal
import time

import torch
import torch.distributed as dist


def step(rank, world, weights, biases, micro_batches, m, eta):
    print("last words")
    if {condition}:
        {what}
    dist.all_reduce(torch.zeros(2))
    return {{}}
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("condition", "what", "said"),
    [
        pytest.param(
            *("rank == 1", "raise ValueError('no such thing')"),
            "rank 1: ValueError: no such thing",
            marks=pytest.mark.seldom,
        ),
        ("rank == 0", "return {}", "rank 0 had done its step"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_nothing(
    condition: str, what: str, said: str, tmp_path: Path, mark: str
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(WRONG.format(condition=condition, what=what))
    before = carriers(mark)
    with Workers("mine.py:step", 2, FunctionProgram(f"{file}:step"), 1) as workers:
        with pytest.raises(SubjectError) as raised:
            workers.step(divided(2, "float64")[0], 0)
        assert carriers(mark) == before
    assert said in str(raised.value)


@pytest.mark.thorough
def test_processes_that_stop_alike_are_not_started_again(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    code = "if m == 4:\n        raise ValueError('four')\n    return {'loss': 1.0}"
    file.write_text(f"def step(rank, world, weights, biases, micro_batches, m, eta):\n    {code}\n")
    with Workers("mine.py:step", 2, FunctionProgram(f"{file}:step"), 1) as workers:
        running = set()
        for of in divided(2, "float64"):
            with pytest.raises(SubjectError, match=r"is no quantity|ValueError: four"):
                workers.step(of, 0)
            running.add(workers._running)  # noqa: SLF001
    assert len(running) == 1
    assert None not in running


def test_a_program_that_cannot_be_opened_is_opened_once(tmp_path: Path) -> None:
    program = FunctionProgram(f"{tmp_path / 'mine.py'}:step")
    (tmp_path / "mine.py").write_text("raise OSError('not here')\n")
    with Workers("mine.py:step", 1, program, 1) as workers:
        for of in divided(1, "float64")[:2]:
            begun = monotonic()
            with pytest.raises(SubjectError, match="not here"):
                workers.step(of, 0)
            taken = monotonic() - begun
    assert taken < 0.5


@pytest.mark.seldom
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which processes there are")
def test_nothing_is_left_when_conformance_itself_is_killed(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(WRONG.format(condition="True", what="time.sleep(100)"))
    words = [sys.executable, "-m", "conformance", "check", f"{file}:step", "--processes", "2"]
    before = carriers(mark)
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while carriers(mark) < before + 2:
            assert process.poll() is None
            sleep(0.05)
        process.send_signal(signal.SIGKILL)
    deadline = monotonic() + 20
    while carriers(mark) > before and monotonic() < deadline:
        sleep(0.1)
    assert carriers(mark) == before
