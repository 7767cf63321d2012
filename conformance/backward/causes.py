"""Why a line is to blame, as a value.

Left out: finding the line (`culprit.py`) and the words (`report/backward_words.py`).
"""

import ast
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, Match, fitted
from conformance.backward.culprit import Handed
from conformance.backward.findings import Cause, Changed, Entry, Line, Named
from conformance.backward.fixes import Fix
from conformance.backward.found import Found
from conformance.backward.groups import Factor, Repair
from conformance.backward.in_scope import attribute_of
from conformance.backward.judge_gradients import Forward, Verdict
from conformance.backward.missing_parts import missing_part
from conformance.backward.parts import entry_in_a_part
from conformance.backward.region import Region, unmoved
from conformance.backward.source import (
    expression,
    is_literal,
    line_of,
    operand_name,
    operands,
    written_name,
)
from conformance.backward.stale import UPDATES, read_after_update
from conformance.backward.syntax import aliased
from conformance.backward.value_names import (
    named,
    operand_text,
    operation,
    operation_text,
    own_operation,
    statement_text,
)
from conformance.programs.vocabulary import kinds_of
from conformance.tracing.node import Node
from reference.step import Array

LACKING = {"begins", "part", "term"}
"""The kinds of causes whose reason may be a term or a factor that is left out."""

SIMPLE = ("-1", "2", "0.5", "-2", "-0.5", "4", "0.25", "3")
"""Factors that are said as they are: a number of the program may equal one by chance."""


def cause(forward: Forward, found: Found, verdicts: Sequence[Verdict]) -> Cause:
    """Why the first of the lines is to blame."""
    why = _cause(forward, found, verdicts)
    said = found.fix.group if found.fix is not None and why.changed is not None else found.begun
    if said is None and found.handed is None and found.repair is not None:
        said = found.repair.group
    line = None if said is None or found.factor is not None else line_of(said.first)
    return replace(why, at=line) if line not in (None, *found.lines[:1]) else why


def _cause(forward: Forward, found: Found, verdicts: Sequence[Verdict]) -> Cause:
    changed = None if found.fix is None else _changed(forward, found.fix)
    worst = worst_entry(verdicts)
    if found.fix is not None and (updated := _updated(forward, found.fix)) is not None:
        return replace(updated, worst=worst)
    if found.handed is not None:
        return handed_back(forward, found.handed, worst)
    if found.factor is not None:
        return slope(found.factor, found.lines, worst)
    if found.repair is None:
        return Cause("gradient" if changed is None else "changed", changed=changed, worst=worst)
    why = _of_repair(forward, found, found.repair)
    if changed is None and why.kind in LACKING:
        changed = missing_part(forward, found.repair)
    return replace(why, changed=changed, worst=worst)


def _of_repair(forward: Forward, found: Found, repair: Repair) -> Cause:
    """Why an operation is to blame that has to give another value."""
    use = found.needed
    at_fault = operation_text(repair.group.first)
    if use is None:
        return Cause("value", at_fault)
    node = use.quantity.nodes[0]
    if found.begun is not None:
        begun = operation_text(found.begun.first)
        return Cause("begins", begun, called(forward, node))
    same = set(map(unmoved, alike(forward, node)))
    held = next((e for e in found.held if unmoved(e.quantity.nodes[0]) in same), None)
    other = held or next(iter(found.held), None)
    names = apart(forward, node, None if other is None else other.quantity.nodes[0])
    if (updated := read_after_update(forward, repair)) is not None:
        return updated
    kind, factor = _kind(use, held) if held or not other else ("misused", 1.0)
    missing = _missing(node, other) if kind == "misused" else None
    missing = _left_out(forward, held) if kind == "part" and held is not None else missing
    if kind == "value" and (times := _times(forward, repair)) is not None:
        kind, factor = "scaled", times
    kind = "term" if kind == "value" and repair.kind == "part" else kind
    return Cause(kind, at_fault, *names, factor, missing=missing)


def _times(forward: Forward, repair: Repair) -> float | None:
    """How many times what it has to give an operation gives; None if it is no multiple, or once."""
    first = repair.group.first
    given, right = forward.chain.values[first.number], repair.values.get(first.number)
    if right is None or np.shape(given) != np.shape(right) or np.size(right) == 1:
        return None
    found = fitted(np.asarray(given), np.asarray(right))
    return None if found is None or abs(found - 1) <= HALF_OF_THE_DIGITS else found


