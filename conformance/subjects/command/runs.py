"""The runs of a command: once a case, ahead of the judge and side by side if that is asked for.

The work is in the child processes, so threads do; the judge takes their outcomes in the order of
the cases. Where something is wrong in a recorded case, it asks for a second run, to see whether
that gives the same. A command that hung is not run on small networks, each as long a wait.
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
from conformance.subjects.command.run import DeclinedError, HungError, Program, Written

KEPT = 8  # outcomes: a case is asked for step by step, a small network again at once
AHEAD = 2  # runs for each worker that may wait for the judge

Outcome = Written | SubjectError
Key = tuple[Case, bool]
"""A case, and whether it is run a second time."""


class Runs:
    """What a command wrote of each case that is asked for."""

    def __init__(self, program: Program, workers: int = 1) -> None:
        """Run nothing yet."""
        self.program, self.workers = program, workers
        self._kept: OrderedDict[Key, Outcome] = OrderedDict()
        self._coming: dict[Case, Future[Outcome]] = {}
        self.begin: Callable[[], None] = lambda: None  # more of the cases that come
        self._hung = ""  # in which case

    def of(self, case: Case, *, second: bool = False) -> Written:
        """What it wrote of a case, in the first run or in a second one.

        Raises:
            SubjectError: it fails, hangs, declines, or writes what is not the steps of the case.
        """
        outcome = self._outcome(case, second=second)
        if isinstance(outcome, SubjectError):
            raise SubjectError(str(outcome))
        return outcome

    def is_recorded(self, case: Case) -> bool:
        """Whether a case is one of the corpus, and no small network."""
        return case in store.cases(store.root())

    def declines(self, case: Case) -> str:
        """Why it declines a case, or nothing."""
        outcome = self._outcome(case)
        return outcome.reason if isinstance(outcome, DeclinedError) else ""

    def _outcome(self, case: Case, *, second: bool = False) -> Outcome:
        key = case, second
        if key not in self._kept:
            self.begin()
            coming = None if second else self._coming.pop(case, None)
            self._kept[key] = self._run(case) if coming is None else coming.result()
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

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
        try:
            if self.is_recorded(case):
                return self.program.run(store.read(store.root(), case), stop)
            if self._hung:
                name = self.program.command
                raise SubjectError(f"{name} hung in {self._hung}: not run on small networks")  # noqa: TRY301
            return self.program.run(small(case), stop)
        except HungError as error:
            self._hung = case.id
            return error
        except SubjectError as error:
            return error
