"""Small networks of a class run whole: for how many layers it is written, and in which layouts.

The layout of samples and gradients is the first in which its methods run. Left out: what they
compute, but for what λ and n change; how it stores its parameters (`book_conventions.py`).
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.arithmetic.formats import SHORT
from conformance.errors import SubjectError, UsageError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call, headline
from conformance.subjects.book.book_calls import BookCalls
from conformance.subjects.book.book_conventions import (
    SAMPLES,
    Conventions,
    DecayParameters,
    Moved,
    Trial,
    pair,
)
from conformance.subjects.book.constructor import feedforward_of
from conformance.subjects.generic import LAYERS, trial_numbers
from reference.step import Batch, Parameters


def run_whole(network: BookCalls, sizes: tuple[int, ...]) -> None:
    """Run all methods of a network of these sizes, the update with two samples.

    Raises:
        Exception: whatever its code raises.
    """
    start, batch = trial(network, sizes)
    with quiet():
        net = network.filled(sizes, start)
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
    start, batch = trial(network, sizes)

    def moved(decay: DecayParameters, lmbda: float, n: int) -> Moved | None:
        try:
            with quiet():
                net = network.filled(sizes, start)
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
        UsageError: it returns a tuple, such as all z and a, or a list of all a.
    """
    x = network.numbers.out(
        network.conventions.batch_out(trial(network, network.probe)[1].x[:, :1])
    )
    try:
        with quiet(), network.numbers.tried():
            returned = call(feedforward_of(network.make(network.probe)), x)
    except Exception:  # noqa: BLE001 - the cases will show it
        return
    several = isinstance(returned, list) and len(returned) > 1
    if isinstance(returned, tuple) or (several and any(np.size(e) > 1 for e in returned)):
        kind = f"a {type(returned).__name__} of {len(returned)}"
        raise UsageError(f"{network.name}: feedforward returns {kind}, expected the output")


def trial(network: BookCalls, sizes: tuple[int, ...]) -> tuple[Parameters, Batch]:
    """Parameters of a network of these sizes, and two samples for it."""
    return trial_numbers(sizes, 2, network.conventions.dtype)


def recognised(network: BookCalls, stored: Conventions) -> Conventions:
    """The conventions of samples, pair and dtype, from a trial.

    If every layout stops, that is a mistake, which the cases will show. Then a network is tried
    whose layers are equally wide, for a product of the wrong matrices does not stop it; of one that
    stops too, the layout is that in which feedforward runs.

    Args:
        network: it is left with the sizes of the network that was tried.
        stored: how it stores its parameters.

    Raises:
        SubjectError: backprop returns no pair of lists with an array a layer.
    """
    probe, found = network.probe, _of_backprop(network, stored)
    if found is None:
        network.unequal_stop, network.probe = True, (min(probe[0], probe[-1]),) * len(probe)
        found = _of_backprop(network, stored)
        network.probe = network.probe if found else probe
    return found or _of_feedforward(network, stored)


def _of_backprop(network: BookCalls, stored: Conventions) -> Conventions | None:
    """The conventions by the first layout of a sample that works; None if none does."""
    refused: list[SubjectError] = []
    for sample in SAMPLES:
        network.conventions = replace(stored, sample=sample)
        try:
            with quiet(), network.numbers.tried():
                returned = network.pair_of(network.make(network.probe), *network.probe_sample)
        except Exception:  # noqa: BLE001, S112 - any layout may fail in any way
            continue
        try:
            order = pair(returned, network.probe)
        except SubjectError as error:
            refused.append(error)
            continue
        if not order.problem:
            return replace(
                network.conventions,
                weights_first=order.weights_first,
                backwards=order.backwards,
                dtype=network.numbers.dtype or _dtype(returned),
            )
    if refused:
        raise refused[0]
    return None


def _of_feedforward(network: BookCalls, stored: Conventions) -> Conventions:
    """The conventions by the first layout of a sample that feedforward takes, if one does."""
    for sample in SAMPLES:
        network.conventions = replace(stored, sample=sample)
        if _feeds(network, network.probe):
            return network.conventions
    return stored


def _dtype(returned: Any) -> str:
    kinds = {str(np.asarray(each).dtype) for part in returned for each in part}
    narrow = {each for each in kinds if each in ("float32", *SHORT)}
    return narrow.pop() if kinds == narrow and len(kinds) == 1 else "float64"


def batch_layout(
    network: BookCalls, sizes: tuple[int, ...], further: Mapping[str, inspect.Parameter]
) -> str:
    """The layout of samples for feedforward and in a mini-batch, if it is not that of backprop.

    Args:
        network: the class.
        sizes: of which it can be made.
        further: the parameters of its update behind the mini-batch and η.

    Returns:
        A layout with which both of them work, if neither does with that of backprop; else nothing.
    """
    own = network.conventions
    needed = [key for key, each in further.items() if each.default is inspect.Parameter.empty]
    works: dict[str, list[bool]] = {}
    for layout in (own.sample, *SAMPLES):
        network.conventions = replace(own, batch=layout)
        works[layout] = [_feeds(network, sizes), _moves(network, sizes, needed)]
        if any(works[own.sample]):
            break
    network.conventions = own
    return next((each for each, both in works.items() if all(both) and each != own.sample), "")


def _feeds(network: BookCalls, sizes: tuple[int, ...]) -> bool:
    """Whether feedforward gives as many numbers as there are outputs."""
    try:
        with quiet(), network.numbers.tried():
            output = network.feedforward(network.make(sizes), trial(network, sizes)[1].x[:, :1])
    except Exception:  # noqa: BLE001 - any layout may fail in any way
        return False
    return np.size(output) == sizes[-1]


def _moves(network: BookCalls, sizes: tuple[int, ...], needed: Sequence[str]) -> bool:
    """Whether an update leaves parameters of the same shapes."""
    _, batch = trial(network, sizes)
    samples = [network.sample(batch, i) for i in range(batch.m)]
    try:
        with quiet(), network.numbers.tried():
            net = network.make(sizes)
            shapes = [np.shape(each) for each in (*net.weights, *net.biases)]
            net.update_mini_batch(samples, 0.5, **dict.fromkeys(needed, 0.5))
            return shapes == [np.shape(each) for each in (*net.weights, *net.biases)]
    except Exception:  # noqa: BLE001 - any layout may fail in any way
        return False
