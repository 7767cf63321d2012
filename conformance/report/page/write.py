"""The page of some reports: the template filled.

The script draws what opens from a cell; all else is markup, and is there without it. Left out: what
the page says (`view.py`).
"""

import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from conformance.corpus import store
from conformance.explain.pieces import worded
from conformance.files import put
from conformance.outcome import Report
from conformance.report.cause_words import joined
from conformance.report.document import OPTION, policy, ready, styled
from conformance.report.page.data import packed
from conformance.report.page.highlight import excerpt, text_lines
from conformance.report.page.view import AROUND, View, equations_of, view
from conformance.report.visible import visible
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
    from jinja2 import Environment, PackageLoader, StrictUndefined

    folder = files(__package__)
    style = styled((folder / "page.css").read_text("utf-8"))
    script = "".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    script = f'"use strict";\n{{\n{script}}}\n'
    prefixes = ["" if i == 0 else f"{i + 1}:" for i in range(len(reports))]
    views = [view(each, prefix) for each, prefix in zip(reports, prefixes, strict=True)]
    environment = Environment(
        loader=PackageLoader("conformance.report.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    environment.filters |= {"joined": joined, "prose": prose, "worded": worded}
    environment.globals |= {"excerpt": excerpt, "text_lines": text_lines}
    return environment.get_template("page.html.j2").render(
        views=views,
        title=_title(views),
        command=command,
        facts=_facts(),
        equations=equations_of(views),
        data=packed([*zip(prefixes, reports, strict=True)]),
        style=style,
        script=script,
        policy=policy(style, script),
        words=WORDS,
        around=AROUND,
        many=MANY,
    )


def _title(views: Sequence[View]) -> str:
    if len(views) == 1:
        return f"{views[0].report.subject}: {views[0].sentence}"
    right = sum(each.report.ok for each in views)
    return f"{len(views)} subjects: {right or 'none'} conformant"


def _seen(value: object) -> object:
    """A text of which everything is seen; what is markup already, and a number, as it is."""
    return visible(value, keep="\n\t") if type(value) is str else value


def prose(text: str) -> str:
    """Words with the powers in them raised, such as σ′(z^l), and not broken; escaped."""
    from markupsafe import Markup, escape

    def raised(found: re.Match[str]) -> str:
        power = re.sub(r"\^(?:\{([^{}]*)\}|(\w))", r"<sup>\1\2</sup>", found[0])
        return f'<span class="whole">{power}</span>'

    powers = r"[^\s^]*\^(?:\{[^{}]*\}|\w)\S*"
    return Markup(re.sub(powers, raised, str(escape(visible(text)))))  # noqa: S704 - it is escaped


def _facts() -> dict[str, str]:
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {
        "made": made,
        "with": f"{installed(PACKAGES)}, Python {platform.python_version()}",
        "corpus": store.corpus_hash(store.root())[:12],
    }
