"""What single samples and the update showed of a mini-batch, side by side.

Left out: their lines (`lines.py`), running the network (`session.py`, `exact.py`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.subjects.book.forward import Forward
from conformance.subjects.book.probe import Probe
from conformance.subjects.book.update import Update
from conformance.subjects.observation import Shown
from conformance.verdict.oracle import expectations
from conformance.watching.nearness import CLOSE
from reference.step import Array, Batch, Parameters, split


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
            continue
        if used is None and len(parts) > 1:
            # Nobody saw it: the update may have computed it of all samples at once.
            expected = expected or expectations(case, watched.start, batch)
            apart = np.maximum(mean.bound, _room(mean, expected, name, shown, case))
            shown[name] = RunningError(mean.value, apart, mean.precision)
        if used is None:
            continue
        shown[name], m = used, len(parts)
        if np.shape(used) != mean.shape:
            continue
        apart, factor = min(((np.abs(used - c * mean.value), c) for c in (1, m, 1 / m)), key=_most)
        if not np.all(apart <= factor * mean.bound):
            # All samples at once round otherwise than one by one.
            expected = expected or expectations(case, watched.start, batch)
            if np.all(apart <= factor * _room(mean, expected, name, shown, case)):
                shown[name] = RunningError(used, apart, mean.precision)
    return shown


def _most(apart: tuple[Array, float]) -> float:
    return float(np.max(apart[0], initial=0.0))


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
