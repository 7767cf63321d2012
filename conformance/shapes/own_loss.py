"""The loss that a program computes itself, among the numbers that it gives.

Left out: what is judged by it (`judging.py`).
"""

from conformance.shapes.learned import is_number
from conformance.shapes.run import Attempt
from conformance.tracing.node import Node


def own_loss(run: Attempt) -> Node | None:
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
