"""What is said beside the judgement of a script, or why there is nothing to judge.

No parameter was seen to be updated; a variable is computed of the rate and read nowhere; a number
is called the loss, of which the right gradients are none. Left out: why what was seen cannot be
judged (`conclude.py`).
"""

import ast
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.crossed import spread_words
from conformance.backward.findings import Line
from conformance.backward.groups import grouped, operation_key
from conformance.backward.loss_names import is_named
from conformance.backward.loss_numbers import best_loss, has_gradient
from conformance.backward.recorded_pass import Goal
from conformance.backward.saturated import is_saturated
from conformance.backward.source import (
    MATRIX_PRODUCTS,
    MOVES,
    lines_of,
    operand_name,
    places,
    stored_names,
)
from conformance.backward.syntax import is_stored_once, reads, statement, tree
from conformance.errors import UnjudgedError
from conformance.programs.absent import stood_in
from conformance.script.chains import is_moved
from conformance.script.judge_updates import Unjudged
from conformance.script.judgement import Judgement, ToJudge
from conformance.script.linear import ancestors, source, writes_of
from conformance.script.parameters import Parameter
from conformance.script.rates import rates_on_the_way
from conformance.script.update import Update
from conformance.tracing.node import Node, is_part, states_of, uses_of_nodes
from conformance.tracing.trace import Trace

POOLS = ("multiprocessing.pool", "concurrent.futures.process", "joblib")
"""Modules that are loaded where a program lets other processes work."""

SEVERAL = 3  # times that a line has to run to be a part of a loop

Notes = Sequence[tuple[str, str]]


def nothing_trained(trace: Trace, notes: Notes) -> str:
    """Why there is nothing to judge."""
    said = dict(notes)
    if "time" in said:
        where = f", in {said['at']}" if said.get("at") else ""
        ended = f"it ran for {said['time']} s, and no parameter was seen to be updated{where}"
        with_them = f"; what it computes with {said.get('unfollowed')} is not followed"
        return ended + with_them if "unfollowed" in said else ended
    ended = said.get("left", "it ran to its end")
    if absent := ", ".join(stood_in()):
        ended += f" without what it imports and is not installed ({absent})"
    if "unfollowed" in said:
        return f"{ended}, and what it computes with {said['unfollowed']} is not followed"
    if not trace.nodes:
        hint = "`conformance check` judges the functions and classes of a file"
        return f"{ended} and computed nothing: {hint}"
    apart = next(_moved_apart(trace), None)
    if apart is not None:
        return f"{ended}, and {apart}"
    updated = "no parameter was seen to be updated by what was computed from it"
    what = f"{ended}, and {updated}: {_rounds(trace)}{spread_words(trace.nodes)}"
    others = [each for each in POOLS if each in sys.modules]
    return f"{what}; what its other processes do is not seen" if others else what


def _moved_apart(trace: Trace) -> Iterator[str]:
    """Where a parameter is moved again and again by what was not computed from it.

    It is an array, or a number by which others are multiplied.
    """
    sums = (e for e in trace.nodes if e.operation in ("add", "subtract") and e.frames)
    for group in grouped([*sums]):
        new, used = group.nodes[-1], {e.operation for n in group.nodes for e in n.consumers}
        moved = all(old in ancestors(e) for old, e in pairwise(group.nodes))
        names = sorted(stored_names(new))
        if (
            moved
            and len(group.nodes) >= SEVERAL
            and names
            and used & {*MATRIX_PRODUCTS, "multiply"}
        ):
            at, name = new.frames[0], names[0]
            yield (
                f"{os.path.relpath(at.file)}:{at.line} moves `{name}` step by step by "
                f"what was not computed from it: the gradient of `{name}` has to be, and where a "
                "step function gives the output, as in the perceptron rule, there is no gradient"
            )


