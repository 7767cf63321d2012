"""The page of some reports: the template filled.

The script draws what opens from a cell; all else is markup, and is there without it. Left out: what
the page says (`view.py`).
"""

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from conformance.corpus import store
from conformance.explain.pieces import word
from conformance.outcome import Outcome
from conformance.report.blame_words import at_layers, equation_of_blame, explained, first_words
from conformance.report.cause_words import beside_cause, told_of
from conformance.report.document import rendered
from conformance.report.exact_words import exact_words, loss_text, loss_words
from conformance.report.finding_words import finding_text
from conformance.report.mathml import mathml
from conformance.report.message import accused
from conformance.report.page.data import packed
from conformance.report.page.matrix import address, columns, rows
from conformance.report.page.view import View, equations_of
from conformance.report.sentence import counts, judged_words, pluralize
from conformance.report.source_words import source_of
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
SHARED: tuple[Callable[..., Any], ...] = (
    *(accused, address, at_layers, beside_cause, columns, counts, equation_of_blame),
    *(exact_words, explained, finding_text, first_words, judged_words, loss_text, loss_words),
    *(mathml, pluralize, rows, source_of, told_of, word),
)
"""What the template takes of the words that all forms share."""
PACKAGES = ("backprop-conformance", "numpy", "torch", "python-flint")


def page(reports: Sequence[Outcome], command: str) -> str:
    """The page of some reports as HTML, for which jinja2 must be there.

    Args:
        reports: one a subject, with their details.
        command: that makes it again.
    """
    folder = files(__package__)
    script = "".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    prefixes = ["" if i == 0 else f"{i + 1}:" for i in range(len(reports))]
    views = [View(each, prefix) for each, prefix in zip(reports, prefixes, strict=True)]
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
        **{each.__name__: each for each in SHARED},
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
