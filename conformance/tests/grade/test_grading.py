"""The command on a small class: its files, going on where a run was ended, a cluster."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance import cli
from conformance.grade import grading, limits
from conformance.tests.grade.class_of_100 import write_class
from conformance.tests.grade.support import (
    MISTAKE,
    RIGHT,
    children,
    need_sandbox,
    processes,
    written,
)
from conformance.tests.parts import few

pytestmark = pytest.mark.xdist_group("grade a class")


def _line(code: str) -> int:
    """The number of the line of a right program that holds this code."""
    return next(i for i, line in enumerate(RIGHT.splitlines(), 1) if code in line)


Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch
WHAT_AND_LINE = "gradient of params['b1']", f"net.py:{_line(MISTAKE[0])}"


def run(*arguments: object) -> int:
    """The exit code of the command."""
    try:
        cli.main(["grade", *map(str, arguments)])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A class of three."""
    folder = tmp_path / "class"
    written(folder / "ann.py", RIGHT)
    written(folder / "ben" / "net.py", RIGHT.replace(*MISTAKE))
    written(folder / "eve.py", "def f(:\n")
    written(folder / "grades.csv", "")
    return folder


def rows_of(path: Path) -> dict[str, dict[str, object]]:
    """The rows of a file of JSON, by the names of their submissions."""
    return {each["name"]: each for each in json.loads(path.read_text())["submissions"]}


@pytest.mark.thorough
def test_a_class_is_graded_and_then_only_what_has_changed(
    small: Path, tmp_path: Path, capsys: Capture
) -> None:
    said = [tmp_path / name for name in ("all.csv", "all.html", "all.json", "students")]
    options = ["--csv", said[0], "--html", said[1], "--json", said[2], "--gradescope", said[3]]
    assert run(small, "-n", 2, *options) == 0
    shown = capsys.readouterr()
    assert "not graded: grades.csv" in shown.err
    assert "3 submissions: 1 wrong, 1 right, 1 load error" in shown.out
    first = rows_of(said[2])
    assert (first["ben"]["what"], first["ben"]["line"]) == WHAT_AND_LINE
    assert (first["eve.py"]["verdict"], first["eve.py"]["line"]) == ("load error", "eve.py:1")
    assert all(path.exists() for path in said)
    assert (said[3] / "ben" / "results.json").is_file()
    written(small / "eve.py", RIGHT)
    (small / "fay").mkdir()
    assert run(small, "--json", said[2], "-q") == 0
    second = rows_of(said[2])
    assert second["fay"]["cause"] == "no Python file or notebook in it"
    assert second["eve.py"]["verdict"] == "right"
    assert [second[name] == first[name] for name in ("ann.py", "ben", "eve.py")] == [1, 1, 0]


@pytest.mark.thorough
def test_one_folder_is_one_submission(small: Path, tmp_path: Path) -> None:
    options = ["--one", "--gradescope", tmp_path / "out", "--hide-answers", "--points", 20]
    assert run(small / "ben", *options) == 0
    said = json.loads((tmp_path / "out" / "results.json").read_text())
    assert 0 < said["score"] < 20
    assert WHAT_AND_LINE[1] not in said["output"]


@pytest.mark.thorough
def test_files_that_are_given_stand_beside_each_submission(small: Path, tmp_path: Path) -> None:
    source = f"import numpy as np\nX = np.loadtxt('data/x.csv')\n{RIGHT}"
    written(small / "eve.py", source)
    given = written(tmp_path / "given" / "data" / "x.csv", "1\n2\n").parent.parent
    path = tmp_path / "all.json"
    assert run(small, "--with", given, "--file", "*.py", "--json", path) == 0
    assert rows_of(path)["eve.py"]["verdict"] == "right"


def test_a_sandbox_that_cannot_be_made_is_said(small: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(limits, "which", lambda _: None)
    assert run(small, "--sandbox", "bwrap") == 2
    assert run(small, "--sandbox", "docker") == 2


def test_a_folder_that_a_sandbox_shows_is_refused(monkeypatch: Patch, tmp_path: Path) -> None:
    need_sandbox()
    folder = written(tmp_path / "class" / "ann.py", RIGHT).parent
    monkeypatch.setattr(limits, "shown_folders", lambda: [tmp_path])
    assert run(folder, "--sandbox", "bwrap") == 2


def test_results_are_not_kept_among_the_submissions(small: Path, capsys: Capture) -> None:
    assert run(small, "--results", small / "rows") == 2
    assert "would be a submission" in capsys.readouterr().err


@pytest.mark.seldom
def test_a_class_has_a_row_for_each(tmp_path: Path) -> None:
    folder, path = tmp_path / "class", tmp_path / "all.json"
    size = few(12, 100)
    expected = write_class(folder, size)
    assert len(expected) == size
    before = children()
    assert run(folder, "--jobs", 2, "--timeout", 20, "--json", path, "-q") == 0
    rows = {name: row["verdict"] for name, row in rows_of(path).items()}
    assert rows.keys() == expected.keys()
    assert {name: rows[name] for name, said in expected.items() if said} == {
        name: said for name, said in expected.items() if said
    }
    assert children() <= before


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.seldom)],
)
@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.thorough
def test_a_run_that_was_ended_goes_on_where_it_was(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "class"
    names = ["a.py", "slow.py", "z.py"]
    for name in names:
        written(
            folder / name, "import time\ntime.sleep(99)\n" if name == "slow.py" else "def f(:\n"
        )
    command = [sys.executable, "-m", "conformance", "grade", str(folder), "-n", "1"]
    store = tmp_path / "class.grades"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    variables = {**os.environ, "TMPDIR": str(temporary)}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, env=variables)  # noqa: S603
    deadline = time.monotonic() + 60
    while not [*store.glob("*.json")] and time.monotonic() < deadline:
        time.sleep(0.05)
    started.send_signal(number)
    started.communicate()
    while processes(str(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes(str(temporary)) == []
    before = {path: path.stat().st_mtime_ns for path in store.glob("*.json")}
    assert len(before) == 1
    written(folder / "slow.py", "def f(:\n")
    assert run(folder, "-n", 1) == 0
    after = {path: path.stat().st_mtime_ns for path in store.glob("*.json")}
    assert len(after) == len(names)
    assert {path: after[path] for path in before} == before


@pytest.mark.seldom
@pytest.mark.filterwarnings("default")  # of a library that has its own
def test_a_cluster_of_two_processes_grades_as_one_machine_does(small: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster:
        address = cluster.scheduler_address
        options = ["--cluster", address, "--results", tmp_path / "there", "--json", there]
        assert run(small, *options) == 0
    assert run(small, "--results", tmp_path / "here", "--json", here) == 0
    kept = [[{**each, "seconds": 0} for each in rows_of(path).values()] for path in (here, there)]
    assert kept[0] == kept[1]


def test_a_cluster_that_is_not_there_is_said(
    small: Path, capsys: Capture, monkeypatch: Patch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(grading, "TIMEOUT", 0.5)
    assert run(small, "--cluster", "127.0.0.1:1") == 2
    assert "--cluster 127.0.0.1:1" in capsys.readouterr().err
