"""δ of a mini-batch that an update takes all at once, where it is another than single samples have.

Such as one with the mean of all targets: `backprop` of one sample alone is right then. Left out:
z and a of a whole mini-batch.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.subjects.book.update import Update
from conformance.subjects.observation import Shown
from conformance.verdict.oracle import expectations
from conformance.watching.events import Event
from conformance.watching.nearness import CLOSE, alike, nearest
from conformance.watching.sighting import moving
from reference.equations import BOOK
from reference.step import Array, Batch, Parameters, split


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
    single: Mapping[str, Shown],
    found: Mapping[str, Together],
    case: Case,
    start: tuple[Parameters, Batch],
) -> dict[str, Shown]:
    """What the samples show, with the δ of the whole mini-batch in the place of their own.

    The a in its ∂C/∂w may be rounded otherwise than that of a single sample, by as much as two
    programs may differ in a: that is carried to the ∂C/∂w.
    """
    shown = {**single, **{name: each.delta for name, each in found.items()}}
    if not found:
        return shown
    expected = expectations(case, *start)
    for name, each in found.items():
        layer = split(name)[1] or 0
        nabla = single[f"nabla_w{layer}"]
        if layer == 2 or not isinstance(nabla, np.ndarray):  # noqa: PLR2004 - x is not rounded
            continue
        below = single.get(f"a{layer - 1}")
        a = expected[f"a{layer - 1}"]
        if isinstance(below, np.ndarray):
            a = RunningError(below, a.tolerance(), a.precision)
        delta = RunningError.exact(each.delta, case.dtype)
        right = BOOK.weight_gradient(cast("Array", delta), cast("Array", a))
        room = cast("RunningError", right).tolerance()
        shown[f"nabla_w{layer}"] = RunningError(nabla, room, a.precision)
    return shown
