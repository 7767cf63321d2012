"""The updates of a layer: what they make of the gradients that it keeps.

A parameter has to become itself and something made of its gradient; one that stays as it is, while
others are moved, is to blame where nothing else in the file may move it. Left out: the gradients
(`layer_outputs.py`), and by how much each is taken off (`update_findings.py`).
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, merged
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import lines_of
from conformance.backward.syntax import attributes, function_around, tree, without, written
from conformance.programs.held_state import doubles
from conformance.programs.vocabulary import is_role, kinds_of
from conformance.running.quiet import quiet
from conformance.shapes.arguments import PENALTY, RATE, called, needed
from conformance.shapes.attempts import Attempt, Call, UnfitError
from conformance.shapes.function_sources import definition_of
from conformance.shapes.gradients_of_updates import Update
from conformance.shapes.holders import number_of
from conformance.shapes.places import Places, places
from conformance.shapes.plans import methods
from conformance.shapes.update_findings import are_followed
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program


def after_update(run: Attempt, found: Places) -> Places:
    """The gradients that a layer keeps, and what its updates make of them, if it has some.

    If it keeps none, they may be computed in its updates.
    """
    with quiet(), doubles(), traced_program(run.recorded), suppress(UnfitError):
        _update(run, found.direct)
        moved, names = places(run), {each.name for each in found.direct}
        if not names:
            return moved
        updates = [each for each in moved.updates if each.goal.name in names]
        return replace(
            found,
            moved=tuple(e for e in moved.moved if e.name in names),
            updates=(*updates, *_others(run, found, updates)),
        )
    return found


def _others(run: Attempt, found: Places, moved: Sequence[Update]) -> Iterator[Update]:
    """What the others have become of which a layer keeps gradients: as they were, or no sums.

    Those that are as they were are left out where the file may move them elsewhere.
    """
    end = {each.path: run.node(each.value) for each in run.end()}
    paths = {node: path for path, (_, node) in run.start.items()}
    known = {each.goal.parameter for each in moved}
    for each in found.direct:
        path = paths.get(each.parameter, "")
        now = end.get(path)
        if now is None or each.parameter in known:
            continue
        if now is not each.parameter:
            yield Update(each, now, now)
        elif any(_moves_nowhere(path, at, each, moved) for at, e in end.items() if e is each.node):
            yield Update(each, each.node, now)


def _moves_nowhere(path: str, at: str, goal: Goal, moved: Sequence[Update]) -> bool:
    """Whether no line of a file moves a parameter, nor reads its gradient but where others move.

    Args:
        path: where the parameter is held.
        at: where its gradient is.
        goal: the two.
        moved: the others.
    """
    name, gradient = _last_names([path]), _last_names([at])
    files = [line.file for line in lines_of(goal.node)]
    around = (function_around(line) for each in moved for line in lines_of(each.node))
    own = {each.name for each in around if each is not None}
    if not (name and gradient and files and own):
        return False
    rest = (*without(tree(files[0]), own),)
    return not any(_reads(each, gradient) for each in rest) and not any(
        name & attributes(target) and (name | gradient) & (attributes(value) | again)
        for target, value, again in written(tree(files[0]))
    )


def _reads(node: ast.AST, names: set[str]) -> bool:
    """Whether a part of a file reads some attributes, or any."""
    match node:
        case ast.Attribute(attr=attribute, ctx=ast.Load()):
            return attribute in {*names, "__dict__"}
        case ast.Name(id=function):
            return function in ("getattr", "setattr", "vars")
    return False


def _update(run: Attempt, goals: Sequence[Goal]) -> None:
    """Let a layer update its parameters, where that takes such settings alone."""
    for each in _updates(run, goals):
        given = [_setting(run, e.name) for e in needed(each)]
        with suppress(UnfitError):
            if given.count(None) <= (RATE not in given):
                result = run.called(each, *(RATE if e is None else e for e in given))
                run.results.append((Call("update", each), each, result))


def _setting(run: Attempt, name: str) -> Any:
    """What an update is given by the name of an argument; None if that tells nothing."""
    known = {"rate": RATE, "penalty": PENALTY, "m": run.data.sizes.m}
    return next((known[e] for e in kinds_of(name) if e in known), number_of(name, None))


def untried(run: Attempt, goals: Sequence[Goal]) -> list[str]:
    """The updates of a layer that could not be called."""
    known = [function for _, function, _ in run.results]
    return [called(each) for each in _updates(run, goals) if each not in known]


def unruled(run: Attempt, found: Places) -> tuple[str, ...]:
    """The updates of a layer that were called, where not all that they make is followed."""
    known = (function.__name__ for call, function, _ in run.results if call.role == "update")
    return tuple(known) if found.direct and not are_followed(found) else ()


def _updates(run: Attempt, goals: Sequence[Goal]) -> list[Callable[..., Any]]:
    """The methods of a layer that update parameters by their names, or by what they do.

    They write to attributes of its parameters, and read those of the gradients.
    """
    layer, known = run.roots["self"], [function for _, function, _ in run.results]
    nodes, ends = {each.parameter for each in goals}, {each.node for each in goals}
    held = _last_names(path for path, (_, node) in run.start.items() if node in nodes)
    given = _last_names(each.path for each in run.end() if run.node(each.value) in ends)
    found = []
    for name, _ in methods(type(layer)):
        each = getattr(layer, name)
        by_name = is_role(name, "update") is not None
        if by_name or (each not in known and _moves(definition_of(each), held, given)):
            found.append(each)
    return found


def _last_names(paths: Iterable[str]) -> set[str]:
    """The last attributes in some paths."""
    return {name for each in paths for name in re.findall(r"\.(\w+)", each)[-1:]}


def _moves(definition: ast.AST | None, held: set[str], given: set[str]) -> bool:
    """Whether a method writes to some attributes, and reads some of others."""
    reads = any(_reads(part, given) for part in ast.walk(definition or ast.Pass()))
    return reads and any(attributes(each) & held for each, _, _ in written(definition))


def with_lost(examined: Examined, found: Places) -> Examined:
    """What is known of a layer, with updates to blame by which its right gradients are lost."""
    lost = _Lost(found)
    wrong = {each: kind for each in found.updates if (kind := lost.by(each))}
    if not wrong or not all(each.ok for each in examined.gradients):
        return examined
    names = {each.goal.name for each in wrong}
    gradients = tuple(replace(e, ok=e.name not in names) for e in examined.gradients)
    accused = (
        Accused((e.goal.name,), lines_of(e.node), Cause(kind), mends=True)
        for e, kind in wrong.items()
    )
    return replace(examined, gradients=gradients, accused=merged(accused, lambda e: e.lines))


class _Lost:
    """Where updates of a layer lose what they are to move, or by what.

    Attributes:
        goals: the gradients that it keeps, by the names of their parameters.
        ways: what each parameter is made of, down to gradients.
    """

    def __init__(self, found: Places) -> None:
        """Of a layer after its updates."""
        self.goals = {each.name: each for each in found.direct}
        ends = {each.node for each in found.direct}
        self.updates = [each for each in found.updates if each.goal.name in self.goals]
        self.ways = {e: {*walk([e.now], short_of(ends))} for e in self.updates}
        self.moving = [e for e in self.updates if self._own(e) in self.ways[e]]

    def _own(self, update: Update) -> Node:
        return self.goals[update.goal.name].node

    def by(self, update: Update) -> str:
        """The kind of the mistake of an update; nothing if there is none, as far as it is known."""
        if update not in self.ways:
            return ""
        old = self.goals[update.goal.name].parameter
        if update.now is old:
            return "still"
        way, others = self.ways[update], [e for e in self.moving if e is not update]
        sure = not any(e.given and e is not old and _may_stand_for(e, old) for e in way)
        lost = old not in way or (bool(others) and self._own(update) not in way)
        return "update" if lost and sure else ""


def _may_stand_for(given: Node, parameter: Node) -> bool:
    """Whether what was given is no gradient, or may hold the parameter beside others."""
    upstream = given.operation.startswith("given dout")
    return upstream or np.size(given.value) > np.size(parameter.value)
