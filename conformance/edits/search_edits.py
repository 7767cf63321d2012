"""The change of one line that makes a program right: then that line is the one to blame.

The line that was found by what the program computed is tried first, and stays if a change of it
does. Left out: what is right, which the caller tells.
"""

import ast
import linecache
import os
import warnings
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain, repeat, starmap
from math import inf
from time import process_time
from typing import NamedTuple

from conformance.edits.edit import Change, Edit, EditKind, Slot
from conformance.edits.edited_text import text_after
from conformance.edits.expression_edits import applied, swapped
from conformance.edits.line_groups import Place, chosen_by, chosen_first, line_groups
from conformance.edits.live_functions import LiveFunction
from conformance.edits.named_edits import KnownChange, named
from conformance.edits.namespaces import Kept
from conformance.edits.part_edits import (
    exchanged,
    joined,
    joined_within,
    reformed,
    replaced,
    sloped,
)
from conformance.edits.right_values import Changes, RightValues
from conformance.edits.scope import Names, Scope
from conformance.edits.statement_edits import statements
from conformance.running.quiet import TooLongError, limited, quiet, small
from conformance.tracing.frames import Frame

MOST = 30_000
"""Changes that are tried."""

LONGEST = 8.0
"""Seconds of the processor after which no other one is: few programs need so much for a trial."""


class Level(NamedTuple):
    """A kind of changes of a line.

    Attributes:
        changes: gives them; None for those of whole statements.
        likely: of how many mistakes in a hundred one of them is the change that mends it.
        many: how many an expression of a line has; or a line, of whole statements.
    """

    changes: Callable[[Sequence[Slot], Scope], Iterator[Edit]] | None
    likely: float
    many: float


SLOPED = Level(sloped, 2, 22)
LEVELS = (
    Level(None, 9, 6),  # += for =, a line left out
    Level(swapped, 56, 14),  # one word or sign
    Level(applied, 11, 13),  # a function, a sign or a divisor more
    Level(joined, 11, 24),  # any part more
    Level(replaced, 6, 23),  # another part
    Level(exchanged, 1, 3),  # two parts of the line
    Level(joined_within, 3, 39),
    SLOPED,
    Level(reformed, 1, 9),
)
"""Counted in a thousand programs with one wrong line, written by people who did not know this."""

WORDS = LEVELS[:2]

LIKELY = (60, 10, 6, 20, 3, 1)
"""How likely it is, for each group of lines, that one of them is to be changed."""

BLAMED, NEAR = 2, 4
"""How many groups are of what is blamed, and of what is near it."""

FEW = 400  # changes of words near what is blamed, which are tried first

LATER, NEARBY, JUDGED, BLAMED_WORDS = range(4)
"""Changes by their order: the words of what is blamed, what else is judged there by what it has to
give, words near it, all others."""

QUICK = 1 / 50
"""The time that a change takes of which it is known what it has to give, for another's."""


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
    rights: RightValues | None = None,
) -> Change | None:
    """The change of one line with which a program is right; None if none is found.

    Args:
        functions: of the program.
        blamed: the lines that are blamed, each with others that may be, or that lead to it.
        trials: whether the program is right, each in another case; the quickest first.
        longest: seconds of the processor after which no other change is tried, if less than usual.
        known: what an expression on a line that is blamed has to be instead, as it seems.
        rights: what operations gave, and have to give.
    """
    begun = process_time()
    holds(trials[0])
    seconds = max(SHORT, TIMES * (process_time() - begun))
    limits = [seconds, *repeat(LONG, len(trials) - 1)]
    words = [each for each in known if each.is_sure]
    changes = Changes(rights or {}, lambda: holds(trials[0]))
    edits = chain(_known(functions, blamed, words), _edits(functions, blamed, known, changes))
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


def search_known_first(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    trials: Sequence[Trial],
    longest: float,
    known: Sequence[KnownChange],
) -> Change | None:
    """The same of what is known, by the last trial alone, else of all; see `search`."""
    change = search_known(functions, blamed, trials[-1], longest, known)
    return change or search(functions, blamed, trials, longest)


