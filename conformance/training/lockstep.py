"""Training in lockstep: the reference and its partners walk the same mini-batches from one start.

**Every step is compared from the same start**: the reference takes the step of each partner once
more, from the partner's own parameters. If they end further apart than the bound that is derived
for one step (`verdict/oracle.py`, at the start of each epoch; the largest of all parameters), the
step is judged: every quantity, with a tolerance derived for that very step. The first and the last
step of each epoch are judged anyway, and some between (all, if there are few).

**What rounding can explain.** Two runs drift apart by more than that, because training itself makes
a difference grow: with the book's η = 3 a last digit may become a different network within two
epochs. So a *companion* of the reference walks along that is moved by the one-step bound after each
step, every parameter always in the same direction, drawn once. It is where an implementation ends
that is off by all of its tolerance in every step: steps × the bound × the growth of this very run.
Its distance from the reference, the largest of all epochs so far, is what rounding can explain, and
the drift of a partner is printed as a multiple of it. It is measured, no proof, and no verdict
hangs on it.

Left out: a partner's own step and the verdict on it (`partner.py`).
"""

import math
from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np

from conformance.subjects import Subject
from conformance.training.partner import Partner
from conformance.training.settings import Settings
from conformance.training.training_record import REFERENCE, Epoch, Walked
from conformance.verdict.oracle import expectations
from reference.backprop import feedforward
from reference.descent import Descent
from reference.order import Rows
from reference.step import Array, Batch, Parameters

BETWEEN = 3  # steps of an epoch that are judged beside the first and the last
FEW = 10  # steps of an epoch that are all judged
Done = Callable[[int, int], None]
"""Told the steps that were taken in the epoch, and how many it has."""


