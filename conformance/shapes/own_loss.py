"""Which number of a run is the program's own loss, and which output meets its target.

The loss is what a function gives that is named as a loss, or gives gradients: called by us, or by
the program itself while it trains. What meets the target need not be the output. Left out: the
verdict (`judge_readings.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Examined
from conformance.backward.groups import operation_key
from conformance.backward.loss_names import is_minimised, is_named
from conformance.backward.loss_numbers import best_loss, by_name, candidates, is_of_absolutes
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import Goal, NoGradientError, NotAGradientError, bits
from conformance.backward.source import MOVES, is_float
from conformance.backward.stated_loss import (
    decay_beside,
    declared,
    has_own_terms,
    with_decay_beside,
)
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import is_gradient, is_parameter
from conformance.shapes.attempts import Attempt
from conformance.shapes.learned import is_number, parts_of
from conformance.shapes.places import Places
from conformance.shapes.update_findings import opposite
from conformance.tracing.ancestors import ancestors, walk
from conformance.tracing.node import Node, flat
from conformance.tracing.trace import Trace

SOFTMAX = "log-likelihood"
"""The cost of an output of softmax."""


def is_before_softmax(run: Attempt, step: OwnPass) -> bool:
    """Whether the target is compared with what an output of softmax is made of, not with it."""
    output, met = step.output, meeting(run, step.goals)[0] or _before_labels(run, step.goals)
    if output is None or met is None or met is output or not output.depends_on(met):
        return False
    return np.shape(met.value) == np.shape(output.value) and _is_of_shares(output)


def _before_labels(run: Attempt, goals: Sequence[Goal]) -> Node | None:
    """The first value that depends on parameters and of which plain integers are taken off."""
    for node in run.recorded.nodes:
        if node.operation == "subtract" and len(node.inputs) == 1 and run.target is None:
            (output,) = node.inputs
            learned = any(output.depends_on(each.parameter) for each in goals)
            if learned and any(each.node.depends_on(node) for each in goals):
                return output
    return None


PRODUCTS = ("dot", "matmul")


def meets_a_parameter(run: Attempt, goals: Sequence[Goal]) -> bool:
    """Whether a parameter meets a product with the inputs, of which no parameter is a part.

    That is a decay beside a part of a gradient, as in `w - X.T @ y`, and no output error.
    """
    inputs = run.node(run.scope.kinds["inputs"])
    parameters = [each.parameter for each in goals]
    for node in run.recorded.nodes:
        other = node.inputs[-1] if node.operation == "subtract" and len(node.inputs) > 1 else None
        if other is None or not other.depends_on(inputs):
            continue
        if _undivided(node.inputs[0]) not in parameters:
            continue
        used = any(each.node.depends_on(node) for each in goals)
        product = any(e.operation in PRODUCTS and e.depends_on(inputs) for e in walk([other]))
        if used and product and not any(map(other.depends_on, parameters)):
            return True
    return False


def _undivided(node: Node) -> Node:
    """What a value is a multiple of, by numbers that nothing is known to change."""
    inner = [e for e in node.inputs if not e.constant] or node.inputs  # it may begin with zeros
    scaled = node.operation in ("multiply", "divide") and len(inner) == 1
    return _undivided(inner[0]) if scaled else node


def meeting(run: Attempt, goals: Sequence[Goal]) -> tuple[Node | None, Node | None]:
    """The first value that depends on parameters and meets one of the targets, and that one."""
    whole = run.target
    if whole is None:
        return None, None
    for node in run.recorded.nodes:
        if node.operation != "subtract" or len(node.inputs) != len(("output", "target")):
            continue
        used = any(each.node.depends_on(node) for each in goals)
        for output, target in (node.inputs, node.inputs[::-1]):
            learned, other = (
                any(each.depends_on(goal.parameter) for goal in goals) for each in (output, target)
            )
            if used and learned and not other and target.depends_on(whole):
                return output, _in_shape(run.recorded, target, np.shape(output.value))
    return None, None


def _in_shape(trace: Trace, node: Node, shape: tuple[int, ...]) -> Node | None:
    """A node as an array of another shape; None if it has not as many entries."""
    value = np.asarray(node.value)
    if value.shape == shape:
        return node
    if value.size != int(np.prod(shape)):
        return None
    return trace.node("reshape", np.reshape, (node, shape), {}, value.reshape(shape))


def output_of_run(run: Attempt) -> Node | None:
    """What went forward gave, if it was called."""
    value = run.scope.kinds.get("output")
    if not isinstance(value, np.ndarray) or not any(c.role == "forward" for c, _, _ in run.results):
        return None
    return run.node(value)


def before_softmax(run: Attempt) -> Node | None:
    """The first value whose softmax is the output; None if there is none."""
    output = run.node(run.scope.kinds["output"])
    out, axes = output.value, range(np.ndim(output.value)) if _is_of_shares(output) else ()
    alike = (e for e in ancestors(output) if axes and np.shape(e.value) == np.shape(out))
    for each in sorted(alike, key=lambda node: node.number):
        powers = np.exp(each.value - np.max(each.value))
        if any(np.allclose(powers / powers.sum(axis, keepdims=True), out) for axis in axes):
            return each
    return None


def _is_of_shares(output: Node) -> bool:
    """Whether an output is probabilities of classes: along an axis they add up to 1."""
    sums = (np.sum(output.value, axis=axis) for axis in range(np.ndim(output.value)))
    of_several = np.size(output.value) > 1
    return of_several and any(np.all(np.abs(e - 1) <= HALF_OF_THE_DIGITS) for e in sums)


def own_loss(run: Attempt, places: Places) -> Node | None:
    """The program's own loss, if it was computed from the parameters."""
    parameters = [node for _, node in run.start.values() if node is not None]
    of_batches = (_likelier(run, e, places) for e in run.asked if isinstance(e, tuple))
    asked = filter(is_number, chain(run.asked, of_batches, run.costs))
    for value in chain(_given(run, places), _beside_gradients(run, places), asked):
        node = run.node(value)
        depends = any(node.depends_on(each) for each in parameters)
        moved = any(node is each.now for each in places.updates)  # a bias after its update
        moved = moved or any(node.depends_on(each.node) for each in places.goals)  # or a loss
        if depends and not (moved or _is_metric(run, node) or _is_a_gradient(node, places)):
            return node
    return None


