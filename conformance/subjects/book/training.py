"""A network with the book's interface in training: what every session of it has.

Left out: what a step shows (`traced_session.py`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.own_loop import Conduct
from conformance.subjects.observation import Observation, Observed, rounded
from conformance.verdict.oracle import lifted
from reference.step import Array, Batch, Parameters


class Training(ABC):
    """A network in training; it runs as it would without us.

    Attributes:
        network: how it is made and called.
        case: for sizes, cost and rates.
        net: it.
        conduct: what was found beside its steps, which is said beside what is seen of each.
        first: the parameters from which its run can be repeated, at least its last steps.
        taken: the mini-batches since then.
    """

    def __init__(
        self, network: BookNetwork, case: Case, parameters: Parameters, conduct: Conduct
    ) -> None:
        """Start from the parameters of a case."""
        self.network, self.case, self.conduct = network, case, conduct
        self.net = network.begun(case, parameters)
        self.first, self.taken = parameters, list[Batch]()

    def step(self, batch: Batch) -> Observation:
        """Take one step and show what can be seen of it."""
        with quiet():
            seen, found = self._step(batch), self.conduct
        return replace(
            seen, findings=(*seen.findings, *found.findings), notes=(*seen.notes, *found.notes)
        )

    def move(self, batch: Batch) -> dict[str, Array]:
        """Take one step and show the parameters after it, nothing else."""
        with quiet():
            return self._moved(batch)

    @abstractmethod
    def _step(self, batch: Batch) -> Observation:
        """Take one step and show what can be seen of it, without what is said beside each."""

    def _moved(self, batch: Batch) -> dict[str, Array]:
        case, network = self.case, self.network
        network.update(self.net, batch, (case.eta, case.lmbda, case.n), case)
        return {name: np.array(array) for name, array in network.inwards(self.net).items()}

    def _start(self) -> Parameters:
        """The parameters that it has, floats wider than float64 rounded."""
        try:
            return Parameters.of(self.network.inwards(self.net)).map(lambda w: rounded(np.array(w)))
        except (ValueError, KeyError) as error:
            raise SubjectError(
                f"{self.network.name} in {self.case.id}: the parameters it left make no network: "
                f"{error}"
            ) from error


def velocities(case: Case, start: Parameters, after: Mapping[str, Array]) -> dict[str, Observed]:
    """The velocities by which momentum moved the parameters, with the bounds of telling so."""
    if case.update != "momentum":
        return {}
    found: dict[str, Observed] = {}
    for name, before in start.named():
        if name in after and after[name].shape == before.shape:
            new, old = (lifted(each, case) for each in (after[name], before))
            found[f"v_{name}"] = new.widened(1, 0) - old
    return found
