"""What is said of a backward pass: which gradients are wrong, which line, why.

Left out: what is known (`backward/findings.py`).
"""

import linecache
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from conformance.backward.findings import Accused, Judged, Line


def report_lines(
    name: str, gradients: Sequence[Judged], accused: Sequence[Accused]
) -> Iterator[str]:
    """The whole report, line by line."""
    wrong = [each for each in gradients if not each.ok]
    if not wrong:
        yield f"{name}: all {len(gradients)} gradients are right"
        return
    for each in accused:
        yield from blame_lines(each)


def blame_lines(accused: Accused) -> Iterator[str]:
    """Which gradients, which line, why."""
    yield f"wrong: the gradients of {', '.join(accused.gradients)}"
    yield from map(_line, accused.lines[:1])
    yield accused.cause.kind


def _line(line: Line) -> str:
    source = linecache.getline(line.file, line.line).strip()
    return f"{Path(line.file).name}:{line.line}: {source}"


def report_html(name: str, gradients: Sequence[Judged], accused: Sequence[Accused]) -> str:
    """The same as HTML for a notebook."""
    lines = "\n".join(report_lines(name, gradients, accused))
    return f"<pre>{escape(lines)}</pre>"
