"""What is said of a file whose shape was recognised: what it was taken for, then the verdict.

Left out: what is known (`shapes/file_report.py`).
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from conformance.outcome import Report
from conformance.report.visible import visible
from conformance.shapes.file_report import FileReport, NotJudged, Part, Refused
from conformance.shapes.judging import Recognised

SOURCES = {
    "returned": "gives the gradients",
    "moved": "updates the parameters itself",
}


def recognised_words(recognised: Recognised) -> str:
    """What a program was taken for, in one line."""
    calls = list(recognised.calls)
    at = next((i for i, each in enumerate(calls) if i == recognised.backward), len(calls) - 1)
    calls[at] += f" {SOURCES[recognised.source]}"
    laid = recognised.layout + (f", {recognised.coding}" if recognised.coding else "")
    parts = [recognised.made, laid, ", ".join(calls)]
    if recognised.parameters:
        parts.append(f"parameters {', '.join(recognised.parameters)}")
    return visible(f"recognised: {'; '.join(each for each in parts if each)}")


def file_lines(report: FileReport) -> Iterator[str]:
    """The whole report on a file, line by line."""
    for i, each in enumerate(report.parts):
        if i:
            yield ""
        named = isinstance(each, Report) or not each.exit_code
        if len(report.parts) > 1 and not named:
            yield visible(f"{_name(each)}:")
        yield from str(each).splitlines()
    for left in report.left:
        yield visible(f"not judged: {left.name}: {left.why}")


def refused_words(refusal: Refused, left: Sequence[NotJudged]) -> str:
    """Why nothing in a file is judged: what was found, what is missing, and what to write."""
    lines = [f"{refusal.said} fits no known shape; it defines {refusal.defines}"]
    lines += [f"  {each.name}: {each.why}" for each in left]
    if refusal.adapter:
        place = refusal.said.rpartition(":")[0] if ".py:" in refusal.said else refusal.said
        lines.append(
            f"`conformance init {place}` writes this, which runs; say there what is missing:"
        )
        lines += [f"    {line}".rstrip() for line in refusal.adapter.splitlines()]
    return "\n".join(lines)


def _name(part: Part) -> str:
    return part.subject if isinstance(part, Report) else part.name


def verdict_of(part: Part) -> str:
    """The verdict on a program in one line."""
    if isinstance(part, Report):
        from conformance.report.opening import in_one_line

        return visible(in_one_line(part))
    return visible(part.in_one_line())


def json_of(part: Part) -> dict[str, Any]:
    """The report on a program as JSON values."""
    if isinstance(part, Report):
        from conformance.report.record import to_json

        return dict(to_json(part))
    return part.to_json()


def markdown_of(part: Part) -> str:
    """The report on a program as Markdown."""
    if isinstance(part, Report):
        from conformance.report.markdown import as_markdown

        return as_markdown(part)
    return part.as_markdown()


def page_of(report: FileReport) -> str:
    """The report on a file as one page: the parts one after another."""
    pages = [_page(each) for each in report.parts]
    bodies = "<hr/>".join(re.sub(r"(?s).*<main>|</main>.*", "", each) for each in pages)
    left = "".join(
        f"<p>not judged: {escape(visible(f'{e.name}: {e.why}'))}</p>" for e in report.left
    )
    whole = next(
        (page for page in pages if "<html" in page), "<html><body><main></main></body></html>"
    )
    head, tail = re.split(r"(?s)<main>.*</main>", whole, maxsplit=1)
    return f"{head}<main>{bodies}{left}</main>{tail}"


def _page(part: Part) -> str:
    if isinstance(part, Report):
        return f"<main><pre>{escape(str(part))}</pre></main>"
    return part.as_page()
