"""The first steps of a network in training, and whether they are those of a rule.

The gradients are the means of what its own backprop returns, so a mistake there changes nothing
here. Left out: which rule is tried (`own_rule.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.returned import means, returned
from conformance.subjects.near import CLOSE, alike, same
from reference.step import Array, Batch, Parameters

STEPS = 3


@dataclass(frozen=True)
class Start:
    """From where a network makes its first steps.

    Attributes:
        case: for the sizes, the update and its constants, η, λ and n.
        largest: of the targets, the others being 0: what bounds a gradient shows by large ones.
        lmbda: λ.
    """

    case: Case
    largest: float = 1.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of the layers."""
        return self.case.sizes

    def network(self, network: BookNetwork) -> Any:
        """A network, always with the same parameters."""
        rng, dtype = np.random.default_rng(11), network.conventions.dtype
        pairs = [*pairwise(self.sizes)]
        w = tuple(rng.normal(size=(n, k)).astype(dtype) for k, n in pairs)
        b = tuple(rng.normal(size=(n, 1)).astype(dtype) for _, n in pairs)
        return network.begun(self.case, Parameters(w, b))

    def batches(self, network: BookNetwork) -> list[Batch]:
        """Mini-batches of two samples, of the classes among which there is the last."""
        rng, dtype = np.random.default_rng(12), network.conventions.dtype
        x = (rng.normal(size=(self.sizes[0], 2)).astype(dtype) for _ in range(STEPS))
        classes = self.largest * np.eye(self.sizes[-1], dtype=dtype)
        return [Batch(each, classes[:, [t % self.sizes[-1], -1]]) for t, each in enumerate(x)]

    def take(self, network: BookNetwork, net: Any, batch: Batch) -> None:
        """Let a network take a step."""
        network.update(net, batch, (self.case.eta, self.case.lmbda, self.case.n), self.case)


@dataclass(frozen=True)
class FirstStep:
    """A step of a network: its parameters, the gradients, and where it and a new one went."""

    before: Parameters
    nabla: list[tuple[Array, Array]]
    after: Parameters
    anew: Parameters

    @property
    def moved(self) -> list[Array]:
        """By how much each parameter was moved, in the order b w of each layer."""
        before = dict(self.before.named())
        return [array - before[name] for name, array in self.after.named()]

    @property
    def kept(self) -> set[str]:
        """Of which kind the parameters are that a new network moves otherwise: b, w."""
        anew = dict(self.anew.named())
        return {name[0] for name, array in self.after.named() if not same(array, anew[name])}


def first_steps(network: BookNetwork, start: Start) -> list[FirstStep]:
    """The first steps of a network.

    Raises:
        SubjectError: its parameters or its gradients have other shapes.
        Exception: whatever its code raises.
    """
    net, steps = start.network(network), list[FirstStep]()
    for batch in start.batches(network):
        before = _held(network, net)
        new = network.begun(start.case, before)
        gradients = nabla(network, start, before, batch)
        for each in (net, new):
            start.take(network, each, batch)
        steps.append(FirstStep(before, gradients, _held(network, net), _held(network, new)))
        shapes = [np.shape(each) for _, each in before.named()]
        for arrays in (steps[-1].after.named(), steps[-1].anew.named()):
            if [np.shape(each) for _, each in arrays] != shapes:
                raise SubjectError(f"{network.name}: its parameters get other shapes")
        if [np.shape(each) for pair in gradients for each in pair] != shapes:
            raise SubjectError(f"{network.name}: backprop gives other shapes")
    return steps


def follow(steps: Sequence[FirstStep], case: Case) -> bool:
    """Whether there are first steps of a network, and they are those of the update of a case."""
    if not steps:
        return False
    update, dtype = case.rule, case.dtype
    kept = update.begun(steps[0].before)
    for step in steps:
        here = Parameters(step.before.w, step.before.b, kept.state)
        kept = update.moved(here, step.nabla, {"eta": case.eta, "decay": case.decay})
        before = dict(step.before.named())
        right = (array - before[name] for name, array in kept.named())
        if not all(alike(m, r, CLOSE[dtype]) for m, r in zip(step.moved, right, strict=True)):
            return False
    return True


def rates(steps: Sequence[FirstStep], dtype: str) -> list[float]:
    """How many times its gradient each step goes down, if all parameters go as far."""
    found = []
    for step in steps:
        nabla = [-each for pair in step.nabla for each in pair]
        square = sum(float(np.sum(each * each)) for each in nabla)
        along = sum(float(np.sum(m * g)) for m, g in zip(step.moved, nabla, strict=True))
        rate = along / square if square else 0.0
        if not all(
            alike(m, rate * g, CLOSE[dtype]) for m, g in zip(step.moved, nabla, strict=True)
        ):
            return []
        found.append(rate)
    return found


def goes_down(step: FirstStep) -> bool:
    """Whether each entry is moved against its gradient, or not at all."""
    nabla = (each for pair in step.nabla for each in pair)
    return all(np.all(m * g <= 0) for m, g in zip(step.moved, nabla, strict=True))


def _held(network: BookNetwork, net: Any) -> Parameters:
    return Parameters.of(network.inwards(net)).map(np.array)


def nabla(
    network: BookNetwork, start: Start, parameters: Parameters, batch: Batch
) -> list[tuple[Array, Array]]:
    """(∇b, ∇w) of each layer, the means over a mini-batch of what backprop returns.

    Raises:
        Exception: whatever its code raises.
    """
    found = means(returned(network, start.case, parameters, batch), network.conventions.dtype)
    layers = range(2, len(start.sizes) + 1)
    return [(found[f"nabla_b{i}"].value, found[f"nabla_w{i}"].value) for i in layers]
