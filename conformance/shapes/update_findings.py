"""What is known of gradients beside their values: updates, sums, inputs.

To add gradients up is right where they are set back, as by `zero_grad()`; where one is set and
another is added up, a second call gives a wrong one. Left out: the updates themselves
(`gradients_of_updates.py`), the gradients of parameters (`places.py`), and judging them
(`judge_readings.py`).
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import least_squares
from conformance.backward.decay_terms import entries_apart
from conformance.backward.findings import (
    ADDS,
    Accused,
    Cause,
    Examined,
    by_one_line,
    merged,
    never_moved_beside,
)
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass
from conformance.backward.source import lines_of
from conformance.backward.syntax import tree, without
from conformance.programs.vocabulary import bare, is_gradient, kinds_of
from conformance.shapes.arguments import RATE, taken
from conformance.shapes.attempts import Attempt, UnfitError
from conformance.shapes.found import Gradients
from conformance.shapes.gradients_of_updates import Update, gradient_and_rate
from conformance.shapes.places import Places, returned
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace
from conformance.usage import COSTS
from reference.step import Array

INPUT = "the input"
"""What the input is called among the gradients."""


def together(parts: Sequence[Examined]) -> Examined:
    """What was judged apart, as one; a line that is in question in each part is blamed once."""
    blamed = (each for part in parts for each in part.accused)
    return replace(
        parts[0],
        gradients=tuple(e for part in parts for e in part.gradients),
        accused=by_one_line(merged(blamed, lambda each: each.lines[:1])),
        kinks=any(each.kinks for each in parts),
        rights={name: each for part in parts for name, each in part.rights.items()},
    )


def _with_updates(
    first: Examined, wrong: Sequence[Update], kind: str = "update", factor: float = 1.0
) -> Examined:
    """What is known, with updates that do not take the gradients as they are."""
    if not wrong:
        return first
    names = {each.goal.name for each in wrong}
    gradients = tuple(replace(e, ok=False) if e.name in names else e for e in first.gradients)
    why = Cause(kind, factor=factor)
    accused = (Accused((e.goal.name,), lines_of(e.node), why, mends=kind != ADDS) for e in wrong)
    blamed = merged(accused, lambda each: each.lines)
    return replace(first, gradients=gradients, accused=blamed)


def unrated(found: Places) -> tuple[tuple[Goal, ...], list[Update]]:
    """The gradients without the rate that is given, and the updates with none, or with its square.

    Some have these where others have the rate; else they are as they were found.
    """
    parts = {each.goal.name: gradient_and_rate(each.goal) for each in found.updates}
    without = [each for each in found.updates if parts[each.goal.name][1] != RATE]
    if not 0 < len(without) < len(parts) or any(_uses_rate(each.goal) for each in without):
        return found.goals, []
    inner = {name: node for name, (node, rate) in parts.items() if rate in (RATE, RATE**2)}
    goals = (replace(each, node=inner.get(each.name, each.node)) for each in found.goals)
    return tuple(goals), without


def by_rate(run: Attempt, found: Places) -> tuple[Goal, ...]:
    """What was taken off the parameters by the rate that a function was given, as η ∂C/∂w is.

    It is nothing where none was given one, and where they are known without it.
    """
    called = (function for call, function, _ in run.results if call.role in ("train", "update"))
    given = (each for function in called for each in taken(function))
    if found.direct or found.rate == RATE or not any("rate" in kinds_of(e.name) for e in given):
        return ()
    by = found.rate / RATE
    return tuple(replace(each, node=_times(run.recorded, each.node, by)) for each in found.moved)


def _times(trace: Trace, node: Node, by: float) -> Node:
    made = trace.node("multiply", np.multiply, (node, by), {}, node.value * by)
    made.frames, made.calls = node.frames, node.calls
    return made


def _uses_rate(goal: Goal) -> bool:
    """Whether something is multiplied by the rate on the way to a gradient: `(lr * x.T) @ d`."""
    made = (each for each in walk([goal.node]) if each.operation == "multiply")
    numbers = (e.value if type(e) is Node else e for each in made for e in each.args)
    return any(np.ndim(each) == 0 and each == RATE for each in numbers)


def without_rates(examined: Examined, wrong: Sequence[Update]) -> Examined:
    """What is known, with updates to blame that leave out the rate of the others, or square it."""
    factors = [gradient_and_rate(each.goal)[1] / RATE for each in wrong]
    return _with_updates(examined, wrong, "step", factors[0]) if examined.ok and wrong else examined


def ascending(examined: Examined, places: Places) -> Examined:
    """What is known of a layer, with its updates to blame where all go up what it is given."""
    return _with_updates(examined, places.updates, ADDS) if opposite(examined) else examined


def opposite(examined: Examined) -> bool:
    """Whether all gradients are the negative of the right ones, but for one factor."""
    ratios = [each.ratio or 0.0 for each in examined.gradients]
    return bool(ratios) and max(ratios) < 0 and float(np.ptp(ratios)) <= HALF * abs(ratios[0])


def with_lines(examined: Examined, updates: Sequence[Update]) -> Examined:
    """What is known, with the lines of updates where what moves a parameter was given as it is."""
    lines = {each.goal.name: lines_of(each.node) for each in updates}
    accused = tuple(
        replace(each, lines=tuple({line: 1 for e in each.gradients for line in lines.get(e, ())}))
        if not each.lines
        else each
        for each in examined.accused
    )
    return replace(examined, accused=accused)


def never_moved(examined: Examined, places: Places) -> Examined:
    """What is known, with the lines of gradients that are computed and move no parameter."""
    lines = {each.name: lines_of(each.node) for each in places.moved if each.name in places.still}
    why = never_moved_beside(
        line
        for each in places.updates
        if each.goal.name not in places.still
        for line in lines_of(each.node)[:1]
    )
    accused = tuple(
        replace(each, lines=found, cause=why)
        if len(each.gradients) == 1 and (found := lines.get(each.gradients[0]))
        else each
        for each in examined.accused
    )
    return replace(examined, accused=accused)


def turned(examined: Examined, places: Places) -> Examined:
    """What is known, with an update of the wrong sign in the place of a gradient of the wrong sign.

    It is one where a parameter moves the other way and the others are moved by another operation,
    or where all are added that are the other way. Else the output error is what all of them share.
    """
    if opposite(examined) and all(each.cause.kind != "negated" for each in examined.accused):
        if all(each.node.operation == "add" for each in places.updates):
            return _with_updates(examined, places.updates)
        lines = tuple(dict.fromkeys(line for each in examined.accused for line in each.lines))
        names = tuple(each.name for each in examined.gradients)
        return replace(examined, accused=(Accused(names, lines, Cause("negated"), mends=True),))
    wrong = {each.name for each in examined.gradients if not each.ok}
    right = {e.node.operation for e in places.updates if e.goal.name not in wrong}
    turned = [
        each
        for each in places.updates
        if each.goal.name in wrong and right and each.node.operation not in right
        and _is_negative(each.goal, examined)
    ]  # fmt: skip
    return _with_updates(examined, turned) if len(turned) == len(wrong) else examined


def _is_negative(goal: Goal, examined: Examined) -> bool:
    """Whether the worst entry of a gradient says that it is minus the right one."""
    worst = [e.cause.worst for e in examined.accused if goal.name in e.gradients and e.cause.worst]
    return all(abs(each.given + each.right) < HALF * abs(each.right) for each in worst)


def taking(examined: Examined, places: Places) -> Examined:
    """What is known, with updates that do not take the gradients, which are right, as they are.

    The negatives of gradients are right where all updates add them.
    """
    negated = sign_of(examined) < 0
    if not (negated or all(each.ok for each in examined.gradients)):
        return examined
    wrong = _wrong_updates(places.direct, places.moved, -1 if negated else 1)
    if negated:
        return examined if wrong or not places.moved else agreed(examined)
    known = {each.name: each.node for each in places.direct}
    grown = [
        replace(e, node=_grown_on(e, known[e.goal.name]))
        for e in places.updates
        if wrong.get(e.goal.name) == "growth"
    ]
    rest = [e for e in places.updates if wrong.get(e.goal.name) == "update"]
    found = _with_updates(examined, rest)
    both = _with_updates(replace(found, accused=()), grown, "growth")
    return replace(both, accused=(*found.accused, *both.accused))


def _grown_on(made: Update, gradient: Node) -> Node:
    """What adds a multiple of its parameter to a gradient; else what moves the parameter."""
    old = made.goal.parameter
    way = [e for e in walk([made.node]) if e.depends_on(gradient) and e is not gradient]
    met = (
        e for e in way if any(n.depends_on(old) and not n.depends_on(gradient) for n in e.inputs)
    )
    return min(met, key=lambda each: each.number, default=made.node)


def taking_what_is_given(examined: Examined, places: Places) -> Examined:
    """What is known of a layer that keeps its gradients, with updates to blame that go up by them.

    All may add what they are given, as is right for minus the gradient. What an update makes of a
    velocity, or of squares, is not judged.
    """
    wrong, adding = set[str](), set[str]()
    fits = _fits(places) if all(one.ok for one in examined.gradients) else {}
    for name, (by, decay, entries) in fits.items():
        adding |= {name} if by < 0 else set()
        wrong |= {name} if entries > 2 and decay < -HALF else set()  # noqa: PLR2004
    kind = ADDS if adding == {each.name for each in places.direct} else "update"
    return _with_updates(
        examined, [e for e in places.updates if e.goal.name in adding | wrong], kind
    )


def _fits(places: Places) -> dict[str, tuple[float, float, int]]:
    """How many times a gradient and its parameter are in what moves it, and of how many entries.

    Of parameters that are moved by these alone.
    """
    given = {each.name: np.ravel(each.node.value) for each in places.direct}
    found = {}
    for each in places.moved:
        gradient, parameter = given[each.name], np.ravel(each.parameter.value)
        if gradient.shape != parameter.shape:  # it is that of some rows
            continue
        (by, *decays), fit = _fit(gradient, parameter, np.ravel(each.node.value), ())
        if fit and np.any(each.node.value):
            found[each.name] = float(by), float(min(decays)), gradient.size
    return found


def are_followed(places: Places) -> bool:
    """Whether each parameter that a layer moves is moved by its gradient and decay alone."""
    return {each.name for each in places.direct} == {*_fits(places), *places.constant}


def sign_of(examined: Examined) -> float:
    """The factor that all gradients have; 0 if one of them is wrong otherwise."""
    ratios = [1.0 if each.ok else each.ratio or 0.0 for each in examined.gradients]
    if {each.cause.kind for each in examined.accused} == {"negated"}:
        return -examined.factor
    return examined.factor * ratios[0] if ratios and np.allclose(ratios, ratios[0]) else 0.0


def agreed(examined: Examined) -> Examined:
    """What is known, without the blame of the sign."""
    right = tuple(replace(each, ok=True, ratio=None) for each in examined.gradients)
    factor = sign_of(examined) or -examined.factor
    return replace(examined, gradients=right, accused=(), passes=(), factor=factor)


def _wrong_updates(direct: Sequence[Goal], moved: Sequence[Goal], sign: int) -> dict[str, str]:
    """The parameters that were not moved by one factor times their gradients, decay beside.

    Each with what its update does: `growth` where the parameter grows beside, else `update`.
    """
    given = {each.name: sign * np.ravel(each.node.value) for each in direct}
    wrong, factors = dict[str, str](), []
    fits: list[Array] = []
    for each in sorted(moved, key=lambda e: -np.size(e.node.value)):  # few entries tell little
        gradient = given.get(each.name)
        term = np.ravel(each.node.value)
        if gradient is None or gradient.shape != term.shape or not _linear(each, direct):
            continue
        if not np.any(gradient):
            continue  # it tells nothing
        solved, fit = _fit(gradient, np.ravel(each.parameter.value), term, fits)
        if not fit or solved[0] <= 0:
            wrong[each.name] = "update"
        elif term.size > 2 and min(solved[1:]) < -HALF:  # noqa: PLR2004
            wrong[each.name] = "growth"
        fits.append(solved)
        factors.append((float(solved[0]), each))
    largest = max((abs(factor) for factor, _ in factors), default=0.0)
    apart = [each for factor, each in factors if abs(factor - factors[0][0]) > HALF * largest]
    return wrong or {each.name: "update" for each in apart}


def _fit(
    gradient: Array, parameter: Array, term: Array, known: Sequence[Array]
) -> tuple[Array, bool]:
    """How many times a gradient, its parameter and the signs of it are in what moves it.

    And whether no more is. Where several fit, it is what other parameters have, then the gradient
    alone, then with decays of one kind, then with those of some entries.
    """
    whole = np.stack([gradient, parameter, np.sign(parameter)], axis=1)
    size = float(np.max(np.abs(term), initial=0.0))

    def fitted(columns: Array, kept: Sequence[int]) -> Array:
        solved = np.zeros(columns.shape[1])
        solved[kept] = least_squares(columns[:, kept], term)
        return solved

    for where in (np.ones_like(term), *entries_apart(term, gradient, parameter)):
        columns = whole * np.stack([np.ones_like(where), where, where], axis=1)
        own = (fitted(columns, kept) for kept in ([0], [0, 1], [0, 2], [0, 1, 2]))
        for solved in (*known, *(each * (1, 0, 0) for each in known), *own):
            if np.max(np.abs(columns @ solved - term), initial=0.0) <= size * HALF:
                return solved, True
    return fitted(whole, [0, 1]), False


HALF = 2.0**-26


LINEAR = {
    "subtract", "add", "multiply", "divide", "negative", "astype", "reshape", "copy", "array",
    "asarray", "transpose", "getitem", "sum", "filled",
}  # fmt: skip


def is_linear(places: Places) -> bool:
    """Whether parameters were moved, each by linear operations on the gradients alone."""
    moves = [replace(each.goal, node=each.node) for each in places.updates]
    return bool(moves) and all(_linear(each, places.direct) for each in moves)


def _linear(moved: Goal, direct: Sequence[Goal]) -> bool:
    """Whether what moves a parameter is made of gradients by linear operations alone."""
    ends = [each.node for each in direct]
    given = bits_of_nodes(ends)
    way = walk([moved.node], short_of(ends))
    return all(_is_linear(e, given) for e in way if e not in ends and e.uses & given)


def _is_linear(node: Node, given: int) -> bool:
    """Whether an operation is linear in those of its operands that are made of what is given."""
    made = [e for e in node.inputs if e.uses & given]
    by = node.operation == "divide" and any(e in made for e in node.args[1:2])
    return node.operation in LINEAR and not by and (node.operation != "multiply" or len(made) == 1)


NAMED = re.compile(
    r"[dD]_?[A-Z]\w*|d[a-z_]{1,2}\d*|d_?(prev|in|out|input|output)s?\w*|\w*grad\w*|delta\w*|nabla\w*"
)
"""The names of gradients, and not of `data` or `distance`."""


def of_the_inputs(run: Attempt, places: Places, loss: Node | None) -> Goal | None:
    """The gradient of the inputs that a program returns; None if there is none.

    An expression of their shape is one, or what goes backward by its name, such as `d`, unless the
    output is of that shape as well. Then, without a loss, nothing is.
    """
    x, output = run.scope.kinds["inputs"], run.data.output_shape
    if not isinstance(x, np.ndarray) or not run.node(x).given:
        return None
    alike = output == x.shape
    if loss is None and alike:
        return None
    for name, node in _beside(run, places, loss):
        said = NAMED.fullmatch(name) or (is_gradient(name) and not alike)
        if said and np.shape(node.value) == x.shape and node.depends_on(run.node(x)):
            return Goal(INPUT, run.node(x), node)
    return None


def with_inputs(examined: Examined, step: OwnPass, goal: Goal | None) -> Examined:
    """What is known of gradients, with that of the inputs, which may be of a sum beside means."""
    if goal is None:
        return examined
    cost = examined.cost if examined.cost in COSTS else None
    try:
        part = examine_pass(replace(step, goals=(goal,), promised=False, scaled=False), cost)
    except NotAGradientError:
        return examined
    return together([examined, part])


def not_judged(run: Attempt, places: Places, known: Sequence[str]) -> tuple[str, ...]:
    """The names of the gradients that a program returns and that nothing judged is made of.

    Args:
        run: of the program.
        places: where its gradients are.
        known: what was judged.
    """
    x = run.scope.kinds["inputs"]
    names = {
        name: np.shape(node.value)
        for name, node in _beside(run, places, None)
        if NAMED.fullmatch(name)
    }
    return tuple(e for e, shape in names.items() if INPUT not in known or shape != np.shape(x))


def _beside(run: Attempt, places: Places, loss: Node | None) -> Iterator[tuple[str, Node]]:
    """What is returned, by its name, and is neither a gradient that is judged nor in one."""
    ends = [*(each.node for each in places.goals), *([] if loss is None else [loss])]
    for leaf in returned(run, ("backward", "gradients")):
        node = run.node(leaf.value)
        own = np.ndim(leaf.value) > 0 and not node.constant and not node.given
        if own and not any(each is node or each.depends_on(node) for each in ends):
            yield leaf.name, node


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
