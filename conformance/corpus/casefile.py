"""The bytes of a case, to and fro: safetensors with a header, or JSON for reading by eye.

Nothing is unpickled. Left out: which files there are (`store.py`), and which tensors a case has
(`recorded.py`).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from conformance.corpus.case import SCHEMA_VERSION, Case
from conformance.errors import CorpusError
from conformance.files import write_whole
from reference.step import Array


def json_lines(value: Any, levels: int, *, indent: int = 0) -> str:
    """JSON of which the outermost dicts and lists have an entry a line.

    Args:
        value: what JSON can carry.
        levels: how many levels are spread over lines.
        indent: the spaces before the line that opens it.

    Example:
        >>> print(json_lines({"id": "a", "sizes": [2, 3]}, 1))
        {
         "id": "a",
         "sizes": [2, 3]
        }
    """
    if not (levels and value and isinstance(value, dict | list | tuple)):
        return json.dumps(value, ensure_ascii=False)
    named = isinstance(value, dict)
    entries = [
        (f"{json.dumps(key)}: " if named else "") + json_lines(each, levels - 1, indent=indent + 1)
        for key, each in (value.items() if isinstance(value, dict) else enumerate(value))
    ]
    opened, closed = "{}" if named else "[]"
    line = f"\n{' ' * indent}"
    return f"{opened}{line} {f',{line} '.join(entries)}{line}{closed}"


RESTORE = "restore the file, or run `conformance fixtures build`"
MOST_BYTES = 64 << 20  # no file of the corpus is larger


def case_header(case: Case) -> dict[str, Any]:
    """The header of a case's file."""
    described = {
        "schema_version": SCHEMA_VERSION,
        "case": case.to_json(),
        "conventions": case.conventions,
    }
    return dict(json.loads(json.dumps(described)))  # tuples become lists, as a reader sees them


def parse(raw: bytes, path: Path) -> tuple[Any, dict[str, Array]]:
    """The JSON header and the tensors of a safetensors file.

    Raises:
        CorpusError: it is not such a file, or a tensor is neither float64 nor float32.
    """
    try:
        tensors: dict[str, Array] = load(raw)
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["case"])
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorpusError(
            f"{path}: not the safetensors file of a case ({error}); {RESTORE}"
        ) from error
    for name, array in tensors.items():
        if array.dtype not in (np.float64, np.float32):
            raise CorpusError(f"{path}: tensor {name} is {array.dtype}; {RESTORE}")
    return header, tensors


def serialized(case: Case, tensors: Mapping[str, Array]) -> bytes:
    """The bytes of a case's file."""
    ordered = {name: np.array(array, case.type, order="C") for name, array in tensors.items()}
    # One metadata key, since the order of several is not defined.
    return save(ordered, metadata={"case": json.dumps(case_header(case), ensure_ascii=False)})


def readable(case: Case, tensors: Mapping[str, Array]) -> bytes:
    """The same case as JSON for reading by eye; numbers round-trip exactly."""
    values = {name: np.asarray(array).tolist() for name, array in tensors.items()}
    return f"{json_lines({**case_header(case), 'tensors': values}, 2)}\n".encode()


def sha256(raw: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


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
