"""Where a program leaves the gradients of its parameters.

It returns them, keeps them beside the parameters, or moves the parameters by them. A gradient
belongs to the parameter whose name it bears (`dW1`), else to the one of its shape.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.backward.operation import is_float
from conformance.backward.program import Goal
from conformance.shapes.attempt import Attempt, UnfitError
from conformance.shapes.definitions import returned_names
from conformance.shapes.state import Leaf, leaves
from conformance.shapes.vocabulary import BIAS, bare, kinds_of, stem
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, flat
from conformance.tracing.trace import Trace

Key = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Update:
    """A parameter that is moved.

    Attributes:
        goal: the parameter and what was taken off it.
        node: the operation that moved it.
        later: whether it was moved again.
    """

    goal: Goal
    node: Node
    later: bool = False


@dataclass(frozen=True)
class Places:
    """The gradients of a run.

    Attributes:
        direct: those that the program returns or keeps.
        moved: what was taken off the parameters; up to one factor it is the gradient.
        still: the parameters that the output depends on and that did not move where others did.
        missing: those that the output depends on and of which no gradient is found.
        updates: the operations that moved parameters.
        several: whether parameters were moved more than once, as by one sample after another.
        constant: the biases, where none of them moves: they stay as the program makes them.
        rate: that all of `moved` were multiplied by, and which is taken out; 1 if there is none.
    """

    direct: tuple[Goal, ...]
    moved: tuple[Goal, ...]
    still: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()
    several: bool = False
    missing: tuple[str, ...] = ()
    rate: float = 1.0
    constant: tuple[str, ...] = ()

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The gradients to be judged."""
        return self.direct or self.moved


def places(run: Attempt) -> Places:
    """The gradients that a recorded run left."""
    end = run.end()
    updates, rate = _without_rate(_updates(run, end))
    moved = [each.goal for each in updates]
    kept = _kept(run, end)
    returned = _returned(run)
    direct = _matched(run, [*returned, *kept], {each.name for each in moved})
    still = _others(run, moved)
    held = all(map(_is_bias, still)) and not any(_is_bias(each.name) for each in moved)
    unused = {path: _unused(run, path) for path in still}
    held = held and not any(unused.values())
    zeros = [_zero_goal(run, path, unused[path]) for path in still if not held]
    order = {_short(path): i for i, path in enumerate(run.start)}
    return Places(
        tuple(sorted(direct, key=lambda each: order[each.name])),
        tuple(sorted([*moved, *zeros], key=lambda each: order[each.name])),
        tuple(map(_short, still)),
        tuple(updates),
        any(each.later for each in updates),
        tuple(map(_short, _others(run, direct))),
        rate,
        tuple(map(_short, still)) if held else (),
    )


def _others(run: Attempt, goals: Sequence[Goal]) -> list[str]:
    """The paths of the parameters that the output depends on and that are not among some."""
    names = {each.name for each in goals}
    return [
        path
        for path, (leaf, node) in run.start.items()
        if goals and node is not None and _short(path) not in names
        and leaf.is_parameter and _matters(run, node)
    ]  # fmt: skip


def _is_bias(path: str) -> bool:
    """Whether a parameter is a bias by its name."""
    words = re.sub(r"\[[^\]]*\]$", "", path) if not path.endswith("']") else _short(path)
    return BIAS.fullmatch(bare(words.rpartition(".")[2])) is not None


def _short(path: str) -> str:
    """The name of a parameter, as it is said."""
    found = re.fullmatch(r"\w+\['(\w+)'\]", path)
    return found[1] if found else path.removeprefix("self.")


def _matters(run: Attempt, node: Node) -> bool:
    """Whether what the program computed depends on a node in more than one way on."""
    output = run.scope.kinds.get("output")
    if output is not None and run.node(output).depends_on(node):
        return True
    return bool(node.consumers)


def _zero_goal(run: Attempt, path: str, unused: Node | None) -> Goal:
    node = run.start[path][1]
    assert node is not None  # noqa: S101 - of recorded runs
    zeros = run.recorded.node("constant", None, (), {}, np.zeros(np.shape(node.value)))
    if unused is not None:
        zeros.frames, zeros.calls = unused.frames, unused.calls
    return Goal(_short(path), node, zeros)


def _unused(run: Attempt, path: str) -> Node | None:
    """What a program computes in the shape of a parameter and makes nothing of, if anything.

    It may be the gradient of one that is never moved.
    """
    size = np.size(run.start[path][0].value)
    for each in run.recorded.nodes:
        alike = np.size(each.value) == size and is_float(each)
        if alike and each.function is not None and not each.consumers and each.frames:
            return each
    return None


