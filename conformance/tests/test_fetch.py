"""Fetching MNIST: from a loopback server, resumed where it broke off, refused with another hash."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from conformance.cli import main
from conformance.errors import UsageError
from conformance.training.fetch import CANONICAL, fetch

pytest.importorskip("pooch", reason="the extra `data` is not installed")

FILES = {name: hashlib.shake_256(name.encode()).digest(20_000) for name in CANONICAL}
HASHES = {name: hashlib.sha256(raw).hexdigest() for name, raw in FILES.items()}


class Files(BaseHTTPRequestHandler):
    """Serves the files, the rest of one too, and notes what it was asked for."""

    asked: ClassVar[list[tuple[str, str]]] = []
    most: ClassVar[int] = 1 << 30  # bytes after which it hangs up

    def do_GET(self) -> None:
        """Answer with a file, or the part of it that is wanted."""
        name, wanted = self.path.lstrip("/"), self.headers.get("Range", "")
        self.asked.append((name, wanted))
        if name not in FILES:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(FILES[name]) - start))
        self.end_headers()
        self.wfile.write(FILES[name][start:][: self.most])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server of the files."""
    Files.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def test_the_four_files_are_fetched_once(server: str, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    paths = fetch(tmp_path, server, lambda *each: seen.append(each), HASHES)
    assert {path.name: path.read_bytes() for path in paths} == FILES
    assert {name for name, there, total in seen if there == total} == set(FILES)
    fetch(tmp_path, server, known=HASHES)
    assert len(Files.asked) == 4


def test_a_broken_transfer_is_resumed(server: str, tmp_path: Path) -> None:
    name = next(iter(FILES))
    (tmp_path / f"{name}.part").write_bytes(FILES[name][:50])
    fetch(tmp_path, server, known=HASHES)
    assert Files.asked[0] == (name, "bytes=50-")
    assert (tmp_path / name).read_bytes() == FILES[name]
    assert not list(tmp_path.glob("*.part"))


def test_a_server_that_dies_again_and_again_is_enough(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time a piece arrives, however small; what has been there is not asked for again."""
    monkeypatch.setattr(Files, "most", 7_000)
    said = []
    for _ in range(16):
        try:
            fetch(tmp_path, server, known=HASHES)
            break
        except UsageError as error:
            said.append(str(error))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == FILES
    assert len(said) == 12
    assert said[0].startswith(f"{server}/{next(iter(FILES))}: the connection broke at 6,144")
    assert said[0].endswith(f" of 20,000 bytes; run it again to go on from there ({tmp_path})")
    starts = [int(wanted.strip("bytes=-") or 0) for _, wanted in Files.asked]
    assert starts[:4] == [0, 6_144, 12_288, 18_432]


def test_a_folder_that_cannot_be_is_blamed_itself(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises(UsageError, match=f"^{folder}: Not a directory"):
            fetch(folder, server, known=HASHES)


def test_another_hash_is_refused_and_nothing_is_left(server: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not the canonical files"):
        fetch(tmp_path, server)
    assert not list(tmp_path.iterdir())


def test_a_server_that_has_no_such_file_is_one_line(server: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="404"):
        fetch(tmp_path, f"{server}/elsewhere", known=HASHES)


def test_the_command_refuses_what_is_not_mnist(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["mnist", "fetch", str(tmp_path), "--url", server])
    assert left.value.code == 2
    assert "not the canonical files" in capsys.readouterr().err


def test_a_dead_address_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["mnist", "fetch", str(tmp_path), "--url", "http://127.0.0.1:9/"])
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "error: http://127.0.0.1:9/: cannot be reached; --url gives another address"
