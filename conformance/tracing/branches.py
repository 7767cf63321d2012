"""The line of a branch, if one of several gave the wrong entries of a quantity.

Left out: which operation of it is to blame (`blame.py`).
"""

from conformance.arithmetic.exact import Exact
from conformance.tracing.frames import Frame
from conformance.tracing.index import Location, times
from conformance.tracing.replay import Replay
from reference.step import Array


def branch_of(at: Location, wanted: Array, replay: Replay) -> tuple[Frame, ...]:
    """The frames of the only line that gave wrong entries, if other lines gave the right ones.

    Args:
        at: where each entry was computed.
        wanted: the quantity as its equation gives it.
        replay: of the run.
    """
    nodes = replay.trace.nodes
    held = at.gather(lambda number: replay.value(nodes[number]), object)
    if at.nodes.shape != wanted.shape or not all(type(each) is Exact for each in held.flat):
        return ()
    lines: dict[bool, dict[tuple[Frame, ...], tuple[Frame, ...]]] = {True: {}, False: {}}
    for number, one, other in zip(
        at.nodes.flat, held.flat, times(wanted, at.factor).flat, strict=True
    ):
        frames = nodes[number].frames
        lines[one.ball.overlaps(other.ball)].setdefault(frames[:1], frames)
    apart = lines[True] and not lines[True].keys() & lines[False].keys()
    return next(iter(lines[False].values())) if apart and len(lines[False]) == 1 else ()
