"""What moved the parameters of a program: the first update of each, and the gradient in it.

Functions that move parameters may return them: which parameter each part is. Left out: whether what
moved them is right (`update_findings.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from conformance.backward.decay_terms import is_part
from conformance.backward.recorded_pass import Goal
from conformance.programs.held_state import Leaf, leaves, short
from conformance.shapes.attempts import Attempt, UnfitError
from conformance.shapes.function_sources import returned_parts
from conformance.shapes.matched import key_of, parameter_key
from conformance.shapes.moved_arrays import (
    goes_into,
    goes_on,
    is_beside,
    is_only_written,
    origin,
    parameters_among,
    taken_off_parts,
    unbounded,
)
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array


def updated(run: Attempt) -> dict[str, Any]:
    """What functions that move parameters returned, by paths and by names."""
    found: dict[str, Any] = {}
    for name, value in run.updated.items():
        for leaf in leaves(value, name, run.plan.module):
            found[leaf.path] = leaf.value
            if leaf.is_parameter:
                found.setdefault(short(leaf.path), leaf.value)  # `return {"w": w}`
    for name, value in handed_back(run):
        found |= {leaf.path: leaf.value for leaf in leaves(value, name, run.plan.module)}
    return found


def handed_back(run: Attempt) -> Iterator[tuple[str, Any]]:
    """What functions that train returned in the place of what they were handed, by its name."""
    for name, root in run.roots.items():
        before = {leaf.path for leaf in leaves(root, name, run.plan.module)}
        for value in _returned_by_training(run, name):
            after = {leaf.path for leaf in leaves(value, name, run.plan.module)}
            if name != "self" and before == after:
                yield name, value


def _returned_by_training(run: Attempt, name: str) -> Iterator[Any]:
    """What functions that train returned of what they were handed under a name.

    It is the part that they give the same name. Where none has it, it may be all that they
    returned, or each part of it; of several things they were handed, the part at its place.
    """
    place = list(run.roots).index(name)
    for call, function, result in run.results:
        if call.role != "train":
            continue
        parts = list(result) if type(result) is tuple else []
        named = [part for said, part in returned_parts(function, result) if said == name]
        if named or len(run.roots) == 1:
            yield from named or [result, *parts]
        elif [*map(_shapes, parts[: len(run.roots)])] == [*map(_shapes, run.roots.values())]:
            yield parts[place]


def _shapes(value: Any) -> Any:
    """The shape of an array or a number, or those of all that a list or a dict holds."""
    if isinstance(value, dict):
        return {key: _shapes(each) for key, each in value.items()}
    return [*map(_shapes, value)] if isinstance(value, list | tuple) else np.shape(value)


def returned_anew(run: Attempt) -> list[Leaf]:
    """What a function that trains returned, where it was handed no parameters and makes its own."""
    parts = () if run.roots else run.updated.items()
    found = (leaves(e, name, run.plan.module, computed=True) for name, e in parts)
    return [*chain.from_iterable(found)]


FirstUpdate = tuple[Node, Node, int]
Born = tuple[Leaf, Node, Node]
"""What a program made itself: where it is, what it was and what it has become."""


@dataclass(frozen=True, eq=False)
class Update:
    """A parameter that is moved.

    Attributes:
        goal: the parameter and what was taken off it.
        node: the operation that moved it.
        now: what it has become in the end.
        several: whether it was moved again, or before.
    """

    goal: Goal
    node: Node
    now: Node
    several: bool = False


def updates_of(run: Attempt, end: Iterable[Leaf], *, second: bool = False) -> list[Update]:
    """The parameters that were moved, with what was taken off them.

    Args:
        run: recorded.
        end: what the program holds after it.
        second: whether it is taken off by the second update, and not by the first.
    """
    trace = run.recorded
    after = {leaf.path: run.node(leaf.value) for leaf in end}
    returned = updated(run)
    for path, (leaf, node) in run.start.items():
        new = returned.get(path, returned.get(leaf.name))
        if new is not None and after.get(path) is node:
            after[path] = run.node(new)
    kept = {node for leaf, node in run.start.values() if node and not leaf.is_parameter}
    moved = _moved(run, after)
    states = moved.keys() - parameters_among({old: now for old, (_, now) in moved.items()})
    _leave_out(run, [path for path, (_, node) in run.start.items() if node in states])
    found: list[Update] = []
    for before, (path, now) in moved.items():
        if before not in states:
            old = taken_off(trace, before, now)[1] if second else before
            run.start[path] = run.start[path][0], old  # the program starts from there
            term, node = taken_off(trace, old, now)
            own = _unscaled(term, old, kept | states)
            found.append(_update(path, old, own, node, now))
    run.states.update(_carried(run, after, found))
    if not found and any(call.role == "train" for call, _, _ in run.results):
        found = _born(run, [*end, *returned_anew(run)])
    over_all = [e.goal.name for e in found if not e.several and _is_difference(e)]
    if over_all and any(each.several for each in found):
        words = f"{over_all[0]} is moved several times, of which the first is not recorded"
        raise UnfitError(words, len(run.results) + 1)
    return found


def _moved(run: Attempt, after: Mapping[str, Node]) -> dict[Node, tuple[str, Node]]:
    """What a run began with and has moved, each with its path and what it has become."""
    names = {parameter_key(leaf) for leaf, _ in run.start.values()}
    moved: dict[Node, tuple[str, Node]] = {}
    for path, (leaf, before) in run.start.items():
        sums = key_of(leaf) != parameter_key(leaf) and key_of(leaf) in names  # gb, beside b
        now = None if leaf.is_gradient or leaf.beside or sums else after.get(path)
        if before is None or now is None or now is before or not now.depends_on(before):
            continue
        if before in moved:
            continue  # it is held by two names
        if is_only_written(before) or (not leaf.is_parameter and is_beside(run, before, now)):
            continue  # what the program keeps of its last gradients, or of its inputs
        _check_shape(path, before, now)
        moved[before] = path, now
    return {each: made for each, made in moved.items() if not is_within(each, moved)}


def is_within(node: Node, wholes: Collection[Node]) -> bool:
    """Whether an array is a part of another one, as a matrix is of a vector of all parameters."""
    made = node.function is not None  # else it is no part
    return made and any(each is not node and is_part(node, each) for each in wholes)


def _carried(run: Attempt, after: Mapping[str, Node], found: Sequence[Update]) -> Iterator[str]:
    """The paths of what is carried from one update to the next, beside gradients, and moves some.

    What is put anew, such as what a layer keeps of its inputs, is not.
    """
    moved = {each.goal.parameter for each in found}
    for path, (leaf, old) in run.start.items():
        new = after.get(path)
        if old is None or new is None or new is old or old in moved or leaf.is_gradient:
            continue
        if new.depends_on(old) and any(each.now.depends_on(new) for each in found):
            yield path


def _leave_out(run: Attempt, paths: Iterable[str]) -> None:
    """Take arrays for no parameters: they are kept for the updates of others."""
    for each in paths:
        run.start.pop(each, None)
        run.states.add(each)


def _check_shape(path: str, old: Node, new: Node) -> None:
    """Raise an UnfitError where a parameter becomes something of another shape.

    A bias that begins as 0 may become an array of one number.
    """
    before, now = np.shape(old.value), np.shape(new.value)
    if now != before == () and (np.any(old.value) or np.size(new.value) > 1):
        raise UnfitError(f"{short(path)} is a number and becomes an array")
    if {*before} - {1} != {*now} - {1}:
        raise UnfitError(f"{short(path)} has the shape {before} and becomes one of {now}")


def _update(path: str, before: Node, term: Node, node: Node, now: Node) -> Update:
    return Update(Goal(short(path), before, term), node, now, several=node is not now)


def _born(run: Attempt, end: Iterable[Leaf]) -> list[Update]:
    """The parameters that a program that trains made itself, as those that it has moved."""
    inputs = run.node(run.scope.kinds["inputs"])
    begun = {node for _, node in run.start.values()}
    pairs: list[Born] = []
    for leaf in end:
        now = run.node(leaf.value)
        _, first = run.start.get(leaf.path, (leaf, None))
        kept = leaf.path in run.start and (first is None or now.depends_on(first))
        before = None if kept else origin(now)
        if before is None or before in begun or before.depends_on(inputs):  # it is such as z
            continue
        pairs.append((leaf, before, now))
    pairs = _parameters(pairs, inputs)
    known = parameters_among({before: now for _, before, now in pairs})
    _leave_out(run, [leaf.path for leaf, before, _ in pairs if before not in known])
    pairs = [each for each in pairs if each[1] in known]
    found = [_first(run, *each) for each in pairs]
    if found and all(each.several and not np.any(each.goal.parameter.value) for each in found):
        # What is made of zeros alone shows little: the second update, if no velocity is in it.
        steps = [(leaf, each.node, now) for (leaf, _, now), each in zip(pairs, found, strict=True)]
        second = [replace(_first(run, *each), several=True) for each in steps]
        goals, versions = [e.goal for e in found], [e.node for e in found]
        if not goes_on(goals, versions, [e.goal.node for e in second]):
            return second
        found = [_first(run, *each) for each in pairs]
    return found


def _parameters(made: Iterable[Born], inputs: Node) -> list[Born]:
    """Those of what is moved that are parameters; a number that no name tells, by what it does.

    It is moved by what was made of it and of the inputs, unlike a rate or a sum of losses; and so
    are the others, unlike by a running mean.
    """
    found = [each for each in made if _is_told(each[0]) or _is_of_itself(*each[1:], inputs)]
    return [
        (leaf, before, now)
        for leaf, before, now in found
        if _is_told(leaf) or all(each.depends_on(before) for _, _, each in found)
    ]


def _is_told(leaf: Leaf) -> bool:
    return leaf.is_parameter or np.ndim(leaf.value) > 0


def _is_of_itself(before: Node, now: Node, inputs: Node) -> bool:
    first = _first_update(before, now)
    return first is not None and all(map(first[1].depends_on, (before, inputs)))


def _first(run: Attempt, leaf: Leaf, before: Node, now: Node) -> Update:
    """The first update of a parameter after a node; the program starts from there."""
    run.start[leaf.path] = leaf, before
    term, node = taken_off(run.recorded, before, now)
    return _update(leaf.path, before, term, node, now)


def _unscaled(term: Node, parameter: Node, kept: set[Node]) -> Node:
    """The gradient that a term is made of that is divided by a root of its own squares.

    What is made of moments alone, which the program kept before, is no gradient.

    It is the last value of the parameter's shape through which all goes that the term and the root
    have in common, as in Adam, RMSprop and Adagrad; or it is divided by the largest, as in AdaMax.
    """
    above = list(walk([term]))
    roots = [e for e in above if _is_root(e) and e.value.shape == parameter.value.shape]
    if not roots:
        return term
    fitting = [
        e
        for e in above
        if e.function is not None
        and np.shape(e.value) == np.shape(parameter.value)
        and all(each.depends_on(e) for each in roots)
        and not any(e.depends_on(each) for each in roots)
        and not _around(term, e)
        and not kept.issuperset(each for each in walk([e]) if each.given)
    ]
    return max(fitting, key=lambda e: e.number, default=term)


def _is_root(node: Node) -> bool:
    largest = node.operation == "maximum" and any(e.operation == "absolute" for e in node.inputs)
    return largest or node.operation == "sqrt"


def _around(term: Node, through: Node) -> bool:
    """Whether a term depends on what a node depends on beside what goes through it."""
    given = {each for each in walk([through]) if each.given}

    def others(node: Node) -> list[Node]:
        return [each for each in node.inputs if each is not through]

    return term is not through and not given.isdisjoint(walk([term], others))


def without_rate(updates: list[Update]) -> tuple[list[Update], float]:
    """The gradients themselves and the rate, where each was multiplied by the same one."""
    found = [gradient_and_rate(each.goal) for each in updates]
    rates = {rate for _, rate in found}
    if len(rates) != 1:
        return updates, 1.0
    gradients = [
        replace(each, goal=Goal(each.goal.name, each.goal.parameter, node))
        for each, (node, _) in zip(updates, found, strict=True)
    ]
    return gradients, rates.pop()


def gradient_and_rate(goal: Goal) -> tuple[Node, float]:
    """What a rate was multiplied with, and the rate."""
    return _without(goal.node)


def _without(node: Node) -> tuple[Node, float]:
    """What a rate was multiplied with to give a value, and the rate; else the value and 1."""
    if node.operation != "multiply" or len(node.args) != 2:  # noqa: PLR2004
        return node, 1.0
    for rate, other in (node.args, node.args[::-1]):
        value = rate.value if type(rate) is Node else rate
        constant = type(rate) is not Node or rate.function is None
        inner = type(other) is Node and not other.constant
        rates = constant and np.size(value) == 1 and np.ravel(value)[0] > 0  # else it is a sign
        if rates and inner and other.value.shape == node.value.shape:
            return other, float(np.ravel(value)[0])
    return node, 1.0


def taken_off(trace: Trace, before: Node, after: Node) -> tuple[Node, Node]:
    """What the first update took off a parameter, and the operation that did it."""
    inner = unbounded(after)
    if inner is not None and inner is not before and inner.depends_on(before):
        return taken_off(trace, before, inner)[0], after
    first = _first_update(before, after)
    if first is None or (first[0] is not after and not _used(first[0], after)):
        parts = taken_off_parts(trace, before, after) or _shrunk(trace, before, after)
        return parts or (_difference(trace, before, after), after)
    made, term, sign = first
    shape = np.shape(before.value)
    if np.size(term.value) < np.size(before.value) and np.shape(made.value) == shape:
        term = _times(trace, term, np.multiply, (np.ones(shape),))  # the same along an axis
    elif np.shape(term.value) != shape:
        return _difference(trace, before, made), made
    if sign < 0:
        term = _times(trace, term, np.negative, ())
        inner, _ = _without(term)
        inner.frames, inner.calls = made.frames, made.calls  # it is put right where it is added
    return term, made


def _shrunk(trace: Trace, before: Node, after: Node) -> tuple[Node, Node] | None:
    """What was taken off a parameter that was multiplied by a number first, as (1 − η λ) w."""
    if after.operation not in ("subtract", "add") or len(after.args) != 2:  # noqa: PLR2004
        return None
    shares = {e: _without(e) for e in after.args if type(e) is Node and e.inputs == (before,)}
    for kept, (own, share) in shares.items():
        term = after.args[1] if after.args[0] is kept else after.args[0]
        signed = after.operation == "add" or after.args[0] is kept
        if own is before and signed and type(term) is Node and term.value.shape == kept.value.shape:
            lost = trace.node(
                "multiply", np.multiply, (1 - share, before), {}, (1 - share) * before.value
            )
            lost.frames, lost.calls = kept.frames, kept.calls
            joined = np.add if after.operation == "subtract" else np.subtract
            made = trace.node(
                joined.__name__, joined, (lost, term), {}, joined(lost.value, term.value)
            )
            made.frames, made.calls = after.frames, after.calls
            return made, after
    return None


def _times(trace: Trace, term: Node, function: np.ufunc, args: tuple[Array, ...]) -> Node:
    """What a function makes of a term without its rate, times the rate."""
    inner, rate = _without(term)
    value = function(inner.value, *args)
    made = trace.node(function.__name__, function, (inner, *args), {}, value)
    if inner is term:
        return made
    return trace.node("multiply", np.multiply, (rate, made), {}, rate * value)


def _first_update(before: Node, after: Node) -> FirstUpdate | None:
    """The first new value of a parameter, the term, and 1 if it was subtracted.

    What no further update leads on from is none, such as a sum with a bias, of a step in time that
    depends on it.
    """
    known: dict[Node, FirstUpdate | None] = {}
    way = walk([before], lambda each: _sums(each, after))
    for node in sorted(way, key=lambda each: -each.number):
        updates = (e for e in _sums(node, after) if e is after or known[e] is not None)
        known[node] = next(filter(None, (_update_by(e, node, after) for e in updates)), None)
    return known[before]


def _sums(before: Node, after: Node) -> Iterator[Node]:
    """The sums of a value and something else on the way to a later one."""
    for each in before.consumers:
        if each.operation in ("subtract", "add") and len(each.args) > 1 and after.depends_on(each):
            yield each


def _update_by(each: Node, before: Node, after: Node) -> FirstUpdate | None:
    """What a sum adds to a parameter, if it may be an update."""
    first, second = each.args[:2]
    if first is before and _is_term(second, before, each, after):
        return each, second, 1 if each.operation == "subtract" else -1
    added = second is before and each.operation == "add"
    return (each, first, -1) if added and _is_term(first, before, each, after) else None


def _is_term(value: Any, before: Node, each: Node, after: Node) -> bool:
    """Whether it may be what moves a parameter: it depends on it, or nothing comes after."""
    return type(value) is Node and (each is after or value.depends_on(before))


def _used(version: Node, after: Node) -> bool:
    """Whether a later forward pass used a version of a parameter that came before the last one.

    What the next update alone makes of it is weight decay.
    """
    later = _first_update(version, after)
    last = after if later is None else later[0]
    return any(each is not last and not goes_into(each, last) for each in version.consumers)


def _is_difference(update: Update) -> bool:
    """Whether it is no operation that was taken off a parameter, but all that it has moved."""
    old, node = update.goal.parameter, update.goal.node
    return node.args == (old, update.now) and old not in update.now.inputs


def _difference(trace: Trace, before: Node, after: Node) -> Node:
    value = np.asarray(before.value) - np.asarray(after.value)
    return trace.node("subtract", np.subtract, (before, after), {}, value)
