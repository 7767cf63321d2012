"""Submissions for the tests: right, wrong, broken and hostile ones."""

import io
import os
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.grade.collect import contents, digest
from conformance.grade.grade_row import Row
from conformance.grade.limits import Limits, check_sandbox
from conformance.grade.one import Asked, grade_one

SECONDS = 20.0
PROGRAMS = Path(__file__).parent.parent / "programs" / "shapes"
RIGHT = (PROGRAMS / "two_layer_net.py").read_text()
MISTAKE = "np.sum(dhidden, axis=0)", "np.mean(dhidden, axis=0)"
WRONG = RIGHT.replace(*MISTAKE)


def judge(path: Path, *, sandbox: str = "none", **limits: float) -> Row:
    """The row of a submission."""
    found = contents(path)
    held = Limits(**{"seconds": SECONDS, "sandbox": sandbox, **limits})  # type: ignore[arg-type]
    return grade_one(path.name, found, digest(found), Asked(held))


def written(place: Path, source: str) -> Path:
    """A file with a source."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(source)
    return place


def zipped(place: Path, files: dict[str, bytes | str]) -> Path:
    """A zip file with these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    place.write_bytes(made.getvalue())
    return place


def need_sandbox() -> None:
    """Skip a test where no sandbox can be made; fail where there has to be one."""
    try:
        check_sandbox(Limits(sandbox="bwrap"))
    except UsageError as error:
        if os.environ.get("CONFORMANCE_REQUIRE_SANDBOX"):
            raise
        pytest.skip(str(error))


def processes(word: str) -> list[str]:
    """The command lines of the other processes that hold a word, there or in their environment."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has gone
            command = (each / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            said = command.encode() + (each / "environ").read_bytes()
            if word.encode() in said and each.name != str(os.getpid()):
                found.append(command)
    return found


def children() -> set[str]:
    """The numbers of the processes that this one has started and that run.

    A browser for tests of pages may be among them.
    """
    found: set[str] = set()
    for each in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found.update((each / "children").read_text().split())
    return found
