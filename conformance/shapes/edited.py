"""The change of one line that makes the gradients of a program right.

The program is run again as it was read, without being recorded, once for each change: its gradients
have to be those that are right. Then that line is the one to blame. Left out: which changes there
are (`edits`), and what is wrong as far as it is known without them (`backward`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import UPDATES, Accused, Cause, Edited, Examined, Line
from conformance.backward.judge_gradients import distance
from conformance.edits.live_functions import live_functions
from conformance.edits.search_edits import holds, search
from conformance.programs.held_state import Leaf
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import Attempt
from conformance.shapes.judge_readings import Found
from conformance.shapes.places import returned
from conformance.shapes.reading import Reading
from conformance.tracing.frames import Frame
from reference.step import Array

Gradients = Mapping[str, Array]

SECONDS = 4.0  # of the processor, after which no other change is tried


def mended(found: Found) -> Found:
    """A program that is wrong, with the change that makes it right, if one is found."""
    if found.examined.ok or found.reading is None:
        return found
    return replace(found, examined=with_change(found.examined, found.reading))


def with_change(examined: Examined, reading: Reading) -> Examined:
    """What is known of wrong gradients, with the change that makes them right, if one is found.

    Args:
        examined: of the reading.
        reading: of the program.
    """
    accused, rights = examined.accused, examined.rights
    of_updates = any(each.cause.kind in UPDATES for each in accused)
    again = None if of_updates or not (accused and rights) else _again(reading)
    given = {each.name: each.node.value for each in reading.places.goals}
    if again is None or not holds(lambda: _are_near(again(), given)):
        return examined

    def is_right() -> bool:
        return _are_near(again(), rights)

    functions = live_functions(lambda: holds(is_right))
    blamed = [[Frame(*line, "")] for each in accused for line in each.lines]
    change = search(functions, blamed, [is_right], SECONDS)
    if change is None:
        return examined
    edited = Edited(change.kind, change.text)
    return replace(examined, accused=(_by(accused, Line(*change.place), edited),))


def _by(accused: tuple[Accused, ...], line: Line, edited: Edited) -> Accused:
    """The line that was changed, as the only one to blame; why, if that is known of it."""
    first = next((each for each in accused if line in each.lines[:1]), None)
    names = tuple(dict.fromkeys(name for each in accused for name in each.gradients))
    cause = Cause("edited", worst=accused[0].cause.worst) if first is None else first.cause
    return Accused(names, (line,), cause, mends=True, edited=edited)


def _again(reading: Reading) -> Callable[[], Gradients] | None:
    """What runs a program as it was read, and gives its gradients; None if they are not held."""
    run, places = reading.run, reading.places
    values = {path: np.array(node.value) for path, (_, node) in run.start.items() if node}
    numbers = {path: each if each.ndim else each.item() for path, each in values.items()}
    at = _returned_at(reading) if places.direct else _moved_at(reading)
    if at is None:
        return None

    def again() -> Gradients:
        made = attempt(reading.plan, reading.data, reading.penalty, values=numbers, chosen=run.ways)
        held = {key: np.asarray(leaf.value) for key, leaf in _held(made).items()}
        if places.direct:
            return {name: held[key] for name, (key, _) in at.items()}
        begun = {key: numbers[key[1]] for key, _ in at.values()}
        return {name: (begun[key] - held[key]) / rate for name, (key, rate) in at.items()}

    return again


Key = tuple[str, str]
"""Whether it is returned or held in the end, and its path."""


def _held(run: Attempt) -> dict[Key, Leaf]:
    """What a run returned and what it holds in the end."""
    found = {("returned", each.path): each for each in returned(run)}
    return found | {("held", each.path): each for each in run.end()}


def _returned_at(reading: Reading) -> dict[str, tuple[Key, float]] | None:
    """Where each gradient is, by the name of its parameter; None if one is nowhere."""
    held = reversed(_held(reading.run).items())
    nodes = {reading.run.node(leaf.value): key for key, leaf in held}
    found = {each.name: nodes.get(each.node) for each in reading.places.direct}
    known = {name: (key, 1.0) for name, key in found.items() if key is not None}
    return known if len(known) == len(found) else None


def _moved_at(reading: Reading) -> dict[str, tuple[Key, float]] | None:
    """Where each parameter is after its update, and how many times its gradient it went down."""
    held, run = _held(reading.run), reading.run
    found: dict[str, tuple[Key, float]] = {}
    for goal in reading.places.moved:
        path = next((path for path, (_, node) in run.start.items() if node is goal.parameter), "")
        leaf, given = held.get(("held", path)), np.asarray(goal.node.value)
        if leaf is None or not np.any(given) or np.shape(leaf.value) != given.shape:
            return None
        moved = np.asarray(goal.parameter.value) - np.asarray(run.node(leaf.value).value)
        found[goal.name] = ("held", path), float(np.sum(moved * given) / np.sum(given * given))
    return found


def _are_near(given: Gradients, right: Gradients) -> bool:
    """Whether gradients are those that are right, to half of their digits."""
    return all(
        np.shape(given[name]) == np.shape(each)
        and distance(np.asarray(given[name]), np.asarray(each)) <= HALF_OF_THE_DIGITS
        for name, each in right.items()
    )
