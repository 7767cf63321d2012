"""Running an update, watched: of one mini-batch on a new network, or at the end of a whole run.

Left out: what was seen (`update.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.update import Update
from conformance.watching.recording import Recording
from reference.step import Array, Batch, Parameters

Lift = Callable[[Array], Array]


def update(
    network: BookNetwork,
    case: Case,
    start: Parameters,
    batch: Batch,
    found: Update,
    lift: Lift = np.array,
) -> None:
    """Run the update of a new network with everything watched; fills `found`."""
    found.after = watched_update(network, case, start, batch, found.recording, lift)
    found.look(network)


def watched_update(
    network: BookNetwork,
    case: Case,
    start: Parameters,
    batch: Batch,
    recording: Recording,
    lift: Lift,
) -> dict[str, Any]:
    """The watched parameters `b2 w2 …` after the update of a new network."""
    with network.numbers.watching(recording, exact=lift is not np.array):
        net = network.make(case.sizes, case.cost)
        network.fill(net, *network.given(start, recording, lift))
        _walk(network, net, case, _watched(batch, recording, lift))
        return network.inwards(net)


def repeated(
    network: BookNetwork, first: Parameters, batches: Sequence[Batch], found: Update
) -> Update:
    """The last update of a whole run from the parameters `first`, watched from the beginning.

    Whatever a network keeps between its steps is then seen to flow into the last one.
    """
    case, recording = found.case, network.recording()
    *before, last = (_watched(batch, recording, np.array) for batch in batches)
    again = Update(recording, case, found.start, found.parts)
    with network.numbers.watching(recording):
        net = network.make(case.sizes, case.cost)
        network.fill(net, *network.given(first, recording, np.array))
        for batch in before:
            _walk(network, net, case, batch)
        recording.close()
        again.earlier = list(recording.events)
        _walk(network, net, case, last)
        again.after = network.inwards(net)
    again.look(network)
    return again


def _watched(batch: Batch, recording: Recording, lift: Lift) -> Batch:
    return Batch(recording.watch(lift(batch.x), "x"), recording.watch(lift(batch.y), "y"))


def _walk(network: BookNetwork, net: Any, case: Case, batch: Batch) -> None:
    network.update(net, batch, (case.eta, case.lmbda, case.n))


def empty(
    network: BookNetwork, case: Case, start: Parameters, parts: dict[str, Sequence[Array]]
) -> Update:
    """An update that has not run yet, with the gradients of the single samples."""
    return Update(
        network.recording(), case, start, {name: list(each) for name, each in parts.items()}
    )
