"""Programs that misbehave, each an error of its case: the run goes on, and nothing stays behind.

Left out: programs that end wrongly or write what is no step (`test_command.py`), and the readers
on their own (`test_fuzz_readers.py`).
"""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from conformance.corpus import store
from conformance.errors import SubjectError
from conformance.examine import examine
from conformance.model.update_kinds import SGD
from conformance.report.book_report import Report
from conformance.running.process import run
from conformance.subjects.command.command_output import most_bytes
from conformance.subjects.command.command_subject import CommandSubject
from conformance.tests.commands import CASE, COPY, WRITE, Make, checked, error
from conformance.tests.support import recorded
from conformance.verdict.compare import Status

CASES = ("hand-2-3-1", "layout-3-2-4", "remainder-3-4-2")
HERE = "import json, os, sys, time\nhere = os.path.basename(sys.argv[1])\n"


def examined(subject: CommandSubject, *ids: str) -> Report:
    """The report on some cases; nothing may be left in the folder of temporary files."""
    report = examine(subject, store.root(), [recorded(id_).case for id_ in ids or CASES])
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    return report


def test_a_gigabyte_is_ended_while_it_is_written(program: Make, tmp_path: Path) -> None:
    """It is ended long before the disk or its time is full; the rest is never written."""
    flood = f"""
import sys
block = b"1" * (1 << 20)
with open(sys.argv[2], "wb") as file:
    for _ in range(1024):
        file.write(block)
open({str(tmp_path / "done")!r}, "w")
"""
    message = error(program(flood))
    assert "its output is larger than 1,1" in message
    assert message.endswith("it was ended")
    assert not (tmp_path / "done").exists()


def test_what_grows_after_the_last_look_is_not_read(program: Make) -> None:
    most = most_bytes(recorded(CASE).case)
    source = f'import sys; open(sys.argv[2], "w").write("1" * {most + 1})'
    assert "larger than" in error(program(source))


def test_an_endless_flood_of_stdout_is_dropped_until_the_time_is_over(program: Make) -> None:
    flood = "import os\nwhile True: os.write(1, b'noise\\n' * 9999)"
    started = time.monotonic()
    message = error(program(flood, timeout=0.5))
    assert "not done after 0.5 s" in message
    assert len(message) < 1000
    assert time.monotonic() - started < 5


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> str:
    """A program that writes such a file."""
    text = json.dumps(header).encode()
    raw = struct.pack("<Q", len(text) if length is None else length) + text + data
    return f'import sys; open(sys.argv[2], "wb").write({raw!r})'


def tensor(dtype: str = "F64", shape: tuple[int, ...] = (4, 1), end: int = 32) -> object:
    """The header of `0/b2`."""
    return {"0/b2": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(safetensors(tensor(), bytes(16)), id="half-a-file"),
        pytest.param(safetensors(tensor(end=1 << 40), bytes(32)), id="offset-beyond-the-end"),
        pytest.param(safetensors(tensor(), bytes(32), 1 << 50), id="header-length-beyond-the-end"),
        pytest.param(safetensors(tensor(shape=(1 << 62, 1 << 62)), bytes(32)), id="huge-shape"),
        pytest.param(safetensors(tensor(shape=(1 << 40,)), bytes(32)), id="shape-beyond-the-data"),
        pytest.param(safetensors(tensor("F65"), bytes(32)), id="unknown-dtype"),
        pytest.param(safetensors([]), id="header-of-another-kind"),
    ],
)
def test_a_wrong_container_is_an_error(source: str, program: Make) -> None:
    message = error(program(source))
    assert "its output: not a safetensors file" in message
    assert message.endswith("(it exited with status 0)")


@pytest.mark.parametrize("bomb", ['"{" * size', '"[" * size', """'{"0/z2":' * (size // 8)"""])
def test_json_that_is_nested_deeply_is_not_descended_into(bomb: str, program: Make) -> None:
    size = most_bytes(recorded(CASE).case)
    source = f'import sys; size = {size}; open(sys.argv[2], "w").write({bomb})'
    started = time.monotonic()
    assert "nested more than 32 levels deep" in error(program(source))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("bomb", "problem"),
    [
        (r"""'{"0/z2":[' + '[],' * 99_999 + '[]]}'""", "more arrays and texts than the case"),
        (r"""'{"0/z2":[' + '"",' * 99_999 + '""]}'""", "more arrays and texts than the case"),
        (r"""'{' + ','.join('"%d":1' % i for i in range(10_001)) + '}'""", "holds 10,001 names"),
    ],
)
def test_json_of_many_small_things_is_not_built(bomb: str, problem: str, program: Make) -> None:
    """Each takes thirty times as much memory as its text."""
    assert problem in error(program(f'import sys; open(sys.argv[2], "w").write({bomb})'))


