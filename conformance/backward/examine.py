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
    where, repaired = _blamed(forward, found)
    if not repaired:
        run = expanded(forward)
        wider = Forward(run, Chain(run.trace.nodes))
        again = verdicts(wider)
        search = Search(wider, again)
        repairs = sorted(search.repairs(), key=lambda e: -e.changed(wider.chain.values))
        where = [line for e in repairs for line in _lines(e.group.first)]
        repaired = bool(repairs)
    if repaired:
        return [Accused(names, tuple(where), Cause("value"), mends=True)]
    return [
        Accused((e.goal.name,), _lines(e.goal.node), Cause("gradient"), mends=False)
        for e in found
        if not e.ok
    ]


def _blamed(forward: Forward, found: list[Verdict]) -> tuple[list[Line], bool]:
    search = Search(forward, found)
    repairs = list(search.repairs())
    where, fixes = lines(Culprit(search, repairs))
    return where, bool(repairs or fixes)


def _lines(node: Node) -> tuple[Line, ...]:
    line = line_of(node)
    return () if line is None else (line,)
