"""A step of a program that has no loss, judged by the cost whose gradients it computes.

A softmax along another axis than that of the classes has the output error of one along the right
axis: so what divides the exponentials is to blame, and not the output error.

Left out: trying the known costs (`no_loss.py`) and what stands for an unknown one
(`unknown_cost.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import cast

import numpy as np

from conformance.backward.accuse import finished
from conformance.backward.certain import measured
from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.costs import OF_MARGINS
from conformance.backward.decay_lines import with_decay
from conformance.backward.factor import factor_in_part
from conformance.backward.findings import Accused, Cause, Changed, Examined
from conformance.backward.judge_gradients import Forward, judged
from conformance.backward.no_loss import (
    COST_NAMES,
    Tried,
    best,
    factors,
    loss_of,
    tried,
    undecayed,
)
from conformance.backward.normal_equations import is_of_a_form
from conformance.backward.own_error import OwnError, adds_up, goes_up, has_a_cost
from conformance.backward.recorded_pass import NotAGradientError, OwnPass, Recorded
from conformance.backward.source import line_of, lines_of, lines_of_each, own_lines
from conformance.backward.unknown_cost import (
    OwnErrors,
    is_of_a_difference,
    weighted,
    whole_loss,
)
from conformance.backward.value_names import operation_text
from conformance.tracing.ancestors import ancestors, walk
from conformance.tracing.node import Node

FEW = 5  # costs by which the lines to blame are looked for
SLIPS = ("operator", "order", "operand", "constant", "index", "axis", "comparison")
"""Changes of an output error that no other cost explains: a factor or function may be its own."""
ADDITIONS, SCALINGS = ("add", "subtract"), ("multiply", "divide", "negative")


def without_loss(step: OwnPass, name: str | None, *, blame: bool = True) -> Examined:
    """The gradients of a step, judged by a known cost, or by its own output error.

    Args:
        step: what was recorded.
        name: of the cost; None if any known one will do.
        blame: whether to look for the line to blame, by a cost that is known without it.

    Raises:
        NotAGradientError: no output is compared with a target, or nothing computed is given back.
    """
    if not step.goals:
        raise NotAGradientError("it gives back no gradient that it computes")
    run = Recorded(step.trace, step.goals[0].node, step.goals, step.returns, step.decays)
    names = COST_NAMES if name is None else (name,)
    given = step.output, step.target
    found = _tried(run, names, given)
    if not found:
        raise NotAGradientError(f"the output has no {name} cost")
    errors = OwnErrors(run, (each.compared for each in found))
    known = _by_known(found, run, errors, any_cost=name is None, blame=blame)
    if known is not None:
        return known
    negated = next((each for each in found if each.negated is not None), None)
    if negated is not None:
        return _negated(negated, run)
    if name is None and any(is_of_a_form(run, each.compared) for each in found):
        raise NotAGradientError("it may be that of a quadratic form, of which no loss is computed")
    error = None if name is not None else errors.best()
    if error is not None and goes_up(error):
        return _by_wrong(error, run, _accused(run, error.error, "negated"))
    if error is None or _is_no_cost(error, found, run):
        if step.quick:
            raise NotAGradientError("no known cost has these gradients")
        return _wrong(run, found, errors, error, known=name is not None or None not in given)
    if step.quick and not (own := _by_own(error, run, blame=False)).ok:
        return own
    return _slipped(run, found, error) or _by_own(error, run, blame=blame)


def _tried(
    run: Recorded, names: Sequence[str], given: tuple[Node | None, Node | None]
) -> Sequence[Tried]:
    """The known costs; those of a step that is judged again are tried once."""
    known, key = run.trace.derived, (run.goals, run.returns, run.decays, tuple(names), given)
    if key not in known:
        known[key] = tried(run, names, given)
    return cast("Sequence[Tried]", known[key])


def _by_known(
    found: Sequence[Tried], run: Recorded, errors: OwnErrors, *, any_cost: bool, blame: bool
) -> Examined | None:
    """The gradients by the known cost that makes most right; None if none makes any right.

    Before one that does not make all right comes a softmax along another axis, and the errors of
    two outputs.
    """
    chosen = best(found)
    alone = chosen is not None and chosen.fits
    if any_cost and not alone and all(each.negated is None for each in found):
        along = _by_other_axis(found, run, errors)
        if along is not None:
            return along
        pair = errors.of_two_outputs()
        if pair is not None and pair.count > (0 if chosen is None else chosen.count):
            return _by_own(pair, run, blame=blame)
        uneven = errors.uneven() if pair is None else None
        if uneven is not None and uneven[0].count > (0 if chosen is None else chosen.count):
            return _by_uneven(*uneven, run)
    return None if chosen is None else _by(chosen, run, factors(chosen)[0], blame=blame)


def _by(chosen: Tried, run: Recorded, factor: float, *, blame: bool = True) -> Examined:
    """The gradients judged by a known cost."""
    if chosen.decay is not None:  # a fit has lost some of its digits
        near = [e for e in chosen.constants if abs(e - factor) <= HALF_OF_THE_DIGITS * e]
        bare = undecayed(chosen.run, chosen.decay)
        factor = near[0] if near else measured(bare, factor)
    elif factor not in chosen.constants:
        factor = measured(chosen.run, factor)
    forward, found, kinks = judged(replace(run, loss=loss_of(chosen, factor)))
    examined = with_decay(finished(forward, found, kinks=kinks, blame=blame), chosen.decay)
    name = f"weighted {chosen.name}" if chosen.weighted else chosen.name
    return replace(examined, cost=name, factor=_beside(chosen, factor), samples=chosen.samples)


def _beside(chosen: Tried, factor: float) -> float:
    """The factor of gradients beside those of the mean over the samples."""
    return factor * chosen.samples


def _negated(chosen: Tried, run: Recorded) -> Examined:
    """The gradients of a cost, all with the other sign."""
    (factor,) = factors(chosen)
    forward, found, kinks = judged(replace(run, loss=loss_of(chosen, factor)))
    judgements = finished(forward, found, lambda wrong: wrong, kinks=kinks).gradients
    wrong = tuple(replace(each, ok=not np.any(each.error), untraced=False) for each in judgements)
    names = tuple(each.name for each in wrong if not each.ok)
    compared = chosen.compared.users or [
        user
        for output, _ in chosen.compared.pairs
        for user in output.consumers
        if any(each.node.depends_on(user) for each in run.goals)
    ]
    lines = tuple(line for user in compared[:1] for line in islice(own_lines(user), 2))
    blamed = Accused(names, lines, Cause("negated"), mends=True)
    beside = _beside(chosen, factor)
    rights = {each.goal.name: each.right for each in found}
    return Examined(wrong, (blamed,), kinks, cost=chosen.name, factor=beside, rights=rights)


def _by_other_axis(found: Sequence[Tried], run: Recorded, errors: OwnErrors) -> Examined | None:
    """The gradients of a softmax along another axis, judged by its output error."""
    blamed = _over_other_axis(found)
    error = None if blamed is None else errors.best()
    if blamed is None or error is None:
        return None
    wrong = _by_wrong(error, run, blamed)
    return replace(wrong, cost="log-likelihood", output_error=None)


def _by_own(error: OwnError, run: Recorded, *, blame: bool = True) -> Examined:
    """The gradients judged by the program's own output error."""
    forward, found, kinks = judged(replace(run, loss=whole_loss(run, error)))
    examined = with_decay(finished(forward, found, kinks=kinks, blame=blame), error.decay)
    return replace(examined, cost="unknown", output_error=line_of(error.error))


