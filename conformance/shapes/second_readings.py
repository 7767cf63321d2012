"""The verdict on a program by further readings: of one output, and with other settings.

Left out: which settings a class has (`other_settings.py`), and the first reading (`candidates.py`).
"""

from collections.abc import Iterable
from dataclasses import replace

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.shapes.judge_readings import Found, judged
from conformance.shapes.search import Searched


def of_one_output(searched: Searched, found: Found) -> Found:
    """The verdict for one output, if it is right for one.

    So is a step that is off by the number of outputs, or one of a single layer whose parameters are
    handed to it: the file says nothing of how many outputs it has.
    """
    ratios = {each.ratio or 0.0 for each in found.examined.gradients if not each.ok}
    number = round(max(ratios, default=0.0))
    by_length = number > 1 and all(abs(e / number - 1) <= HALF_OF_THE_DIGITS for e in ratios)
    taken = found.recognised
    handed = bool(ratios) and not taken.made and len(taken.parameters) <= len(("w", "b"))
    if found.examined.cost != "own" or not (by_length or handed):
        return found
    of_one = Searched(searched.makers, searched.roles, searched.module, outs=(1,))
    one = judged(of_one.readings())
    if one is None or not one.examined.ok:
        return found
    return replace(one, recognised=replace(one.recognised, alone="output"))


def wrong_with(others: Iterable[Searched], found: Found, cost: str | None) -> Found | None:
    """The first of other readings of a right program that is wrong by the same cost."""
    for each in others if found.examined.ok else ():
        other = judged(each.readings(), cost)
        if other is not None and not other.examined.ok:
            same = other.examined.cost == found.examined.cost
            if same and other.recognised.coding == found.recognised.coding:
                return other
    return None
