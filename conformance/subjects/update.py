"""A mini-batch through a subject's update, watched: what moved the parameters, and on which line.

Left out: single samples (`probe.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import Precision, RunningError
from conformance.corpus.case import Case
from conformance.subjects.book import BookNetwork
from conformance.subjects.moves import Moves
from conformance.subjects.observation import Shown
from conformance.watching.culprit import Way, culprit, values_of
from conformance.watching.recording import Event, Frame, Recording, plain
from conformance.watching.sighting import CLOSE, alike, approximate
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters, split

Lift = Callable[[Array], Array]


@dataclass(eq=False)
class Update:
    """A watched update from the parameters `start`.

    Attributes:
        after: the parameters `b2 w2 …` that it left, in our layout where they fit it.
        used: the ∇ `nabla_b2 …` that was seen to move them, as the mean over the mini-batch.
        moved: the event that made each parameter array.
        summed: the event that made each ∇ that was used.
        earlier: the events of the steps before, if the whole run is watched.
    """

    recording: Recording
    case: Case
    start: Parameters
    parts: dict[str, list[Array]]  # the ∇ of the single samples, by name
    after: dict[str, Any] = field(default_factory=dict)
    used: dict[str, Shown] = field(default_factory=dict)
    moved: dict[str, Event] = field(default_factory=dict)
    summed: dict[str, Event] = field(default_factory=dict)
    earlier: Sequence[Event] = ()  # of the steps before this one

    @property
    def m(self) -> int:
        """The size of the mini-batch."""
        return len(self.parts["nabla_b2"])

    @cached_property
    def before(self) -> dict[str, Array]:
        """The parameters `b2 w2 …` that it started from."""
        return dict(self.start.named())

    def look(self, network: BookNetwork) -> None:
        """Find what moved each parameter array: the sum or the mean of its parts, or what else."""
        for name, array in self.after.items():
            event = self.recording.find(array)
            if event is None or event.given:
                continue
            self.moved[name] = event
            if all(source.given for source in event.inputs):
                # What moved it was not computed by NumPy: then its own size is all there is to see.
                self._moved_by(name, plain(array))
                continue
            nabla = f"nabla_{name}"
            turn = network.conventions.weight_out if name[0] == "w" else np.array
            parts = [turn(np.asarray(part)) for part in self.parts[nabla]]
            found = Moves(self.case, parts, self.recording, self.earlier).by(event)
            if found is not None:
                taken, divisor = found
                ours = network.conventions.weight_in(taken.value) if name[0] == "w" else taken.value
                shape = self.before[name].shape
                if np.size(ours) != int(np.prod(shape)):
                    continue
                self.summed[nabla] = taken
                self.used[nabla] = np.reshape(ours, shape) / divisor

    def _moved_by(self, name: str, after: Array) -> None:
        """Take (before − after) / η for the ∇ that was used, if the update cannot be to blame.

        It is if there is one sample, whose ∇ is known, or if it multiplies the samples' mean by
        −1, m or 1/m. The difference of two rounded arrays has what their roundings leave as bound.
        """
        before, mean = self.before[name], self._sums(f"nabla_{name}")[-1]
        moved = (before - after) / self.case.eta
        scaled = (moved * factor for factor in (1, -1, self.m, 1 / self.m))
        if self.m == 1 or any(alike(each, mean, self._close) for each in scaled):
            return
        if moved.dtype.hasobject:
            self.used[f"nabla_{name}"] = moved
            return
        precision = Precision.of(self.case.dtype, exact_centre=False)
        bound = 4 * precision.unit * (np.abs(before) + np.abs(after)) / self.case.eta
        self.used[f"nabla_{name}"] = RunningError(
            moved.astype(np.float64), bound.astype(np.float64), precision
        )

    def usual(self, after: Mapping[str, Any], *, decays: bool) -> bool:
        """Whether these are the parameters after a right update by the mean of the parts.

        Entry by entry, to a few roundings of each part; then nobody need watch it.
        """
        case, unit = self.case, Precision.of(self.case.dtype, exact_centre=False).unit
        decay = case.decay if decays else 0.0
        for name, before in self.before.items():
            parts = np.stack([approximate(part) for part in self.parts[f"nabla_{name}"]])
            nabla, moduli = parts.mean(axis=0), np.abs(parts).mean(axis=0)
            if name[0] == "w":
                right = BOOK.updated_weight(before, nabla, case.eta, decay)
            else:
                right = BOOK.updated_bias(before, nabla, case.eta)
            room = unit * ((self.m + 6) * case.eta * moduli + 4 * np.abs(before))
            if np.shape(after[name]) != right.shape or np.any(np.abs(after[name] - right) > room):
                return False
        return True

    def where(self, name: str) -> tuple[Frame, ...]:
        """The lines that computed a wrong gradient or parameter, the one to blame first."""
        with np.errstate(all="ignore"):
            if split(name)[0].startswith("nabla"):
                event = self.summed.get(name)
                return () if event is None else culprit(event, Way(self._sums(name)), self._close)
            event = self.moved.get(name)
            right = self._updates(name)
            if event is not None:
                return culprit(event, Way(right), self._close)
            lost = (e for e in reversed(self.recording.events) if e.frames)
            return next((e.frames for e in lost if alike(e.value, right[-1], self._close)), ())

    @property
    def _close(self) -> float:
        return CLOSE[self.case.dtype]

    def _sums(self, name: str) -> list[Array]:
        """The partial sums and means of the samples' gradients, the whole mean last."""
        parts = [approximate(part) for part in self.parts[name]]
        sums = [np.sum(parts[:i], axis=0) for i in range(1, self.m + 1)]
        return [*parts, *sums, *(each / self.m for each in (*parts, *sums))]

    def _updates(self, name: str) -> list[Array]:
        """The values on the way of W or B, the right result last."""
        quantity = split(name)[0]
        nabla = self.used.get(f"nabla_{name}")
        if nabla is None:
            nabla = self._sums(f"nabla_{name}")[-1]
        nabla = approximate(nabla.value if isinstance(nabla, RunningError) else nabla)
        before = self.before[name]
        equation = BOOK.updated_weight if quantity == "w" else BOOK.updated_bias
        rates = (self.case.eta, self.case.decay) if quantity == "w" else (self.case.eta,)
        result = approximate(equation(before, nabla, *rates))
        on_the_way = values_of(equation, (before, nabla, *rates))
        sums = [each for name in self.parts for each in self._sums(name)]
        return [nabla * self.m, nabla / self.m, *sums, *on_the_way, result]


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
        _walk(network, net, case, batch.map(lambda array: recording.watch(lift(array), "sample")))
        return network.inwards(net)


def repeated(
    network: BookNetwork, first: Parameters, batches: Sequence[Batch], found: Update
) -> Update:
    """The last update of a whole run from the parameters `first`, watched from the beginning.

    Whatever a network keeps between its steps is then seen to flow into the last one.
    """
    case, recording = found.case, Recording()
    *before, last = (batch.map(lambda array: recording.watch(array, "sample")) for batch in batches)
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


def _walk(network: BookNetwork, net: Any, case: Case, batch: Batch) -> None:
    network.update(net, batch, (case.eta, case.lmbda, case.n))


def empty(case: Case, start: Parameters, parts: dict[str, Sequence[Array]]) -> Update:
    """An update that has not run yet, with the gradients of the single samples."""
    return Update(Recording(), case, start, {name: list(each) for name, each in parts.items()})