def _kept(run: Attempt, end: Iterable[Leaf]) -> list[Leaf]:
    """What the program keeps under names of gradients."""
    names = {_parameter_key(leaf)[0] for leaf, _ in run.start.values()}
    found = []
    for leaf in end:
        node = run.node(leaf.value)
        before = run.start.get(leaf.path)
        if before is not None and before[1] is node:
            continue
        itself = before is not None and before[1] is not None and node.depends_on(before[1])
        if itself and key_of(leaf)[0] not in names:
            continue  # a parameter that was moved, such as `gewichte`, and no sum of gradients
        named = bare(leaf.name) != key_of(leaf)[0] or leaf.is_gradient
        if named and not leaf.is_parameter:
            found.append(leaf)
    return found


def _returned(run: Attempt) -> list[Leaf]:
    """What the functions that go backwards returned."""
    found: list[Leaf] = []
    for call, function, result in run.results:
        if call.role not in ("backward", "gradients", "train"):
            continue
        names = returned_names(function)
        parts = list(result) if isinstance(result, tuple | list) else [result]
        if len(names) != len(parts):
            names = tuple("returned" for _ in parts)
        for i, (name, part) in enumerate(zip(names, parts, strict=True)):
            if name in run.roots:
                continue  # it is the parameter after an update
            path = name if name != "returned" or len(parts) == 1 else f"returned[{i}]"
            inside = leaves(part, path, run.plan.module if call.role != "train" else None)
            found += [e for e in inside if call.role != "train" or stem(e.name) != bare(e.name)]
    return found


def key_of(leaf: Leaf) -> Key:
    """What the names of a parameter and of its gradient have in common."""
    return _canonical(stem(leaf.name)), tuple(re.findall(r"\[(\d+)\]", leaf.path))


def _canonical(words: str) -> str:
    for kind, pattern in (("w", r"(weights?|w|theta|kernel)(.*)"), ("b", r"(bias(?:es)?|b)(.*)")):
        found = re.fullmatch(pattern, words)
        if found:
            return kind + found[2]
    return words


def _parameter_key(leaf: Leaf) -> Key:
    return _canonical(bare(leaf.name)), tuple(re.findall(r"\[(\d+)\]", leaf.path))


def _matched(run: Attempt, found: Sequence[Leaf], moved: set[str]) -> list[Goal]:
    """Each parameter with its gradient, by name and then by shape."""
    parameters = {
        path: (leaf, node)
        for path, (leaf, node) in run.start.items()
        if node is not None
        and not leaf.is_gradient
        and (
            leaf.is_parameter
            or _short(path) in moved
            or not path.startswith("self")
            or "params" in kinds_of(leaf.name)
            or _is_asked_for(run, leaf, node, found)
        )
    }
    pairs: dict[str, Leaf] = {}
    for path, (leaf, _) in parameters.items():
        fitting = [each for each in found if key_of(each) == _parameter_key(leaf)]
        shaped = [each for each in fitting if np.shape(each.value) == np.shape(leaf.value)]
        chosen = shaped or fitting
        beside = [each for each in chosen if _holder(each.path) == _holder(path)]
        if chosen:
            pairs[path] = (beside or chosen)[-1]
    if len(pairs) < len(parameters):
        pairs |= _by_shape(parameters, found, pairs)
    goals = []
    for path, gradient in pairs.items():
        node = parameters[path][1]
        assert node is not None  # noqa: S101 - they were chosen so
        goals.append(Goal(_short(path), node, run.node(gradient.value)))
    return goals


def _holder(path: str) -> str:
    """What holds a value: `self.layers[0]` of `self.layers[0].W`."""
    return path.rpartition(".")[0]


def _is_asked_for(run: Attempt, leaf: Leaf, node: Node, found: Sequence[Leaf]) -> bool:
    """Whether the program computes with a value of its own, and gives a gradient of its name."""
    data = [run.node(run.scope.kinds[kind]) for kind in ("inputs", "targets")]
    return bool(node.consumers) and node not in data and any(
        key_of(each) == _parameter_key(leaf) and np.shape(each.value) == np.shape(leaf.value)
        for each in found
        if run.node(each.value) is not node
    )  # fmt: skip


