"""Simulated processes that make the known mistakes, and on which equations each is to be blamed.

Left out: the mistakes themselves (`mistakes/processes.py`), and the proof (`prove.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, cycle, islice

from conformance.corpus.case import Parts
from conformance.mistakes.processes import PROCESSES
from conformance.processes.ranks import Fault


@dataclass(frozen=True)
class Wrong:
    """A known mistake at work.

    Attributes:
        id: of the mistake.
        fault: of the processes.
        blames: the equations that are to be blamed.
        worlds: the numbers of processes in which it shows.
    """

    id: str
    fault: Fault
    blames: tuple[str, ...] = ("R",)
    worlds: tuple[int, ...] = (2, 3)


def padded(parts: Parts, rank: int, place: int) -> list[int]:
    """The samples of a part, its first ones again until it is as long as the longest."""
    longest = max(map(len, chain.from_iterable(parts)))
    return list(islice(cycle(parts[rank][place]), longest))


def own_order(parts: Parts, rank: int, place: int) -> list[int]:
    """The samples of a part in an order that each rank has begun elsewhere."""
    m = sum(map(len, chain.from_iterable(parts)))
    return [(sample + rank) % m for sample in parts[rank][place]]


_GRADIENTS = ("BP3", "BP4")
_WORLDS: Mapping[str, tuple[int, ...]] = {
    "mean-of-means": (1, 2, 3),
    "accumulation-not-divided": (1, 2, 3),
    "accumulation-twice-divided": (1, 2, 3),
    "last-micro-batch-only": (1, 2, 3),
    "reduced-by-nominal-size": (1, 2, 3),
}
_OTHERS = (
    Wrong("not-broadcast", Fault(own_start=True), (*_GRADIENTS, "B", "W")),
    Wrong("padded-sample", Fault(samples=padded), _GRADIENTS, (1, 2, 3)),
    Wrong("order-not-shared", Fault(samples=own_order), _GRADIENTS),
)

WRONG: dict[str, Wrong] = {
    **{
        id_: Wrong(id_, Fault(mistake.formulas), worlds=_WORLDS.get(id_, (2, 3)))
        for id_, mistake in PROCESSES.items()
        if "R" in mistake.formulas
    },
    **{each.id: each for each in _OTHERS},
}
"""By their ids."""
