"""Writing a file whole or not at all. Left out: what is in it."""

from contextlib import suppress
from pathlib import Path

from conformance.corpus.casefile import MOST_BYTES
from conformance.errors import CorpusError


def write(path: Path, raw: bytes) -> None:
    """Write a file under a temporary name and rename it, so that no half a file is ever there.

    Raises:
        CorpusError: the folder cannot be written to, or the file would be too large to be read.
    """
    if len(raw) > MOST_BYTES:
        raise CorpusError(f"{path}: {len(raw)} bytes are more than a case may have ({MOST_BYTES})")
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(raw)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CorpusError(
            f"{path}: {error.strerror}; give a folder that can be written to"
        ) from error