def _by_shape(
    parameters: Mapping[str, tuple[Leaf, Node | None]],
    found: Sequence[Leaf],
    known: dict[str, Leaf],
) -> dict[str, Leaf]:
    """The gradients of parameters that no name tells, each the only one of its shape."""
    taken = {id(each) for each in known.values()}
    pairs: dict[str, Leaf] = {}
    for path, (leaf, _) in parameters.items():
        if path in known:
            continue
        shape = np.shape(leaf.value)
        fitting = [e for e in found if np.shape(e.value) == shape and id(e) not in taken]
        inside = [e for e in fitting if key_of(e)[1] == _parameter_key(leaf)[1]]
        if len(fitting) > len(inside) == 1:
            pairs[path] = inside[0]
            continue
        same = [
            e for p, (e, _) in parameters.items() if np.shape(e.value) == shape and p not in known
        ]
        if len(fitting) == 1 and len(same) == 1:
            pairs[path] = fitting[0]
    return pairs


def _updates(run: Attempt, end: Iterable[Leaf]) -> list[Update]:
    """The parameters that were moved, with what was taken off them."""
    trace = run.recorded
    after = {leaf.path: run.node(leaf.value) for leaf in end}
    returned = _updated(run)
    for path, (leaf, node) in run.start.items():
        new = returned.get(path, returned.get(leaf.name))
        if new is not None and after.get(path) is node:
            after[path] = run.node(new)
    found = []
    for path, (leaf, before) in run.start.items():
        now = None if leaf.is_gradient else after.get(path)
        if before is None or now is None or now is before or not now.depends_on(before):
            continue
        if np.shape(now.value) != np.shape(before.value) and not np.shape(before.value):
            raise UnfitError(f"{_short(path)} is a number and becomes an array")
        term, node = taken_off(trace, before, now)
        found.append(_update(path, before, _unscaled(term, before), node, now))
    if not found:
        found = _born(run, end)
    return found


def _update(path: str, before: Node, term: Node, node: Node, now: Node) -> Update:
    return Update(Goal(_short(path), before, term), node, later=node is not now)


def _updated(run: Attempt) -> dict[str, Any]:
    """What functions that move parameters returned, by paths and by names."""
    found: dict[str, Any] = {}
    for name, value in run.updated.items():
        for leaf in leaves(value, name, run.plan.module):
            found[leaf.path] = leaf.value
            if leaf.is_parameter:
                found.setdefault(_short(leaf.path), leaf.value)  # `return {"w": w}`
    for name, root in run.roots.items():
        before = {leaf.path for leaf in leaves(root, name, run.plan.module)}
        for value in _returned_by_training(run):
            after = {leaf.path: leaf.value for leaf in leaves(value, name, run.plan.module)}
            if name != "self" and before == after.keys():
                found |= after
    return found


def _returned_by_training(run: Attempt) -> Iterator[Any]:
    """What functions that train returned, and each part of it."""
    for call, _, result in run.results:
        if call.role == "train":
            yield result
            yield from result if type(result) is tuple else ()


def _born(run: Attempt, end: Iterable[Leaf]) -> list[Update]:
    """The parameters that a program that trains made itself, as those that it has moved."""
    trace = run.recorded
    inputs = run.node(run.scope.kinds["inputs"])
    found = []
    for leaf in end:
        if leaf.path in run.start:
            continue
        now = run.node(leaf.value)
        before = _origin(now)
        if before is not None and not before.depends_on(inputs):  # else it is such as z
            run.start[leaf.path] = leaf, before
            term, node = taken_off(trace, before, now)
            found.append(_update(leaf.path, before, term, node, now))
    return found


def _origin(node: Node) -> Node | None:
    """What a parameter was before its updates; None if it was not updated."""
    updated = False
    while True:
        shape = np.shape(node.value)
        earlier = [e for e in node.args[:2] if type(e) is Node and np.shape(e.value) == shape]
        if node.operation == "subtract" and earlier and node.args[0] is earlier[0]:
            node, updated = earlier[0], True
        elif node.operation == "add" and earlier:
            node, updated = min(earlier, key=lambda e: e.number), True
        elif node.operation == FILLED and _adds_to_a_part(node):
            node, updated = node.args[0], True
        else:
            return node if updated else None


def _adds_to_a_part(node: Node) -> bool:
    """Whether a part of an array was written that is itself with something added, `w[1:] += d`."""
    written = [e for e in flat(node.args[1:]) if type(e) is Node]
    return type(node.args[0]) is Node and any(
        part.operation == "getitem"
        for each in written
        for part in (each, *(each.inputs if each.operation in ("add", "subtract") else ()))
    )


