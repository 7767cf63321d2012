"""Whether a number that a program computes has to get less, like a loss, or to grow.

Its curvature in the output tells, by the program's own output error, and so does its name, or the
names of the terms that it is made of. Left out: which numbers these are (`loss_numbers.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared import compared
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, layouts, least_squares
from conformance.backward.costs import times
from conformance.backward.judge_gradients import Forward, distance
from conformance.backward.loss_names import by_name
from conformance.backward.loss_numbers import best_loss
from conformance.backward.no_loss import FEW
from conformance.backward.own_error import DIRECTIONS, OwnError, along
from conformance.backward.recorded_pass import Goal, Recorded, bits
from conformance.backward.saturated import unsaturated
from conformance.backward.source import operand_name
from conformance.backward.unknown_cost import OwnErrors
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array

MOST_AXES = 32  # entries of an output along whose axes its curvature is tried
NO_CURVATURE = 1e-9  # what is less beside the greatest is rounding, as where a cost is linear


def aim(loss: Node, bent: int) -> int:
    """1 if a number has to grow, −1 if it has to get less; 0 if nothing tells, or two contradict.

    Args:
        loss: the number.
        bent: 1 if it is convex in the output, −1 if it is concave, 0 if it is neither.
    """
    return int(np.sign(by_name(loss) - bent)) if by_name(loss) * bent <= 0 else 0


def objective(
    trace: Trace, losses: Sequence[Node], goals: tuple[Goal, ...], cost: Node | None
) -> Node | None:
    """Minus the number that gradients go up; None if it has to get less.

    All of them do, or some, where its name says that it has to grow.

    Args:
        trace: of the step.
        losses: numbers that the program computes.
        goals: the gradients.
        cost: one that is a known cost, which has to get less.
    """
    fit = best_loss(trace, losses, goals, sign=-1)
    if fit is None or fit.loss is cost or (fit.count < len(goals) and by_name(fit.loss) <= 0):
        return None
    run = Recorded(trace, fit.loss, goals)
    return None if aim(fit.loss, bend(run)) < 0 else times(trace, fit.loss, -1.0)


def lessens(trace: Trace, loss: Node, goals: tuple[Goal, ...]) -> bool:
    """Whether gradients go down a number that has to grow, by its name and no less by the rest.

    One that is convex in a parameter has no maximum.
    """
    if by_name(loss) <= 0 or aim(loss, bend(Recorded(trace, loss, goals))) <= 0:
        return False
    by = (OwnError(e.node, e.parameter, at_output=False, loss=loss) for e in goals)
    return all(curvature(trace, each) <= 0 for each in by)


def bend(run: Recorded) -> int:
    """1 if the loss of a run is convex in its output, −1 if concave; 0 if that is not known.

    The program's own output error tells, if the derivative of the loss is a multiple of it. Of what
    is multiplied by a variable, such as a reward, it is told of that without it.
    """
    chosen = compared(list(run.trace.nodes), run.goals, None, None)[:FEW]
    for each in OwnErrors(run, chosen).tried:
        known = factors(run, each, run.loss)
        if known:
            sign = np.sign(max(known, key=abs)) * _sign_of_weight(run)
            return int(sign) * curvature(run.trace, each)
    return 0


def _sign_of_weight(run: Recorded) -> float:
    """The sign of the number that a loss is multiplied by as a variable; 1 if there is none."""
    loss, given = run.loss, bits(run.goals)
    for place, each in enumerate(loss.args if loss.operation == "multiply" else ()):
        free = type(each) is not Node or not each.uses & given
        if free and operand_name(loss, place):
            return float(np.sign(np.ravel(each.value if type(each) is Node else each)[0])) or 1.0
    return 1.0


def curvature(trace: Trace, found: OwnError) -> int:
    """1 if the cost with this output error is convex, −1 if concave; 0 if it is neither.

    It is so if it bends one way along generic directions, and along the axes of some entries.
    """
    shape, size = np.shape(found.output.value), np.size(found.output.value)
    generic = np.random.default_rng(0).normal(size=(DIRECTIONS, size))
    places = np.linspace(0, size - 1, min(size, MOST_AXES)).astype(int)
    axes = (np.arange(size) == places[:, None]).astype(float)
    seeds = np.concatenate([generic, axes]).reshape(-1, *shape)
    pairs = zip(seeds, along(trace, found, seeds), strict=True)
    bent = np.array([found.factor * np.vdot(u, ju) for u, ju in pairs if ju is not None])
    signs = {*np.sign(bent[np.abs(bent) > np.max(np.abs(bent), initial=0.0) * NO_CURVATURE])}
    return int(signs.pop()) if len(signs) == 1 else 0


def factors(run: Recorded, error: OwnError, loss: Node) -> list[float] | None:
    """By which factors an error is the derivative of a number; None if the output is not in it.

    Where a logarithm in it is of almost 0, the derivative is that of an ε or of a bound, or none:
    there other parameters tell.
    """
    run = replace(run, loss=loss)
    forward = Forward(run, Chain(run.trace))
    found = _factors(forward, error)
    elsewhere = None if found else unsaturated(forward)
    return found if elsewhere is None else _factors(elsewhere, error)


def _factors(forward: Forward, error: OwnError) -> list[float] | None:
    right = _derivative(forward, error.output)
    if right is None or not np.any(right):
        return None
    given, found = np.asarray(forward.chain.values[error.error.number], np.float64), []
    size = float(np.vdot(right, right))
    if not size:  # its squares are 0
        return []
    for layout in layouts(given.shape, right.shape):
        turned = layout(given)
        factor = float(np.vdot(turned, right)) / size
        if factor and distance(turned, factor * right) <= half_of_its_digits(error.error):
            found.append(factor)
    return found


def is_of_several(
    run: Recorded, error: OwnError, called: Sequence[Node], others: Sequence[Node]
) -> bool:
    """Whether an error is the derivative of a sum of several numbers, each with its own weight.

    Such are the loss of a policy and its entropy, which are only printed one by one. Each number
    that the program calls its loss, and that has a derivative there, has to get less; the weight of
    what it has as a term, though computed again, is known.

    Args:
        run: of the step.
        error: what the program has for the derivative by an output.
        called: the numbers that it calls its losses.
        others: further numbers.
    """
    known_terms = {(e.operation, e.value.tobytes()) for e in walk(called) if np.size(e.value) == 1}
    rest = [e for e in others if (e.operation, e.value.tobytes()) not in known_terms]
    numbers = dict.fromkeys((*called, *rest))
    ends = [e for e in numbers if not any(o is not e and o.depends_on(e) for o in numbers)]
    known = ((e, _derivative(_forward_to(run, e), error.output)) for e in ends)
    terms = {each: right for each, right in known if right is not None and np.any(right)}
    given = np.asarray(run.trace.nodes[error.error.number].value, np.float64)
    if not len(terms) > 1 or given.size <= len(terms):
        return False
    rows, half = np.array([np.ravel(right) for right in terms.values()]), half_of_its_digits
    for layout in layouts(given.shape, np.shape(error.output.value)):
        turned = np.ravel(layout(given)) * error.factor
        weights = least_squares(rows.T, turned)
        sizes = np.abs(weights) * np.linalg.norm(rows, axis=1)
        apart = all(sizes > half(error.error) * np.max(sizes))  # else it is the derivative of one
        goes_down = all(by > 0 for e, by in zip(terms, weights, strict=True) if e in called)
        if apart and goes_down and distance(turned, weights @ rows) <= half(error.error):
            return True
    return False


def _forward_to(run: Recorded, loss: Node) -> Forward:
    return Forward(replace(run, loss=loss), Chain(run.trace))


def half_of_its_digits(node: Node) -> float:
    """How far off a value may be in its own format, so that it is another that was rounded."""
    return max(HALF_OF_THE_DIGITS, sqrt(np.finfo(node.value.dtype).eps))


def _derivative(forward: Forward, output: Node) -> Array | None:
    """The derivative by an output, or by the same numbers that a loss has computed for itself."""
    own = forward.gradient.get(output.number)
    if own is not None:
        return own
    alike = (e for e in forward.nodes() if e.operation == output.operation)
    same = (e for e in alike if np.array_equal(e.value, output.value))
    return next((forward.gradient[each.number] for each in same), None)
