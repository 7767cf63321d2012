"""A `.safetensors` file of a subject, read within bounds: its metadata and its tensors.

Why the library refuses a file is said with the name of the tensor. Left out: which tensors are
quantities of which case (`subject.py`).
"""

import json
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from conformance.corpus import casefile
from conformance.errors import SubjectError, UsageError
from conformance.running.process import printable
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


SIZES = {"F64": 8, "F32": 4}
MOST = 1 << 20  # bytes of a header that is looked at
LARGE = 1 << 63
AXES = 2  # of a quantity, at most
PAIR = ("begin", "end")  # of the data of a tensor
NAME = 40  # characters of a foreign name in a message


def fault(raw: bytes) -> str:
    """The first thing that is wrong; empty if nothing is found, or the header is too long."""
    if len(raw) < 8:  # noqa: PLR2004 - of the length
        return f"it has {len(raw)} bytes: 8 of them are to tell the length of its header"
    length, there = int.from_bytes(raw[:8], "little"), len(raw) - 8
    if length > there:
        return f"its header is to be {length:,} bytes long, and {there:,} follow"
    if length > MOST:
        return ""
    try:
        header = json.loads(raw[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        return f"its header: {printable(str(error))}"
    entries = header if isinstance(header, dict) else {}
    tensors = {name: each for name, each in entries.items() if name != "__metadata__"}
    wellformed = bool(tensors) and all(map(_wellformed, tensors.values()))
    return next(_unfit(tensors, there - length), "") if wellformed else ""


def _wellformed(entry: Any) -> bool:
    """Whether it describes a tensor of whole numbers, which nothing is allocated for."""
    if not isinstance(entry, dict):
        return False
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(offsets, list) or len(offsets) != len(PAIR):
        return False
    return len(shape) <= AXES and all(type(n) is int and 0 <= n < LARGE for n in (*shape, *offsets))


def _unfit(tensors: dict[str, Any], data: int) -> Iterator[str]:
    """Which tensors do not fit, in the order of their data."""
    reached = 0
    for name, entry in sorted(tensors.items(), key=lambda item: item[1]["data_offsets"]):
        shape, (begin, end) = entry["shape"], entry["data_offsets"]
        named = f"`{printable(name, NAME)}`"
        size = SIZES.get(str(entry.get("dtype")))
        if size and prod(shape) * size != end - begin:
            numbers = ", ".join(map(str, shape))
            takes = f"of shape [{numbers}] takes {prod(shape) * size:,} bytes in {entry['dtype']}"
            yield f"{named} {takes}, its data_offsets {end - begin:,}"
        if begin != reached:
            yield f"{named} begins at byte {begin:,} of the data, where {reached:,} comes next"
        reached = end
    if reached != data:
        yield f"its tensors end at byte {reached:,} of the data, of which there are {data:,}"
