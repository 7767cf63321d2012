"""Two mistakes at once, in different equations: both equations must be blamed, and no other.

Left out: naming the causes of two mistakes at once, and three of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import combinations
from pathlib import Path

from threadpoolctl import threadpool_limits

from conformance.corpus.recipe import raw
from conformance.corpus.recorded import Recorded
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import Mistake, MistakenSession, mistaken
from conformance.mistakes.situation import Formulas
from conformance.model.table import tag_of
from conformance.proof.proof import Place, Row
from conformance.proof.prove import chosen, misplaced_blames
from conformance.running.parallel import in_parallel
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
