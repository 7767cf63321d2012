"""The report on a hand-written backward pass, shown in every form.

Each form is imported when it is asked for. Left out: the words (`backward_words.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.backward.findings import Accused, Examined, Judged, Line


@dataclass(frozen=True)
class BackwardBlame:
    """A line that makes gradients wrong.

    Attributes:
        accused: what is known of it.
    """

    accused: Accused

    @property
    def gradients(self) -> tuple[str, ...]:
        """The names of the parameters whose gradients are wrong by it."""
        return self.accused.gradients

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines in question, the one to blame first."""
        return self.accused.lines

    @property
    def file(self) -> str | None:
        """The file of the line to blame."""
        return self.lines[0].file if self.lines else None

    @property
    def line(self) -> int | None:
        """The number of the line to blame."""
        return self.lines[0].line if self.lines else None

    @property
    def mends(self) -> bool:
        """Whether all gradients are right once this operation is mended."""
        return self.accused.mends

    @property
    def text(self) -> str:
        """Which gradients, which line, why."""
        from conformance.report.backward_words import blame_lines

        return "\n".join(blame_lines(self.accused))


@dataclass(frozen=True, repr=False)
class BackwardReport:
    """What is known of a hand-written backward pass.

    Attributes:
        name: of the function.
        examined: what is known.
    """

    name: str
    examined: Examined

    @property
    def gradients(self) -> tuple[Judged, ...]:
        """Each gradient that was judged."""
        return self.examined.gradients

    @property
    def ok(self) -> bool:
        """Whether every gradient is right, and all that moves parameters by them."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong, 3 if how a parameter is moved could not be judged."""
        return 0 if self.examined.ok else 1

    @property
    def blames(self) -> tuple[BackwardBlame, ...]:
        """The lines to blame, the first to be read first."""
        return tuple(map(BackwardBlame, self.examined.accused))

    def __str__(self) -> str:
        """Three lines first: which gradients, which line, why."""
        from conformance.report.backward_words import report_lines

        return "\n".join(report_lines(self.name, self.examined))

    def __repr__(self) -> str:
        """The verdict in one line, as a failing `assert report.ok` shows it."""
        return f"<{self.in_one_line()}>"

    def in_one_line(self) -> str:
        """The program, the verdict, and the first line to blame with the reason."""
        from conformance.report.backward_words import in_one_line

        return in_one_line(self.name, self.examined)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by `report/backward.schema.json`."""
        from conformance.report.backward_record import to_json

        return to_json(self.name, self.examined, self.exit_code)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "BackwardReport":
        """The report of some JSON values."""
        from conformance.report.backward_record import from_json

        return cls(*from_json(values))

    def as_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        from conformance.report.backward_markdown import as_markdown

        return as_markdown(self.name, self.examined, self.exit_code)

    def as_page(self, _command: str = "") -> str:
        """The report as one page of HTML."""
        from conformance.report.backward_page import as_page

        return as_page(self.in_one_line(), [self])

    def further(self) -> list[str]:
        """What is known beside the gradients, in sentences."""
        return []

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        from conformance.report.backward_words import lines_html

        return lines_html(str(self).splitlines())
