"""What a process is asked for, what it shows or how it fails, and processes that are simulated.

A simulated process computes as the reference does, but for a fault that it may have. Left out: real
processes (`workers.py`, `commands.py`), and whether what is shown is right (`judge_processes.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from conformance.corpus.case import Case, Parts
from conformance.errors import Line, SubjectError, UsageError
from conformance.mistakes.situation import Formula, Situation
from conformance.model.row import PartBatch, given
from conformance.model.table import of_layers, part_name
from conformance.processes.division import Divided
from conformance.running.process import Ended
from reference.backprop import step
from reference.step import Array, Batch, Parameters, split

GRADIENTS = ("nabla_b", "nabla_w")


@dataclass(frozen=True, eq=False)
class ProcessStep:
    """What one process shows of a step, by the names of the quantities.

    Attributes:
        parts: of each of its micro-batches, such as `nabla_w2`; none if it shows nothing of them.
        after: what it has in the end: `reduced_w2` of all processes together, and `w2`.
    """

    parts: tuple[Mapping[str, Array], ...] = ()
    after: Mapping[str, Array] = field(default_factory=dict)


class Processes(Protocol):
    """Some processes that take steps together."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def world(self) -> int:
        """How many they are."""

    def step(self, divided: Divided, t: int) -> Sequence[ProcessStep]:
        """Take one step of a case from its start; what each process shows."""


@dataclass(frozen=True)
class Fault:
    """How simulated processes go wrong.

    Attributes:
        formulas: in the place of R and of the update.
        samples: those that a process takes as its part, of the parts of all, a rank and a place.
        own_start: whether each process goes on with the parameters that it was given.
    """

    formulas: Mapping[str, Formula] = field(default_factory=dict)
    samples: Callable[[Parts, int, int], Sequence[int]] | None = None
    own_start: bool = False


@dataclass(frozen=True)
class Simulated:
    """Processes that are a loop within this one.

    Attributes:
        world: how many.
        fault: of all of them.
        name: for messages.
    """

    world: int
    fault: Fault = Fault()
    name: str = "reference"

    def step(self, divided: Divided, t: int) -> Sequence[ProcessStep]:
        """Take one step of a case from its start; what each process shows."""
        case, batch = divided.of_step(t), divided.batches[t]
        samples = self.fault.samples or (lambda parts, rank, place: parts[rank][place])
        made: dict[tuple[int, int], Mapping[str, Array]] = {}
        for rank, place, _ in divided.parts(t):
            start = divided.starts[rank if self.fault.own_start else 0]
            part = batch.columns(tuple(samples(case.parts[0], rank, place)))
            made[rank, place] = gradients(case, start, part)
        return [
            ProcessStep(
                tuple(each for (of, _), each in made.items() if of == rank),
                self._after(case, divided, batch, [*made.values()], rank),
            )
            for rank in range(self.world)
        ]

    def _after(
        self,
        case: Case,
        divided: Divided,
        batch: Batch,
        made: Sequence[Mapping[str, Array]],
        rank: int,
    ) -> Mapping[str, Array]:
        stacked = {part_name(name): np.stack([each[name] for each in made]) for name in made[0]}
        known = {**stacked, **about(case, rank, divided.starts[rank])}
        start = divided.starts[rank if self.fault.own_start else 0]
        values = given(start, PartBatch(batch.x, batch.y, known=known), case.eta, case.decay)
        here, after = Situation(case, values), dict[str, Array]()
        for row in case.rows.values():
            if row.tag not in ("R", "B", "W"):
                continue
            formula = self.fault.formulas.get(row.tag)
            at = here.at(row.name)
            value = (
                row.function(*(at.value(each) for each in row.inputs))
                if formula is None
                else formula(at)
            )
            here.named[row.name] = after[row.name] = np.asarray(value, case.type)
        return after


def gradients(case: Case, parameters: Parameters, part: Batch) -> dict[str, Array]:
    """∂C/∂b and ∂C/∂w of all layers, as the reference computes them."""
    book = of_layers(case.cost, case.activations)
    taken = step(parameters, part, case.eta, case.decay, book)
    named = dict(taken.named())
    return {name: array for name, array in named.items() if split(name)[0] in GRADIENTS}


def about(case: Case, rank: int, start: Parameters) -> dict[str, Array]:
    """What is known of a process beside the samples: how many all have, its rank, its own start."""
    counts = [len(part) for of_rank in case.parts[0] for part in of_rank]
    own = {f"own_{name}": array for name, array in start.named()}
    return {"counts": np.array(counts, case.type)[:, None, None], "rank": np.array(rank), **own}


GLOO = "gloo"  # stands in what is raised where another process does not take part
DIED, RAISED, WAITED = range(3)  # the first is told before the others
TAIL = 4096  # bytes of what a process printed


class Failure(Exception):  # noqa: N818 - one of several, of which one is told
    """What one process failed by: the kind of an exception, or nothing if it died."""

    def __init__(self, kind: str, words: str, line: Line | None = None) -> None:
        """Keep what is told of it."""
        super().__init__(words)
        self.kind, self.words, self.line = kind, words, line

    @property
    def order(self) -> int:
        """What dies, or raises by itself, stands before what only waits for it in vain."""
        if GLOO in self.words:
            return WAITED
        return RAISED if self.kind else DIED

    def error(self, done: Sequence[int]) -> SubjectError | UsageError:
        """It as an error, with the processes that had done their part."""
        if self.kind == UsageError.__name__:
            return UsageError(self.words)
        waited = GLOO in self.words.partition("\n")[0]
        return SubjectError(beside_others(self.words, done if waited else ()), self.line)


def can_go_on(failures: Sequence[Failure], done: int, world: int) -> bool:
    """Whether all processes can take another step: all are done, or all raised on one line.

    Then none of them waits for another.

    Args:
        failures: of those that failed.
        done: how many did not.
        world: how many there are.
    """
    raised = {(each.order, each.kind, each.line) for each in failures}
    together = len(failures) == world and len(raised) == 1 and failures[0].order == RAISED
    return done == world or together


def beside_others(words: str, done: Sequence[int]) -> str:
    """Why a process failed, with those that had done their part in the first line."""
    first, *more = words.splitlines()
    return "\n".join([first + others(done), *more])


def others(done: Sequence[int]) -> str:
    """That some processes had done their part, and so took no part in what others wait for."""
    if not done:
        return ""
    return f" ({_named(done)} had done {'its' if len(done) == 1 else 'their'} step)"


def _named(ranks: Sequence[int]) -> str:
    return " and ".join(f"rank {rank}" for rank in ranks)


def hangs(ranks: Sequence[int], seconds: float) -> str:
    """That some processes do not answer."""
    verb = "does" if len(ranks) == 1 else "do"
    return f"{_named(ranks)} {verb} not answer within {seconds:g} s"


def printed(log: Path) -> str:
    """The last lines that a process printed."""
    return Ended(None, log.read_bytes()[-TAIL:]).said()
