"""What is timed: steps of training, by hand, by PyTorch, sample by sample, certified, checked.

All on the first recorded mini-batch of [784, 30, 10] with ten digits. Left out: timing
(`timing.py`).
"""

from collections.abc import Callable

import numpy as np

from conformance.arithmetic.balls import precision, rounded
from conformance.bench.timing import Timed
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.judging.judge import restarted
from conformance.subjects.named import find
from conformance.verdict.oracle import exact_step, expectations
from reference.descent import Descent
from reference.equations import sigmoid, sigmoid_prime
from reference.step import Array, Batch


def sgd(case: Case, step: RecordedStep) -> tuple[Timed, Timed]:
    """A step of the reference's training loop, and the five matrix products in it.

    w² x, w³ a², (w³)ᵀ δ³, δ² xᵀ, δ³ (a²)ᵀ, of the same arrays.
    """
    fast = Descent(step.parameters.w, step.parameters.b)
    batch = Batch(np.asfortranarray(step.batch.x), np.asfortranarray(step.batch.y))
    w2, w3 = fast.weights
    x, (a2, delta2, delta3) = batch.x, (step.expected[name] for name in ("a2", "delta2", "delta3"))

    def products() -> tuple[Array, ...]:
        return w2 @ x, w3 @ a2, w3.T @ delta3, delta2 @ x.T, delta3 @ a2.T

    return lambda: fast.step(batch, case.eta), products


def eager(case: Case, step: RecordedStep) -> Timed:
    """A step of eager PyTorch as one writes it: forward, backward, torch.optim.SGD."""
    import torch

    from torch_impl.model import Network as Twin
    from torch_impl.model import optimizer

    torch.set_num_threads(1)
    twin = Twin(case.sizes, torch.float64)
    x, y = (torch.tensor(array.T) for array in (step.batch.x, step.batch.y))
    sgd_ = optimizer(twin, case.eta, 0.0)

    def one() -> None:
        sgd_.zero_grad()
        twin.cost(twin(x), y, case.cost).backward()  # type: ignore[no-untyped-call]
        sgd_.step()

    return one


def _backprop(
    weights: list[Array], biases: list[Array], x: Array, y: Array
) -> tuple[list[Array], list[Array]]:
    activations, zs = [x], []
    for w, b in zip(weights, biases, strict=True):
        zs.append(np.dot(w, activations[-1]) + b)
        activations.append(sigmoid(zs[-1]))
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b, nabla_w = [delta], [np.dot(delta, activations[-2].T)]
    for layer in range(2, len(weights) + 1):
        delta = np.dot(weights[-layer + 1].T, delta) * sigmoid_prime(zs[-layer])
        nabla_b.insert(0, delta)
        nabla_w.insert(0, np.dot(delta, activations[-layer - 1].T))
    return nabla_w, nabla_b


def per_sample(case: Case, step: RecordedStep) -> Timed:
    """A step as the book's program takes it: a loop over (x, y) pairs, gradients summed."""
    net = [list(map(np.array, each)) for each in (step.parameters.w, step.parameters.b)]
    pairs = [(step.batch.x[:, [i]], step.batch.y[:, [i]]) for i in range(step.batch.m)]

    def one() -> None:
        sums = [[np.zeros(array.shape) for array in kind] for kind in net]
        for x, y in pairs:
            sums = [
                [total + part for total, part in zip(kind, new, strict=True)]
                for kind, new in zip(sums, _backprop(net[0], net[1], x, y), strict=True)
            ]
        rate = case.eta / len(pairs)
        net[:] = [
            [array - rate * total for array, total in zip(kind, part, strict=True)]
            for kind, part in zip(net, sums, strict=True)
        ]

    return one


def certified(case: Case, step: RecordedStep) -> Timed:
    """Every quantity of the step in balls, correctly rounded."""

    def one() -> dict[str, Array]:
        with precision(128):
            exact = exact_step(case, step.parameters, step.batch)
            return {name: rounded(array, case.dtype) for name, array in exact.named()}

    return one


def tolerances(case: Case, step: RecordedStep) -> Timed:
    """The derivation of all tolerances of the step."""
    return lambda: expectations(case, step.parameters, step.batch)


def full_check(recorded: Recorded) -> Timed:
    """The verdict on every quantity of the step, as `check` gives it on the reference."""
    reference = find("reference")
    return lambda: restarted(reference, recorded, 0)


def gradcheck(case: Case, step: RecordedStep, *, fast: bool) -> Timed:
    """`torch.autograd.gradcheck` of the same network's cost in all its parameters."""
    import torch

    from torch_impl.model import Network as Twin

    torch.set_num_threads(1)
    twin: torch.nn.Module = Twin(case.sizes, torch.float64)
    names = [name for name, _ in twin.named_parameters()]
    values = [value.detach().clone().requires_grad_() for value in twin.parameters()]
    x, y = (torch.tensor(array.T) for array in (step.batch.x, step.batch.y))

    def cost(*parameters: "torch.Tensor") -> "torch.Tensor":
        logits = torch.func.functional_call(twin, dict(zip(names, parameters, strict=True)), (x,))
        return 0.5 * ((torch.sigmoid(logits) - y) ** 2).sum() / len(y)

    check: Callable[..., bool] = torch.autograd.gradcheck
    return lambda: check(cost, values, fast_mode=fast)
