"""One call from some processes to a report: every case that fits, and the causes.

Left out: how processes are started (`workers.py`) and judged (`judge.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from conformance.diagnosis.cause import Cause
from conformance.diagnosis.diagnose import diagnose
from conformance.diagnosis.measured import Measure, Measured, measure
from conformance.judging.case_report import CaseReport
from conformance.judging.evidence import Evidence
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.processes import PROCESSES
from conformance.processes.division import Divided
from conformance.processes.judge import check_divided, mode_of
from conformance.processes.ranks import Processes
from conformance.processes.samples import Taken, taken
from conformance.report.book_report import Report
from conformance.subjects.command.run import DeclinedError

KNOWN = (*PROCESSES.values(), *CATALOGUE.values())
GRADIENTS = ("BP3", "BP4")


def check_processes(
    processes: Processes,
    cases: Iterable[Divided],
    skipped: dict[str, str] | None = None,
    done: Callable[[CaseReport], None] = lambda _: None,
    *,
    detailed: bool = False,
) -> Report:
    """The report on some processes.

    Args:
        processes: that take the steps.
        cases: that are put to them.
        skipped: why other cases are not, by their ids.
        done: called with the report on each case.
        detailed: whether to keep what is behind each verdict, entry by entry, for a page.
    """
    reports, tried, declined = [], [], {}
    for case in cases:
        try:
            reports.append(check_divided(processes, case, detailed=detailed))
        except DeclinedError as error:
            declined[case.case.id] = error.reason
            continue
        tried.append(case)
        done(reports[-1])
    kept, left = in_its_dtype(reports)
    tried = [case for case, each in zip(tried, reports, strict=True) if each.case.id not in left]
    reports, skipped = kept, {**(skipped or {}), **left}
    report = Report(processes.name, (), tuple(reports), skipped, declined=declined)
    if not any(each.failures for each in reports):
        return report
    return replace(report, causes=causes(reports, tried))


def in_its_dtype(reports: Sequence[CaseReport]) -> tuple[list[CaseReport], dict[str, str]]:
    """The reports on the cases of the one dtype in which a program runs, and why not the others.

    A program that stops in all cases of a dtype and in none of another is written for the other.
    """
    stopped = Counter(each.case.dtype for each in reports if each.error)
    all_ = Counter(each.case.dtype for each in reports)
    stops = [dtype for dtype in all_ if stopped[dtype] == all_[dtype]]
    runs = [dtype for dtype in all_ if not stopped[dtype]]
    if not runs or not stops:
        return [*reports], {}
    left = {e.case.id: f"computes in {runs[0]}" for e in reports if e.case.dtype in stops}
    return [each for each in reports if each.case.id not in left], left


def causes(reports: Sequence[CaseReport], cases: Sequence[Divided]) -> tuple[Cause, ...]:
    """The causes of what is wrong, by equation, in causal order.

    What no formula explains of the gradients of parts is asked for the samples that it is of.
    """
    found = diagnose(reports, KNOWN)
    unknown = [each for each in found if each.tag in GRADIENTS and not each.known]
    if not unknown:
        return found
    seen = [each for pair in zip(reports, cases, strict=True) for each in _samples(*pair)]
    if not seen or None in seen:
        return found
    ids = {each.mistake for each in seen if each}
    measured = [_measure(each) for each in seen if each]
    if "order-not-shared" in ids:
        ids.discard("padded-sample")  # which it is where samples of one's own come twice
    return tuple(
        (
            Cause(each.tag, tuple(ids))
            if ids != {""}
            else Cause(each.tag, measured=tuple(measured[:1]))
        )
        if each in unknown
        else each
        for each in found
    )


def _samples(report: CaseReport, case: Divided) -> list[Taken | None]:
    """The samples of each part whose gradient is wrong."""
    found = []
    for t in range(case.case.steps):
        of_step = case.of_step(t)
        for rank, place, _ in case.parts(t):
            where = t, mode_of(rank, place, of_step)
            for each in report.evidence:
                if (each.step, each.mode) == where and not each.case.parts and _fails(each):
                    own = of_step.parts[0][rank][place]
                    found.append(taken(each, case.batches[t], own))
    return found


def _fails(evidence: Evidence) -> bool:
    return bool(evidence.blamed.keys() & set(GRADIENTS))


def _measure(taken: Taken) -> Measure:
    samples, own = (", ".join(map(str, each)) for each in (taken.samples, taken.own))
    return measure(Measured.SAMPLES, samples=samples, own=own)
