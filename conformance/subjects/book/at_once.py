"""δ of a mini-batch that an update takes all at once, where it is another than single samples have.

Such as one with the mean of all targets: `backprop` of one sample alone is right then. Left out:
z and a of a whole mini-batch.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from conformance.arithmetic.rounding import Precision, RunningError
from conformance.subjects.book.update import Update
from conformance.subjects.observation import Shown
from conformance.watching.events import Event
from conformance.watching.nearness import CLOSE, alike, nearest
from conformance.watching.sighting import moving
from reference.equations import BOOK
from reference.step import Array, Batch, split


class Together(NamedTuple):
    """δ of all samples of a mini-batch, (n_l, m), and what computed it."""

    delta: Array
    event: Event


def together(update: Update, single: Mapping[str, Any]) -> dict[str, Together]:
    """The δ `delta2 …` that made the ∇ of an update, where the samples alone have another.

    It is what ∂C/∂w is a product of, and of which ∂C/∂b is the mean; else nothing is told.

    Args:
        update: as it was watched.
        single: z and δ of the samples alone, side by side, by their names. Where a z does not come
            in the update, something before δ is another too, and δ is not to blame.
    """
    close, layers = CLOSE[update.case.dtype], range(2, update.case.layers + 1)
    zs = [single.get(f"z{layer}") for layer in layers]
    if any(event.frames for event in update.earlier):  # what is left of them depends on targets too
        return {}
    if any(z is None or nearest(update.recording.events, z, close) is None for z in zs):
        return {}
    found = {f"delta{layer}": _of_layer(update, layer) for layer in layers}
    return {
        name: each
        for name, each in found.items()
        if each is not None and name in single and _another(each.delta, single[name], close)
    }


def _another(delta: Array, other: Array, close: float) -> bool:
    """Whether two errors differ, and not only in who holds the 1/m."""
    m = delta.shape[1]
    return not any(alike(delta * factor, other, close) for factor in (1, m, 1 / m))


def _of_layer(update: Update, layer: int) -> Together | None:
    used, n = update.used.get(f"nabla_b{layer}"), update.start.b[layer - 2].size
    event = moving(update.recording, update.summed.get(f"nabla_w{layer}"), n * update.m)
    if event is None or not isinstance(used, np.ndarray):
        return None
    for turned in (event.value, event.value.T):
        for factor in (1, update.m):  # it may hold the 1/m
            delta = turned * factor
            fits = delta.shape == (n, update.m)
            if fits and alike(BOOK.bias_gradient(delta), used, CLOSE[update.case.dtype]):
                return Together(delta, event)
    return None


def with_errors(
    single: Mapping[str, Shown], found: Mapping[str, Together], batch: Batch
) -> dict[str, Shown]:
    """What the samples show, with the δ of the whole mini-batch in the place of their own.

    The a in its ∂C/∂w may be rounded otherwise than that of a single sample, and nobody can tell
    how far: what is near enough to be found is near enough.
    """
    shown = {**single, **{name: each.delta for name, each in found.items()}}
    for name, each in found.items():
        layer, dtype = split(name)[1] or 0, str(each.delta.dtype)
        below = batch.x if layer == 2 else single.get(f"a{layer - 1}")  # noqa: PLR2004 - a1 is x
        nabla = single[f"nabla_w{layer}"]
        if isinstance(below, np.ndarray) and isinstance(nabla, np.ndarray):
            right = BOOK.weight_gradient(each.delta, below)
            room = np.full(right.shape, CLOSE[dtype] * np.abs(right).max())
            precision = Precision.of(dtype, exact_centre=False)
            if alike(nabla, right, CLOSE[dtype]):
                shown[f"nabla_w{layer}"] = RunningError(nabla, room, precision)
    return shown
