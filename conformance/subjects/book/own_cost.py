"""The cost that a network shows, as the chapter 3 program does: `cost.fn(a, y)`.

C is the mean of it over the mini-batch, without the share of the decay. Left out: `total_cost`, and
costs under other names, which `conformance gradcheck` finds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.corpus.case import Case
from conformance.running.tracebacks import call, headline
from conformance.subjects.book.network import BookNetwork
from conformance.watching.frames import Frame
from conformance.watching.recording import Recording
from reference.step import Array, Batch


@dataclass(frozen=True, eq=False)
class OwnCost:
    """What `cost.fn` gives.

    Attributes:
        value: C, of shape (), in the dtype of the case; None if it gives no number.
        frames: the line that it ends with, the innermost first.
        note: why it was not judged.
    """

    value: Array | None = None
    frames: tuple[Frame, ...] = ()
    note: str = ""


def own_cost(network: BookNetwork, case: Case, output: Array, batch: Batch) -> OwnCost:
    """The mean cost of a network's own output (n_L, m) where batch.y is wanted, if it shows one."""
    recording = network.recording()
    try:
        costs = _costs(network, case, output, batch, recording)
        if costs is None:
            return OwnCost()
        mean = np.asarray(sum(map(float, costs)) / batch.m, dtype=case.dtype)
    except Exception as error:  # noqa: BLE001 - the step does not need it: it may be another's
        return OwnCost(note=f"cost.fn(a, y) was not judged: {headline(error)}")
    lines = (event.frames for event in reversed(recording.events) if event.frames)
    return OwnCost(mean, next(lines, ()))


def exact_cost(network: BookNetwork, case: Case, output: Array, batch: Batch) -> Array | None:
    """As `own_cost`, on balls, where its code runs on them."""
    try:
        costs = _costs(network, case, output, batch.map(to_exact), network.recording(), exact=True)
        return None if costs is None else np.asarray(sum(costs) / batch.m, dtype=object)
    except Exception:  # noqa: BLE001 - then the floats judge it
        return None


def _costs(
    network: BookNetwork,
    case: Case,
    output: Array,
    batch: Batch,
    recording: Recording,
    *,
    exact: bool = False,
) -> list[Any] | None:
    """The cost of each sample; None if the network does not show any."""
    with network.numbers.watching(recording, exact=exact):
        net = network.make(case.sizes, case.cost)
        function = getattr(getattr(net, "cost", None), "fn", None)
        if not callable(function):
            return None
        costs = []
        for i in range(batch.m):
            columns = (network.conventions.sample_out(each[:, [i]]) for each in (output, batch.y))
            given = [recording.watch(each, name) for each, name in zip(columns, "ay", strict=True)]
            costs.append(network.numbers.back(call(function, *map(network.numbers.out, given))))
    return costs
