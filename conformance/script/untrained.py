"""Why there is nothing to judge of a script, in which no parameter was seen to be updated.

Left out: why what was seen cannot be judged (`conclude.py`).
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.groups import grouped
from conformance.backward.source import stored_names
from conformance.programs.absent import stood_in
from conformance.script.kept_states import PRODUCTS
from conformance.script.linear import ancestors
from conformance.script.trained import is_moved
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
        ended += f" without what it imports and is not installed ({absent})"
    if "unfollowed" in said:
        return f"{ended}, and what it computes with {said['unfollowed']} is not followed"
    if not trace.nodes:
        hint = "`conformance check` judges the functions and classes of a file"
        return f"{ended} and computed nothing: {hint}"
    apart = next(_moved_apart(trace), None)
    if apart is not None:
        return f"{ended}, and {apart}"
    updated = "no parameter was seen to be updated by what was computed from it"
    what = f"{ended}, and {updated}: {_rounds(trace)}"
    others = [each for each in POOLS if each in sys.modules]
    return f"{what}; what its other processes do is not seen" if others else what


def _moved_apart(trace: Trace) -> Iterator[str]:
    """Where a parameter is moved again and again by what was not computed from it.

    It is an array, or a number by which others are multiplied.
    """
    sums = (e for e in trace.nodes if e.operation in ("add", "subtract") and e.frames)
    for group in grouped([*sums]):
        new, used = group.nodes[-1], {e.operation for n in group.nodes for e in n.consumers}
        moved = all(old in ancestors(e) for old, e in pairwise(group.nodes))
        names = sorted(stored_names(new))
        if moved and len(group.nodes) >= SEVERAL and names and used & {*PRODUCTS, "multiply"}:
            at, name = new.frames[0], names[0]
            yield (
                f"{os.path.relpath(at.file)}:{at.line} moves `{name}` step by step by "
                f"what was not computed from it: the gradient of `{name}` has to be, and where a "
                "step function gives the output, as in the perceptron rule, there is no gradient"
            )


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
    unused = next(_unused(trace), None)
    if unused is not None:
        return unused
    last = next(at for at, operation in reversed(runs) if counts[at, operation] == most)
    return (
        f"{os.path.relpath(last.file)}:{last.line} ran {most} times, and no array was seen to "
        "become what it was and something that was computed from that"
    )


def _unused(trace: Trace) -> Iterator[str]:
    """Where an array is computed as a parameter is moved, again and again, and nothing uses it."""
    sums = (e for e in trace.nodes if e.operation in ("add", "subtract") and not e.consumers)
    for group in grouped([e for e in sums if e.frames and np.size(e.value) > 1]):
        new = group.nodes[-1]
        olds = (each for each in ancestors(new) if each.constant)
        if len(group.nodes) >= SEVERAL and any(is_moved(each, new) for each in olds):
            at, names = new.frames[0], sorted(stored_names(new))
            name = f"`{names[0]}`" if len(names) == 1 else "value of a parameter"
            local = ", a local variable," if len(names) == 1 and at.function != "<module>" else ""
            yield (
                f"{os.path.relpath(at.file)}:{at.line} computes a new {name}{local} "
                f"{len(group.nodes)} times, and nothing uses it: keep it where the next "
                "step reads it"
            )
