"""What a program is judged by: the readings that fit, each as one step of its own.

Where two readings fit, the one in which all is right is taken; if there is none, the one with most
gradients right. Left out: judging a step (`backward/own_pass.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from conformance.backward.declared import declared
from conformance.backward.findings import Accused, Cause, Examined, Line
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal, NoGradientError, NotAGradientError
from conformance.backward.source import line_of
from conformance.shapes.arguments import RATE
from conformance.shapes.attempt import Attempt, is_number
from conformance.shapes.places import Places, Update
from conformance.shapes.reading import Reading
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

TRIED = 2
"""So many readings are judged before the best is taken."""


@dataclass(frozen=True)
class Recognised:
    """What a program was taken for.

    Attributes:
        made: the call that makes it.
        layout: of the samples.
        coding: of the targets; nothing where there are none.
        calls: its functions, in the order in which they were called, each with its arguments.
        source: where its gradients are: `returned` or `moved`.
        parameters: their names.
        backward: the place among the calls of the one that gives the gradients.
        constant: the biases, where the program moves none of them.
    """

    made: str
    layout: str
    coding: str
    calls: tuple[str, ...]
    source: str
    parameters: tuple[str, ...]
    backward: int = -1
    constant: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A program, recognised and judged.

    Attributes:
        recognised: what it was taken for.
        examined: what is known of its gradients.
        used: the names of the functions and classes of the file that took part.
    """

    recognised: Recognised
    examined: Examined
    used: tuple[str, ...] = ()


def judged(readings: Iterator[Reading], cost: str | None = None) -> Found | None:
    """The best of the readings; None if there is none that can be judged."""
    best: Found | None = None
    first: Reading | None = None
    for each in islice(readings, TRIED):
        if first is not None and each.plan.calls != first.plan.calls:
            break
        try:
            found = Found(recognised(each), examined(each, cost), used(each.run))
        except NoGradientError:
            raise
        except NotAGradientError:
            continue
        first = first or each
        count = len(found.examined.gradients)
        fewer = best is not None and count < len(best.examined.gradients)  # they clear no more
        if right_gradients(found) == count and not fewer:
            return found
        if best is None or right_gradients(found) > right_gradients(best):
            best = found
    return best


def used(run: Attempt) -> tuple[str, ...]:
    """The names of the functions and classes of the file that took part in a run."""
    assert run.trace is not None  # noqa: S101 - a recorded run
    names = {frame.function for node in run.trace.nodes for frame in node.frames}
    waiting, seen = list(run.roots.values()), set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        elif type(each).__module__ == run.plan.module.__name__:
            names |= {kind.__name__ for kind in type(each).__mro__}
            waiting += vars(each).values() if hasattr(each, "__dict__") else ()
    return tuple(sorted(names))


def right_gradients(found: Found) -> int:
    """How many gradients of a program are right."""
    return sum(each.ok for each in found.examined.gradients)


def recognised(reading: Reading) -> Recognised:
    """What a reading takes a program for."""
    goals = reading.places.direct or reading.places.moved
    return Recognised(
        reading.plan.said,
        reading.data.layout,
        reading.data.coding,
        tuple(called(function) for _, function, _ in reading.run.results),
        "returned" if reading.places.direct else "moved",
        tuple(each.name for each in goals),
        next(i for i, (c, _, _) in enumerate(reading.run.results) if c.role in GIVING),
        () if reading.places.direct else reading.places.constant,
    )


GIVING = ("backward", "gradients", "train")
"""What the functions do that give gradients."""


def called(function: Any) -> str:
    """A function with the names of its arguments."""
    from conformance.shapes.arguments import taken

    names = ", ".join(each.name for each in taken(function))
    return f"{getattr(function, '__name__', 'it')}({names})"


def examined(reading: Reading, cost: str | None) -> Examined:
    """The gradients of a reading, then the update that it makes of them."""
    run, places = reading.run, reading.places
    goals, loss = places.direct or places.moved, _loss(run)
    if loss is not None and not np.all(np.isfinite(loss.value)):
        raise NotAGradientError("the loss is not finite")
    assert run.trace is not None  # noqa: S101 - a recorded run
    returned = None if cost or loss is not None else _by_returned(run, places)
    # One step of several is that of some samples: their output is a part of the whole.
    output, target = _meeting(run, goals) if places.several else (_output(run), run.target)
    used = (*(each.node for each in goals), loss, output, target)
    _cut(run.trace, [each for each in used if each is not None])
    step = OwnPass(
        run.trace,
        goals,
        loss=loss,
        target=target,
        output=output,
        scaled=not places.direct,
        returns=_returns(run),
        promised=bool(places.direct) and _together(run),
    )
    first = returned or _better_blamed(examine_pass(step, cost), step)
    if step.scaled:
        first = _never_moved(_turned(first, places), places)
        told = loss is not None or returned is not None
        if places.rate != RATE or not told or places.several:  # a rate may hold 1/m
            first = replace(first, factor=1.0)
    if not places.direct or not all(each.ok for each in first.gradients) or not places.moved:
        return first
    wrong = [each.name for each in _wrong_updates(places.direct, places.moved)]
    return _with_updates(first, [each for each in places.updates if each.goal.name in wrong])


