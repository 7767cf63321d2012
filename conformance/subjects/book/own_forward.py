"""A network with the book's interface that is of no known family, judged by its own forward pass.

Backprop of one sample is traced: its gradients are compared with the derivatives of what it
computed on the way up. Left out: which networks these are (`family.py`), and the comparison
(`backward`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.program import Goal
from conformance.corpus.case import Case
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.traced_runs import backprop_run
from conformance.subjects.generic import LABELLED, generic
from conformance.subjects.stepped import TURNED
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def examined_alone(factory: Callable[..., Any], name: str, cost: str | None = None) -> Examined:
    """What is known of the gradients that a network's backprop gives of one sample.

    Args:
        factory: as for `book_subject`.
        name: for messages.
        cost: the name of a cost to judge with, in the place of that which fits.

    Raises:
        UsageError: it does not have the book's interface.
        SubjectError: its code failed.
        NotAGradientError: it computes nothing that is compared with its target.
    """
    network = BookNetwork(factory, name)
    outputs = (*["sigmoid"] * (len(network.probe) - 2), "softmax")
    case = Case("own", network.probe, LABELLED, 1.0, 0.0, 1, "float64", ((0,),), "", (), outputs)
    stand_in, start, batch = generic(case, 1, case.sizes)
    made = backprop_run(network, stand_in, start, batch, Trace(sites=True))
    goals = tuple(
        Goal(each.removeprefix("nabla_"), _as_held(made.before[each.removeprefix("nabla_")]), node)
        for each, node in made.returned[0].items()
    )
    targets = [node for node in made.trace.nodes if made.y >> node.number & 1]
    with np.errstate(all="ignore"):
        return examine_pass(OwnPass(made.trace, goals, target=next(iter(targets), None)), cost)


def _as_held(node: Node) -> Node:
    """A parameter as the network holds it, where we turned it and nothing else was done."""
    while node.operation in TURNED and not node.frames and node.inputs:
        (node,) = node.inputs
    return node
