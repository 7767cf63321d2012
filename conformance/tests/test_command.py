"""Commands as subjects: what they are given, what they write, and how they end.

Left out: the ports (`test_ports.py`), and programs that misbehave (`test_hostile.py`).
"""

import errno
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

import pytest

from conformance.errors import SubjectError, UsageError
from conformance.judging.judge import check_case
from conformance.running.process import TAIL, run
from conformance.subjects.command.command_subject import command_subject
from conformance.subjects.named import find
from conformance.tests.commands import CASE, COPY, WRITE, Make, checked, error
from conformance.tests.support import recorded
from conformance.verdict.compare import FREE, Status


def test_json_in_and_out_is_judged_without_a_free_run(program: Make) -> None:
    report = checked(program(COPY + WRITE))
    assert report.status is Status.PASS
    assert not any(verdict.mode == FREE for verdict in report.verdicts)


def test_safetensors_in_and_json_out(program: Make) -> None:
    """Nothing but the command's own way to write says which of the two it is."""
    source = """
import json, struct, sys
raw = open(sys.argv[1], "rb").read()
length = int.from_bytes(raw[:8], "little")
entry = json.loads(raw[8 : 8 + length])["0/nabla_b2"]
begin, end = (8 + length + offset for offset in entry["data_offsets"])
numbers = struct.unpack(f"<{(end - begin) // 8}d", raw[begin:end])
json.dump({"0/nabla_b2": [[number] for number in numbers]}, open(sys.argv[2], "w"))
"""
    report = checked(program(source, "safetensors"))
    assert report.status is Status.PASS
    assert {verdict.name for verdict in report.passes} == {"nabla_b2"}


def test_what_is_wrong_is_blamed(program: Make) -> None:
    wrong = 'shown["1/z2"] = [[2 * z for z in row] for row in shown["1/z2"]]'
    report = checked(program(COPY + wrong + WRITE))
    first = report.failures[0]
    assert (first.step, first.name) == (1, "z2")


@pytest.mark.parametrize(
    "value", ['"NaN"', '"Infinity"', "float('nan')", "None", "1e999", "10 ** 400"]
)
def test_numbers_that_json_does_not_have(value: str, program: Make) -> None:
    report = checked(program(COPY + f'shown["0/z2"][0][0] = {value}' + WRITE))
    assert report.failures[0].problem == "is not finite"


def test_another_shape_is_a_verdict(program: Make) -> None:
    report = checked(program(COPY + 'shown["0/b2"] = [1.0, 2.0]' + WRITE))
    assert report.failures[0].problem == "has shape (2,), expected (4, 1)"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ('shown["0/z9"] = [[1.0]]', "tensor `0/z9` is no quantity"),
        ('shown["0/z2"] = [[1.0], [1.0, 2.0]]', "`0/z2` is no array"),
        ('shown["0/z2"] = {"rows": 1}', "`0/z2` is no array"),
        ('shown["free/1/z2"] = [[1.0]]', "`free/0/b2` is missing"),
        ("shown = {}", "it wrote no quantity of a step"),
        ("shown = [1.0]", "not an object of quantities"),
        ('open(sys.argv[2], "w").write("{" * 100_000); sys.exit()', "neither safetensors nor"),
        ('open(sys.argv[2], "w").write("1" * 9999); sys.exit()', "JSON, but not an object"),
        ('open(sys.argv[2], "wb").write(b"\\xff" * 99); sys.exit()', "neither safetensors nor"),
        ('open(sys.argv[2], "wb").write(b"\\xff" * 7 + b"\\0"); sys.exit()', "not a safetensors"),
        ('open(sys.argv[2], "w"); sys.exit()', "its output is empty"),
        ("sys.exit()", "it wrote no output"),
        ("import os; os.symlink(sys.argv[1], sys.argv[2]); sys.exit()", "is a symbolic link"),
        ("import os; os.mkfifo(sys.argv[2]); sys.exit()", "no ordinary file"),
        ("import os; os.mkdir(sys.argv[2]); sys.exit()", "no ordinary file"),
        ('open(sys.argv[2], "w").truncate(1 << 32); sys.exit()', "larger than 1,1"),
        ("sys.exit(7)", "exited with status 7"),
        ("import os; os.abort()", "died by SIGABRT"),
    ],
)
def test_a_wrong_end_or_output_is_an_error(change: str, problem: str, program: Make) -> None:
    message = error(program(COPY + change + WRITE))
    assert problem in message
    assert f"in {CASE}: " in message


def test_the_error_shows_the_tail_of_stderr_however_much_there_is(program: Make) -> None:
    flood = """
import sys
sys.stdout.write("out\\n" * 1_000_000)
sys.stderr.write("noise\\n" * 200_000 + "the last line\\n")
sys.exit(3)
"""
    lines = error(program(flood)).splitlines()
    assert lines[0].endswith(f"in {CASE}: exited with status 3")
    assert lines[-1] == "  | the last line"
    assert len(lines) < 12


