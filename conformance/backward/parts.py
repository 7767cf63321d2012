"""Several operations to blame, where no single one makes all gradients right.

Left out: how one operation is found (`blame.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.backward.blame import Search
from conformance.backward.causes import cause, slope, worst_entry
from conformance.backward.chain import Arrays
from conformance.backward.culprit import Culprit
from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.forward import Forward
from conformance.backward.found import Found
from conformance.backward.groups import Repair, operation_key
from conformance.backward.judge import Verdict
from conformance.backward.slopes import Factor
from conformance.backward.source import line_of, lines_of
from conformance.backward.syntax import loop_around


@dataclass(frozen=True, eq=False)
class Part:
    """An operation, and the gradients that are right once it gives what it has to give."""

    repair: Repair
    mended: tuple[Verdict, ...]


def several(forward: Forward, found: list[Verdict]) -> list[Accused]:
    """The operations to blame where one does not do."""
    chosen = parts(forward, found)
    line = loop(forward, found, chosen)
    worst = worst_entry(found)
    if line is not None:
        names = tuple(each.goal.name for each in found if not each.ok)
        others = (e for each in chosen for e in lines_of(each.repair.group.first))
        why = Cause("loop", worst=worst)
        return [Accused(names, tuple(dict.fromkeys((line, *others))), why, mends=True)]
    several: list[Accused] = []
    search = Search(forward, found)
    same = one_slope(forward, found, chosen)
    if same is not None:
        several.append(same)
        chosen = []
    for each in chosen:
        needed = next((match for match in each.repair.matches if match is not None), None)
        lines = Culprit(search, [each.repair]).lines_of_repair(each.repair)
        made = Found(tuple(lines), repair=each.repair, needed=needed)
        names = tuple(v.goal.name for v in each.mended)
        several.append(Accused(names, made.lines, cause(forward, made, each.mended), mends=False))
    said = {name for each in several for name in each.gradients}
    rest: dict[tuple[Line, ...], list[str]] = {}
    for verdict in (e for e in found if not e.ok and e.goal.name not in said):
        rest.setdefault(tuple(lines_of(verdict.goal.node)), []).append(verdict.goal.name)
    unknown = Cause("gradient")
    return several + [
        Accused(tuple(each), where, unknown, mends=False) for where, each in rest.items()
    ]


def one_slope(forward: Forward, found: list[Verdict], chosen: Sequence[Part]) -> Accused | None:
    """The operation that gives the wrong factors of several products, if one gives them all."""
    search = Search(forward, found)
    factors, values = list[Factor](), Arrays()
    for each in chosen:
        factor = Culprit(search, [each.repair]).factor(each.repair, values)
        if factor is None or operation_key(factor.node) != operation_key(
            (factors or [factor])[0].node
        ):
            return None
        factors.append(factor)
        values |= each.repair.values
    if not factors or not search.confirms(values):
        return None
    lines = Culprit(search, [chosen[0].repair]).lines_of_factors(factors)
    names = tuple(each.goal.name for each in found if not each.ok)
    return Accused(names, tuple(lines), slope(factors[0], lines, worst_entry(found)), mends=True)


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
