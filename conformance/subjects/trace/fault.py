"""What is wrong with a file that is to be safetensors, in words that name the tensor.

Only asked of a file that the library refuses. Left out: reading one that it accepts (`file.py`).
"""

import json
from collections.abc import Iterator
from math import prod
from typing import Any

from conformance.running.process import printable

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