def used_after_update(found: Sequence[Parameter], names: Sequence[str]) -> str | None:
    """Where the error by which a number is updated is multiplied by its new value, for another."""
    for name, each in zip(names, found, strict=True):
        others = [e.values[-1] for e in found if e is not each]
        states = dict.fromkeys(state for value in each.values for state in states_of(value))
        for new, part in (pair for state in states for pair in _read_anew(state)):
            for product in (e for e in part.consumers if e.operation == "multiply"):
                errors = (source(e) for e in product.inputs if e is not part)
                before = [e for e in errors if e.depends_on(each.values[0]) and new.depends_on(e)]
                if before and any(e.depends_on(product) for e in others):
                    at, on = (lines_of(e)[0].line for e in (product, new))
                    return f"`{name}` is used on line {at} after its update on line {on}: too late"
    return None


def _read_anew(state: Node) -> Iterator[tuple[Node, Node]]:
    """What was written into a part of an array, each with where that is read."""
    parts = [state]
    for each in parts:
        parts += [e for e in each.consumers if is_part(e)]
    for new, _ in writes_of(state):
        same = (e for e in parts if np.array_equal(np.ravel(e.value), np.ravel(new.value)))
        yield from ((new, each) for each in same)


def _rounds(trace: Trace) -> str:
    """What is missing in what was computed in rounds; else that there have to be rounds."""
    arrays = (each for each in trace.nodes if each.frames and np.size(each.value) > 1)
    runs = [(each.frames[0], each.operation) for each in arrays]
    counts = Counter(runs)
    most = max(counts.values(), default=0)
    if most < SEVERAL:
        return (
            "let it take two steps, in each of which its parameters are moved by what was computed "
            "from them"
        )
    last = next(at for at, operation in reversed(runs) if counts[at, operation] == most)
    return (
        f"{os.path.relpath(last.file)}:{last.line} ran {most} times, and no array was seen to "
        "become what it was and something that was computed from that"
    )


