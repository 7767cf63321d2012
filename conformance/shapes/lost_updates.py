"""Where updates lose what they are to move, or by what: parameters with right gradients.

A parameter has to become itself and something made of its gradient; one that stays as it is, while
others are moved, is to blame where nothing else in the file may move it. Left out: calling updates
(`layer_updates.py`, `tried_updates.py`), and by how much each gradient is taken off
(`update_findings.py`).
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, merged, never_moved_beside
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import lines_of
from conformance.backward.syntax import attributes, function_around, tree, without, written
from conformance.shapes.attempts import Attempt
from conformance.shapes.gradients_of_updates import Update
from conformance.shapes.places import Places, places
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node


def after(run: Attempt, found: Places) -> Places:
    """The gradients that a run left before its updates, and what these made of them."""
    moved, names = places(run), {each.name for each in found.direct}
    own = [each for each in moved.updates if each.goal.name in names]
    rest = [*_others(run, found.direct, own)]
    own += [each for each in rest if each.now is not each.goal.parameter]
    still = [each for each in rest if each not in own and own]
    nowhere = [each for each in still if _moves_nowhere(run, each.goal, own)]
    lost = [(each, "update") for each in _lost(found.direct, own)]
    lost += [(each, "still") for each in nowhere]
    lost += [] if own else [(each, "unkept") for each in _unkept(run, rest)]
    return replace(
        found,
        moved=tuple(e for e in moved.moved if e.name in names),
        updates=tuple(own),
        lost=tuple(lost),
        constant=tuple(e.goal.name for e in still if e not in nowhere),
    )


def _others(run: Attempt, goals: Sequence[Goal], moved: Sequence[Update]) -> Iterator[Update]:
    """What the other parameters with gradients have become: as they were, or no sums."""
    end = {each.path: run.node(each.value) for each in run.end()}
    now = {node: end.get(path) for path, (_, node) in run.start.items() if node is not None}
    known = {each.goal.parameter for each in moved}
    for each in goals:
        made = now.get(each.parameter)
        if made is not None and each.parameter not in known:
            yield Update(each, each.node if made is each.parameter else made, made)


def _unkept(run: Attempt, still: Sequence[Update]) -> Iterator[Update]:
    """What updates that give nothing back make of gradients, where nothing keeps it.

    Args:
        run: in which they moved no parameter.
        still: the parameters, with their gradients.
    """
    called = [(each, result) for call, each, result in run.results if call.role == "update"]
    names = {str(getattr(each, "__name__", "")) for each, _ in called}
    if any(result is not None or _has_globals(each) for each, result in called):
        return
    ends = {run.node(each.value) for each in run.end()}
    for each in still:
        made = [
            node
            for node in run.recorded.nodes
            if node.depends_on(each.goal.node) and not node.consumers and node not in ends
            if any(e.function in names for e in node.frames)
        ]  # fmt: skip
        if made:
            yield replace(each, node=made[-1])


def _has_globals(function: Callable[..., Any]) -> bool:
    """Whether a function reads what its module holds: sums of several steps may be kept there."""
    plain = getattr(function, "__func__", function)
    names, code = getattr(plain, "__globals__", {}), getattr(plain, "__code__", None)
    held = (names.get(each) for each in getattr(code, "co_names", ()))
    functions = FunctionType | BuiltinFunctionType | ModuleType | type
    return any(each is not None and not isinstance(each, functions) for each in held)


def _lost(goals: Sequence[Goal], updates: Sequence[Update]) -> Iterator[Update]:
    """The updates of parameters that are not made of what they were, or of no own gradient."""
    own = {each.name: each for each in goals}
    ends = {each.node for each in goals}
    ways = {each: {*walk([each.now], short_of(ends))} for each in updates}
    moving = [each for each, way in ways.items() if own[each.goal.name].node in way]
    for each, way in ways.items():
        old, gradient = own[each.goal.name].parameter, own[each.goal.name].node
        anew = old not in way and not way.isdisjoint(ends)
        without = gradient not in way and any(other is not each for other in moving)
        if (anew or without) and not any(_may_be_either(e, old) for e in way):
            yield each


def _may_be_either(given: Node, parameter: Node) -> bool:
    """Whether something is data, of which a gradient may be made, or may hold a parameter."""
    data = re.fullmatch(r"given (X(\[\d+\])?|y|dout\d*)", given.operation)
    larger = np.size(given.value) > np.size(parameter.value)
    return given.given and given is not parameter and (data is not None or larger)


def _moves_nowhere(run: Attempt, goal: Goal, moved: Sequence[Update]) -> bool:
    """Whether no line of a file moves a parameter, nor reads its gradient but where others move.

    Of a gradient that is kept nowhere, the parameter is read nowhere but in what was run.
    """
    paths = (path for path, (_, node) in run.start.items() if node is goal.parameter)
    name = last_names(paths)
    gradient = last_names(each.path for each in run.end() if run.node(each.value) is goal.node)
    files = [line.file for line in lines_of(goal.node)]
    around = (function_around(line) for each in moved for line in lines_of(each.node))
    own = {each.name for each in around if each is not None}
    if not (name and files and own):
        return False
    ran = {f.function for node in run.recorded.nodes for f in node.frames} | {"__init__"}
    rest = without(tree(files[0]), own if gradient else ran)
    read = any(is_read(each, gradient or name) for each in rest)
    return not read and not may_move(files[0], name, name | gradient)


def may_move(file: str, names: set[str], read: set[str]) -> bool:
    """Whether a statement in a file writes to attributes what it makes of them, or of others."""
    return any(
        names & attributes(target) and read & (attributes(value) | again)
        for target, value, again in written(tree(file))
    )


def last_names(paths: Iterable[str]) -> set[str]:
    """The last attributes in some paths."""
    return {name for each in paths for name in re.findall(r"\.(\w+)", each)[-1:]}


def is_read(part: ast.AST, names: set[str]) -> bool:
    """Whether a part of a file reads some attributes, or any."""
    match part:
        case ast.Attribute(attr=attribute, ctx=ast.Load()):
            return attribute in {*names, "__dict__"}
        case ast.Name(id=function):
            return function in ("getattr", "setattr", "vars")
    return False


def accused(found: Places) -> tuple[Accused, ...]:
    """The updates to blame."""
    lost = [each for each, _ in found.lost]
    moved = (line for e in found.updates if e not in lost for line in lines_of(e.node)[:1])
    still = never_moved_beside(moved)
    each = (
        Accused(
            (e.goal.name,),
            lines_of(e.node),
            still if kind == still.kind else Cause(kind),
            mends=True,
        )
        for e, kind in found.lost
    )
    return merged(each, lambda one: one.lines if one.cause.kind == "update" else ())


def with_lost(examined: Examined, found: Places) -> Examined:
    """What is known of a layer, with updates to blame by which its right gradients are lost."""
    if not found.lost or not all(each.ok for each in examined.gradients):
        return examined
    names = {each.goal.name for each, _ in found.lost}
    gradients = tuple(replace(e, ok=e.name not in names) for e in examined.gradients)
    return replace(examined, gradients=gradients, accused=accused(found))
