"""Whether an update moves the parameters before all samples have been sent through them.

Then no equation of a later sample is what it was. It is seen in a traced update: something is made
of a sample, before its target is looked at, and of a parameter that another sample's error moved.
Left out: what else an update does (`traced_session.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from conformance.corpus.case import Case
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.traced_runs import short_run
from conformance.subjects.generic import generic
from conformance.subjects.near import CLOSE, alike
from conformance.subjects.stepped import Stepped
from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import ARRANGING, before_arranging, whole
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node
from conformance.verdict.finding import Finding, Kind, finding
from reference.step import Parameters

SAMPLES = 3


def moved_early(network: BookNetwork) -> Iterator[Finding]:
    """Whether it does, and on which line."""
    cost, dtype = network.conventions.cost, network.conventions.dtype
    case = Case("moved", network.probe, cost, 1.0, 0.0, 1, dtype, ((0,),), "", ())
    with suppress(Exception):  # a program may refuse traced arrays in any way
        stand_in, start, batch = generic(case, SAMPLES, case.sizes)
        made = None if network.mask else short_run(network, stand_in, start, batch)
        moved = made and next(_moved(made, start, CLOSE[dtype]), None)
        if made and moved:
            yield finding(Kind.MOVED_EARLY, _without_helpers(moved, made.trace.nodes))


def _moved(made: Stepped, start: Parameters, close: float) -> Iterator[Node]:
    """What moved a parameter that a later sample is sent through."""
    nodes, versions = made.trace.nodes, _versions(made)
    for node in (each for each in nodes if each.operation not in ARRANGING):
        for sent in (e for e in node.inputs if not e.uses & made.y):
            own = _samples_of(sent, made)
            for held in (e for e in node.inputs if len(own) == 1 and e in versions):
                others = _samples_of(held, made)
                if others and own[0] not in others and not _unmoved(held, start, close):
                    numbers = before_arranging(whole(held), nodes).numbers
                    yield next(nodes[n] for n in numbers if nodes[n].uses & made.y)


def _versions(made: Stepped) -> set[Node]:
    """The parameters once something was added that was made of a target, and their parts."""
    begun = {*walk(made.before.values(), lambda e: e.inputs if e.operation in ARRANGING else ())}
    for node in made.trace.nodes:
        of_begun = [each for each in node.inputs if each in begun]
        beside = [each for each in node.inputs if each not in begun]
        moves = node.operation in ("add", "subtract") and any(e.uses & made.y for e in beside)
        scales = node.operation == "multiply" and all(np.size(e.value) == 1 for e in beside)
        if of_begun and (moves or scales or node.operation in ARRANGING):
            begun.add(node)
    return {each for each in begun if each.uses & made.y}


def _unmoved(held: Node, start: Parameters, close: float) -> bool:
    """Whether an array is a parameter as it was, or of another size than all of them."""
    alike_in_size = [each for _, each in start.named() if each.size == np.size(held.value)]
    return not alike_in_size or any(alike(held.value, each, close) for each in alike_in_size)


def _without_helpers(node: Node, nodes: Sequence[Node]) -> tuple[Frame, ...]:
    """The frames of an operation from the first function on that is called on one line alone."""
    frames = node.frames
    for depth in range(1, len(frames)):
        callers = {e.frames[depth : depth + 1] for e in nodes if e.frames[:depth] == frames[:depth]}
        if len(callers) == 1:
            return frames[depth - 1 :]
    return frames[-1:]


def _samples_of(node: Node, made: Stepped) -> tuple[int, ...]:
    """The samples that an operation was computed from."""
    return tuple(i for i, bits in enumerate(made.x) if node.uses & bits)
