"""A thing in a file that may be judged: as a layer or a loss, or as a network that is searched.

Left out: which things in a file are such (`candidates.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conformance.backward.findings import Examined
from conformance.shapes.attempts import Refusal, UnfitError
from conformance.shapes.custom_function import FunctionSearch
from conformance.shapes.found import Found
from conformance.shapes.judge_readings import judged
from conformance.shapes.layers import LayerSearch
from conformance.shapes.search import Searched
from conformance.shapes.second_readings import (
    where_it_is_right,
    with_activations,
    with_sisters,
    wrong_with,
)
from conformance.shapes.untried import with_untried
from conformance.shapes.update_findings import opposite

JUDGED = 9  # the stage of readings that ran to their end


class Judgeable(Protocol):
    """What is judged by itself: a layer, a pair of functions, a loss, a class of values."""

    @property
    def problems(self) -> Sequence[str]:
        """Why it could not be judged."""

    def found(self, cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""


@dataclass(frozen=True)
class Candidate:
    """A thing that may be judged.

    Attributes:
        name: of it.
        book: whether it has the interface of the book's network.
        searched: its readings, if it has not.
        layer: it, if it is a layer, a pair of functions or a loss; what is searched comes after it.
        functions: the names by which another program may have used it.
        stated: its readings with a loss that the file may climb: they decide if no cost is known
            by which its gradients are right as they are.
        others: its readings with other activations, none of which it may be wrong with.
        either: it as a layer, if it may be one as well: more is right then.
        activations: the layer with other activations, by what it is told.
    """

    name: str
    book: bool = False
    searched: tuple[Searched, ...] = ()
    layer: Judgeable | None = None
    functions: frozenset[str] = frozenset()
    stated: tuple[Searched, ...] = ()
    others: tuple[Searched, ...] = ()
    either: LayerSearch | None = None
    activations: Mapping[str, LayerSearch] = field(default_factory=dict)

    @property
    def refusal(self) -> Refusal:
        """How far its readings came."""
        if self.layer is not None and self.layer.problems:
            return Refusal((1, 0), self.layer.problems[0], parameters=True)
        refusals = [each.refusal for each in (*self.searched, *self.stated)]
        return max(refusals, key=lambda each: each.reached, default=Refusal())

    @property
    def whole(self) -> bool:
        """Whether it is a network, layers put together, or for torch or JAX."""
        alone = self.layer is None or isinstance(self.layer, FunctionSearch)
        return alone or bool(getattr(self.layer, "assembled", ()))

    def found(self, cost: str | None) -> Found | None:
        """It, recognised and judged; None if no reading fits."""
        alone = None if self.layer is None else self.layer.found(cost)
        if alone is not None:
            return with_activations(self.activations, alone)
        found = self._as_network(cost)
        if self.either is None or (found is not None and found.examined.ok):
            return found
        layer = self.either.found(cost)
        least = (0 if found is None else found.examined.right) + (not self.either.sure)
        return found if layer is None or layer.examined.right < least else layer

    def _as_network(self, cost: str | None) -> Found | None:
        """It, judged by the first reading of it as a network that fits; None if there is none."""
        stated = [e for each in self.stated if (e := _judged(each, cost)) is not None]
        if right := [each for each in stated if each.examined.ok]:
            return right[0]
        for each in self.searched:
            refused: list[str] = []
            found = _judged(each, cost, refused)
            if found is not None and stated and _is_stated(found.examined, stated[0].examined):
                return stated[0]
            if found is not None:
                whole = with_untried(each, wrong_with(self.others, found, cost) or found)
                return with_sisters(each, whole, cost)
            for words in refused:
                each.refusal.note(UnfitError(words, JUDGED))
                each.refusal.parameters = True
        return stated[0] if stated else None


def _judged(searched: Searched, cost: str | None, refused: list[str] | None = None) -> Found | None:
    """What is searched, judged by the readings in which it is right, if there are any."""
    found = judged(searched.readings(), cost, refused)
    return found if found is None or cost else where_it_is_right(searched, found)


def _is_stated(known: Examined, stated: Examined) -> bool:
    """Whether a loss of the file decides, by which gradients are wrong, and not a known cost.

    It may have a decay of its own, where they are right by a known cost with any.
    """
    unsure = not known.ok or bool(known.decay)
    return known.cost == "unknown" or (unsure and not opposite(stated))
