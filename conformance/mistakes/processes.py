"""Mistakes where gradients of several processes, or of several micro-batches, become one.

A part is one micro-batch of one process; ∇_p is the mean over its m_p samples. Left out: processes
that make these mistakes (`processes/prove_processes.py`), and a wrong gradient of a part, which is
a mistake of BP1 to BP4 like any other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.mistakes.mistake import Mistake
from conformance.mistakes.situation import Formula, Formulas, Situation, by_the_book
from conformance.model.row import PARTS

RIGHT = "∇C = Σ_r (m_r/m) ∇C_r"
SAMPLES = "takes other samples than its own, which shows in BP3 and BP4 of the process"


@dataclass(frozen=True, eq=False)
class Part:
    """One micro-batch of one process, where R stands.

    Attributes:
        rank: of its process.
        place: of the micro-batch among those of its process.
        m: its samples.
        of: how many samples its process has.
        among: how many micro-batches its process has.
        nabla: its gradient, the mean over its samples.
    """

    rank: int
    place: int
    m: int
    of: int
    among: int
    nabla: Any


def parts(at: Situation) -> list[Part]:
    """The parts of a step, in the order in which R is given them."""
    stacked, found = at.given[f"{PARTS}{at.of}{at.layer}"], list[Part]()
    for rank, of_rank in enumerate(at.case.parts[0]):
        of = sum(map(len, of_rank))
        for place, samples in enumerate(of_rank):
            nabla = stacked[len(found)]
            found.append(Part(rank, place, len(samples), of, len(of_rank), nabla))
    return found


def weighted(weight: Callable[[Situation, Part], float]) -> Formula:
    """Σ_p of some weight times ∇_p"""

    def formula(at: Situation) -> Any:
        first, *others = (weight(at, each) * each.nabla for each in parts(at))
        return sum(others, start=first)

    return formula


def world(at: Situation) -> int:
    """The number of processes."""
    return len(at.case.parts[0])


def rank(at: Situation) -> int:
    """The process that has the result."""
    own = at.given["rank"]
    return int(getattr(own, "value", own))


def most(at: Situation) -> int:
    """The largest number of micro-batches of a process."""
    return max(map(len, at.case.parts[0]))


def users(at: Situation) -> Any:
    """The mean over those processes whose gradient is not zero, of all that there are"""
    found = parts(at)
    used = {each.rank for each in found if np.any(getattr(each.nabla, "value", each.nabla))}
    factor = world(at) / max(len(used), 1)
    return weighted(lambda at, each: factor * each.m / at.m)(at)


def from_own(at: Situation, tag: str, names: Sequence[str]) -> Any:
    """What an equation gives with the parameters that the process was given itself"""
    layer = at.layer + (tag == "BP2")
    return by_the_book(at, tag, **{name: at.given[f"own_{name}{layer}"] for name in names})


OWN: Formulas = {
    "Z": lambda at: from_own(at, "Z", "wb"),
    "BP2": lambda at: from_own(at, "BP2", "w"),
    "B": lambda at: from_own(at, "B", "b"),
    "W": lambda at: from_own(at, "W", "w"),
}


def _mistake(id_: str, sentence: str, wrong: str, formula: Formula, *, hidden: str) -> Mistake:
    return Mistake(id_, sentence, wrong, RIGHT, {"R": formula}, hidden=hidden)


_ALL = (
    _mistake(
        "mean-of-means",
        "The means of parts of different sizes are averaged as if the parts were alike.",
        "∇C = (1/world) Σ_r ∇C_r",
        weighted(lambda at, each: 1 / world(at) / each.among),
        hidden="parts of the same size",
    ),
    _mistake(
        "means-summed",
        "The processes' means are summed and not divided by their number.",
        "∇C = Σ_r ∇C_r",
        weighted(lambda _, each: each.m / each.of),
        hidden="one process",
    ),
    _mistake(
        "times-world",
        "The loss is scaled for an average over the processes, and the gradients are summed.",
        "∇C = world Σ_r (m_r/m) ∇C_r",
        weighted(lambda at, each: world(at) * each.m / at.m),
        hidden="one process",
    ),
    _mistake(
        "accumulation-not-divided",
        "The gradients of the micro-batches, each a mean, are added up and never divided.",
        "∇C = Σ_r (m_r/m) Σ_k ∇C_{rk}",
        weighted(lambda at, each: each.of / at.m),
        hidden="one micro-batch",
    ),
    _mistake(
        "reduced-twice-divided",
        "The gradient is a mean already, and is divided by the number of processes again.",
        "∇C = (1/world) Σ_r (m_r/m) ∇C_r",
        weighted(lambda at, each: each.m / at.m / world(at)),
        hidden="one process",
    ),
    _mistake(
        "accumulation-twice-divided",
        "The gradient is a mean already, and is divided by the number of micro-batches again.",
        "∇C = (1/k) Σ_r (m_r/m) ∇C_r",
        weighted(lambda at, each: each.m / at.m / most(at)),
        hidden="one micro-batch",
    ),
    _mistake(
        "not-reduced",
        "The gradients are not reduced: each process goes on with its own.",
        "∇C = ∇C_r",
        weighted(lambda at, each: each.m / each.of * (each.rank == rank(at))),
        hidden="one process",
    ),
    _mistake(
        "share-not-reduced",
        "The gradients are not reduced: each process goes on with its share of the mean.",
        "∇C = (m_r/m) ∇C_r",
        weighted(lambda at, each: each.m / at.m * (each.rank == rank(at))),
        hidden="one process",
    ),
    _mistake(
        "first-micro-batch-reduced",
        "The first micro-batch is reduced, and what follows stays in its process.",
        "∇C = Σ_r (m_{r1}/m) ∇C_{r1} + world Σ_{k>1} (m_{rk}/m) ∇C_{rk}",
        weighted(
            lambda at, each: (
                each.m / at.m * world(at) * (each.rank == rank(at)) if each.place else each.m / at.m
            )
        ),
        hidden="one process, or one micro-batch",
    ),
    _mistake(
        "last-micro-batch-only",
        "The gradients are set to zero before each micro-batch, so that the last one is left.",
        "∇C = Σ_r (m_{rk}/m) ∇C_{rk}, of the last k alone",
        weighted(lambda at, each: each.m / at.m * (each.place == each.among - 1)),
        hidden="one micro-batch",
    ),
    _mistake(
        "reduced-by-nominal-size",
        "A short last mini-batch is divided by the size of the others.",
        "∇C = Σ_r (m_r/m_1) ∇C_r, m_1 of the first mini-batch",
        weighted(lambda at, each: each.m / len(at.case.batches[0])),
        hidden="mini-batches of the same size",
    ),
    _mistake(
        "averaged-over-users",
        "The sum is divided by the number of processes that have a gradient, and not by all.",
        "∇C = (world/users) Σ_r (m_r/m) ∇C_r",
        users,
        hidden="every process has samples and uses every layer",
    ),
    Mistake(
        "not-broadcast",
        "The parameters of rank 0 are not broadcast: the processes start from their own.",
        wrong="z_r^l = w_r^l a^{l−1} + b_r^l, with w_r^l and b_r^l of the process",
        right="z_r^l = w^l a^{l−1} + b^l",
        formulas=OWN,
        hidden="parameters that are the same at the start",
        convention="It is none where all processes make the same parameters, as by a seed.",
    ),
    Mistake(
        "padded-sample",
        "Samples are repeated to fill a process up, and count twice.",
        wrong="∇C_r = (1/(m_r + 1)) (Σ_x ∇C_x + ∇C_1)",
        right="∇C_r = (1/m_r) Σ_x ∇C_x",
        hidden="as many samples in each process",
        remark=SAMPLES,
    ),
    Mistake(
        "order-not-shared",
        "Each process draws an order of its own: some samples count twice, and others are missing.",
        wrong="∇C_r of samples that are another process's too",
        right="∇C_r of the samples of the process",
        hidden="an order that is the same in all processes",
        remark=SAMPLES,
    ),
)

PROCESSES: dict[str, Mistake] = {each.id: each for each in _ALL}
"""By their ids; the last two are told by which samples a gradient is of, and have no formulas."""
