"""Why there is nothing to judge of a script, in which no parameter was seen to be updated.

Left out: why what was seen cannot be judged (`conclude.py`).
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from conformance.subjects.absent import stood_in
from conformance.tracing.trace import Trace

POOLS = ("multiprocessing.pool", "concurrent.futures.process", "joblib")
"""Modules that are loaded where a program lets other processes work."""

SEVERAL = 3  # times that a line has to run to be a part of a loop

Notes = Sequence[tuple[str, str]]


def nothing_trained(trace: Trace, notes: Notes) -> str:
    """Why there is nothing to judge."""
    said = dict(notes)
    if "time" in said:
        where = f", in {said['at']}" if said.get("at") else ""
        return f"it ran for {said['time']} s, and no parameter was seen to be updated{where}"
    ended = said.get("left", "it ran to its end")
    if absent := ", ".join(stood_in()):
        ended += f" without what it imports and is not installed: {absent},"
    if "unfollowed" in said:
        return f"{ended}, and what it computes with {said['unfollowed']} is not followed"
    if not trace.nodes:
        hint = "`conformance check` judges the functions and classes of a file"
        return f"{ended} and computed nothing: {hint}"
    what = f"{ended}, and no parameter was seen to be updated: {_rounds(trace)}"
    others = [each for each in POOLS if each in sys.modules]
    return f"{what}; what its other processes do is not seen" if others else what


def _rounds(trace: Trace) -> str:
    """What is missing in what was computed in rounds; else that there have to be rounds."""
    arrays = (each for each in trace.nodes if each.frames and np.size(each.value) > 1)
    runs = [(each.frames[0], each.operation) for each in arrays]
    counts = Counter(runs)
    most = max(counts.values(), default=0)
    if most < SEVERAL:
        return (
            "let it take two steps, in each of which its parameters are moved by what was computed "
            "from them"
        )
    last = next(at for at, operation in reversed(runs) if counts[at, operation] == most)
    return (
        f"{os.path.relpath(last.file)}:{last.line} ran {most} times, and no array was seen to "
        "become what it was and something that was computed from that"
    )
