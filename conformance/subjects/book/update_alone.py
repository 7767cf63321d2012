"""Whether a network of no known family whose gradients are right may be called right.

The gradients of one sample are judged by the network's own forward pass. Its biases have to change
something in that, else they were lost; and an update by η/m times the sum of the gradients is then
right as well. Left out: that judgement (`traced_runs.py`), and which line of an update is wrong.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.corpus.case import Case
from conformance.errors import UnjudgedError
from conformance.model.update_kinds import SGD
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.returned import means, returned
from conformance.subjects.generic import LABELLED, generic
from conformance.subjects.near import CLOSE, alike

SAMPLES = 3
ETA = 0.5


def idle_biases(examined: Examined) -> list[str]:
    """The biases if none of them changes anything in the output, though weights do."""
    dead = {each.name: each.dead for each in examined.gradients}
    biases = [name for name in dead if name.startswith("b")]
    return biases if all(dead[name] for name in biases) and not all(dead.values()) else []


def check_biases(examined: Examined, name: str) -> None:
    """Check that a network's biases are not without any effect.

    Args:
        examined: what is known of its gradients.
        name: for messages.

    Raises:
        UnjudgedError: they are.
    """
    if idle := idle_biases(examined):
        raise UnjudgedError(
            f"{name}: {', '.join(idle)} change nothing in its output, so it is no network with "
            "biases: check where they are added"
        )


def check_update(factory: Callable[..., Any], name: str) -> None:
    """Check that an update of several samples follows from what backprop gives of each of them.

    Args:
        factory: as for `book_subject`; its gradients are right.
        name: for messages.

    Raises:
        UnjudgedError: it does not.
        SubjectError: its code failed.
    """
    network = BookNetwork(factory, name)
    if network.mask or SGD not in network.rule.names:
        return  # it is no plain step
    outputs = (*["sigmoid"] * (len(network.probe) - 2), "softmax")
    dtype = network.conventions.dtype
    case = Case("update", network.probe, LABELLED, ETA, 0.0, 1, dtype, ((0,),), "", (), outputs)
    stand_in, start, batch = generic(case, SAMPLES, case.sizes)
    gradients = means(returned(network, stand_in, start, batch), dtype)
    net = network.begun(stand_in, start)
    network.update(net, batch, (ETA, 0.0, 1), stand_in)
    after = network.inwards(net)
    wrong = [
        each
        for each, before in start.named()
        if not alike(
            np.asarray(after[each]) - before, -ETA * gradients[f"nabla_{each}"].value, CLOSE[dtype]
        )
    ]
    if wrong:
        raise UnjudgedError(
            f"{name}: what backprop returns of each sample is right, and update_mini_batch moves "
            f"{', '.join(wrong)} by something else than η/m times the sum of it"
        )
