"""The change of one line that makes a program right: then that line is the one to blame.

The line that was found by what the program computed is tried first, and stays if a change of it
does. Left out: what is right, which the caller tells.
"""

import linecache
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, repeat, starmap
from math import inf
from time import process_time
from typing import NamedTuple

from conformance.edits.edit import Change, Edit, EditKind, Slot
from conformance.edits.edited_text import text_after
from conformance.edits.expression_edits import (
    applied,
    joined,
    joined_within,
    reformed,
    replaced,
    sloped,
    swapped,
)
from conformance.edits.live_functions import LiveFunction
from conformance.edits.named_edits import KnownChange, named
from conformance.edits.namespaces import Kept
from conformance.edits.scope import Names, Scope
from conformance.edits.statement_edits import statements
from conformance.running.quiet import TooLongError, limited, quiet, small
from conformance.tracing.frames import Frame

MOST = 10_000
"""Changes that are tried."""

LONGEST = 8.0
"""Seconds of the processor after which no other one is: few programs need so much for a trial."""


class Level(NamedTuple):
    """A kind of changes of a line.

    Attributes:
        changes: gives them.
        likely: of how many mistakes in a hundred one of them is the change that mends it.
        many: how many an expression of a line has.
    """

    changes: Callable[[Sequence[Slot], Scope], Iterator[Edit]]
    likely: float
    many: float


LEVELS = (
    Level(swapped, 60, 17),  # one word or sign
    Level(applied, 9, 9),  # a function, a sign or a divisor more
    Level(sloped, 9, 23),
    Level(joined, 8, 23),  # any part more
    Level(joined_within, 2, 22),
    Level(replaced, 7, 15),  # another part
    Level(reformed, 4, 4),
)
"""Counted in programs with one wrong line, written by people who did not know this search."""

LIKELY = (65, 20, 25, 8, 2)
"""How likely it is, for each group of lines, that one of them is to be changed."""

NEAR = 20
"""So likely are the groups that are near what is blamed."""

LARGEST = 2**30  # bytes that a trial may take: a change may make an array of four dimensions

LONG = 20.0  # seconds of a trial: a change may make a loop endless
SHORT, TIMES = 0.05, 20
"""Seconds of the first trial at least, and how many times longer than before the change."""

Trial = Callable[[], bool]
"""Whether the program, as it is now, is right; what it raises says that it is not."""


def search(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    trials: Sequence[Trial],
    longest: float = inf,
    known: Sequence[KnownChange] = (),
) -> Change | None:
    """The change of one line with which a program is right; None if none is found.

    Args:
        functions: of the program.
        blamed: the lines that are blamed, each with those that lead to it.
        trials: whether the program is right, each in another case; the quickest first.
        longest: seconds of the processor after which no other change is tried, if less than usual.
        known: what an expression on a line that is blamed has to be instead, as it seems.
    """
    begun = process_time()
    holds(trials[0])
    seconds = max(SHORT, TIMES * (process_time() - begun))
    limits = [seconds, *repeat(LONG, len(trials) - 1)]
    words = [each for each in known if each.is_of_a_word]
    edits = chain(_known(functions, blamed, words), _edits(functions, blamed, known))
    limited_trials = [*zip(trials, limits, strict=True)]
    return _first(edits, functions, limited_trials, min(LONGEST, longest))


def search_known(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    trial: Trial,
    longest: float,
    known: Sequence[KnownChange],
) -> Change | None:
    """The same of what is known alone; see `search`."""
    return _first(_known(functions, blamed, known), functions, [(trial, LONG)], longest)


def _first(
    edits: Iterable[tuple[LiveFunction, Edit]],
    functions: Sequence[LiveFunction],
    trials: Sequence[tuple[Trial, float]],
    longest: float,
) -> Change | None:
    """The first change with which a program is right; each trial has its seconds."""
    held = Kept({each.file for each in functions})
    tried, end = 0, process_time() + longest
    short = suppress(MemoryError)  # outside of the trials: there is none left for the search
    with short, warnings.catch_warnings(), quiet(), small(LARGEST):
        warnings.simplefilter("ignore")  # what is changed may look odd to the compiler
        for function, edit in edits:
            if tried >= MOST or process_time() > end:
                return None
            tried += 1
            right = _is_right(function, edit, trials)
            held.put_back()
            if right:
                return _told(function, edit)
    return None


Place = tuple[int, LiveFunction]
"""A line that was run, and its function."""


def _known(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    known: Sequence[KnownChange],
) -> Iterator[tuple[LiveFunction, Edit]]:
    """The changes of the lines that are blamed which are known already, as it seems."""
    places = _groups(functions, blamed)[0] if known else ()
    for line, function in (each for each in places if not _chosen(each, functions)):
        slots = _Ways(function, functions).slots(line)
        yield from ((function, edit) for each in known for edit in named(slots, each))