def _is_no_cost(error: OwnError, found: Sequence[Tried], run: Recorded) -> bool:
    """Whether an output error is wrong, of whatever cost it may be.

    It is if ∂g/∂v is not symmetric; and if it is the derivative of a known cost with respect to the
    output, which is then taken for that of what the output was computed from, or multiplied by
    something else that depends on the parameters than the derivative in between. The only gradient
    is right by itself, which says nothing; nor do entries of one size, as those of two classes are:
    they are multiples of any such others.
    """
    if [each.node for each in run.goals] == [error.error] or not has_a_cost(run.trace, error):
        return True
    return any(
        each.factor(part, output)
        is not None  # of either sign: the update may add it or take it off
        and (not error.at_output or part is not error.error)
        for each in found
        for output, _ in each.compared.pairs[:1]
        for part in weighted(error, run.goals)
        if not _is_of_one_size(part)
    )


def _is_of_one_size(node: Node) -> bool:
    """Whether all of several entries are the same but for their signs."""
    sizes = np.abs(np.asarray(node.value, dtype=np.float64))  # of truth values, too
    return sizes.size > 1 and bool(np.ptp(sizes) <= HALF_OF_THE_DIGITS * np.max(sizes))


def _slipped(run: Recorded, found: Sequence[Tried], error: OwnError) -> Examined | None:
    """The gradients by a known cost that they have but for one slip; None if there is none.

    Of one gradient that is computed number by number any number would do as an operand; what is a
    function of the residuals stands where they do by another cost, as does a sum of their own error
    and another one. What a target is made of is no target itself.
    """
    numbers = any(e.operation == "array" and not e.frames for e in walk([error.error]))
    own = is_of_a_difference(error, (e.compared for e in found)) or _adds_errors(error, found)
    slips = {*SLIPS} - {"operand"} if own or (numbers and len(run.goals) == 1) else {*SLIPS}
    named = [e for e in found if e.name not in ("hinge", *OF_MARGINS)]  # of whole numbers
    telling = [each for each in named if not _is_within_a_target(each, found)]
    for examined in _examined(run, telling, error):
        for blamed in examined.accused:
            changed = blamed.cause.changed
            if blamed.mends and changed is not None and changed.what in slips:
                return examined
    return None


