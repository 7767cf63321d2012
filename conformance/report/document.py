"""A page as one file: written whole or not at all, its style and script allowed by hash alone.

Left out: what a page says (`conformance.report.page`, `conformance.lesson`).
"""

import base64
import hashlib
from importlib.util import find_spec
from pathlib import Path

from conformance.errors import UsageError

OPTION = "--html"
NEEDED = "pip install 'backprop-conformance[report]'"


def ready(path: Path, option: str = OPTION) -> None:
    """See that a page can be written, before the work is done.

    Raises:
        UsageError: jinja2 is missing, or there is no such folder.
    """
    if find_spec("jinja2") is None:
        raise UsageError(f"{option} {path}: jinja2 is missing: {NEEDED}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = "is a folder" if path.is_dir() else "there is no such folder"
        raise UsageError(f"{option} {path}: {what}")


def put(path: Path, page: str, option: str = OPTION) -> None:
    """Write a page; if that fails, an older file stays as it was.

    Raises:
        UsageError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{option} {path}: {error.strerror}") from error


def policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, and nothing else."""
    allowed = {"style-src": _hash(style), "script-src": _hash(script)}
    rest = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{name} {value}" for name, value in {**rest, **allowed}.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