class Lockstep:
    """A training run; see the module.

    Attributes:
        settings: of the run.
        network: the reference.
        companion: the reference, moved by the one-step bound after each step.
        partners: the subjects that walk beside it.
        epoch: the number of the next epoch.
        step: the steps that were taken in it.
    """

    def __init__(
        self, settings: Settings, training: Batch, test: Batch, subjects: tuple[Subject, ...]
    ) -> None:
        """Draw the start, which is that of `Network(sizes, default_rng(seed))`.

        Args:
            settings: of the run.
            training: columns in its dtype.
            test: likewise.
            subjects: who walks beside the reference.

        Raises:
            SubjectError: a subject could not be started.
        """
        self.settings, self.test = settings, test
        self.rows, self.n = Rows(training), training.m
        self.rng = np.random.default_rng(settings.seed)
        self.network = settings.network(self.rng)
        self.case = settings.case(self.n)
        start = self.network.parameters
        self._begin(start.map(lambda array: array.astype(settings.dtype)), subjects)

    def _begin(self, start: Parameters, subjects: tuple[Subject, ...]) -> None:
        self.network.weights, self.network.biases = list(start.w), list(start.b)
        self.companion = self.settings.network()
        self.companion.weights, self.companion.biases = list(start.w), list(start.b)
        self._subjects = subjects
        self.partners = tuple(Partner(subject, self.case, start) for subject in subjects)
        self.epoch, self.step = 0, 0
        self.explained, self.floor = 0.0, 0.0
        signs = np.random.default_rng([self.settings.seed, 1])
        count = sum(array.size for _, array in start.named())
        self._signs = signs.choice(np.array([-1, 1], self.settings.dtype), count)

    def resume(self, walkers: Mapping[str, Parameters], epoch: int, explained: float) -> None:
        """Go on from the parameters of a checkpoint: the reference's, its companion's, the others'.

        Raises:
            SubjectError: a subject could not be started.
        """
        own, companion, *others = walkers.values()
        for net, kept in ((self.network, own), (self.companion, companion)):
            net.weights, net.biases, net.state = list(kept.w), list(kept.b), kept.state
        self.partners = tuple(
            Partner(subject, self.case, start)
            for subject, start in zip(self._subjects, others, strict=True)
        )
        self.epoch, self.explained = epoch, explained

    def walk(self, done: Done = lambda *_: None) -> Epoch:
        """Take the steps of one epoch.

        Raises:
            SubjectError: a partner could not be run.
        """
        order, m = self.rng.permutation(self.n), self.settings.mini_batch
        batches = [order[start : start + m] for start in range(0, self.n, m)]
        chosen = self._judged(len(batches))
        own = 0.0
        for partner in self.partners:
            partner.begin_epoch()
        with self.network.in_place() as fast, self.companion.in_place() as companion:
            for self.step, samples in enumerate(batches):
                batch = self.rows.batch(samples)
                if self.step == 0:
                    push = self._push(batch)
                    self.floor = float(np.max(np.abs(push)))
                began = perf_counter()
                self._descend(fast, batch)
                own += perf_counter() - began
                if self.partners:
                    self._descend(companion, batch)
                    companion.parameters += push
                self._accompany(batch, wanted=self.step in chosen)
                done(self.step + 1, len(batches))
            apart = float(np.max(np.abs(fast.parameters - companion.parameters)))
        self.explained = max(self.explained, apart)
        record = self._record(own)
        self.epoch, self.step = self.epoch + 1, 0
        return record

    def _judged(self, steps: int) -> set[int]:
        """The steps of this epoch that are judged in any case."""
        if steps <= FEW:
            return set(range(steps))
        drawn = np.random.default_rng([self.settings.seed, 2, self.epoch])
        return {0, steps - 1, *(int(t) for t in drawn.integers(0, steps, BETWEEN))}

    def _descend(self, fast: Descent, batch: Batch) -> None:
        fast.step(batch, self.settings.eta, self.case.decay)

    def _accompany(self, batch: Batch, *, wanted: bool) -> None:
        if not self.partners:
            return
        named = dict(Parameters(tuple(self.network.weights), tuple(self.network.biases)).named())
        where = (self.epoch, self.step)
        for partner in self.partners:
            partner.step(batch, named, where, floor=self.floor, wanted=wanted)

    def _push(self, batch: Batch) -> Array:
        """The tolerance of each parameter after one step from here, with its direction."""
        start = self.network.parameters
        expected = expectations(self.case, start, batch)
        layers = range(2, self.case.layers + 1)
        names = [f"{quantity}{layer}" for quantity in ("w", "b") for layer in layers]
        bounds = np.concatenate([expected[name].tolerance().ravel() for name in names])
        known = np.where(np.isfinite(bounds), bounds, 0).astype(self.settings.dtype)
        push: Array = self._signs * known
        return push

    def _record(self, own: float) -> Epoch:
        parameters = Parameters(tuple(self.network.weights), tuple(self.network.biases))
        correct, cost = self._tested(parameters)
        walked = [Walked(REFERENCE, correct, cost, own, self.n / own)]
        for each in self.partners:
            correct, cost = self._tested(each.parameters)
            walked.append(
                Walked(
                    *(each.name, correct, cost, each.seconds, self.n / each.seconds, each.drift),
                    *(_times(each.drift, self.explained), _times(each.apart, self.floor)),
                    *(each.judged, each.worst),
                )
            )
        return Epoch(self.epoch, self.test.m, self.explained, tuple(walked))

    def _tested(self, parameters: Parameters) -> tuple[int, float]:
        """How many test images these parameters get right, and their mean cost."""
        book = self.network.equations
        a = feedforward(parameters, self.test.x, book)[1][-1]
        right = int((a.argmax(axis=0) == self.test.y.argmax(axis=0)).sum())
        return right, float(book[-1].cost(a, self.test.y))


def _times(distance: float, explained: float) -> float:
    """A distance as a multiple of what can be explained, 0 if there is none."""
    if distance == 0:
        return 0.0
    return distance / explained if explained else math.inf * distance
