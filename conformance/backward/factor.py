"""One factor that gradients share: sums for means, a cost with the ½ or without it.

Left out: the verdict on each gradient (`judge.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from conformance.backward.judge import Verdict
from conformance.backward.quantities import HALF_OF_THE_DIGITS, fitted


@dataclass(frozen=True)
class Shared:
    """What gradients have in common.

    Attributes:
        factor: given / right.
        count: how many gradients are right with it.
        live: how many there are that are not 0 everywhere.
    """

    factor: float
    count: int
    live: int

    @property
    def by_all(self) -> bool:
        """Whether all gradients share it, and there are some."""
        return self.count == self.live > 0


def conventions(lengths: Iterable[int]) -> list[float]:
    """The factors that are conventions: 2, ½, and m and n_L and their inverses, combined."""
    found = [1.0]
    for n in {2, *lengths} - {1}:
        found = [a * b for a, b in product(found, (1.0, float(n), 1.0 / n))]
    return sorted(set(found), key=lambda each: abs(np.log(each)))


def shared(found: Sequence[Verdict], constants: Sequence[float] | None, *, sign: int = 1) -> Shared:
    """The factor that makes most gradients right, 1 if others do no better.

    Args:
        found: the gradients, judged without a factor.
        constants: the factors that there may be; None if any positive one.
        sign: −1 for the negative of these.
    """
    live = [each for each in found if np.any(each.right) or not each.ok]
    known = [(each, sign * r) for each in live if (r := ratio(each)) is not None]
    best = Shared(float(sign), sum(_near(r, 1.0) for _, r in known), len(live))
    for each, own in known:
        factor = _snapped(own, constants)
        if factor is None or own <= 0:
            continue
        count = sum(_near(r, factor) for _, r in known)
        chance = constants is None and each.right.size == 1 and count == 1
        if count > best.count and not chance:
            best = Shared(sign * factor, count, len(live))
    return best


def ratio(verdict: Verdict) -> float | None:
    """Given / right of a gradient, if that is one number for all entries; None if not."""
    if verdict.given.shape != verdict.right.shape or not np.all(np.isfinite(verdict.given)):
        return None
    return fitted(verdict.given, verdict.right)


def _snapped(ratio: float, constants: Sequence[float] | None) -> float | None:
    """The constant that a ratio is; the ratio itself if any will do."""
    if constants is None:
        return ratio
    return next((each for each in constants if _near(ratio, each)), None)


def _near(ratio: float, factor: float) -> bool:
    return abs(ratio - factor) <= HALF_OF_THE_DIGITS * factor