def _meeting(run: Attempt, goals: Sequence[Goal]) -> tuple[Node | None, Node | None]:
    """The first value that depends on parameters and meets one of the targets, and that one."""
    assert run.trace is not None  # noqa: S101 - a recorded run
    whole = run.target
    for node in run.trace.nodes if whole is not None else ():
        if node.operation != "subtract" or len(node.inputs) != len(("output", "target")):
            continue
        used = any(each.node.depends_on(node) for each in goals)
        for output, target in (node.inputs, node.inputs[::-1]):
            learned = any(output.depends_on(each.parameter) for each in goals)
            own = (
                whole is not None
                and target.depends_on(whole)
                and not any(target.depends_on(each.parameter) for each in goals)
            )
            if used and learned and own:
                return output, _in_shape(run.trace, target, np.shape(output.value))
    return None, None


def _in_shape(trace: Trace, node: Node, shape: tuple[int, ...]) -> Node | None:
    """A node as an array of another shape; None if it has not as many entries."""
    value = np.asarray(node.value)
    if value.shape == shape:
        return node
    if value.size != int(np.prod(shape)):
        return None
    return trace.node("reshape", np.reshape, (node, shape), {}, value.reshape(shape))


def _better_blamed(examined: Examined, step: OwnPass) -> Examined:
    """What is known, with lines to blame by a known cost, where the own loss leads to none.

    Such a loss has an ε, or another constant, that the gradients leave out.
    """
    if step.loss is None or all(each.mends for each in examined.accused):
        return examined
    try:
        other = examine_pass(replace(step, loss=None))
    except NotAGradientError:
        return examined
    same = [each.ok for each in examined.gradients] == [each.ok for each in other.gradients]
    mends = bool(other.accused) and all(each.mends for each in other.accused)
    return replace(examined, accused=other.accused) if same and mends else examined


def _cut(trace: Trace, last: Sequence[Node]) -> None:
    """Let go what was computed after some nodes."""
    count = max(each.number for each in last) + 1
    del trace.nodes[count:]
    for each in trace.nodes:
        each.consumers = [user for user in each.consumers if user.number < count]


def _with_updates(first: Examined, wrong: Sequence[Update]) -> Examined:
    """What is known, with updates that do not take the gradients as they are."""
    if not wrong:
        return first
    names = {each.goal.name for each in wrong}
    gradients = tuple(replace(e, ok=False) if e.name in names else e for e in first.gradients)
    accused: dict[tuple[Line, ...], list[str]] = {}
    for each in wrong:
        line = line_of(each.node)
        accused.setdefault(() if line is None else (line,), []).append(each.goal.name)
    blamed = (
        Accused(tuple(names), lines, Cause("update"), mends=True)
        for lines, names in accused.items()
    )  # fmt: skip
    return replace(first, gradients=gradients, accused=tuple(blamed))


def with_lines(examined: Examined, updates: Sequence[Update]) -> Examined:
    """What is known, with the lines of updates where what moves a parameter was given as it is."""
    lines = {each.goal.name: line for each in updates if (line := line_of(each.node)) is not None}
    accused = tuple(
        replace(each, lines=tuple(dict.fromkeys(lines[e] for e in each.gradients if e in lines)))
        if not each.lines
        else each
        for each in examined.accused
    )
    return replace(examined, accused=accused)


def _never_moved(examined: Examined, places: Places) -> Examined:
    """What is known, with the lines of gradients that are computed and move no parameter."""
    lines = {each.name: line_of(each.node) for each in places.moved if each.name in places.still}
    accused = tuple(
        replace(each, lines=(line,), cause=Cause("still"))
        if len(each.gradients) == 1 and (line := lines.get(each.gradients[0])) is not None
        else each
        for each in examined.accused
    )
    return replace(examined, accused=accused)


def _turned(examined: Examined, places: Places) -> Examined:
    """What is known, with an update of the wrong sign in the place of a gradient of the wrong sign.

    It is one where a parameter moves the other way and the others are moved by another operation.
    """
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


def _loss(run: Attempt) -> Node | None:
    """The program's own loss, if it was computed from the parameters."""
    for call, _, result in run.results:
        value = result
        if (
            call.role in ("backward", "gradients")
            and isinstance(result, tuple | list)
            and len(result)
        ) or (call.role == "forward" and isinstance(result, tuple)):
            value = next((each for each in result if is_number(each)), None)
        elif call.role != "loss":
            continue
        if not is_number(value):
            continue
        node = run.node(value)
        parameters = [node for _, node in run.start.values() if node is not None]
        if any(node.depends_on(each) for each in parameters) and not _is_metric(run, node):
            return node
    return None


