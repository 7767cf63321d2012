"""Several processes that are a command: from what `conformance check` names to a report.

It is started once a rank for each case. Each rank is given a file with its start and its samples,
`t/k/x` of its micro-batch k in step t, and writes `t/k/nabla_w2` of it, `t/nabla_w2` of all ranks
together and `t/w2`. It has RANK and WORLD_SIZE in its environment, and two ways to meet the others:
MASTER_ADDR with MASTER_PORT, and CONFORMANCE_MEETING, a path where nothing is yet. Left out:
processes of ours (`workers.py`), and the command line (`cli/check.py`).
"""

import os
import re
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Event

from threadpoolctl import threadpool_limits

from conformance.corpus.recorded import begun
from conformance.errors import SubjectError, UsageError
from conformance.judging.case_report import CaseReport
from conformance.model.functions import COSTS, SIGMOID
from conformance.model.table import reduced_name
from conformance.processes.division import Divided, divided
from conformance.processes.process_check import check_processes
from conformance.processes.rank_lines import with_lines
from conformance.processes.rank_program import OWN, FunctionProgram, TwinProgram, unflat
from conformance.processes.ranks import (
    DIED,
    GLOO,
    RAISED,
    WAITED,
    Processes,
    ProcessStep,
    Simulated,
    beside_others,
)
from conformance.processes.scales import recognised
from conformance.processes.workers import AFTERMATH, Workers
from conformance.programs.load import is_spec
from conformance.report.book_report import Report
from conformance.subjects import Subject
from conformance.subjects.command.command_output import read_output
from conformance.subjects.command.command_subject import Call, HungError, Program, temporary
from conformance.subjects.named import find
from conformance.versions import has_torch
from reference.step import Array

MOST = 3
"""Processes for which there are cases."""


@dataclass(frozen=True)
class Asked:
    """What is to be checked, and how.

    Attributes:
        subject: `torch_impl`, `reference`, `FILE.py:step`, `package.module:step`, or a command.
        world: how many processes.
        case: a glob, or several: only the cases whose id matches one.
        dtype: only the cases in this dtype.
        cost: of a function; quadratic if not given.
        family: of a function, the activations of hidden layers and output; sigmoids if not given.
        timeout: seconds for each collective.
        python_path: folders from which a function may import.
        program: the command, if it is one.
        detailed: whether to keep what is behind each verdict, entry by entry, for a page.
    """

    subject: str
    world: int
    case: str | Collection[str] | None = None
    dtype: str | None = None
    cost: str | None = None
    family: tuple[str, str] | None = None
    timeout: float = 60.0
    python_path: tuple[Path, ...] = ()
    program: Program | None = None
    detailed: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is neither somebody's function nor somebody's command."""
        return self.program is None and not is_spec(self.subject)


def check(asked: Asked, done: Callable[[CaseReport], None] = lambda _: None) -> Report:
    """Check some processes against the cases that fit them.

    Raises:
        UsageError: there is no such subject, or no case fits it.
        CorpusError: the fixtures are damaged.
    """
    if not 1 <= asked.world <= MOST:
        raise UsageError(f"--processes {asked.world}: give 1, 2 or {MOST}")
    cases = [each for each in divided(asked.world) if each.case.matches(asked.case, asked.dtype)]
    if not cases:
        ids = ", ".join(each.case.id for each in divided(asked.world, "float64"))
        raise UsageError(f"no case is chosen: of {asked.world} processes there are {ids}")
    fitting, skipped = _fitting(asked, cases)
    run = partial(
        check_processes, cases=fitting, skipped=skipped, done=done, detailed=asked.detailed
    )
    with threadpool_limits(1), _processes(asked) as processes:
        if asked.ours:
            return run(processes)
        scaled = recognised(processes, fitting)
        report = replace(run(scaled), conventions=scaled.said)
        return _with_lines_of_r(processes, report, fitting)


def _with_lines_of_r(processes: Processes, report: Report, cases: Sequence[Divided]) -> Report:
    """The report with the lines at which R is wrong, if those can be traced."""
    wrong = next((v for e in report.cases for v in e.blamed.get("R", ())), None)
    if wrong is None or not isinstance(processes, Workers):
        return report
    divided = next(each for each in cases if each.case.id == wrong.case)
    try:
        return with_lines(report, processes.lines(divided, wrong.step), ("R",))
    except SubjectError:  # it cannot be traced: the verdicts stand without lines
        return report


def _fitting(asked: Asked, cases: Sequence[Divided]) -> tuple[list[Divided], dict[str, str]]:
    """The cases that fit, and why others do not, by their ids."""
    if asked.ours:
        return [*cases], {}
    costs, family = asked.cost and (asked.cost,), asked.family
    if asked.program is None:  # a function is told nothing of it
        costs, family = costs or ("quadratic",), family or (SIGMOID, SIGMOID)
    start = find("reference").start
    like = Subject(asked.subject, start, costs=costs or tuple(COSTS), family=family or ())
    reasons = {each.case.id: like.unfit(each.case) for each in cases}
    fitting = [each for each in cases if not reasons[each.case.id]]
    if not fitting:
        why = "--cost and --family say which do"
        raise UsageError(f"{asked.subject}: none of the cases fits it: {why}")
    return fitting, {id_: reason for id_, reason in reasons.items() if reason}


@contextmanager
def _processes(asked: Asked) -> Iterator[Processes]:
    """The processes, which are ended in every case."""
    if asked.program is not None:
        yield Commands(asked.program, asked.world)
        return
    if asked.subject == "reference":
        yield Simulated(asked.world)
        return
    if asked.subject != "torch_impl" and not is_spec(asked.subject):
        what = "give torch_impl, reference, FILE.py:step or package.module:step"
        raise UsageError(f"{asked.subject} does not run as several processes: {what}")
    if not has_torch():
        raise UsageError("several processes need torch, which is not installed")
    twin = asked.subject == "torch_impl"
    program = TwinProgram() if twin else FunctionProgram(asked.subject, asked.python_path)
    with Workers(asked.subject, asked.world, program, asked.timeout) as workers:
        yield workers


NAME = re.compile(r"(\d+)/(?:(\d+)/)?(\w+)")
MEETING = "CONFORMANCE_MEETING"

Steps = Sequence[Mapping[str, Array]]
"""What a rank wrote of each step, by flat names, as `program.flat` has them."""


@dataclass(frozen=True, eq=False)
class Commands:
    """Processes that are a command.

    Attributes:
        program: the command, and the seconds for each case.
        world: how many processes.
    """

    program: Program
    world: int
    _kept: dict[str, list[Steps] | SubjectError] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For messages."""
        return self.program.command

    def step(self, divided: Divided, t: int) -> Sequence[ProcessStep]:
        """Take one step of a case from its start; what each process shows.

        Raises:
            SubjectError: one declines the case (DeclinedError), died, hung, or wrote what is not
                a step; all are ended.
        """
        case = divided.case
        if case.id not in self._kept:
            try:
                self._kept[case.id] = self._run(divided)
            except SubjectError as error:
                self._kept[case.id] = error
        found = self._kept[case.id]
        if isinstance(found, SubjectError):
            raise found
        counts = [len(of_rank) for of_rank in case.parts[t]]
        return [unflat(of[t], count) for of, count in zip(found, counts, strict=True)]

    def _run(self, divided: Divided) -> list[Steps]:
        """What each rank wrote of a case, all of them running at once."""
        stop = Event()
        with temporary() as folder, ThreadPoolExecutor(self.world) as pool:
            shared = _meeting(Path(folder))
            ranks = []
            for rank in range(self.world):
                own = Path(folder) / str(rank)
                own.mkdir()
                number = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(self.world)}
                given = _samples(divided, rank)
                about = divided.case, given, own, {**shared, **number}, f": rank {rank}"
                call = Call(self.program, *about)
                ranks.append(pool.submit(call.ended, stop.is_set, partial(_read, divided, rank)))
            try:
                return _together(ranks)
            finally:
                stop.set()


