"""Gradients that no single operation mends: several operations, each for some of them.

Left out: the repair of one operation (`blame.py`).
"""

from dataclasses import dataclass

from conformance.backward.blame import Search
from conformance.backward.chain import Arrays
from conformance.backward.findings import Line
from conformance.backward.forward import Forward
from conformance.backward.groups import Repair
from conformance.backward.judge import Verdict
from conformance.backward.source import line_of, loop_around


@dataclass(frozen=True, eq=False)
class Part:
    """An operation, and the gradients that are right once it gives what it has to give."""

    repair: Repair
    mended: tuple[Verdict, ...]


def parts(forward: Forward, verdicts: list[Verdict]) -> list[Part]:
    """As few operations as mend all gradients that can be mended, those that mend most first."""
    whole = Search(forward, verdicts)
    found = []
    for each in verdicts:
        if not each.ok and each.given.shape == each.right.shape:
            for repair in Search(forward, [each], thorough=False).repairs():
                after = whole.right_after(repair.values)
                if all(v in after for v in verdicts if v.ok):
                    found.append(Part(repair, tuple(v for v in after if not v.ok)))
    chosen: list[Part] = []
    left = [each for each in verdicts if not each.ok]
    while left:
        best = max(found, key=lambda e: _rank(e, left), default=None)
        if best is None or not any(v in best.mended for v in left):
            break
        chosen.append(Part(best.repair, tuple(v for v in left if v in best.mended)))
        left = [v for v in left if v not in best.mended]
    return sorted(chosen, key=lambda e: e.repair.group.first.number)


def _rank(part: Part, left: list[Verdict]) -> tuple[int, int]:
    return sum(v in part.mended for v in left), -part.repair.group.first.number


def loop(forward: Forward, verdicts: list[Verdict], chosen: list[Part]) -> Line | None:
    """The loop that leaves something out, if that is what several operations have in common."""
    if not any(e.repair.kind in ("sum", "rest") and _too_few(forward, e.repair) for e in chosen):
        return None
    values: Arrays = {n: v for each in chosen for n, v in each.repair.values.items()}
    if not Search(forward, verdicts).confirms(values):
        return None
    lines = [line_of(each.repair.group.first) for each in chosen]
    return loop_around([each for each in lines if each is not None])


def _too_few(forward: Forward, repair: Repair) -> bool:
    """Whether an operation was executed fewer times than its forward value was used."""
    nodes = {n for match in repair.matches if match for n in match.quantity.nodes}
    uses = sum(len(forward.parts.get(node.number, ())) for node in nodes)
    return len(repair.group.nodes) < uses
