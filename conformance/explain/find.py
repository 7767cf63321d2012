"""The smallest network on which each wrong equation shows, as text and as files to take along.

Left out: looking for it (`candidates.py`) and writing it down (`worked.py`, `save.py`).
"""

from collections.abc import Sequence

from conformance.explain.candidates import first_failing
from conformance.explain.example import Example
from conformance.explain.lines import as_text, given, heading, rows
from conformance.explain.save import files
from conformance.explain.worked import worked
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
        failing = first_failing(subject, (tag, *(other for other in tags if other != tag)))
        if failing is not None:
            shown = worked(failing)
            text = failing.case.id, failing.tags, as_text(shown), files(failing, subject.folders)
            found.append(Example(*text, heading(shown), given(shown), tuple(rows(shown))))
    return tuple(found)
