"""What a network does beside its steps and gradients: to what it is given, to memory, to its loop.

Judged once, on small new networks; what backprop does, with each step. An update that moves the
parameters before all samples have been sent through them is seen in its trace: something is made of
a sample, before its target is looked at, and of a parameter that another sample's error moved. Left
out: the steps (`traced_session.py`), `total_cost` (`total_cost.py`), and the cost of what the steps
give (`own_cost.py`).
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.cost_methods import FN, plain
from conformance.subjects.book.loop_walk import random_numbers_kept
from conformance.subjects.book.own_cost import unjudged
from conformance.subjects.book.own_loop import Conduct, own_loop
from conformance.subjects.book.total_cost import total_cost
from conformance.subjects.book.traced_runs import short_run
from conformance.subjects.book.trial_runs import trial
from conformance.subjects.generic import generic, trial_case
from conformance.subjects.near import CLOSE, alike, same
from conformance.subjects.stepped import Stepped
from conformance.tracing.ancestors import walk
from conformance.tracing.arranging import ARRANGING, before_arranging, whole
from conformance.tracing.frames import Frame
from conformance.tracing.line_tracer import Frames, LineTracer, line_after_which
from conformance.tracing.node import Node
from conformance.verdict.finding import Finding, Kind, distinct, finding
from reference.step import Array, Batch, Parameters

SQUARE = (4, 3)  # numbers of layers with which one array of equal sizes fits more than one
AGAIN = finding(Kind.UNREPEATABLE, method="backprop")
SAMPLE, PARAMETERS = "its sample", "the weights or biases"
"""What a method may change, although it is not its own."""

Pair = tuple[list[Any], list[Any]]


def conduct(network: BookNetwork) -> Conduct:
    """What is wrong with a network beside its steps."""
    with random_numbers_kept(), quiet():
        loop, cost = own_loop(network), total_cost(network)
        others = [*_feedforward(network), *entries_ignored(network)]
    found = distinct((*loop.findings, *cost.findings, *others))
    return Conduct(tuple(found), (*loop.notes, *cost.notes, *unjudged(network)))


def leaves_its_parameters(found: tuple[Finding, ...], method: str = "feedforward") -> bool:
    """Whether a method changes no parameter, so that what comes after it can be judged."""
    return not any(
        each.kind is Kind.OVERWRITTEN
        and each["method"] == method
        and "weights" in str(each["what"])
        for each in found
    )


def backprop_findings(
    network: BookNetwork, case: Case, start: Parameters, sample: Batch
) -> tuple[list[Finding], Pair]:
    """What is wrong beside the gradients of a sample, and they, by two calls of a new network."""
    numbers, first = network.numbers, _Backprop(network, case, start, sample)
    alone, again = first.pair(), first.pair()
    findings = []
    for what in (SAMPLE, PARAMETERS):
        if first.changed(what):
            # With the line, in a new network.
            new = _Backprop(network, case, start, sample)
            frames = line_after_which(lambda: new.changed(what), new.pair)  # noqa: B023 - at once
            findings.append(finding(Kind.OVERWRITTEN, frames, method="backprop", what=what))
    pairs = zip((*alone[0], *alone[1]), (*again[0], *again[1]), strict=True)
    if not all(same(one, other) for one, other in pairs):
        findings.append(AGAIN)
    if _shared([numbers.memory(each) for each in (*first.net.weights, *first.net.biases)]):
        findings.append(finding(Kind.MEMORY_SHARED))
    square = next(([2] * n for n in SQUARE if n not in network.stops), [2, 2])
    made = network.make(square, case.cost, case)
    if _shared([*made.weights, *made.biases]):
        findings.append(finding(Kind.ARRAY_SHARED, sizes=str(square)))
    return findings, alone


class _Backprop:
    """backprop of a sample, on a new network."""

    def __init__(self, network: BookNetwork, case: Case, start: Parameters, sample: Batch) -> None:
        self.network, self.start, self.sample = network, start, sample
        self.net = network.begun(case, start)
        self.given = [network.numbers.out(np.array(each)) for each in (sample.x, sample.y)]
        self.held = [network.numbers.memory(each) for each in self.given]

    def pair(self) -> Pair:
        """What it gives."""
        (x, y), masks = self.given, self.network.masks_of(self.net, self.sample, 0)
        return self.network.backprop(self.net, x, y, masks)

    def changed(self, what: str) -> bool:
        """Whether its sample, or the parameters, are no longer what they were."""
        if what == SAMPLE:
            return not all(map(np.array_equal, self.held, (self.sample.x, self.sample.y)))
        return _has_other_parameters(self.network, self.net, self.start)


def _has_other_parameters(network: BookNetwork, net: Any, start: Parameters) -> bool:
    """Whether a network has not the parameters that it was given."""
    own = network.inwards(net)
    return not all(np.array_equal(own[name], each) for name, each in start.named())


def _shared(arrays: Sequence[Any]) -> bool:
    held = [each for each in arrays if isinstance(each, np.ndarray)]
    return any(np.shares_memory(e, other) for i, e in enumerate(held) for other in held[:i])


def _feedforward(network: BookNetwork) -> Iterator[Finding]:
    """Whether feedforward changes the parameters, and on which line."""
    with suppress(Exception):  # the cases show it, where it can be judged
        start, _ = trial(network, network.probe)
        net, x = network.filled(network.probe, start), network.probe_sample[0].copy()

        def changed() -> bool:
            return _has_other_parameters(network, net, start)

        frames = line_after_which(changed, lambda: network.feedforward(net, x))
        if changed():
            yield finding(Kind.OVERWRITTEN, frames, method="feedforward", what=PARAMETERS)


def rate_ignored(network: BookNetwork) -> Iterator[Finding]:
    """What is wrong if a step with half of η is not half as long, which no case with one η tells.

    With nothing kept before it, and no decay, a step is η times something in each of the updates.
    """
    try:
        first, half, again = (_step(network, eta) for eta in (1.0, 0.5, 1.0))
    except Exception:  # noqa: BLE001 - the cases show it, where it can be judged
        return
    close = CLOSE[network.conventions.dtype]
    wrong = {
        name[0]
        for name, array in first.items()
        if same(array, again[name])  # else it draws numbers
        and not np.allclose(2 * half[name], array, rtol=close, atol=close * np.abs(array).max())
    }
    if wrong:
        names = (name for kind, name in (("w", "weights"), ("b", "biases")) if kind in wrong)
        code = inspect.unwrap(network.make(network.probe).update_mini_batch).__code__
        frames = [Frame(code.co_filename, code.co_firstlineno, code.co_name)]
        yield finding(Kind.RATE_IGNORED, frames, what=" and ".join(names))


def _step(network: BookNetwork, eta: float) -> dict[str, Array]:
    """By how much an update of a new network moves each of its parameters."""
    start, batch = trial(network, network.probe)
    with quiet():
        net = network.filled(network.probe, start)
        network.update(net, batch, (eta, 0.0, 1))
    before = dict(start.named())
    return {name: array - before[name] for name, array in network.inwards(net).items()}


INNER, EDGE = 0.75, 1.0  # an entry of the output where 1.0 is wanted
OTHERS = (0.25, 0.5)  # what the other entries may be


class _Vanishing(LineTracer):
    """The line of a function after which none of its numbers is NaN any more, or its last line."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self.function, self.line, self.known = function, Frames(), False

    def executed(self, frame: FrameType, event: str, _value: Any) -> None:
        """Look at the single numbers of the function."""
        if event == "call" or frame.f_code.co_name != self.function:
            return
        numbers = [each for each in frame.f_locals.values() if isinstance(each, float)]
        known = any(np.isnan(each) for each in numbers)
        if (self.known and not known) or (event == "return" and (known or not self.line)):
            self.line = self.now
        self.known = known


