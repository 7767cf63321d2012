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
    """What has to stand in another's place on the lines that are blamed, if it is an expression."""
    for each in accused:
        changed = each.cause.changed
        if changed is not None and changed.other is not None and changed.what != "factor":
            with suppress(SyntaxError):
                yield ast.parse(changed.other.name, mode="eval").body
