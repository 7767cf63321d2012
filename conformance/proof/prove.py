"""The proof that the check can fail: every known mistake, as a subject, through the whole of it.

A mistake is proved if it is caught, blamed on the equations that it breaks and on no other, and
named as their cause. Of two mistakes at once both equations must be blamed, and no other. Left out:
naming the causes of two mistakes at once, and how it is shown (`proof_matrix.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from conformance.corpus import store
from conformance.corpus.recipe import raw
from conformance.corpus.recorded import Recorded, shape_of
from conformance.diagnosis.diagnose import diagnose
from conformance.errors import SubjectError
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.judging.observe import observations
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import Mistake, MistakenSession, mistaken, subject_of
from conformance.mistakes.situation import Formulas
from conformance.model.table import TAGS, tag_of
from conformance.proof.proof import Place, Row
from conformance.proof.sightings import catches, sightings
from conformance.report.message import problem_text
from conformance.report.sentence import pluralize
from conformance.running.parallel_runs import in_parallel
from conformance.verdict.compare import FREE

SEED = 4
AND = " and "

Pair = tuple[str, str]


def apart(rows: Iterable[Row]) -> list[tuple[Row, Row]]:
    """All pairs of mistakes that break no equation in common."""
    some = [row for row in rows if row.breaks]
    return [(a, b) for a, b in combinations(some, 2) if not set(a.breaks) & set(b.breaks)]


def visible(rows: Iterable[Row]) -> list[Pair]:
    """The pairs of which neither hides the other, by the ids of the mistakes."""
    return [(a.id, b.id) for a, b in apart(rows) if not (hides(a, b) or hides(b, a))]


def hides(one: Row, other: Row) -> bool:
    """Whether beside one mistake no place is left at which an equation of the other is judged.

    It is not judged in a free run of a case of which restarted steps are wrong already, for there
    is none; and not where it is computed from what has a wrong shape.
    """
    restarted = {place.case for place in one.wrong if place.mode != FREE}

    def open_(place: Place) -> bool:
        if place.mode == FREE and place.case in restarted:
            return False
        needed = (place.name, *place.case.rows[place.name].made)
        return not any(place._replace(name=name) in one.misshapen for name in needed)

    seen = {tag_of(place.name, place.case.layers) for place in other.wrong if open_(place)}
    return not seen.issuperset(other.breaks)


def drawn(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Some of the pairs, always the same ones."""
    numbers = raw(SEED, len(pairs))
    return sorted(pair for _, pair in sorted(zip(numbers, pairs, strict=True))[:count])


def pair_proofs(
    pairs: Sequence[Pair], pattern: str | None, place: Path, workers: int
) -> Iterator[list[str]]:
    """Why the pairs are not proved in the cases that `chosen` chooses, on several processes."""
    names = [AND.join(pair) for pair in pairs]
    with threadpool_limits(1):
        yield from in_parallel(partial(_prove_by_ids, pattern), names, place, workers)


def _prove_by_ids(pattern: str | None, ids: str, place: Path) -> list[str]:
    one, other = (CATALOGUE[id_] for id_ in ids.split(AND))
    with threadpool_limits(1):
        return problems_of_pair(one, other, chosen(place, pattern))


def prove_pair(one: Mistake, other: Mistake, cases: Sequence[Recorded]) -> list[str]:
    """Why two mistakes at once are not proved, in words that begin with their ids."""
    name = f"{one.id}{AND}{other.id}"
    subject = mistaken({**one.formulas, **other.formulas}, name)
    reports = [check_case(subject, each) for each in cases]
    stopped = [f"could not be judged: {report.error}" for report in reports if report.error]
    problems = [*stopped, *misplaced_blames((*one.blames, *other.blames), reports)]
    return [f"{name} {problem}" for problem in problems]


def problems_of_pair(one: Mistake, other: Mistake, cases: Sequence[Recorded]) -> list[str]:
    """The same, but none if a program with one of them computes the same as with both."""
    problems = prove_pair(one, other, cases)
    if problems:
        each = ({**one.formulas, **other.formulas}, one.formulas, other.formulas)
        both, *alone = ([_numbers(formulas, case) for case in cases] for formulas in each)
        return [] if both in alone else problems
    return problems


def _numbers(formulas: Formulas, recorded: Recorded) -> list[tuple[str, bytes]]:
    """Every number of a run with these formulas, as far as its shapes fit."""
    session = MistakenSession(formulas, recorded.case, recorded.steps[0].parameters)
    shown: list[tuple[str, bytes]] = []
    with suppress(ValueError):  # the parameters that a step left make no network
        for step in recorded.steps:
            shown += [(name, each.tobytes()) for name, each in session.step(step.batch).items()]
    return shown


def proofs(ids: Sequence[str], pattern: str | None, place: Path, workers: int) -> Iterator[Row]:
    """The rows of known mistakes in the cases that `chosen` chooses, on several processes."""
    with threadpool_limits(1):
        yield from in_parallel(partial(_prove_by_id, pattern), ids, place, workers)


@cache
def chosen(place: Path, pattern: str | None) -> tuple[Recorded, ...]:
    """The cases that a glob admits, or all in float64.

    Raises:
        CorpusError: the fixtures are damaged.
        UsageError: nothing matches.
    """
    cases = store.cases(place, pattern, None if pattern else "float64")
    return tuple(store.read(place, case) for case in cases)