def test_an_endless_text_of_quotes_is_looked_through_once(program: Make) -> None:
    """From each quote to the end it would take hours."""
    half = most_bytes(recorded(CASE).case) // 2 - 8
    source = f"""import sys; open(sys.argv[2], "w").write('"' + '\\\\"' * {half})"""
    assert "neither safetensors nor JSON (Unterminated string" in error(program(source))


def test_brackets_in_texts_are_not_levels(program: Make) -> None:
    source = COPY + r"""shown['\\" ' + "[" * 99] = 1.0""" + WRITE
    assert "is no quantity" in error(program(source))


@pytest.mark.parametrize(
    "change",
    [
        'shown["\\x1b[2J" + "x" * 9999] = 1.0',
        'shown["\\ud800"] = 1.0',
        'shown["0/z2"] = [["\\x1b[2J" * 9999]]',
        'shown["0/z2"] = ["\\ud800"]',
        'sys.stderr.write("\\x1b[2J\\x07" * 99); sys.exit(1)',
    ],
)
def test_a_message_is_short_and_safe_for_a_terminal(change: str, program: Make) -> None:
    message = error(program(COPY + change + WRITE))
    assert message.replace("\n", "").isprintable()
    assert len(message) < 1500


LEAVING = {
    "fork": "os.fork() or stay()",
    "fork-twice": "os.fork() or (os.setsid(), os.fork() or stay())",
    "another-program": "subprocess.Popen([sys.executable, '-S', __file__, 'stay'])",
}
ENDING = {"well": "", "hanging": "time.sleep(60)", "crashing": "os.abort()"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the process group alone is ended")
@pytest.mark.parametrize("way", LEAVING)
@pytest.mark.parametrize("ending", ENDING)
def test_children_in_a_session_of_their_own_end_with_it(
    way: str, ending: str, program: Make, tmp_path: Path
) -> None:
    """They have left the process group, and closed every pipe."""
    left = tmp_path / "left"
    source = f"""
import os, subprocess, sys, time
def stay():
    os.setsid()
    os.closerange(0, 99)
    with open({str(left)!r} + ".part", "w") as file: file.write(str(os.getpid()))
    os.rename({str(left)!r} + ".part", {str(left)!r})
    time.sleep(60)
    os._exit(0)
sys.argv[1:] == ["stay"] and stay()
{LEAVING[way]}
while not os.path.exists({str(left)!r}): time.sleep(0.01)
{ENDING[ending]}
"""
    checked(program(source + COPY + WRITE, timeout=1.0))
    assert not _runs(left.read_text())


def test_the_run_goes_on_with_the_next_case(program: Make) -> None:
    source = HERE + f'if here.startswith("{CASES[0]}"): os.abort()' + COPY + WRITE
    statuses = [each.status for each in examined(program(source)).cases]
    assert statuses == [Status.ERROR, Status.PASS, Status.PASS]


def test_an_error_is_not_tried_again(program: Make, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    subject = program(f'open({str(runs)!r}, "a").write("run "); raise SystemExit(1)')
    assert error(subject) == error(subject)
    assert runs.read_text() == "run "


def test_what_hangs_is_not_run_on_small_networks(program: Make, tmp_path: Path) -> None:
    """The first case is wrong, so small ones are tried, each of which would take long."""
    wrong = 'shown["0/z2"] = [[2 * z for z in row] for row in shown["0/z2"]]'
    runs = tmp_path / "runs"
    hang = f'open({str(runs)!r}, "a").write(here[:5] + " "); here[0] == "h" or time.sleep(60)\n'
    report = examined(program(HERE + hang + COPY + wrong + WRITE, timeout=0.5), *CASES[:2])
    assert [each.status for each in report.cases] == [Status.FAIL, Status.ERROR]
    assert report.smallest == ()
    assert runs.read_text() == "hand- hand- layou ", "twice where it is wrong"


def test_a_small_network_on_which_it_hangs_is_the_last(program: Make, tmp_path: Path) -> None:
    wrong = 'shown["0/z2"] = [[2 * z for z in row] for row in shown["0/z2"]]'
    runs = tmp_path / "runs"
    hang = f'open({str(runs)!r}, "a").write(here[:5] + " "); here[0] == "h" or time.sleep(60)\n'
    report = examined(program(HERE + hang + COPY + wrong + WRITE, timeout=0.5), CASES[0])
    assert report.cases[0].status is Status.FAIL
    assert runs.read_text() == "hand- hand- small "


def test_cases_run_side_by_side_and_are_reported_in_their_order(
    program: Make, tmp_path: Path
) -> None:
    """Each waits until all have begun, and the first of them a while longer."""
    begun = tmp_path / "begun"
    begun.mkdir()
    wait = f"while len(os.listdir({str(begun)!r})) < {len(CASES)}: time.sleep(0.01)\n"
    begin = f'open({str(begun)!r} + "/" + here, "w").close()\n{wait}'
    later = "time.sleep(0.3 if here[0] == 'h' else 0)"
    report = examined(program(HERE + begin + later + COPY + WRITE, workers=len(CASES)))
    assert [each.case.id for each in report.cases] == [*CASES]
    assert all(each.status is Status.PASS for each in report.cases)


def test_side_by_side_each_is_run_once_and_says_the_same(program: Make, tmp_path: Path) -> None:
    every = store.cases(store.root(), "*-float32")
    ids = [case.id for case in every if case.update == SGD][:12]
    runs = tmp_path / "runs"
    count = f'open({str(runs)!r}, "a").write("run ")\nif here < "h": sys.exit(1)\n'
    subject = program(HERE + count + COPY + WRITE, workers=2)
    together = examined(subject, *ids)
    assert runs.read_text().split() == ["run"] * len(ids)
    alone = examined(program(HERE + count + COPY + WRITE), *ids)
    assert [each.error for each in together.cases] == [each.error for each in alone.cases]
    assert {each.status for each in alone.cases} == {Status.ERROR, Status.PASS}


def interrupted(subject: CommandSubject) -> None:
    """As Ctrl-C does it, while two programs run and one waits."""
    with subject.ahead([recorded(id_).case for id_ in CASES]):
        subject.runs.begin()
        time.sleep(0.5)
        raise KeyboardInterrupt


def test_side_by_side_nothing_runs_on_after_an_interrupt(program: Make, tmp_path: Path) -> None:
    sleep = f'open({str(tmp_path)!r} + "/" + here, "w"); time.sleep(9)'
    subject, started = program(HERE + sleep, workers=2), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupted(subject)
    assert time.monotonic() - started < 5
    assert len([*tmp_path.glob("*.json")]) == 2
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


GOING = 1.0  # seconds that a killed process may take to go


def _runs(process: str) -> bool:
    """Whether a process runs on; one that has ended may wait for init, its parent, to reap it."""
    deadline = time.monotonic() + GOING
    while time.monotonic() < deadline:
        try:
            state = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state == "Z":
            return False
        time.sleep(0.01)
    return True


@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    """As Ctrl-C, a cancelled CI step and a closed terminal do it."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = tmp_path / "program.py"
    program.write_text(
        f"{HERE}path = {str(tmp_path / 'pid')!r}\n"
        "with open(path + '.part', 'w') as file: file.write(str(os.getpid()))\n"
        "os.rename(path + '.part', path)\n"
        "time.sleep(60)\n"
    )
    command = f"{sys.executable} -S {program} {{case}} {{out}}"
    arguments = [sys.executable, "-m", "conformance", "check", "--command", command]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(  # noqa: S603
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as run:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        run.send_signal(number)
        assert (run.wait(), run.communicate()[0]) == (128 + number, b"")
    assert [*temporary.iterdir()] == []
    until = time.monotonic() + 10
    while _runs((tmp_path / "pid").read_text()) and time.monotonic() < until:
        time.sleep(0.01)
    assert not _runs((tmp_path / "pid").read_text())


@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.parametrize(
    ("number", "when"),
    [
        (signal.SIGINT, "at work"),
        (signal.SIGINT, "starting"),
        pytest.param(signal.SIGTERM, "at work", marks=pytest.mark.seldom),
    ],
)
def test_a_signal_to_the_whole_group_ends_the_workers(
    number: signal.Signals, when: str, tmp_path: Path
) -> None:
    """Ctrl-C in a terminal reaches the workers too, for which the pool might wait for ever."""
    if when == "starting":
        waits = f"open({str(tmp_path / 'begun')!r} + str(os.getpid()), 'w').close(); time.sleep(60)"
        source = f"import os, sys, time\nif 'spawn_main' in str(sys.orig_argv): {waits}\n"
        (tmp_path / "sitecustomize.py").write_text(source)
    arguments = [sys.executable, "-m", "conformance", "fixtures", "verify", "-n", "2"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(  # noqa: S603
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=environment,
    ) as run:
        until = time.monotonic() + 10
        while when == "starting" and len([*tmp_path.glob("begun*")]) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(2 * (when == "at work"))
        os.killpg(run.pid, number)
        try:
            assert (run.wait(20), run.communicate()[0]) == (128 + number, b"")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)


def test_a_watch_ends_a_command() -> None:
    ended = run(["sleep", "60"], 60, lambda: "enough")
    assert (ended.status, ended.stopped) == (None, "enough")


def test_a_hang_is_an_error_of_the_documented_class(program: Make) -> None:
    subject = program("import time; time.sleep(60)", timeout=0.2)
    given = recorded(CASE)
    with pytest.raises(SubjectError, match="not done after"):
        subject.start(given.case, given.steps[0].parameters)


def test_no_descriptor_is_left_open(program: Make) -> None:
    subject, descriptors = program("raise SystemExit(1)"), Path("/proc/self/fd")
    checked(subject)
    before = len([*descriptors.iterdir()])
    for id_ in CASES:
        checked(subject, id_)
    assert len([*descriptors.iterdir()]) == before
