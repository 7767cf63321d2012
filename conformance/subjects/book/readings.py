"""What else a network may be meant to be: of another family, or with another cost.

What a wrong line computes can be taken for another activation or another cost, by which right lines
look wrong. If a change of one line makes feedforward and backprop right for a family and a cost
that the code names, the network is meant to be that. Left out: judging it so (`book_subject.py`).
"""

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from conformance.corpus.case import Case
from conformance.edits.live_functions import LiveFunction, live_functions
from conformance.edits.search_edits import holds, search
from conformance.model.functions import COSTS, DROPOUT, SIGMOID, families, fits
from conformance.model.table import of_layers
from conformance.running.quiet import quiet
from conformance.subjects import Reading
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.family import activations
from conformance.subjects.generic import LABELLED, generic
from conformance.subjects.near import CLOSE
from reference.backprop import step
from reference.step import Array, Batch, Parameters

SAMPLES = 2

NAMED = {
    "sigmoid": re.compile(r"sigm|expit|logistic", re.IGNORECASE),
    "tanh": re.compile(r"tanh", re.IGNORECASE),
    "relu": re.compile(r"relu|maximum", re.IGNORECASE),
    "leaky-relu": re.compile(r"leaky|lrelu", re.IGNORECASE),
    "softmax": re.compile(r"softmax", re.IGNORECASE),
}
"""How code names an activation; that of a linear layer has no name."""


@dataclass(frozen=True, eq=False)
class Readings:
    """What a network of each reading gives of the same samples.

    Attributes:
        network: whose.
        case: of which its networks are made.
        start: their parameters.
        batch: the samples.
        right: for each reading the output and the gradients of each sample.
    """

    network: BookNetwork
    case: Case
    start: Parameters
    batch: Batch
    right: dict[Reading, list[list[Array]]]

    def keep(self, names: Collection[str]) -> None:
        """Leave out the readings without one of these activations."""
        for each in [each for each in self.right if not {*names} <= {*each.family}]:
            del self.right[each]

    @property
    def found(self) -> list[Reading]:
        """The readings in which the network is right, as it is now.

        Raises:
            Exception: whatever the network raises.
        """
        left = [*self.right]
        for i in range(SAMPLES if left else 0):
            with quiet():
                given = self._given(i)
            left = [each for each in left if self._agrees(given, self.right[each][i])]
        return left

    def _given(self, i: int) -> list[Array]:
        """The output and the gradients of a sample, each on a new network."""
        network, sample = self.network, self.batch.columns((i,))
        nets = [network.made_for(self.case) for _ in range(2)]
        for net in nets:
            network.fill(net, *network.outwards(self.start))
        pair = network.backprop(nets[0], sample.x, sample.y)
        return [np.asarray(network.feedforward(nets[1], sample.x)), *chain(*pair)]

    def _agrees(self, given: Sequence[Array], right: Sequence[Array]) -> bool:
        close = CLOSE[self.network.conventions.dtype]
        return len(given) == len(right) and all(
            np.shape(one) == other.shape and np.allclose(one, other, rtol=close, atol=close)
            for one, other in zip(given, right, strict=True)
        )


def other_reading(network: BookNetwork) -> Reading | None:
    """The reading, other than its own, in which a change of one line makes a network right.

    Of the readings that the code names: with every activation that is named in what runs. The lines
    that are blamed in its own reading tell nothing of another.
    """
    if network.mask:
        return None
    readings = _readings(network)
    last: list[Reading] = []

    def is_right() -> bool:
        last[:] = readings.found
        return bool(last)

    functions = live_functions(lambda: holds(is_right))
    readings.keep(_named(functions))
    if not readings.right or not (holds(is_right) or search(functions, (), [is_right])):
        return None
    return last[0] if last[0] != Reading(network.family, network.conventions.cost) else None


def _named(functions: Sequence[LiveFunction]) -> set[str]:
    """The activations that functions name."""
    parts = [each for function in functions for each in ast.walk(function.definition)]
    names = [each.id for each in parts if isinstance(each, ast.Name)]
    words = " ".join((*names, *(each.attr for each in parts if isinstance(each, ast.Attribute))))
    return {name for name, pattern in NAMED.items() if pattern.search(words)}


def _readings(network: BookNetwork) -> Readings:
    """Every reading that a network may have, with what is right in it."""
    sizes, dtype, cost = network.probe, network.conventions.dtype, network.conventions.cost
    outputs = (*[SIGMOID] * (len(sizes) - 2), "softmax")  # which classes go with
    case = Case("readings", sizes, LABELLED, 1.0, 0.0, 1, dtype, ((0,),), "", (), outputs)
    case, start, batch = generic(case, SAMPLES, sizes)
    costs = [cost] if network.costs or network.conventions.stated else [*COSTS]
    every = (Reading(family, each) for family in families() for each in costs)
    right = {
        each: [_of_sample(each, start, batch.columns((i,))) for i in range(SAMPLES)]
        for each in every
        if fits(activations(each.family, len(sizes)), each.cost)
        and not each.family[0].endswith(DROPOUT)
    }
    return Readings(network, replace(case, cost=cost), start, batch, right)


def _of_sample(reading: Reading, start: Parameters, sample: Batch) -> list[Array]:
    """The output and the gradients of a sample, first those of the biases."""
    layers = len(start.sizes)
    book = of_layers(reading.cost, activations(reading.family, layers))
    with np.errstate(all="ignore"):
        made = step(start, sample, 0.0, 0.0, book)
    return [made.a[-1], *made.nabla_b, *made.nabla_w]
