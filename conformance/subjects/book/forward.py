"""One sample through a subject's feedforward, watched, and what its operations show.

Left out: backprop (`probe.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.probe import Sample
from conformance.tracing.frames import Frame
from conformance.watching.culprit import culprit, on_the_way
from conformance.watching.events import Event
from conformance.watching.recording import Recording
from conformance.watching.sighting import Sight, sight
from reference.step import Array, split


@dataclass(eq=False)
class Forward:
    """A feedforward pass of one sample on its own, watched."""

    sample: Sample
    recording: Recording
    seen: Sight
    output: Array  # (n_L, 1)

    def column(self, quantity: str, layer: int) -> Array | None:
        """z or a of a layer, (n_l, 1), where it was found; the output in any case."""
        if (quantity, layer) == ("a", len(self.seen.a) + 1):
            return self.output
        event: Event | None = getattr(self.seen, quantity)[layer - 2]
        return None if event is None else np.reshape(event.value, (-1, 1))

    def event(self, name: str) -> Event | None:
        """What computed z or a of a layer."""
        quantity, layer = split(name)
        event: Event | None = getattr(self.seen, quantity)[(layer or 0) - 2]
        if name == f"a{len(self.seen.a) + 1}":
            return self.recording.find(self.output) or event
        return event

    def where(self, name: str) -> tuple[Frame, ...]:
        """The lines that computed a quantity wrongly, the one to blame first."""
        event = self.event(name)
        if event is None:
            return ()
        layers, sample = range(2, len(self.seen.a) + 2), self.sample
        seen = {f"{each}{i}": self.column(each, i) for i in layers for each in ("z", "a")}
        with np.errstate(all="ignore"):
            right = on_the_way(sample.start, sample.batch, sample.cost, seen, name)
            return culprit(event, right, sample.close)


def feed(network: BookNetwork, samples: Sequence[Sample]) -> Array:
    """The output (n_L, m) of feedforward on each of some samples, which nobody watches."""
    net = network.make(samples[0].start.sizes, samples[0].cost)
    network.fill(net, *network.outwards(samples[0].start))
    return np.hstack([network.feedforward(net, np.array(each.batch.x)) for each in samples])


def forward(network: BookNetwork, sample: Sample) -> Forward:
    """Run feedforward on one sample with everything watched."""
    recording = network.recording()
    with network.numbers.watching(recording):
        net = network.make(sample.start.sizes, sample.cost)
        network.fill(net, *network.given(sample.start, recording))
        output = network.feedforward(net, recording.watch(np.array(sample.batch.x), "x"))
    seen = sight(recording, sample.start, sample.batch.x, sample.close)
    return Forward(sample, recording, seen, output)
