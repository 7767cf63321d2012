"""How mini-batches are divided among processes and micro-batches, and the cases that come of it.

A case is a rule and a recorded case: the rule divides the samples of the recorded case. So nothing
is stored. What hides mistakes is: parts of equal size, one micro-batch, every rank with samples and
with a gradient, the same parameters everywhere at the start. Left out: what is right in a case
(`judge_processes.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from conformance.corpus import store
from conformance.corpus.case import Case, Parts
from conformance.corpus.recorded import Recorded
from reference.step import Array, Batch, Parameters

Counts = tuple[tuple[int, ...], ...]
"""How many samples each process has in each of its micro-batches."""


@dataclass(frozen=True)
class Rule:
    """How the mini-batches of a case are divided.

    Attributes:
        name: begins the ids of its cases.
        base: the recorded case whose samples and parameters it takes.
        why: what it is for.
        counts: of each step, for so many processes.
        apart: whether the processes start from parameters that differ; those of rank 0 hold.
        last: a sample that the last process has, by its place; the others stand in their order.
    """

    name: str
    base: str
    why: str
    counts: Callable[[int], tuple[Counts, ...]]
    apart: bool = False
    last: int | None = None


def spread(m: int, world: int) -> Counts:
    """m samples among processes, no two of which differ by more than one; in one micro-batch."""
    return tuple(((m + world - 1 - rank) // world,) for rank in range(world))


def _uneven(world: int) -> tuple[Counts, ...]:
    return (((6,), (4,)),) if world == 2 else (((5,), (3,), (2,)),)  # noqa: PLR2004


def _micro(world: int) -> tuple[Counts, ...]:
    return (((4, 2), (3, 1)),) if world == 2 else (((3, 2), (2, 1), (1, 1)),)  # noqa: PLR2004


SEVERAL = (
    Rule("equal", "square-4-4-4-4", "as many samples everywhere", lambda w: (spread(6, w),)),
    Rule("uneven", "remainder-3-4-2", "a mean of the means is wrong", _uneven),
    Rule(
        *("uneven", "relu-softmax-4-4-4-3", "the same with other activations"),
        lambda w: (((4,), (2,)),) if w == 2 else (((3,), (2,), (1,)),),  # noqa: PLR2004
    ),
    Rule(
        *("empty", "contracting-5-4-3-2", "the last process has no samples"),
        lambda w: ((*spread(7, w - 1), ()),),
    ),
    Rule(
        *("short", "remainder-3-4-2", "the last mini-batch is shorter than the first"),
        lambda w: (spread(7, w), spread(3, w)),
    ),
    Rule("micro", "remainder-3-4-2", "two micro-batches in each process", _micro),
    Rule(
        *("unused", "relu-linear-4-4-4-3", "layer 3 is not active in the last process"),
        lambda w: ((*spread(5, w - 1), (1,)),),
        last=5,
    ),
    Rule("apart", "remainder-3-4-2", "parameters differ at the start", _uneven, apart=True),
)
"""Of two processes and of three."""

ONE = (
    Rule("equal", "square-4-4-4-4", "as many samples in each", lambda _: (((3, 3),),)),
    Rule("uneven", "remainder-3-4-2", "a mean of the means is wrong", lambda _: (((6, 4),),)),
    Rule("uneven", "relu-softmax-4-4-4-3", "three of them", lambda _: (((3, 2, 1),),)),
    Rule(
        *("short", "remainder-3-4-2", "the last mini-batch is shorter than the first"),
        lambda _: (((4, 3),), ((2, 1),)),
    ),
)
"""Of the micro-batches of one process."""


@dataclass(frozen=True, eq=False)
class Divided:
    """A case of several processes, or of one with micro-batches, and its numbers.

    Attributes:
        case: with the parts of each step.
        starts: the parameters that each process is given; those of rank 0 hold.
        batches: the mini-batch of each step, whole.
    """

    case: Case
    starts: tuple[Parameters, ...]
    batches: tuple[Batch, ...]

    @property
    def rule(self) -> str:
        """The name of its rule."""
        return self.case.id.partition("-")[0]

    @property
    def parameters(self) -> Parameters:
        """From which all processes are to start."""
        return self.starts[0]

    def of_step(self, t: int) -> Case:
        """The case with the parts of one step alone."""
        return replace(self.case, parts=(self.case.parts[t],))

    def parts(self, t: int) -> Iterator[tuple[int, int, Batch]]:
        """Rank, micro-batch and samples of each part of a step, in this order."""
        for rank, of_rank in enumerate(self.case.parts[t]):
            for place, samples in enumerate(of_rank):
                yield rank, place, self.batches[t].columns(samples)


@lru_cache(maxsize=8)
def divided(world: int, dtype: str | None = None) -> tuple[Divided, ...]:
    """The cases of so many processes, in one dtype or in both.

    Raises:
        CorpusError: the fixtures are damaged.
    """
    place, rules = store.root(), SEVERAL if world > 1 else ONE
    known = {case.id: case for case in store.cases(place)}
    ids = [(rule, f"{rule.base}{end}") for end in ("", "-float32") for rule in rules]
    wanted = [(rule, known[id_]) for rule, id_ in ids if dtype in (None, known[id_].dtype)]
    return tuple(_divided(rule, store.read(place, case), world) for rule, case in wanted)


def _divided(rule: Rule, recorded: Recorded, world: int) -> Divided:
    samples, start = _samples(recorded), recorded.steps[0].parameters
    counts = rule.counts(world)
    order = [*range(samples.m)]
    if rule.last is not None:
        order = [*(i for i in order if i != rule.last), rule.last]
    batches, first = [], 0
    for of_step in counts:
        m = sum(map(sum, of_step))
        batches.append(tuple(order[first : first + m]))
        first += m
    case = replace(
        recorded.case,
        id=f"{rule.name}-{recorded.case.id}",
        batches=tuple(batches),
        why=rule.why,
        catches=(),
        parts=tuple(map(placed, counts)),
    )
    starts = tuple(_start(start, rank) if rule.apart else start for rank in range(world))
    return Divided(case, starts, tuple(samples.columns(each) for each in batches))


def placed(counts: Counts) -> Parts:
    """The places in a mini-batch of the samples of each part, one after another."""
    ends = iter(np.cumsum([count for of_rank in counts for count in of_rank]).tolist())
    return tuple(
        tuple(tuple(range(end - count, end)) for count, end in zip(of_rank, ends, strict=False))
        for of_rank in counts
    )


def _samples(recorded: Recorded) -> Batch:
    """All samples of a recorded case, each once, in the order in which they come first."""
    batches = [step.batch for step in recorded.steps]
    x, y = (np.concatenate([getattr(each, axis) for each in batches], axis=1) for axis in "xy")
    both: Array = np.concatenate([x, y])
    _, first = np.unique(both, axis=1, return_index=True)
    return Batch(x, y).columns(tuple(sorted(map(int, first))))


def _start(parameters: Parameters, rank: int) -> Parameters:
    """Parameters of another size and, on odd ranks, of another sign: exact in every dtype."""
    return parameters.map(lambda array: array * array.dtype.type((-0.5) ** rank))
