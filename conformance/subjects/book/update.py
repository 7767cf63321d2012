"""A mini-batch through a subject's update, watched: what moved the parameters, and on which line.

Left out: running it (`update_run.py`), single samples (`probe.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import Precision, RunningError
from conformance.corpus.case import Case
from conformance.subjects.book.moves import Moves, Taken
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.observation import Shown
from conformance.tracing.frames import Frame
from conformance.watching.culprit import Way, culprit, values_of
from conformance.watching.events import Event
from conformance.watching.nearness import CLOSE, alike, approximate
from conformance.watching.recording import Recording
from conformance.watching.watched import plain
from reference.equations import BOOK
from reference.step import Array, Parameters, split

BESIDE = str.maketrans("wb", "bw")
"""Makes of the name of a weight array that of its biases, and the reverse."""


@dataclass(eq=False)
class Update:
    """A watched update from the parameters `start`.

    Attributes:
        after: the parameters `b2 w2 …` that it left, in our layout where they fit it.
        used: the ∇ `nabla_b2 …` that was seen to move them, as the mean over the mini-batch.
        moved: the event that made each parameter array.
        summed: the event that made each ∇ that was used.
        mixed: the ∇ that are a sum where the other of their layer is a mean, or the reverse.
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
    mixed: set[str] = field(default_factory=set)
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
        moves: dict[str, Moves] = {}
        for name, array in self.after.items():
            event = self.recording.find(array)
            if event is None or event.given:
                continue
            self.moved[name] = event
            if all(source.given for source in event.inputs):
                # What moved it was not computed by NumPy: then its own size is all there is to see.
                self._moved_by(name, event, plain(array))
                continue
            turn = network.conventions.weight_out if name[0] == "w" else np.array
            parts = [turn(np.asarray(part)) for part in self.parts[f"nabla_{name}"]]
            moves[name] = Moves(self.case, parts, self.recording, event, self.earlier)
        for name, each in moves.items():
            beside = moves.get(name.translate(BESIDE))
            mixed = each.mixed(beside) if beside is not None else None
            taken = mixed or each.taken()
            if taken is not None:
                self._take(network, name, taken, right=each.is_mean(taken))
                self.mixed |= {f"nabla_{name}"} if mixed else set()

    def _take(self, network: BookNetwork, name: str, taken: Taken, *, right: bool) -> None:
        """Take an array for the ∇ that was used, but not the gradient of other parameters.

        That is right in itself: then the update is wrong.
        """
        event, divisor = taken
        ours = network.conventions.weight_in(event.value) if name[0] == "w" else event.value
        shape, nabla = self.before[name].shape, f"nabla_{name}"
        fits = np.size(ours) == int(np.prod(shape))
        others = (sums for part in self.parts if part != nabla for sums in self._sums(part))
        zero = not approximate(event.value).any()
        if right or zero or not any(alike(event.value, each, self._close) for each in others):
            self.summed[nabla] = event
            self.used[nabla] = (np.reshape(ours, shape) if fits else ours) / divisor

    def _moved_by(self, name: str, event: Event, after: Array) -> None:
        """Take (before − after) / η for the ∇ that was used, if the update cannot be to blame.

        The number 0 that is taken from the parameter is a sum of no samples, if none was looked at.
        Any other number moves all entries alike, which no gradient does.
        It is if there is one sample, whose ∇ is known, or if it multiplies the samples' mean by
        −1, m or 1/m. The difference of two rounded arrays has what their roundings leave as bound.
        """
        before, mean = self.before[name], self._sums(f"nabla_{name}")[-1]
        none = event.operation == "subtract" and event.constants == (0.0,)
        if none and not self.recording.looked_at("x"):
            self.used[f"nabla_{name}"] = np.zeros_like(before)
            return
        if event.operation in ("add", "subtract") and event.constants and before.size > 1:
            return
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
            nabla = parts.mean(axis=0)
            if name[0] == "w":
                right = BOOK.updated_weight(before, nabla, case.eta, decay)
            else:
                right = BOOK.updated_bias(before, nabla, case.eta)
            room = case.eta * at_once(parts, unit) + 4 * unit * np.abs(before)
            if np.shape(after[name]) != right.shape or np.any(np.abs(after[name] - right) > room):
                return False
        return True

    def where(
        self, name: str, way: Callable[[], Way], *, at_once: bool = False
    ) -> tuple[Frame, ...]:
        """The lines that computed a wrong gradient or parameter, the one to blame first.

        Args:
            name: of the gradient or parameter.
            way: gives what may rightly appear before a gradient that is no sum of samples.
            at_once: whether the update takes all samples at once, and not one by one.
        """
        with np.errstate(all="ignore"):
            if split(name)[0].startswith("nabla"):
                event = self.summed.get(name)
                if event is None or name in self.mixed:
                    return () if event is None else event.frames
                right = Way(self._sums(name), parts=not at_once)
                if not right.knows(event.value, self._close):
                    before = way()
                    right = replace(right, values=[*before.values, *right.values], own=before.own)
                return culprit(event, right, self._close)
            event = self.moved.get(name)
            values = self._updates(name)
            if event is not None:
                return culprit(event, Way(values), self._close)
            lost = (e for e in reversed(self.recording.events) if e.frames)
            return next((e.frames for e in lost if alike(e.value, values[-1], self._close)), ())

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


def at_once(parts: Array, unit: float) -> Array:
    """How far the mean of the samples' gradients may be off if they are computed all at once.

    A few roundings of each, as products of many columns round otherwise than those of one.
    """
    room: Array = unit * (len(parts) + 6) * np.abs(parts).mean(axis=0)
    return room
