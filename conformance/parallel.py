"""Work on cases, on several processes. Left out: the work."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def in_parallel(
    work: Callable[[str, Path], T], ids: Sequence[str], place: Path, workers: int
) -> Iterator[T]:
    """`work(id, place)` of each case in the order of the ids, on several processes.

    Args:
        work: a function of a module, since the processes import it.
        ids: the cases.
        place: the corpus.
        workers: how many processes; 1 works in this one.
    """
    if workers == 1:
        yield from (work(id_, place) for id_ in ids)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(work, ids, [place] * len(ids))
