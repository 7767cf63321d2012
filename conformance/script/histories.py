"""The updates of one parameter one after another, by one array of each, and what is kept for them.

Left out: by which rule they are made of these (`known_rules.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from conformance.script.linear import scalar
from conformance.script.moments import Moment, arithmetic, moment_of
from conformance.script.rows import Carried
from conformance.script.update import Update
from conformance.tracing.node import Node, flat
from reference.step import Array


@dataclass(frozen=True, eq=False)
class History:
    """The updates of one parameter, as those by one array of each.

    Attributes:
        updates: of it.
        gradients: of which of its arrays each update is taken to be one.
        place: of the parameter among all, from 1, and how many there are.
        share: how many times these gradients are in what the updates themselves multiply.
    """

    updates: Sequence[Update]
    gradients: Sequence[Node]
    place: tuple[int, int] = (1, 1)
    share: float = 1.0

    @cached_property
    def arrays(self) -> list[Array]:
        """The gradients."""
        return [np.asarray(each.value) for each in self.gradients]

    @cached_property
    def taken(self) -> list[Array]:
        """What each update takes off, beside a decay."""
        return [
            (1 - each.decay) * np.asarray(each.old.value) - np.asarray(each.new.value)
            for each in self.updates
        ]

    @cached_property
    def moments(self) -> list[Moment]:
        """What is kept; nothing if it is not the same at all updates."""
        found = []
        for chain in dict.fromkeys(e for made in self.updates for e in made.parameter.states):
            of_all = [[e for e in made.states if e[1] in chain.values] for made in self.updates]
            rows = zip(self.updates, of_all, strict=True)
            if not any(_is_own(made, new) for made, pairs in rows for _, new in pairs):
                continue  # a sum on the way to what is kept, or what is written after its use
            if not all(of_all):
                return []
            latest = [max(each, key=lambda e: e[1].number) for each in of_all]
            found.append(moment_of(latest, self.updates, self.gradients))
        return found

    @cached_property
    def late(self) -> tuple[list[Node], list[Node]] | None:
        """What is kept and written after it was used, if there is one such.

        What was read at each update, and what was written, as far as it is seen.
        """
        for chain in self.updates[0].parameter.states:
            read = [_read_late(chain, made) for made in self.updates]
            olds = [each for each in read if each is not None]
            if len(olds) == len(read):
                following = dict(pairwise(chain.values))
                return olds, [following[e] for e in olds if e in following]
        return None

    @cached_property
    def is_begun(self) -> bool:
        """Whether there was an update before the first that is seen, whose means were numbers."""
        return any(np.any(each.olds[0].value) for each in self.moments if each.rate < 1)

    @cached_property
    def counts(self) -> list[int]:
        """The number of each update, from 1."""
        return [each.number + self.is_begun for each in self.updates]

    @cached_property
    def numbers(self) -> list[float]:
        """The single numbers among the operands of the first update, the least first."""
        return self.numbers_in()

    def numbers_in(self, operations: frozenset[str] = frozenset()) -> list[float]:
        """The same, of some operations in it.

        What its gradient is computed of is none, nor what is computed of the parameter.
        """
        made, found = self.updates[0], set[float]()
        first = made.parameter.values[0]
        for node in made.way(*(gradient for gradient, _ in made.options[-1:])):
            known = node.operation in operations or not operations
            for each in flat((node.args, node.kwargs)) if known else ():
                is_given = type(each) is not Node or not each.depends_on(first)
                number = scalar(each) if is_given else None
                found |= {abs(number)} if number else set()
        return sorted(found)

    def is_arithmetic(self) -> bool:
        """Whether no step does anything else than to add, multiply, divide and take roots."""
        return all(
            arithmetic(
                each.new,
                frozenset({each.old, *each.parts_of(g), *(new for _, new in each.states)}),
            )
            for each, g in zip(self.updates, self.gradients, strict=True)
        )


def _read_late(chain: Carried, made: Update) -> Node | None:
    """What an update finds of what is kept, if what it writes there itself does not move it."""
    own = [each for each in chain.values if _is_own(made, each)]
    before = [e for e in chain.values if e not in own and e.number < made.new.number]
    return None if any(map(made.new.depends_on, own)) else [None, *before][-1]


def _is_own(made: Update, state: Node) -> bool:
    """Whether what is kept was made of the gradient of an update."""
    return state.depends_on(made.old)


def histories(updates: Sequence[Update], place: tuple[int, int] = (1, 1)) -> Iterator[History]:
    """The updates by the arrays that they themselves multiply, then by each that these are of."""
    own = [each.options[each.own] for each in updates]
    several = min(len(each.options) for each in updates)
    rest = [[each.options[-i] for each in updates] for i in range(several, 0, -1)]
    for chosen in (own, *(each for each in rest if each != own)):
        share = abs(own[0][1] / chosen[0][1])
        yield History(updates, [node for node, _ in chosen], place, share)


def of_others(of_all: Sequence[Sequence[Update]], at: int) -> Iterator[tuple[int, Node]]:
    """What one parameter keeps of the gradients of others alone, each with which other it is.

    Args:
        of_all: the updates of each parameter.
        at: which of them it is.
    """
    if any(not made.options for updates in of_all for made in updates):
        return
    firsts = [next(histories(each)) for each in of_all]
    own = firsts[at].gradients[0]
    for each in firsts[at].moments:
        made = each.news[0].uses & ~each.olds[0].uses
        uses_own = any(made >> e.number & 1 for e in of_all[at][0].parts_of(own))
        if each.power or uses_own or each.news[0].value.shape != own.value.shape:
            continue
        for j, other in enumerate(firsts):
            if j != at and made >> other.gradients[0].number & 1:
                yield j, each.news[0]
