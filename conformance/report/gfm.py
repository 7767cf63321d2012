"""Parts of GitHub-flavoured Markdown in which every text is data: it cannot become markup.

Left out: what they are put together to (`markdown.py`).
"""

import re
from collections.abc import Iterable, Sequence
from html import escape

from conformance.report.visible import visible

LONGEST = 20_000  # characters of a block; a step summary as a whole may have a million
WIDEST = 300  # characters of a line of a subject's text

_MARKUP = re.compile(
    r"([\\`*_\[\]<>&~|$@#!]"  # anywhere
    r"|:(?=//)|(?<=www)\."  # in what GitHub makes a link of
    r"|^[-+=])",  # at the beginning of a line
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
_FEWEST = 3  # backticks around a block


def text(words: str) -> str:
    """Words as they are, outside code: no markup, link, mention, formula or line break in them."""
    shown = visible(words).strip()[:LONGEST]
    escaped = _NUMBERED.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", shown))
    # GitHub looks for @name, #1 and $x$ after Markdown has been read: a joiner between hides them.
    return re.sub(r"\\([@#$])", "\\\\\\1\N{WORD JOINER}", escaped)


def code(words: str) -> str:
    """Words as code within a line; not in a table, where a stroke would end the cell."""
    shown = visible(words)
    shown = shown if len(shown) <= WIDEST else f"{shown[:WIDEST]}…"
    shown = shown if shown.strip() else f'"{shown}"'
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(words: str, language: str = "") -> str:
    """Lines as a block of code."""
    lines = [visible(line, keep="\t") for line in words.rstrip("\n").split("\n")]
    shown = "\n".join(lines)
    shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
    ticks = "`" * max(_FEWEST, _longest_run(shown) + 1)
    return f"{ticks}{language}\n{shown}\n{ticks}"


def folded(summary: str, *blocks: str) -> str:
    """Blocks that are seen once somebody asks for them."""
    inner = "\n\n".join(blocks)
    return f"<details><summary>{escape(visible(summary))}</summary>\n\n{inner}\n\n</details>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are words: the first column to the left, the others centred."""
    rule = ["---", *[":-:"] * (len(columns) - 1)]
    lines = [[text(cell) for cell in row] for row in (columns, *rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (lines[0], rule, *lines[1:]))


def _longest_run(words: str) -> int:
    return max(map(len, re.findall("`+", words)), default=0)