def _unscaled(term: Node, parameter: Node) -> Node:
    """The gradient that a term is made of that is divided by a root of its own squares.

    It is the last value of the parameter's shape through which all goes that the term and the root
    have in common, as in Adam, RMSprop and Adagrad.
    """
    above = list(walk([term]))
    roots = [e for e in above if e.operation == "sqrt" and e.value.shape == parameter.value.shape]
    if not roots:
        return term
    fitting = [
        e
        for e in above
        if not e.constant
        and np.shape(e.value) == np.shape(parameter.value)
        and all(each.depends_on(e) for each in roots)
        and not any(e.depends_on(each) for each in roots)
        and not _around(term, e)
    ]
    return max(fitting, key=lambda e: e.number, default=term)


def _around(term: Node, through: Node) -> bool:
    """Whether a term depends on what a node depends on beside what goes through it."""
    given = {each for each in walk([through]) if each.given}

    def others(node: Node) -> list[Node]:
        return [each for each in node.inputs if each is not through]

    return term is not through and not given.isdisjoint(walk([term], others))


def _without_rate(updates: list[Update]) -> tuple[list[Update], float]:
    """The gradients themselves and the rate, where each was multiplied by the same one."""
    found = [_gradient_and_rate(each.goal) for each in updates]
    rates = {rate for _, rate in found}
    if len(rates) != 1:
        return updates, 1.0
    gradients = [
        replace(each, goal=Goal(each.goal.name, each.goal.parameter, node))
        for each, (node, _) in zip(updates, found, strict=True)
    ]
    return gradients, rates.pop()


def _gradient_and_rate(goal: Goal) -> tuple[Node, float]:
    """What a rate was multiplied with, and the rate."""
    node = goal.node
    if node.operation != "multiply" or len(node.args) != 2:  # noqa: PLR2004
        return node, 1.0
    for rate, other in (node.args, node.args[::-1]):
        value = rate.value if type(rate) is Node else rate
        constant = type(rate) is not Node or rate.function is None
        inner = type(other) is Node and not other.constant
        if constant and np.size(value) == 1 and inner and other.value.shape == node.value.shape:
            return other, float(np.ravel(value)[0])
    return node, 1.0


def taken_off(trace: Trace, before: Node, after: Node) -> tuple[Node, Node]:
    """What the first update took off a parameter, and the operation that did it."""
    first = _first_update(before, after)
    if first is None:
        return _difference(trace, before, after), after
    made, term, sign = first
    if made is not after and not _used(made, after):
        return _difference(trace, before, after), after
    if np.shape(term.value) != np.shape(before.value):
        return _difference(trace, before, made), made
    if sign > 0:
        return term, made
    return trace.node("negative", np.negative, (term,), {}, -np.asarray(term.value)), made


def _first_update(before: Node, after: Node) -> tuple[Node, Node, int] | None:
    """The first new value of a parameter, the term, and 1 if it was subtracted."""
    for each in before.consumers:
        if each.operation not in ("subtract", "add") or not after.depends_on(each):
            continue
        if len(each.args) < 2:  # noqa: PLR2004
            continue
        if each is not after and _first_update(each, after) is None:
            continue  # such as a sum with a bias, of a step in time that depends on it
        first, second = each.args[:2]
        if first is before and _is_term(second, before, each, after):
            return each, second, 1 if each.operation == "subtract" else -1
        added = second is before and each.operation == "add"
        if added and _is_term(first, before, each, after):
            return each, first, -1
    return None


def _is_term(value: Any, before: Node, each: Node, after: Node) -> bool:
    """Whether it may be what moves a parameter: it depends on it, or nothing comes after."""
    return type(value) is Node and (each is after or value.depends_on(before))


def _used(version: Node, after: Node) -> bool:
    """Whether a later forward pass used a version of a parameter that came before the last one.

    What the next update alone makes of it is weight decay.
    """
    later = _first_update(version, after)
    last = after if later is None else later[0]
    return any(each is not last and not _decays(each, last) for each in version.consumers)


def _decays(node: Node, update: Node) -> bool:
    """Whether all that is made of a number is multiplied by constants on the way to an update."""
    if node is update:
        return True
    scalars = [
        e
        for e in node.args
        if type(e) is not Node or (e.function is None and np.size(e.value) == 1)
    ]
    if node.operation not in ("multiply", "subtract", "add") or not (
        scalars or update in node.consumers
    ):
        return False
    return bool(node.consumers) and all(_decays(each, update) for each in node.consumers)


def _difference(trace: Trace, before: Node, after: Node) -> Node:
    value = np.asarray(before.value) - np.asarray(after.value)
    return trace.node("subtract", np.subtract, (before, after), {}, value)
