"""The submissions in a folder, and what each one holds.

What a submission holds is read without following a link and within limits, and of a zip file
nothing is written: its members are read into memory. Left out: running anything of it.
"""

import hashlib
import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from conformance.errors import SubjectError, UsageError
from conformance.grade.limits import MEGABYTE

SOURCES = (".py", ".ipynb")
ARCHIVE = ".zip"
MOST_BYTES = 64 * MEGABYTE  # of a submission, unpacked
MOST_FILES = 2000
MADE = ("__pycache__", "__MACOSX")  # by a program, and not by a student
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that is not known
    RuntimeError,  # a password
    ValueError,
    OSError,
)

Contents = dict[str, bytes]


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Attributes:
        name: of the file or the folder.
        path: of it.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Collected:
    """What a folder holds.

    Attributes:
        submissions: by name.
        left: the names of what is no submission, such as a list of grades.
    """

    submissions: tuple[Submission, ...]
    left: tuple[str, ...]


def collect(folder: Path, *, one: bool = False) -> Collected:
    """The submissions in a folder: each Python file, notebook, zip file and folder in it.

    Args:
        folder: of the class; a file is one submission.
        one: whether the folder itself is one submission.

    Raises:
        UsageError: there is no such folder, or nothing in it.
    """
    if not folder.exists():
        raise UsageError(f"there is no folder {folder}")
    if one or folder.is_file():
        return Collected((Submission(folder.resolve().name, folder),), ())
    found, left = [], []
    for each in sorted(folder.iterdir(), key=lambda path: path.name):
        if _is_made(each.name):
            continue
        known = each.is_dir() or each.suffix.lower() in (*SOURCES, ARCHIVE)
        if known and not each.is_symlink():
            found.append(Submission(each.name, each))
        else:
            left.append(each.name)
    if not found:
        raise UsageError(f"{folder} has no Python file, notebook, zip file or folder in it")
    return Collected(tuple(found), tuple(left))


def contents(path: Path) -> Contents:
    """The files of a submission by their paths in it.

    Raises:
        SubjectError: it is too large, or a zip file that cannot be unpacked safely.
    """
    if path.is_dir():
        found = _kept(_of_folder(path))
    else:
        raw = _read(path, MOST_BYTES)
        found = _of_zip(raw) if path.suffix.lower() == ARCHIVE else {path.name: raw}
    _check_tree(found)
    return {_encodable(name): raw for name, raw in found.items()}


def digest(found: Mapping[str, bytes]) -> str:
    """A number that another submission, or this one changed, does not have."""
    made = hashlib.sha256()
    for name in sorted(found):
        raw = found[name]
        made.update(f"{len(name)} {len(raw)} {name}".encode())
        made.update(raw)
    return made.hexdigest()


def sources(names: Iterator[str] | Mapping[str, bytes]) -> list[str]:
    """The files that can be judged, those nearest to the top first."""
    found = [each for each in names if each.lower().endswith(SOURCES)]
    return sorted(found, key=lambda each: (each.count("/"), each))


def _is_made(name: str) -> bool:
    return name.startswith(".") or name in MADE


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The ordinary files in a folder; links are not followed."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _is_made(each))
        for name in sorted(each for each in files if not _is_made(each)):
            path = Path(place) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(folder).as_posix(), _read(path, MOST_BYTES)


def _of_zip(raw: bytes) -> Contents:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return _kept(_members(archive))
    except BROKEN as error:
        raise SubjectError(f"its zip file cannot be unpacked: {error}") from error


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """The files in an archive, each read to a limit, whatever size it says that it has."""
    left = MOST_BYTES
    for each in archive.infolist():
        path = PurePosixPath(each.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
            raise SubjectError(f"its zip file has a member outside of its folder: {each.filename}")
        link = stat.S_ISLNK(each.external_attr >> 16)
        if each.is_dir() or link or any(map(_is_made, path.parts)) or not path.parts:
            continue
        with archive.open(each) as member:
            read = member.read(left + 1)
        left -= len(read)
        yield str(path), read


def _kept(found: Iterator[tuple[str, bytes]]) -> Contents:
    """All of them, if they are not too many or too large."""
    kept: Contents = {}
    size = 0
    for name, raw in found:
        kept[name] = raw
        size += len(raw)
        if size > MOST_BYTES:
            raise SubjectError(f"it is larger than {MOST_BYTES // MEGABYTE} MB")
        if len(kept) > MOST_FILES:
            raise SubjectError(f"it has more than {MOST_FILES:,} files")
    return kept


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(most + 1)
    except OSError as error:
        raise SubjectError(f"it cannot be read: {error.strerror}") from error
    if len(raw) > most:
        raise SubjectError(f"it is larger than {most // MEGABYTE} MB")
    return raw


def _check_tree(found: Contents) -> None:
    """See that no file is also the folder of another."""
    for name in found:
        for parent in PurePosixPath(name).parents:
            if str(parent) in found:
                raise SubjectError(f"{parent} is both a file and a folder")


def _encodable(name: str) -> str:
    """A name that can be written; a folder of old may have bytes that are no text."""
    return name.encode("utf-8", "replace").decode()
