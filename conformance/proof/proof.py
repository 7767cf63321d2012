"""What became of the known mistakes in the cases: one row a mistake, and the cases that it takes.

Left out: how it comes about (`prove.py`) and how it is shown (`proof_matrix.py`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from conformance.corpus.case import Case
from conformance.proof.sightings import Sightings


class Place(NamedTuple):
    """Where a quantity stands: a step of a case, restarted or of the free run."""

    case: Case
    step: int
    mode: str
    name: str


@dataclass(frozen=True)
class Row:
    """What became of one mistake.

    Attributes:
        id: of the mistake.
        breaks: the tags of the equations that it breaks.
        seen: what each case says of it.
        named: the ids of the causes, by the blamed equations.
        twins: those of them that have the same formula as the mistake, under another name.
        problems: why it is not proved.
        wrong: where it shows.
        misshapen: what it shows in a wrong shape, or not at all, since shapes did not fit.
    """

    id: str
    breaks: tuple[str, ...]
    seen: Sightings
    named: Mapping[str, tuple[str, ...]]
    twins: tuple[str, ...]
    problems: tuple[str, ...]
    wrong: frozenset[Place]
    misshapen: frozenset[Place]

    @property
    def caught(self) -> list[str]:
        """The ids of the cases in which something is wrong that the mistake explains."""
        return [id_ for id_, each in self.seen.cases.items() if each.caught]

    @property
    def blamed(self) -> tuple[str, ...]:
        """The tags of the blamed equations, in causal order."""
        return self.seen.said(self.seen.cases).blamed

    def same(self, cases: Collection[str], fewer: Collection[str]) -> bool:
        """Whether fewer cases catch, blame and name it alike."""
        return self.seen.said(cases) == self.seen.said(fewer)


@dataclass(frozen=True)
class Proof:
    """What became of some mistakes in some cases."""

    cases: tuple[Case, ...]
    rows: tuple[Row, ...]

    @property
    def problems(self) -> list[str]:
        """Why it is no proof."""
        return [f"{row.id} {problem}" for row in self.rows for problem in row.problems]

    @cached_property
    def unneeded(self) -> list[str]:
        """The cases of which any one changes nothing if it is left out."""
        ids = {case.id for case in self.cases}
        return [id_ for id_ in ids if all(row.same(ids, ids - {id_}) for row in self.rows)]

    @cached_property
    def redundant(self) -> list[str]:
        """The cases that together change nothing if they are left out, the longest tried first.

        Every mistake is still caught, blamed and named alike; without any of the others it is not.
        """
        ids = [case.id for case in sorted(self.cases, key=_work, reverse=True)]
        left, gone = set(ids), list[str]()
        for id_ in ids:
            if all(row.same(ids, left - {id_}) for row in self.rows):
                left.remove(id_)
                gone.append(id_)
        return gone

    def needed(self, row: Row) -> set[str]:
        """The cases, of those that are not redundant, without which a mistake is said otherwise."""
        left = {case.id for case in self.cases} - {*self.redundant}
        return {id_ for id_ in left if not row.same(left, left - {id_})}


def _work(case: Case) -> tuple[int, str]:
    """How much there is to compute in a case."""
    return case.steps * sum(a * b for a, b in pairwise(case.sizes)), case.id
