"""Recurrences that a step begins anew, such as the states of a differential equation.

Each new value is made of an old one, as that of a parameter is; a whole recurrence is made within
one step of the parameters, of which the next one is computed from it. Left out: what else is
carried on (`chains.py`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise, takewhile
from typing import Any

from conformance.backward.groups import operation_key
from conformance.script.rows import Carried


def without_recurrences(chains: Sequence[Carried]) -> list[Carried]:
    """What is carried on from step to step, without what is begun anew in each step of another."""
    begun = {each: [*_begun(each)] for each in chains}
    often = Counter(chain.from_iterable(begun.values()))
    within = {
        keys[0]
        for each, keys in begun.items()
        if often[keys[0]] > 1
        and any(_is_within(each, other) for other in chains if begun[other][0] != keys[0])
    }
    found = []
    for each in chains:
        kept = [*takewhile(lambda e: operation_key(e) not in within, each.values[1:])]
        if len(kept) == each.count:
            found.append(each)
        elif kept:  # a recurrence begins with its last value
            found.append(Carried([each.values[0], *kept]))
    return found


def _begun(one: Carried) -> Iterator[Any]:
    """The operations of the new values, each as often as it follows another one."""
    _, *keys = map(operation_key, one.values)
    yield keys[0]
    yield from (new for old, new in pairwise(keys) if new != old)


def _is_within(one: Carried, other: Carried) -> bool:
    """Whether all is made within one step of another, and that step of it."""
    begin, first, last = one.values[0], one.values[1], one.values[-1]
    return any(
        old.number <= begin.number and last.number < new.number and new.depends_on(first)
        for old, new in pairwise(other.values)
    )
