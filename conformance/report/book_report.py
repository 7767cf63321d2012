"""The report on a network like the book's: an outcome that shows itself in every form.

Each form is imported when it is asked for, since some import much.
"""

from typing import Any

from conformance.outcome import Outcome


class Report(Outcome):
    """All that is known of a subject after an examination, as text, JSON, Markdown or a page."""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Report":
        """A report of `to_json` again, without what can only be shown."""
        from conformance.report.record import from_json

        return cls(*from_json(values))

    @property
    def remarks(self) -> list[str]:
        """What is wrong beside the quantities, in words, each said once."""
        from conformance.report.message import finding_texts

        return finding_texts(self)

    def __str__(self) -> str:
        """The whole report as text."""
        from conformance.report.terminal import as_text

        return as_text(self)

    def __repr__(self) -> str:
        """The verdict in one line, as a failing `assert report.ok` shows it."""
        return f"<{self.in_one_line()}>"

    def in_one_line(self) -> str:
        """The subject, the verdict, and the first line to blame with the reason."""
        from conformance.report.opening import in_one_line
        from conformance.report.visible import visible

        return visible(in_one_line(self))

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by `report/report.schema.json`."""
        from conformance.report.record import to_json

        return to_json(self)

    def as_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        from conformance.report.markdown import as_markdown

        return as_markdown(self)

    def as_page(self, command: str = "") -> str:
        """The report as one page of HTML, for which jinja2 must be there.

        Args:
            command: that makes it again.
        """
        from conformance.report.page.write import page

        return page([self], command)

    def _repr_html_(self) -> str:
        """The whole report for a notebook."""
        from conformance.report.notebook import as_html

        return as_html(self)