def _by_returned(run: Attempt, places: Places) -> Examined | None:
    """The gradients by the loss that a training step returns; None if they are of another one.

    What it returns may be a number to be read beside the loss that it goes down.
    """
    results = [result for call, _, result in run.results if call.role == "train"]
    parts = [e for part in results for e in (part if isinstance(part, tuple | list) else [part])]
    number = next((each for each in parts if is_number(each)), None)
    goals = places.moved
    node = None if number is None or places.several or places.direct else run.node(number)
    if node is None or not all(node.depends_on(each.parameter) for each in goals):
        return None
    if run.trace is None or any(node.depends_on(each.node) for each in goals):
        return None  # it is that after the step
    step = OwnPass(run.trace, goals, loss=node, scaled=True)
    found = examine_pass(step, blame=False)
    known = None if found.ok else declared(run.trace, [node], goals)
    return examine_pass(step) if known is node else found if found.ok else None


def _together(run: Attempt) -> bool:
    """Whether one call returned the loss and its gradients."""
    backward = [result for call, _, result in run.results if call.role in ("backward", "gradients")]
    alone = not any(call.role == "loss" for call, _, _ in run.results)
    return alone and isinstance(backward[0] if backward else None, tuple | list)


METRICS = {"absolute", "argmax", "equal", "round", "rint"}


def _is_metric(run: Attempt, node: Node) -> bool:
    """Whether it is a number to be read, such as the mean absolute error, and no loss.

    A penalty on the absolute values of weights belongs to a loss.
    """
    assert run.trace is not None  # noqa: S101 - a recorded run
    parameters = [node for _, node in run.start.values() if node is not None]
    return any(
        node.depends_on(each)
        and each.operation in METRICS
        and each is not node
        and not set(each.inputs) <= set(parameters)
        for each in run.trace.nodes
        if any(each.depends_on(parameter) for parameter in parameters)
    )


def _output(run: Attempt) -> Node | None:
    value = run.scope.kinds.get("output")
    if not isinstance(value, np.ndarray) or not any(c.role == "forward" for c, _, _ in run.results):
        return None
    return run.node(value)


def _returns(run: Attempt) -> tuple[Frame, ...]:
    from conformance.backward.program import last_return

    for call, function, _ in run.results:
        if call.role in GIVING:
            return last_return(getattr(function, "__func__", function))
    return ()


def _wrong_updates(direct: Sequence[Goal], moved: Sequence[Goal]) -> list[Goal]:
    """The parameters that were not moved by one factor times their gradients, decay beside."""
    given = {each.name: np.ravel(each.node.value) for each in direct}
    wrong, factors = [], []
    fits: list[Array] = []
    for each in sorted(moved, key=lambda e: -np.size(e.node.value)):  # few entries tell little
        gradient = given.get(each.name)
        term = np.ravel(each.node.value)
        if gradient is None or gradient.shape != term.shape or not linear(each, direct):
            continue
        columns = np.stack([gradient, np.ravel(each.parameter.value)], axis=1)
        solved, fit = _fit(columns, term, fits)
        if not fit or solved[0] <= 0 or (term.size > 2 and solved[1] < -HALF):  # noqa: PLR2004
            wrong.append(each)
        fits.append(solved)
        factors.append((float(solved[0]), each))
    largest = max((abs(factor) for factor, _ in factors), default=0.0)
    apart = [each for factor, each in factors if abs(factor - factors[0][0]) > HALF * largest]
    return wrong or apart


def _fit(columns: Array, term: Array, known: Sequence[Array]) -> tuple[Array, bool]:
    """How many times a gradient and its parameter are in what moves it, and whether no more is.

    Where several are, it is what other parameters have, then the gradient alone.
    """
    size = float(np.max(np.abs(term), initial=0.0))
    alone, *_ = np.linalg.lstsq(columns[:, :1], term, rcond=None)
    both, *_ = np.linalg.lstsq(columns, term, rcond=None)
    for solved in (*known, *(each * (1, 0) for each in known), np.append(alone, 0.0), both):
        if np.max(np.abs(columns @ solved - term), initial=0.0) <= size * HALF:
            return solved, True
    return both, False


HALF = 2.0**-26
LINEAR = {
    "subtract", "add", "multiply", "divide", "negative", "astype", "reshape", "copy", "array",
    "asarray", "transpose", "getitem", "sum", "filled",
}  # fmt: skip


def linear(moved: Goal, direct: Sequence[Goal]) -> bool:
    """Whether what moves a parameter is made of gradients by linear operations alone."""
    gradients = [each.node for each in direct]
    waiting, seen = [moved.node], set()
    while waiting:
        node = waiting.pop()
        if node in gradients or node.number in seen:
            continue
        seen.add(node.number)
        inputs = [e for e in node.inputs if any(e.depends_on(each) for each in gradients)]
        if node.operation == "multiply" and len(inputs) > 1:
            return False
        if node.operation == "divide" and len(node.args) > 1 and node.args[1] in inputs:
            return False
        if inputs and node.operation not in LINEAR:
            return False
        waiting += inputs
    return True