def _likelier(run: Attempt, losses: tuple[Any, ...], places: Places) -> Any:
    """The one of the losses of a batch by which most gradients are right; the first if none are."""
    nodes = {run.node(each): each for each in losses if is_number(each)}
    fit = best_loss(run.recorded, [*nodes], places.goals) if len(nodes) > 1 else None
    return losses[0] if fit is None else nodes[fit.loss]


def is_of_another_pass(loss: Node, goals: Sequence[Goal], target: Node | None) -> bool:
    """Whether gradients are of a pass that has other numbers than the one that the loss is of.

    So it is where what goes backward goes forward itself, and drops other neurons. What is computed
    of parameters at once tells: other functions may be called of other values in a backward pass.
    What does not depend on the target is of a forward pass, in whatever function it is written.
    """
    parameters, passed = {each.parameter for each in goals}, dict[Any, list[Node]]()
    meets = target is not None and loss.depends_on(target)  # else the inputs are the target

    def is_of_parameters(node: Node) -> bool:
        return not parameters.isdisjoint(node.inputs)

    def keys(node: Node) -> list[Any]:
        forward = meets and target is not None and not node.depends_on(target)
        places = tuple(each if each in parameters else None for each in node.inputs)
        return [operation_key(node), *([(node.operation, places)] if forward else [])]

    for each in filter(is_of_parameters, ancestors(loss)):
        for key in keys(each):
            passed.setdefault(key, []).append(each)
    anew = (e for e in walk(each.node for each in goals) if is_of_parameters(e))
    return any(
        _differs(each, [e for key in keys(each) for e in passed.get(key, ())])
        for each in anew
        if not loss.depends_on(each)
    )


def _differs(node: Node, others: Sequence[Node]) -> bool:
    """Whether a value is none of others, of which some are as large."""
    values = [e.value for e in others if np.shape(e.value) == np.shape(node.value)]
    return bool(values) and not any(np.allclose(node.value, each) for each in values)


