"""The lines of a program, in groups: how near they are to what is blamed.

Left out: how likely each group is (`search_edits.py`).
"""

import linecache
import re
from collections.abc import Collection, Iterator, Sequence

from conformance.edits.live_functions import LiveFunction
from conformance.tracing.frames import Frame

OTHERS = 4  # lines that are blamed together, which are likelier than those that led to them

Place = tuple[int, LiveFunction]
"""A line that was run, and its function."""


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
