"""All updates of a run that are judged, by one cost and one factor.

Left out: one of them (`judge.py`), and what is said of them (`conclude.py`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from conformance.backward.no_loss import COST_NAMES
from conformance.backward.program import NotAGradientError
from conformance.backward.source import stored_names
from conformance.script.judge import judged
from conformance.script.judgement import Judgement, even, uneven_error
from conformance.script.parameters import Parameter
from conformance.script.rule import finite
from conformance.script.several import by_several
from conformance.script.update import Update, update, with_decay_apart
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

Reading = Callable[..., Judgement | None]


def _changes(parameter: Parameter, k: int) -> bool:
    """Whether an update changes a parameter; one by gradients that are all 0 says nothing."""
    return not np.array_equal(parameter.values[k - 1].value, parameter.values[k].value)


def all_judged(
    trace: Trace, moved: Sequence[Parameter], names: Sequence[str], count: int
) -> list[Judgement]:
    """The updates, all by one cost and, if the script has no loss, by one factor."""
    changed = [k for k in range(1, count + 1) if any(_changes(each, k) for each in moved)]
    told = changed or [*range(1, count + 1)]
    results = list(_judgeable(trace, moved, names, told))
    if even(trace, results):
        return results
    apart = [tuple(map(with_decay_apart, each.updates)) for each in results]  # it may be clipped
    tried = [(apart, None), *(([each.updates for each in results], cost) for cost in COST_NAMES)]
    for updates, cost in tried:
        try:
            others = [judged(trace, each, names, cost) for each in updates]
        except NotAGradientError:
            continue
        if all(each.ok for each in others) and even(trace, others):
            return others
    return [uneven_error(each) for each in results]


def _updates(moved: Sequence[Parameter], k: int) -> tuple[Update, ...]:
    """The k-th update of each parameter, from 1."""
    return tuple(update(each, k) for each in moved)


def _judgeable(
    trace: Trace, moved: Sequence[Parameter], names: Sequence[str], told: Sequence[int]
) -> Iterator[Judgement]:
    """The updates that can be judged: all, or those that the script computes its loss for.

    Where the first of them is wrong, the later ones only tell the rule of the updates; so does one
    whose gradients are no numbers any more.

    Raises:
        NotAGradientError: one cannot be judged, and for none the script computes its loss.
    """
    failed: list[NotAGradientError] = []
    some: list[Judgement] = []
    for k in told:
        updates = _updates(moved, k)
        numbers = all(finite(each) for made in updates for each, _ in made.options)
        if some and not (some[0].ok and numbers):  # what is wrong is searched once
            some.append(replace(some[0], updates=updates, chosen=()))
            continue
        right = _right(trace, updates, names)
        if right is not None:
            some.append(right)
            continue
        try:
            loss = next((each.loss for each in some), None)
            made = judged(trace, updates, names, loss=loss)
        except NotAGradientError as error:
            other = _otherwise(trace, updates, names)
            if other is None:
                failed.append(error)
            else:
                some.append(other)
            continue
        some.append(made if made.ok else _otherwise(trace, updates, names) or made)
    if failed and not any(each.own_loss for each in some):
        raise failed[0]
    yield from some


def _right(trace: Trace, updates: Sequence[Update], names: Sequence[str]) -> Judgement | None:
    """The first judgement of an update by which all gradients are right; None if there is none.

    What is wrong is left to a longer search.
    """
    for reading in READINGS:
        with suppress(NotAGradientError):
            made = reading(trace, updates, names, quick=True)
            if made is not None and made.ok:
                return made
    return None


def _otherwise(trace: Trace, updates: Sequence[Update], names: Sequence[str]) -> Judgement | None:
    """The judgement by several losses, or with targets held constant, if there are such."""
    several = by_several(trace, updates, names)
    return several or with_held_targets(trace, updates, names)


HELD = re.compile(r"\w*adv(antages?)?(_\w+)?", re.IGNORECASE)
"""What a score is multiplied by, such as an advantage."""
TARGET = re.compile(
    r"\w*(targets?|labels?|expected|returns?|backups?)\w*|y|yj|y_?t|t", re.IGNORECASE
)
FEW = 3


def with_held_targets(
    trace: Trace, updates: Sequence[Update], names: Sequence[str], *, quick: bool = False
) -> Judgement | None:
    """The judgement of an update, a target held constant; None if there is no such target.

    Args:
        trace: of the run.
        updates: of each parameter.
        names: theirs.
        quick: see `judged`.
    """
    for users in _targets(trace, updates):
        try:
            found = judged(trace, updates, names, held=users, quick=quick)
        except NotAGradientError:
            continue
        if found.ok or found.own_loss or (found.right and found.examined.cost != "unknown"):
            return found
    return None


def _targets(trace: Trace, updates: Sequence[Update]) -> list[list[tuple[Node, Node]]]:
    """What is called so and depends on parameters, each with what meets it there.

    That depends on parameters too, and neither uses the other.
    """
    given = bits_of_nodes(each.old for each in updates)
    first = min(each.new.number for each in updates)
    found: dict[Node, list[tuple[Node, Node]]] = {}
    for node in trace.nodes[:first]:
        called = {"subtract": TARGET, "multiply": HELD}.get(node.operation)
        if called is None or len(node.inputs) != len(("output", "target")):
            continue
        for target, output in (node.inputs, node.inputs[::-1]):
            apart = not target.depends_on(output) and not output.depends_on(target)
            named = any(map(called.fullmatch, stored_names(target)))
            if named and apart and target.uses & given and output.uses & given:
                found.setdefault(target, []).append((node, target))
    return list(found.values())[-FEW:]


READINGS: tuple[Reading, ...] = (judged, by_several, with_held_targets)
