"""Where a network with the book's interface loses the digits of a quantity that failed.

One sample is followed, or the update, and only the equation that failed: what enters it is put
right first. Left out: how an operation is found (`watching/digits.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import NamedTuple

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.subjects.book.forward import forward, watched_feedforward
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.probe import Sample, probe, watched_backprop
from conformance.subjects.book.shown import parts_of
from conformance.subjects.book.update_run import empty, update, watched_update
from conformance.watching.both import Run
from conformance.watching.digits import Loss, Spot, locate
from conformance.watching.events import Event
from reference.step import split

BITS = 4096  # 1 − σ(z) of a saturated neuron is known to many digits


class _Way(NamedTuple):
    """A run of the subject's code in which the quantity is computed."""

    run: Run
    event: Event | None  # that computes it
    granted: Sequence[Event | None] = ()  # that compute what enters its equation


def lost_digits(
    network: BookNetwork,
    case: Case,
    step: RecordedStep,
    name: str,
    index: tuple[int, ...] = (),
    own: bool = False,
) -> Loss | None:
    """Where the digits of an entry went in one recorded step; None if that is not seen.

    Args:
        network: the subject; its code must run on balls and is right on them.
        case: of the step.
        step: where it starts, and its mini-batch.
        name: the quantity that failed.
        index: its worst entry; empty if there is none.
        own: whether it failed in the pass of `feedforward`.
    """
    quantity = split(name)[0]
    columns = range(step.batch.m)
    if quantity in ("z", "a", "delta") and len(index) > 1:
        columns, index = range(index[1], index[1] + 1), index[:1]
    samples = [Sample(step.parameters, step.batch.columns((i,)), case.cost) for i in columns]
    with redirect_stdout(StringIO()), np.errstate(all="ignore"), precision(BITS):
        try:
            for way in _ways(network, case, step, samples, name, own=own):
                loss = _follow(network, way, name, index, case.dtype)
                if loss is not None:
                    return loss
        except (TypeError, AttributeError, ValueError, ArithmeticError, IndexError):
            return None  # with other numbers the code goes another way, where it stops
    return None


def _ways(
    network: BookNetwork,
    case: Case,
    step: RecordedStep,
    samples: Sequence[Sample],
    name: str,
    *,
    own: bool,
) -> Iterator[_Way]:
    """The runs that may have lost the digits: of each sample, then of the update."""
    before, probes = case.rows[name].made, []
    for sample in samples:
        if own:
            seen = forward(network, sample)
            run: Run = partial(watched_feedforward, network, sample)
            yield _Way(run, seen.event(name), [seen.event(each) for each in before])
        else:
            probes.append(probe(network, sample))
            events = probes[-1].events
            run = partial(watched_backprop, network, sample)
            yield _Way(run, events.get(name), [events.get(each) for each in before])
    if len(probes) == step.batch.m:
        start, batch = step.parameters, step.batch
        found = empty(network, case, start, parts_of(probes))
        update(network, case, start, batch, found)
        run = partial(watched_update, network, case, start, batch)
        entering = [found.summed.get(each) for each in before]
        yield _Way(run, found.summed.get(name) or found.moved.get(name), entering)


def _follow(
    network: BookNetwork, way: _Way, name: str, index: tuple[int, ...], dtype: str
) -> Loss | None:
    event = way.event
    if event is None or event.given:
        return None
    entry = index[0] if index else None
    if len(index) > 1:  # an entry of a matrix, which the network may have turned
        places = np.arange(event.value.size).reshape(event.value.shape)
        turned = network.conventions.weight_in(places) if places.ndim > 1 else places
        entry = int(turned[index]) if turned.ndim > 1 else None
    granted = frozenset(each.number for each in way.granted if each is not None)
    return locate(way.run, Spot(name, event.number, entry, dtype, granted - {event.number}))
