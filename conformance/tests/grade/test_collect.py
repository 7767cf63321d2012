"""What a class handed in: found, and read without following a link or filling the memory."""

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from conformance.errors import SubjectError, UsageError
from conformance.grade import collect
from conformance.grade.collect import contents, digest, sources
from conformance.tests.grade.support import written, zipped


def refused(path: Path) -> str:
    """Why a submission is not read."""
    with pytest.raises(SubjectError) as caught:
        contents(path)
    return str(caught.value)


def test_each_file_notebook_zip_and_folder_is_a_submission(tmp_path: Path) -> None:
    for name in ("b.py", "a.ipynb", "c.zip", "notes.txt", ".hidden.py", "d/x.py", "__pycache__/y"):
        written(tmp_path / name, "")
    (tmp_path / "e.py").symlink_to(tmp_path / "b.py")
    found = collect.collect(tmp_path)
    assert [each.name for each in found.submissions] == ["a.ipynb", "b.py", "c.zip", "d"]
    assert found.left == ("e.py", "notes.txt")


def test_a_file_or_one_folder_is_one_submission(tmp_path: Path) -> None:
    path = written(tmp_path / "a.py", "")
    assert collect.collect(path).submissions[0].name == "a.py"
    assert collect.collect(tmp_path, one=True).submissions[0].path == tmp_path


def test_a_folder_without_submissions_is_said(tmp_path: Path) -> None:
    written(tmp_path / "notes.txt", "")
    with pytest.raises(UsageError, match="has no Python file"):
        collect.collect(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        collect.collect(tmp_path / "none")


def test_a_folder_is_read_without_links_pipes_and_what_programs_make(tmp_path: Path) -> None:
    secret = written(tmp_path / "neighbour.py", "answer = 42")
    folder = tmp_path / "d"
    written(folder / "net.py", "x = 1")
    written(folder / "data" / "m.csv", "1,2")
    written(folder / "__pycache__" / "net.pyc", "")
    written(folder / ".git" / "config", "")
    (folder / "stolen.py").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe.py")
    assert contents(folder) == {"net.py": b"x = 1", "data/m.csv": b"1,2"}


def test_a_zip_file_is_its_members(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "hw/net.py": "x = 1",
        "__MACOSX/hw/net.py": "",
        "hw/.DS_Store": "",
        "hw\\other.py": "y = 2",
    }
    path = zipped(tmp_path / "a.zip", files)
    assert contents(path) == {"hw/net.py": b"x = 1", "hw/other.py": b"y = 2"}


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "a/../../x.py", "..\\x.py", "C:x.py"])
def test_a_member_outside_of_its_folder_refuses_the_whole(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"net.py": "", name: ""})
    assert "outside of its folder" in refused(path)


def test_a_link_in_a_zip_file_is_left_out(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link.py")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(info, "/etc/passwd")
        archive.writestr("net.py", "")
    path = tmp_path / "a.zip"
    path.write_bytes(made.getvalue())
    assert list(contents(path)) == ["net.py"]


def test_a_bomb_is_refused_though_it_says_that_it_is_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_BYTES", 1 << 20)
    path = zipped(tmp_path / "a.zip", {"zeros.csv": bytes(1 << 22)})
    assert refused(path) == "it is larger than 1 MB"
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(signature) + offset
        raw[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(raw)
    assert refused(path).startswith("its zip file cannot be unpacked")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MOST_FILES", 3)
    path = zipped(tmp_path / "a.zip", {f"{i}.py": "" for i in range(4)})
    assert refused(path) == "it has more than 3 files"


@pytest.mark.parametrize("raw", [b"", b"PK", b"no zip file", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_zip_file_is_a_reason_or_empty(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(raw)
    if raw.startswith(b"PK\x05\x06"):
        assert contents(path) == {}
    else:
        assert "cannot be unpacked" in refused(path)


def test_a_file_that_is_a_folder_too_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a": "", "a/b.py": ""})
    assert refused(path) == "a is both a file and a folder"


def test_a_digest_is_of_names_and_bytes() -> None:
    found = {"a.py": b"1", "b.py": b"2"}
    assert digest(found) == digest(dict(reversed(found.items())))
    others = [{"a.py": b"1", "b.py": b"3"}, {"a.py": b"1"}, {"a.py": b"1b.py", "": b"2"}]
    assert len({digest(each) for each in (found, *others)}) == 4


def test_files_nearest_to_the_top_come_first() -> None:
    names = ["x/a.py", "b.py", "data.csv", "n.ipynb"]
    assert sources(dict.fromkeys(names, b"")) == ["b.py", "n.ipynb", "x/a.py"]
