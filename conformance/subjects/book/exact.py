"""The traced runs of a network as steps that balls decide (`verdict/on_balls.py`).

Left out: what is traced (`stepped.py`), where the quantities are (`pattern.py`).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.running.tracebacks import call
from conformance.subjects.book.epsilon import CROSS_ENTROPY
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.stepped import Stepped, traced_run
from conformance.tracing.index import Location
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from conformance.verdict.on_balls import Elsewhere, OnBalls, TracedStep
from reference.step import Array, Batch


def on_balls(
    case: Case,
    made: Stepped,
    found: Mapping[str, Location],
    elsewhere: Mapping[str, Elsewhere] | None = None,
    known_wrong: Callable[[str], bool] | None = None,
) -> OnBalls:
    """What decides the quantities of a traced run.

    Args:
        case: of the run.
        made: the run.
        found: where the quantities are in it.
        elsewhere: what decides those that are in another run.
        known_wrong: as of `OnBalls`.
    """
    after = {name: _whole(node) for name, node in made.after.items()}
    means = {name: _whole(node) for name, node in _means(made).items()}
    places = {**means, **found, **after}
    kept = partial(made.kept, case)
    step = TracedStep(case, made.trace, made.before, made.batch, places, kept)
    return OnBalls(step, elsewhere, known_wrong)


def cost_on_balls(network: BookNetwork, case: Case, output: Array, batch: Batch) -> OnBalls | None:
    """What decides the cost of a network's own output; None if it shows none, or holds an ε."""
    if network.epsilon is not None and case.cost == CROSS_ENTROPY:
        return None
    trace = Trace()
    with traced_run(trace):
        net = network.made_for(case)
        columns = [
            [
                trace.given(network.conventions.sample_out(each[:, [i]]), name)
                for i in range(batch.m)
            ]
            for each, name in ((output, "a"), (batch.y, "y"))
        ]
        given = [trace.argument(each) for each in columns[0]]
        out = network.numbers.out
        total = sum(call(net.cost.fn, out(a), out(y)) for a, y in zip(*columns, strict=True))
        mean = trace.argument(network.numbers.back(total / batch.m))
    if type(mean) is not Node:
        return None
    rows = np.arange(len(output))[:, None]
    nodes = np.array([[node.number for node in given]] * len(output))
    at = Location(nodes, np.broadcast_to(rows, nodes.shape))
    found = {f"a{case.layers}": at, "cost": _whole(mean)}
    return OnBalls(TracedStep(case, trace, {}, batch, found))


def _whole(node: Node) -> Location:
    """All the entries of a node."""
    places = np.arange(node.value.size).reshape(node.value.shape)
    return Location(np.full(places.shape, node.number), places)


def _means(made: Stepped) -> dict[str, Node]:
    """The means over the samples of what backprop returned for each."""
    means = {}
    names = made.returned[0] if len(made.returned) == made.batch.m else ()
    for name in names:
        parts = [each[name] for each in made.returned if name in each]
        if len({each.value.shape for each in parts}) == 1 and len(parts) == made.batch.m:
            value = np.asarray(_mean(*(each.value for each in parts)))
            means[name] = made.trace.node("mean", _mean, tuple(parts), {}, value)
    return means


def _mean(*parts: Any) -> Any:
    return sum(parts[1:], start=parts[0]) / len(parts)
