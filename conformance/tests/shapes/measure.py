"""The programs judged as `conformance check FILE.py` judges them: right, and with each fault."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from conformance.api import check
from conformance.errors import ConformanceError
from conformance.file_check import check_file
from conformance.file_process import Asked
from conformance.report.backward_report import BackwardReport
from conformance.report.file_report import FileReport
from conformance.tests.programs.shapes_faults import FAULTS

PROGRAMS = Path(__file__).parents[1] / "programs" / "shapes"


@dataclass(frozen=True)
class Judged:
    """A program after it was judged.

    Attributes:
        name: of the program.
        fault: the number of its fault; None if it is right.
        line: the edited line.
        exit_code: of the check.
        lines: that were blamed, the first first.
        words: the report.
        seconds: that it took.
    """

    name: str
    fault: int | None
    line: int
    exit_code: int
    lines: tuple[int, ...]
    words: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the exit code is as it should be."""
        return self.exit_code == (0 if self.fault is None else 1)

    @property
    def named(self) -> bool:
        """Whether the edited line comes first."""
        return self.lines[:1] == (self.line,)


def program(name: str, fault: int | None = None) -> tuple[str, int]:
    """The source of a program, with a fault, and the line of the fault."""
    source = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    if fault is None:
        return source, 0
    old, new = FAULTS[name][fault]
    assert source.count(old) == 1, (name, fault, source.count(old))
    return source.replace(old, new), source[: source.index(old)].count("\n") + 1


def judge(name: str, fault: int | None, folder: Path) -> Judged:
    """Judge a program, with a fault."""
    source, line = program(name, fault)
    file = folder / f"{name}.py"
    file.write_text(source, encoding="utf-8")
    began = monotonic()
    try:
        report = check_file(Asked(str(file)), check)
    except ConformanceError as error:
        return Judged(name, fault, line, error.exit_code, (), str(error), monotonic() - began)
    lines = tuple(blamed(report))
    return Judged(name, fault, line, report.exit_code, lines, str(report), monotonic() - began)


def blamed(report: FileReport) -> Iterator[int]:
    """The lines to blame, the first first."""
    for part in report.parts:
        if isinstance(part, BackwardReport):
            for each in part.examined.accused:
                for line in each.lines:
                    yield line.line


def judged_source(source: str, folder: Path) -> tuple[int, list[str], str]:
    """The exit code, the lines to blame, and what is said."""
    file = folder / "net.py"
    file.write_text(source, encoding="utf-8")
    try:
        report = check_file(Asked(str(file)), check)
    except ConformanceError as error:
        return error.exit_code, [], str(error)
    lines = source.splitlines()
    return report.exit_code, [lines[n - 1].strip() for n in blamed(report)], str(report)
