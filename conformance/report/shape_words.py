"""What is said of a file whose shape was recognised: what it was taken for, then the verdict.

Left out: what is known (`shapes/file_report.py`).
"""

from collections.abc import Iterator

from conformance.outcome import Report
from conformance.report.backward_words import report_lines
from conformance.report.visible import visible
from conformance.shapes.file_report import FileReport, ShapeReport
from conformance.shapes.judging import Recognised

SOURCES = {
    "returned": "gives the gradients",
    "moved": "updates the parameters itself",
}


def recognised_words(recognised: Recognised) -> str:
    """What a program was taken for, in one line."""
    *first, last = recognised.calls
    calls = ", ".join([*first, f"{last} {SOURCES[recognised.source]}"])
    laid = f"{recognised.layout}, {recognised.coding}"
    parameters = ", ".join(recognised.parameters)
    return visible(f"recognised: {recognised.made}; {laid}; {calls}; parameters {parameters}")


def shape_lines(report: ShapeReport) -> list[str]:
    """The whole report on one program, line by line."""
    first = report_lines(report.name, report.examined)
    return [*first, recognised_words(report.recognised)]


def file_lines(report: FileReport) -> Iterator[str]:
    """The whole report on a file, line by line."""
    for i, each in enumerate(report.parts):
        if i:
            yield ""
        if isinstance(each, Report):
            yield from str(each).splitlines()
        else:
            if len(report.parts) > 1 and each.exit_code:
                yield f"{each.name}:"
            yield from shape_lines(each)
    for left in report.left:
        yield visible(f"not judged: {left.name}: {left.why}")


def file_in_one_line(report: FileReport) -> Iterator[str]:
    """The verdict on each program of a file, a line each."""
    from conformance.report.opening import in_one_line

    for each in report.parts:
        if isinstance(each, Report):
            yield in_one_line(each)
        else:
            yield visible(_verdict(each))


def _verdict(report: ShapeReport) -> str:
    if report.exit_code == 0:
        return report_lines(report.name, report.examined)[0]
    wrong = ", ".join(each.name for each in report.examined.gradients if not each.ok)
    lines = [line for each in report.examined.accused for line in each.lines]
    where = f", line {lines[0].line}" if lines else ""
    return f"{report.name}: the gradients of {wrong} are wrong{where}"
