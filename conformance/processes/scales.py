"""How a function scales the gradients that it shows: as means, as sums, or ready to be added up.

What a process has before the reduction may be the mean over its own samples, their sum, or its
share of the mean over all. None of these is a mistake; which one it is shows in a case in which the
parts have different sizes. Left out: layouts, which are the project's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.errors import SubjectError
from conformance.processes.division import Divided
from conformance.processes.judge_processes import Targets, truth
from conformance.processes.ranks import GRADIENTS, Processes, ProcessStep
from conformance.verdict.deviation import Target, compare, malformed
from reference.step import Array, split

MEAN = "the mean over its samples"
OWN: Mapping[str, Callable[[int, int, int], float]] = {
    MEAN: lambda _part, _m, _world: 1.0,
    "the sum over its samples": lambda part, _m, _world: float(part),
    "its share of the mean over all": lambda part, m, _world: part / m,
    "its share, times the number of processes": lambda part, m, world: world * part / m,
}
"""What is shown of a part, as a multiple of its mean: of its samples, of all, of the processes."""

ALL: Mapping[str, Callable[[int], float]] = {MEAN: lambda _: 1.0, "the sum over all samples": float}
"""What is shown of all together, as a multiple of the mean; of all samples."""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Processes whose gradients are turned into means.

    Attributes:
        inner: the processes.
        own: a key of `OWN`.
        all: a key of `ALL`.
    """

    inner: Processes
    own: str = MEAN
    all: str = MEAN

    @property
    def name(self) -> str:
        """Of the processes."""
        return self.inner.name

    @property
    def world(self) -> int:
        """How many they are."""
        return self.inner.world

    @property
    def said(self) -> tuple[str, ...]:
        """The conventions that are not the project's, in words."""
        own = f"the gradient of a part is {self.own}"
        whole = f"the gradient of all processes is {self.all}"
        return (own,) * (self.own != MEAN) + (whole,) * (self.all != MEAN)

    def step(self, divided: Divided, t: int) -> Sequence[ProcessStep]:
        """Take one step of a case from its start; what each process shows, as means."""
        shown, m = self.inner.step(divided, t), divided.batches[t].m
        if not self.said:
            return shown
        counts = [[len(part) for part in of_rank] for of_rank in divided.case.parts[t]]
        return [
            replace(
                each,
                parts=tuple(
                    _over(part, OWN[self.own](count, m, self.world))
                    for part, count in zip(each.parts, of_rank, strict=False)
                ),
                after=_over(each.after, ALL[self.all](m)),
            )
            for each, of_rank in zip(shown, counts, strict=True)
        ]


def recognised(processes: Processes, trials: Sequence[Divided]) -> Scaled:
    """The processes in the scale in which they show gradients; means if it is none of the known.

    Args:
        processes: that show some.
        trials: cases, of which the first that has parts of different sizes is tried.
    """
    for divided in trials:
        sizes = {len(part) for of_rank in divided.case.parts[0] for part in of_rank}
        if len(sizes) > 1:
            return _tried(processes, divided)
    return Scaled(processes)


def _tried(processes: Processes, divided: Divided) -> Scaled:
    try:
        shown = processes.step(divided, 0)
    except SubjectError:
        return Scaled(processes)
    right, m, world = truth(divided, 0), divided.batches[0].m, processes.world
    parts = _parts(shown, divided)
    own = next(
        (
            name
            for name, factor in OWN.items()
            if _all_are(parts, right.parts, [factor(n, m, world) for _, n in parts])
        ),
        MEAN,
    )
    whole = next((name for name, f in ALL.items() if _whole_is(shown, right.whole, f(m))), MEAN)
    return Scaled(processes, own, whole)


def _parts(shown: Sequence[ProcessStep], divided: Divided) -> list[tuple[Mapping[str, Any], int]]:
    """What is shown of each part, and its samples."""
    found = []
    for rank, place, part in divided.parts(0):
        own = shown[rank].parts
        found.append((own[place] if place < len(own) else {}, part.m))
    return found


def _all_are(
    parts: Sequence[tuple[Mapping[str, Any], int]],
    right: Sequence[Targets],
    factors: Sequence[float],
) -> bool:
    each = zip(parts, right, factors, strict=True)
    return all(_are(shown, targets, factor) for (shown, _), targets, factor in each)


def _whole_is(shown: Sequence[ProcessStep], right: Targets, factor: float) -> bool:
    return all(_are(each.after, right, factor) for each in shown)


def _are(shown: Mapping[str, Any], right: Targets, factor: float) -> bool:
    """Whether all gradients are so many times the right ones."""
    return not any(
        malformed(array, right[name].centre.shape, right[name].centre.dtype)
        or compare(array, _times(right[name], factor), array.dtype).problem
        for name, array in shown.items()
        if _is_gradient(name)
    )


def _times(target: Target, factor: float) -> Target:
    centre = np.asarray(target.centre * target.centre.dtype.type(factor))
    rounding = np.spacing(abs(centre)).astype(np.float64)
    return Target(centre, target.tolerance * factor + rounding)


def _over(shown: Mapping[str, Any], factor: float) -> dict[str, Array]:
    if factor == 1:
        return dict(shown)
    return {
        name: np.asarray(array / array.dtype.type(factor)) if _is_gradient(name) else array
        for name, array in shown.items()
    }


def _is_gradient(name: str) -> bool:
    return split(name)[0] in (*GRADIENTS, "reduced_b", "reduced_w")