def _edits(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    known: Sequence[KnownChange],
) -> Iterator[tuple[LiveFunction, Edit]]:
    """The changes to try, level by level and group by group: the likeliest for its number first.

    But a change of one word near what is blamed comes before all larger ones, which may mend
    numbers and not the mistake, as a factor does that happens to be right.
    """
    ways = {each.definition: _Ways(each, functions) for each in functions}
    order = list[tuple[bool, float, Level, list[Place]]]()
    groups = _groups(functions, blamed)
    for likely, places in zip(LIKELY, groups, strict=True):
        count = sum(len(ways[each.definition].slots(line)) for line, each in places)
        for each in LEVELS if count else ():
            word = each is LEVELS[0] and likely >= NEAR
            order.append((word, likely * each.likely / (each.many * count), each, places))
    ranked = sorted(order, key=lambda each: each[:2], reverse=True)
    more = [each for each in known if not each.is_of_a_word]
    for _, _, level, places in ranked:
        if level.changes is joined and places is groups[0]:
            yield from _known(functions, blamed, more)
        for line, function in places if level is LEVELS[0] else _chosen_first(places, functions):
            yield from ((function, e) for e in ways[function.definition].of(line, level))


def _groups(
    functions: Sequence[LiveFunction], blamed: Sequence[Sequence[Frame]]
) -> tuple[list[Place], ...]:
    """The lines that were run, the nearest to what is blamed first.

    Those that are blamed and that call these, those of what they call, the rest of their functions,
    and of what runs between the first call of the program and them; then all others.
    """
    guilty = {(each.file, each.line) for frames in blamed for each in frames[:2]}
    ran = {place for each in functions for place in each.places}
    led = ([e for e in ((f.file, f.line) for f in frames) if e in ran] for frames in blamed)
    roots = {places[-1] for places in led if places}
    around = [each for each in functions if any(map(each.has, guilty))]
    called = _called(functions, guilty)
    outermost = [each for each in functions if any(map(each.has, roots))]
    below = _called(functions, {place for each in outermost for place in each.places})
    frames = [each for one in blamed for each in one]
    groups: tuple[list[Place], ...] = [], [], [], [], []
    for line, function in _by_distance(functions, frames):
        if (function.file, line) in guilty:
            group = 0
        elif function in called:
            group = 1
        elif function in around:
            group = 2
        else:
            group = 3 if function in below or function in outermost or not blamed else 4
        groups[group].append((line, function))
    return groups


def _chosen(place: Place, functions: Sequence[LiveFunction]) -> list[LiveFunction]:
    """The functions that a line calls and does not name, such as one of a table of several.

    What is right for the value that one of them gives may be wrong for that of another.
    """
    line, function = place
    text = re.findall(r"\w+", linecache.getline(function.file, line))
    return [e for e in functions if (function.file, line) in e.callers and e.name not in text]


def _chosen_first(places: Sequence[Place], functions: Sequence[LiveFunction]) -> Iterator[Place]:
    """Some lines, with those of the functions before them that they choose."""
    for place in places:
        chosen = _chosen(place, functions)
        yield from ((line, each) for each in chosen for line in sorted(each.ran))
        yield place


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


class _Ways:
    """The changes of one function."""

    def __init__(self, function: LiveFunction, functions: Sequence[LiveFunction]) -> None:
        """Look at its expressions, and at the functions that run with it."""
        self.function = function
        running = [each.definition for each in functions if each.file == function.file]
        self.names = Names(function.definition, function.tree, running)

    def slots(self, line: int) -> list[Slot]:
        """The places of expressions on a line."""
        return [each for each in self.names.slots if getattr(each.get(), "lineno", 0) == line]

    def of(self, line: int, level: Level) -> Iterator[Edit]:
        """The changes of what is on a line, of one of the levels."""
        if level is LEVELS[0]:
            yield from statements(self.function.definition, {line})
        yield from level.changes(self.slots(line), self.names.scope(line))


def _is_right(function: LiveFunction, edit: Edit, trials: Sequence[tuple[Trial, float]]) -> bool:
    try:
        with function.changed(edit):
            return all(starmap(holds, trials))
    except (SyntaxError, ValueError):  # it is no program, or needs other variables
        return False


def holds(trial: Trial, seconds: float = LONG) -> bool:
    """Whether a trial says so; not if it stops, by whatever that is, or takes too long."""
    try:
        with limited(seconds):
            return trial()
    except (Exception, SystemExit, TooLongError):  # noqa: BLE001 - it is other people's code
        return False


def _told(function: LiveFunction, edit: Edit) -> Change:
    text = linecache.getline(function.file, edit.line).strip()
    if edit.kind is EditKind.REPLACED:
        text = text_after(function, edit)
    return Change(function.file, edit.line, function.name, edit.kind, text)
