"""How time grows: with the width of a layer, with the batch, with the cases, with processes.

The twin under DistributedDataParallel divides the same mini-batch among processes that share this
machine; it is time on the clock, since they wait for one another. And whole training. Left out: the
single steps (`work.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from conformance.bench.timing import Row, Timed, row, seconds_of, slope
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.judging.judge import check_case
from conformance.processes.division import Divided, placed, spread
from conformance.processes.rank_program import Job, Step
from conformance.processes.ranks import ProcessStep
from conformance.processes.workers import Workers
from conformance.running.quiet import quiet
from conformance.subjects.named import find
from conformance.training.training_data import digits
from reference.descent import Descent
from reference.network import Network
from reference.step import Batch

WIDTHS = (30, 60, 120, 240, 480)
BATCHES = (10, 20, 40, 80, 160)
CASES = (4, 8, 16, 32)
IMAGES, EPOCHS, TARGET = 50_000, 30, 94.5


def widths() -> Row:
    """Of an SGD step, with the hidden layer's width."""
    seconds = [seconds_of(_step(width, 10)) for width in WIDTHS]
    what = f"SGD step, hidden layer {WIDTHS[0]} to {WIDTHS[-1]}: time ~ width^"
    return row(what, slope(WIDTHS, seconds), "slope", (seconds[0], seconds[-1]))


def batches() -> Row:
    """Of an SGD step, with m."""
    seconds = [seconds_of(_step(30, m)) for m in BATCHES]
    what = f"SGD step, m {BATCHES[0]} to {BATCHES[-1]}: time ~ m^"
    return row(what, slope(BATCHES, seconds), "slope", (seconds[0], seconds[-1]))


def cases(place: Path) -> Row:
    """Of a check of the reference, with the number of cases."""
    reference, known = find("reference"), store.cases(place)
    seconds = []
    for count in CASES:
        chosen = known[:: max(1, len(known) // count)][:count]  # a mixture of small and large
        for case in chosen:
            store.read(place, case)
        started = perf_counter()
        for case in chosen:
            check_case(reference, store.read(place, case))
        seconds.append(perf_counter() - started)
    what = f"check, {CASES[0]} to {CASES[-1]} cases: time ~ cases^"
    return row(what, slope(CASES, seconds), "slope", (seconds[0], seconds[-1]))


def training(folder: Path | None) -> Iterator[Row]:
    """Whole training with the book's settings; on a part of MNIST one epoch stands for all."""
    source = digits(folder)
    batch = source.mnist.training.batch()
    whole = batch.m >= IMAGES
    if not whole:
        batch = batch.columns(np.arange(IMAGES) % batch.m)
    test = source.mnist.test.batch()
    tests = list(zip(test.x.T[:, :, None], source.mnist.test.labels, strict=True))
    net = Network([784, 30, 10], np.random.default_rng(0))
    epochs = EPOCHS if whole else 1
    started = perf_counter()
    with quiet():
        net.SGD(batch, epochs, 10, 3.0)
    seconds = (perf_counter() - started) * EPOCHS / epochs
    how = "" if whole else ", from one of repeated images"
    yield row(f"{EPOCHS} epochs of {batch.m:,} images{how}", seconds, "s", (), "≤ 20")
    if whole:
        right = 100 * net.evaluate(tests) / len(tests)
        yield row("test images right after them", right, "%", (), f"≥ {TARGET}")


def _step(width: int, m: int) -> Timed:
    rng = np.random.default_rng(0)
    shapes = ((width, 784), (10, width))
    fast = Descent([rng.standard_normal(s) for s in shapes], [np.zeros((s[0], 1)) for s in shapes])
    targets = np.eye(10)[:, np.arange(m) % 10]
    batch = Batch(rng.random((784, m)), targets).map(np.asfortranarray)
    return lambda: fast.step(batch, 0.01)


UNIT = "steps/s"
STEPS, ROUNDS, WARM = 200, 5, 20
TIMEOUT = 60.0  # seconds of a collective


def processes(case: Case, step: RecordedStep, sgd: Timed) -> Iterator[Row]:
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
