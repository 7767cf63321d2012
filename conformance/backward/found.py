"""What is to blame, put together: the lines in question, the one to blame first.

Left out: each way to find a line (`culprit.py`), and the cause (`causes.py`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from conformance.backward.compared_quantities import Match
from conformance.backward.culprit import Culprit, Handed
from conformance.backward.findings import Line
from conformance.backward.fixes import Fix
from conformance.backward.groups import Factor, Group, Repair, inside, is_given_another
from conformance.backward.kinks import OF_TWO
from conformance.backward.slips import COMPARISONS
from conformance.backward.source import CHOOSES, line_of
from conformance.tracing.node import Node

PLAUSIBLE = 2.0  # a change that costs less is believed before the operation that is repaired


@dataclass(frozen=True, eq=False)
class Found:
    """What is to blame.

    Attributes:
        lines: the lines in question, the one to blame first.
        fix: the change of one operation that makes all gradients right, if one does.
        repair: the operation that has to give something else, if it is known.
        held: what the first operation that can be repaired gives: all derivatives that it may be.
        needed: what the operation that can be repaired has to give.
        handed: what the first line hands on, if that is what is wrong.
        begun: where what gives wrong gradients alone begins, if no more is known.
        factor: what has to be the derivative of an operation, and is not.
        certain: whether the change is believed.
    """

    lines: tuple[Line, ...]
    fix: Fix | None = None
    repair: Repair | None = None
    held: tuple[Match, ...] = ()
    needed: Match | None = None
    handed: Handed | None = None
    begun: Group | None = None
    factor: Factor | None = None
    certain: bool = False


def find(culprit: Culprit) -> Found:
    """What is to blame."""
    fixes, made = [*culprit.fixes()], _made_of_another(culprit)
    if made:
        fixes = [each for each in fixes if _blames_call(culprit, each, made)]
        outside = [each for each in culprit.repairs if each.group.first not in made]
        culprit = Culprit(culprit.search, outside)
    fixes.sort(key=lambda each: _order(culprit, each))
    believed = [
        each
        for each in fixes
        if each.change.cost < PLAUSIBLE
        and not culprit.is_right_elsewhere(each)
        and not culprit.spoils(each)
    ]
    fixes = believed + [each for each in fixes if each not in believed]
    lines = [line for each in believed for line in culprit.lines_of_fix(each)]
    found = Found((), fixes[0] if fixes else None, certain=bool(believed))
    if culprit.repairs:
        found = _with_repair(culprit, found, lines)
    lines += [*found.lines, *(e for f in fixes for e in culprit.lines_of(f.group))]
    return replace(found, lines=tuple(dict.fromkeys(lines)))


def _made_of_another(culprit: Culprit) -> list[Node]:
    """What a function computes that is right, of an argument in the place of which is another."""
    factor = next(filter(None, map(culprit.factor, culprit.repairs)), None)
    if factor is None or not is_given_another(factor, culprit.chain):
        return []
    return inside(factor.node, culprit.chain)


def _blames_call(culprit: Culprit, fix: Fix, made: Collection[Node]) -> bool:
    """Whether a change in a function blames the line that calls it."""
    first = fix.group.first
    return first in made and line_of(first) not in culprit.lines_of_fix(fix)[:1]


def _order(culprit: Culprit, fix: Fix) -> tuple[float, bool, bool, int, bool]:
    """What is believed first: a number by which results are multiplied, such as 1/m, comes last.

    It is believed where the constant of a derivative changes. Of several operands the first one is
    believed: what is made of it has to be another, too. What is compared has to be that of which
    the forward pass chooses: other values have the same signs.
    """
    compared = fix.group.first.operation in COMPARISONS
    number = fix.change.what == "factor" and fix.change.other is None
    first = fix.group.first.number
    later = number and not culprit.changes_scale(fix.group.first)
    return (
        fix.change.cost,
        number,
        later,
        -first if later else first * (number or fix.change.what == "operand"),
        compared and not _is_chosen_of(culprit, fix.change.other),
    )


def _is_chosen_of(culprit: Culprit, value: Node | None) -> bool:
    """Whether the forward pass uses a value where it chooses between values."""
    users = [] if value is None else value.consumers
    return any(e.operation in (*OF_TWO, *CHOOSES) and culprit.forward.contains(e) for e in users)


def _with_repair(culprit: Culprit, found: Found, told: list[Line]) -> Found:
    """What an operation that can be repaired tells, its lines after those that are told already."""
    repair, lines = culprit.turning(), list(told)
    handed = culprit.handed_back() or culprit.misused_term(repair) if not lines else None
    lines += [] if handed is None else [handed.line]
    factor = None if lines or culprit.lacks_parts(repair) else culprit.factor(repair)
    of_factor = culprit.lines_of_factors([factor]) if factor is not None else []
    lines += culprit.told_operands() if not lines else ()
    lines += of_factor if not lines else []
    begun = culprit.begins(repair) if found.fix is None and not lines else None
    lines += culprit.lines_of(begun, {begun.first.number}) if begun is not None else ()
    return replace(
        found,
        lines=(*lines, *_around(culprit, repair)),
        repair=repair,
        held=tuple(culprit.held(repair)),
        needed=culprit.needed(repair),
        handed=handed,
        begun=begun,
        factor=factor if lines[:1] == of_factor[:1] else None,
    )


def _around(culprit: Culprit, repair: Repair) -> Iterator[Line]:
    """The lines of an operation that has to give something else, and of what may be wrong in it.

    What is computed from it is wrong since it is, and what is right before it has nothing to do
    with it.
    """
    yield from culprit.beginning(repair)
    yield from culprit.sums_of(repair)
    yield from culprit.needed_operands(repair.group)
    yield from culprit.lines_of_repair(repair)
    for group in (*culprit.upstream(repair), *culprit.beside(repair)):
        yield from culprit.lines_of(group)
    yield from culprit.callers(repair.group.first)
