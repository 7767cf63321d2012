"""Small networks, the smallest first, and the first of them on which a subject fails.

Left out: their numbers (`cases/small.py`), and what is said of one (`worked.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from conformance.arithmetic.balls import KinkError
from conformance.cases.small import entries, recorded, small_case
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.errors import ConformanceError
from conformance.judging.case_report import CaseReport, Evidence
from conformance.judging.judge import check_case, free_run, restarted
from conformance.model.functions import COSTS, SIGMOID
from conformance.model.update_kinds import SGD
from conformance.subjects import Subject
from conformance.verdict.compare import FREE, Status, Verdict
from reference.updates import UPDATES

SIZES = (
    (1, 1),
    (2, 1),
    (1, 1, 1),
    (1, 2),
    (2, 2),
    (1, 2, 1),
    (2, 2, 1),
    (1, 2, 2),
    (2, 2, 2),
    (2, 3, 2),
    (2, 2, 2, 2),
)
RUNNING = ((1, 1), (1, 1, 1), (2, 2, 2))
"""Sizes of which there are runs: two mini-batches, the second as long as the first or shorter."""
DECAYING = ((1, 1), (1, 1, 1))
"""Sizes of which there are steps with weight decay."""


def _candidates(family: tuple[str, ...], update: str) -> Iterator[Case]:
    """Smallest first: by the entries, the length of a mini-batch, the steps; λ and ln come last."""
    costs = [name for name, each in COSTS.items() if family[-1] in each.outputs]
    for sizes in sorted(SIZES, key=entries):
        if update != SGD and sizes not in RUNNING:
            continue
        runs = ((1, 1), (2, 1)) if sizes in RUNNING else ()
        for lengths in sorted(((1,), (2,), *runs), key=lambda each: (max(each), len(each))):
            decays = sizes in DECAYING and (len(lengths) == 1 or update != SGD)
            for decaying in (False, True)[: 1 + decays]:
                for cost in costs:
                    yield small_case(
                        *(sizes, lengths),
                        cost=cost,
                        decaying=decaying,
                        family=family,
                        update=update,
                    )


@cache
def candidates(family: tuple[str, ...], updates: tuple[str, ...] = (SGD,)) -> tuple[Case, ...]:
    """The small cases of a family, in float64, each with every cost that goes with its output.

    Of other updates than the book's there are runs.
    """
    family = family or (SIGMOID, SIGMOID)
    return tuple(case for each in updates or UPDATES for case in _candidates(family, each))


@dataclass(frozen=True, eq=False)
class FailingCase:
    """A small case on which a subject fails, and the step that shows it.

    Attributes:
        recorded: the case and its numbers.
        report: the verdicts on it.
        failure: the verdict that shows it.
        evidence: what was seen of the step.
    """

    recorded: Recorded
    report: CaseReport
    failure: Verdict
    evidence: Evidence

    @property
    def case(self) -> Case:
        """Its description."""
        return self.recorded.case

    @property
    def tags(self) -> tuple[str, ...]:
        """The equations that are blamed on it."""
        return tuple(self.report.blamed)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdicts on the step, by the names of the quantities."""
        here = (self.failure.step, self.failure.mode)
        return {v.name: v for v in self.report.verdicts if (v.step, v.mode) == here and v.name}

    def local(self, name: str) -> bool:
        """Whether a quantity does not follow from what the subject showed before it."""
        verdict = self.verdicts.get(name, self.failure)
        wrong = verdict.name == name and verdict.status is Status.FAIL
        return wrong and not verdict.from_truth


def first_failing(subject: Subject, tags: Sequence[str] | None = None) -> FailingCase | None:
    """The first small case that shows what is wrong with a subject, or None.

    Args:
        subject: it runs here, in this process.
        tags: the equations that may be blamed on it, the first of which must be; any if None. What
            is wrong beside the quantities blames none.
    """
    for dtype in sorted(subject.dtypes, reverse=True):  # float64 first
        for each in candidates(subject.family, subject.updates):
            case = each.in_format(dtype)
            if not subject.unfit(case) and (subject.decays or not case.lmbda) and is_sure(case):
                with np.errstate(all="ignore"):  # a wrong formula overflows where it will
                    found = _tried(subject, recorded(case), tags)
                if found is not None:
                    return found
    return None


def is_sure(case: Case) -> bool:
    """Whether it can be said what is right in a small case: no z is at a kink of its f."""
    try:
        recorded(case)
    except KinkError:
        return False
    return True


def _tried(subject: Subject, small: Recorded, tags: Sequence[str] | None) -> FailingCase | None:
    """The case, if the subject runs on it and fails as is asked."""
    try:
        report = check_case(subject, small)
        first = report.blamed.get(tags[0]) if tags else next(iter(report.blamed.values()), None)
        if report.error or not first or (tags and not set(report.blamed) <= set(tags)):
            return None
        at = first[0].step, first[0].mode
        return FailingCase(small, report, first[0], _at(report.evidence, at))
    except ConformanceError:  # such as a shape that only fits elsewhere: another case will do
        return None


def seen(subject: Subject, recorded: Recorded, at: tuple[int, str]) -> Evidence:
    """What is seen of one step.

    Args:
        subject: it runs here, in this process.
        recorded: a case.
        at: the step, and the mode of the verdicts on it.

    Raises:
        SubjectError: the subject could not be run.
    """
    evidence: list[Evidence] = []
    if at[1] == FREE:
        free_run(subject, recorded, evidence)
    else:
        restarted(subject, recorded, at[0], evidence)
    return _at(evidence, at)


def _at(evidence: Iterable[Evidence], at: tuple[int, str]) -> Evidence:
    return next(each for each in evidence if (each.step, each.mode) == at)
