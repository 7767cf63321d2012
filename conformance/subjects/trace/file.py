"""A `.safetensors` file of a subject, read within bounds: its metadata and its tensors.

Left out: which tensors are quantities of which case (`subject.py`).
"""

import json
from pathlib import Path
from typing import Any

from conformance.corpus import casefile
from conformance.errors import SubjectError, UsageError
from conformance.running.process import printable
from conformance.subjects.trace.fault import fault
from reference.step import Array


def read(path: Path) -> bytes:
    """The bytes of a file, which must not be large.

    Raises:
        UsageError: it cannot be read.
        SubjectError: it is too large.
    """
    try:
        if not path.is_file():
            raise UsageError(
                f"there is no file {path}" if not path.exists() else f"{path} is no file"
            )
        with path.open("rb") as file:
            raw = file.read(casefile.MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > casefile.MOST_BYTES:
        raise SubjectError(
            f"{path}: larger than {casefile.MOST_BYTES >> 20} MiB; record fewer steps"
        )
    return raw


def parse(raw: bytes, path: Path | str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The metadata and the tensors of a safetensors file.

    Raises:
        SubjectError: it is not such a file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors: dict[str, Array] = load(raw)
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + length]).get("__metadata__") or {}
    except KeyError as error:
        raise SubjectError(
            f"{path}: dtype {error} is none of NumPy's; give float32, float64"
        ) from error
    except (SafetensorError, ValueError, TypeError, AttributeError, RecursionError) as error:
        why = fault(raw) or printable(str(error))
        raise SubjectError(f"{path}: not a safetensors file ({why})") from error
    return header, tensors


def id_of(header: dict[str, Any]) -> str | None:
    """The id of the case, from the metadata."""
    if "case" not in header:
        return header.get("id")
    try:
        described = json.loads(header["case"])
    except (ValueError, RecursionError):
        return str(header["case"])
    inner = described.get("case", described) if isinstance(described, dict) else {}
    found = inner.get("id") if isinstance(inner, dict) else inner
    return None if found is None else str(found)
