"""The proof that the check of several processes can fail: every known mistake, on simulated ones.

A mistake is proved if in each number of processes in which it shows it is caught, blamed on its
equations and on no other, and named as their cause; and if it is not seen where it changes nothing.
Left out: the mistakes of one process (`proof/prove.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, cycle, islice
from pathlib import Path

from threadpoolctl import threadpool_limits

from conformance.corpus.case import Parts
from conformance.mistakes.processes import PROCESSES
from conformance.processes.division import divided
from conformance.processes.process_check import check_processes
from conformance.processes.ranks import Fault, Simulated
from conformance.report.book_report import Report
from conformance.running.parallel_runs import in_parallel


@dataclass(frozen=True)
class Wrong:
    """A known mistake at work.

    Attributes:
        id: of the mistake.
        fault: of the processes.
        blames: the equations that are to be blamed.
        worlds: the numbers of processes in which it shows.
    """

    id: str
    fault: Fault
    blames: tuple[str, ...] = ("R",)
    worlds: tuple[int, ...] = (2, 3)


def padded(parts: Parts, rank: int, place: int) -> list[int]:
    """The samples of a part, its first ones again until it is as long as the longest."""
    longest = max(map(len, chain.from_iterable(parts)))
    return list(islice(cycle(parts[rank][place]), longest))


def _own_order(parts: Parts, rank: int, place: int) -> list[int]:
    """The samples of a part in an order that each rank has begun elsewhere."""
    m = sum(map(len, chain.from_iterable(parts)))
    return [(sample + rank) % m for sample in parts[rank][place]]


_GRADIENTS = ("BP3", "BP4")
_WORLDS: Mapping[str, tuple[int, ...]] = {
    "mean-of-means": (1, 2, 3),
    "accumulation-not-divided": (1, 2, 3),
    "accumulation-twice-divided": (1, 2, 3),
    "last-micro-batch-only": (1, 2, 3),
    "reduced-by-nominal-size": (1, 2, 3),
}
_OTHERS = (
    Wrong("not-broadcast", Fault(own_start=True), (*_GRADIENTS, "B", "W")),
    Wrong("padded-sample", Fault(samples=padded), _GRADIENTS, (1, 2, 3)),
    Wrong("order-not-shared", Fault(samples=_own_order), _GRADIENTS),
)

WRONG: dict[str, Wrong] = {
    **{
        id_: Wrong(id_, Fault(mistake.formulas), worlds=_WORLDS.get(id_, (2, 3)))
        for id_, mistake in PROCESSES.items()
        if "R" in mistake.formulas
    },
    **{each.id: each for each in _OTHERS},
}
"""By their ids."""


WORLDS = (1, 2, 3)


@dataclass(frozen=True)
class Proved:
    """What became of one mistake.

    Attributes:
        id: of the mistake.
        blamed: the tags of the equations that are to be blamed.
        caught: in how many cases of how many, for each number of processes.
        problems: why it is not proved.
    """

    id: str
    blamed: tuple[str, ...]
    caught: tuple[tuple[int, int], ...]
    problems: tuple[str, ...]


def proofs(workers: int, dtype: str = "float64") -> Iterator[Proved]:
    """What becomes of every known mistake, on several processes of ours."""
    yield from in_parallel(partial(_prove_by_id, dtype), [*WRONG], Path(), workers)


def _prove_by_id(dtype: str, id_: str, _place: Path) -> Proved:
    with threadpool_limits(1):
        return prove(WRONG[id_], dtype)


def prove(
    wrong: Wrong, dtype: str = "float64", worlds: Sequence[int] = WORLDS, rules: Sequence[str] = ()
) -> Proved:
    """What becomes of a mistake in the cases of some numbers of processes, of some rules or all."""
    caught, problems = [], []
    for world in worlds:
        processes = Simulated(world, wrong.fault, wrong.id)
        cases = [each for each in divided(world, dtype) if not rules or each.rule in rules]
        report = check_processes(processes, cases)
        caught.append((sum(bool(each.failures) for each in report.cases), len(report.cases)))
        expected = wrong.blames if world in wrong.worlds else ()
        problems += [f"{each}, of {world}" for each in _problems(wrong.id, expected, report)]
    return Proved(wrong.id, wrong.blames, tuple(caught), tuple(problems))


def _problems(id_: str, expected: Sequence[str], report: Report) -> Iterator[str]:
    """Why a mistake is not proved, in words that follow its id."""
    yield from (f"could not be judged: {each.error}" for each in report.cases if each.error)
    blamed = [blame.tag for blame in report.blames]
    if blamed != [*expected]:
        got, right = (", ".join(each) or "nothing" for each in (blamed, expected))
        yield f"is blamed on {got}, not on {right}"
    for cause in report.causes:
        named = cause.known
        if named != (id_,):
            yield f"is named {' or '.join(named) or 'nothing'} in {cause.tag}"


def lines(proved: Sequence[Proved]) -> Iterator[str]:
    """The proof as text: a line for each mistake, the problems, the sum."""
    width = max(len(each.id) for each in proved)
    heads = (f"{world} process{'es'[: 2 * (world > 1)]}" for world in WORLDS)
    yield f"{'mistake':{width}} blamed on    caught in cases of {', '.join(heads)}"
    for each in proved:
        counts = ", ".join(f"{seen} of {cases}" for seen, cases in each.caught)
        yield f"{each.id:{width}} {' '.join(each.blamed):12} {counts}"
    found = [f"  {each.id} {problem}" for each in proved for problem in each.problems]
    yield from ("", *found)
    said = f"{len(found)} problems" if found else "all caught, blamed where they are, and named"
    yield f"{len(proved)} mistakes of several processes: {said}"