def test_the_tail_of_the_output_alone_is_kept() -> None:
    ended = run([sys.executable, "-S", "-c", "print('noise ' * 100_000)"], 20)
    assert ended.status == 0
    assert len(ended.output) == TAIL


def test_a_command_that_hangs_is_ended_with_its_children(program: Make, tmp_path: Path) -> None:
    hang = f"""
import os, time
if not os.fork():
    time.sleep(1)
    open({str(tmp_path / "survived")!r}, "w")
time.sleep(60)
"""
    started = time.monotonic()
    assert "not done after 0.5 s" in error(program(hang, timeout=0.5))
    assert time.monotonic() - started < 2
    time.sleep(1)
    assert not (tmp_path / "survived").exists()


def test_children_that_are_left_behind_do_not_hold_it_up(program: Make, tmp_path: Path) -> None:
    leave = f"""
import os, time
if not os.fork():
    time.sleep(1)
    open({str(tmp_path / "survived")!r}, "w")
    os._exit(0)
"""
    started = time.monotonic()
    assert checked(program(COPY + leave + WRITE)).status is Status.PASS
    assert time.monotonic() - started < 2
    time.sleep(1)
    assert not (tmp_path / "survived").exists()


def test_the_command_is_run_once_a_case(program: Make, tmp_path: Path) -> None:
    count = f'open({str(tmp_path / "runs")!r}, "a").write("run ")'
    subject = program(COPY + count + WRITE)
    checked(subject)
    checked(subject)
    assert (tmp_path / "runs").read_text() == "run "
    checked(subject, "layout-3-2-4")
    assert (tmp_path / "runs").read_text() == "run run "


def test_the_command_cannot_spoil_the_fixtures(program: Make) -> None:
    subject = program(COPY + 'sys.argv.reverse(); open(sys.argv[1], "w")' + WRITE)
    assert checked(subject).status is Status.ERROR
    checked(program(COPY + WRITE))


def test_words_are_as_for_a_shell_but_there_is_none(tmp_path: Path) -> None:
    spaced = tmp_path / "a b $HOME;"
    spaced.mkdir()
    path = spaced / "program.py"
    path.write_text(COPY + WRITE)
    subject = command_subject(shlex.join([sys.executable, str(path)]), "json")
    assert check_case(subject, recorded(CASE)).status is Status.PASS


def test_places_may_stand_within_words(program: Make, tmp_path: Path) -> None:
    program("import sys\nsys.argv = [word.split('=')[-1] for word in sys.argv]" + COPY + WRITE)
    path = tmp_path / "program.py"
    subject = command_subject(f"{sys.executable} {path} --in={{case}} --to={{out}}", "json")
    assert checked(subject).status is Status.PASS


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("", "it is empty"),
        ("'", "No closing quotation"),
        ("true {case}", "{out} is missing"),
        ("./no-such-program", "there is no program ./no-such-program"),
    ],
)
def test_a_command_that_cannot_be_run_is_wrong_usage(command: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        command_subject(command)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "mode", "problem"),
    [
        ("here", 0o755, "there is no program here on the PATH: give ./here"),
        ("./here", 0o644, "./here is no program: make it executable, or give what runs it too"),
    ],
)
def test_a_program_that_is_there_is_told_how_to_be_run(
    command: str, mode: int, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch(mode)
    with pytest.raises(UsageError) as caught:
        command_subject(command)
    assert str(caught.value) == f"--command {command}: {problem}"


def test_no_room_for_the_case_is_wrong_usage(
    program: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    subject = program(COPY + WRITE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no temporary folder: No such file or directory; set TM"):
        check_case(subject, recorded(CASE))


def test_a_full_disk_is_wrong_usage(program: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="json: No space left on device; set TMPDIR"):
        check_case(program(COPY + WRITE), recorded(CASE))


def test_a_subject_that_begins_with_cmd_is_a_command() -> None:
    assert find("cmd:true").name == "cmd:true"
    assert command_subject("true {case} {out}").name == "cmd:true"
    with pytest.raises(UsageError, match="--format xml: give safetensors or json"):
        command_subject("true", "xml")


def test_a_file_that_cannot_be_executed_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "program"
    for nonsense in (b"\x7fELF nonsense", b"#!/no/such/interpreter\n"):
        path.write_bytes(nonsense)
        path.chmod(0o755)
        report = check_case(command_subject(str(path)), recorded(CASE))
        assert "cannot be started" in report.error
        assert "; is its first line `#!` and a path, and what it names there?" in report.error


def test_steps_that_are_no_case_of_ours_are_an_error(program: Make) -> None:
    """The session of a case answers for the steps that were written down alone."""
    whole = recorded(CASE)
    session = program(COPY + WRITE).start(whole.case, whole.steps[0].parameters)
    with pytest.raises(SubjectError, match="no step of"):
        session.step(recorded("layout-3-2-4").steps[0].batch)


def test_errors_are_of_the_documented_class(program: Make) -> None:
    subject = program("raise SystemExit('no')")
    with pytest.raises(SubjectError, match="exited with status 1"):
        subject.start(recorded(CASE).case, recorded(CASE).steps[0].parameters)
