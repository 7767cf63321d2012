"""Whether a second run gives the same numbers, asked of a subject that can be run anew.

An equation is blamed if its quantity and what enters it are the same numbers twice. Two runs may
round otherwise, as threads do that add up in another order: they agree within the tolerances of
each, or to half of the digits of the largest entry. Left out: running it
(`subjects/command/command_run.py`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport
from conformance.judging.elsewhere import explained, without
from conformance.model.table import rows
from conformance.subjects.observation import Family, Observation
from conformance.verdict.compare import Status, Verdict
from conformance.verdict.deviation import Target
from conformance.verdict.finding import Finding, Kind, distinct, finding
from reference.step import split


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