def _prove_by_id(pattern: str | None, id_: str, place: Path) -> Row:
    with threadpool_limits(1):
        return prove(CATALOGUE[id_], chosen(place, pattern), tuple(CATALOGUE.values()))


def prove(mistake: Mistake, cases: Sequence[Recorded], known: Sequence[Mistake]) -> Row:
    """What becomes of a mistake in some cases.

    Args:
        mistake: the subject's.
        cases: with their numbers.
        known: the mistakes among which the cause is looked for.
    """
    found = judged(mistake, cases, known)
    causes = {id_ for ids in found.named.values() for id_ in ids}
    return Row(
        mistake.id,
        mistake.blames,
        sightings(mistake, found.reports, known, causes),
        found.named,
        found.twins,
        found.problems,
        frozenset(_wrong(found.reports)),
        frozenset(_misshapen(found.reports)),
    )


@dataclass(frozen=True)
class Judged:
    """What the check says of a mistake in some cases together.

    Attributes:
        mistake: the subject's.
        reports: on the cases.
        named: the ids of the causes, by the blamed equations.
        twins: those of them that have the same formula as the mistake, under another name.
    """

    mistake: Mistake
    reports: Sequence[CaseReport]
    named: Mapping[str, tuple[str, ...]]
    twins: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it is not proved."""
        return tuple(_problems(self.mistake, self.reports, self.named, self.twins))


def judged(mistake: Mistake, cases: Sequence[Recorded], known: Sequence[Mistake]) -> Judged:
    """What the check says of a mistake; what each case alone says takes as long again."""
    subject = subject_of(mistake)
    fitting = [each for each in cases if not subject.unfit(each.case)]
    reports = [check_case(subject, each) for each in fitting]
    named = {cause.tag: cause.mistakes for cause in diagnose(reports, known)}
    causes = {id_ for ids in named.values() for id_ in ids}
    others = [each for each in known if each.id in causes - {mistake.id}]
    twins = tuple(each.id for each in others if alike(mistake, each, fitting))
    return Judged(mistake, reports, named, twins)


def _problems(
    mistake: Mistake,
    reports: Sequence[CaseReport],
    named: Mapping[str, Sequence[str]],
    twins: Sequence[str],
) -> Iterator[str]:
    """Why a mistake is not proved, in words that follow its id."""
    yield from (f"could not be judged: {report.error}" for report in reports if report.error)
    if not any(catches(report, mistake) for report in reports):
        yield f"is not caught in any of {pluralize(len(reports), 'case')}"
    yield from misplaced_blames(mistake.blames, reports)
    for tag in mistake.blames:
        others = [id_ for id_ in named.get(tag, ()) if id_ not in (mistake.id, *twins)]
        if tag in named and mistake.id not in named[tag]:
            yield f"is not named as the cause of {tag}, but {', '.join(others) or 'nothing'}"
        elif others:
            yield f"is not told apart from {', '.join(others)} by any case, in {tag}"
    remarks = [problem_text(v) for report in reports for v in report.failures if not v.name]
    for problem in dict.fromkeys(remarks):
        if not mistake.remark or mistake.remark not in problem:
            yield f"is said to be wrong beside the equations: {problem}"


def misplaced_blames(blames: Sequence[str], reports: Sequence[CaseReport]) -> Iterator[str]:
    """Which equations are blamed and should not be, or should be and are not, in words."""
    found: dict[str, str] = {}
    for report in reports:
        for tag in report.blamed:
            found.setdefault(tag, report.case.id)
    for tag in sorted(found.keys() - set(blames), key=TAGS.index):
        yield f"is blamed on {tag}, which it does not break, in {found[tag]}"
    if found:
        yield from (f"is not blamed on {tag}" for tag in blames if tag not in found)


def alike(one: Mistake, other: Mistake, cases: Sequence[Recorded]) -> bool:
    """Whether two mistakes have the same formula and give the same bits in all steps of all cases.

    Other formulas that agree in these cases are not alike: other cases may tell them apart.
    """
    return (one.wrong, one.right) == (other.wrong, other.right) and all(
        a.keys() == b.keys() and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)
        for each in cases
        for a, b in zip_longest(*(_walk(it, each) for it in (one, other)), fillvalue={})
    )


def _walk(mistake: Mistake, recorded: Recorded) -> Iterator[dict[str, Any]]:
    """All that a mistake shows, step by step, as far as it gets."""
    with suppress(SubjectError):
        for seen in observations(subject_of(mistake), recorded.case, recorded.steps):
            yield dict(seen.shown)


def _wrong(reports: Sequence[CaseReport]) -> Iterator[Place]:
    """The quantities that are blamed."""
    for report in reports:
        for verdict in report.failures:
            if verdict.name:
                yield Place(report.case, verdict.step, verdict.mode, verdict.name)


def _misshapen(reports: Sequence[CaseReport]) -> Iterator[Place]:
    """The quantities of which nothing follows, since they have a wrong shape or are not there."""
    for each in (evidence for report in reports for evidence in report.evidence):
        for name in each.case.rows:
            right = shape_of(each.case, name, each.batch.m)
            if name not in each.shown or np.shape(each.got(name)) != right:
                yield Place(each.case, each.step, each.mode, name)
