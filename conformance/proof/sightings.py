"""What each case says of one mistake, so that it is known what fewer cases would say.

To be caught and blamed, one case is enough; a cause is named if one case shows it and no case
refutes it. So what would be said without a case follows from what each case says alone, and nothing
is run again. Left out: running the mistakes, and whether what is said is right (`prove.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from conformance.diagnosis.match import explained, most_covering, refutes
from conformance.judging.case_report import CaseReport
from conformance.mistakes.mistake import Mistake
from conformance.model.table import TAGS
from conformance.proof.show_proof import SMALL
from conformance.report.message import problem_text

ENOUGH = 2  # cases that refute a mistake: without one of them it still is refuted


@dataclass(frozen=True)
class Sighting:
    """What one case says of a mistake.

    Attributes:
        caught: whether something is wrong that the mistake explains.
        blamed: the tags of the blamed equations.
        refuted: the ids of known mistakes that cannot be the cause.
        explained: the equations of which each of the others explains something that is wrong.
    """

    caught: bool
    blamed: frozenset[str]
    refuted: frozenset[str]
    explained: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Said:
    """What some cases say of a mistake together.

    Attributes:
        caught: whether something is wrong that the mistake explains.
        blamed: the tags of the blamed equations, in causal order.
        named: the ids of their causes, by the tags.
    """

    caught: bool
    blamed: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Sightings:
    """What each case says of a mistake.

    Attributes:
        cases: by their ids.
        known: the ids of the mistakes that may be the cause.
    """

    cases: Mapping[str, Sighting]
    known: tuple[str, ...]

    def said(self, cases: Collection[str]) -> Said:
        """What some of the cases say together; the causes are those that `diagnose` names."""
        some = [each for id_, each in self.cases.items() if id_ in cases]
        blamed = frozenset[str]().union(*(each.blamed for each in some))
        refuted = frozenset[str]().union(*(each.refuted for each in some))
        possible = {
            id_: frozenset[str]().union(*(each.explained.get(id_, ()) for each in some))
            for id_ in self.known
            if id_ not in refuted
        }
        found, order = most_covering(possible, blamed), sorted(blamed, key=TAGS.index)
        named = {tag: tuple(found[tag]) for tag in order}
        return Said(any(each.caught for each in some), tuple(order), named)


def sightings(
    mistake: Mistake,
    reports: Sequence[CaseReport],
    known: Sequence[Mistake],
    named: Collection[str] = (),
) -> Sightings:
    """What each case says of a mistake.

    The small cases are all asked which mistakes they refute, the others only about mistakes that
    fewer than two cases have refuted before.

    Args:
        mistake: the subject's.
        reports: on the cases, with their evidence.
        known: the mistakes that may be the cause.
        named: the ids of mistakes that are known to be refuted by no case.
    """
    tags = {report.case.id: frozenset(report.blamed) for report in reports}
    refuted: dict[str, set[str]] = {id_: set() for id_ in tags}
    explaining: dict[str, dict[str, frozenset[str]]] = {id_: {} for id_ in tags}
    blames = frozenset[str]().union(*tags.values())
    for one in (each for each in known if blames & set(each.blames)):
        against = [] if one.id in named else _refuting(one, reports)
        for report in reports:
            id_ = report.case.id
            if id_ in against:
                refuted[id_].add(one.id)
            elif found := explained(report.evidence, one.formulas):
                explaining[id_][one.id] = found
    return Sightings(
        {
            report.case.id: Sighting(
                catches(report, mistake),
                tags[report.case.id],
                frozenset(refuted[report.case.id]),
                explaining[report.case.id],
            )
            for report in reports
        },
        tuple(each.id for each in known),
    )


def _refuting(rival: Mistake, reports: Sequence[CaseReport]) -> list[str]:
    """The cases in which a subject does not do as a mistake, as many as are of use."""
    found: list[str] = []
    for report in sorted(reports, key=lambda each: max(each.case.sizes)):
        of_use = max(report.case.sizes) < SMALL or len(found) < ENOUGH
        if of_use and refutes(report.evidence, rival.formulas):
            found.append(report.case.id)
    return found


def catches(report: CaseReport, mistake: Mistake) -> bool:
    """Whether a report says of the mistake what it should, be it of one equation alone."""
    if mistake.remark:
        return any(mistake.remark in problem_text(v) for v in report.failures if not v.name)
    return bool(set(report.blamed) & set(mistake.blames))
