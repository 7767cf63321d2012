"""Small networks of a class run whole, to see for how many layers it is written and what it takes.

Left out: what they compute, but for what λ and n change.
"""

from itertools import pairwise

import numpy as np

from conformance.errors import UsageError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call, headline
from conformance.subjects.book.book_calls import BookCalls
from conformance.subjects.book.book_conventions import DecayParameters, Moved, Trial
from conformance.subjects.book.constructor import feedforward_of
from reference.step import Array, Batch, Parameters

LAYERS = range(2, 8)
"""Numbers of layers that are tried."""


def run_whole(network: BookCalls, sizes: tuple[int, ...]) -> None:
    """Run all methods of a network of these sizes, the update with two samples.

    Raises:
        Exception: whatever its code raises.
    """
    batch = two_samples(network, sizes)
    with quiet():
        net = network.make(sizes)
        network.fill(net, *network.outwards(_start(network, sizes)))
        one = batch.columns((0,))
        network.feedforward(net, one.x)
        network.backprop(net, one.x, one.y)
        network.update(net, batch, (0.5, 0.0, 4))


def stops(network: BookCalls, layers: int) -> dict[int, str]:
    """How networks of some numbers of layers stop, by that number, where others run.

    All layers have two neurons, so that a product of the wrong matrices stops none: that is a
    mistake, and the cases will show it.

    Args:
        network: the class.
        layers: the number with which it can be made; if such a network stops, nothing is told.
    """
    found = {n: problem(network, (2,) * n) for n in (layers, *LAYERS)}
    return {} if found[layers] else {n: each for n, each in found.items() if each}


def problem(network: BookCalls, sizes: tuple[int, ...]) -> str:
    """How a network of these sizes stops, or nothing."""
    try:
        run_whole(network, sizes)
    except Exception as error:  # noqa: BLE001 - it may stop in any way
        return headline(error)
    return ""


def trial_of_decay(network: BookCalls, sizes: tuple[int, ...]) -> Trial:
    """What shows what λ and n are; see `decay_parameters`."""
    start, batch = _start(network, sizes), two_samples(network, sizes)

    def moved(decay: DecayParameters, lmbda: float, n: int) -> Moved | None:
        try:
            with quiet():
                net = network.make(sizes)
                network.fill(net, *network.outwards(start))
                samples = [network.sample(batch, i) for i in range(batch.m)]
                more = {**network.rule.stepped(None), **network.mask_keywords(net, batch)}
                net.update_mini_batch(samples, 1.0, **{**decay.given(net, lmbda, n), **more})
                after = network.inwards(net)
        except Exception:  # noqa: BLE001 - the cases will show it
            return None
        w, b = ([np.asarray(each) for name, each in after.items() if name[0] == k] for k in "wb")
        return Moved(start.w, w, b)

    return moved


def check_output(network: BookCalls) -> None:
    """Check that feedforward returns the output alone, if it runs.

    Raises:
        UsageError: it returns a tuple, such as all z and a.
    """
    one = two_samples(network, network.probe).x[:, :1]
    x = network.numbers.out(network.conventions.batch_out(one))
    try:
        with quiet(), network.numbers.tried():
            returned = call(feedforward_of(network.make(network.probe)), x)
    except Exception:  # noqa: BLE001 - the cases will show it
        return
    if isinstance(returned, tuple):
        raise UsageError(
            f"{network.name}: feedforward returns a tuple of {len(returned)}, expected the output"
        )


def _start(network: BookCalls, sizes: tuple[int, ...]) -> Parameters:
    """Parameters of which no two entries of a layer are alike."""
    dtype = network.conventions.dtype
    drawn = [np.sin(np.arange(1.0, n * k + 1)).reshape(n, k) for k, n in pairwise(sizes)]
    w: list[Array] = [each.astype(dtype) for each in drawn]
    return Parameters(tuple(w), tuple(each[:, :1] / 2 for each in w))


def two_samples(network: BookCalls, sizes: tuple[int, ...]) -> Batch:
    """Two samples, for a network of these sizes."""
    dtype = network.conventions.dtype
    x, y = (np.linspace(0.0, 1.0, 2 * n).reshape(n, 2).astype(dtype) for n in (sizes[0], sizes[-1]))
    return Batch(x, y)
