"""Which lines of a network with the book's interface computed a wrong entry.

Left out: the numbers (`shown.py`), running the network (`session.py`, `exact.py`).
"""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.at_once import Together
from conformance.subjects.book.forward import feed, forward
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.probe import Probe, Sample
from conformance.subjects.book.shown import columns, odd
from conformance.subjects.book.update import Update
from conformance.subjects.book.update_run import update
from conformance.subjects.observation import Shown
from conformance.tracing.frames import Frame
from conformance.watching.culprit import Way, culprit, on_the_way
from conformance.watching.nearness import CLOSE, alike, nearest
from reference.equations import BOOK
from reference.step import Array, Batch, split


@dataclass(frozen=True)
class Lines:
    """Which lines computed a wrong entry."""

    network: BookNetwork
    probes: Sequence[Probe]
    samples: Sequence[Sample]
    update: Update
    cost: tuple[Frame, ...] = ()
    together: Mapping[str, Together] = field(default_factory=dict)  # δ of all samples at once

    @property
    def misshapen(self) -> bool:
        """Whether a gradient of a sample does not have the shape of its parameters."""
        parts, start = self.update.parts, self.update.start
        return any(odd(each, start, name) is not None for name, each in parts.items())

    def own_pass(self, shown: Mapping[str, Shown], case: Case) -> dict[str, Array]:
        """z and a of `feedforward`, if its output is not that of `backprop`'s own pass."""
        output = feed(self.network, self.samples)
        name = f"a{case.layers}"
        inside = shown.get(name)
        if not isinstance(inside, np.ndarray):
            return {name: output}
        if alike(output, inside, CLOSE[case.dtype]):
            return {}
        return columns([forward(self.network, sample) for sample in self.samples], case, ("z", "a"))

    def where(self, name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
        """The lines of an entry of what `backprop` and the update computed."""
        quantity, layer = split(name)
        if quantity == "cost":
            return self.cost
        if name in self.together:
            return self._where_together(name)
        if quantity in ("z", "a", "delta"):
            return self.probes[index[1] if len(index) > 1 else 0].where(name)
        if quantity in ("nabla_w", "nabla_b"):
            wrong = (each for each in self.probes if not _follows(each, quantity, layer or 0))
            alone = next((each.where(name) for each in wrong), None)
            return alone or self.moving.where(
                name, lambda: self._before_nabla, at_once=self._at_once
            )
        return self.moving.where(name, lambda: self._before_nabla)

    def _where_together(self, name: str) -> tuple[Frame, ...]:
        """The lines of δ of a whole mini-batch."""
        update = self.update
        seen: dict[str, Array | None] = {**columns(self.probes, update.case, ("z", "a"))}
        seen |= {each: both.delta for each, both in self.together.items()}
        with np.errstate(all="ignore"):
            right = on_the_way(update.start, self._batch, update.case.cost, seen, name)
            return culprit(self.together[name].event, right, CLOSE[update.case.dtype])

    @property
    def moving(self) -> Update:
        """The update, watched at last if it was not yet."""
        if not self.update.after:
            case, start = self.update.case, self.update.start
            with redirect_stdout(StringIO()), np.errstate(all="ignore"):
                update(self.network, case, start, self._batch, self.update)
        return self.update

    @property
    def _batch(self) -> Batch:
        batch = [sample.batch for sample in self.samples]
        return Batch(np.hstack([each.x for each in batch]), np.hstack([each.y for each in batch]))

    @cached_property
    def _before_nabla(self) -> Way:
        """What may rightly appear before ∇, of all samples at once or one by one."""
        case, values, own = self.update.case, list[Array](), list[Array]()
        everything = (self._batch, list(self.probes))
        parts = [(each.batch, [self.probes[i]]) for i, each in enumerate(self.samples)]
        with np.errstate(all="ignore"):
            for batch, probes in [everything] if self._at_once else parts:
                seen = columns(probes, case, ("z", "a", "delta"))
                way = on_the_way(self.update.start, batch, case.cost, seen, "nabla_b2")
                values += [each / m for each in way.values for m in {1, batch.m}]
                own += [each / m for each in way.own for m in {1, batch.m}]
        return Way(values, own)

    @cached_property
    def _at_once(self) -> bool:
        """Whether the update takes all samples at once, and not one by one."""
        case, recording = self.update.case, self.moving.recording
        z = columns(self.probes, case, ("z",)).get("z2")
        return z is not None and nearest(recording.events, z, CLOSE[case.dtype]) is not None

    def in_forward(self, name: str, index: tuple[int, ...]) -> tuple[Frame, ...]:
        """The lines of an entry of what `feedforward` computed."""
        sample = self.samples[index[1] if len(index) > 1 else 0]
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            return forward(self.network, sample).where(name)


def _follows(each: Probe, quantity: str, layer: int) -> bool:
    """Whether the gradient of one sample is what its own δ and a make of it."""
    delta = each.column("delta", layer)
    if delta is None:
        return False
    below = each.sample.batch.x if layer == 2 else each.column("a", layer - 1)  # noqa: PLR2004
    if quantity == "nabla_b":
        return alike(each.nabla_b[layer - 2], delta, each.sample.close)
    if below is None:
        return True
    right = BOOK.weight_gradient(delta, below)
    own = each.nabla_w[layer - 2]
    return np.shape(own) == np.shape(right) and alike(own, right, each.sample.close)