def _together(ranks: Sequence[Future[Steps]]) -> list[Steps]:
    """What all ranks wrote; the failure that is the reason, if some failed.

    Raises:
        SubjectError: one failed, hung or declined.
    """
    done, waiting = wait(ranks, return_when=FIRST_EXCEPTION)
    if waiting:
        done = wait(ranks, AFTERMATH).done
    errors = [error for each in ranks if each in done and (error := each.exception())]
    if not errors:
        return [each.result() for each in ranks]
    error = min(errors, key=_order)
    well = [rank for rank, each in enumerate(ranks) if each in done and not each.exception()]
    if not isinstance(error, SubjectError) or _order(error) < WAITED or not well:
        raise error
    raise SubjectError(beside_others(str(error), well)) from error


def _order(error: BaseException) -> int:
    """What dies, declines or raises by itself stands before what only waits for it in vain."""
    if isinstance(error, HungError) or GLOO in str(error):
        return WAITED
    return RAISED if "died by" not in str(error) else DIED


def _meeting(folder: Path) -> dict[str, str]:
    """What the environment of each rank has beside its own number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
    address = {"MASTER_ADDR": host, "MASTER_PORT": str(port)}
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    return {**address, MEETING: str(folder / "meeting"), "OMP_NUM_THREADS": threads}


def _samples(divided: Divided, rank: int) -> dict[str, Array]:
    """What a rank is given: where it starts, and its samples."""
    named = begun(divided.starts[rank])
    for t in range(divided.case.steps):
        for of, place, part in divided.parts(t):
            if of == rank:
                named |= {f"{t}/{place}/x": part.x, f"{t}/{place}/y": part.y}
    return named


def _read(divided: Divided, rank: int, out: Path) -> Steps:
    """What a rank wrote, step by step.

    Raises:
        SubjectError: a name is that of no quantity, or there is none at all.
    """
    case = divided.case
    steps: list[dict[str, Array]] = [{} for _ in range(case.steps)]
    written = read_output(out, case)
    for full, array in written.items():
        found = NAME.fullmatch(full)
        t, place, name = found.groups() if found else ("0", None, "")
        parts = case.parts[int(t)][rank] if int(t) < case.steps else ()
        name = reduced_name(name) if place is None else name
        if name not in case.rows or (place is not None and int(place) >= len(parts)):
            raise SubjectError(f"it wrote {full!r}, which is no quantity of its steps")
        steps[int(t)][name if place is None else f"{OWN}/{place}/{name}"] = array
    if not written:
        raise SubjectError("it wrote no quantity of a step, such as `0/nabla_w2`")
    return steps
