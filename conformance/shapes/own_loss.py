"""Which number of a run is the program's own loss.

It is what a function gives that is named as a loss, or gives gradients: called by us, or by the
program itself while it trains. Left out: the verdict (`judging.py`).
"""

from collections.abc import Iterator
from typing import Any

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.stated_loss import declared
from conformance.shapes.places import Places
from conformance.shapes.run import Attempt, is_number
from conformance.shapes.state import is_floats
from conformance.tracing.node import Node, flat


def own_loss(run: Attempt, places: Places) -> Node | None:
    """The program's own loss, if it was computed from the parameters."""
    parameters = [node for _, node in run.start.values() if node is not None]
    for value in (*_given(run), *_beside_gradients(run, places)):
        node = run.node(value)
        if any(node.depends_on(each) for each in parameters) and not _is_metric(run, node):
            return node
    return None


def _given(run: Attempt) -> Iterator[Any]:
    """The numbers that functions gave which give a loss, or one beside something else."""
    for call, _, result in run.results:
        kinds = {"forward": tuple, "backward": tuple | list, "gradients": tuple | list}
        if call.role == "loss" and is_number(result):
            yield result
        elif call.role in kinds and isinstance(result, kinds[call.role]):
            yield from [each for each in result if is_number(each)][:1]


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
    node = None if number is None or places.several or places.direct else run.node(number)
    if node is None or not all(node.depends_on(each.parameter) for each in goals):
        return None
    if any(node.depends_on(each.node) for each in goals):
        return None  # it is that after the step
    step = OwnPass(run.recorded, goals, loss=node, scaled=True)
    found = examine_pass(step, blame=False)
    known = None if found.ok else declared(run.recorded, [node], goals)
    return examine_pass(step) if known is node else found if found.ok else None


def together(run: Attempt) -> bool:
    """Whether one call returned the loss and its gradients."""
    backward = [result for call, _, result in run.results if call.role in ("backward", "gradients")]
    alone = not any(call.role == "loss" for call, _, _ in run.results)
    return alone and isinstance(backward[0] if backward else None, tuple | list)


METRICS = {"absolute", "argmax", "equal", "round", "rint"}


def _is_metric(run: Attempt, node: Node) -> bool:
    """Whether it is a number to be read, such as the mean absolute error, and no loss.

    A penalty on the absolute values of weights belongs to a loss.
    """
    parameters = [node for _, node in run.start.values() if node is not None]
    return any(
        node.depends_on(each)
        and each.operation in METRICS
        and each is not node
        and not set(each.inputs) <= set(parameters)
        for each in run.recorded.nodes
        if any(each.depends_on(parameter) for parameter in parameters)
    )
