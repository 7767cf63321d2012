"""A network with the book's interface in training: each step watched, sample by sample.

Every sample goes through backprop alone, which shows δ, ∇, and by watching z and a. Then the
mini-batch goes through `update_mini_batch`, which shows the new parameters, and by watching the ∇
that moved them. Watching is done on fresh networks with the same parameters; the network in
training runs unwatched, as it would without us. Left out: what is right (`verdict/oracle.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.arithmetic.rounding import RunningError
from conformance.corpus.case import Case
from conformance.subjects.book.at_once import together, with_errors
from conformance.subjects.book.backprop_findings import (
    AGAIN,
    backprop_findings,
    same_gradients,
)
from conformance.subjects.book.conduct import leaves_its_parameters
from conformance.subjects.book.forward import feed
from conformance.subjects.book.lines import Lines
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.own_cost import OwnCost, own_cost
from conformance.subjects.book.own_loop import NOTHING, Conduct
from conformance.subjects.book.probe import Probe, Sample, probe, unwatched_probe
from conformance.subjects.book.recovered import recovered
from conformance.subjects.book.shown import parts_of, shown_of
from conformance.subjects.book.training import Training
from conformance.subjects.book.update_run import empty, repeated
from conformance.subjects.observation import Observation
from conformance.watching.nearness import CLOSE, alike
from reference.step import Array, Batch, Parameters

REPEATED = 16  # steps at most of a run that is repeated; a case has ten
UNLIKE = "not watched: backprop gives other numbers when it is, so its lines are not known"
REFUSED = "judged in floats alone, without lines: it stops when it is given arrays that record"


class BookSession(Training):
    """A network in training; see the module."""

    def __init__(
        self,
        network: BookNetwork,
        case: Case,
        parameters: Parameters,
        *,
        watched: bool = True,
        conduct: Conduct = NOTHING,
    ) -> None:
        """Start from the parameters of a case; unwatched it shows δ, ∇, w and b alone.

        What was found of the network's `conduct` is said beside what is seen of a step.
        """
        super().__init__(network, case, parameters, conduct)
        self.watched = watched

    def _step(self, batch: Batch) -> Observation:
        case, network = self.case, self.network
        start = self._start()
        if len(self.taken) == REPEATED:
            self.first, self.taken = start, []
        samples = [Sample(start, batch.columns((i,)), case.cost) for i in range(batch.m)]
        look = probe if self.watched else unwatched_probe
        probes = [look(network, sample) for sample in samples]
        findings = []
        if self.watched:
            findings = backprop_findings(network, case, start, samples[0].batch)
        kept = findings == [AGAIN]  # something is kept from the first call: the second one shows it
        if kept:
            probes = [probe(network, sample, second=True) for sample in samples]
        changes = AGAIN in findings  # from call to call, watched or not
        unlike = self.watched and not changes and not self._unchanged(probes[0])
        if unlike:
            probes = [unwatched_probe(network, sample) for sample in samples]
        lines = Lines(network, probes, samples, empty(network, case, start, parts_of(probes)))
        findings += [network.misordered] if network.misordered else []
        if kept or lines.misshapen or network.misordered:
            # No update can be made of gradients of other shapes: they are the failure.
            seen = shown_of(probes, lines.update, batch)
            return Observation(seen, lines.where, findings=tuple(findings))
        lines, after = self._updated(batch, lines)
        single = shown_of(probes, lines.update, batch)
        lines = replace(lines, together=together(lines.update, single))
        shown = {**with_errors(single, lines.together, case, (start, batch)), **after}
        if self.watched and f"a{case.layers - 1}" not in shown:
            shown = {**recovered(probes, case, start, batch), **shown}
        judged = self.watched and leaves_its_parameters(self.conduct.findings)
        own_pass = lines.own_pass(shown, case) if judged else {}
        output = shown.get(f"a{case.layers}")
        cost = self._cost(output if isinstance(output, np.ndarray) else None, batch, samples)
        shown |= {} if cost.value is None else {"cost": cost.value}
        lines = replace(lines, cost=cost.frames)
        refused = self.watched and network.refused
        said = (UNLIKE if unlike else "", f"{REFUSED}: {refused}" if refused else "", cost.note)
        notes = tuple(each for each in said if each)
        return Observation(
            shown,
            lines.where,
            own_pass,
            lines.in_forward,
            findings=tuple(findings),
            notes=notes,
        )

    def _cost(self, output: Array | None, batch: Batch, samples: Sequence[Sample]) -> OwnCost:
        """The cost that the network shows, of the output that was seen, else of feedforward's."""
        if not self.watched:
            return OwnCost()
        seen = feed(self.network, samples) if output is None else output
        return own_cost(self.network, self.case, seen, batch)

    def _updated(self, batch: Batch, lines: Lines) -> tuple[Lines, dict[str, Array]]:
        """The parameters after the step of the network in training, and where they come from."""
        network, case = self.network, self.case
        after = self._moved(batch)
        self.taken.append(batch)
        if not lines.update.usual(after, decays=network.decays):
            # It is not the usual update, or state was left over: then the whole run is watched.
            lines = replace(lines, update=repeated(network, self.first, self.taken, lines.update))
            if not _equal(after, lines.update.after):
                lines.update.used.clear()  # what was watched is another run
        if case.lmbda and not network.decays:
            after = {name: array for name, array in after.items() if name[0] != "w"}
        return lines, after

    def _unchanged(self, first: Probe) -> bool:
        """Whether a watched run gave bit for bit what an unwatched one gives."""
        alone = unwatched_probe(self.network, first.sample)
        return same_gradients((alone.nabla_b, alone.nabla_w), (first.nabla_b, first.nabla_w))


def _equal(first: dict[str, Any], second: dict[str, Any], close: float = CLOSE["float64"]) -> bool:
    """Whether two sets of quantities agree where they have the same names."""
    return all(
        isinstance(second[name], RunningError)
        or (
            np.shape(array) == np.shape(second[name])
            and alike(np.asarray(array), np.asarray(second[name]), close)
        )
        for name, array in first.items()
        if name in second
    )
