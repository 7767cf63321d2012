"""The report on a script: that on its gradients, and what is known of its updates.

Left out: the words (`report/script_words.py`).
"""

from dataclasses import dataclass
from typing import Any

from conformance.report.backward_report import BackwardReport
from conformance.script_outcome import Ran


@dataclass(frozen=True, repr=False)
class ScriptReport(BackwardReport):
    """What is known of a script that trains a network.

    Attributes:
        ran: what is known beside its gradients.
    """

    ran: Ran

    def __str__(self) -> str:
        """Three lines first: what is wrong, on which line, why."""
        from conformance.report.script_words import notes

        return "\n".join([super().__str__(), *(f"note: {each}" for each in notes(self.ran))])

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by `report/backward.schema.json`."""
        from conformance.report.script_words import to_json

        return {**super().to_json(), "script": to_json(self.ran)}

    def as_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        from conformance.report.gfm import text
        from conformance.report.script_words import notes

        return super().as_markdown() + "\n" + "".join(f"- {text(e)}\n" for e in notes(self.ran))

    def further(self) -> list[str]:
        """How it moves its parameters, and how it ended."""
        from conformance.report.script_words import notes

        return [*notes(self.ran)]


@dataclass(frozen=True, repr=False)
class UpdateReport(ScriptReport):
    """What is known of a class that moves parameters, by gradients of ours."""

    def __str__(self) -> str:
        """What is wrong, on which line, why; then the rule."""
        from conformance.report.script_words import update_lines

        return "\n".join(update_lines(self.name, self.ran))

    def in_one_line(self) -> str:
        """The class, the verdict, and the first line to blame with the reason."""
        return super().in_one_line() if self.blames else str(self).splitlines()[0]
