"""Blame that something else explains: another case, or a second run that gives other numbers.

One mistake is blamed on one equation. An equation is surely wrong if it fails in a case where all
that enters it is seen, and was found in numbers of which no two are equal, in an update that was
followed. What else fails is explained by such an equation where it is made of what the program
hides, or where the quantities were found in the numbers of the case itself: of two that are equal
there, the wrong one may have been taken. If it was so in every case, those are sure that fail in
most. If nothing is seen of what enters them, the first of them explains the rest.

Of a subject that can be run anew, an equation is blamed if its quantity and what enters it are the
same numbers twice. Two runs may round otherwise, as threads do that add up in another order: they
agree within the tolerances of each, or to half of the digits of the largest entry.

Left out: what fails in a case (`judge.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport, Evidence
from conformance.model.table import CAUSAL, rows
from conformance.subjects.observation import Family, Observation
from conformance.verdict.compare import FORWARD, RESTARTED, Status, Verdict
from conformance.verdict.deviation import Target
from conformance.verdict.finding import Finding, Kind, distinct, finding
from reference.step import split


def explained_elsewhere(reports: Sequence[CaseReport]) -> list[CaseReport]:
    """The reports without the blame that an equation explains which is surely wrong elsewhere."""
    reports = _from_the_same_lines(reports)
    sure = {tag for report in reports for tag in _sure(report)}
    sure = sure or _in_most(reports) or _first(reports)
    return [_explained(report, sure) for report in reports] if sure else list(reports)


def without_what_follows(
    reports: Sequence[CaseReport], direct: Collection[str]
) -> list[CaseReport]:
    """The reports on a single mistake, without the blame of what is made of what it makes wrong.

    What the same line computes as a quantity that is blamed is wrong as that is.

    Args:
        reports: on all cases.
        direct: the tags of the equations that are computed where the mistake is: they stay.
    """
    entering, lines = defaultdict[str, set[str]](set), defaultdict[str, set[object]](set)
    for report in reports:
        for tag, failures in report.blamed.items():
            names = (name for each in failures for name in _before(report, each.name))
            entering[tag].update(report.case.rows[each].tag for each in names)
            lines[tag].update(each.frames for each in failures if each.frames)
    kept, blamed = set[str](), set[object]()
    for tag in sorted(entering, key=CAUSAL.index):
        if tag in direct or kept.isdisjoint(entering[tag]) or not blamed.isdisjoint(lines[tag]):
            kept.add(tag)
            blamed |= lines[tag]

    def causes(report: CaseReport) -> dict[int, str]:
        rows = report.case.rows
        failed = ((i, v.name) for i, v in enumerate(report.verdicts) if v in report.failures)
        left = ((i, name) for i, name in failed if name and rows[name].tag not in kept)
        made = ((i, [e for e in _before(report, name) if rows[e].tag in kept]) for i, name in left)
        return {i: names[0] for i, names in made if names}

    return [without(report, causes(report)) for report in reports]


def _before(report: CaseReport, name: str) -> list[str]:
    """The quantities of which one is made in the step, the last ones first."""
    rows, found = report.case.rows, [name]
    for each in found:
        found += [other for other in rows[each].made if other in rows and other not in found]
    return found[1:]


def _from_the_same_lines(reports: Sequence[CaseReport]) -> list[CaseReport]:
    """The reports without the blame of parameters that is on the line of a wrong ∇.

    Nor of what feedforward computes on a line where the update has another quantity wrong: there
    more is seen of it.
    """
    failures = [each for report in reports for each in report.failures if each.frames]
    lines = {(split(each.name)[0], each.frames[:1]) for each in failures}
    of_update = {e.frames[:1]: e.name for e in failures if e.mode == RESTARTED and e.name}

    def causes(report: CaseReport) -> dict[int, str]:
        failed = [(i, v) for i, v in enumerate(report.verdicts) if v.status is Status.FAIL]
        found = {
            i: f"nabla_{each.name}"
            for i, each in failed
            if (f"nabla_{split(each.name)[0]}", each.frames[:1]) in lines
        }
        for i, each in failed:
            other = of_update.get(each.frames[:1], "") if each.mode == FORWARD else ""
            if other and split(other)[0] != split(each.name)[0]:
                found[i] = other
        return found

    return [without(report, causes(report)) for report in reports]


def _sure(report: CaseReport) -> Iterator[str]:
    """The equations that surely fail in a case."""
    own = _in_own_numbers(report)
    for tag, failures in report.blamed.items():
        if any(not each.hidden and (each.step, each.mode) not in own for each in failures):
            yield tag


def _in_most(reports: Sequence[CaseReport]) -> set[str]:
    """The equations that fail in most cases with all that enters them seen."""
    failing = [report.blamed for report in reports if report.blamed]
    counts = Counter(
        tag for each in failing for tag, found in each.items() if not all(v.hidden for v in found)
    )
    return {tag for tag, count in counts.items() if 2 * count > len(failing)}


def _first(reports: Sequence[CaseReport]) -> set[str]:
    """The first equation, in causal order, of which all is hidden that enters it, as of the rest.

    What follows is made of what is hidden too, and is explained by it.
    """
    tags = {tag for report in reports for tag in report.blamed}
    return {min(tags, key=CAUSAL.index)} if tags else set()


def _in_own_numbers(report: CaseReport) -> set[tuple[int, str]]:
    """The steps of a case, with their modes, whose quantities were found in its own numbers."""
    return {(each.step, each.mode) for each in report.evidence if each.own_numbers}


def _explained(report: CaseReport, sure: Collection[str]) -> CaseReport:
    """A report without the blame that is explained by equations which are surely wrong."""
    own, rows = _in_own_numbers(report), report.case.rows
    causes: dict[int, str] = {}
    for i, each in enumerate(report.verdicts):
        if each.status is not Status.FAIL or not each.name or rows[each.name].tag in sure:
            continue
        hidden = [name for name in each.hidden if rows[name].tag in sure]
        unsure = (each.step, each.mode) in own
        for cause in (hidden or (_of_the_first(report, sure) if unsure else []))[:1]:
            causes[i] = cause
    return without(report, causes)


def without(report: CaseReport, causes: Mapping[int, str]) -> CaseReport:
    """A report without the blame of some verdicts, by their places, each with what explains it."""
    if not causes:
        return report
    verdicts = [
        explained(each, causes[i]) if i in causes else each
        for i, each in enumerate(report.verdicts)
    ]
    names = {(v.step, v.mode, v.name) for i, v in enumerate(report.verdicts) if i in causes}

    def left(seen: Evidence) -> Evidence:
        blamed = (each for each in seen.failed if (seen.step, seen.mode, each) not in names)
        return replace(seen, failed=frozenset(blamed))

    evidence = map(left, report.evidence)
    return replace(report, verdicts=verdicts, evidence=tuple(evidence))


def _of_the_first(report: CaseReport, sure: Collection[str]) -> list[str]:
    """The first quantity of the first equation that is surely wrong; none if a case has none."""
    rows = report.case.rows.values()
    first = min((row.tag for row in rows if row.tag in sure), key=CAUSAL.index, default="")
    return [row.name for row in rows if row.tag == first][:1]


def explained(verdict: Verdict, cause: str = "") -> Verdict:
    """A failure that follows from what is wrong elsewhere."""
    return replace(verdict, status=Status.EXPLAINED, explained_by=cause, hidden=())


def with_second_run(
    verdicts: list[Verdict], seen: Observation, targets: Iterable[Mapping[str, Target]]
) -> list[Verdict]:
    """The verdicts of a step, without blame for what a second run computes otherwise in any step.

    Args:
        verdicts: on the step; if none of them is a failure, nothing is run.
        seen: what the first run gave.
        targets: those of each step of the case, in causal order.
    """
    failed = [verdict for verdict in verdicts if verdict.name and verdict.status is Status.FAIL]
    if seen.again is None or not failed:
        return verdicts
    truth = list(targets)
    try:
        differing = _differing(*seen.again(), truth)
    except SubjectError:
        judged = [explained(each) if each in failed else each for each in verdicts]
        return [*judged, _beside(failed[0], finding(Kind.ONE_RUN_STOPPED))]
    if not differing:
        return verdicts
    layers = max(layer for _, layer in map(split, truth[0]) if layer is not None)
    judged = [
        _judged_again(each, differing, layers) if each in failed else each for each in verdicts
    ]
    return [*judged, _beside(failed[0], _differ_in(differing[0]))]


def across_cases(reports: Sequence[CaseReport]) -> list[CaseReport]:
    """The reports, without blame for an equation that two runs compute otherwise in any case.

    In a small case two runs may be the same by chance.
    """
    found = [(_tag(report, each), each.name) for report in reports for each in _apart(report)]
    unsure = {tag: _differ_in(name) for tag, name in reversed(found)}
    return [_without_blame(report, unsure) for report in reports]


def repeats(reports: Sequence[CaseReport]) -> bool:
    """Whether no two runs are known to differ."""
    return not any(map(_apart, reports))


def _apart(report: CaseReport) -> list[Verdict]:
    """The verdicts on quantities that two runs compute otherwise, from what is the same."""
    return [each for each in report.verdicts if each.name and each.explained_by == each.name]


def _without_blame(report: CaseReport, unsure: Mapping[str, Finding]) -> CaseReport:
    """The report without blame for some equations, each with what is said instead."""
    blamed = [each for each in report.failures if each.name and _tag(report, each) in unsure]
    if not blamed:
        return report
    causes = {i: each.name for i, each in enumerate(report.verdicts) if each in blamed}
    said = distinct(unsure[_tag(report, each)] for each in blamed)
    findings = [_beside(blamed[0], each) for each in said]
    left = without(report, causes)
    return replace(left, verdicts=[*left.verdicts, *findings])


def _tag(report: CaseReport, verdict: Verdict) -> str:
    return report.case.rows[verdict.name].tag


def _differ_in(name: str) -> Finding:
    return finding(Kind.RUNS_DIFFER, name=name)


def _beside(at: Verdict, found: Finding) -> Verdict:
    return Verdict(at.case, at.step, at.mode, "", Status.FAIL, finding=found)


def _judged_again(verdict: Verdict, differing: Collection[str], layers: int) -> Verdict:
    """A failure, without blame if it is of what differs, or of what is made of what differs."""
    entering = (*rows(layers)[verdict.name].made, verdict.name)
    by = next((name for name in entering if name in differing), "")
    return explained(verdict, by) if by else verdict


def _differing(first: Family, second: Family, truth: Sequence[Mapping[str, Target]]) -> list[str]:
    """The quantities in which two runs differ by more than rounding, the first one first."""
    apart = (
        name
        for t, targets in enumerate(truth)
        for name, target in targets.items()
        if not _agree(first.get(t, {}).get(name), second.get(t, {}).get(name), target)
    )
    return list(dict.fromkeys(apart))


def _agree(first: Any, second: Any, target: Target) -> bool:
    """Whether two runs gave the same but for rounding, or nothing."""
    if first is None or second is None:
        return first is second
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(all="ignore"):
        largest = np.max(np.maximum(np.abs(one), np.abs(other)), initial=0.0)
        half = np.sqrt(np.finfo(target.centre.dtype).eps) * largest
        tolerance = 2 * target.tolerance if one.shape == target.centre.shape else 0.0
        apart = np.abs(one - other)
        rounded = np.isfinite(apart) & (apart <= np.maximum(tolerance, half))
    return bool(np.all(same | rounded))
