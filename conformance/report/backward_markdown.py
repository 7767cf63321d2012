"""What is known of a backward pass as Markdown, and the table of its gradients.

What comes from the program (names, its lines) is data and never markup. Left out: the words
(`backward_words.py`).
"""

import math
from collections.abc import Iterator

from conformance.backward.findings import Examined, Judged
from conformance.report.backward_words import blame_lines, conventions, notes, place, shape_text
from conformance.report.gfm import code, fenced, table, text
from conformance.report.sentence import SIGNS, WORDS

COLUMNS = ("gradient of", "shape", "verdict", "error", "decided by")


def as_markdown(name: str, examined: Examined, exit_code: int) -> str:
    """The whole report as GitHub-flavoured Markdown."""
    return "\n\n".join(_blocks(name, examined, exit_code)) + "\n"


def _blocks(name: str, examined: Examined, exit_code: int) -> Iterator[str]:
    verdict = WORDS.get(exit_code, "not judged")
    yield f"### {SIGNS.get(exit_code, '!')} {code(name)}: {text(verdict)}"
    for blame in examined.accused:
        what, *rest = blame_lines(blame, examined.gradients)
        yield f"#### {text(what)}"
        lines = [place(each) for each in blame.lines[:1]]
        yield from (fenced(each, "python") for each in lines)
        yield "\n".join(f"- {text(each)}" for each in rest if each not in lines)
    said = [*conventions(examined), *notes(examined)]
    if said:
        yield "\n".join(f"- {text(each)}" for each in said)
    yield table(COLUMNS, map(row, examined.gradients))


def row(judged: Judged) -> tuple[str, ...]:
    """A gradient in the columns of the table."""
    how = "balls" if judged.exact else "the loss alone" if judged.untraced else "floats"
    shape = shape_text(judged.shape)
    error = "not finite" if math.isinf(judged.error) else f"{judged.error:.1e}"
    if judged.declared is not None:
        return judged.name, shape, "a convention", "–", "not judged"
    return judged.name, shape, "right" if judged.ok else "wrong", error, how


def rows(examined: Examined) -> Iterator[tuple[str, ...]]:
    """The table of the gradients, row by row."""
    yield COLUMNS
    yield from map(row, examined.gradients)
