"""A page as one file: the template filled, its style and script allowed by their hashes alone.

The script draws what opens from a cell; all else is markup, and is there without it. Left out: what
the page says (`view.py`).
"""

import base64
import hashlib
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from conformance.corpus import store
from conformance.errors import UsageError
from conformance.outcome import Report
from conformance.report.page.data import packed
from conformance.report.page.view import equations_of, view
from conformance.smallest.example import WRONG

SCRIPTS = ("data.js", "map.js", "cell.js", "matrix.js")
NEEDED = "pip install 'backprop-conformance[report]'"
PACKAGES = ("backprop-conformance", "numpy", "torch", "python-flint")


def ready(path: Path, option: str) -> None:
    """See that a page can be written, before the work is done.

    Raises:
        UsageError: jinja2 is missing, or there is no such folder.
    """
    if find_spec("jinja2") is None:
        raise UsageError(f"{option} {path}: jinja2 is missing: {NEEDED}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = "is a folder" if path.is_dir() else "there is no such folder"
        raise UsageError(f"{option} {path}: {what}")


def write(path: Path, reports: Sequence[Report], command: str, option: str = "--html") -> None:
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
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(page(reports, command), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{option} {path}: {error.strerror}") from error


def page(reports: Sequence[Report], command: str) -> str:
    """The page of some reports as HTML; see `write`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    folder = files(__package__)
    style = (folder / "page.css").read_text("utf-8")
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
    )
    return environment.get_template("page.html.j2").render(
        views=views,
        command=command,
        facts=_facts(),
        equations=equations_of(views),
        data=packed([*zip(prefixes, reports, strict=True)]),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        WRONG=WRONG,
    )


def _facts() -> dict[str, str]:
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "made": made,
        "with": f"{versions}, Python {platform.python_version()}",
        "corpus": store.corpus_hash(store.root())[:12],
    }


def _hash(text: str) -> str:
    """The hash by which a policy allows an inline script or style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
