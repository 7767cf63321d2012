"""The verdict on what moves parameters itself, by several updates if one does not tell all.

Left out: making them (`called_updates.py`), and updates beside returned gradients
(`tried_updates.py`).
"""

import ast
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.findings import (
    UPDATES,
    Accused,
    Examined,
    Line,
    merged,
    never_moved_beside,
)
from conformance.backward.recorded_pass import OwnPass
from conformance.backward.source import lines_of
from conformance.backward.stated_loss import has_own_terms
from conformance.backward.syntax import tree, without
from conformance.programs.held_state import short
from conformance.script.judgement import has_single_error
from conformance.script_outcome import Ran
from conformance.shapes.called_updates import SAME, tried_update
from conformance.shapes.found import Found
from conformance.shapes.judge_readings import recognised
from conformance.shapes.lost_updates import last_names, may_move
from conformance.shapes.other_settings import ACTIVATIONS
from conformance.shapes.own_loss import own_loss
from conformance.shapes.reading import PlainRun, Reading
from conformance.shapes.recorded_updates import (
    is_right,
    is_uneven,
    said,
    with_wrong_output,
    wrong_in,
)
from conformance.tracing.node import Node
from reference.step import Array

SPREAD = 0.75
CHOOSES = {"where", "select", "sign", "maximum", "minimum", "max", "min", "clip", "heaviside"}


def has_single_error_each(reading: Reading) -> bool:
    """Whether parameters are moved by one sample after another, of a single error each."""
    updates, run = reading.places.updates, reading.run
    moved = [(each.goal.parameter, each.node) for each in updates]
    return reading.places.several and has_single_error(run.recorded, moved)


def targets_of_errors(reading: Reading) -> list[Array]:
    """The targets with which single errors are judged: labels are numbers there.

    An error may be multiplied by a target that is 0 or 1 in each update, so others are given, too.
    None are where the error of a sample may be of one of two cases.
    """
    if not has_single_error_each(reading) or _chooses(reading):
        return []
    y = np.asarray(reading.data.y, dtype=float)
    return [y, SPREAD * y + SPREAD] if np.array_equal(y, np.round(y)) else [y]


def _chooses(reading: Reading) -> bool:
    """Whether a function that took part compares something, unless it is an activation."""
    frames = {f for node in reading.run.recorded.nodes for f in node.frames}
    names = {f.function for f in frames} - ACTIVATIONS
    for each in {f.file for f in frames}:
        for part in ast.walk(tree(each) or ast.Pass()):
            own = isinstance(part, ast.FunctionDef) and part.name in names
            if own and any(map(_is_choice, without(part, ACTIVATIONS))):
                return True
    return False


def _is_choice(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=ast.BinOp(op=ast.Mod())):  # such as when to print
            return False
        case ast.Compare():
            return True
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in CHOOSES
    return False


def trained(found: Found, name: str) -> Found:
    """The verdict on what moves parameters itself, by several updates if one does not tell all.

    They show what is kept from one to the next, and say better what is wrong.
    """
    again = found.again
    if not isinstance(again, PlainRun):
        return found
    reading, wrong = again.reading, not found.examined.ok
    born = not any(each.parameter.given for each in reading.places.goals)  # as its states may be
    keeps = bool(reading.run.states) or born
    unknown = found.examined.cost == "unknown"  # which the first update alone may be right by
    if not keeps and wrong:
        return _by_updates_alone(found, reading, name)
    if not (reading.run.states or wrong or unknown):
        one = _by_one_factor(found, reading, name)
        if not (born and one.examined.ok):
            return one
    tried = tried_update(reading, name)
    ran = tried.ran
    if ran is not None and is_right(ran) and not (wrong and _decays_freely(found, ran, reading)):
        still = {*tried.still} & {*reading.places.still}
        return _by_rule(found, reading, name, ran, still if wrong else ())
    told = ran is not None and not ran.examined.ok and not (unknown and is_uneven(ran))
    if born and wrong:  # where nothing is kept, one update tells as much
        told = told and ran is not None and ran.rule.kind != "plain"
    if ran is not None and told and (wrong or unknown or wrong_in(ran) is not None):
        return replace(found, examined=ran.examined)
    return _unruled(found, name, ran, unknown=unknown) if keeps else found


def _unruled(found: Found, name: str, ran: Ran | None, *, unknown: bool) -> Found:
    """The verdict where several updates tell no rule: what one alone moves by is no gradient."""
    taken, wrong = found.recognised, not found.examined.ok
    if wrong and ran is not None and ran.examined.ok and not unknown and ran.unjudged:
        return replace(found, examined=ran.examined, recognised=replace(taken, unruled=(name,)))
    off = (*taken.off, *([] if wrong else [f"{name} after its first update"]))
    return replace(found, recognised=replace(taken, off=off))