def handed(culprit: Region, repair: Repair) -> Cause:
    """What is wrong with a value that a line only hands on."""
    needed = culprit.needed(repair)
    if needed is None:
        return Cause("handed")
    forward, node = culprit.forward, needed.quantity.nodes[0]
    line = line_of(repair.group.first)
    text = "" if line is None else aliased(line)
    held = next((e for e in culprit.held(repair) if e.quantity.nodes[0] is node), None)
    if held is None or not text or held.quantity.kind != "part":
        return Cause("handed", text, called(forward, node))
    return Cause("part", text, called(forward, node))


def handed_back(forward: Forward, handed: Handed, worst: Entry | None) -> Cause:
    """A layer hands back ∂C/∂v of what it computed where that of what it was given is needed."""
    made = own_operation(handed.held.quantity.nodes[0])  # a line that calls all layers may name it
    needed = called(forward, handed.needed.quantity.nodes[0])
    return Cause("misused", handed.text, needed, made, worst=worst, missing=made)


def slope(factor: Factor, lines: Sequence[Line], worst: Entry | None) -> Cause:
    """What a right ∂C/∂v is multiplied by is not the derivative of the operation that gave v."""
    missing = _missing(factor.needed.quantity.nodes[0], factor.held)
    if line_of(factor.product) in lines[:1]:
        text = operand_text(factor.product, factor.node)
        return Cause("slope", text, missing=missing, worst=worst)
    ways = operation(factor.node), own_operation(factor.node)  # the call, or what it computes
    made = next((each for each in ways if each.line in lines[:1]), ways[1])
    at = None if made.line in lines[:1] else made.line
    return Cause("slope", made.name, missing=missing, worst=worst, at=at)


def alike(forward: Forward, node: Node) -> list[Node]:
    """The forward values whose derivatives are the same as that of a value; itself, if it has none.

    A factor that the loss is not made of has none, such as the derivative of an activation.
    """
    own = forward.gradient.get(node.number)
    if own is None:
        return [node]
    return [
        each
        for each in forward.nodes()
        if forward.gradient[each.number].shape == own.shape
        and np.array_equal(forward.gradient[each.number], own)
    ]


def called(forward: Forward, node: Node) -> Named:
    """The name of a forward value, or of one with the same derivative that has a better one."""
    nodes = [node, *reversed(alike(forward, node))]
    own = [each for each in nodes if each.given or line_of(each) is not None]  # it has a name
    names = [named(each) for each in own or nodes]
    found = next((each for each in names if each.name.isidentifier()), names[0])
    if "(" in found.name:  # a parameter by what it began with, such as `random.random()`
        goals = (Named(e.name, None) for e in forward.run.goals if e.parameter is node)
        return next(goals, found)
    return found


def apart(forward: Forward, needed: Node, held: Node | None) -> tuple[Named, Named | None]:
    """The names of two values; their own expressions, where one line names all such."""
    if held is None:
        return called(forward, needed), None
    names = called(forward, needed), called(forward, held)
    own = own_operation(needed), own_operation(held)
    return (
        own if names[0] == names[1] and needed is not held and all(e.name for e in own) else names
    )


def _kind(use: Match, held: Match | None) -> tuple[str, float]:
    """What is wrong with a value that is used as something and is something of the same."""
    if held is None:
        return "value", 1.0
    if held.quantity.kind == "part":
        return "part", 1.0
    factor = held.factor * use.factor
    return ("scaled" if abs(factor - 1) > HALF_OF_THE_DIGITS else "value"), factor


def _missing(needed: Node, held: Match | None) -> Named | None:
    """The forward operation that leads from the value that is needed to the one that is held."""
    node = held.quantity.nodes[0] if held is not None else needed
    if node is needed or not node.depends_on(needed):
        return None
    found = own_operation(node)
    own = named(node) == named(needed) and found.name  # of one line that names all such values
    return found if own else operation(node)


def _left_out(forward: Forward, held: Match) -> Named | None:
    """What gives the contributions, all on one line, that a part of a derivative is without."""
    node, part = held.quantity.nodes[0], held.quantity.array[0]
    whole = forward.gradient[node.number]
    if np.shape(part) != np.shape(whole):  # it is that of a row, say
        return None
    lacks = whole - part
    of_lines: dict[Line | None, list[tuple[Node, Array]]] = {}
    for consumer, each in forward.parts[node.number]:
        of_lines.setdefault(line_of(consumer), []).append((consumer, each))
    for line, given in of_lines.items():
        far = np.max(np.abs(np.sum([each for _, each in given], axis=0) - lacks), initial=0.0)
        if line is not None and far <= HALF_OF_THE_DIGITS * np.max(np.abs(lacks), initial=0.0):
            return own_operation(max((e for e, _ in given), key=lambda e: e.number))
    return None


