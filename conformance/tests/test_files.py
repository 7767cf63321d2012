"""A file that a command writes is written whole, or an older one stays."""

import json
import os
import threading
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import UsageError
from conformance.files import check_output, put, put_json


def test_a_file_is_written_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    put("--html", tmp_path / "page.html", "δ\n")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "δ\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_what_cannot_be_json_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("older")
    with pytest.raises(ValueError, match="Out of range"):
        put_json("--json", path, {"worst": float("nan")})
    assert path.read_text() == "older"


def test_a_transfer_that_fails_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("older")
    (tmp_path / ".report.json.part").mkdir()  # where the new one would be written
    with pytest.raises(UsageError, match=r"--json .*report\.json: Is a directory"):
        put_json("--json", path, {})
    assert path.read_text() == "older"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    put_json("--json", path, [1])
    reader.join(10)
    assert json.loads(read[0]) == [1]
    assert path.is_fifo()


def test_a_dash_is_no_name_of_a_file() -> None:
    """Other commands mean the standard output by it; a file called so is a surprise."""
    with pytest.raises(UsageError) as raised:
        check_output("--json", Path("-"))
    assert str(raised.value) == ("--json -: name a file; the standard output is --json /dev/stdout")


@pytest.mark.parametrize(
    ("name", "said"), [("", "is a folder"), ("no/report", "there is no such folder")]
)
def test_a_place_that_cannot_be_is_seen_before_the_work(
    name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        check_output("--json", tmp_path / name)


@pytest.mark.parametrize("option", ["--html", "--json", "--markdown"])
def test_a_check_does_not_begin_if_its_report_has_no_place(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["check", "no_such_file.py:Network", option, "/nowhere/report"])
    assert end.value.code == 2
    wanted = f"error: {option} /nowhere/report: there is no such folder\n"
    assert capsys.readouterr().err == wanted
