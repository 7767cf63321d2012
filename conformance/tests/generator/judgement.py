"""What the checker says of a program, held against what is to be said."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance import api
from conformance.errors import ConformanceError
from conformance.running.quiet import TooLongError, limited
from conformance.tests.generator.program import Program
from conformance.tests.generator.running import loaded

SECONDS = 120  # for one program, on a busy machine


@dataclass(frozen=True)
class Judgement:
    """What was said of a program.

    Attributes:
        id: of the program.
        style: its name.
        tags: of the equations that should be blamed.
        lines: that may be blamed, as `Program.lines` says.
        code: the exit code; 4 if the checker itself failed.
        blamed: the equations that were blamed, and the lines.
        said: why it was not judged, or what was found beside the equations.
    """

    id: str
    style: str
    tags: frozenset[str]
    lines: frozenset[int]
    code: int
    blamed: Mapping[str, int]
    said: str

    @property
    def equation(self) -> bool:
        """Whether these equations alone are blamed."""
        return self.code == 1 and set(self.blamed) == set(self.tags)

    @property
    def place(self) -> bool:
        """Whether the line is blamed, for each of these equations."""
        return self.equation and set(self.blamed.values()) <= self.lines

    @property
    def good(self) -> bool:
        """Whether nothing is left to wish for."""
        return self.place if self.tags else self.code == 0

    @property
    def kind(self) -> str:
        """What happened, in a word."""
        if self.code not in (0, 1):
            return "not judged"
        if not self.tags:
            return "accused" if self.code else "good"
        if self.code == 0:
            return "passed"
        if not self.equation:
            return "other equation"
        return "good" if self.place else "other line"


def judge(program: Program) -> Judgement:
    """What the checker says of a program in the cases of its style."""
    with tempfile.TemporaryDirectory() as folder:
        code, blamed, said = 4, dict[str, int](), ""
        try:
            with limited(SECONDS), loaded(program, Path(folder)) as thing:
                cost = "cross-entropy" if "cross-entropy" in program.style.options else None
                report = api.check(thing, case=program.style.cases, cost=cost)
            code = report.exit_code
            blamed = {b.tag: b.frames[0].line if b.frames else 0 for b in report.blames}
            said = "; ".join(
                (*report.remarks, *(each.error for each in report.cases if each.error))
            )
        except ConformanceError as error:
            code, said = 3, str(error)
        except TooLongError:
            code, said = 3, f"it takes longer than {SECONDS} s"
        except Exception as error:  # noqa: BLE001 - a failure of the checker is what is measured
            said = f"the checker failed: {type(error).__name__}: {error}"
    return Judgement(
        program.id, program.style.name, program.tags, program.lines, code, blamed, said
    )
