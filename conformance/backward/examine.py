"""A program `f(params, *data) -> (loss, gradients)`, judged, and the operations to blame."""

from collections.abc import Callable
from typing import Any

from conformance.backward.blame import Search
from conformance.backward.chain import Chain
from conformance.backward.culprit import Culprit, line_of, lines
from conformance.backward.expand import expanded
from conformance.backward.findings import Accused, Cause, Judged, Line
from conformance.backward.forward import Forward
from conformance.backward.judge import Verdict, verdicts
from conformance.backward.program import record
from conformance.backward.several import loop, parts
from conformance.tracing.trace import Node


def examine(
    f: Callable[..., Any], params: Any, data: tuple[Any, ...]
) -> tuple[list[Judged], list[Accused]]:
    """The gradients, and what is to blame for those that are wrong."""
    run = record(f, params, data)
    forward = Forward(run, Chain(run.trace.nodes))
    found = verdicts(forward)
    accused = [] if all(each.ok for each in found) else _accused(forward, found)
    return [_judged(each) for each in found], accused


def _judged(verdict: Verdict) -> Judged:
    return Judged(
        verdict.goal.name,
        verdict.ok,
        verdict.error,
        verdict.exact,
        verdict.given.shape,
        verdict.right.shape,
    )


def _accused(forward: Forward, found: list[Verdict]) -> list[Accused]:
    names = tuple(each.goal.name for each in found if not each.ok)
    search = Search(forward, found)
    repairs = list(search.repairs())
    where: list[Line] = []
    if repairs:
        where, _ = lines(Culprit(search, repairs))
    else:
        where = _handed_on(forward)
    if not repairs and not where:
        where, fixes = lines(Culprit(search, []))
    if repairs or where:
        return [Accused(names, tuple(where), Cause("value"), mends=True)]
    return _several(forward, found)


def _handed_on(forward: Forward) -> list[Line]:
    """The lines that hand on a wrong value."""
    run = expanded(forward)
    wider = Forward(run, Chain(run.trace.nodes))
    repairs = sorted(
        Search(wider, verdicts(wider)).repairs(), key=lambda e: -e.changed(wider.chain.values)
    )
    return [line for each in repairs for line in _lines(each.group.first)]


def _several(forward: Forward, found: list[Verdict]) -> list[Accused]:
    """The operations to blame where one does not do."""
    chosen = parts(forward, found)
    line = loop(forward, found, chosen)
    if line is not None:
        names = tuple(each.goal.name for each in found if not each.ok)
        rest = tuple(e for each in chosen for e in _lines(each.repair.group.first))
        return [Accused(names, tuple(dict.fromkeys((line, *rest))), Cause("loop"), mends=True)]
    accused = []
    for each in chosen:
        names = tuple(v.goal.name for v in each.mended)
        lines_ = _lines(each.repair.group.first)
        accused.append(Accused(names, lines_, Cause("value"), mends=False))
    said = {name for each in accused for name in each.gradients}
    return accused + [
        Accused((e.goal.name,), _lines(e.goal.node), Cause("gradient"), mends=False)
        for e in found
        if not e.ok and e.goal.name not in said
    ]


def _lines(node: Node) -> tuple[Line, ...]:
    line = line_of(node)
    return () if line is None else (line,)
