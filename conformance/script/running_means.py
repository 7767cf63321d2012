"""Running means of what the forward pass computes, such as those of a batch normalisation.

They move nothing: only another forward pass reads them. Left out: means of gradients, by which
parameters are moved (`kept_sums.py`), and sums that no mean stands beside, as a discounted one.
"""

from collections.abc import Iterator
from itertools import combinations
from math import prod

from conformance.backward.findings import Accused, Cause, merged
from conformance.backward.groups import grouped
from conformance.backward.source import lines_of, written_name
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, ancestors, kept, links
from conformance.script.multiples import SUMS
from conformance.tracing.node import Node, uses_of_nodes
from conformance.tracing.trace import Trace


def uneven_shares(trace: Trace, judgement: Judgement) -> Iterator[Accused]:
    """The running means whose shares do not add up to 1, as those of another in their function do.

    Both keep as much of themselves.
    """
    used = uses_of_nodes(each.parameter.values[-1] for each in judgement.updates)
    sums = [
        each
        for each in trace.nodes
        if each.operation in SUMS and each.frames and not used >> each.number & 1
    ]
    rows = list[tuple[Node, float, list[float]]]()
    for group in grouped(sums):
        for new in group.nodes[1:]:
            old = next((e for e in ancestors(new) if e in group.nodes), None)
            factors = [] if old is None else _added(old, new, used)
            share = kept(old, new) if old is not None and factors else 0.0
            rows += [(new, share, factors)] if 0 < share < 1 else []
    means = [
        (e.frames[0].function, share) for e, share, factors in rows if _is_rest(share, factors)
    ]
    wrong = [
        Accused(
            (written_name(e),),
            lines_of(e),
            Cause("rest of mean", numbers=(share, prod(by))),
            mends=False,
        )
        for e, share, by in rows
        if not _is_rest(share, by)
        if any(e.frames[0].function == at and alike(share, other) for at, other in means)
    ]
    yield from merged(wrong, lambda each: each.lines)


def _added(old: Node, new: Node, used: int) -> list[float]:
    """The numbers by which a sum multiplies what is used elsewhere, as a mean of the batch is."""
    terms = [each for each in links(new) if each[0] is not old and not each[0].depends_on(old)]
    factors = list[float]()
    while len(terms) == 1:
        ((node, by),) = terms
        factors.append(by)
        if used >> node.number & 1:
            return factors
        terms = links(node)
    return []


def _is_rest(share: float, factors: list[float]) -> bool:
    """Whether what is added is multiplied by the rest, maybe among others, as n / (n − 1)."""
    places = combinations(range(len(factors) + 1), 2)
    return any(alike(1 - share, prod(factors[i:j])) for i, j in places)