def _is_a_gradient(number: Node, places: Places) -> bool:
    """Whether a number is what a gradient was made of: that of a single bias is a number too."""
    value, made = np.ravel(number.value), walk(goal.node for goal in places.goals)
    told = bool(value.any())
    same = any(e is number or (told and np.array_equal(np.ravel(e.value), value)) for e in made)
    return same or sums_an_error(number, places.goals)


def sums_an_error(number: Node, goals: Sequence[Goal]) -> bool:
    """Whether a number is the gradient of a single bias: gradients are products of what it sums.

    A loss may be so, too, as one of exponentials is: then it is called that.
    """
    whole = _undivided(number)
    summed = [_factor(each) for each in whole.inputs[:1] if whole.operation in ("sum", "mean")]
    products = (*PRODUCTS, "einsum", "multiply")
    made = (e for e in walk(each.node for each in goals) if e.operation in products)
    factors = (_factor(each) for product in made for each in product.inputs)
    return bool(summed) and not is_named(number) and any(each is summed[0] for each in factors)


def _factor(node: Node) -> Node:
    """What a value is a multiple of, in another shape."""
    node = _undivided(node)
    return _factor(node.inputs[0]) if node.operation in MOVES and node.inputs else node


def _given(run: Attempt, places: Places) -> Iterator[Any]:
    """The numbers that functions gave which give a loss, or one beside something else."""
    roles = {"forward": tuple, "backward": tuple | list | dict, "gradients": tuple | list | dict}
    for call, _, result in run.results:
        if call.role == "loss" and is_number(result):
            yield result
        elif call.role in roles and isinstance(result, roles[call.role]):
            numbers = [each for each in _unnamed(result) if is_number(each)]
            yield from [e for e in numbers if not _is_a_gradient(run.node(e), places)][:1]


def _unnamed(result: Any) -> list[Any]:
    """What a function returned; in a dict, what has no name of a parameter or a gradient."""
    if not isinstance(result, dict):
        return parts_of(result)
    return [e for k, e in result.items() if not (is_gradient(str(k)) or is_parameter(str(k)))]


def _beside_gradients(run: Attempt, places: Places) -> Iterator[Any]:
    """The losses that the program called for itself with the gradients that it went on with.

    A penalty on parameters that the program makes itself while it trains is not in the record.
    """
    unseen = any(goal.parameter.constant for goal in places.goals)
    for result in () if unseen else run.losses:
        parts = [*flat(result)]
        arrays = [run.node(each) for each in parts if is_floats(each) and each.ndim]
        used = any(goal.node.depends_on(each) for goal in places.goals for each in arrays)
        yield from [each for each in parts if is_number(each) and used][:1]


def by_returned(run: Attempt, places: Places) -> Examined | None:
    """The gradients by the loss that a training step returns; None if they are of another one.

    What it returns may be a number to be read beside the loss that it goes down. So may be what the
    program asks its own loss for while it trains.
    """
    results = [result for call, _, result in run.results if call.role == "train"]
    parts = [e for part in results for e in (part if isinstance(part, tuple | list) else [part])]
    unseen = any(goal.parameter.constant for goal in places.goals)
    parts += [] if unseen else run.losses
    number = next((each for each in parts if is_number(each)), None)
    goals = places.moved
    node = None if number is None or places.direct else run.node(number)
    if node is None or not all(node.depends_on(each.parameter) for each in goals):
        return None
    if places.several and not is_of_same_samples(node, goals):
        return None  # it may be that of all of them, where a step is of a part
    if any(node.depends_on(each.node) for each in goals):
        return None  # it is that after the step
    step = OwnPass(run.recorded, goals, loss=node, scaled=True)
    found = examine_pass(step, blame=False)
    known = None if found.ok else declared(run.recorded, [node], goals)
    return examine_pass(step) if known is node else found if found.ok else None


def named_loss(run: Attempt, goals: Sequence[Goal]) -> Node | None:
    """The number that a program calls its loss, in a loop of its own."""
    parameters, gradients = [e.parameter for e in goals], [e.node for e in goals]
    numbers = candidates(run.recorded.nodes, parameters, gradients)
    return next(iter(by_name(run.recorded, numbers, tuple(goals))), None)


