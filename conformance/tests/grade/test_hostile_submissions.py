"""Submissions that do harm: each is a row like any other, and everything else is as it was.

What holds without a sandbox (limits, and that nothing is left running) is tested without one; the
rest in bubblewrap, where one can be made.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.grade.grade_row import Outcome, Row
from conformance.grade.one import begin, stop_all
from conformance.tests.grade.support import (
    RIGHT,
    children,
    judge,
    need_sandbox,
    processes,
    written,
    zipped,
)

BOTH = pytest.mark.parametrize("sandbox", ["none", "bwrap"])
MANY = "import os\nwhile True:\n    os.fork()\n"
STOPPED = {Outcome.LIMIT, Outcome.LOAD, Outcome.CRASH}


@pytest.fixture(autouse=True)
def nothing_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No temporary folder and no process is left by a submission."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = children()
    yield
    assert list(temporary.iterdir()) == []
    assert children() <= before
    assert processes(str(tmp_path)) + processes(f"{os.getpid()}77") == []


def row(tmp_path: Path, source: str, sandbox: str, **limits: float) -> Row:
    """The row of a submission that does something and is right beside it."""
    if sandbox == "bwrap":
        need_sandbox()
    return judge(written(tmp_path / "class" / "bad.py", source), sandbox=sandbox, **limits)


@BOTH
def test_a_fork_bomb_is_ended(tmp_path: Path, sandbox: str) -> None:
    started = time.monotonic()
    said = row(tmp_path, MANY, sandbox)
    assert said.outcome in {Outcome.LIMIT, Outcome.TIME}
    assert "more than" in said.judged.cause or said.outcome is Outcome.TIME
    assert time.monotonic() - started < 40


@BOTH
def test_memory_is_limited(tmp_path: Path, sandbox: str) -> None:
    said = row(tmp_path, "import numpy as np\nx = np.ones(1 << 28)\n", sandbox)
    assert (said.outcome, said.judged.line) == (Outcome.LOAD, "bad.py:2")
    assert "MemoryError" in said.judged.cause


@BOTH
def test_memory_of_many_processes_is_limited(tmp_path: Path, sandbox: str) -> None:
    source = "import os\nfor _ in range(5): os.fork()\nx = bytearray(100 << 20)\nwhile True: pass\n"
    said = row(tmp_path, source, sandbox, memory=512 << 20)
    assert said.outcome is Outcome.LIMIT


@BOTH
def test_a_large_file_is_refused(tmp_path: Path, sandbox: str) -> None:
    source = "open('f', 'wb').write(bytes(64 << 20))\n"
    said = row(tmp_path, source, sandbox, disk=32 << 20)
    assert said.outcome in STOPPED


@BOTH
def test_many_files_that_fill_the_disk_are_ended(tmp_path: Path, sandbox: str) -> None:
    source = "for i in range(10**6): open(f'f{i}', 'wb').write(bytes(1 << 20))\n"
    said = row(tmp_path, source, sandbox, disk=32 << 20)
    assert said.outcome in STOPPED


@BOTH
def test_a_process_that_leaves_everything_behind_is_ended(tmp_path: Path, sandbox: str) -> None:
    source = f"""
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sleep", ["sleep", "{os.getpid()}77"], {{}})
    os._exit(0)
os.wait()
{RIGHT}"""
    assert row(tmp_path, source, sandbox).outcome is Outcome.RIGHT


@BOTH
def test_a_killed_judge_is_a_row(tmp_path: Path, sandbox: str) -> None:
    said = row(tmp_path, "import os\nos.kill(os.getppid(), 9)\nwhile True: pass\n", sandbox)
    assert (said.outcome, said.judged.cause) == (Outcome.CRASH, "the process died by SIGKILL")


def test_a_killed_guard_is_a_row_and_leaves_nothing(tmp_path: Path) -> None:
    source = """
import os
parent = open(f"/proc/{os.getppid()}/stat").read().split(")")[-1].split()[1]
os.kill(int(parent), 9)
while True: pass
"""
    said = row(tmp_path, source, "none")
    assert (said.outcome, said.judged.cause) == (Outcome.CRASH, "the process died by SIGKILL")


def test_a_file_that_cannot_be_removed_easily_is_removed(tmp_path: Path) -> None:
    source = f"import os\nos.makedirs('a/b')\nopen('a/b/c', 'w')\nos.chmod('a', 0)\n{RIGHT}"
    assert row(tmp_path, source, "none").outcome is Outcome.RIGHT


def test_a_module_named_as_ours_or_a_library_is_not_taken_for_it(tmp_path: Path) -> None:
    names = ("conformance", "numpy", "json", "sitecustomize", "zipfile")
    bad = {f"{name}.py": "raise SystemExit('taken')" for name in names}
    said = judge(zipped(tmp_path / "a.zip", {"net.py": "x = 1", **bad}))
    assert said.outcome in {Outcome.LOAD, Outcome.NOT_JUDGED, Outcome.CRASH}
    assert said.files[-1].file  # the process that judges came to the last of them


def test_what_it_writes_for_a_judgement_is_read_as_data(tmp_path: Path) -> None:
    source = """
