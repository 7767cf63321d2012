"""The runs of a network that are traced: its update, backprop of single samples, feedforward.

Left out: which of the recorded values is which quantity (`tracing/roles.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import reduce
from io import StringIO
from operator import or_
from typing import Any

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.corpus.case import Case
from conformance.running.tracebacks import call
from conformance.subjects.book.network import BookNetwork
from conformance.tracing.arranging import ARRANGING
from conformance.tracing.arrays import traced_number
from conformance.tracing.index import Index, Location
from conformance.tracing.program import traced_program
from conformance.tracing.replay import Replay
from conformance.tracing.roles import Run
from conformance.tracing.trace import Node, Trace
from reference.step import Array, Batch, Parameters


@dataclass(eq=False)
class Stepped:
    """A traced run, of which the last mini-batch is judged.

    Attributes:
        trace: of the run.
        batch: the last mini-batch.
        before: the nodes of the parameters `b2 w2 …` before it, in our layout.
        w: the bits of the weights of each layer, as the network holds them then.
        x: the bits of each sample's input.
        y: the bits of all targets.
        after: the nodes of the parameters after it, in our layout.
        left: the same in floats.
        returned: the nodes of what backprop gave for each sample, by the names of the gradients.
        earlier: the sizes of the mini-batches before it.
    """

    trace: Trace
    batch: Batch
    before: dict[str, Node] = field(default_factory=dict)
    w: list[int] = field(default_factory=list)
    x: list[int] = field(default_factory=list)
    y: int = 0
    after: dict[str, Node] = field(default_factory=dict)
    left: dict[str, Array] = field(default_factory=dict)
    returned: list[dict[str, Node]] = field(default_factory=list)
    earlier: tuple[int, ...] = ()

    def run(self, case: Case, *, decays: bool) -> Run:
        """The same with its exact numbers, at the precision in force."""
        replay = Replay(self.trace)
        start = Parameters.of({name: replay.value(node) for name, node in self.before.items()})
        after = {
            name: replay.value(node) for name, node in self.after.items() if replay.exact(node)
        }
        decay = to_exact(case.lmbda)[()] / case.n if decays else 0
        return Run(
            Index(replay, self.trace.nodes),
            start,
            self.batch.map(to_exact),
            case.cost,
            self.w,
            self._parameters(),
            self.x,
            self.y,
            after,
            (to_exact(case.eta)[()], decay),
            {name: node.uses for name, node in self.after.items()},
            {name: _computed(node) for name, node in self.after.items()},
        )

    def _parameters(self) -> list[int]:
        """The bits of the nodes of the weights and biases of each layer, and of no other."""
        layers = enumerate(self.w, 2)
        found = [bits | _bits(self.before[f"b{layer}"]) for layer, bits in layers]
        return [each & ~reduce(or_, found[:i] + found[i + 1 :], 0) for i, each in enumerate(found)]


def _bits(node: Node) -> int:
    """The bits of a node, and of what it was put together from."""
    arranged = node.inputs if node.operation in ARRANGING else ()
    return reduce(or_, map(_bits, arranged), 1 << node.number)


def _computed(node: Node) -> bool:
    """Whether a parameter was computed, and not only turned."""
    while node.operation in ("reshape", "transpose", "getitem") and node.inputs:
        node = node.inputs[0]
    return node.function is not None


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Note what a network computes, until the end of the block; what it prints is not shown."""
    with redirect_stdout(StringIO()), np.errstate(all="ignore"), traced_program(trace):
        yield


def update_run(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, *earlier: Batch
) -> Stepped:
    """An update of a new network, after earlier ones that are not judged."""
    trace = Trace()
    made = Stepped(trace, batch, earlier=tuple(each.m for each in earlier))
    with traced(trace):
        net = _filled(network, case, start, made)
        for each in earlier:
            _update(network, case, net, each, made)
        if earlier:
            _begin(network, net, made)
        _update(network, case, net, batch, made)
        made.after = _nodes(network, net, trace)
        trace.recording = False
        made.left = {name: np.array(each) for name, each in network.inwards(net).items()}
    return made


