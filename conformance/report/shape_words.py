"""What is said of a file whose shape was recognised: what it was taken for, then the verdict.

Left out: the whole report (`file_report.py`).
"""

from collections import Counter
from collections.abc import Sequence

from conformance.report.visible import visible
from conformance.shapes.judging import Recognised
from conformance.shapes.not_judged import NotHere, NotJudged, Refused

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


def failed_words(failed: NotHere | None) -> list[str]:
    """What a file asked for that is not here; nothing if there is none."""
    if failed is None:
        return []
    words = f"note: {failed.where}: {failed.why}; what the file defines is judged with other data"
    return [visible(words)]


def refused_words(
    refusal: Refused, left: Sequence[NotJudged], failed: NotHere | None = None, idle: str = ""
) -> str:
    """Why nothing in a file is judged: what was found, what is missing, and what to write.

    Args:
        refusal: how far readings came.
        left: what fits no shape.
        failed: what the file asked for that is not here.
        idle: why nothing came of it when it was run.
    """
    lines = [f"{refusal.said} fits no known shape; it defines {refusal.defines}"]
    lines += [f"  {each.name}: {each.why}" for each in left]
    lines += failed_words(failed)
    lines += [f"  when it was run: {visible(idle)}"] if idle else []
    if refusal.adapter:
        place = refusal.said.rpartition(":")[0] if ".py:" in refusal.said else refusal.said
        lines.append(
            f"`conformance init {place}` writes this, which runs; say there what is missing:"
        )
        lines += [f"    {line}".rstrip() for line in refusal.adapter.splitlines()]
    return "\n".join(lines)
