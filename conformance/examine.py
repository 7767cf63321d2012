"""A whole examination of a subject: every case that fits it, then the exact lane, then the blame.

Left out: how the outcome is shown (`report`), how a subject is found (`subjects`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from conformance.causality import TAGS, field_of
from conformance.compare import FORWARD, RESTARTED, Status, Verdict
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.store import RecordedStep
from conformance.judge import CaseReport, check_case
from conformance.subjects import Subject
from conformance.subjects.exact_outcome import ExactOutcome
from conformance.watching.digits import Loss
from conformance.watching.recording import Frame
from reference.step import split

SMALL = 200  # entries of a step's start up to which the exact lane is run
EXACT_CASES = 2  # how many cases it is run on


@dataclass(frozen=True)
class ExactRun:
    """The exact lane on one step of a case.

    Attributes:
        case: its id.
        step: its number.
        outcome: what was found.
        lost: where the digits went of what is exactly right and failed in floats in this step.
    """

    case: str
    step: int
    outcome: ExactOutcome
    lost: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Blame:
    """One equation that is wrong, in all cases together.

    Attributes:
        tag: of the equation, such as BP2.
        layers: where it is wrong.
        cases: in how many cases.
        first: the first failure, in the order of cases and of causes.
        frames: the lines that most failures lead to, the one to blame first.
    """

    tag: str
    layers: tuple[int, ...]
    cases: int
    first: Verdict
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Report:
    """All that is known of a subject after an examination.

    Attributes:
        subject: its name.
        conventions: those that were recognised, in words.
        cases: the reports on the cases, in their order.
        skipped: why other cases were not put to it, by their ids.
        exact: the exact lane, where it was run.
    """

    subject: str
    conventions: tuple[str, ...] = ()
    cases: tuple[CaseReport, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    exact: tuple[ExactRun, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that was compared is right, and something was."""
        return bool(self.cases) and all(each.status is Status.PASS for each in self.cases)

    @property
    def exit_code(self) -> int:
        """0 conformant, 1 not, 3 not judged."""
        if any(each.status is Status.FAIL for each in self.cases):
            return 1
        return 0 if self.ok else 3

    @property
    def blames(self) -> list[Blame]:
        """The equations that are wrong, in causal order of their first failure."""
        found: dict[str, list[tuple[CaseReport, Verdict]]] = {}
        for report in self.cases:
            for verdict in report.failures:
                if verdict.name:
                    tag = TAGS[field_of(verdict.name, report.case.layers)]
                    found.setdefault(tag, []).append((report, verdict))
        order = list(TAGS.values())
        return [_blame(tag, found[tag]) for tag in sorted(found, key=order.index)]

    @property
    def remarks(self) -> list[str]:
        """What is wrong beside the quantities, each said once."""
        said = (v.problem for report in self.cases for v in report.failures if not v.name)
        return list(dict.fromkeys(said))

    def __str__(self) -> str:
        """The whole report as text."""
        from conformance.report.terminal import as_text

        return as_text(self)


def _blame(tag: str, failures: Sequence[tuple[CaseReport, Verdict]]) -> Blame:
    layers = {split(verdict.name)[1] for _, verdict in failures}
    votes = Counter(verdict.frames for _, verdict in failures if verdict.frames)
    return Blame(
        tag,
        tuple(sorted(layer for layer in layers if layer is not None)),
        len({report.case.id for report, _ in failures}),
        failures[0][1],
        votes.most_common(1)[0][0] if votes else (),
    )


def examine(
    subject: Subject,
    place: Path,
    cases: Iterable[Case],
    done: Callable[[CaseReport], None] = lambda _: None,
) -> Report:
    """Put a subject to all cases that fit it.

    Args:
        subject: what is judged.
        place: the corpus.
        cases: of the corpus.
        done: called with the report on each case.

    Raises:
        CorpusError: a case is damaged.
    """
    reports, skipped = [], {}
    for case in cases:
        reason = subject.unfit(case)
        if reason:
            skipped[case.id] = reason
            continue
        reports.append(check_case(subject, store.read(place, case)))
        done(reports[-1])
    exact = tuple(_run_exactly(subject, place, reports))
    return Report(subject.name, subject.conventions, tuple(reports), skipped, exact)


def _run_exactly(
    subject: Subject, place: Path, reports: Sequence[CaseReport]
) -> Iterator[ExactRun]:
    """The exact lane on small cases that fail, or, if none does, on one that passes."""
    if subject.exactly is None:
        return
    small = [each for each in reports if _entries(each.case) <= SMALL]
    wrong = [each for each in small if each.status is Status.FAIL]
    # A case with several samples and layers shows more than one without.
    candidates = sorted(wrong or small, key=lambda each: -_entries(each.case))
    for report, t in _covering(candidates)[: EXACT_CASES if wrong else 1]:
        step = store.read(place, report.case).steps[t]
        outcome = subject.exactly(report.case, step)
        lost = _lost(subject, report.case, step, outcome, failed_at(report, t).values())
        yield ExactRun(report.case.id, t, outcome, tuple(lost))


def _lost(
    subject: Subject,
    case: Case,
    step: RecordedStep,
    outcome: ExactOutcome,
    failures: Iterable[Verdict],
) -> Iterator[Loss]:
    """Where the digits went of what fails in floats alone."""
    for verdict in failures:
        own = verdict.mode == FORWARD
        if subject.lost_digits is None or not outcome.clears(verdict.name, own=own):
            continue
        index = verdict.worst.index if verdict.worst is not None else ()
        loss = subject.lost_digits(case, step, verdict.name, index, own)
        if loss is not None:
            yield loss


def failed_at(report: CaseReport, t: int) -> dict[str, Verdict]:
    """The first failure of each equation in one step from recorded parameters, by its tag."""
    found: dict[str, Verdict] = {}
    for v in report.failures:
        if v.name and v.step == t and v.mode in (RESTARTED, FORWARD):
            found.setdefault(TAGS[field_of(v.name, report.case.layers)], v)
    return found


def _covering(reports: Sequence[CaseReport]) -> list[tuple[CaseReport, int]]:
    """A step of each case: first those in which the most equations fail that no other has shown."""
    steps = {
        (i, t): set(failed_at(report, t))
        for i, report in enumerate(reports)
        for t in range(report.case.steps)
    }
    chosen: dict[int, int] = {}
    shown: set[str] = set()
    while len(chosen) < len(reports):
        left = [key for key in steps if key[0] not in chosen]
        i, t = max(left, key=lambda key: (len(steps[key] - shown), len(steps[key]) > 0))
        chosen[i] = t
        shown |= steps[i, t]
    return [(reports[i], t) for i, t in chosen.items()]


def _entries(case: Case) -> int:
    sizes = case.sizes
    return sum(n * (below + 1) for below, n in pairwise(sizes))
