"""Measured ratios: `python -m conformance.benchmark` prints how fast things are beside each other.

Each row times two things in turn, several times, one thread, and prints the median of the ratios;
seconds are of this machine, ratios travel. Left out: judging a time (no test asserts one).
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import torch
import typer
from threadpoolctl import threadpool_limits

from conformance.arithmetic.balls import precision, rounded
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.store import RecordedStep
from conformance.judge import restarted
from conformance.oracle import exact_step, expectations
from conformance.subjects import find
from reference.network import Network
from reference.step import Array, Batch
from torch_impl.step import Trainer

MNIST = "mnist-784-30-10"
Timed = Callable[[], object]


def main() -> None:
    """Print the table."""
    place = store.root()
    case = store.cases(place, MNIST)[0]
    recorded = store.read(place, case)
    step, reference = recorded.steps[0], find("reference")
    trainer = Trainer(step.parameters, case.cost, case.eta)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        sgd = _sgd(case, step)
        row("SGD step / its five matrix products", sgd, _products(step), 400)
        row("torch_impl, shown / reference's SGD step", lambda: trainer.step(step.batch), sgd, 100)
        check = row_of(lambda: restarted(reference, recorded, 0))
        row("torch.autograd.gradcheck, slow / a full check", _gradcheck(case, step), check, 1)
        row("certified step in balls / SGD step", _certified(case, step), sgd, 1)
        row("tolerances of a step / SGD step", _tolerances(case, step), sgd, 10)


def row(what: str, first: Timed, second: Timed, times: int, rounds: int = 5) -> None:
    """Print the median ratio of two things, timed in turn."""
    pairs = [(_seconds(first, times), _seconds(second, max(times, 3))) for _ in range(rounds)]
    ratio = median(one / other for one, other in pairs)
    seconds = (median(each) for each in zip(*pairs, strict=True))
    one, other = (f"{value * 1e3:.3g} ms" for value in seconds)
    typer.echo(f"{what:48} {ratio:10.3g} ×   ({one} / {other})")


def row_of(work: Timed) -> Timed:
    """The work, done once already, so that nothing is loaded while it is timed."""
    work()
    return work


def _seconds(work: Timed, times: int) -> float:
    started = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - started) / times


def _sgd(case: Case, step: RecordedStep) -> Timed:
    network = Network(case.sizes, np.random.default_rng(0))
    batch = Batch(np.asfortranarray(step.batch.x), np.asfortranarray(step.batch.y))
    return lambda: network.update_mini_batch(batch, case.eta)


def _products(step: RecordedStep) -> Timed:
    """w² x, w³ a², (w³)ᵀ δ³, δ² xᵀ, δ³ (a²)ᵀ."""
    w2, w3 = step.parameters.w
    x, a2, delta2, delta3 = (
        np.asfortranarray(step.batch.x),
        *(step.expected[name] for name in ("a2", "delta2", "delta3")),
    )

    def products() -> tuple[Array, ...]:
        return w2 @ x, w3 @ a2, w3.T @ delta3, delta2 @ x.T, delta3 @ a2.T

    return products


def _gradcheck(case: Case, step: RecordedStep) -> Timed:
    trainer = Trainer(step.parameters, case.cost, case.eta)
    names = [name for name, _ in trainer.network.named_parameters()]
    values = [value.detach().clone().requires_grad_() for value in trainer.network.parameters()]
    x, y = (torch.tensor(array.T) for array in (step.batch.x, step.batch.y))

    def cost(*parameters: torch.Tensor) -> torch.Tensor:
        named = dict(zip(names, parameters, strict=True))
        logits = torch.func.functional_call(trainer.network, named, (x,))
        return 0.5 * ((torch.sigmoid(logits) - y) ** 2).sum() / len(y)

    for hook in (*trainer.network.linear, *trainer.network.sigmoid):
        hook._forward_hooks.clear()  # noqa: SLF001 - the plain network, as its user has it
    return lambda: torch.autograd.gradcheck(cost, values, fast_mode=False)


def _certified(case: Case, step: RecordedStep) -> Timed:
    def certified() -> dict[str, Array]:
        with precision(128):
            exact = exact_step(case, step.parameters, step.batch)
            return {name: rounded(array, case.dtype) for name, array in exact.named()}

    return certified


def _tolerances(case: Case, step: RecordedStep) -> Timed:
    return lambda: expectations(case, step.parameters, step.batch)


if __name__ == "__main__":
    main()
