"""The smallest network on which each wrong equation shows, as text and as files to take along.

Left out: looking for it (`ladder.py`) and writing it down (`worked.py`, `save.py`).
"""

from collections.abc import Sequence

from conformance.smallest.example import Example
from conformance.smallest.ladder import smallest
from conformance.smallest.lines import as_text, given, heading, rows
from conformance.smallest.save import files
from conformance.smallest.worked import worked
from conformance.subjects import Subject


def examples(subject: Subject, tags: Sequence[str]) -> tuple[Example, ...]:
    """The smallest networks that show some wrong equations, each at least once.

    Args:
        subject: it runs here, in this process.
        tags: the equations that are blamed, in causal order.
    """
    found: list[Example] = []
    for tag in tags:
        if any(tag in each.tags for each in found):
            continue
        rung = smallest(subject, (tag, *(other for other in tags if other != tag)))
        if rung is not None:
            shown = worked(rung)
            text = rung.case.id, rung.tags, as_text(shown), files(rung, subject.folders)
            found.append(Example(*text, heading(shown), given(shown), tuple(rows(shown))))
    return tuple(found)
