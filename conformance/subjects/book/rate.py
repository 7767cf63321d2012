"""Whether the steps of an update grow with η, which cases that all have one η cannot tell.

With nothing kept before it, and no decay, a step is η times something in each of the updates.
Left out: the steps themselves (`traced_session.py`).
"""

import inspect
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.near import CLOSE
from conformance.tracing.frames import Frame
from conformance.verdict.finding import Finding, Kind, finding
from reference.step import Array, Batch, Parameters


def rate_ignored(network: BookNetwork) -> Iterator[Finding]:
    """What is wrong if a step with half of η is not half as long."""
    try:
        first, half, again = (_step(network, eta) for eta in (1.0, 0.5, 1.0))
    except Exception:  # noqa: BLE001 - the cases show it, where it can be judged
        return
    close = CLOSE[network.conventions.dtype]
    wrong = {
        name[0]
        for name, array in first.items()
        if np.array_equal(array, again[name], equal_nan=True)  # else it draws numbers
        and not np.allclose(2 * half[name], array, rtol=close, atol=close * np.abs(array).max())
    }
    if wrong:
        names = (name for kind, name in (("w", "weights"), ("b", "biases")) if kind in wrong)
        code = inspect.unwrap(network.make(network.probe).update_mini_batch).__code__
        frames = [Frame(code.co_filename, code.co_firstlineno, code.co_name)]
        yield finding(Kind.RATE_IGNORED, frames, what=" and ".join(names))


def _step(network: BookNetwork, eta: float) -> dict[str, Array]:
    """By how much an update of a new network moves each of its parameters."""
    sizes, rng = network.probe, np.random.default_rng(7)
    pairs = [*pairwise(sizes)]
    dtype = network.conventions.dtype
    start = Parameters(
        tuple((rng.normal(size=(n, k)) / 2).astype(dtype) for k, n in pairs),
        tuple((rng.normal(size=(n, 1)) / 2).astype(dtype) for _, n in pairs),
    )
    batch = Batch(rng.normal(size=(sizes[0], 2)), np.eye(sizes[-1])[:, :2])
    net = network.make(sizes)
    with quiet():
        network.fill(net, *network.outwards(start))
        network.update(net, batch, (eta, 0.0, 1))
    before = dict(start.named())
    return {name: array - before[name] for name, array in network.inwards(net).items()}
