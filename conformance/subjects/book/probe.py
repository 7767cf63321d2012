"""One sample through a subject's backprop, watched, and what its operations show.

Left out: feedforward (`forward.py`), the whole mini-batch (`session.py`).
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from conformance.subjects.book.network import BookNetwork
from conformance.tracing.frames import Frame
from conformance.watching.culprit import culprit, on_the_way
from conformance.watching.events import Event
from conformance.watching.nearness import CLOSE, alike, approximate
from conformance.watching.recording import Recording
from conformance.watching.sighting import Sight, moving, sight
from conformance.watching.watched import plain
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters, split


@dataclass(frozen=True, eq=False)
class Sample:
    """What a probe is run on: where the network starts, one sample, the cost."""

    start: Parameters
    batch: Batch  # one column
    cost: str

    @property
    def close(self) -> float:
        """How near is near enough when looking for a value."""
        return CLOSE[str(self.start.w[0].dtype)]


@dataclass(eq=False)
class Probe:
    """What backprop of one sample computed; arrays in our layout, for l = 2 … L."""

    sample: Sample
    recording: Recording
    seen: Sight
    nabla_b: list[Array]
    nabla_w: list[Array]
    events: dict[str, Event | None] = field(default_factory=dict)

    def column(self, quantity: str, layer: int) -> Array | None:
        """z, a or δ of a layer, (n_l, 1), where it was found."""
        event, size = self.events.get(f"{quantity}{layer}"), self.sample.start.b[layer - 2].size
        if event is not None and event.value.size == size:
            return np.reshape(event.value, (-1, 1))
        nabla_b = self.nabla_b[layer - 2]
        return nabla_b if quantity == "delta" and np.shape(nabla_b) == (size, 1) else None

    def find_errors(self) -> None:
        """Find δ of each layer, the output first: what ∇w is made of, or what ∇b is.

        Where the two differ one of them is wrong: then δ is the one that is right.
        """
        start, y = self.sample.start, self.sample.batch.y
        above: Array | None = None
        for layer in range(len(start.w) + 1, 1, -1):
            z, a = (self._seen(quantity, layer) for quantity in ("z", "a"))
            book = BOOK.with_cost(COSTS[self.sample.cost])
            if above is None:
                right = book.output_error(z, a, y)
            else:
                right = book.hidden_error(start.w[layer - 1], above, z)
            nabla_b = self.events[f"nabla_b{layer}"]
            moves = moving(self.recording, self.events[f"nabla_w{layer}"], z.size)
            if nabla_b and nabla_b.value.size != z.size:
                nabla_b = None  # it is a part of what was computed
            if nabla_b and moves and alike(nabla_b.value, moves.value, self.sample.close):
                nabla_b = moves  # ∇b of one sample may be δ once more, summed over one column
            both = [event for event in (nabla_b, moves) if event is not None]
            fits = (event for event in both if alike(event.value, right, self.sample.close))
            event = next(fits, nabla_b or moves)
            self.events[f"delta{layer}"] = event
            column = self.column("delta", layer)
            above = right if column is None else approximate(column)

    def _seen(self, quantity: str, layer: int) -> Array:
        """z or a as it was seen, or what is right given what was seen below."""
        if layer == 1:
            return self.sample.batch.x
        column = self.column(quantity, layer)
        if column is not None:
            return approximate(column)
        if quantity == "a":
            return BOOK.activation(self._seen("z", layer))
        w, b = self.sample.start.w[layer - 2], self.sample.start.b[layer - 2]
        return BOOK.weighted_input(w, self._seen("a", layer - 1), b)

    def where(self, name: str) -> tuple[Frame, ...]:
        """The lines that computed a quantity wrongly, the one to blame first."""
        event, sample = self.events.get(name), self.sample
        if event is None:
            return ()
        with np.errstate(all="ignore"):
            right = on_the_way(sample.start, sample.batch, sample.cost, self._columns, name)
            return culprit(event, right, sample.close)

    @cached_property
    def _columns(self) -> dict[str, Array | None]:
        """What was seen of z, a and δ."""
        named = {name: split(name) for name in self.events}
        return {
            name: self.column(quantity, layer)
            for name, (quantity, layer) in named.items()
            if layer is not None and quantity in ("z", "a", "delta")
        }


def probe(network: BookNetwork, sample: Sample, *, second: bool = False) -> Probe:
    """Run backprop on one sample with everything watched.

    Args:
        network: the subject.
        sample: floats, in our layout; not changed.
        second: let it run once before, and look at the second call.

    Raises:
        SubjectError: what it returns is no pair of lists of arrays.
    """
    start, x = sample.start, sample.batch.x
    recording = network.recording()
    nablas = watched_backprop(network, sample, recording, second=second)
    returned = dict(zip(("nabla_b", "nabla_w"), nablas, strict=True))
    events: dict[str, Event | None] = {
        f"{quantity}{layer}": recording.origin(array)
        for quantity, arrays in returned.items()
        for layer, array in enumerate(arrays, 2)
    }
    seen = sight(recording, start, x, sample.close, events)
    for layer in range(2, len(start.w) + 2):
        events |= {f"z{layer}": seen.z[layer - 2], f"a{layer}": seen.a[layer - 2]}
    nabla_b, nabla_w = ([plain(np.asarray(each)) for each in part] for part in returned.values())
    made = Probe(sample, recording, seen, nabla_b, nabla_w, events)
    made.find_errors()
    return made


def watched_backprop(
    network: BookNetwork, sample: Sample, recording: Recording, *, second: bool = False
) -> tuple[list[Array], list[Array]]:
    """The watched (∇b, ∇w) that backprop of a new network gives of one sample."""
    start, x, y = sample.start, sample.batch.x, sample.batch.y
    with network.numbers.watching(recording):
        net = network.make(start.sizes, sample.cost)
        if second:
            network.fill(net, *network.outwards(start))
            network.backprop(net, np.array(x), np.array(y))
            recording.close()
        network.fill(net, *network.given(start, recording))
        x, y = np.array(x), np.array(y)
        return network.backprop(net, recording.watch(x, "x"), recording.watch(y, "y"))


def unwatched_probe(network: BookNetwork, sample: Sample) -> Probe:
    """Run backprop on one sample and look at what it returns alone; see `probe`."""
    net = network.make(sample.start.sizes, sample.cost)
    network.fill(net, *network.outwards(sample.start))
    pair = network.backprop(net, np.array(sample.batch.x), np.array(sample.batch.y))
    unseen = (None,) * len(sample.start.w)
    return Probe(sample, Recording(), Sight(unseen, unseen), *pair)
