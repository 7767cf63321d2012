"""What a process runs: the twin in data-parallel training, or somebody's function.

A program is sent to each process and opened there. What it shows goes back as arrays by flat names:
`own/0/nabla_w2` of the first micro-batch, `reduced_w2` of all processes together. The process waits
for steps and takes them, until its parent goes. Left out: starting it (`workers.py`).
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.model.table import reduced_name
from conformance.processes.rank_lines import Lines, Right, blamed
from conformance.processes.ranks import ProcessStep
from conformance.running.tracebacks import headline, own_traceback, subject_line
from reference.step import Array, Parameters

if TYPE_CHECKING:
    from conformance.subjects.function.function_conventions import CalledFunction

OWN = "own"
"""The key of what a function returns under which the gradients of its micro-batches stand."""


@dataclass(frozen=True, eq=False)
class Job:
    """A step of one process.

    Attributes:
        case: with the parts of this step.
        rank: of the process.
        parameters: that it is given.
        micro_batches: its own x (n_1, m_k) and y (n_L, m_k).
        m: the samples of all processes together.
    """

    case: Case
    rank: int
    parameters: Parameters
    micro_batches: tuple[tuple[Array, Array], ...]
    m: int

    @property
    def world(self) -> int:
        """How many processes there are."""
        return len(self.case.parts[0])


Step = Callable[[Job], ProcessStep]


class Program(Protocol):
    """What a process runs; it can be sent to one."""

    def open(self) -> Step:
        """The function that takes a step, in the process itself."""


@dataclass(frozen=True)
class TwinProgram:
    """`torch_impl` under DistributedDataParallel."""

    def open(self) -> Step:
        """Import it."""
        from torch_impl.parallel import ParallelTrainer

        def take(job: Job) -> ProcessStep:
            case = job.case
            trainer = ParallelTrainer(
                job.parameters, case.cost, case.eta, case.decay, case.activations
            )
            parts, after = trainer.step(job.micro_batches, job.m)
            return ProcessStep(tuple(parts), after)

        return take


@dataclass(frozen=True)
class FunctionProgram:
    """A function `step(rank, world, weights, biases, micro_batches, m, eta) -> dict`.

    Attributes:
        spec: where it is, such as `FILE.py:step`.
        python_path: folders from which it may import.
    """

    spec: str
    python_path: tuple[Path, ...] = ()

    def open(self) -> "FunctionStep":
        """Load it.

        Raises:
            UsageError: it is no function.
            SubjectError: its file cannot be loaded.
        """
        from conformance.programs.load import load
        from conformance.subjects.function.function_conventions import CalledFunction

        function = load(self.spec, self.python_path)
        if not callable(function) or isinstance(function, type):
            raise UsageError(f"{self.spec} is no function step(rank, world, …)")
        return FunctionStep(CalledFunction(function, self.spec))


@dataclass(frozen=True)
class FunctionStep:
    """A step of somebody's function, which may be traced.

    Attributes:
        called: the function.
    """

    called: "CalledFunction"

    def __call__(self, job: Job) -> ProcessStep:
        """Take it."""
        called, dtype = self.called, job.case.dtype
        returned = dict(self._returned(job, lambda array, _: array.copy()))
        own = _listed(returned.pop(OWN, ()), called.name)
        parts = tuple(called.numbers(each, dtype) for each in own)
        after = called.numbers(returned, dtype)
        if job.case.lmbda and not called.decays:
            after = {name: array for name, array in after.items() if name[0] != "w"}
        return ProcessStep(parts, {reduced_name(name): array for name, array in after.items()})

    def lines(self, job: Job, right: Mapping[str, Right]) -> Lines:
        """Take it, traced; the lines at which what it returns of all processes becomes wrong."""
        from conformance.subjects.function.traced import node_of
        from conformance.subjects.stepped import traced_run
        from conformance.tracing.together import noted_together
        from conformance.tracing.trace import Trace

        trace = Trace()
        names = getattr(self.called.function, "__globals__", {})
        with traced_run(trace) as tensors, noted_together(tensors, names):
            returned = self._returned(job, lambda array, name: trace.given(array.copy(), name))
            nodes = {
                reduced_name(name): node_of(trace, value)
                for name, value in returned.items()
                if reduced_name(name) in right
            }
        found = {name: blamed(trace, nodes[name], right[name], job.rank) for name in nodes}
        return {name: frames for name, frames in found.items() if frames}

    def _returned(self, job: Job, given: Callable[[Array, str], Array]) -> Mapping[Any, Any]:
        w, b = ([given(each, kind) for each in getattr(job.parameters, kind)] for kind in "wb")
        batches = [(given(x, "x"), given(y, "y")) for x, y in job.micro_batches]
        arguments = job.rank, job.world, w, b, batches, job.m, job.case.eta
        return self.called.returned(job.case, arguments)


def _listed(own: Any, spec: str) -> Sequence[Mapping[Any, Any]]:
    """The gradients of each micro-batch; of a single one they need no list."""
    found = [own] if isinstance(own, Mapping) else own
    if not isinstance(found, list | tuple) or not all(isinstance(e, Mapping) for e in found):
        kind = type(own).__name__
        raise SubjectError(f"{spec} returned `{OWN}` as a {kind}, expected a list of dicts")
    return found


def flat(shown: ProcessStep) -> dict[str, Array]:
    """What a process shows, by flat names."""
    named = {
        f"{OWN}/{place}/{name}": array
        for place, part in enumerate(shown.parts)
        for name, array in part.items()
    }
    return {**named, **shown.after}


def unflat(named: Mapping[str, Array], micro_batches: int) -> ProcessStep:
    """The reverse of `flat`; of so many micro-batches."""
    parts: list[dict[str, Array]] = [{} for _ in range(micro_batches)]
    after = {}
    for full, array in named.items():
        own, _, name = full.rpartition("/")
        if own:
            parts[int(own.split("/")[1])][name] = array
        else:
            after[name] = array
    return ProcessStep(tuple(parts) if any(parts) else (), after)


TICK = 1.0  # seconds until it notices that its parent has gone
DONE, FAILED = b"+", b"-"
"""The first byte of an answer: arrays follow, or an error as JSON."""


@dataclass(frozen=True)
class Settings:
    """What a process is told first.

    Attributes:
        rank: its own.
        world: how many there are.
        place: the file by which they meet.
        timeout: seconds for each collective.
        program: that it runs.
    """

    rank: int
    world: int
    place: str
    timeout: float
    program: Program


@dataclass(frozen=True)
class Traced:
    """A step of which the lines are asked for, and what is right in it."""

    job: Job
    right: Mapping[str, Right]


class Worker:
    """What a process does with what it is told."""

    step: Step

    def answer(self, told: Settings | Job | Traced) -> bytes:
        """Join the others, or take a step; what is to be said to the parent."""
        try:
            if isinstance(told, Traced):
                return DONE + self._lines(told)
            return DONE + (self._join(told) if isinstance(told, Settings) else self._take(told))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent says so
            ours = isinstance(error, ConformanceError)
            words = str(error) if ours else f"{headline(error)}\n{own_traceback(error)}"
            failure = [type(error).__name__, words.rstrip(), subject_line(error)]
            return FAILED + json.dumps(failure).encode()

    def _join(self, told: Settings) -> bytes:
        """Join the process group, and load the program."""
        import torch
        from torch import distributed

        torch.set_num_threads(1)
        rank, world = told.rank, told.world
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank)}
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{told.place}",
            timeout=timedelta(seconds=told.timeout),
            rank=rank,
            world_size=world,
        )
        self.step = told.program.open()
        return b""

    def _lines(self, told: Traced) -> bytes:
        """The lines of a function's step as JSON; none of any other program."""
        lines = self.step.lines(told.job, told.right) if hasattr(self.step, "lines") else {}
        return json.dumps(
            {n: [[e.file, e.line, e.function] for e in each] for n, each in lines.items()}
        ).encode()

    def _take(self, job: Job) -> bytes:
        """The arrays of a step as bytes."""
        from safetensors.numpy import save

        shown = flat(self.step(job))
        return save({name: np.array(array, order="C") for name, array in shown.items()})


def main(descriptor: int, parent: int) -> None:
    """Do what the parent says, as long as it is there.

    Args:
        descriptor: of the socket.
        parent: its process.
    """
    Thread(target=_leave_with, args=(parent,), daemon=True).start()
    connection, worker = Connection(descriptor), Worker()
    with suppress(EOFError, OSError):  # the parent closes the socket, or has gone
        while True:
            connection.send_bytes(worker.answer(connection.recv()))
    os._exit(0)  # no collective is waited for


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(TICK)
    os._exit(1)
