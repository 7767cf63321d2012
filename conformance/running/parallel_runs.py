"""Work on cases, on several processes. Left out: the work."""

import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from conformance.running.signals import held_back

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
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import active_children, get_context

    others = {*active_children()}
    with ProcessPoolExecutor(workers, get_context("spawn"), _deaf_on_windows) as pool:
        try:
            # No `map`: what it has cancelled stops the pool from ending when its workers are gone.
            with held_back():
                futures = [pool.submit(work, id_, place) for id_ in ids]
            for future in futures:
                yield future.result()
        except BaseException:
            for process in {*active_children()} - others:
                process.kill()
            # One of them may have written half of its result, for whose rest the pool would wait.
            pool._result_queue._writer.close()  # type: ignore[attr-defined]  # noqa: SLF001
            raise


def _deaf_on_windows() -> None:
    """Leave it to the parent to hear Ctrl-C; elsewhere a process is started so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
