"""What is wrong with a file that is to be safetensors, in words that name the tensor.

Only asked of a file that the library refuses. Left out: reading one that it accepts (`file.py`).
"""

import json
from collections.abc import Iterator
from itertools import islice
from math import prod
from typing import Any

from conformance.running.process import printable

SIZES = {"F64": 8, "F32": 4}
MOST = 1 << 20  # bytes of a header that is looked at
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
        return next(_in(header, there - length), "")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        return f"its header: {printable(str(error))}"


def _in(header: dict[str, Any], data: int) -> Iterator[str]:
    """What is wrong with tensors, in the order of their data."""
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    ordered = sorted(entries.items(), key=lambda item: item[1]["data_offsets"])
    reached = 0
    for name, entry in ordered:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        named = f"`{printable(name, NAME)}`"
        if dtype in SIZES and prod(shape) * SIZES[dtype] != end - begin:
            needed = f"{prod(shape) * SIZES[dtype]:,} bytes in {dtype}"
            numbers = ", ".join(map(str, islice(shape, 4)))
            yield f"{named} of shape [{numbers}] takes {needed}, its data_offsets {end - begin:,}"
        if begin != reached:
            yield f"{named} begins at byte {begin:,} of the data, where {reached:,} comes next"
        reached = end
    if reached != data:
        yield f"its tensors end at byte {reached:,} of the data, of which there are {data:,}"
