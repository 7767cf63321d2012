"""The gradients of one call of a custom function, judged, and what of them is declared.

A backward pass may be no derivative on purpose: where forward rounds or compares, whose derivative
is 0 (straight-through estimators, surrogate gradients), or hands its argument on unchanged (the
reversal of a gradient). Such a gradient is its author's choice: it is said, and not accused.

Left out: the call (`applied.py`, `by_jax.py`) and the engine (`backward/`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.backward.accuse import Contradicted
from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Accused, Cause, Declared, Examined, Judged, Line, merged
from conformance.backward.judge_gradients import Forward, distance, verdicts
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import Goal, Recorded
from conformance.backward.rules import Derivative, Moved
from conformance.backward.source import Operation, operation, own_lines
from conformance.backward.value_names import named, operation_text
from conformance.backward.value_names import operation as operation_of
from conformance.tracing.node import Node

ROUNDINGS = ("round", "sign", "floor", "ceil", "trunc")
"""Operations whose derivative is 0 wherever it is defined."""


@dataclass(frozen=True, eq=False)
class Called:
    """A call.

    Attributes:
        step: the record of both passes.
        outputs: the nodes of the differentiable outputs.
        sent: the nodes of what backward is given for them.
        absent: the names of arguments for which backward gives None.
    """

    step: OwnPass
    outputs: tuple[Node, ...]
    sent: tuple[Node, ...]
    absent: tuple[str, ...]


def examined_calls(
    again: Callable[..., Called], contradicted: Contradicted | None = None, *, told: bool = False
) -> Examined:
    """The gradients of a function, judged, and what is to blame for those that are wrong.

    Args:
        again: calls it; with `only`, for one of the outputs alone.
        contradicted: given the wrong gradients, tells which are right by other evidence.
        told: whether it is known which gradients are asked for.

    Raises:
        NotAGradientError: it gives no output or no gradients.
    """
    call = again()
    first = examine_pass(call.step, blame=False)
    doubtful = [each for each in first.gradients if not each.ok or each.dead]
    if not doubtful:
        return first
    declared = _declared(call, doubtful, told=told)
    open_ = [e for e in doubtful if not e.ok and e.name not in declared]
    blamed = {each.name: found for each in open_ if (found := _plainly(call, each)) is not None}
    left = tuple(e for e in call.step.goals if e.name not in {*declared, *blamed})
    rest = replace(first, gradients=())
    if left and len(blamed) < len(open_):
        step, alone = replace(call.step, goals=left), _wrong_outputs(again, call, left)
        rest = examine_pass(step, None, contradicted, blame=not alone)
        if alone and not all(each.ok for each in rest.gradients):
            rest = replace(rest, accused=tuple(e for s in alone for e in examine_pass(s).accused))
    known = {each.name: each for each in rest.gradients}
    gradients = (_marked(known.get(e.name, e), declared.get(e.name)) for e in first.gradients)
    accused = (*rest.accused, *merged(blamed.values(), lambda each: (each.lines, each.cause.kind)))
    return replace(rest, gradients=tuple(gradients), accused=accused)


def _wrong_outputs(
    again: Callable[..., Called], call: Called, goals: Sequence[Goal]
) -> list[OwnPass]:
    """The steps of single outputs whose gradients are wrong, if those of others are right.

    Backward is linear in what it is given: the gradient of each output by itself has to be right.
    """
    names = {each.name for each in goals}
    steps = []
    for place in range(len(call.outputs)) if len(call.outputs) > 1 else ():
        step = _settled(again(only=place))
        steps.append(replace(step, goals=tuple(e for e in step.goals if e.name in names)))
    wrong = [e for e in steps if not all(g.ok for g in examine_pass(e, blame=False).gradients)]
    return wrong if len(wrong) < len(steps) else []


def _settled(call: Called) -> OwnPass:
    """A step in which what comes of the zeros for other outputs, zeros too, is not to blame."""
    given = [each for each in call.sent if np.any(each.value)]
    for node in call.step.trace.nodes:
        sent = [each for each in call.sent if node.depends_on(each)]
        if sent and not {*sent} & {*given} and node.function and not np.any(node.value):
            node.operation, node.function, node.frames = "given 0", None, ()
    return call.step


def _plainly(call: Called, judged: Judged) -> Accused | None:
    """What is seen without the engine: no gradient is given, or one for a gradient of 1."""
    goal = next(each for each in call.step.goals if each.name == judged.name)
    if judged.name in call.absent:
        lines = tuple(Line(each.file, each.line) for each in call.step.returns)
        return Accused((judged.name,), lines, Cause("absent"), mends=False)
    if len(call.sent) != 1 or goal.node.depends_on(call.sent[0]):
        return None
    (sent,) = call.sent
    chain = Chain(call.step.trace)
    right = Forward(_recorded(call), chain).right(goal.parameter)
    given, back = chain.values[goal.node.number], chain.values[sent.number]
    if np.shape(given) != right.shape or np.shape(back) not in ((), right.shape):
        return None
    if distance(given * back, right) > HALF_OF_THE_DIGITS:
        return None
    why = Cause("unused", operation_text(goal.node), needed=named(sent), worst=judged.worst)
    where = tuple(own_lines(goal.node))[-1:]  # in backward itself, not in what it calls
    return Accused((judged.name,), where, why, mends=True)


def _marked(judged: Judged, declared: Declared | None) -> Judged:
    return judged if declared is None else replace(judged, ok=True, declared=declared)


def _recorded(call: Called) -> Recorded:
    step = call.step
    assert step.loss is not None  # noqa: S101 - a call has one
    return Recorded(step.trace, step.loss, step.goals, step.returns)


def _declared(call: Called, doubtful: Sequence[Judged], *, told: bool) -> dict[str, Declared]:
    """The gradients that are no derivatives on purpose, by their names.

    Args:
        call: of the function.
        doubtful: the gradients that are wrong, or have to be 0: balls take what rounds for the
            identity.
        told: whether it is known which gradients are asked for.
    """
    run = _recorded(call)
    goals = {each.name: each for each in call.step.goals}
    found: dict[str, Declared] = {}
    straight: list[str] | None = None
    for each in doubtful:
        goal = goals[each.name]
        step = _step(run, goal.parameter)
        if each.name in call.absent:
            if not told:
                found[each.name] = Declared("none")
        elif not np.any(goal.node.value) and each.ok:
            continue
        elif any(_same(out, goal.parameter) for out in call.outputs):
            found[each.name] = Declared("unchanged")
        elif step is not None and step.operation in ROUNDINGS:
            straight = _straight(run) if straight is None else straight
            kind = "straight" if each.name in straight else "step"
            found[each.name] = Declared(kind, operation_of(step))
        elif step is not None and each.dead:
            found[each.name] = Declared("step", operation_of(step))
    return found


def _same(output: Node, parameter: Node) -> bool:
    """Whether an output is an argument as it was."""
    return output.value.shape == parameter.value.shape and bool(
        np.array_equal(output.value, parameter.value)
    )


def _step(run: Recorded, parameter: Node) -> Node | None:
    """The first operation by which the loss depends on a parameter, and not smoothly."""
    between = [
        each
        for each in run.trace.nodes
        if isinstance(each.value, np.ndarray) and run.loss.depends_on(each)
        and each.depends_on(parameter)
    ]  # fmt: skip
    rounding = next((each for each in between if each.operation in ROUNDINGS), None)
    return rounding or next((e for e in between if e.value.dtype.kind != "f"), None)


class _Through(Chain):
    """A chain in which operations that round are taken for the identity."""

    def derivative(self, node: Node) -> tuple[Operation, Derivative] | None:
        """The derivative of an operation."""
        made = operation(node) if node.operation in ROUNDINGS else None
        if made is None or len(made.inputs) != 1:
            return super().derivative(node)
        shape = np.shape(node.value)
        places = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
        return made, Moved(places, [shape])


def _straight(run: Recorded) -> list[str]:
    """The gradients that are right if what rounds is taken for the identity."""
    found = verdicts(Forward(run, _Through(run.trace)))
    return [each.goal.name for each in found if each.ok]
