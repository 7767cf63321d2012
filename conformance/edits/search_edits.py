"""The change of one line that makes a program right: then that line is the one to blame.

The line that was found by what the program computed is tried first, and stays if a change of it
does. Left out: what is right, which the caller tells.
"""

import ast
import linecache
import os
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import chain, repeat, starmap
from math import inf
from time import process_time
from typing import NamedTuple

from conformance.edits.edit import Change, Edit, EditKind, Slot
from conformance.edits.formulas import is_constant
from conformance.edits.levels import (
    BLAMED,
    JOINED,
    SLOPED,
    UNREAD,
    WORDS,
    Level,
    Place,
    chosen_by,
    chosen_first,
    in_order,
    line_groups,
)
from conformance.edits.live_functions import Kept, LiveFunction
from conformance.edits.named_edits import KnownChange, named
from conformance.edits.part_edits import at_renamings
from conformance.edits.right_values import Changes, RightValues
from conformance.edits.scope import Names
from conformance.edits.statement_edits import statements
from conformance.running.quiet import TooLongError, limited, quiet, small
from conformance.tracing.frames import Frame

MOST = 30_000
"""Changes that are tried."""

LONGEST = 8.0
"""Seconds of the processor after which no other one is: few programs need so much for a trial."""

LARGEST = 2**30  # bytes that a trial may take: a change may make an array of four dimensions

LONG = 20.0  # seconds of a trial: a change may make a loop endless

SHORT, TIMES = 0.05, 20
"""Seconds of the first trial at least, and how many times longer than before the change."""

Trial = Callable[[], bool]
"""Whether the program, as it is now, is right; what it raises says that it is not."""

Edited = tuple[LiveFunction, Edit]

NAMES = ast.Name | ast.arg


class Mistake(NamedTuple):
    """What a change is looked for; see `search`."""

    blamed: Sequence[Sequence[Frame]]
    trials: Sequence[Trial]
    known: Sequence[KnownChange]
    rights: RightValues


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
    found = _search(functions, Mistake(blamed, trials, known, rights or {}), longest)
    return found and _told(*found)


def search_each(
    functions: Sequence[LiveFunction],
    mistakes: Sequence[Mistake],
    trials: Sequence[Trial],
    longest: float,
) -> list[Change]:
    """A change for each of several mistakes, if the program is right with all; else none.

    Args:
        functions: of the program.
        mistakes: they.
        trials: whether the program is right, as in `search`.
        longest: seconds of the processor, as there.
    """
    found: list[Edited] = []
    for each in mistakes:
        one = _search(functions, each, longest / len(mistakes))
        if one is None:
            return []
        found.append(one)
    with suppress(SyntaxError, ValueError), quiet(), ExitStack() as stack:
        changed = {id(function): function for function, _ in found}
        for _, edit in found:
            stack.enter_context(edit.made())
        for function in changed.values():
            stack.enter_context(function.changed(Edit(0)))
        if all(map(holds, trials)):
            stack.close()
            return [_told(*each) for each in found]
    return []


