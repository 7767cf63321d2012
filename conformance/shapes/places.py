"""Where a program leaves the gradients of its parameters.

It returns them, keeps them beside the parameters, or moves the parameters by them. A gradient
belongs to the parameter whose name it bears (`dW1`), else to the one of its shape. Left out: what
moves parameters (`gradients_of_updates.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import Goal, last_return
from conformance.backward.source import is_float
from conformance.programs.held_state import Leaf, leaves, short
from conformance.programs.vocabulary import bare, stem
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import OPERATIONS, Attempt, EmptyError, Plan, UnfitError
from conformance.shapes.example_data import Data
from conformance.shapes.function_sources import returned_parts
from conformance.shapes.gradients_of_updates import (
    Update,
    is_within,
    updates_of,
    without_rate,
)
from conformance.shapes.matched import (
    is_bias,
    is_factor,
    is_only_added,
    key_of,
    matched,
    numbers_like,
    parameter_key,
    unnamed,
)  # fmt: skip
from conformance.shapes.moved_arrays import unclipped
from conformance.shapes.unfound import unfound
from conformance.tracing.node import Node, flat, is_followed
from conformance.tracing.trace import Trace, is_traced_number, plain
from conformance.tracing.vectorized import put_in_shape


@dataclass(frozen=True)
class Places:
    """The gradients of a run.

    Attributes:
        direct: those that the program returns or keeps.
        moved: what was taken off the parameters; up to one factor it is the gradient.
        still: the parameters that the output depends on and that did not move where others did.
        missing: those that the output depends on and of which no gradient is found.
        unfound: arrays that no name says are parameters, as none says it of those beside them that
            have gradients, and of which none is found.
        unnamed: further arrays that an output is made of and that no name says are parameters.
        updates: the operations that moved parameters.
        several: whether parameters were moved more than once, as by one sample after another.
        constant: the biases, where none of them moves: they stay as the program makes them; or what
            updates leave as it is, beside gradients.
        lost: the updates by which right gradients are lost, each with the kind of its mistake.
        rate: that all of `moved` were multiplied by, and which is taken out; 1 if there is none.
    """

    direct: tuple[Goal, ...]
    moved: tuple[Goal, ...]
    still: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()
    several: bool = False
    missing: tuple[str, ...] = ()
    unfound: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    rate: float = 1.0
    constant: tuple[str, ...] = ()
    lost: tuple[tuple[Update, str], ...] = ()

    @property
    def source(self) -> str:
        """How the gradients are given: `moved` or `returned`."""
        return "moved" if self.moved and not self.direct else "returned"

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The gradients to be judged."""
        return self.direct or self.moved


def places(run: Attempt, *, second: bool = False) -> Places:
    """The gradients that a recorded run left; of its second updates, where it makes more."""
    end = run.end()
    after = {each.path: run.node(each.value) for each in end}
    updates, rate = without_rate(updates_of(run, end, second=second))
    moved = unclipped(run.recorded, [each.goal for each in updates])
    kept = _kept(run, run.held or end)
    began = {node for _, node in run.start.values()}
    stepped = {after.get(path) for path, (e, _) in run.start.items() if e.is_parameter} - began
    names = {parameter_key(leaf) for leaf, _ in run.start.values()}
    given = [each for each in returned(run) if run.node(each.value) not in stepped]
    given = [e for e in given if run.node(e.value) not in run.inner or key_of(e) in names]
    gradients = [*given, *kept]
    found = matched(run, given, kept, {each.name for each in moved}, after)
    found = [e for e in found if not is_within(e.parameter, {each.parameter for each in found})]
    part = _is_later(found, updates) or _are_on_the_way(found, moved)
    direct = [] if part else _uncleared(run, found, moved, given)
    still = _others(run, moved)
    biases = (is_bias(path) or is_only_added(run.start[path][1]) for path in still)
    held = all(biases) and not any(is_bias(e.name) or is_only_added(e.parameter) for e in moved)
    by_size = _unused(run) if still else {}
    unused = {path: by_size.get(np.size(run.start[path][0].value)) for path in still}
    held = held and not any(each for path, each in unused.items() if is_bias(path))
    zeros = [_zero_goal(run, path, unused[path]) for path in still if not held]
    order = {short(path): i for i, path in enumerate(run.start)}
    known = {each.parameter for each in direct or moved}
    without = tuple(map(short, unfound(run, direct or moved, end, after)))
    named = {path for path, (leaf, _) in run.start.items() if leaf.is_parameter}
    silent = unnamed(run, gradients, named, after).items()
    unsaid = [short(path) for path, (_, node) in silent if node not in known]
    return Places(
        tuple(sorted(unclipped(run.recorded, direct), key=lambda each: order[each.name])),
        tuple(sorted([*moved, *zeros], key=lambda each: order[each.name])),
        tuple(map(short, still)),
        tuple(updates),
        any(each.several for each in updates),
        tuple(map(short, _others(run, direct))),
        without,
        tuple(each for each in unsaid if each not in without),
        rate,
        tuple(map(short, still)) if held else (),
    )


