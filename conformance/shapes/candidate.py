"""A thing in a file that may be judged: as a layer or a loss, or as a network that is searched.

It is judged by further readings as well: of one output, and with other settings. Left out: which
things in a file are such (`candidates.py`), and which settings a class has (`other_settings.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import FunctionType
from typing import Protocol

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Examined
from conformance.edits.search_edits import holds
from conformance.shapes.attempts import Refusal, UnfitError
from conformance.shapes.custom_function import FunctionSearch
from conformance.shapes.found import Found
from conformance.shapes.judge_readings import Refused, judged
from conformance.shapes.layers import LayerSearch
from conformance.shapes.plans import Named, gives_two
from conformance.shapes.search import Searched
from conformance.shapes.trained_updates import by_several_updates
from conformance.shapes.tried_updates import with_untried
from conformance.shapes.update_findings import INPUT, opposite


def where_it_is_right(searched: Searched, found: Found) -> Found:
    """The verdict on a program that is wrong, if it is right for one output, or with inputs of 1.

    It may be off by the number of outputs, and more of it right for one. A single layer whose
    parameters are handed to it says nothing of how many outputs it has, with a loss of its own or
    without; and the gradient of its bias may need no input, where the bias is the weight of a first
    input that is 1: the others are right then as they are.
    """
    wrong = [each for each in found.examined.gradients if not each.ok]
    ratios = [each.ratio for each in wrong if each.ratio]
    number = round(max(ratios, default=0.0))
    by_length = number > 1 and all(abs(e / number - 1) <= HALF_OF_THE_DIGITS for e in ratios)
    one_layer = bool(wrong) and len(found.recognised.parameters) <= len(("w", "b"))
    stated, made = found.examined.cost == "own", found.recognised.made
    if not (by_length or one_layer) or not (stated or (one_layer and not made)):
        return found
    handed = by_length or not made
    others = {"output": replace(_anew(searched), outs=(1,))} if handed else {}
    first = one_layer and stated and holds(lambda: _is_of_the_first_input(found))
    others |= {"ones": replace(_anew(searched), ones=True)} if first else {}
    for alone, each in others.items():
        one = judged(each.readings())
        if one is None or one.examined.cost != found.examined.cost:
            continue
        if one.examined.ok:
            return replace(one, recognised=replace(one.recognised, alone=alone))
        if by_length and one.examined.right > found.examined.right:
            return one
    return found


def _is_of_the_first_input(found: Found) -> bool:
    """Whether the gradients are right but for those of the weights of the first input."""
    with np.errstate(all="ignore"):
        given = {} if found.again is None else found.again()
    wrong = [
        ~np.isclose(given[name], right, rtol=HALF_OF_THE_DIGITS)
        for name, right in found.examined.rights.items()
        if name in given and np.shape(given[name]) == np.shape(right) != ()
    ]
    return all(
        not np.any(np.delete(each, 0, axis=0)) or not np.any(np.delete(each, 0, axis=-1))
        for each in wrong
    )


def _anew(searched: Searched) -> Searched:
    made = searched.makers, searched.roles, searched.module
    own = searched.own
    return Searched(*made, outs=searched.outs, only=searched.only, told=searched.told, own=own)


def wrong_with(others: Sequence[Searched], found: Found, cost: str | None) -> Found | None:
    """The first of other readings of a program that is wrong by the same cost; it has the rest."""
    for i, each in enumerate(others, 1):
        same = (e for e in each.readings() if e.data.coding == found.recognised.coding)
        other = judged(same, cost)
        if other is None or other.examined.ok or other.examined.cost != found.examined.cost:
            continue
        return replace(other, another=partial(wrong_with, others[i:], other, cost))
    return None


def with_sisters(searched: Searched, found: Found, cost: str | None) -> Found:
    """The verdict on a program that is right, with those of its methods that were not tried.

    Each that returns two things, as a loss and gradients, is judged alone by the same parameters:
    the first that is wrong by its own loss decides, and one that is right is tried.
    """
    kind = getattr(searched.module, found.recognised.made.partition("(")[0], None)
    for name in found.recognised.off if found.examined.ok else ():
        method = getattr(kind, name, None) if isinstance(kind, type) else None
        if not isinstance(method, FunctionType) or not gives_two(method):
            continue
        alone: dict[str, list[Named]] = {role: [] for role in searched.roles}
        again = replace(_anew(searched), roles={**alone, "loss": [(name, name)]})
        other = judged(again.readings(), cost)
        if other is None or other.examined.cost != found.examined.cost:
            continue
        if not other.examined.ok:
            return other
        taken = found.recognised
        calls = (*taken.calls, *other.recognised.calls)
        off = tuple(each for each in taken.off if each != name)
        found = replace(found, recognised=replace(taken, calls=calls, off=off))
    return found


def with_activations(others: Mapping[str, LayerSearch], found: Found) -> Found:
    """The verdict on a layer that is right: by an activation that it is wrong with, if any.

    One that has parameters may leave out what its loss brings with it: what is not tried is told.
    """
    alone = found.examined.ok and found.recognised.parameters == (INPUT,)
    tried = {said: each.found(None) if alone else None for said, each in others.items()}
    wrong = (each for each in tried.values() if each is not None and not each.examined.ok)
    off = *found.recognised.off, *(said for said, each in tried.items() if each is None)
    return next(wrong, replace(found, recognised=replace(found.recognised, off=off)))


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
        alike: its readings with what may be its loss by its arguments: one decides by which more is
            right than by a known cost, or that leads to a line.
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
    alike: tuple[Searched, ...] = ()
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
            refused: list[Refused] = []
            found = _judged(each, cost, refused)
            tried = (by_several_updates(one.reading) for one in refused if found is None)
            if (trained := next(filter(None, tried), None)) is not None:
                return trained
            if found is not None and stated and _is_stated(found.examined, stated[0].examined):
                return stated[0]
            if found is not None and not found.examined.ok and found.examined.cost != "own":
                own = (e for one in self.alike if (e := _judged(one, cost)) is not None)
                found = max((found, *own), key=_clarity)
            if found is not None:
                another = partial(wrong_with, self.others, found, cost)
                other = another() if found.examined.ok else replace(found, another=another)
                whole = with_untried(each, other or found)
                return with_sisters(each, whole, cost)
            for words, _ in refused:
                each.refusal.note(UnfitError(words, JUDGED))
                each.refusal.parameters = True
        return stated[0] if stated else None


def _judged(
    searched: Searched, cost: str | None, refused: list[Refused] | None = None
) -> Found | None:
    """What is searched, judged by the readings in which it is right, if there are any."""
    found = judged(searched.readings(), cost, refused)
    return found if found is None or cost else where_it_is_right(searched, found)


def _clarity(found: Found) -> tuple[bool, int, bool]:
    """How much a verdict explains: whether all is right, or how much, and whether changes mend."""
    known = found.examined
    return known.ok, known.right, bool(known.accused) and all(e.mends for e in known.accused)


def _is_stated(known: Examined, stated: Examined) -> bool:
    """Whether a loss of the file decides, by which gradients are wrong, and not a known cost.

    It may have a decay of its own, where they are right by a known cost with any.
    """
    unsure = not known.ok or bool(known.decay)
    return known.cost == "unknown" or (unsure and not opposite(stated))
