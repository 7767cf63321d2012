"""Writing a file whole or not at all. Left out: what is in it."""

from pathlib import Path

from conformance.corpus.casefile import MOST_BYTES
from conformance.errors import CorpusError
from conformance.files import write_whole


def write(path: Path, raw: bytes) -> None:
    """Write a file whole or not at all, in a folder that is made if need be.

    Raises:
        CorpusError: the folder cannot be written to, or the file would be too large to be read.
    """
    if len(raw) > MOST_BYTES:
        raise CorpusError(f"{path}: {len(raw)} bytes are more than a case may have ({MOST_BYTES})")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, raw)
    except OSError as error:
        raise CorpusError(
            f"{path}: {error.strerror}; give a folder that can be written to"
        ) from error
