"""Whether a subject that is right is exactly right: one step of a small case, all of it on balls.

What fails in floats is decided on balls where it fails (`doubts.py`). Left out: what is said of
it (`report/exact_words.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.cases.build import read
from conformance.cases.small import entries
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport
from conformance.judging.observe import observations
from conformance.subjects import Subject
from conformance.subjects.observation import SHOWN
from conformance.verdict.apart import EXACT
from conformance.verdict.compare import Status

SMALL = 200  # entries of a step's start up to which the exact lane is run


@dataclass(frozen=True)
class ExactRun:
    """One step of a case on balls.

    Attributes:
        case: its id.
        step: its number.
        left: why there is none, or nothing.
        errors: the distance of each quantity from its equation on the subject's own inputs, as a
            part of the largest entry, in causal order.
        undecided: why others are not known, by their names.
    """

    case: str
    step: int
    left: str = ""
    errors: dict[str, float] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)

    @property
    def wrong(self) -> list[str]:
        """The quantities that do not follow from their equation, in causal order."""
        return [name for name, error in self.errors.items() if not error <= EXACT]

    @property
    def right(self) -> bool:
        """Whether everything that was seen is exactly right."""
        return bool(self.errors) and not self.wrong


def run_exactly(subject: Subject, place: Path, reports: Sequence[CaseReport]) -> Iterator[ExactRun]:
    """A step of the largest small case on balls, if none fails."""
    small = [each for each in reports if entries(each.case.sizes) <= SMALL]
    if not small or any(each.status is not Status.PASS for each in reports):
        return
    case = max((each.case for each in small), key=lambda case: entries(case.sizes))
    try:
        run = exact_run(subject, case, read(place, case).steps[0])
    except SubjectError as error:
        run = ExactRun(case.id, 0, str(error))
    if run is not None:
        yield run


def exact_run(subject: Subject, case: Case, step: RecordedStep) -> ExactRun | None:
    """One step on balls; None if the subject cannot be followed there.

    Raises:
        SubjectError: it could not be run.
    """
    seen = next(observations(subject, case, [step]))
    on_balls = seen.on_balls.get(SHOWN)
    if on_balls is None:
        return None
    found = {name: on_balls(name) for name in case.rows if name in seen.shown}
    errors = {name: each.error for name, each in found.items() if each.error is not None}
    undecided = {name: each.why for name, each in found.items() if each.error is None}
    return ExactRun(case.id, 0, "", errors, undecided)
