"""How deep a subject was judged: which kinds of quantities were compared, in any case.

Left out: how many of them, and whether they are right.
"""

from collections.abc import Iterable

from conformance.judging.case_report import CaseReport
from conformance.verdict.compare import FREE, Status, Verdict
from reference.step import STATE, split

KINDS = {
    "a": "activations",
    "cost": "cost",
    "nabla_b": "gradients",
    "nabla_w": "gradients",
    "delta": "δ",
    "reduced_b": "reduced gradients",
    "reduced_w": "reduced gradients",
    "z": "weighted inputs",
    "b": "updated parameters",
    "w": "updated parameters",
    **dict.fromkeys(STATE, "velocities and moments"),
}
OUTPUTS, FREE_RUN = "outputs", "free run"
DEPTHS = (
    *(OUTPUTS, "cost", "gradients", "δ", "activations", "weighted inputs"),
    *("reduced gradients", "velocities and moments", "updated parameters"),
)
COMPARED = (Status.PASS, Status.FAIL, Status.LOST, Status.EXPLAINED)


def judged(reports: Iterable[CaseReport]) -> list[str]:
    """What was compared, as words of `DEPTHS`, and "free run" if one was followed."""
    found = {
        depth
        for report in reports
        for verdict in report.verdicts
        if verdict.name and verdict.status in COMPARED
        for depth in _depths(verdict, report.case.layers)
    }
    return [depth for depth in (*DEPTHS, FREE_RUN) if depth in found]


def judged_words(reports: Iterable[CaseReport]) -> str:
    """The same as a line of a report."""
    return f"judged: {', '.join(judged(reports)) or 'nothing'}"


def _depths(verdict: Verdict, layers: int) -> list[str]:
    quantity, layer = split(verdict.name)
    output = quantity == "a" and layer == layers
    return [OUTPUTS if output else KINDS[quantity], *[FREE_RUN] * (verdict.mode == FREE)]
