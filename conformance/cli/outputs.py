"""The files that `check` and `run` write of a report. Left out: what they say (`report`)."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from conformance.cli.options import option
from conformance.cli.say import say_written
from conformance.errors import ConformanceError
from conformance.files import check_outputs, put, put_json

if TYPE_CHECKING:
    from conformance.subject_check import AnyReport

Markdown = Annotated[
    Path | None, option("FILE", "Append the report as Markdown, as to $GITHUB_STEP_SUMMARY.")
]
Html = Annotated[Path | None, option("FILE", "Write the report as one page to look at.")]
Badge = Annotated[Path | None, option("FILE", "Write the verdict for a badge of shields.io.")]


class Outputs(NamedTuple):
    """Where a report is written, each None if it is not asked for."""

    json: Path | None
    markdown: Path | None
    html: Path | None
    badge: Path | None

    @contextmanager
    def while_judged(self) -> Iterator[None]:
        """See before that all can be written; where nothing is judged, the badge says so.

        An older badge must not stay.

        Raises:
            UsageError: a file cannot be written, or jinja2 is missing for the page.
        """
        check_outputs({"--badge": self.badge})
        try:
            check_outputs({"--json": self.json, "--markdown": self.markdown})
            if self.html is not None:
                from conformance.report.document import ready

                ready(self.html)
            yield
        except ConformanceError:
            if self.badge is not None:
                from conformance.report.badge import no_verdict

                put_json("--badge", self.badge, no_verdict())
            raise

    def write(self, report: "AnyReport") -> None:
        """Write what is asked for.

        Raises:
            UsageError: a file cannot be written.
        """
        if self.html is not None:
            command = shlex.join(("conformance", *sys.argv[1:]))
            put("--html", self.html, report.as_page(command))
        if self.json is not None:
            put_json("--json", self.json, report.to_json())
        if self.markdown is not None:
            from conformance.report.markdown import append

            append(self.markdown, report.as_markdown())
        if self.badge is not None:
            from conformance.report.badge import badge

            put_json("--badge", self.badge, badge(report))

    def say(self) -> None:
        """Name the files that were written."""
        say_written((self.json, self.markdown, self.html, self.badge))
