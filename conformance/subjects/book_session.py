"""A network with the book's interface in training: each step watched, sample by sample.

Every sample goes through backprop alone, which shows δ, ∇, and by watching z and a. Then the
mini-batch goes through `update_mini_batch`, which shows the new parameters, and by watching the ∇
that moved them. Left out: what is right (`conformance.oracle`).
"""

from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import Precision, RunningError
from conformance.corpus.case import Case
from conformance.subjects.book import BookNetwork
from conformance.subjects.observation import Observation, Shown
from conformance.subjects.probe import Probe, probe, unwatched
from conformance.watching.culprit import culprit, right_values
from conformance.watching.recording import Event, Frame, Recording
from conformance.watching.sighting import CLOSE, alike
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters, split


class BookSession:
    """A network in training; see the module."""

    def __init__(self, network: BookNetwork, case: Case, parameters: Parameters) -> None:
        """Start from the parameters of a case."""
        self.network, self.case = network, case
        self.net = network.make(case.sizes, case.cost)
        network.fill(self.net, *network.outwards(parameters))
        self.first = True

    def step(self, batch: Batch) -> Observation:
        """Take one step and show what can be seen of it."""
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            return self._step(batch)

    def _step(self, batch: Batch) -> Observation:
        start = self.network.inwards(self.net).map(np.array)
        samples = [tuple(a[:, [i]] for a in (batch.x, batch.y)) for i in range(batch.m)]
        sizes, cost = self.case.sizes, self.case.cost
        probes = [probe(self.network, sizes, start, (x, y), cost) for x, y in samples]
        remarks = self._disturbed(probes[0], start)
        update = self._update(start, batch, probes) if self.first else None
        rates = self.case.eta, self.case.lmbda, self.case.n
        self.network.update(self.net, batch, rates)
        self.first = False
        after = self.network.inwards(self.net)
        shown = self._shown(probes, update) | {
            name: np.array(array) for name, array in after.named()
        }
        return Observation(
            shown, _Lines(probes, update, self.case, start).where, remarks=tuple(remarks)
        )

    def _shown(self, probes: Sequence[Probe], update: "_Update | None") -> dict[str, Shown]:
        """The columns of all samples side by side, and the gradients of the mini-batch."""
        shown: dict[str, Shown] = {}
        for layer in range(2, self.case.layers + 1):
            for quantity in ("z", "a", "delta"):
                columns = [each.column(quantity, layer) for each in probes]
                if all(column is not None for column in columns):
                    shown[f"{quantity}{layer}"] = np.hstack(columns)  # type: ignore[arg-type]
            for quantity in ("nabla_b", "nabla_w"):
                parts = [getattr(each, quantity)[layer - 2] for each in probes]
                used = update and update.used.get(f"{quantity}{layer}")
                shown[f"{quantity}{layer}"] = (
                    _mean(parts, self.case.dtype) if used is None else used
                )
        return shown

    def _disturbed(self, first: Probe, start: Parameters) -> list[str]:
        """What watching changed, if anything: a run that nobody watches must give the same bits."""
        alone = unwatched(self.network, self.case.sizes, start, (first.x, first.y), self.case.cost)
        same = all(
            np.array_equal(seen, plain, equal_nan=True)
            for seen, plain in zip(
                (*first.nabla_b, *first.nabla_w), (*alone[0], *alone[1]), strict=True
            )
        )
        return [] if same else ["a second call with the same sample gives another gradient"]

    def _update(self, start: Parameters, batch: Batch, probes: Sequence[Probe]) -> "_Update":
        recording = Recording()
        network, case = self.network, self.case
        net = network.make(case.sizes, case.cost)
        stored = network.outwards(start)
        w = [recording.watch(each, f"w{i}") for i, each in enumerate(stored[0], 2)]
        b = [recording.watch(each, f"b{i}") for i, each in enumerate(stored[1], 2)]
        network.fill(net, w, b)
        watched = Batch(recording.watch(batch.x, "x"), recording.watch(batch.y, "y"))
        network.update(net, watched, (case.eta, case.lmbda, case.n))
        made = _Update(recording, case, batch.m, {})
        for layer, (w_after, b_after) in enumerate(zip(net.weights, net.biases, strict=True), 2):
            for quantity, after in (("w", w_after), ("b", b_after)):
                parts = [getattr(each, f"nabla_{quantity}")[layer - 2] for each in probes]
                made.look(f"{quantity}{layer}", after, parts, network)
        return made


