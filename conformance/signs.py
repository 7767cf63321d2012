"""The sign of gradients that one part of a file computes and another moves parameters by.

To add the gradients of minus the cost is a convention, and to add those of the cost a mistake:
which it is shows in both classes together. Left out: each alone (`shapes/`, `script/moved.py`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from conformance.backward.findings import ADDS, Examined
from conformance.report.file_report import Part, ShapeReport
from conformance.report.script_report import UpdateReport
from conformance.shapes.not_judged import NotJudged

UNKNOWN = (
    "it adds the gradients that it is given, which is right for those of minus the cost alone, and "
    "nothing in this file shows which it is given"
)


def settled(parts: Sequence[Part]) -> tuple[list[Part], list[NotJudged]]:
    """The reports by the sign that networks, optimisers and layers share; what is not judged by it.

    A layer is given its upstream gradients by us, so it shows nothing of their sign.
    """
    moving = [each for each in parts if isinstance(each, ShapeReport | UpdateReport)]
    adding = [each for each in moving if _adds(each.examined)]
    networks = [e for e in moving if isinstance(e, ShapeReport) and e.recognised.coding]
    negated = [each for each in networks if _sign(each.examined) < 0]
    right = any(_sign(each.examined) > 0 for each in networks)
    if not adding or (right and not negated):
        return list(parts), []
    if negated and not right:
        of_a_sign = {id(each) for each in (*adding, *negated)}
        return [_agreed(each) if id(each) in of_a_sign else each for each in parts], []
    rest = [each for each in parts if not any(each is one for one in adding)]
    names = (each.name.rpartition(":")[2] for each in adding)
    return rest, [NotJudged(name, UNKNOWN, network=True, final=True) for name in names]


def _adds(examined: Examined) -> bool:
    """Whether an optimiser or a layer adds what it is given, and nothing else is wrong."""
    return {each.cause.kind for each in examined.accused} == {ADDS}


def _sign(examined: Examined) -> float:
    """The factor that all gradients of a network have; 0 if one of them is wrong otherwise."""
    ratios = [1.0 if each.ok else each.ratio or 0.0 for each in examined.gradients]
    if {each.cause.kind for each in examined.accused} == {"negated"}:
        return -examined.factor
    return examined.factor * ratios[0] if ratios and np.allclose(ratios, ratios[0]) else 0.0


def _agreed(report: Part) -> Part:
    """The report without the blame of the sign."""
    assert isinstance(report, ShapeReport | UpdateReport)  # noqa: S101 - the others have no sign
    right = tuple(replace(each, ok=True, ratio=None) for each in report.examined.gradients)
    examined = replace(report.examined, gradients=right, accused=(), passes=())
    if isinstance(report, UpdateReport):
        ran = replace(report.ran, examined=examined, notes=(*report.ran.notes, (ADDS, "")))
        return replace(report, examined=examined, ran=ran)
    factor = _sign(report.examined) or -examined.factor
    return replace(report, examined=replace(examined, factor=factor))
