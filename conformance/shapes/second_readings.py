"""The verdict on a program by further readings: of one output, and with other settings.

Left out: which settings a class has (`other_settings.py`), and the first reading (`candidates.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import FunctionType

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.edits.search_edits import holds
from conformance.shapes.found import Found
from conformance.shapes.judge_readings import judged
from conformance.shapes.layers import LayerSearch
from conformance.shapes.parameter_shapes import gives_two
from conformance.shapes.plans import Named
from conformance.shapes.search import Searched
from conformance.shapes.update_findings import INPUT


def where_it_is_right(searched: Searched, found: Found) -> Found:
    """The verdict on a program that is wrong, if it is right for one output, or with inputs of 1.

    It may be off by the number of outputs. A single layer whose parameters are handed to it says
    nothing of how many outputs it has, with a loss of its own or without; and the gradient of its
    bias may need no input, where the bias is the weight of a first input that is 1: the others are
    right then as they are.
    """
    ratios = {each.ratio or 0.0 for each in found.examined.gradients if not each.ok}
    number = round(max(ratios, default=0.0))
    by_length = number > 1 and all(abs(e / number - 1) <= HALF_OF_THE_DIGITS for e in ratios)
    one_layer = len(found.recognised.parameters) <= len(("w", "b"))
    stated, made = found.examined.cost == "own", found.recognised.made
    if not (by_length or (one_layer and ratios)) or not (stated or (one_layer and not made)):
        return found
    handed = by_length or not made
    others = {"output": replace(_anew(searched), outs=(1,))} if handed else {}
    first = one_layer and stated and holds(lambda: _is_of_the_first_input(found))
    others |= {"ones": replace(_anew(searched), ones=True)} if first else {}
    for alone, each in others.items():
        one = judged(each.readings())
        if one is not None and one.examined.ok and one.examined.cost == found.examined.cost:
            return replace(one, recognised=replace(one.recognised, alone=alone))
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
    return Searched(*made, outs=searched.outs, only=searched.only)


def wrong_with(others: Iterable[Searched], found: Found, cost: str | None) -> Found | None:
    """The first of other readings of a right program that is wrong by the same cost."""
    for each in others if found.examined.ok else ():
        same = (e for e in each.readings() if e.data.coding == found.recognised.coding)
        other = judged(same, cost)
        if other is None or other.examined.ok or other.examined.cost != found.examined.cost:
            continue
        return other
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