@dataclass(eq=False)
class _Update:
    """A watched update of the parameters, and the ∇ that was seen to move them."""

    recording: Recording
    case: Case
    m: int
    used: dict[str, Array]  # nabla_w2 …, the mean over the mini-batch

    def __post_init__(self) -> None:
        self.moved: dict[str, Event] = {}  # the event that made w2 …, b2 …
        self.summed: dict[str, Event] = {}  # the event that made the ∇ which was used

    def look(self, name: str, after: Any, parts: Sequence[Array], network: BookNetwork) -> None:
        """Find what moved a parameter array: the sum or the mean of its parts, or what else."""
        moved = self.recording.find(after)
        if moved is None or moved.given:
            return
        self.moved[name] = moved
        close = CLOSE[self.case.dtype]
        total = np.sum(parts, axis=0)
        way = [e for e in self.recording.events if not e.given and moved.uses(e)]
        found = [
            (event, scale)
            for scale, right in ((1 / self.m, total), (1.0, total / self.m))
            for event in way
            if event.value.size == right.size and alike(event.value, right, close)
        ]
        event, scale = found[0] if found else self._taken(moved)
        if event is not None:
            ours = event.value if name[0] == "b" else network.conventions.weight_in(event.value)
            self.summed[f"nabla_{name}"] = event
            self.used[f"nabla_{name}"] = np.reshape(ours * scale, parts[0].shape)

    def _taken(self, moved: Event) -> tuple[Event | None, float]:
        """The array that was multiplied by η/m (or η) and then taken from the parameters."""
        size = moved.value.size
        for event in moved.inputs:
            factor, scaled = 1.0, event
            while (
                len(scaled.inputs) == 1 and scaled.constants and scaled.inputs[0].value.size == size
            ):
                constant = float(np.prod(scaled.constants))
                factor *= (
                    1 / constant if scaled.operation in ("divide", "true_divide") else constant
                )
                scaled = scaled.inputs[0]
            for scale, full in ((1 / self.m, self.case.eta / self.m), (1.0, self.case.eta)):
                if not scaled.given and scaled is not event and np.isclose(abs(factor), full):
                    return scaled, scale
        return None, 1.0


@dataclass(frozen=True)
class _Lines:
    """Which lines computed a wrong entry."""

    probes: Sequence[Probe]
    update: _Update | None
    case: Case
    start: Parameters

    def where(self, name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
        quantity, layer = split(name)
        if quantity in ("z", "a", "delta"):
            return self.probes[index[1] if len(index) > 1 else 0].where(name)
        if quantity == "nabla_w":
            for each in self.probes:
                right = BOOK.weight_gradient(each.nabla_b[layer - 2], each._own("a", layer - 1))  # noqa: SLF001
                if not alike(each.nabla_w[layer - 2], right, CLOSE[self.case.dtype]):
                    return each.where(name)
        return self._in_update(name)

    def _in_update(self, name: str) -> tuple[Frame, ...]:
        if self.update is None:
            return ()
        quantity, layer = split(name)
        close = CLOSE[self.case.dtype]
        if quantity.startswith("nabla"):
            event = self.update.summed.get(name)
            parts = [getattr(each, quantity)[(layer or 2) - 2] for each in self.probes]
            sums = [np.sum(parts[:i], axis=0) for i in range(1, len(parts) + 1)]
            right = [*parts, *sums, *(each / len(parts) for each in sums)]
            return () if event is None else culprit(event, right, close)
        event = self.update.moved.get(name)
        nabla = self.update.used.get(f"nabla_{name}")
        if event is None or nabla is None:
            return () if event is None else event.frames
        before = getattr(self.start, quantity)[(layer or 2) - 2]
        eta, m = self.case.eta, len(self.probes)
        if quantity == "w":
            right = right_values(
                BOOK.updated_weight, (before, np.asarray(nabla), eta, self.case.decay)
            )
        else:
            right = right_values(BOOK.updated_bias, (before, np.asarray(nabla), eta))
        return culprit(event, [*right, nabla * m, nabla / m], close)


def _mean(parts: Sequence[Array], dtype: str) -> RunningError:
    """The mean of the samples' gradients, with the bound of any order of summation."""
    numbers = np.stack([np.asarray(part, dtype=np.float64) for part in parts])
    precision = Precision.of(dtype, exact_centre=False)
    exact = RunningError(numbers, np.zeros_like(numbers), precision)
    return exact.sum(axis=0) / len(parts)