def _adds_errors(error: OwnError, found: Sequence[Tried]) -> bool:
    """Whether an output error is a sum of a known one and of another, perhaps each of a weight.

    Both are computed of the output: then the cost is a sum of two, as with a penalty on it.
    """

    def parts(node: Node) -> Sequence[Node]:
        inner = [each for each in node.inputs if each.depends_on(error.output)]
        others = [each for each in node.inputs if each not in inner]
        numbers = all(np.size(each.value) == 1 for each in others)
        scaled = node.operation in SCALINGS and len(inner) == 1 and numbers
        return inner if scaled or (node.operation in ADDITIONS and len(inner) > 1) else ()

    added = [e for e in walk([error.error], parts) if e.operation in ADDITIONS and parts(e)]
    within = [part for each in added for part in walk(parts(each), parts)]
    return any(e.factor(part, error.output) is not None for part in within for e in found)


def _is_within_a_target(one: Tried, found: Sequence[Tried]) -> bool:
    """Whether what an output is compared with is a part of what else it is compared with."""
    pairs = [each.compared.pairs[0] for each in (one, *found)]
    (output, part), *rest = pairs
    return any(
        type(target) is Node
        and type(part) is Node
        and other is output
        and target is not part
        and target.depends_on(part)
        for other, target in rest
    )


def _wrong(
    run: Recorded, found: Sequence[Tried], errors: OwnErrors, error: OwnError | None, *, known: bool
) -> Examined:
    """The gradients by the known cost whose output error is there, else by their own.

    Args:
        run: the step.
        found: the costs.
        errors: what may be the program's own output error.
        error: the best of them, if some gradient is right by it.
        known: whether the cost, or the output and the target, are known for sure.
    """
    if error is not None and not adds_up(run.trace, error):
        return _by_uneven(error, error, run)
    alike = [each for each in found if each.error_factor is not None]
    examined = list(_examined(run, alike or found, error))
    slipped = [each for each in examined if any(e.cause.changed for e in each.accused)]
    mended = [each for each in examined if all(e.mends for e in each.accused)]
    if error is None and not known and not slipped and not _in_part(errors, run):
        raise NotAGradientError(
            "no known cost gives any of them: they may be those of another, or divided by entries"
        )
    if slipped or mended or error is None:
        return next(iter(slipped + sorted(mended, key=partial(_apart, run)) + examined))
    return _by_wrong(error, run, _accused(run, error.error, "output"))


def _apart(run: Recorded, examined: Examined) -> float:
    """How far the right gradients of a cost point elsewhere than those that are given."""
    pairs = ((np.ravel(e.node.value), examined.rights.get(e.name)) for e in run.goals)
    known = [(given, np.ravel(right)) for given, right in pairs if right is not None]
    alike = [
        float(given @ right) / (float(np.linalg.norm(given) * np.linalg.norm(right)) or 1.0)
        for given, right in known
        if given.shape == right.shape
    ]
    return -sum(alike)


