"""A page as one file: written whole or not at all, its style and script allowed by hash alone.

All pages have one style (`document.css`), and each what it alone shows. Left out: what a page says
(`conformance.report.page`, `conformance.lesson`, `conformance.grade.page`).
"""

import base64
import hashlib
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from conformance.errors import UsageError
from conformance.files import check_output
from conformance.report.visible import visible

OPTION = "--html"
NEEDED = "pip install 'backprop-conformance[report]'"


def ready(path: Path, option: str = OPTION) -> None:
    """See that a page can be written, before the work is done.

    Raises:
        UsageError: jinja2 is missing, or there is no such folder.
    """
    if find_spec("jinja2") is None:
        raise UsageError(f"{option} {path}: jinja2 is missing: {NEEDED}")
    check_output(option, path)


def styled(*own: str) -> str:
    """The style of every page, and behind it that of one."""
    return "".join((files(__package__).joinpath("document.css").read_text("utf-8"), *own))


def whole(title: str, style: str, script: str, body: str) -> str:
    """A page of some markup, which needs nothing from elsewhere.

    Args:
        title: as text.
        style: of it alone.
        script: that the page runs; empty if it is all there without one.
        body: as markup.
    """
    style = styled(style)
    ran = f"<script>{script}</script>" if script else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<meta name="color-scheme" content="light dark"/>'
        f"<title>{escape(visible(title))}</title><style>{style}</style></head>"
        f"<body><main>{body}</main>{ran}</body></html>\n"
    )


def policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, and nothing else."""
    allowed = {"style-src": _hash(style), "script-src": _hash(script)}
    rest = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{name} {value}" for name, value in {**rest, **allowed}.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
