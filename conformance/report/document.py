"""A page as one file: a template filled, its style and script allowed by hash alone.

Every text in it is data and never markup. All pages have one style (`document.css`), and each what
it alone shows. Left out: what a page says (the templates, and the modules beside them).
"""

import base64
import hashlib
import re
from functools import cache, partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError
from conformance.explain.formulas import worded
from conformance.files import check_output
from conformance.report.cause_words import joined
from conformance.report.page.highlight import excerpt, text_lines
from conformance.report.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

OPTION = "--html"
NEEDED = "pip install 'backprop-conformance[report]'"
AROUND = 3  # lines of source before and after the one to blame


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


def rendered(template: str, style: str, script: str = "", **values: Any) -> str:
    """A page, for which jinja2 must be there and which needs nothing from elsewhere.

    Args:
        template: its path in this package.
        style: of it alone.
        script: that it runs; empty if it is all there without one.
        values: that the template shows; a text is shown as it is.
    """
    whole = styled(style)
    made = {"style": whole, "script": script, "policy": policy(whole, script)}
    return _environment().get_template(template).render(**made, **values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("conformance", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    words = {"joined": joined, "prose": prose, "quoted": quoted, "worded": worded}
    environment.filters |= words
    source = {"excerpt": partial(excerpt, around=AROUND), "text_lines": text_lines}
    environment.globals |= source
    return environment


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


def quoted(text: str) -> str:
    """Words of which what stands between backticks is code; escaped."""
    from markupsafe import Markup, escape

    parts = str(escape(visible(text))).split("`")
    marked = (f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts) if part)
    return Markup("".join(marked))  # noqa: S704 - it is escaped


def policy(style: str, script: str) -> str:
    """The content security policy: this style, this script, and nothing else."""
    allowed = {"style-src": _hash(style), "script-src": _hash(script)}
    rest = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{name} {value}" for name, value in {**rest, **allowed}.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
