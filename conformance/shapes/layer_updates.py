"""The updates of a layer: they are called after it went back, and leave what they moved.

Left out: the gradients (`layer_outputs.py`), and what is wrong with updates (`lost_updates.py`,
`update_findings.py`).
"""

import ast
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from conformance.backward.recorded_pass import Goal
from conformance.backward.syntax import attributes, written
from conformance.programs.held_state import doubles
from conformance.programs.vocabulary import is_role, kinds_of
from conformance.running.quiet import quiet
from conformance.shapes.arguments import PENALTY, RATE, called, needed
from conformance.shapes.attempts import Attempt, Call, UnfitError
from conformance.shapes.function_sources import definition_of
from conformance.shapes.holders import number_of
from conformance.shapes.lost_updates import after, is_read, last_names
from conformance.shapes.places import Places, places
from conformance.shapes.plans import methods
from conformance.shapes.update_findings import are_followed
from conformance.tracing.substitute import traced_program


def after_update(run: Attempt, found: Places) -> Places:
    """The gradients that a layer keeps, and what its updates make of them, if it has some.

    If it keeps none, they may be computed in its updates.
    """
    with quiet(), doubles(), traced_program(run.recorded), suppress(UnfitError):
        _update(run, found.direct)
        return after(run, found) if found.direct else places(run)
    return found


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
    held = last_names(path for path, (_, node) in run.start.items() if node in nodes)
    given = last_names(each.path for each in run.end() if run.node(each.value) in ends)
    found = []
    for name, _ in methods(type(layer)):
        each = getattr(layer, name)
        by_name = is_role(name, "update") is not None
        if by_name or (each not in known and _moves(definition_of(each), held, given)):
            found.append(each)
    return found


def _moves(definition: ast.AST | None, held: set[str], given: set[str]) -> bool:
    """Whether a method writes to some attributes, and reads some of others."""
    reads = any(is_read(part, given) for part in ast.walk(definition or ast.Pass()))
    return reads and any(attributes(each) & held for each, _, _ in written(definition))
