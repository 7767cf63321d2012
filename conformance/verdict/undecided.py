"""What few bits cannot decide: where rounding may be as large as what would have to be seen.

A quantity is undecided if its tolerance is not less than the quantity itself, or, of what an update
changes, than the change, in every entry: nothing at all would pass as well. So many bits would
decide it in a format of the same range. Left out: whether it is right (`compare.py`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from conformance.arithmetic.formats import FLOATS, Format
from conformance.corpus.case import Case
from conformance.verdict.deviation import Observed
from conformance.verdict.oracle import Standing, standing
from reference.step import Batch, Parameters
from reference.updates import OLD

ENOUGH = FLOATS["float64"].bits
"""Bits that are tried, at most."""


@dataclass(frozen=True)
class _Longer(Case):
    """A case in a format of more bits, and of the same largest number."""

    more: int = 0

    @property
    def format(self) -> Format:
        """The format of every number of the case."""
        short = super().format
        return replace(short, bits=short.bits + self.more, lowest=short.lowest - self.more)


def undecided(here: Standing, names: Collection[str]) -> list[str]:
    """Those quantities that are undecided, given what was shown before them."""
    return [name for name in names if not _decided(here, name)]


def bits_needed(
    case: Case,
    start: tuple[Parameters, Batch],
    shown: Mapping[str, Observed],
    names: Collection[str],
) -> dict[str, int]:
    """How many bits decide each of some quantities that are undecided; 0 if `ENOUGH` do not.

    Args:
        case: in its format.
        start: the parameters at which the step starts, and the mini-batch.
        shown: what later equations start from.
        names: of the quantities.
    """
    own: dict[str, Any] = {each.name: getattr(case, each.name) for each in fields(Case)}
    known: dict[int, Standing] = {}

    def decided(bits: int, name: str) -> bool:
        if bits not in known:
            longer = _Longer(**own, more=bits - case.format.bits)
            known[bits] = standing(longer, *start, shown)
        return _decided(known[bits], name)

    needed = {}
    for name in names:
        few, enough = case.format.bits, ENOUGH
        while enough - few > 1:
            middle = (few + enough) // 2
            few, enough = (few, middle) if decided(middle, name) else (middle, enough)
        needed[name] = enough if enough < ENOUGH else 0
    return needed


def _decided(here: Standing, name: str) -> bool:
    """Whether one entry at least is further from nothing than rounding may take it."""
    known = here.given.get(f"{OLD}{name}", here.given.get(name))
    expected = here.expected[name]
    before = 0.0 if known is None else np.asarray(known.value, np.float64)
    with np.errstate(all="ignore"):
        size = abs(np.asarray(expected.value, np.float64) - before)
    tolerance = np.broadcast_to(expected.tolerance(), size.shape)
    uncertain = (tolerance > 0) & ~(size == 0)
    return not uncertain.any() or bool(np.any(uncertain & (tolerance < size)))
