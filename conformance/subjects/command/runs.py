"""The runs of a command: once a case, ahead of the judge and side by side if that is asked for.

The work is in the child processes, so threads do; the judge takes their outcomes in the order of
the cases. A command that hung is not run on small networks, each of which may be as long a wait.
Left out: a single run (`run.py`).
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from conformance.cases.small import recorded as small
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.subjects.command.run import HungError, Program, Written

KEPT = 8  # outcomes: a case is asked for step by step, a small network again at once
AHEAD = 2  # runs for each worker that may wait for the judge

Outcome = Written | SubjectError


class Runs:
    """What a command wrote of each case that is asked for."""

    def __init__(self, program: Program, workers: int = 1) -> None:
        """Run nothing yet."""
        self.program, self.workers = program, workers
        self._kept: OrderedDict[Case, Outcome] = OrderedDict()
        self._coming: dict[Case, Future[Outcome]] = {}
        self.begin: Callable[[], None] = lambda: None  # more of the cases that come
        self._hung = ""  # in which case

    def of(self, case: Case) -> Written:
        """What it wrote of a case.

        Raises:
            SubjectError: it fails, hangs, or writes what is not the steps of the case.
        """
        if case not in self._kept:
            self.begin()
            coming = self._coming.pop(case, None)
            self._kept[case] = self._run(case) if coming is None else coming.result()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(case)
        outcome = self._kept[case]
        if isinstance(outcome, SubjectError):
            raise SubjectError(str(outcome))
        return outcome

    @contextmanager
    def ahead(self, cases: Sequence[Case]) -> Iterator[None]:
        """Run it on these cases, which are asked for in this order, as long as this lasts."""
        if self.workers == 1:
            yield
            return
        waiting, stop = deque(cases), Event()
        pool = ThreadPoolExecutor(self.workers)

        def more() -> None:
            while waiting and len(self._coming) < AHEAD * self.workers:
                case = waiting.popleft()
                self._coming[case] = pool.submit(self._run, case, stop.is_set)

        self.begin = more
        try:
            yield
        finally:
            self.begin = lambda: None
            stop.set()
            pool.shutdown(cancel_futures=True)
            self._coming.clear()

    def _run(self, case: Case, stop: Callable[[], bool] = bool) -> Outcome:
        place = store.root()
        try:
            if case in store.cases(place):
                return self.program.run(store.read(place, case), stop)
            if self._hung:
                name = self.program.command
                raise SubjectError(f"{name} hung in {self._hung}: not run on small networks")  # noqa: TRY301
            return self.program.run(small(case), stop)
        except HungError as error:
            self._hung = case.id
            return error
        except SubjectError as error:
            return error