import os
for number in range(3, 64):
    try:
        os.write(number, b'{"file": "x"}\\n[[[[\\n' + b'"' * 100 + b'\\n\\xff\\n')
    except OSError:
        pass
"""
    assert row(tmp_path, source, "none").outcome in set(Outcome) - {Outcome.RIGHT}


def test_its_environment_holds_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    source = "import os\nassert 'SECRET_TOKEN' not in os.environ, 'seen'\n"
    assert "seen" not in row(tmp_path, source, "none").judged.cause


def test_the_death_of_who_started_it_ends_it(tmp_path: Path) -> None:
    path = written(tmp_path / "class" / "slow.py", "import time\ntime.sleep(99)\n")
    code = f"from conformance.tests.grade.support import judge, Path; judge(Path({str(path)!r}))"
    temporary = tmp_path / "temporary"
    started = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(temporary)}
    )
    deadline = time.monotonic() + 20
    while not processes(str(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    started.kill()
    started.wait()
    while list(temporary.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []


# In a sandbox: what it cannot see, change or reach.


def test_nothing_else_is_writable(tmp_path: Path) -> None:
    places = [str(Path(__file__).parent), "/", "/usr", "/dev", "/etc", sys.prefix]
    temporary = str(tmp_path)  # of which it may make one of its own
    source = f"""
import os
def write_everywhere():
    for place in {places!r}:
        try:
            os.makedirs(place, exist_ok=True)
            open(os.path.join(place, "written"), "w")
        except OSError:
            continue
        raise SystemExit("wrote in " + place)
write_everywhere()
os.makedirs({temporary!r}, exist_ok=True)
open({temporary!r} + "/written", "w")
{RIGHT}"""
    assert row(tmp_path, source, "bwrap").outcome is Outcome.RIGHT
    assert not (tmp_path / "written").exists()
    assert not (Path(__file__).parent / "written").exists()


def test_files_that_it_deletes_are_its_own(tmp_path: Path) -> None:
    neighbour = written(tmp_path / "class" / "neighbour.py", RIGHT)
    source = f"""
import shutil
for place in {[str(tmp_path), sys.prefix, "/usr", "."]!r}:
    shutil.rmtree(place, ignore_errors=True)
{RIGHT}"""
    said = row(tmp_path, source, "bwrap")
    assert said.outcome in {Outcome.RIGHT, Outcome.LOAD, Outcome.NOT_JUDGED}
    assert neighbour.read_text() == RIGHT
    assert Path(sys.executable).exists()


def test_a_neighbour_and_the_results_are_not_seen(tmp_path: Path) -> None:
    neighbour = written(tmp_path / "class" / "neighbour.py", "ANSWER = 42\n")
    results = written(tmp_path / "class.grades" / "neighbour.json", "{}")
    source = f"""
import os
seen = [each for each in {[str(neighbour), str(results)]!r} if os.path.exists(each)]
seen += [name for name in os.listdir("/tmp") if name != "submission" and "class" in name]
assert not seen, seen
{RIGHT}"""
    assert row(tmp_path, source, "bwrap").outcome is Outcome.RIGHT


def test_the_results_cannot_be_written(tmp_path: Path) -> None:
    results = written(tmp_path / "class.grades" / "me.json", "0")
    source = f"""
try:
    open({str(results)!r}, "w").write("100")
except OSError:
    pass
{RIGHT}"""
    assert row(tmp_path, source, "bwrap").outcome is Outcome.RIGHT
    assert results.read_text() == "0"


def test_there_is_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        source = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), 2).send(b"secret")
except OSError:
    pass
{RIGHT}"""
        assert row(tmp_path, source, "bwrap").outcome is Outcome.RIGHT
        with pytest.raises(TimeoutError):
            server.accept()


def test_other_processes_are_not_seen(tmp_path: Path) -> None:
    source = f"""
import os
pids = [int(each) for each in os.listdir("/proc") if each.isdecimal()]
assert len(pids) < 10, pids
os.kill(-1, 0)
{RIGHT}"""
    assert row(tmp_path, source, "bwrap").outcome is Outcome.RIGHT


def test_all_are_ended_at_once(tmp_path: Path) -> None:
    stop_all()
    try:
        assert row(tmp_path, "while True: pass\n", "none").seconds < 5
    finally:
        begin()
