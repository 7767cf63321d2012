"""The rows of all submissions: several judged side by side, here or on a cluster.

Left out: judging one (`one.py`), and showing the rows.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.metadata import version
from typing import Any

from conformance.errors import SubjectError, UsageError
from conformance.grade.collect import Contents, Submission, contents, digest
from conformance.grade.grade_row import Judgement, Outcome, Row, Store, row_of
from conformance.grade.limits import check_sandbox
from conformance.grade.one import Asked, begin, grade_one, stop_all

Done = Callable[[Row], None]

TIMEOUT = 10.0  # seconds until a cluster has answered
RETRIES = 2  # of a submission whose worker was lost


@dataclass(frozen=True)
class Place:
    """Where submissions are judged.

    Attributes:
        jobs: how many at the same time.
        cluster: the address of a scheduler of dask.distributed; None for this machine.
    """

    jobs: int = 1
    cluster: str | None = None


def grade_all(
    submissions: Sequence[Submission],
    asked: Asked,
    store: Store,
    place: Place,
    done: Done,
    given: Contents | None = None,
) -> list[Row]:
    """Judge each submission that has changed since it was judged; all rows, in their order.

    Args:
        submissions: of the class.
        asked: how each is judged.
        store: of rows, where those of an earlier run are.
        place: where.
        done: called with each row as soon as it is known.
        given: files that every submission is given, in the place of its own of the same names.
    """
    import_module("conformance.grade.judge_submissions")  # so that its bytecode is there for all
    rows: dict[str, Row] = {}

    def keep(row: Row) -> None:
        rows[row.name] = row
        done(row)

    hidden = [each.path.absolute().parent for each in submissions[:1]]
    with executor(place) as (pool, jobs):
        pool.submit(check_sandbox, asked.limits, store.folder.absolute(), *hidden).result()
        waiting: set[Future[Row]] = set()
        for each in submissions:
            packed = _packed(each, asked, given or {}, store)
            if isinstance(packed, Row):
                keep(packed)
                continue
            waiting.add(pool.submit(grade_one, each.name, *packed, asked))
            while len(waiting) > jobs:  # no more of them are read than are soon judged
                waiting = _keep_ended(waiting, store, keep)
        while waiting:
            waiting = _keep_ended(waiting, store, keep)
    return [rows[each.name] for each in submissions]


def _packed(
    each: Submission, asked: Asked, given: Contents, store: Store
) -> Row | tuple[Contents, str]:
    """The files of a submission and its digest; its row, if it is known or they cannot be read."""
    try:
        found = {**contents(each.path), **given}
    except SubjectError as error:
        return row_of(each.name, [Judgement("", Outcome.NOT_JUDGED, cause=str(error))], 0.0, "")
    how = sha256(json.dumps([asked.key(), version("backprop-conformance")]).encode())
    how.update(digest(found).encode())
    known = store.find(each.name, how.hexdigest())
    return (found, how.hexdigest()) if known is None else known


def _keep_ended(waiting: set["Future[Row]"], store: Store, keep: Done) -> set["Future[Row]"]:
    """Wait for one or more to end, and keep their rows; those that have not ended."""
    ended, others = wait(waiting, return_when=FIRST_COMPLETED)
    for each in ended:
        row = each.result()
        if row.outcome is not Outcome.INTERNAL:
            store.put(row)
        keep(row)
    return others


@contextmanager
def executor(place: Place) -> Iterator[tuple[Executor, int]]:
    """What judges submissions side by side, and how many; an interruption ends them all.

    Raises:
        UsageError: there is no such cluster.
    """
    if place.cluster is not None:
        with _cluster(place.cluster) as found:
            yield found
        return
    pool = ThreadPoolExecutor(place.jobs)
    try:
        yield pool, place.jobs
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_all()
        raise
    finally:
        pool.shutdown()  # none is left that could be ended
        begin()


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The threads of a cluster's workers, each of which judges a submission at a time."""
    try:
        import distributed
    except ImportError as error:
        needed = "pip install 'backprop-conformance[cluster]'"
        raise UsageError(f"--cluster {address}: dask.distributed is missing: {needed}") from error
    try:
        connect: Any = distributed.Client  # it has no types
        client = connect(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"--cluster {address}: {error}") from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UsageError(f"--cluster {address}: it has no workers")
        pool = client.get_executor(pure=False, retries=RETRIES)
        try:
            yield pool, threads
        finally:
            pool.shutdown(wait=False)
