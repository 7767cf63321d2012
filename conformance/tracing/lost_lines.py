"""The line by which a parameter keeps what it had, though something was computed for it.

Left out: whether one does (`subjects/searched.py`).
"""

import ast
from collections.abc import Sequence

from conformance.tracing.frames import Frame
from conformance.tracing.source_names import (
    computes,
    named,
    names_on,
    parts_around,
    passing,
    read_in,
    returns,
    targets_of,
)


def assigned_to_itself(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """The frames of the only line that gives a name what it had, as `b = b` does, beside others.

    Args:
        frames: of a line of the same function, or of one that it is called by.
    """
    for depth, frame in enumerate(frames):
        inside = parts_around(frame)
        loops = [each for each in inside if isinstance(each, ast.For)]
        lines = {e.lineno for e in inside if isinstance(e, ast.Assign) and _is_idle(e, loops)}
        if len(lines) == 1:
            return Frame(frame.file, lines.pop(), frame.function), *frames[depth + 1 :]
    return ()


def left_out(frames: tuple[Frame, ...], others: Sequence[Sequence[Frame]]) -> tuple[Frame, ...]:
    """The frames of the line that keeps what others computed, and not what a line did.

    Args:
        frames: of the line whose result nothing keeps.
        others: of lines whose results are kept; its own if none of its function tells more.
    """
    while len(frames) > 1 and returns(frames[0]):  # its caller has to keep it
        frames = frames[1:]
    names = names_on(frames[0], ast.Store)
    if names.isdisjoint(name for _, name in named(frames[0], ast.Load)):
        for other in (each[0] for each in others):
            lines = {line for line, _ in passing(other, names_on(other, ast.Store))}
            beside = (other.file, other.function) == (frames[0].file, frames[0].function)
            if beside and len(lines) == 1:
                return Frame(other.file, lines.pop(), other.function), *frames[1:]
    return frames


def _is_idle(assignment: ast.Assign, loops: Sequence[ast.For]) -> bool:
    """Whether an assignment computes nothing of what it reads, and that is what it assigns to.

    A loop may read it before, as `b` of `zip(self.weights, self.biases)`.
    """
    read = read_in([assignment.value])
    for each in loops:
        if not read.isdisjoint(read_in([each.target])):
            read |= read_in([each.iter])
    return not computes(assignment.value) and not targets_of(assignment).isdisjoint(read)
