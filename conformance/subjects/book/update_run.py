"""Running an update, watched: of one mini-batch on a new network, or at the end of a whole run.

Left out: what was seen (`update.py`).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.update import Update
from conformance.watching.recording import Recording
from reference.step import Array, Batch, Parameters


def update(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, found: Update
) -> None:
    """Run the update of a new network with everything watched; fills `found`."""
    recording = found.recording
    with network.numbers.watching(recording):
        net = network.make(case.sizes, case.cost)
        network.fill(net, *network.given(start, recording))
        _walk(network, net, case, _watched(batch, recording))
        found.after = network.inwards(net)
    found.look(network)


def repeated(
    network: BookNetwork, first: Parameters, batches: Sequence[Batch], found: Update
) -> Update:
    """The last update of a whole run from the parameters `first`, watched from the beginning.

    Whatever a network keeps between its steps is then seen to flow into the last one.
    """
    case, recording = found.case, network.recording()
    *before, last = (_watched(batch, recording) for batch in batches)
    again = Update(recording, case, found.start, found.parts)
    with network.numbers.watching(recording):
        net = network.make(case.sizes, case.cost)
        network.fill(net, *network.given(first, recording))
        for batch in before:
            _walk(network, net, case, batch)
        recording.close()
        again.earlier = list(recording.events)
        _walk(network, net, case, last)
        again.after = network.inwards(net)
    again.look(network)
    return again


def _watched(batch: Batch, recording: Recording) -> Batch:
    return Batch(recording.watch(np.array(batch.x), "x"), recording.watch(np.array(batch.y), "y"))


def _walk(network: BookNetwork, net: Any, case: Case, batch: Batch) -> None:
    network.update(net, batch, (case.eta, case.lmbda, case.n))


def empty(
    network: BookNetwork, case: Case, start: Parameters, parts: dict[str, Sequence[Array]]
) -> Update:
    """An update that has not run yet, with the gradients of the single samples."""
    return Update(
        network.recording(), case, start, {name: list(each) for name, each in parts.items()}
    )
