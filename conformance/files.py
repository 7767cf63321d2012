"""Files that a command writes: looked at before the work, then written whole or not at all.

Left out: what is in them.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from conformance.errors import UsageError


def check_outputs(paths: Mapping[str, Path | None]) -> None:
    """See that the files that are asked for can be written; see `check_output`."""
    for option, path in paths.items():
        if path is not None:
            check_output(option, path)


def check_output(option: str, path: Path) -> None:
    """See that a file can be written, before the work is done.

    Raises:
        UsageError: there is no such folder, none may be made in it, it is a folder itself, or
            it is `-`, by which others mean the standard output.
    """
    if str(path) == "-":
        raise UsageError(f"{option} -: name a file; the standard output is {option} /dev/stdout")
    if path.is_dir():
        raise UsageError(f"{option} {path}: is a folder")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: there is no such folder")
    if path.exists() and not path.is_file():
        return  # a pipe, or a terminal
    try:
        TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from error


def make_folder(option: str, folder: Path) -> Path:
    """Make a folder, if it is missing, with those that it is in.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{option} {folder}: {error.strerror}") from error
    return folder


def put(option: str, path: Path, text: str) -> None:
    """Write a file; if that fails, an older one stays as it was.

    Raises:
        UsageError: it cannot be written.
    """
    special = path.exists() and not path.is_file()  # a pipe, or a terminal
    try:
        if special:
            path.write_bytes(text.encode())
        else:
            write_whole(path, text.encode())
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from error


def write_whole(path: Path, raw: bytes) -> None:
    """Write a file under another name and rename it, so that no half a file is ever there.

    Raises:
        OSError: it cannot be written; nothing of it stays, and an older file is as it was.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(raw)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def put_json(option: str, path: Path, value: Any) -> None:
    """Write a value as JSON.

    Raises:
        UsageError: it cannot be written.
        ValueError: a number in it is not finite.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    # Half of a surrogate pair has no encoding, but JSON can spell it: \ud800.
    put(option, path, f"{text.encode(errors='backslashreplace').decode()}\n")