def _is_later(direct: Sequence[Goal], updates: Sequence[Update]) -> bool:
    """Whether the gradients that a program keeps are those of a later step than the first."""
    return any(e.several and goal.node.depends_on(e.node) for e in updates for goal in direct)


def _are_on_the_way(direct: Sequence[Goal], moved: Sequence[Goal]) -> bool:
    """Whether further parameters move by the gradients that a program keeps: it keeps its δ."""
    known = {each.parameter for each in direct}
    further = (each.node for each in moved if each.parameter not in known)
    return any(node.depends_on(goal.node) for node in further for goal in direct)


def _uncleared(
    run: Attempt, direct: list[Goal], moved: Sequence[Goal], given: Sequence[Leaf]
) -> list[Goal]:
    """The gradients that are found; none if they are cleared after the update, for the next step.

    What is returned is as it was then.

    Raises:
        UnfitError: some are not cleared, where others are.
    """
    going = {each.name for each in moved if np.any(each.node.value)}
    as_returned = {run.node(each.value) for each in given}
    zeros = (each for each in direct if not np.any(each.node.value))
    cleared = {e.name for e in zeros if e.name in going and e.node not in as_returned}
    if not cleared:
        return direct
    left = [each.name for each in direct if each.name not in cleared]
    if left:
        more = f" and {len(left) - 2} more" if len(left) > 2 else ""  # noqa: PLR2004
        words = f"the gradients of {', '.join(left[:2])}{more} are not cleared, where others are"
        raise UnfitError(words, len(run.results) + 1)
    return []


def _others(run: Attempt, goals: Sequence[Goal]) -> list[str]:
    """The paths of the parameters that the output depends on and that are not among some."""
    known = {each.parameter for each in goals}
    return [
        path
        for path, (leaf, node) in run.start.items()
        if goals and node is not None and node not in known and not is_within(node, known)
        and leaf.is_parameter and _matters(run, node) and not is_factor(path, node)
    ]  # fmt: skip


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
    return Goal(short(path), node, zeros)


def _unused(run: Attempt) -> dict[int, Node]:
    """What a program computes and makes nothing of: the first value of each size.

    It may be the gradient of a parameter of that size that is never moved.
    """
    parts = [
        each for _, function, result in run.results for each in returned_parts(function, result)
    ]
    given = flat([each for name, each in parts if stem(name) == bare(name)])
    used = {run.node(each) for each in given if is_followed(each)}  # such as the loss
    found: dict[int, Node] = {}
    for each in run.recorded.nodes:
        made = each.function is not None and not each.consumers and each.frames
        if made and is_float(each) and each not in used:
            found.setdefault(np.size(each.value), each)
    return found


def _kept(run: Attempt, end: Iterable[Leaf]) -> list[Leaf]:
    """What the program keeps under names of gradients."""
    names = {parameter_key(leaf)[0] for leaf, _ in run.start.values()}
    found = []
    for leaf in end:
        node = run.node(leaf.value)
        before = run.start.get(leaf.path)
        if before is not None and before[1] is node:
            continue
        itself = before is not None and before[1] is not None and node.depends_on(before[1])
        if itself and not leaf.is_gradient and key_of(leaf)[0] not in names:
            continue  # a parameter that was moved, such as `gewichte`, and no sum of gradients
        named = bare(leaf.name) != key_of(leaf)[0] or leaf.is_gradient
        if named and not leaf.is_parameter and leaf.beside != "other":
            found.append(leaf)
    return found


