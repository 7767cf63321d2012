"""A page as one file: written whole or not at all, its style and script allowed by hash alone.

Left out: what a page says (`conformance.report.page`, `conformance.lesson`).
"""

import base64
import hashlib
from importlib.util import find_spec
from pathlib import Path

from conformance.errors import UsageError
from conformance.files import check_output
from conformance.files import put as put_text

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


def put(path: Path, page: str, option: str = OPTION) -> None:
    """Write a page; if that fails, an older file stays as it was.

    Raises:
        UsageError: the file cannot be written.
    """
    put_text(option, path, page)


def policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, and nothing else."""
    allowed = {"style-src": _hash(style), "script-src": _hash(script)}
    rest = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{name} {value}" for name, value in {**rest, **allowed}.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
