"""The gradients of a run, and the operations to blame for those that are wrong.

Where no single operation mends them, several do, each some of them. Left out: which gradients are
wrong (`judge_gradients.py`), and how one operation is found (`blame.py`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.backward.aliases import aliased
from conformance.backward.blame import Search
from conformance.backward.causes import cause, handed, slope, worst_entry
from conformance.backward.certain import BITS
from conformance.backward.chain import Arrays, Chain
from conformance.backward.culprit import Culprit
from conformance.backward.decay_lines import wrong_decay
from conformance.backward.expand import expanded, with_names
from conformance.backward.factor import ratio
from conformance.backward.findings import (
    Accused,
    Cause,
    Examined,
    Instead,
    Judged,
    Line,
    RightValue,
    merged,
)
from conformance.backward.fixes import Fix
from conformance.backward.found import Found, find
from conformance.backward.groups import Factor, Repair, operation_key
from conformance.backward.handed_out import handed_out
from conformance.backward.in_scope import in_scope
from conformance.backward.judge_gradients import Forward, Verdict, verdicts
from conformance.backward.other_axis import along_another_axis
from conformance.backward.overwritten import by_rounds, overwritten
from conformance.backward.passes import passes
from conformance.backward.repeated import repeated
from conformance.backward.skipped import skipped
from conformance.backward.source import MOVES, lines_of
from conformance.backward.truncated import truncated
from conformance.backward.value_names import named as value_name
from conformance.tracing.ancestors import walk
from conformance.tracing.digits import Spot, locate
from conformance.tracing.node import Node
from conformance.tracing.replay import Replay

Contradicted = Callable[[list[Verdict]], list[Verdict]]
"""The verdicts among some that other evidence contradicts."""

_BLAMES = ContextVar("blames", default=True)


@contextmanager
def unblamed() -> Iterator[None]:
    """To the end of the block, look for no line that makes gradients wrong, which takes long."""
    token = _BLAMES.set(False)
    try:
        yield
    finally:
        _BLAMES.reset(token)


def finished(
    forward: Forward,
    found: list[Verdict],
    contradicted: Contradicted | None = None,
    *,
    kinks: bool,
    blame: bool = True,
) -> Examined:
    """What is known, with what is to blame."""
    found, steps = truncated(forward, found)
    wrong = [each for each in found if not each.ok]
    missed = contradicted(wrong) if wrong and contradicted else []
    found = [replace(e, ok=True, untraced=True) if e in missed else e for e in found]
    blame = blame and _BLAMES.get() and not all(each.ok for each in found)
    blamed = accused(forward, found) if blame else []
    names = [each.goal.name for each in found if not each.ok]
    beside = passes(forward, blamed, names) if blamed else ()
    gradients = tuple(map(_judged, found))
    examined = Examined(gradients, tuple(blamed), kinks, passes=beside, truncated=steps)
    if not names:
        return examined
    rights = {each.goal.name: each.right for each in found}
    return replace(examined, rights=rights, ahead=_lines_ahead(forward))


def _lines_ahead(forward: Forward) -> frozenset[Line]:
    """The lines that compute nothing but the loss, and what it is made of."""
    lines: tuple[set[Line], set[Line]] = set(), set()
    for node in forward.run.trace.nodes:
        lines[forward.contains(node)].update(lines_of(node)[:1])
    return frozenset(lines[True] - lines[False])


def _judged(verdict: Verdict) -> Judged:
    return Judged(
        verdict.goal.name,
        verdict.ok,
        verdict.error,
        verdict.exact,
        verdict.lost,
        verdict.untraced,
        verdict.apart,
        not np.any(verdict.right),
        verdict.given.shape,
        verdict.right.shape,
        verdict.digits,
        None if verdict.ok else ratio(verdict.plain or verdict),
        worst_entry([verdict]),
    )


def accused(forward: Forward, found: list[Verdict]) -> list[Accused]:
    """The operations to blame, the first to be read first.

    What floats show comes before what balls alone tell, and that before digits that are lost.
    """
    blamed = []
    if any(each.visible for each in found):
        blamed = _seen(forward, [each for each in found if each.ok or each.visible])
    for each in found:
        if each.lost:
            blamed.append(_lost(forward, each))
        elif not each.ok and not each.visible:
            why = Cause("small", factor=each.error, worst=worst_entry([each]))
            blamed.append(Accused((each.goal.name,), lines_of(each.goal.node), why, mends=False))
    return blamed


def _lost(forward: Forward, verdict: Verdict) -> Accused:
    """The right formula, evaluated badly, with the line at which its digits go."""
    goal = verdict.goal
    spot = Spot(goal.name, goal.node, None, str(goal.node.value.dtype))
    with precision(BITS):
        loss = locate(Replay(forward.run.trace), spot, lambda node: value_name(node).name)
    frames = loss.frames if loss is not None else goal.node.frames
    lines = tuple(Line(each.file, each.line) for each in frames)
    why = Cause("lost", "" if loss is None else loss.operation, worst=worst_entry([verdict]))
    if loss is not None and loss.instead is not None:
        it = loss.instead
        why = replace(why, instead=Instead(it.write, it.digits, Line(it.file, it.line)))
    return Accused((goal.name,), lines or lines_of(goal.node), why, mends=True)


def _seen(forward: Forward, found: list[Verdict]) -> list[Accused]:
    """The operations to blame for gradients that are wrong in floats."""
    wrong = [each for each in found if not each.ok]
    names = tuple(each.goal.name for each in wrong)
    shapes = [each for each in wrong if each.given.shape != each.right.shape]
    if shapes:
        return [
            Accused((e.goal.name,), lines_of(e.goal.node), Cause("shape"), mends=False)
            for e in shapes
        ]
    others = [handed_out(each, found, forward.run.returns) for each in wrong]
    by_line = merged(filter(None, others), lambda each: each.lines[:1])
    handed = by_line if all(others) else ()
    if told := handed or overwritten(wrong, forward.chain) or repeated(forward, wrong):
        return [*told]
    loop = skipped(forward, found)
    if loop is not None:
        return [replace(loop, cause=replace(loop.cause, worst=worst_entry(found)))]
    search = Search(forward, found)
    alias = aliased(search)
    if alias is not None:
        pair = alias.written, alias.read
        why = Cause("aliased", worst=worst_entry(found), names=pair)
        return [Accused(names, alias.lines, why, mends=True)]
    mending = _mending(forward, found)
    if mending is None or mending[1].kind == "value":  # no change of one operation mends them
        told = along_another_axis(forward, found)
    extra = mending is not None and getattr(mending[1].changed, "what", "") == "extra"
    decay = wrong_decay(forward, found) if not told and (mending is None or extra) else None
    if extra and decay is not None and decay.cause.kind != "decay alone":
        decay = None
    if mending is None or told or decay:
        return [*told] or (several(forward, found) if decay is None else [decay])
    lines, why, values = mending
    why = replace(why, worst=worst_entry(found))
    return [Accused(names, lines, why, mends=True, right_values=values)]


def _mending(
    forward: Forward, found: list[Verdict]
) -> tuple[tuple[Line, ...], Cause, tuple[RightValue, ...]] | None:
    """The lines to blame where one operation mends all gradients, or one value that is handed on.

    With why, and the values with which operations mend them. What gives several gradients mends
    them whatever is wrong: it comes after what is handed on. Where it is one of a function that is
    called in several places, these are told apart if one of them is wrong before.
    """
    named, judged = with_names(forward, found)
    whole = search = Search(named, judged)
    repairs = search.repairs()
    if not repairs or len({each.sites[1:] for each in repairs[0].group.nodes}) > 1:
        apart = Search(named, judged, each_call=True)
        of_calls = apart.repairs()
        if not repairs or (of_calls and apart.order(of_calls[0]) < whole.order(repairs[0])):
            search, repairs = apart, of_calls
    made = find(Culprit(search, repairs)) if repairs else None
    told = made is not None and (made.certain or not all(map(search.is_last, repairs)))
    handed = None if told else _handed_on(forward, last=made is not None)
    if made is None and handed is None:
        tried = (find(Culprit(each, [])) for each in (whole, search))
        made = next((each for each in tried if each.fix is not None), None)
    values = tuple(search.right_values(repairs))
    if made is None or handed:
        return handed and (*handed, values)
    why = cause(named, made, found)
    lines = made.lines
    if made.fix is not None:
        first, what = made.fix.group.first, made.fix.change.what
        own = lines_of(first) if what == "function" else ()  # it is wrong there
        if what == "term" and why.changed is not None:
            own = tuple(Culprit(search, repairs).lines_of(made.fix.group)[:1])
        if what == "extra" and made.fix.change.before in ("left", "right"):
            own = _of_no_penalty(named, made.fix)
        lines = in_scope(first, why, tuple(dict.fromkeys((*own, *lines))))
    lines = by_rounds(lines) if why.kind == "part" else lines
    if lines != made.lines:
        why = cause(named, replace(made, lines=lines), found)
    return lines, why, values


def _of_no_penalty(forward: Forward, fix: Fix) -> tuple[Line, ...]:
    """The line of what a term that is too much is a multiple of, made of a parameter alone.

    A decay is a multiple of the parameter itself, or of its signs, which are right as they are.
    """
    parameters = {each.parameter for each in forward.run.goals}
    term = fix.group.first.args[("left", "right").index(fix.change.before)]
    while type(term) is Node and term.operation in ("multiply", "divide"):
        made = [each for each in term.inputs if not parameters.isdisjoint(walk([each]))]
        if len(made) != 1:
            return ()
        term = made[0]
    if type(term) is not Node or term.operation in ("sign", *MOVES):
        return ()
    way = {*walk([term], lambda each: [] if each in parameters else each.inputs)}
    alone = len(way & parameters) == 1 and term not in parameters
    return lines_of(term)[:1] if alone and not any(map(forward.contains, way - parameters)) else ()


def _handed_on(forward: Forward, *, last: bool) -> tuple[tuple[Line, ...], Cause] | None:
    """The lines that hand on a wrong value, and why; those first that hand on nothing right.

    Args:
        forward: the forward pass.
        last: whether what gives the gradients mends them too, so only what is wrong throughout and
            is none of these tells more.
    """
    found = []
    for named in (False, True):
        run = expanded(forward, named=named)
        wider = Forward(run, Chain(run.trace, ties=forward.chain.ties))
        search = Search(wider, verdicts(wider))
        repairs = [e for e in search.repairs() if lines_of(e.group.first)]
        repairs = [e for e in repairs if not (last and search.is_last(e))]
        found += [(e.changed(wider.chain.values), e, search) for e in repairs]
        if any(share == 1 for share, _, _ in found):
            break
    found = [each for each in found if each[0] == 1] if last else found
    if not found:
        return None
    found.sort(key=lambda each: -each[0])
    lines = [line for _, each, _ in found for line in lines_of(each.group.first)]
    _, repair, search = found[0]
    return tuple(dict.fromkeys(lines)), handed(Culprit(search, [repair]), repair)


@dataclass(frozen=True, eq=False)
class Part:
    """An operation, and the gradients that are right once it gives what it has to give."""

    repair: Repair
    mended: tuple[Verdict, ...]


def several(forward: Forward, found: list[Verdict]) -> list[Accused]:
    """The operations to blame where one does not do."""
    chosen = parts(forward, found)
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
        values = tuple(search.right_values([each.repair]))
        why = cause(forward, made, each.mended)
        several.append(Accused(names, made.lines, why, mends=False, right_values=values))
    said = {name for each in several for name in each.gradients}
    rest: dict[tuple[Line, ...], list[str]] = {}
    for verdict in (e for e in found if not e.ok and e.goal.name not in said):
        rest.setdefault(tuple(lines_of(verdict.goal.node)), []).append(verdict.goal.name)
    unknown = Cause("gradient")
    several += [Accused(tuple(each), where, unknown, mends=False) for where, each in rest.items()]
    return [*merged(several, lambda each: (each.lines, each.cause.kind))]  # of numbers in lists


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
    why = slope(factors[0], lines, worst_entry(found))
    right = tuple(search.right_values(each.repair for each in chosen))
    return Accused(names, tuple(lines), why, mends=True, right_values=right)


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
