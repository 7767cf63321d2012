"""What is said of a script that was run: what is wrong, which line, why; how it updates.

Left out: what is known (`script/findings.py`).
"""

from collections.abc import Iterator

from conformance.report.backward_words import report_lines as backward_lines
from conformance.report.visible import visible
from conformance.script.findings import Ran


def report_lines(ran: Ran) -> list[str]:
    """The whole report, line by line."""
    lines = backward_lines(ran.script, ran.examined)
    return [visible(each) for each in (*lines, *_notes(ran))]


def _notes(ran: Ran) -> Iterator[str]:
    yield f"parameters: {', '.join(ran.parameters)}; {ran.updates} updates judged"
    for kind, text in ran.notes:
        if kind == "failed":
            yield f"note: after these updates it {text}"
        elif kind == "time":
            yield f"note: stopped after {text} s"
        elif kind == "memory":
            yield f"note: stopped after {text} GB were recorded; what came later is left out"