def _changed(forward: Forward, fix: Fix) -> Changed:
    change, node = fix.change, fix.group.first
    other = None
    if change.other is not None:
        other = attribute_of(change.other, node) or _other(forward, change.other)
    what = change.what
    scaled = node.operation in ("multiply", "divide")  # what decays is a multiple of the weights
    others = [each for each in forward.run.goals if "inputs" not in kinds_of(each.name)]
    weights = {goal.parameter for goal in others if np.ndim(goal.parameter.value)}
    decays = scaled and any(type(each) is Node and each in weights for each in node.args)
    if what == "constant" or (what == "variable" and decays):
        other, what = _number(node), "rate" if decays else what
    text = operation_text(node) if change.line is None else statement_text(change.line)
    after = change.after
    if what == "factor" and other is None:
        after, other = _as_named(forward, after)
    return Changed(what, _before(fix), after, text, other)


def _as_named(forward: Forward, factor: str) -> tuple[str, Named | None]:
    """A factor as what the forward pass calls it, or its inverse; itself if it has no name."""
    for node in forward.nodes() if factor not in SIMPLE else ():
        for i, arg in enumerate(node.args):
            name = operand_name(node, i) if isinstance(arg, int | float) and arg else ""
            for way, number in (("×", arg), ("/", 1 / arg)) if name else ():
                if f"{number:g}" == factor:
                    return way, Named(name, line_of(node))
    return factor, None


def _number(node: Node) -> Named | None:
    """The variable that holds the number by which an operation multiplies; None if it has none."""
    values = [each.value if type(each) is Node else each for each in node.args]
    numbers = (int, float, np.generic)
    places = [
        i
        for i, each in enumerate(values)
        if isinstance(each, numbers) or (isinstance(each, np.ndarray) and not each.ndim)
    ]
    # What the program states comes before what it computes.
    place = min(places, key=lambda i: type(node.args[i]) is Node, default=-1)
    if is_literal(node, place):
        return None
    return Named(ast.unparse(operands(node)[place]), None)


def _updated(forward: Forward, fix: Fix) -> Cause | None:
    """A parameter is used after its update, where the old one is needed; None if it is not that."""
    change, node = fix.change, fix.group.first
    if not node.args:
        return None
    new = node.args[0] if change.what == "operand" and change.before == "1" else node
    old = change.other if new is not node else node.args[0]
    if type(new) is not Node or type(old) is not Node or new is old:
        return None
    begins = any(old is each.parameter for each in forward.run.goals)
    moved = begins and new.operation in UPDATES and new.depends_on(old)
    if not moved or (new is node and (change.what, change.before) != ("extra", "right")):
        return None
    uses = [node] if new is not node else [e for e in new.consumers if line_of(e) is not None]
    lines = [line for line in map(line_of, uses) if line not in (None, line_of(new))]
    name = operand_name(new, 0) or written_name(new) or named(old).name
    used = Named(name, lines[0]) if lines else None
    return None if used is None else Cause("updated", needed=Named(name, line_of(new)), held=used)


def _other(forward: Forward, node: Node) -> Named:
    """The name of an operand that is needed; of an array that nobody computed, of one like it."""
    found = named(node)
    if found.name != node.operation or node.function is not None:
        return found
    alike = (e for e in forward.chain.nodes if np.array_equal(e.value, node.value))
    names = (named(e) for e in alike if e.function is None)
    return next((each for each in names if each.name != node.operation), found)


def _before(fix: Fix) -> str:
    """What the program has instead: the source of an operand that is too much."""
    change, places = fix.change, ("left", "right")
    found = operands(fix.group.first)
    if change.what == "extra" and change.before in places and len(found) == len(places):
        return ast.unparse(found[places.index(change.before)])
    match expression(fix.group.first):
        case ast.BinOp(op=ast.Pow(), right=power) if change.before == "square":
            return f"** {ast.unparse(power)}"
        case ast.UnaryOp(op=ast.USub()) if change.before == "negative":
            return "-"
    return change.before


def worst_entry(verdicts: Sequence[Verdict]) -> Entry | None:
    """The entry of the first wrong gradient that is farthest off."""
    for each in verdicts:
        if not each.ok and each.given.shape == each.right.shape and each.given.size:
            far = np.abs(np.nan_to_num(each.given - each.right, nan=np.inf))
            at = np.unravel_index(int(np.argmax(far)), far.shape)
            place = tuple(map(int, at))
            given, right = float(each.given[at]), float(each.right[at])
            part = entry_in_a_part(each.goal.parameter, place)
            return Entry(each.goal.name, place, given, right, part)
    return None