def _first(
    edits: Iterable[tuple[LiveFunction, Edit]],
    functions: Sequence[LiveFunction],
    trials: Sequence[tuple[Trial, float]],
    longest: float,
) -> Change | None:
    """The first change with which a program is right; each trial has its seconds."""
    held = Kept({each.file for each in functions})
    tried, end = 0, _spent() + longest
    short = suppress(MemoryError)  # outside of the trials: there is none left for the search
    with short, warnings.catch_warnings(), quiet(), small(LARGEST):
        warnings.simplefilter("ignore")  # what is changed may look odd to the compiler
        for function, edit in edits:
            if tried >= MOST or _spent() > end:
                return None
            tried += 1
            right = _is_right(function, edit, trials)
            held.put_back()
            if right:
                return _told(function, edit)
    return None


def _spent() -> float:
    """Seconds of the processor that this process has used, and those that it has waited for."""
    return sum(os.times()[:4])


def _known(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    known: Sequence[KnownChange],
) -> Iterator[tuple[LiveFunction, Edit]]:
    """The changes of the lines that are blamed which are known already, as it seems."""
    places = chain(*line_groups(functions, blamed)[:BLAMED]) if known else ()
    for line, function in (each for each in places if not chosen_by(each, functions)):
        ways = _Ways(function, functions)
        for each in known:
            found = ways.of(line, SLOPED) if each.what == "slope" else named(ways.slots(line), each)
            yield from ((function, edit) for edit in found)


def _edits(
    functions: Sequence[LiveFunction],
    blamed: Sequence[Sequence[Frame]],
    known: Sequence[KnownChange],
    changes: Changes,
) -> Iterator[tuple[LiveFunction, Edit]]:
    """The changes to try, level by level and group by group: the likeliest for its number first.

    But a change of one word of what is blamed, or nearest to it, comes before all larger ones,
    which may mend numbers and not the mistake, as a factor does that happens to be right.
    """
    ways = {each.definition: _Ways(each, functions) for each in functions}
    order = list[tuple[int, float, Level, list[Place]]]()
    left: float = FEW
    for i, places in enumerate(line_groups(functions, blamed)):
        counts = [len(ways[each.definition].slots(line)) for line, each in places]
        sums = [*accumulate(WORDS[1].many * each for each in counts)]
        near = bisect_right(sums, inf if i < BLAMED else left) if i < NEAR else 0
        left -= sum(sums[near - 1 : near]) if i >= BLAMED else 0
        quick = [each for each in places if changes.judge(*each)]
        others = [each for each in places if each not in quick]
        for each in LEVELS if sum(counts) else ():
            many = each.many * (sum(counts) if each.changes else len(places))
            rank = LIKELY[i] * each.likely / many
            if each in WORDS:
                first = NEARBY if i >= BLAMED else BLAMED_WORDS
                order += [(first, rank, each, places[:near]), (LATER, rank, each, places[near:])]
            else:
                soon = LATER if i else JUDGED
                order += [(soon, rank / QUICK, each, quick), (LATER, rank, each, others)]
    more = [each for each in known if not each.is_sure]
    for _, _, level, places in sorted(order, key=lambda each: each[:2], reverse=True):
        if level.changes is joined and places:
            yield from _known(functions, blamed, more)
            more = []
        for line, function in places if level in WORDS else chosen_first(places, functions):
            every = ways[function.definition].of(line, level)
            yield from ((function, each) for each in changes.left(function, line, every))


class _Ways:
    """The changes of one function."""

    def __init__(self, function: LiveFunction, functions: Sequence[LiveFunction]) -> None:
        """Look at its expressions, and at the functions that run with it."""
        self.function = function
        running = [each.definition for each in functions if each.file == function.file]
        self.names = Names(function.definition, function.tree, running)
        self.given: set[Hashable] = set()

    def slots(self, line: int) -> list[Slot]:
        """The places of expressions on a line."""
        return [each for each in self.names.slots if getattr(each.get(), "lineno", 0) == line]

    def of(self, line: int, level: Level) -> Iterator[Edit]:
        """The changes of what is on a line, of one of the levels, that no other level has."""
        if level.changes is None:
            yield from statements(self.function.definition, {line}, self.names.numpy)
            return
        for each in level.changes(self.slots(line), self.names.scope(line)):
            made = tuple((id(s.parent), s.field, s.place, ast.dump(new)) for s, new in each.puts)
            if made not in self.given:
                self.given.add(made)
                yield each


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