def by_several_updates(reading: Reading) -> Found | None:
    """The verdict on what trains and keeps something, of which one update alone tells no gradient.

    None if several updates tell nothing by a cost that is known.
    """
    if reading.places.direct or not reading.places.moved:
        return None
    taken = recognised(reading)
    name = taken.calls[taken.backward].partition("(")[0]
    ran = tried_update(reading, name).ran
    if ran is None or ran.unjudged or ran.examined.cost == "unknown" or ran.rule.kind == "plain":
        return None
    rule = (said(name, ran),) if is_right(ran) else ()
    return Found(replace(taken, rule=rule), ran.examined, reading.run.used())


def _decays_freely(found: Found, ran: Ran, reading: Reading) -> bool:
    """Whether updates are right by a known cost and any decay, where the own loss states one."""
    if not found.examined.cost == "own" != ran.examined.cost or not ran.examined.decay:
        return False
    loss = own_loss(reading.run, reading.places)
    return has_own_terms(OwnPass(reading.run.recorded, reading.places.goals, loss=loss))


def _by_updates_alone(found: Found, reading: Reading, name: str) -> Found:
    """The verdict on wrong updates that keep nothing, if several say that the gradients are right.

    Of gradients one update tells as much, and where all go the other way, what they share.
    """
    some = any(each.ok for each in found.examined.gradients)
    ran = tried_update(reading, name).ran if some else None
    if ran is None or wrong_in(ran) is None:
        return found
    alone = {each.cause.kind for each in ran.examined.accused} <= UPDATES
    return replace(found, examined=ran.examined) if alone else found


def _by_rule(found: Found, reading: Reading, name: str, ran: Ran, still: Collection[str]) -> Found:
    """The verdict by several updates that are right, but for parameters that none of them moves."""
    taken, wrong = found.recognised, not found.examined.ok
    if still:
        examined = _with_still(found, reading, ran, still)
        constant = {*still}.difference(each.name for each in examined.gradients)
        taken = replace(taken, constant=tuple(sorted(constant)))
        return replace(found, recognised=taken, examined=examined)
    known = ran.examined.cost != "unknown" or ran.rule.kind != "plain"  # no gradients alone
    examined = ran.examined if wrong and known else found.examined
    taken = replace(taken, rule=(said(name, ran),))
    return replace(found, recognised=taken, examined=examined)


def _with_still(found: Found, reading: Reading, ran: Ran, still: Collection[str]) -> Examined:
    """What is known of right updates, with the parameters to blame that none of them moves.

    Each has a gradient that is computed, as may be for what is kept for its update, and nothing in
    the file moves it.
    """
    nodes = reading.run.recorded.nodes
    paths = {short(path): path for path in reading.run.start}
    lost = dict[str, tuple[Line, ...]]()
    for name in (each.name for each in found.examined.gradients if each.name in still):
        node = _computed(nodes, found.examined.rights.get(name))
        held = last_names([paths.get(name, "")])
        lines = () if node is None else lines_of(node)
        if lines and held and not may_move(lines[0].file, held, held):
            lost[name] = lines
    moved = (each.node for each in reading.places.updates if each.goal.name not in still)
    why = never_moved_beside(line for node in moved for line in lines_of(node)[:1])
    blamed = (Accused((name,), lines, why, mends=True) for name, lines in lost.items())
    others = (each for each in found.examined.gradients if each.name in lost)
    gradients = (*ran.examined.gradients, *others)
    return replace(ran.examined, gradients=gradients, accused=merged(blamed, lambda _: ()))


def _computed(nodes: Sequence[Node], gradient: Array | None) -> Node | None:
    """The first value that is a multiple of a gradient; None if there is none."""
    right = np.ravel(np.asarray(gradient, dtype=float))
    for each in nodes if gradient is not None else ():
        if each.function is None or np.size(each.value) != right.size:
            continue
        given = np.ravel(each.value)
        by = given @ right / (right @ right)
        if by and np.allclose(given, by * right, rtol=SAME, atol=SAME * np.max(np.abs(given))):
            return each
    return None


def _by_one_factor(found: Found, reading: Reading, name: str) -> Found:
    """The verdict on right gradients, each of a single error: one of it is any other's multiple."""
    known = found.examined.cost not in ("own", "unknown")
    for targets in targets_of_errors(reading) if known else ():
        ran = tried_update(reading, name, targets).ran
        if ran is not None and is_uneven(ran):
            return replace(found, examined=with_wrong_output(found.examined, ran.examined))
    return found
