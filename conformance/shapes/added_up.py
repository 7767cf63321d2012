"""Gradients that a program adds to what it kept before, and whether something sets them back.

To add them up is right where they are set back, as by `zero_grad()`. Where one is set and another
is added up, a second call gives a wrong one. Left out: what is read off an update (`places.py`).
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import lines_of
from conformance.backward.syntax import tree, without
from conformance.programs.vocabulary import bare
from conformance.shapes.attempts import Attempt, UnfitError
from conformance.shapes.found import Gradients

SETS_BACK = re.compile(r".*(zero|reset|clear|clean).*")
"""Functions that set something back, by their names."""


def with_sums(
    run: Attempt,
    goals: Sequence[Goal],
    examined: Examined,
    again: Callable[[Mapping[str, Any]], Gradients],
) -> tuple[Examined, tuple[str, ...]]:
    """What is known of gradients, with those to blame that are added up where others are set.

    Second are the names of the parameters, where all are added up; neither if they are set back.

    Args:
        run: that left the gradients.
        goals: the gradients of parameters, which the program keeps.
        examined: what is known of them.
        again: gives them once more, where the program begins with some numbers, by their paths.
    """
    sums = {goal: path for goal in goals if (path := _sum_at(run, goal))}
    if not sums or not examined.ok or _sets_back(sums):
        return examined, ()
    begun = run.begun
    with suppress(UnfitError):
        found = again(begun | {path: begun[path] + 1.0 for path in sums.values()})
        sure = [e for e in sums if not np.array_equal(found[e.name], e.node.value)]
        if len(sure) == len(goals):
            return examined, tuple(each.name for each in sure)
        why = Cause("accumulates")
        blamed = (Accused((e.name,), lines_of(e.node), why, mends=False) for e in sure)
        return replace(examined, accused=(*examined.accused, *blamed)), ()
    return examined, ()


def _sum_at(run: Attempt, goal: Goal) -> str:
    """The path where a gradient is kept that may be made of what was there; else nothing."""
    for leaf in run.end():
        _, before = run.start.get(leaf.path, (leaf, None))
        if (
            before is not None
            and before is not goal.parameter
            and run.node(leaf.value) is goal.node
        ):
            return leaf.path if goal.node.depends_on(before) else ""
    return ""


def _sets_back(sums: dict[Goal, str]) -> bool:
    """Whether something in the file may set back what is kept, beside what makes it and adds."""
    names = {name for path in sums.values() for name in re.findall(r"\.(\w+)", path)}
    frames = {(f.file, f.function) for goal in sums for f in goal.node.frames}
    own = {"__init__", *(function for _, function in frames)}
    files = {file for file, _ in frames}
    parts = (each for file in files for each in without(tree(file), own))
    return any(_may_set(each, names) for each in parts)


def _may_set(node: ast.AST, names: set[str]) -> bool:
    """Whether a statement or a function may set one of some attributes to something else."""
    match node:
        case ast.FunctionDef(name=name):
            return SETS_BACK.fullmatch(bare(name)) is not None
        case ast.Assign(targets=targets):
            return any(_has(each, names) for each in targets)
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return _has(target, names)
        case ast.Call(func=ast.Attribute(value=value, attr="fill")):
            return _has(value, names)
        case ast.Call(func=ast.Name("setattr")):
            return True
    return False


def _has(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(e, ast.Attribute) and e.attr in names for e in ast.walk(node))
