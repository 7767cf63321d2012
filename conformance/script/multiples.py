"""How many times the gradients of several parameters are added: whether the factors agree.

Left out: what is added to one parameter (`update.py`).
"""

from collections.abc import Iterable, Sequence

from conformance.backward.factor import conventions
from conformance.script.update import Multiple, Update

SAME = 1e-9  # two factors of one step that are the same were computed in another order at most


def common(updates: Sequence[Update]) -> list[list[Multiple]]:
    """The choices of one array a parameter that are added the same number of times, but for signs.

    The first is that of the arrays which the updates themselves multiply, if it is one; else what
    is added once.
    """
    if any(not each.options for each in updates):
        return []
    first, *rest = updates
    found: list[list[Multiple]] = []
    for multiple in first.options:
        chosen = [[e for e in each.options if alike(abs(multiple[1]), abs(e[1]))] for each in rest]
        if all(chosen):
            found.append([multiple, *(each[0] for each in chosen)])
    own = [each.options[each.own] for each in updates]
    if all(alike(abs(own[0][1]), abs(each)) for _, each in own):
        return [own, *(each for each in found if abs(each[0][1]) < abs(own[0][1]) * (1 - SAME))]
    return found[-1:]


def usual(chosen: Sequence[Multiple]) -> list[float]:
    """The factors that the most parameters are moved by, the likeliest first.

    Of as many the one that descends comes first, then the least: a mean, and not a sum.
    """
    factors = [factor for _, factor in chosen]
    counts = {each: sum(alike(each, other) for other in factors) for each in factors}
    most = max(counts.values())
    return sorted((e for e in counts if counts[e] == most), key=lambda e: (e > 0, abs(e)))


def alike(one: float, other: float) -> bool:
    """Whether two factors of one step are the same."""
    return abs(one - other) <= SAME * abs(one)


def is_convention(factor: float, lengths: Iterable[int]) -> bool:
    """Whether a factor is made of 2 and of one of some lengths, or its inverse."""
    return any(alike(factor, each) for n in lengths for each in conventions((n,)))