def _in_part(errors: OwnErrors, run: Recorded) -> bool:
    """Whether a part of a gradient, which a line of its own writes, is right by an output error."""
    parameters = [each.parameter for each in run.goals]
    chain = Chain(run.trace)
    return any(
        factor_in_part(Forward(replace(run, loss=each.loss), chain)) is not None
        for each in errors.tried
        if each.output not in parameters  # of which any gradient is right by itself
    )


def _accused(run: Recorded, error: Node, kind: str) -> Accused:
    """An output error that is the derivative of no cost, or of one with the other sign."""
    return Accused(tuple(e.name for e in run.goals), lines_of(error), Cause(kind), mends=False)


def _by_uneven(error: OwnError, uneven: OwnError, run: Recorded) -> Examined:
    """The gradients judged by the errors of two outputs, of which one has to add up to 0."""
    rest = _by_own(error, run)
    names = tuple(each.name for each in run.goals if each.node.depends_on(uneven.error))
    wrong = tuple(replace(each, ok=each.ok and each.name not in names) for each in rest.gradients)
    blamed = Accused(names, lines_of_each(uneven.error), Cause("uneven"), mends=False)
    return replace(rest, gradients=wrong, accused=(blamed, *rest.accused))


def _by_wrong(error: OwnError, run: Recorded, blamed: Accused) -> Examined:
    """The gradients judged by an output error, which makes all of them wrong."""
    rest = _by_own(error, run)
    wrong = tuple(replace(each, ok=False) for each in rest.gradients)
    return replace(rest, gradients=wrong, accused=(blamed, *rest.accused))


def _examined(run: Recorded, found: Sequence[Tried], error: OwnError | None) -> Iterator[Examined]:
    after = 1.0 if error is None else abs(error.factor)
    tries = ((each, factor) for each in found for factor in factors(each, after))
    return (_by(each, run, factor) for each, factor in islice(tries, FEW))


def _over_other_axis(found: Sequence[Tried]) -> Accused | None:
    """The sum that a softmax divides by, if it is not one over the classes of each sample."""
    for each in found:
        output, target = each.compared.pairs[0]
        users = each.compared.users
        if len(each.compared.pairs) > 1 or not users or users[0].operation != "subtract":
            continue
        axis = _axis_of_labels(np.asarray(target.value if type(target) is Node else target))
        total = _divisor(output)
        if axis is None or total is None or _adds_up(output, axis):
            continue
        others = [None if np.size(total.value) == 1 else 1 - axis]
        if any(_adds_up(output, other) for other in others):
            names = tuple(goal.name for goal in each.run.goals)
            changed = Changed("axis", str(others[0]), str(axis), operation_text(total))
            return Accused(names, lines_of(total), Cause("changed", changed=changed), mends=True)
    return None


def _axis_of_labels(target: np.ndarray) -> int | None:
    """The axis along which a target is one-hot; None if it is along none or along each."""
    if target.ndim != 2 or not np.all((target == 0) | (target == 1)):  # noqa: PLR2004
        return None
    axes = [axis for axis in (0, 1) if np.all(target.sum(axis=axis) == 1)]
    return axes[0] if len(axes) == 1 else None


def _divisor(output: Node) -> Node | None:
    """What exponentials are divided by, if an output is made so."""
    parts = output.args if output.operation == "divide" else ()
    nodes = [each for each in parts if type(each) is Node]
    if len(nodes) < 2 or np.shape(nodes[0].value) != np.shape(output.value):  # noqa: PLR2004
        return None
    made = any(each.operation == "exp" for each in (nodes[0], *ancestors(nodes[0])))
    return nodes[1] if made and nodes[1].depends_on(nodes[0].inputs[0]) else None


def _adds_up(output: Node, axis: int | None) -> bool:
    """Whether the numbers of an output add up to 1 along an axis; None for all of them."""
    return bool(np.all(np.abs(np.sum(output.value, axis=axis) - 1) <= HALF_OF_THE_DIGITS))
