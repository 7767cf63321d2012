"""Programs: a style as it is, or with one fault on one line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from conformance.tests.generator.changes import (
    SCALARS,
    TORCH,
    Spelling,
    changes,
    expression_of,
    numpy_as,
    put,
)
from conformance.tests.generator.handed import takers
from conformance.tests.generator.style import Given, Place, Style, styles

RIGHT = "right"
NO_LINES = frozenset[int]()
BY_SIZE = ("clipped", "positive")
"""Changes of some entries alone, by their size: of two equations they may break only one."""


@dataclass(frozen=True)
class Program:
    """A program and what is to be said of it.

    Attributes:
        id: `style/right`, or `style/TAG/place-change`.
        style: from which it is made.
        tags: of the equations to blame; none if it is right.
        line: the number of the line with the fault, from 1; 0 if it is right.
        lines: those that may be blamed: that line alone, if it computes anything. A line that hands
            on a value as it is, or a loop that ends early, does no operation of its own that could
            be wrong: there the operation that takes the value may be named too.
        source: its text.
    """

    id: str
    style: Style
    tags: frozenset[str]
    line: int
    lines: frozenset[int]
    source: str


def right(style: Style) -> Program:
    """The style as it is."""
    return Program(
        f"{style.name}/{RIGHT}", style, frozenset(), 0, frozenset(), _source(style.lines)
    )


@cache
def wrong(style: Style) -> tuple[Program, ...]:
    """The style with each fault that can be laid; some of them change no number."""
    found = {_source(style.lines): right(style)}
    for program in _laid(style):
        found.setdefault(program.source, program)
    return tuple(list(found.values())[1:])


def program(id_: str) -> Program:
    """The program that has this id.

    Raises:
        KeyError: there is none.
    """
    style = {each.name: each for each in styles()}[id_.partition("/")[0]]
    return {each.id: each for each in (right(style), *wrong(style))}[id_]


def _laid(style: Style) -> Iterator[Program]:
    for given in style.given:
        yield _with(style, given, given.text, given.name, given.others)
    spelling = _spelling(style)
    for number, place in enumerate(style.places, 1):
        line = style.lines[place.line - 1]
        text = place.text or expression_of(line)
        for change in changes(text, spelling, whole=place.whole):
            if not (len(place.tags) > 1 and change.name in BY_SIZE):
                yield _with(style, place, _put(line, text, change.text), f"{number}-{change.name}")


def _with(
    style: Style, place: Place | Given, text: str, name: str, others: frozenset[int] = NO_LINES
) -> Program:
    lines = (*style.lines[: place.line - 1], text, *style.lines[place.line :])
    id_ = f"{style.name}/{'+'.join(sorted(place.tags))}/{name}"
    named = others | {place.line} | takers(style.lines, place.line, text)
    return Program(id_, style, place.tags, place.line, named, _source(lines))


def _put(line: str, old: str, new: str) -> str:
    """The line with an expression replaced, in parentheses where it needs them."""
    at = line.rindex(old)  # the right side, where it is the left one too
    before, after = line[:at], line[at + len(old) :]
    indent = before[: len(before) - len(before.lstrip())]
    return indent + put(before.lstrip(), new, after, "exec")


def _spelling(style: Style) -> Spelling:
    source = "\n".join(style.lines)
    if "torch" in style.options:
        return TORCH
    named = re.search(r"import numpy as (\w+)", source)
    return numpy_as(named[1]) if named else SCALARS


def _source(lines: tuple[str, ...]) -> str:
    return "\n".join(lines) + "\n"
