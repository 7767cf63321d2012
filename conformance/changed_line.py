"""A report whose lines are those of the change that makes the subject right.

What a line computes can look right, and lead to what is wrong, as the header of a loop that leaves
out a layer does. If a change of one line makes every case right, that line is the one to blame, and
of the equations those that it computes: what is made of theirs is not. A program that stops keeps
the line at which it does so beside the change.
Left out: the lines that computed what is wrong (`subjects/searched.py`).
"""

from collections.abc import Collection
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from conformance.cases.build import read
from conformance.cases.small import entries
from conformance.corpus.case import Case
from conformance.edits.edit import Change
from conformance.edits.live_functions import live_functions
from conformance.edits.search_edits import holds, search
from conformance.judging.case_report import CaseReport
from conformance.judging.elsewhere import without_what_follows
from conformance.report.book_report import Report
from conformance.subjects import Subject
from conformance.tracing.frames import Frame
from conformance.verdict.compare import Status, Verdict
from conformance.verdict.finding import Kind

OF_STEPS = (Kind.MISORDERED, Kind.MOVED_EARLY, Kind.RATE_IGNORED)
"""The findings that are of steps: a program that is right in each has none of them."""


FORWARD = ("Z", "A", "C", "BP1")
"""The equations that, if wrong, make it look like another network, or one with another cost."""


def with_change(report: Report, subject: Subject, place: Path) -> Report:
    """The report with the change of one line that makes every case right, if one is found.

    Args:
        report: on a subject that is wrong.
        subject: it runs here, in this process.
        place: the corpus.
    """
    stopped = [each for each in report.cases if each.frames]
    lines = (*(e.frames for e in report.blames), *(e.frames for e in report.findings))
    blamed = [frames for frames in (*lines, *(e.frames for e in stopped[:1])) if frames]
    is_right = subject.is_right
    wrong = (each.case for each in report.cases if each.failures or each in stopped)
    failing = sorted(wrong, key=lambda each: entries(each.sizes))
    if is_right is None or not failing:
        return report
    known = [each for each in report.cases if each.verdicts or each.frames]  # else it hung
    others = (each.case for each in known if each.case != failing[0])
    recorded = cache(partial(read, place))  # most only once a change is right in the first
    may_stop = {each.case for each in stopped if not each.failures}

    def is_right_in(case: Case) -> bool:
        try:
            return is_right(recorded(case))
        except ArithmeticError:  # the program may be made for no such numbers
            return case in may_stop

    trials = [partial(is_right_in, each) for each in (failing[0], *others)]  # soonest wrong first
    functions = live_functions(lambda: holds(trials[0]))
    if all(map(holds, trials)):  # what is wrong shows only where it is traced
        return report
    change = search(functions, blamed, trials)
    if change is None:
        looks = any({*FORWARD} & case.blamed.keys() or case in stopped for case in report.cases)
        other = subject.otherwise if looks else None
        return replace(report, meant=other and other())
    callers = {e for each in functions if each.has(change.place) for e in each.callers}
    return _with_its_line(_without_the_rest(report, change, callers), change)


def _without_the_rest(
    report: Report, change: Change, callers: Collection[tuple[str, int]]
) -> Report:
    """The report without the equations that are blamed for what the changed line makes wrong.

    Those are left that the line computes, or that another one computes by calling its function.
    """
    direct = {
        tag
        for case in report.cases
        for tag, failures in case.blamed.items()
        for each in failures
        if change.place in ((e.file, e.line) for e in each.frames)
        or any((e.file, e.line) in callers for e in each.frames[:1])
    }
    cases = tuple(without_what_follows(report.cases, direct))
    left = {tag for each in cases for tag in each.blamed}
    causes = tuple(each for each in report.causes if each.tag in left)
    return replace(report, cases=cases, causes=causes)


def _with_its_line(report: Report, change: Change) -> Report:
    frames = (Frame(change.file, change.line, change.function),)

    def lined(verdict: Verdict) -> Verdict:
        if verdict.finding is not None and verdict.finding.kind in OF_STEPS:
            found = replace(verdict.finding, frames=frames)
            return replace(verdict, finding=found, frames=frames)
        wrong = verdict.status is Status.FAIL and verdict.name
        moved = not verdict.frames or verdict.frames[0] != frames[0]
        return replace(verdict, frames=frames) if wrong and moved else verdict

    def of_case(case: CaseReport) -> CaseReport:
        verdicts = [lined(each) for each in case.verdicts]
        return case if verdicts == case.verdicts else replace(case, verdicts=verdicts)

    return replace(report, cases=tuple(map(of_case, report.cases)), change=change)