def entries_ignored(network: BookNetwork) -> Iterator[Finding]:
    """Whether the cost of a sample ignores all entries because of one that is 0 · log 0.

    Then it is finite, and the same whatever they are. Asked of the cost that a network has, and of
    each that it can be given.
    """
    for cost in (None, *network.costs):
        net = network.make(network.probe, cost)
        if not (function := FN.function(net)):
            continue
        try:
            with quiet():
                (inner, inner_other), (edge, edge_other) = (
                    [_cost(network, net, first, other) for other in OTHERS]
                    for first in (INNER, EDGE)
                )
                if inner == inner_other or edge != edge_other or not np.isfinite(edge):
                    continue
                tracer = _Vanishing(getattr(function, "__name__", ""))
                with tracer.following():
                    _cost(network, net, EDGE, OTHERS[0])
        except Exception:  # noqa: BLE001, S112 - it may be asked in another way
            continue
        yield finding(Kind.ENTRIES_IGNORED, tracer.line, method=FN.name)


def _cost(network: BookNetwork, net: Any, first: float, other: float) -> float:
    """The cost of a sample whose first target is 1 and whose others are 0."""
    n = network.probe[-1]
    a, y = np.full((n, 1), other), np.zeros((n, 1))
    a[0], y[0] = first, 1
    return float(FN.cost(network, net, (y, a, y), plain))


SAMPLES = 3


def moved_early(network: BookNetwork) -> Iterator[Finding]:
    """Whether it does, and on which line."""
    dtype = network.conventions.dtype
    case = trial_case(network.probe, network.conventions.cost, dtype)
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
