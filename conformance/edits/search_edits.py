"""The change of one line that makes a program right: then that line is the one to blame.

The line that was found by what the program computed is tried first, and stays if a change of it
does. Left out: what is right, which the caller tells.
"""

import linecache
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import repeat, starmap
from time import process_time

from conformance.edits.edit import Change, Edit, EditKind
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
from conformance.edits.namespaces import Kept
from conformance.edits.scope import Names
from conformance.edits.statement_edits import statements
from conformance.running.quiet import TooLongError, limited, quiet, small
from conformance.tracing.frames import Frame

MOST = 12_000
"""Changes that are tried."""

LONGEST = 8.0
"""Seconds of the processor after which no other one is: few programs need so much for a trial."""

LEVELS = (swapped, applied, sloped, joined, joined_within, replaced, reformed)
"""The changes of a line: one word or sign, a function or a slope more, any part more, another."""

SMALL, APPLIED, SLOPED, JOINED, WITHIN, OTHER, REFORMED = range(len(LEVELS))

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
) -> Change | None:
    """The change of one line with which a program is right; None if none is found.

    Args:
        functions: of the program.
        blamed: the lines that are blamed, each with those that lead to it.
        trials: whether the program is right, each in another case; the quickest first.
    """
    begun = process_time()
    holds(trials[0])
    seconds = max(SHORT, TIMES * (process_time() - begun))
    limits = [seconds, *repeat(LONG, len(trials) - 1)]
    held = Kept({each.file for each in functions})
    tried, end = 0, process_time() + LONGEST
    with warnings.catch_warnings(), quiet(), small(LARGEST):
        warnings.simplefilter("ignore")  # what is changed may look odd to the compiler
        for function, edit in _edits(functions, blamed):
            if tried >= MOST or process_time() > end:
                return None
            tried += 1
            right = _is_right(function, edit, [*zip(trials, limits, strict=True)])
            held.put_back()
            if right:
                return _told(function, edit)
    return None


Place = tuple[int, LiveFunction]
"""A line that was run, and its function."""


def _edits(
    functions: Sequence[LiveFunction], blamed: Sequence[Sequence[Frame]]
) -> Iterator[tuple[LiveFunction, Edit]]:
    """The changes to try: of each level those of the lines that are blamed, then the near ones.

    A small change of another line of the function comes before a larger one of the line itself.
    """
    ways = {each.definition: _Ways(each, functions) for each in functions}
    first, inner, near, far, beside = _groups(functions, blamed)
    if len(near) < len(inner):
        near, inner = inner, near
    for level, some in (
        (SMALL, first), (SMALL, near), (OTHER, first), (SMALL, inner), (APPLIED, first),
        (SLOPED, first), (JOINED, first), (APPLIED, inner), (JOINED, inner), (REFORMED, first),
        (APPLIED, near), (SMALL, far), (JOINED, near), (SLOPED, inner), (WITHIN, first),
        (OTHER, near), (SLOPED, near), (WITHIN, inner), (OTHER, inner), (REFORMED, inner),
        (APPLIED, far), (JOINED, far), (SLOPED, far), (SMALL, beside), (REFORMED, near),
        (WITHIN, near), (WITHIN, far), (APPLIED, beside), (JOINED, beside), (SLOPED, beside),
    ):  # fmt: skip
        for line, function in some:
            yield from ((function, edit) for edit in ways[function.definition].of(line, level))


def _groups(
    functions: Sequence[LiveFunction], blamed: Sequence[Sequence[Frame]]
) -> tuple[list[Place], ...]:
    """The lines that were run, the nearest to what is blamed first.

    Those that are blamed and that call these, those of what they call, the rest of their functions,
    and of what runs between the first call of the program and them; then all others.
    """
    guilty = {(each.file, each.line) for frames in blamed for each in frames[:2]}
    roots = {(frames[-1].file, frames[-1].line) for frames in blamed}
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

    def of(self, line: int, level: int) -> Iterator[Edit]:
        """The changes of what is on a line, of one of the levels."""
        slots = [each for each in self.names.slots if getattr(each.get(), "lineno", 0) == line]
        scope = self.names.scope(line)
        if level == SMALL:
            yield from statements(self.function.definition, {line})
        yield from LEVELS[level](slots, scope)


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
