"""The page of some reports: the template filled.

The script draws what opens from a cell; all else is markup, and is there without it. Left out: what
the page says (`view.py`).
"""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from conformance.corpus import store
from conformance.files import put
from conformance.outcome import Report
from conformance.report.document import OPTION, ready, rendered
from conformance.report.page.data import packed
from conformance.report.page.view import View, equations_of, view
from conformance.versions import installed

SCRIPTS = ("data.js", "scroll.js", "map.js", "histogram.js", "cell.js", "matrix.js")
WORDS = {  # what a cell says by its status
    "pass": "right",
    "fail": "wrong",
    "explained": "explained",
    "lost digits": "right formula, lost digits",
    "undecided": "undecided in so few bits",
    "not observed": "not shown",
    "error": "stopped",
}
MANY = 40  # equations of a worked example, beyond which they are folded
PACKAGES = ("backprop-conformance", "numpy", "torch", "python-flint")


def write(path: Path, reports: Sequence[Report], command: str, option: str = OPTION) -> None:
    """Write the page of some reports, whole or not at all.

    Args:
        path: of the file.
        reports: one a subject, with their details.
        command: that makes it again.
        option: that named the path.

    Raises:
        UsageError: jinja2 is missing, or the file cannot be written.
    """
    ready(path, option)
    put(option, path, page(reports, command))


def page(reports: Sequence[Report], command: str) -> str:
    """The page of some reports as HTML; see `write`."""
    folder = files(__package__)
    script = "".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    prefixes = ["" if i == 0 else f"{i + 1}:" for i in range(len(reports))]
    views = [view(each, prefix) for each, prefix in zip(reports, prefixes, strict=True)]
    return rendered(
        "report/page/page.html.j2",
        (folder / "page.css").read_text("utf-8"),
        f'"use strict";\n{{\n{script}}}\n',
        views=views,
        title=_title(views),
        command=command,
        facts=_facts(),
        equations=equations_of(views),
        data=packed([*zip(prefixes, reports, strict=True)]),
        words=WORDS,
        many=MANY,
    )


def _title(views: Sequence[View]) -> str:
    if len(views) == 1:
        return f"{views[0].report.subject}: {views[0].sentence}"
    right = sum(each.report.ok for each in views)
    return f"{len(views)} subjects: {right or 'none'} conformant"


def _facts() -> dict[str, str]:
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {
        "made": made,
        "with": f"{installed(PACKAGES)}, Python {platform.python_version()}",
        "corpus": store.corpus_hash(store.root())[:12],
    }