def by_cost(step: OwnPass, cost: str | None, named: Node | None) -> Examined:
    """The gradients by the loss or the cost of a step, else by the loss that is named so.

    Raises:
        NotAGradientError: nothing is known of them.
    """
    stated = None if named is None else replace(step, loss=named)
    if step.loss is not None and stated is None and not step.promised and cost is None:
        quick = with_decay_beside(step, examine_pass(step, blame=False), blame=False)
        if quick.ok:  # before the search for what else would be wrong
            return quick
    try:
        known = _better_blamed(examine_pass(step, cost), step)
    except NoGradientError:
        raise
    except NotAGradientError:
        if stated is None or (found := by_named(None, stated)) is None:
            raise
        return found
    if not step.promised and cost is None:
        known = with_decay_beside(step, known)
    return known if stated is None else by_named(known, stated) or known


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


def by_named(found: Examined | None, stated: OwnPass) -> Examined | None:
    """The gradients by the loss that a program has by its name alone; None if nothing tells.

    It decides where no known cost has the gradients, if it is of the same samples; what is not
    called a loss may be what has to grow, though. It decides where weights decay and it has a term
    of them alone, if the gradients are those of it but for another decay, or for none: it may be
    that of other samples. Else it does where no more gradients are right by a known cost.

    Args:
        found: what is known by a known cost, or by the program's own output error; None if nothing.
        stated: the step, with that loss.
    """
    assert stated.loss is not None  # noqa: S101 - it is the one
    unknown = found is None or found.cost == "unknown"
    own = is_of_same_samples(stated.loss, stated.goals) and not _is_one_of_several(stated)
    decides = unknown and own
    told = found is None or (found.ok and not (found.decay and has_own_terms(stated)))
    if told and not decides:
        return found
    by_loss = examine_pass(stated)
    other = with_decay_beside(stated, by_loss)
    if found is None or decides:
        return found if opposite(other) and not is_minimised(stated.loss) else other
    if found.ok:
        return other if by_loss.ok or decay_beside(stated) is not None else found
    return other if other.right >= max(found.right, 1) else found


def _is_one_of_several(stated: OwnPass) -> bool:
    """Whether a loss is that of some samples alone: others were computed as it was, and not added.

    Such is that of each pair, of which a program adds up the gradients and not the losses.
    """
    loss, last = stated.loss, max(each.node.number for each in stated.goals)
    assert loss is not None  # noqa: S101 - it is the one
    parameters, key = bits(stated.goals), (loss.operation, loss.frames[:1])
    return any(
        (each.operation, each.frames[:1]) == key
        and each.uses & parameters
        and not loss.depends_on(each)
        and not each.depends_on(loss)
        for each in stated.trace.nodes[:last]
    )


def is_of_same_samples(loss: Node, goals: Sequence[Goal]) -> bool:
    """Whether a loss is made of an array that gradients are made of too, or of its like."""
    parameters = bits(goals)

    def arrays(ends: Iterable[Node]) -> set[tuple[str, bytes]]:
        made = (e for e in walk(ends) if e.uses & parameters and np.size(e.value) > 1)
        own = (e for e in made if e.function is not None and is_float(e))
        return {(each.operation, np.asarray(each.value).tobytes()) for each in own}

    return not arrays([loss]).isdisjoint(arrays(each.node for each in goals))


def together(run: Attempt) -> bool:
    """Whether one call returned the loss and its gradients."""
    backward = [result for call, _, result in run.results if call.role in ("backward", "gradients")]
    alone = not any(call.role == "loss" for call, _, _ in run.results)
    return alone and bool(backward) and bool(parts_of(backward[0]))


METRICS = {"argmax", "equal", "round", "rint"}


def _is_metric(run: Attempt, node: Node) -> bool:
    """Whether it is a number to be read, such as the mean absolute error, and no loss.

    Huber's loss has absolute values beside squares.
    """
    parameters = [node for _, node in run.start.values() if node is not None]
    return is_of_absolutes(node) or any(
        node.depends_on(each) and each.operation in METRICS and each is not node
        for each in run.recorded.nodes
        if any(each.depends_on(parameter) for parameter in parameters)
    )
