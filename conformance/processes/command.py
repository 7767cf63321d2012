"""From what `conformance check SUBJECT --processes N` names to a report.

Left out: the command line (`cli/check.py`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from conformance.errors import SubjectError, UsageError
from conformance.judging.case_report import CaseReport
from conformance.model.functions import COSTS, SIGMOID
from conformance.processes.check import check_processes
from conformance.processes.commands import Commands
from conformance.processes.division import Divided, divided
from conformance.processes.lines import with_lines
from conformance.processes.program import FunctionProgram, TwinProgram
from conformance.processes.ranks import Processes, Simulated
from conformance.processes.scales import recognised
from conformance.processes.workers import Workers
from conformance.report.book_report import Report
from conformance.subjects import Subject
from conformance.subjects.command.run import Program
from conformance.subjects.load import is_spec
from conformance.subjects.named import find
from conformance.versions import has_torch

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
