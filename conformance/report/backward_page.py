"""What is known of a backward pass as Markdown, and as one page of HTML.

What comes from the program (names, its lines) is data and never markup. Left out: the words
(`backward_words.py`).
"""

import math
from collections.abc import Iterator
from html import escape

from conformance.backward.findings import Accused, Examined, Judged, Named, Passed
from conformance.report.backward_words import (
    FACTOR,
    blame_lines,
    conventions,
    in_one_line,
    notes,
    place,
)
from conformance.report.document import policy
from conformance.report.gfm import code, fenced, table, text
from conformance.report.sentence import SIGNS, WORDS
from conformance.report.visible import visible

COLUMNS = ("gradient of", "shape", "verdict", "error", "decided by")

STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.4 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse }
th, td { padding: .2em .8em; text-align: left; border-bottom: 1px solid rgba(128, 128, 128, .4) }
pre { background: rgba(128, 128, 128, .12); padding: .7em; overflow-x: auto }
.wrong { font-weight: bold }
.blamed { background: rgba(230, 40, 40, .25) }
"""


def as_markdown(name: str, examined: Examined) -> str:
    """The whole report as GitHub-flavoured Markdown."""
    return "\n\n".join(_blocks(name, examined)) + "\n"


def _blocks(name: str, examined: Examined) -> Iterator[str]:
    yield f"### {_sign(examined)} {code(name)}: {text(WORDS[_exit_code(examined)])}"
    for blame in examined.accused:
        what, *rest = blame_lines(blame, examined.gradients)
        yield f"#### {text(what)}"
        lines = [place(each) for each in blame.lines[:1]]
        yield from (fenced(each, "python") for each in lines)
        yield "\n".join(f"- {text(each)}" for each in rest if each not in lines)
    said = [*conventions(examined), *notes(examined)]
    if said:
        yield "\n".join(f"- {text(each)}" for each in said)
    yield table(COLUMNS, map(_row, examined.gradients))


def as_page(name: str, examined: Examined) -> str:
    """The whole report as one page of HTML, which needs nothing from elsewhere."""
    title = escape(visible(in_one_line(name, examined)))
    body = "".join(_parts(name, examined))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(STYLE, "")}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main>"
        "</body></html>\n"
    )


def _parts(name: str, examined: Examined) -> Iterator[str]:
    words = WORDS[_exit_code(examined)]
    yield f"<h1>{_sign(examined)} <code>{_text(name)}</code>: {words}</h1>"
    for blame in examined.accused:
        yield from _blamed(blame, examined)
    said = [*conventions(examined), *notes(examined)]
    if said:
        yield f"<ul>{''.join(f'<li>{_text(each)}</li>' for each in said)}</ul>"
    if examined.passes:
        yield "".join(_side_by_side(examined))
    head = "".join(f'<th scope="col">{each}</th>' for each in COLUMNS)
    rows = "".join(_table_row(each) for each in examined.gradients)
    yield f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _blamed(blame: Accused, examined: Examined) -> Iterator[str]:
    what, *rest = blame_lines(blame, examined.gradients)
    lines = "\n".join(map(visible, rest))
    yield f"<h2>{_text(what)}</h2><pre>{escape(lines)}</pre>"


def _side_by_side(examined: Examined) -> Iterator[str]:
    """The forward pass downwards beside the backward pass upwards."""
    yield "<h2>Forward, and backward beside it</h2>"
    yield '<table><thead><tr><th scope="col">↓ v</th><th scope="col">shape</th>'
    yield '<th scope="col">↑ ∂C/∂v</th></tr></thead><tbody>'
    for each in examined.passes:
        shape = " × ".join(map(str, each.shape)) or "a number"
        kind = ' class="blamed"' if each.blamed else ""
        yield f'<tr{kind}><th scope="row">{_value(each.forward)}</th><td>{shape}</td>'
        yield f"<td>{_back(each)}</td></tr>"
    yield "</tbody></table>"


def _back(passed: Passed) -> str:
    """What the backward pass has at the place of a value."""
    here = "" if passed.backward is None else _value(passed.backward)
    if abs(passed.factor - 1) > FACTOR:
        here += f", {passed.factor:.4g} times"
    return f"✗ needed and not given {here and f'; {here}'}" if passed.blamed else here or "–"


def _value(named: Named) -> str:
    line = "" if named.line is None else f" <small>line {named.line.line}</small>"
    return f"<code>{_text(named.name)}</code>{line}"


def _table_row(judged: Judged) -> str:
    first, *others = (_text(each) for each in _row(judged))
    cells = "".join(f"<td>{each}</td>" for each in others)
    kind = "" if judged.ok else ' class="wrong"'
    return f'<tr{kind}><th scope="row">{first}</th>{cells}</tr>'


def _row(judged: Judged) -> tuple[str, ...]:
    """A gradient in the columns of the table."""
    how = "balls" if judged.exact else "the loss alone" if judged.untraced else "floats"
    shape = " × ".join(map(str, judged.shape)) or "a number"
    error = "not finite" if math.isinf(judged.error) else f"{judged.error:.1e}"
    if judged.declared is not None:
        return judged.name, shape, "a convention", "–", "not judged"
    return judged.name, shape, "right" if judged.ok else "wrong", error, how


def rows(examined: Examined) -> Iterator[tuple[str, ...]]:
    """The table of the gradients, row by row."""
    yield COLUMNS
    yield from map(_row, examined.gradients)


def _exit_code(examined: Examined) -> int:
    return 0 if examined.ok else 1


def _sign(examined: Examined) -> str:
    return SIGNS[_exit_code(examined)]


def _text(words: str) -> str:
    return escape(visible(words))
