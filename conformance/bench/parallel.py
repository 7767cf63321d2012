"""Steps per second of the twin under DistributedDataParallel, as one process and as two.

The same mini-batch is divided among the processes, which share this machine. It is time on the
clock, since the processes wait for one another. Left out: rows of one process (`work.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

import numpy as np

from conformance.bench.timing import Row, Timed, row, seconds_of
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.processes.division import Divided, placed, spread
from conformance.processes.program import Job, Step
from conformance.processes.ranks import ProcessStep
from conformance.processes.workers import Workers

UNIT = "steps/s"
STEPS, ROUNDS, WARM = 200, 5, 20
TIMEOUT = 60.0  # seconds of a collective


def rows(case: Case, step: RecordedStep, sgd: Timed) -> Iterator[Row]:
    """The reference's loop, and the twin of one process and of two."""
    yield row("steps per second of the reference", 1 / seconds_of(sgd), UNIT)
    for world in (1, 2):
        what = f"of DistributedDataParallel, {world} process{'es'[: 2 * (world > 1)]}"
        yield row(what, 1 / _seconds(case, step, world), UNIT)


def _seconds(case: Case, step: RecordedStep, world: int) -> float:
    """The median seconds of one step."""
    parts = placed(spread(step.batch.m, world))
    one = replace(case, batches=case.batches[:1], parts=(parts,))
    of = Divided(one, (step.parameters,) * world, (step.batch,))
    with Workers("torch_impl", world, TimedTwin(STEPS), TIMEOUT) as workers:
        workers.ask(of, 0)  # warm
        rounds = [workers.ask(of, 0) for _ in range(ROUNDS)]
    return median(max(float(each.after["seconds"]) for each in ranks) for ranks in rounds) / STEPS


@dataclass(frozen=True)
class TimedTwin:
    """The twin under DistributedDataParallel as one writes it, which shows how long it takes.

    Attributes:
        steps: that are taken for each job.
    """

    steps: int

    def open(self) -> Step:
        """Import it."""
        import torch
        from torch.nn.parallel import DistributedDataParallel

        from torch_impl.model import Network, optimizer

        def take(job: Job) -> ProcessStep:
            case, scale = job.case, job.world / job.m
            inner = Network(case.sizes, torch.float64, case.activations)
            network, sgd = DistributedDataParallel(inner), optimizer(inner, case.eta, case.decay)
            ((x, y),) = ([torch.tensor(each.T) for each in part] for part in job.micro_batches)

            def one() -> None:
                sgd.zero_grad()
                (inner.total_cost(network(x), y, case.cost) * scale).backward()  # type: ignore[no-untyped-call]
                sgd.step()

            for _ in range(WARM):
                one()
            started = perf_counter()
            for _ in range(self.steps):
                one()
            return ProcessStep(after={"seconds": np.array(perf_counter() - started)})

        return take
