"""The line to blame where a change of it makes all gradients right.

Left out: the changes, and whether they do (`shapes/edited.py`, `script/edited_script.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress

from conformance.backward.findings import Accused, Cause, Edited, Line


def by_edit(accused: Sequence[Accused], line: Line, edited: Edited) -> Accused:
    """The line that was changed, as the only one to blame; why, if that is known of it.

    Args:
        accused: what was blamed before.
        line: it.
        edited: the change.
    """
    first = next((each for each in accused if line in each.lines[:1]), None)
    names = tuple(dict.fromkeys(name for each in accused for name in each.gradients))
    cause = Cause("edited", worst=accused[0].cause.worst) if first is None else first.cause
    return Accused(names, (line,), cause, mends=True, edited=edited)


def supposed_parts(accused: Sequence[Accused]) -> Iterator[ast.expr]:
    """What the lines that are blamed are supposed to lack, as far as it is an expression."""
    for each in accused:
        cause = each.cause
        others = (cause.needed, cause.missing, cause.changed and cause.changed.other)
        for name in dict.fromkeys(other.name for other in others if other):
            with suppress(SyntaxError):
                yield ast.parse(name, mode="eval").body
