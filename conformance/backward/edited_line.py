"""The line to blame where a change of it makes all gradients right.

Left out: the changes, and whether they do (`shapes/edited.py`, `script/edited_script.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress

from conformance.backward.findings import Accused, Cause, Edited, Line
from conformance.edits.named_edits import KnownChange


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


def known_changes(accused: Sequence[Accused]) -> Iterator[KnownChange]:
    """What the expressions that are blamed have to be instead, as far as that is known."""
    for changed in (each.cause.changed for each in accused):
        if changed is not None:
            other = None
            with suppress(SyntaxError):
                name = "" if changed.other is None else changed.other.name
                other = ast.parse(name, mode="eval").body
            what, before, after = changed.what, changed.before, changed.after
            yield KnownChange(what, changed.operation, before, after, other)
