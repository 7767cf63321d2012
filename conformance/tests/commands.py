"""Commands for the tests: small Python programs, and what is said of them."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.subjects.command.command_subject import CommandSubject, command_subject
from conformance.tests.support import recorded
from conformance.verdict.compare import Status

CASE = "contracting-5-4-3-2"

COPY = """
import json, sys
written = json.load(open(sys.argv[1]))["tensors"]
shown = {name: rows for name, rows in written.items() if name[0].isdigit() and name[-1] not in "xy"}
"""
"""The right numbers of the restarted steps, out of the case as JSON."""
WRITE = """
json.dump(shown, open(sys.argv[2], "w"))
"""

Make = Callable[..., CommandSubject]


def maker(folder: Path) -> Make:
    """Makes the subject whose program is some lines of Python, kept in a folder."""

    def make(
        source: str, format_: str = "json", timeout: float = 20.0, workers: int = 1
    ) -> CommandSubject:
        path = folder / "program.py"
        path.write_text(source)
        command = f"{sys.executable} -S {path} {{case}} {{out}}"
        return command_subject(command, format_, timeout, workers)

    return make


def checked(subject: CommandSubject, case: str = CASE) -> CaseReport:
    """The report on a case; nothing may be left in the folder of temporary files."""
    report = check_case(subject, recorded(case))
    assert list(Path(tempfile.gettempdir()).iterdir()) == []
    return report


def error(subject: CommandSubject) -> str:
    """Why the subject could not be judged."""
    report = checked(subject)
    assert report.status is Status.ERROR
    return report.error