def returned(run: Attempt, roles: Sequence[str] = ("backward", "gradients", "train")) -> list[Leaf]:
    """What the functions that go backwards returned."""
    found: list[Leaf] = []
    began = {bare(leaf.name) for leaf, _ in run.start.values()}
    for call, function, result in run.results:
        if call.role not in roles:
            continue
        for path, part in returned_parts(function, result):
            if path in run.roots:
                continue  # it is the parameter after an update
            name = numbers_like(run.start, path, part)
            array = part if name else _of_list(run.trace, part, function)
            module = run.plan.module if call.role != "train" else None
            named = {path} if stem(path) in began else set()
            inside = leaves(array, name or path, module, named=named)
            found += [e for e in inside if call.role != "train" or stem(e.name) != bare(e.name)]
    return found


def _of_list(trace: Trace | None, value: Any, function: Any) -> Any:
    """A list of numbers, or of as long lists of them, as an array; anything else as it is.

    Args:
        trace: of the run, if it is recorded.
        value: the list.
        function: what returned it.
    """
    numbers = [*flat(value)] if isinstance(value, list) else []
    if not numbers or not all(type(e) is float or is_traced_number(e) for e in numbers):
        return value
    try:
        shape = np.shape(plain(value))
    except ValueError:  # the lists are not as long
        return value
    entries = np.array([float(plain(each)) for each in numbers]).reshape(shape)
    if trace is None:
        return entries
    nodes = trace.argument(numbers)
    node = trace.node("array", put_in_shape, (nodes, shape), {}, entries)
    node.frames = last_return(function)
    return trace.traced(entries, node)


MOST = 20_000
"""Operations of one run that are recorded."""


def first_run(plan: Plan, data: Data) -> tuple[Attempt, Places, int]:
    """A run of as many operations as a step takes, its gradients, and how many that are.

    Raises:
        UnfitError: it leaves no gradients, or its step does not end.
    """
    limits = (OPERATIONS, MOST) if plan.calls[-1].role == "train" else (MOST,)
    for most in limits:
        trace = Trace(sites=True, most=most)
        try:
            run = attempt(plan, data, trace=trace)
        except UnfitError:
            if trace.most is not None or most == limits[-1]:
                raise
            continue  # its forward pass is longer
        found = places(run)
        whole = len(run.recorded.nodes) < most or found.several
        if whole or (found.goals and not (found.still or found.unfound)):
            break
    if not found.goals:
        raise _without_gradients(run)
    if plan.calls[-1].role == "train" and _are_apart(run, found.goals):
        raise UnfitError("it moves nothing by inputs and targets together", len(run.results))
    if (found.still or found.unfound) and not whole:
        raise UnfitError(f"{MOST} operations move only a part of its parameters", len(run.results))
    return run, found, most


def _are_apart(run: Attempt, goals: Iterable[Goal]) -> bool:
    """Whether some gradients are of inputs, others of targets, and none of both: they are given."""
    given = [run.node(run.scope.kinds[kind]) for kind in ("inputs", "targets")]
    found = [[*map(each.node.depends_on, given)] for each in goals]
    return all(map(any, zip(*found, strict=True))) and not any(map(all, found))


def _without_gradients(run: Attempt) -> UnfitError:
    """Why a run gives no gradients."""
    stage = len(run.results) + 1
    for call, function, result in run.results:
        code = getattr(function, "__code__", None)
        if call.role != "backward" or result is not None or code is None:
            continue
        frames = (frame for node in run.recorded.nodes for frame in node.frames)
        empty = all(frame.function != code.co_name for frame in frames)
        what = "computes nothing and returns nothing" if empty else "returns nothing"
        where = f"{Path(code.co_filename).name}:{code.co_firstlineno}"
        words = f"{where}: {code.co_name} {what}, and no gradient is found that it keeps"
        return (EmptyError if empty else UnfitError)(words, stage)
    return UnfitError("it gives no gradients", stage)