def _search(functions: Sequence[LiveFunction], mistake: Mistake, longest: float) -> Edited | None:
    """The change, and the function that it is of; see `search`."""
    blamed, trials, known, rights = mistake
    begun = process_time()
    holds(trials[0])
    seconds = max(SHORT, TIMES * (process_time() - begun))
    limits = [seconds, *repeat(LONG, len(trials) - 1)]
    end = _spent() + min(LONGEST, longest)
    changes = Changes(rights, lambda: holds(trials[0]), lambda: _spent() > end)
    edits = _edits(functions, blamed, known, changes)
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
    found = _first(_known(functions, blamed, known), functions, [(trial, LONG)], longest)
    return found and _told(*found)


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
) -> Edited | None:
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
                others = at_renamings(function.definition, edit)
                renaming = (e for e in others if _is_right(function, e, trials))
                return function, next(renaming, edit)
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
        for each in (one for one in known if ways.knows(one.other, line)):
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
    which may mend numbers and not the mistake, as a factor does that happens to be right. So may
    the slope of what a layer is given, where that of another one is computed and read nowhere.
    """
    ways = {each.definition: _Ways(each, functions) for each in functions}
    groups = line_groups(functions, blamed)
    words, more = ([e for e in known if e.is_sure == sure] for sure in (True, False))

    def size(place: Place) -> int:
        return len(ways[place[1].definition].slots(place[0]))

    for levels, places in in_order(groups, size, changes.judge):
        if UNREAD not in levels:
            yield from _known(functions, blamed, words)
            words = []
        if JOINED in levels:
            yield from _known(functions, blamed, more)
            more = []
        chosen = levels[0] not in (UNREAD, *WORDS)
        for line, function in chosen_first(places, functions) if chosen else places:
            of = ways[function.definition].of
            every = (edit for each in levels for edit in of(line, each))
            yield from ((function, each) for each in changes.left(function, line, every))


class _Ways:
    """The changes of one function."""

    def __init__(self, function: LiveFunction, functions: Sequence[LiveFunction]) -> None:
        """Look at its expressions, and at the functions that run with it."""
        self.function = function
        running = [each.definition for each in functions if each.file == function.file]
        self.names = Names(function.definition, function.tree, running)
        self.given: set[Hashable] = set()

    def knows(self, other: ast.expr | None, line: int) -> bool:
        """Whether the function around a line has all names that an expression reads.

        A method has `self.p[0]`, and no `net[1].p[0]`: it is one of several layers.
        """
        inside = [*ast.walk(_innermost(self.function.definition, line))]
        own = {e.id if isinstance(e, ast.Name) else e.arg for e in inside if isinstance(e, NAMES)}
        read = (e.id for e in ast.walk(other or ast.Pass()) if isinstance(e, ast.Name))
        return {*read} <= {*own, self.names.numpy}

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
            idle = any(is_constant(new) or _gives_itself(slot, new) for slot, new in each.puts)
            if made not in self.given and not idle:
                self.given.add(made)
                yield each


def _gives_itself(slot: Slot, new: ast.AST) -> bool:
    """Whether a name would be given its own value, which nobody writes."""
    targets = slot.parent.targets if isinstance(slot.parent, ast.Assign) else []
    return any(ast.unparse(each) == ast.unparse(new) for each in targets)


def _innermost(definition: ast.AST, line: int) -> ast.AST:
    """The innermost function around a line."""
    found = definition
    for each in ast.walk(definition):
        if isinstance(each, ast.FunctionDef) and each.lineno <= line <= (each.end_lineno or 0):
            found = each
    return found


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
    if edit.kind in (EditKind.ADDED, EditKind.ABOVE):
        block, changed = edit.lists[0]
        text = ast.unparse(next(each for each in changed if each not in block))
    return Change(function.file, edit.line, function.name, edit.kind, text)


def text_after(function: LiveFunction, edit: Edit) -> str:
    """The line that a change replaces, as it is then.

    What spans several lines, or is another statement, is written anew.
    """
    lines = linecache.getlines(function.file)
    for slot, new in edit.puts:
        old = slot.get()
        with edit.made():
            meant = ast.dump(function.tree)
        for text in _replaced(lines, old, new):
            if _dump("".join(text)) == meant:
                return text[edit.line - 1].strip()
    with edit.made():
        changed = _statement_of(edit, function.definition)
        return ast.unparse(changed).split("\n", 1)[0]


def _replaced(lines: list[str], old: ast.AST, new: ast.AST) -> Iterator[list[str]]:
    """The source with one expression in another's place, without and within parentheses."""
    if not isinstance(old, ast.expr) or old.lineno != old.end_lineno:
        return
    whole = lines[old.lineno - 1].encode()
    before, after = whole[: old.col_offset].decode(), whole[old.end_col_offset :].decode()
    text = ast.unparse(new)
    for each in (text, f"({text})"):
        yield [*lines[: old.lineno - 1], f"{before}{each}{after}", *lines[old.lineno :]]


def _dump(source: str) -> str:
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:  # as without parentheses
        return ""


def _statement_of(edit: Edit, tree: ast.AST) -> ast.AST:
    """The innermost statement that holds what is changed, or the one that is put."""
    if edit.lists:
        return next(each for each in edit.lists[0][1] if each.lineno == edit.line)
    parent, found = edit.puts[0][0].parent, tree
    for each in ast.walk(tree):
        if isinstance(each, ast.stmt) and any(part is parent for part in ast.walk(each)):
            found = each
    return found