def backprop_run(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Stepped:
    """Backprop of each sample alone, each on a new network."""
    trace = Trace()
    made = Stepped(trace, batch)
    with traced(trace):
        for i in range(batch.m):
            net = _filled(network, case, start, made)
            x, y = _given(network, trace, batch, i)
            _note_sample(made, x, y)
            pair = network.backprop(net, x, y)
            named = {
                f"{quantity}{layer}": trace.argument(each)
                for quantity, part in zip(("nabla_b", "nabla_w"), pair, strict=True)
                for layer, each in enumerate(part, 2)
            }
            made.returned.append({name: each for name, each in named.items() if type(each) is Node})
    return made


def forward_run(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Stepped:
    """Feedforward of each sample, on one network."""
    trace = Trace()
    made = Stepped(trace, batch)
    with traced(trace):
        net = _filled(network, case, start, made)
        for i in range(batch.m):
            x = _given(network, trace, batch, i)[0]
            _note_sample(made, x)
            network.feedforward(net, x)
    return made


def feed(network: BookNetwork, case: Case, start: Parameters, batch: Batch) -> Array:
    """The output (n_L, m) of feedforward on each sample, which nobody traces."""
    net = network.make(case.sizes, case.cost)
    network.fill(net, *network.outwards(start))
    return np.hstack([network.feedforward(net, np.array(batch.x[:, [i]])) for i in range(batch.m)])


def _note_sample(made: Stepped, x: Any, y: Any = None) -> None:
    held = made.trace.argument([x, y])
    x_bits, y_bits = (1 << each.number if type(each) is Node else 0 for each in held)
    made.x.append(x_bits)
    made.y |= y_bits


def _filled(network: BookNetwork, case: Case, start: Parameters, made: Stepped) -> Any:
    trace, net = made.trace, network.make(case.sizes, case.cost)
    w, b = network.outwards(start)
    weights = [trace.given(each, f"w{i}") for i, each in enumerate(w, 2)]
    biases = [trace.given(each, f"b{i}") for i, each in enumerate(b, 2)]
    network.fill(net, weights, biases)
    if network.in_place:  # into arrays that may be plain, and are written into unseen
        held = (*net.weights, *net.biases)
        for array, given in zip(held, (*weights, *biases), strict=True):
            trace.overwritten(array, given.node)
    _begin(network, net, made)
    return net


def _begin(network: BookNetwork, net: Any, made: Stepped) -> None:
    """Take the present parameters for those from which the judged step starts."""
    trace = made.trace
    held = [trace.argument(each) for each in net.weights]
    own = [_bits(each) if type(each) is Node else 0 for each in held]
    made.w = [one | other for one, other in zip(made.w or own, own, strict=True)]
    made.before = _nodes(network, net, trace)


def _nodes(network: BookNetwork, net: Any, trace: Trace) -> dict[str, Node]:
    named = {name: trace.argument(each) for name, each in network.inwards(net).items()}
    return {
        name: each if type(each) is Node else trace.constant(each) for name, each in named.items()
    }


def _update(network: BookNetwork, case: Case, net: Any, batch: Batch, made: Stepped) -> None:
    pairs = [_given(network, made.trace, batch, i) for i in range(batch.m)]
    made.x, made.y = [], 0
    for x, y in pairs:
        _note_sample(made, x, y)
    node = made.trace.node("given eta", None, (), {}, np.array(case.eta))
    eta = traced_number(case.eta, node, made.trace)
    call(net.update_mini_batch, pairs, eta, **network.decay.keywords(case.lmbda, case.n))


def _given(network: BookNetwork, trace: Trace, batch: Batch, i: int) -> tuple[Any, Any]:
    """A sample and its target, traced, in the network's layout."""
    c = network.conventions
    x, y = (c.sample_out(each[:, [i]]) for each in (batch.x, batch.y))
    x, y = trace.given(x, f"x.{i}"), trace.given(y, f"y.{i}")
    return network.numbers.out(x), network.numbers.out(y)


def generic(
    case: Case, m: int, sizes: Sequence[int], seed: int = 7, *, negative: bool = False
) -> tuple[Case, Parameters, Batch]:
    """A case of these sizes with numbers of which no two have anything in common.

    η is a multiple of m and λ one of n, by powers of two, so that no scalar is rounded.

    Args:
        case: for cost, dtype and rates.
        m: the number of samples.
        sizes: of the layers.
        seed: other numbers for another seed.
        negative: the same weights and biases with the other sign.
    """
    rng, dtype = np.random.default_rng(seed), np.dtype(case.dtype)
    bits = 2.0**20 if dtype.itemsize == 4 else 2.0**44  # noqa: PLR2004 - what the floats hold

    def drawn(*shape: int) -> Array:
        return np.asarray(np.round(rng.normal(size=shape) * bits) / bits, dtype=dtype)

    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    start = Parameters(tuple(drawn(n, k) for n, k in pairs), tuple(drawn(n, 1) for n, _ in pairs))
    start = start.map(
        lambda each: each * start.w[0].dtype.type(0.5)
    )  # for what grows layer by layer
    batch = Batch(drawn(sizes[0], m), np.abs(drawn(sizes[-1], m)) % 1.0)
    if negative:
        start = start.map(np.negative)
    lmbda = case.n * 0.15625 if case.lmbda else 0.0
    return replace(case, sizes=tuple(sizes), eta=m * 0.3125, lmbda=lmbda), start, batch


def gathered(location: Location, made: Stepped) -> Array:
    """The numbers of a quantity in a run, in floats."""
    nodes = made.trace.nodes
    dtype = np.result_type(*(nodes[n].value.dtype for n in location.numbers))
    array: Array = location.gather(lambda n: nodes[n].value, dtype)
    factor = location.factor
    if abs(factor) < 1:
        return np.asarray(array * dtype.type(round(1 / factor)))
    return np.asarray(array / dtype.type(round(factor))) if factor != 1 else array
