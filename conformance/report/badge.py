"""A verdict as a badge: the values of the endpoint format of shields.io, version 1.

Left out: the picture, which whoever reads the file draws.
"""

from typing import Any

from conformance.corpus import store
from conformance.report.backward_report import BackwardReport
from conformance.report.book_report import Report
from conformance.report.file_report import FileReport
from conformance.report.sentence import pluralize

LABEL = "backprop"
COLORS = {0: "brightgreen", 1: "red"}
NOT_JUDGED, GREY = "not judged", "lightgrey"
SHORT = 12  # digits of the hash that the corpus is known by


def badge(report: Report | BackwardReport | FileReport) -> dict[str, Any]:
    """The badge of a report.

    Of a network that was put to recorded cases, it says the corpus: its verdict is that of these
    numbers.
    """
    if isinstance(report, Report):
        corpus = store.corpus_hash(store.root())[:SHORT]
        verdict = {0: "conformant", 1: _wrong(report)}.get(report.exit_code, NOT_JUDGED)
        return _badge(f"{verdict} · corpus {corpus}", report.exit_code)
    if isinstance(report, FileReport):
        if len(report.parts) == 1:
            return badge(report.parts[0])
        right = sum(each.exit_code == 0 for each in report.parts)
        return _badge(f"{right} of {len(report.parts)} right", report.exit_code)
    wrong = sum(not each.ok for each in report.gradients)
    said = f"{pluralize(wrong, 'gradient')} wrong" if wrong else "wrong"
    said = {0: "gradients right", 1: said}.get(report.exit_code, NOT_JUDGED)
    return _badge(said, report.exit_code)


def no_verdict() -> dict[str, Any]:
    """The badge of what could not be judged at all."""
    return _badge(NOT_JUDGED, None)


def _wrong(report: Report) -> str:
    """The equations that are wrong, if any."""
    tags = ", ".join(each.tag for each in report.blames)
    return f"wrong: {tags}" if tags else "not conformant"


def _badge(message: str, exit_code: int | None) -> dict[str, Any]:
    color = COLORS.get(exit_code, GREY) if exit_code is not None else GREY
    return {"schemaVersion": 1, "label": LABEL, "message": message, "color": color}
