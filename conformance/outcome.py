"""The outcome of an examination: a report on every case, the exact lane, and what is to blame.

Left out: how it comes about (`examine.py`) and how it is shown (`report/book_report.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.diagnosis.measured import Cause
from conformance.edits.edit import Change
from conformance.explain.example import Example
from conformance.judging.case_report import CaseReport
from conformance.judging.observe import ExactRun
from conformance.model.table import CAUSAL
from conformance.subjects import Reading
from conformance.tracing.frames import Frame
from conformance.verdict.compare import Status, Verdict
from conformance.verdict.finding import Finding, distinct
from reference.step import split


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

    @property
    def file(self) -> str | None:
        """The file of the line to blame."""
        return self.frames[0].file if self.frames else None

    @property
    def line(self) -> int | None:
        """The number of the line to blame."""
        return self.frames[0].line if self.frames else None


@dataclass(frozen=True)
class LostEquation(Blame):
    """One equation whose formula is right and whose digits are lost, in all cases together.

    The first verdict is one that has not kept half of its digits, before others.

    Attributes:
        badly: whether there is such a one.
    """

    badly: bool = False


@dataclass(frozen=True, repr=False)
class Outcome:
    """All that is known of a subject after an examination.

    Attributes:
        subject: its name.
        conventions: those that were recognised, in words.
        cases: the reports on the cases, in their order.
        skipped: why other cases were not put to it, by their ids.
        exact: the exact lane, where it was run.
        causes: of the equations that are wrong, in causal order.
        smallest: the smallest networks on which they are.
        declined: why the subject itself declined cases that were put to it, by their ids.
        change: of one line, with which every case is right; None if none is known.
        meant: the activations and the cost that it seems to be meant to have, if not those that it
            was judged with.
        moves_unknown: whether its updates are those of no rule that is known, and not judged.
    """

    subject: str
    conventions: tuple[str, ...] = ()
    cases: tuple[CaseReport, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    exact: tuple[ExactRun, ...] = ()
    causes: tuple[Cause, ...] = ()
    smallest: tuple[Example, ...] = ()
    declined: dict[str, str] = field(default_factory=dict)
    change: Change | None = None
    meant: Reading | None = None
    moves_unknown: bool = False

    @property
    def ok(self) -> bool:
        """Whether everything that was compared is right, and all was that there is."""
        return self.compares_right and not self.moves_unknown

    @property
    def compares_right(self) -> bool:
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
            for tag, failures in report.blamed.items():
                found.setdefault(tag, []).extend((report, verdict) for verdict in failures)
        return [_blame(tag, found[tag]) for tag in sorted(found, key=CAUSAL.index)]

    @property
    def losses(self) -> list[LostEquation]:
        """The equations whose formula is right and whose digits are lost, in causal order."""
        found: dict[str, list[Verdict]] = {}
        for report in self.cases:
            for verdict in report.lost:
                found.setdefault(report.case.rows[verdict.name].tag, []).append(verdict)
        return [_lost(tag, found[tag]) for tag in sorted(found, key=CAUSAL.index)]

    @property
    def findings(self) -> list[Finding]:
        """What is wrong beside the quantities, each once."""
        wrong = (verdict.finding for report in self.cases for verdict in report.failures)
        return distinct(finding for finding in wrong if finding is not None)

    @property
    def notes(self) -> list[str]:
        """What was not looked at, and why, each said once."""
        verdicts = (verdict for report in self.cases for verdict in report.verdicts)
        unseen = (v for v in verdicts if not v.name and v.status is Status.NOT_OBSERVED)
        return list(dict.fromkeys(verdict.problem for verdict in unseen))


def _layers(verdicts: Sequence[Verdict]) -> tuple[int, ...]:
    layers = {split(each.name)[1] for each in verdicts}
    return tuple(sorted(layer for layer in layers if layer is not None))


def _lost(tag: str, verdicts: Sequence[Verdict]) -> LostEquation:
    badly = [each for each in verdicts if each.lost is not None and each.lost.badly]
    first = (badly or verdicts)[0]
    cases = len({each.case for each in verdicts})
    return LostEquation(tag, _layers(verdicts), cases, first, first.frames, bool(badly))


def _blame(tag: str, failures: Sequence[tuple[CaseReport, Verdict]]) -> Blame:
    of_cases: dict[str, Counter[tuple[Frame, ...]]] = defaultdict(Counter)
    for report, verdict in failures:
        if verdict.frames:
            of_cases[report.case.id][verdict.frames] += 1
    votes = Counter(each.most_common(1)[0][0] for each in of_cases.values())
    return Blame(
        tag,
        _layers([verdict for _, verdict in failures]),
        len({report.case.id for report, _ in failures}),
        failures[0][1],
        votes.most_common(1)[0][0] if votes else (),
    )
