"""What is said of a file whose shape was recognised: what it was taken for, then the verdict.

Left out: what is known (`shapes/file_report.py`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.outcome import Report
from conformance.report.visible import visible
from conformance.shapes.file_report import FileReport, NotHere, NotJudged, Part, Refused
from conformance.shapes.judging import Recognised

MANY = 12  # names of parameters that are written out

SOURCES = {
    "returned": "gives the gradients",
    "moved": "updates the parameters itself",
    "kept": "keeps the derivatives in its values",
}


def recognised_words(recognised: Recognised) -> str:
    """What a program was taken for, in one line."""
    calls = list(recognised.calls)
    at = next((i for i, each in enumerate(calls) if i == recognised.backward), len(calls) - 1)
    calls[at] += f" {SOURCES[recognised.source]}"
    laid = recognised.layout + (f", {recognised.coding}" if recognised.coding else "")
    parts = [recognised.made, laid, ", ".join(calls)]
    if recognised.parameters:
        parts.append(f"parameters {', '.join(_together(recognised.parameters))}")
    if recognised.constant:
        parts.append(f"never moved: {', '.join(_together(recognised.constant))}")
    return visible(f"recognised: {'; '.join(each for each in parts if each)}")


def _together(parameters: Sequence[str]) -> list[str]:
    """The names of parameters, of those of one list its name and how many there are, if many."""
    if len(parameters) <= MANY:
        return list(parameters)
    roots = Counter(each.partition("[")[0] for each in parameters)
    return [root if count == 1 else f"{root} ({count} of them)" for root, count in roots.items()]


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
    yield from failed_words(report.failed)


def failed_words(failed: NotHere | None) -> list[str]:
    """What a file asked for that is not here; nothing if there is none."""
    if failed is None:
        return []
    words = f"note: {failed.where}: {failed.why}; what the file defines is judged with other data"
    return [visible(words)]


def refused_words(
    refusal: Refused, left: Sequence[NotJudged], failed: NotHere | None = None
) -> str:
    """Why nothing in a file is judged: what was found, what is missing, and what to write.

    Args:
        refusal: how far readings came.
        left: what fits no shape.
        failed: what the file asked for that is not here.
    """
    lines = [f"{refusal.said} fits no known shape; it defines {refusal.defines}"]
    lines += [f"  {each.name}: {each.why}" for each in left]
    lines += failed_words(failed)
    if refusal.adapter:
        place = refusal.said.rpartition(":")[0] if ".py:" in refusal.said else refusal.said
        lines.append(
            f"`conformance init {place}` writes this, which runs; say there what is missing:"
        )
        lines += [f"    {line}".rstrip() for line in refusal.adapter.splitlines()]
    return "\n".join(lines)


def _name(part: Part) -> str:
    return part.subject if isinstance(part, Report) else part.name


def in_one_line_of(report: FileReport) -> str:
    """The verdict on the only program of a file, or how many of several are right."""
    if len(report.parts) == 1:
        return report.parts[0].in_one_line()
    right = sum(each.exit_code == 0 for each in report.parts)
    return f"{report.place}: {right} of {len(report.parts)} programs are right"
