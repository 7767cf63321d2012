"""The kinds of changes, and which are tried first, of which lines: the nearest to what is blamed.

Left out: what a kind changes (`expression_edits.py`, `part_edits.py`, `statement_edits.py`), and
trying it (`search_edits.py`).
"""

import linecache
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from conformance.edits.edit import Edit, Slot
from conformance.edits.expression_edits import applied, swapped, unread
from conformance.edits.live_functions import LiveFunction
from conformance.edits.part_edits import (
    exchanged,
    joined,
    joined_unread,
    joined_within,
    reformed,
    replaced,
    sloped,
    turned,
)
from conformance.edits.scope import Names
from conformance.tracing.frames import Frame

Place = tuple[int, LiveFunction]
"""A line that was run, and its function."""


class Level(NamedTuple):
    """A kind of changes of a line.

    Attributes:
        changes: gives them; None for those of whole statements.
        likely: of how many mistakes in a hundred one of them is the change that mends it.
        many: how many an expression of a line has; or a line, of whole statements.
    """

    changes: Callable[[Sequence[Slot], Names], Iterator[Edit]] | None
    likely: float
    many: float


SLOPED = Level(sloped, 2, 22)
JOINED = Level(joined, 11, 24)
UNREAD = Level(unread, 10, 1)  # a variable that nothing reads, which is also among the words
LACKING = Level(joined_unread, 1, 4)
LEVELS = (
    Level(None, 9, 6),  # += for =, a line left out
    Level(swapped, 56, 14),  # one word or sign
    Level(applied, 11, 13),  # a function, a sign or a divisor more
    JOINED,  # any part more
    Level(replaced, 6, 23),  # another part
    Level(exchanged, 1, 3),  # two parts of the line
    Level(joined_within, 3, 39),
    SLOPED,
    Level(reformed, 1, 9),
    Level(turned, 1, 31),  # the axes of images and sequences
)
"""Counted in a thousand programs with one wrong line, written by people who did not know this."""

WORDS = LEVELS[:2]

LIKELY = (60, 10, 6, 20, 3, 1)
"""How likely it is, for each group of lines, that one of them is to be changed."""

BLAMED, NEAR = 2, 4
"""How many groups are of what is blamed, and of what is near it."""

FEW = 400  # changes of words near what is blamed, which are tried first

LATER, NEARBY, LARGER, WORDS_KNOWN, BLAMED_WORDS, FIRST = range(6)
"""Changes by their order, the last first: to what is computed and not read; of words of what is
blamed; of words near it, where it is known what a line has to give; what else may stand there in
what is blamed, likewise; of words near it elsewhere; all others."""

QUICK = 1 / 50
"""The time that a change takes of which it is known what it has to give, for another's."""

OTHERS = 4  # lines that are blamed together, which are likelier than those that led to them


def in_order(
    groups: Sequence[Sequence[Place]],
    size: Callable[[Place], int],
    judged: Callable[[Place], bool],
) -> Iterator[tuple[Sequence[Level], Sequence[Place]]]:
    """The kinds of changes of each group of lines, the likeliest for its number first.

    But a change of one word of what is blamed, or nearest to it, comes before all larger ones,
    which may mend numbers and not the mistake, as a factor does that happens to be right.

    Args:
        groups: of lines, the likeliest to be changed first.
        size: how many expressions a line has.
        judged: whether it is known what a line has to give; its larger changes are given together.
    """
    order = list[tuple[int, float, Sequence[Level], Sequence[Place]]]()
    left: float = FEW
    for i, places in enumerate(groups):
        sums = [*accumulate(WORDS[1].many * size(each) for each in places)]
        if not sums or not sums[-1]:
            continue
        near = bisect_right(sums, inf if i < BLAMED else left) if i < NEAR else 0
        left -= sum(sums[near - 1 : near]) if i >= BLAMED else 0
        quick = [each for each in places if judged(each)]
        others = [each for each in places if each not in quick]
        number = sum(size(each) for each in places)
        rank = {e: LIKELY[i] * e.likely / e.many for e in LEVELS}
        rank = {e: by / (number if e.changes else len(places)) for e, by in rank.items()}
        order.append((FIRST, LIKELY[i], [UNREAD, LACKING] if i < NEAR else [UNREAD], places))
        for word in WORDS:
            for each in places[:near]:
                first = (WORDS_KNOWN if each in quick else NEARBY) if i >= BLAMED else BLAMED_WORDS
                order.append((first, rank[word], [word], [each]))
            order.append((LATER, rank[word], [word], places[near:]))
        larger = sorted({*LEVELS} - {*WORDS}, key=rank.__getitem__, reverse=True)
        order += [(LATER, rank[each], [each], others) for each in larger]
        at = larger.index(JOINED)  # before it comes what is known to be meant
        for kinds in (larger[:at], larger[at:]):
            order.append((LATER if i else LARGER, rank[kinds[0]] / QUICK, kinds, quick))
    for _, _, levels, some in sorted(order, key=lambda each: each[:2], reverse=True):
        if some:
            yield levels, some


