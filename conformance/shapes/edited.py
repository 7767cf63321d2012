"""The change of one line that makes the gradients of a program right.

The program is run again once for each change: its gradients have to be those that are right. Then
that line is the one to blame. So is the line with which a program runs that raises an error, such
as a product whose operands are not turned. Left out: which changes there are (`edits`), and what is
wrong as far as it is known without them (`backward`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.accuse import unblamed
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.edited_line import (
    blamed_frames,
    by_each,
    by_edit,
    known_changes,
    mistakes_of,
    right_values,
    sizes_of,
)
from conformance.backward.epsilons import TINY
from conformance.backward.findings import UPDATES, Examined
from conformance.backward.judge_gradients import distance
from conformance.edits.edit import Change, EditKind
from conformance.edits.live_functions import live_functions
from conformance.edits.search_edits import Trial, holds, search, search_each, search_known_first
from conformance.script_outcome import NO_RULE, Ran, is_judged_as_far
from conformance.shapes.attempts import Refusal
from conformance.shapes.found import Found, other_defaults
from conformance.shapes.recorded_updates import is_right as is_right_run

SECONDS = 4.0  # of the processor for a file, after which no other change is tried


def mended(found: Found, spent: float = 0.0) -> Found:
    """A program that is wrong, with the change that makes its gradients right, if one is found.

    Args:
        found: it.
        spent: the seconds of the processor that were spent for other programs of its file.
    """
    examined, accused = found.examined, found.examined.accused
    if spent >= SECONDS or any(each.cause.kind in UPDATES for each in accused):
        return found
    run = _AsJudged(found)
    if not accused or not holds(run.begins):
        return found
    functions = [e.without(examined.ahead) for e in live_functions(lambda: holds(run.is_right))]
    blamed, known = blamed_frames(accused), [*known_changes(accused)]
    made = [each for function in functions for each in function.made]

    def is_right_elsewhere() -> bool:
        with unblamed(), other_defaults(made):
            return found.elsewhere is None or found.elsewhere()

    def searched(*trials: Trial) -> Change | None:
        return search(functions, blamed, trials, SECONDS - spent, known, right_values(accused))

    change = searched(run.is_right, is_right_elsewhere)
    with unblamed():
        other = found.another() if change is not None and found.another else None
    if other is not None and holds((also := _AsJudged(other)).begins):
        change = searched(run.is_right, also.is_right, is_right_elsewhere)
    if change is not None:
        return replace(found, examined=by_edit(examined, change))
    mistakes = mistakes_of(accused, lambda one: run.is_right(run.wrong - {*one.gradients}))
    changes = search_each(functions, mistakes, [run.is_right, is_right_elsewhere], SECONDS - spent)
    return replace(found, examined=by_each(examined, changes)) if changes else found


class _AsJudged:
    """A program that is run again, and compared with its right gradients."""

    def __init__(self, found: Found) -> None:
        """Take it as it was judged."""
        self.examined, self.again = found.examined, found.again or dict
        self.rights: dict[str, Any] = {}
        self.limit = HALF_OF_THE_DIGITS if found.elsewhere is None else TINY  # of an ε in the loss
        self.wrong = {each.name for each in found.examined.gradients if not each.ok}

    def begins(self) -> bool:
        """Run it as it is, and tell whether the gradients are wrong that were judged to be."""
        before = dict(self.again())
        self.rights = {**before, **dict(_scaled(self.examined, before))}
        told = self.wrong & set(before)  # that of the inputs is judged elsewhere
        return bool(told) and _wrong(before, self.rights) == told

    def is_right(self, but: Collection[str] = ()) -> bool:
        """Whether all gradients but for some are right as the program is now."""
        return _wrong(self.again(), self.rights, self.limit) <= {*but}


def with_right_updates(ran: Ran, again: Callable[[], Ran | None], spent: float = 0.0) -> Ran:
    """What has right gradients and wrong updates, with the change with which they are right.

    Args:
        ran: what is known of it.
        again: what is known of it as it is now; None if nothing is.
        spent: as in `mended`.
    """
    accused = ran.examined.accused
    of_updates = [each for each in accused if each.cause.kind in UPDATES - {"shares"}]  # told whole
    if len(accused) != 1 or not of_updates or spent >= SECONDS:  # wrong gradients take too long
        return ran

    def is_right() -> bool:
        other = again()
        if other is None or not is_right_run(other) or not is_judged_as_far(other, ran):
            return False
        return other.rule.kind not in less

    less = set[str]()  # rules that keep no more than it does with an array of zeros
    if any(each.cause.kind == "zero" for each in accused):
        less = {ran.rule.kind, "plain"} | ({"momentum"} if ran.rule.kind == NO_RULE else set())
    functions = live_functions(lambda: holds(is_right))
    blamed, known = blamed_frames(accused), [*known_changes(accused)]
    change = search_known_first(functions, blamed, [is_right], SECONDS - spent, known)
    return ran if change is None else replace(ran, examined=by_edit(ran.examined, change))


def _scaled(examined: Examined, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The right gradients, with the factor that those have which are right already, such as a rate.

    Args:
        examined: what is known of them.
        given: the gradients as the program gives them.
    """
    rights = {name: np.asarray(e) for name, e in examined.rights.items() if name in given}
    sizes, noise = sizes_of(rights.values())
    clear = {name for name, size in zip(rights, sizes, strict=True) if size > noise}
    known = (e.name for e in examined.gradients if e.ok and e.name in clear)
    pairs = [(np.asarray(given[name]), rights[name]) for name in known]
    square = sum(float(np.sum(each**2)) for _, each in pairs)
    along = sum(float(np.sum(own * each)) for own, each in pairs)
    factor = along / square if square else 1.0
    yield from ((name, factor * each) for name, each in rights.items())


def _wrong(
    given: Mapping[str, Any], rights: Mapping[str, Any], limit: float = HALF_OF_THE_DIGITS
) -> set[str]:
    """The names of the gradients that are not the right ones, to half of their digits."""
    sizes, noise = sizes_of(rights.values())
    return {
        name
        for (name, each), size in zip(rights.items(), sizes, strict=True)
        if np.shape(given[name]) != np.shape(each)
        or not distance(np.asarray(given[name]), np.asarray(each), max(size, noise)) <= limit
    }


MOST = 12  # programs that run on, and are judged


def repaired(refusal: Refusal, confirmed: Callable[[], bool], seconds: float) -> str:
    """A line with which it runs, said with its number; nothing if none is found.

    Args:
        refusal: of the program: the reading that came farthest is run again.
        confirmed: whether all gradients are right as the program is now.
        seconds: of the processor after which no other change is tried.
    """
    again, left = refusal.again, iter(range(MOST))
    if again is None or not refusal.raised or seconds <= 0:
        return ""

    def goes_on() -> bool:
        again()
        return True

    def is_right() -> bool:
        return next(left, None) is not None and confirmed()

    functions = live_functions(lambda: holds(goes_on))
    change = search(functions, [[*refusal.raised]], [goes_on, is_right], seconds)
    if change is None or change.kind is not EditKind.REPLACED:
        return ""
    return f"it runs, and every gradient is right, with line {change.line}:  {change.text}"
