"""What single samples and the update showed of a mini-batch, side by side, and their lines.

Left out: running the network (`book_session.py`, `book_exact.py`).
"""

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.oracle import expectations
from conformance.subjects.book import BookNetwork
from conformance.subjects.observation import Shown
from conformance.subjects.probe import Forward, Probe, Sample, feed, forward
from conformance.subjects.update import Update, update
from conformance.watching.recording import Frame
from conformance.watching.sighting import CLOSE, alike
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters, split


@dataclass(frozen=True)
class Lines:
    """Which lines computed a wrong entry."""

    network: BookNetwork
    probes: Sequence[Probe]
    samples: Sequence[Sample]
    update: Update
    cost: tuple[Frame, ...] = ()

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
        if quantity in ("z", "a", "delta"):
            return self.probes[index[1] if len(index) > 1 else 0].where(name)
        if quantity in ("nabla_w", "nabla_b"):
            wrong = (each for each in self.probes if not _follows(each, quantity, layer or 0))
            return next((each.where(name) for each in wrong), None) or self.moving.where(name)
        return self.moving.where(name)

    @property
    def moving(self) -> Update:
        """The update, watched at last if it was not yet."""
        if not self.update.after:
            batch = [sample.batch for sample in self.samples]
            x, y = (np.hstack(arrays) for arrays in ([b.x for b in batch], [b.y for b in batch]))
            case, start = self.update.case, self.update.start
            with redirect_stdout(StringIO()), np.errstate(all="ignore"):
                update(self.network, case, start, Batch(x, y), self.update)
        return self.update

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


def parts_of(probes: Sequence[Probe]) -> dict[str, Sequence[Array]]:
    """The gradients of the single samples, by the names of the mini-batch's."""
    layers = range(len(probes[0].nabla_b))
    return {
        f"{quantity}{layer + 2}": [getattr(each, quantity)[layer] for each in probes]
        for layer in layers
        for quantity in ("nabla_b", "nabla_w")
    }


def shown_of(probes: Sequence[Probe], watched: Update, batch: Batch) -> dict[str, Shown]:
    """The columns of all samples side by side, and the gradients of the mini-batch."""
    case = watched.case
    shown: dict[str, Shown] = {**columns(probes, case, ("z", "a", "delta"))}
    expected: dict[str, RunningError] = {}
    for name, parts in watched.parts.items():
        misshapen = odd(parts, watched.start, name)
        used = watched.used.get(name)
        if misshapen is not None:
            alike_ = len({np.shape(part) for part in parts}) == 1
            shown[name] = np.asarray(sum(parts) / len(parts)) if alike_ else misshapen
            continue
        mean = shown[name] = _mean(parts, case.dtype)
        if isinstance(used, RunningError):
            shown[name] = used
        if used is None or isinstance(used, RunningError):
            continue
        shown[name], apart = used, np.abs(used - mean.value)
        if not np.all(apart <= mean.bound):  # all samples at once round otherwise than one by one
            expected = expected or expectations(case, watched.start, batch)
            if np.all(apart <= _room(mean, expected, name, shown, case)):
                shown[name] = RunningError(used, apart, mean.precision)
    return shown


def _room(
    mean: RunningError,
    expected: Mapping[str, RunningError],
    name: str,
    shown: Mapping[str, Shown],
    case: Case,
) -> Array:
    """How far the gradient of all samples at once may be from the mean of single ones.

    Where δ, or something before it, is wrong, no tolerance of the right numbers tells how its
    roundings grow: then what is near enough to be found is near enough.
    """
    room: Array = 2 * expected[name].tolerance()
    before = (each for each in shown if split(each)[0] in ("z", "a", "delta"))
    if all(_near(shown[each], expected[each]) for each in before):
        return room
    wider: Array = np.maximum(room, CLOSE[case.dtype] * np.abs(mean.value).max())
    return wider


def _near(seen: Shown, right: RunningError) -> bool:
    return isinstance(seen, RunningError) or bool(
        np.shape(seen) == right.shape and np.all(np.abs(seen - right.value) <= right.tolerance())
    )


def odd(parts: Sequence[Array], start: Parameters, name: str) -> Array | None:
    """The first of the samples' gradients that does not have the shape of its parameters."""
    shape = dict(start.named())[name.removeprefix("nabla_")].shape
    return next((part for part in parts if np.shape(part) != shape), None)


def columns(
    seen: Sequence[Probe] | Sequence[Forward], case: Case, quantities: Sequence[str]
) -> dict[str, Array]:
    """The quantities of all samples, side by side, where they were found in every sample."""
    shown = {}
    for layer in range(2, case.layers + 1):
        for quantity in quantities:
            columns = [each.column(quantity, layer) for each in seen]
            found = [column for column in columns if column is not None]
            if len(found) == len(columns):
                shown[f"{quantity}{layer}"] = np.hstack(found)
    return shown


def _mean(parts: Sequence[Array], dtype: str) -> RunningError:
    """The mean of the samples' gradients, with the bound of any order of summation."""
    numbers = np.stack([np.asarray(part, dtype=np.float64) for part in parts])
    mean: RunningError = RunningError.exact(numbers, dtype).sum(axis=0) / len(parts)
    return mean
