"""The lines of somebody's function at which something is wrong.

Up to the gradients of its parts, a process alone is traced like any other step. What R is made of
is traced in rank 0, while all ranks take the step: what lies between a gradient and the result has
to be a multiple of a sum that is right, of some samples, of one rank or of all. The first value
that is none is to blame. Left out: a process alone (`subjects/adapt.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from conformance.backward.compared_quantities import fitted
from conformance.backward.source import is_float
from conformance.processes.division import Divided
from conformance.processes.judge_processes import truth
from conformance.report.book_report import Report
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, bits_of_nodes, uses_of_nodes
from conformance.tracing.together import TOGETHER
from conformance.tracing.trace import Trace
from conformance.verdict.compare import Status, Verdict
from reference.step import Array, split

BASES = ("remainder-3-4-2", "contracting-5-4-3-2", "relu-softmax-4-4-4-3", "relu-linear-4-4-4-3")
"""The recorded cases that a process takes alone."""

Lines = Mapping[str, tuple[Frame, ...]]
"""The lines to blame, by the tags of equations or the names of quantities."""


@dataclass(frozen=True)
class Right:
    """What is right of one gradient.

    Attributes:
        parts: the gradient of each part, rank by rank, (n_l, n_{l−1}) or (n_l, 1).
        counts: of the samples of each, rank by rank.
    """

    parts: tuple[tuple[Array, ...], ...]
    counts: tuple[tuple[int, ...], ...]

    def sums(self) -> Iterator[Array]:
        """Up to a factor: of each part, of the first parts of a rank, of the first ranks."""
        ranks = []
        for parts, counts in zip(self.parts, self.counts, strict=True):
            yield from parts
            ranks.append(self._sums(parts, counts))
            yield from ranks[-1]
        totals = [of_rank[-1] for of_rank in ranks if of_rank]
        yield from (np.sum(totals[:end], axis=0) for end in range(2, len(totals) + 1))

    def own(self, rank: int) -> Array | None:
        """The sum over the samples of one rank."""
        found = self._sums(self.parts[rank], self.counts[rank])
        return found[-1] if found else None

    @staticmethod
    def _sums(parts: Sequence[Array], counts: Sequence[int]) -> list[Array]:
        if not parts:
            return []
        weighted = [part * count for part, count in zip(parts, counts, strict=True)]
        return [*np.cumsum(weighted, axis=0)]


def right_of(divided: Divided, t: int) -> dict[str, Right]:
    """What is right of each gradient of all processes together, by its name in R."""
    found = truth(divided, t).parts
    of_rank = divided.case.parts[t]
    counts = tuple(tuple(map(len, parts)) for parts in of_rank)
    targets = iter(found)
    ranks = [[next(targets) for _ in parts] for parts in of_rank]
    return {
        name.replace("nabla_", "reduced_"): Right(
            tuple(tuple(each[name].centre for each in of) for of in ranks), counts
        )
        for name in found[0]
        if split(name)[0] in ("nabla_b", "nabla_w")
    }


def blamed(trace: Trace, result: Node, right: Right, rank: int) -> tuple[Frame, ...]:
    """The lines that make a gradient of all processes wrong, on one of them.

    Where each value on the way is a right sum but for a factor, the factor is wrong: what made the
    numbers that are shown is to blame.

    Args:
        trace: of the step.
        result: what was shown.
        right: what is.
        rank: of the process.
    """
    sums = [np.ravel(each) for each in right.sums() if np.any(each)]
    own = right.own(rank)
    on_the_way = [
        node
        for node in trace.nodes
        if result.depends_on(node) and is_float(node) and node.value.size >= result.value.size
    ]
    known = [node for node in on_the_way if any(_holds(node, each) for each in sums)]
    bits = bits_of_nodes(known)
    led_to = uses_of_nodes(known)  # what a value that is right was computed of
    for node in on_the_way:
        if node.uses & bits and not led_to >> node.number & 1:
            return _frames(node, own)
    shown = np.ravel(result.value)
    makers = (
        node
        for node in on_the_way
        if node.frames and np.any(np.all(_windows(node, shown) == shown, axis=1))
    )
    return _frames(next(makers, result), own) if known else ()


def _holds(node: Node, wanted: Array) -> bool:
    """Whether a multiple of some numbers is a value, or a part of it, such as of a flat buffer."""
    return any(fitted(window, wanted) is not None for window in _windows(node, wanted))


def _windows(node: Node, wanted: Array) -> Array:
    """So many numbers of a value in a row as are wanted, from each place: (places, numbers)."""
    return sliding_window_view(np.ravel(node.value), wanted.size)


def _frames(node: Node, own: Array | None) -> tuple[Frame, ...]:
    """The line of a value; that of what a rank has sent, if this is not the sum of its samples."""
    for each in node.inputs if node.operation in TOGETHER else ():
        if own is not None and each.frames and not _holds(each, np.ravel(own)):
            return each.frames
    return node.frames


def with_lines(report: Report, lines: Lines, tags: Sequence[str]) -> Report:
    """The report with the lines of failures of some equations; of the first of all, if need be."""
    first = next(iter(lines.values()), ())

    def lined(case_rows: Mapping[str, object], verdict: Verdict) -> Verdict:
        row = case_rows.get(verdict.name)
        tag = getattr(row, "tag", "")
        if verdict.status is not Status.FAIL or tag not in tags:
            return verdict
        return replace(verdict, frames=lines.get(verdict.name) or lines.get(tag) or first)

    cases = tuple(
        replace(each, verdicts=[lined(each.case.rows, verdict) for verdict in each.verdicts])
        for each in report.cases
    )
    return replace(report, cases=cases)


def with_alone(report: Report, alone: Report) -> Report:
    """The report with what a process alone shows: the lines, and causes in hidden equations."""
    tags = {blame.tag for blame in report.blames} - {"R"}
    lines = {each.tag: each.frames for each in alone.blames if each.frames}
    hidden = [each for each in alone.causes if each.tag not in tags]
    ids = next((each.known for each in hidden), ())
    causes = tuple(
        replace(each, unseen=ids) if each.tag in tags and not each.known else each
        for each in report.causes
    )
    return with_lines(replace(report, causes=causes), lines, sorted(tags))