def unkept(trace: Trace, olds: Collection[Node] = (), *, whole: bool = True) -> Node | None:
    """What an array becomes that is moved as a parameter, again and again, and is not used.

    Where it is moved on each time, it is lost if what it was is read all the same.

    Args:
        trace: of a run.
        olds: what the array may have been; any constant if there are none.
        whole: whether it ended by itself.
    """
    sums = (e for e in trace.nodes if e.operation in ("add", "subtract") and e.frames)
    for group in grouped([each for each in sums if np.size(each.value) > 1]):
        new, moves = group.nodes[-1], _are_moved_on(group.nodes)
        first = group.nodes[0] if moves else new
        later, lost = group.nodes[len(group.nodes) // 2], len(group.nodes) >= SEVERAL
        lost = lost and moves is not None
        for old in ancestors(first) if lost else ():
            known = old in olds if olds else old.constant
            read = old.consumers[-1].number > later.number and _is_held(old) if moves else whole
            if known and read and is_moved(old, first):
                return new
    return None


def _are_moved_on(sums: Sequence[Node]) -> bool | None:
    """Whether the same statement uses some sums the next time, and nothing else that leads to them.

    None if something else does, or is made of sums that none is moved on.
    """
    key, within = operation_key(sums[0]), uses_of_nodes(sums)
    used = {each for node in sums for each in node.consumers}
    others = [each for each in used if operation_key(each) != key]
    moves = len(others) < len(used)
    known = any(within >> each.number & 1 for each in others) if moves else bool(others)
    return None if known else moves


def _is_held(old: Node) -> bool:
    """Whether an array is last read by a name that no other function puts something under."""
    last = old.consumers[-1]
    names = {operand_name(last, i) for i in places(last, old)}
    return all(is_stored_once(name, line) for line in lines_of(last)[:1] for name in names)


def unread(trace: Trace, updates: Sequence[Update]) -> Iterator[tuple[str, str]]:
    """A note on each of an update, with its name and place."""
    rates = {
        name
        for made in updates
        for rate, _ in rates_on_the_way(made, *(e for e, _ in made.options[made.own :][:1]))
        for name in _names(rate)
    }
    arrays = {*_idle(trace, updates)}
    for file in sorted({line.file for made in updates for line in lines_of(made.new)}):
        for each in ast.walk(tree(file) or ast.Pass()):
            if not isinstance(each, ast.Assign) or not isinstance(each.value, ast.BinOp | ast.Call):
                continue
            target, line = each.targets[0], Line(file, each.lineno)
            made_of = line in arrays or not rates.isdisjoint(_names(each.value))
            if made_of and isinstance(target, ast.Name) and not reads(target.id, line):
                yield "unread", f"{target.id} ({os.path.relpath(file)}:{each.lineno})"


def _names(expression: ast.expr) -> Iterator[str]:
    """The variables that an expression reads, and what it reads of objects."""
    for each in ast.walk(expression):
        if isinstance(each, ast.Name | ast.Attribute):
            yield each.id if isinstance(each, ast.Name) else each.attr


def _idle(trace: Trace, updates: Sequence[Update]) -> Iterator[Line]:
    """The statements that compute an array of the parameters, of which nothing is computed."""
    given, first = updates[0].given, min(each.old.number for each in updates)
    around = {frame for made in updates for frame in made.new.frames[1:]}
    for each in trace.nodes[first : max(made.new.number for made in updates)]:
        if each.uses & given and np.size(each.value) > 1 and not each.consumers:
            for frame in each.frames:
                found = statement(frame.file, frame.line)
                if frame not in around and found is not None:
                    yield Line(frame.file, found.lineno)


OF_NO_LOSS = (
    "its output error is that of no known cost, and not of the loss that it computes ({}): one of "
    "the two may be wrong"
)


def unused_loss(trace: Trace, judgement: Judgement) -> Iterator[tuple[str, str]]:
    """A note on the number that a script calls its loss, where it was not judged by it.

    Raises:
        UnjudgedError: it is the only one, and no known cost has the output error.
    """
    if judgement.examined.cost != "own":
        losses = _losses_of_others(Unjudged(ToJudge(trace, judgement.updates)), judgement)
        for each in [each for each in map(_made, losses) if lines_of(each)][-1:]:
            kind, line = "saturated" if is_saturated(trace, each) else "loss", lines_of(each)[0]
            where = f"{os.path.relpath(line.file)}:{line.line}"
            unknown = judgement.ok and judgement.examined.cost == "unknown"
            if unknown and kind == "loss" and len({*map(operation_key, losses)}) == 1:
                raise UnjudgedError(OF_NO_LOSS.format(where))
            yield kind, where


def _made(number: Node) -> Node:
    """What a number was taken out of."""
    while number.operation in MOVES and len(number.inputs) == 1:
        (number,) = number.inputs
    return number


def _losses_of_others(update: Unjudged, judgement: Judgement) -> list[Node]:
    """The numbers that are called a loss and have gradients, other than the right ones."""
    step = update.part([each.new for each in update.updates])
    chosen, sign = zip(update.updates, judgement.chosen, strict=False), -np.sign(judgement.factor)
    rights = {each.name: sign * node.value for each, (node, _) in chosen}
    rights |= judgement.examined.rights
    goals = list[Goal]()
    for each in update.updates:
        right = rights.get(each.name, np.asarray(each.old.value) - np.asarray(each.new.value))
        node = step.trace.node("constant", None, (), {}, np.asarray(right))
        goals.append(Goal(each.name, step.of[each.old], node))
    whole = tuple(goals)
    named = [each for each in update.losses if is_named(each)]
    called = [each for each in named if has_gradient(step.trace, step.of[each], whole)]
    fits = ((each, best_loss(step.trace, [step.of[each]], whole)) for each in called)
    return [each for each, fit in fits if fit is None or fit.count < len(whole)]