def line_groups(
    functions: Sequence[LiveFunction], blamed: Sequence[Sequence[Frame]]
) -> tuple[list[Place], ...]:
    """The lines that were run, the nearest to what is blamed first.

    Those that are blamed first, the others that are and that call these, those of what they call,
    the rest of their functions, and of what runs between the first call of the program and them;
    then all others.
    """
    first = {(each.file, each.line) for frames in blamed for each in frames[:1]}
    guilty = first | {(each.file, each.line) for frames in blamed for each in frames[1:OTHERS]}
    ran = {place for each in functions for place in each.places}
    led = ([e for e in ((f.file, f.line) for f in frames) if e in ran] for frames in blamed)
    roots = {places[-1] for places in led if places}
    around = [each for each in functions if any(map(each.has, guilty))]
    called = _called(functions, guilty)
    outermost = [each for each in functions if any(map(each.has, roots))]
    below = _called(functions, {place for each in outermost for place in each.places})
    frames = [each for one in blamed for each in one]
    groups: tuple[list[Place], ...] = [], [], [], [], [], []
    for line, function in _by_distance(functions, frames):
        if (function.file, line) in guilty:
            group = 0 if (function.file, line) in first else 1
        elif function in called:
            group = 2
        elif function in around:
            group = 3
        else:
            group = 4 if function in below or function in outermost or not blamed else 5
        groups[group].append((line, function))
    return groups


def _called(
    functions: Sequence[LiveFunction], lines: Collection[tuple[str, int]]
) -> list[LiveFunction]:
    """The functions that some lines call, and those that these call."""
    found: list[LiveFunction] = []
    waiting = [{*lines}]
    for places in waiting:
        for each in functions:
            if each not in found and not each.callers.isdisjoint(places):
                found.append(each)
                waiting.append(each.places)
    return found


def _by_distance(functions: Sequence[LiveFunction], blamed: Sequence[Frame]) -> list[Place]:
    """The lines that were run, with their functions, the nearest to what is blamed first."""

    def distance(place: Place) -> tuple[int, int, int]:
        line, function = place
        if function.name == "__init__":  # what it makes is given other numbers
            return len(blamed) + 1, 0, line
        for order, frame in enumerate(blamed):
            if frame.file == function.file and frame.line in function.ran:
                return order, abs(line - frame.line), line
        return len(blamed), 0, line

    every = [(line, each) for each in functions for line in each.ran]
    return sorted(every, key=distance)


def chosen_by(place: Place, functions: Sequence[LiveFunction]) -> list[LiveFunction]:
    """The functions that a line calls and does not name, such as one of a table of several.

    What is right for the value that one of them gives may be wrong for that of another.
    """
    line, function = place
    text = re.findall(r"\w+", linecache.getline(function.file, line))
    return [e for e in functions if (function.file, line) in e.callers and e.name not in text]


def chosen_first(places: Sequence[Place], functions: Sequence[LiveFunction]) -> Iterator[Place]:
    """Some lines, with those of the functions before them that they choose."""
    for place in places:
        chosen = chosen_by(place, functions)
        yield from ((line, each) for each in chosen for line in sorted(each.ran))
        yield place
