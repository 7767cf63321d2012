"""One call from some processes to a report: every case that fits, and the causes.

A gradient is linear in the samples: the mean over those that a process took is a sum of multiples
of the gradients of single samples. The multiples are found by least squares, and stand only if the
mean over the samples that they give is what was shown, within its tolerance.

Left out: how processes are started (`workers.py`) and judged (`judge_processes.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.diagnosis.diagnose import diagnose
from conformance.diagnosis.measured import Cause, Measure, Measured, measure
from conformance.judging.case_report import CaseReport, Evidence
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.processes import PROCESSES
from conformance.model.row import PartBatch
from conformance.processes.division import Divided
from conformance.processes.judge_processes import check_divided, mode_of
from conformance.processes.ranks import GRADIENTS, Processes, gradients
from conformance.report.book_report import Report
from conformance.subjects.command.command_subject import DeclinedError
from conformance.verdict.deviation import Target, compare, plain
from conformance.verdict.oracle import expectations
from reference.step import Array, Batch, split

SPARE = 2  # times as many samples as the mini-batch has, at most


@dataclass(frozen=True)
class Taken:
    """The samples that a gradient is the mean of, by their places in the whole mini-batch.

    Attributes:
        samples: each as often as it counts.
        own: those of the part.
    """

    samples: tuple[int, ...]
    own: tuple[int, ...]

    @property
    def mistake(self) -> str:
        """The id of the known mistake that this is; empty if it is none."""
        if set(self.samples) - set(self.own):
            return "order-not-shared"
        return "padded-sample" if set(self.samples) == set(self.own) else ""


KNOWN = (*PROCESSES.values(), *CATALOGUE.values())
OF_GRADIENTS = ("BP3", "BP4")


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
    kept, left = _in_its_dtype(reports)
    tried = [case for case, each in zip(tried, reports, strict=True) if each.case.id not in left]
    reports, skipped = kept, {**(skipped or {}), **left}
    report = Report(processes.name, (), tuple(reports), skipped, declined=declined)
    if not any(each.failures for each in reports):
        return report
    return replace(report, causes=causes(reports, tried))


def _in_its_dtype(reports: Sequence[CaseReport]) -> tuple[list[CaseReport], dict[str, str]]:
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
    unknown = [each for each in found if each.tag in OF_GRADIENTS and not each.known]
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
    return bool(evidence.blamed.keys() & set(OF_GRADIENTS))


def _measure(taken: Taken) -> Measure:
    samples, own = (", ".join(map(str, each)) for each in (taken.samples, taken.own))
    return measure(Measured.SAMPLES, samples=samples, own=own)


def taken(evidence: Evidence, whole: Batch, own: tuple[int, ...]) -> Taken | None:
    """The samples of which the shown gradient of a part is; None if it is of no samples at all.

    Args:
        evidence: of a part whose gradient is wrong.
        whole: the mini-batch of all processes.
        own: the samples of the part.
    """
    names = [name for name in evidence.usable if split(name)[0] in GRADIENTS]
    if not names:
        return None
    single = [_flat(evidence, whole, i, names) for i in range(whole.m)]
    shown = np.concatenate([plain(evidence.usable[name]).ravel() for name in names])
    multiples, _, rank, _ = np.linalg.lstsq(np.stack(single, axis=1), shown.astype(np.float64))
    if rank < whole.m:
        return None  # other samples may give the same
    for m in range(1, SPARE * whole.m + 1):
        counts = np.round(multiples * m).astype(int)
        if counts.min() < 0 or counts.sum() != m:
            continue
        samples = tuple(np.repeat(np.arange(whole.m), counts).tolist())
        if _agrees(evidence, whole, samples, names):
            return None if Counter(samples) == Counter(own) else Taken(samples, own)
    return None


def _agrees(evidence: Evidence, whole: Batch, samples: tuple[int, ...], names: list[str]) -> bool:
    """Whether the mean over some samples is what was shown."""
    found = _of(evidence, whole, samples)
    shown, type_ = evidence.usable, evidence.case.type
    return not any(compare(shown[each], found[each], type_).problem for each in names)


def _of(evidence: Evidence, whole: Batch, samples: tuple[int, ...]) -> dict[str, Target]:
    """The quantities of a step on some samples, with their tolerances."""
    part, batch = evidence.batch, whole.columns(samples)
    known = part.known if isinstance(part, PartBatch) else {}
    found = expectations(evidence.case, evidence.start, PartBatch(batch.x, batch.y, known=known))
    return {name: Target.of(each) for name, each in found.items()}


def _flat(evidence: Evidence, whole: Batch, sample: int, names: list[str]) -> Array:
    """The gradients of one sample by itself, one after another."""
    of_sample = gradients(evidence.case, evidence.start, whole.columns((sample,)))
    return np.concatenate([np.asarray(of_sample[name], np.float64).ravel() for name in names])
