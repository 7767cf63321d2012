"""The runs of a network that are traced: its update, backprop of single samples, feedforward.

A network of no known family is judged by its own forward pass: the gradients of one sample are
compared with the derivatives of what it computed on the way up. Left out: which of the recorded
values is which quantity (`subjects/pattern.py`), and that comparison (`backward`).
"""

from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import Goal
from conformance.corpus.case import Case
from conformance.errors import UnjudgedError
from conformance.running.tracebacks import call
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.generic import LABELLED, generic, trial_case
from conformance.subjects.stepped import TURNED, Stepped, bits_of, given_rate, traced_run
from conformance.tracing.line_tracer import Frames, line_after_which
from conformance.tracing.node import Node
from conformance.tracing.recorder import EnoughError
from conformance.tracing.trace import Trace
from reference.step import Array, Batch, Parameters

MOST = 40_000  # operations: each knows by a bit for each what it was computed from


def update_run(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, *earlier: Batch
) -> Stepped:
    """An update of a new network, after earlier ones that are not judged.

    Raises:
        EnoughError: it has too many operations, such as one for each single number.
    """
    trace = Trace(most=MOST)
    lengths = tuple(each.m for each in earlier)
    made = Stepped(trace, batch, earlier=lengths, origin=start, past=earlier)
    with traced_run(trace):
        net = _filled(network, case, start, made)
        for each in earlier:
            _update(network, case, net, each, made)
        if earlier:
            _begin(network, net, made)
        _update(network, case, net, batch, made)
        if network.rule.other is None:  # else what moved a parameter tells nothing of its ∇
            made.after = _nodes(network, net, trace)
        trace.recording = False
        made.left = {name: np.array(each) for name, each in network.inwards(net).items()}
    return made


def short_run(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, *earlier: Batch
) -> Stepped | None:
    """The same; None if it has too many operations."""
    try:
        return update_run(network, case, start, batch, *earlier)
    except EnoughError:
        return None


def backprop_run(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, trace: Trace | None = None
) -> Stepped:
    """Backprop of each sample alone, each on a new network; recorded in a trace, if it is given."""
    trace = Trace() if trace is None else trace
    made = Stepped(trace, batch)
    with traced_run(trace):
        for i in range(batch.m):
            net = _filled(network, case, start, made)
            x, y = _given(network, trace, batch, i)
            _note_sample(made, x, y)
            pair = network.backprop(net, x, y, _masks(network, net, trace, batch, i))
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
    with traced_run(trace):
        net = _filled(network, case, start, made)
        for i in range(batch.m):
            x = _given(network, trace, batch, i)[0]
            _note_sample(made, x)
            output = trace.argument(network.feedforward(net, x))
            made.returned.append({"output": output} if type(output) is Node else {})
    return made


def line_of_update(
    network: BookNetwork, case: Case, start: Parameters, batch: Batch, name: str, left: Array
) -> Frames:
    """The line of an update, untraced, after which a parameter is what it leaves; none if it stays.

    Args:
        network: how its networks are made.
        case: for sizes and rates.
        start: the parameters before.
        batch: the samples.
        name: of the parameter, such as `b2`.
        left: what the update leaves.
    """
    net = network.begun(case, start)

    def is_left() -> bool:
        try:
            return np.array_equal(np.array(network.inwards(net)[name]), left)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return False  # within an update they may be no network

    if is_left():
        return ()
    constants = case.eta, case.lmbda, case.n
    return line_after_which(is_left, lambda: network.update(net, batch, constants, case))


def _note_sample(made: Stepped, x: Any, y: Any = None) -> None:
    held = made.trace.argument([x, y])
    x_bits, y_bits = (1 << each.number if type(each) is Node else 0 for each in held)
    made.x.append(x_bits)
    made.y |= y_bits


def _filled(network: BookNetwork, case: Case, start: Parameters, made: Stepped) -> Any:
    trace = made.trace
    trace.recording = False  # what it makes of its own parameters is no part of a step
    net = network.made_for(case)
    trace.recording = True
    w, b = network.outwards(start)
    weights = [trace.given(each, f"w{i}") for i, each in enumerate(w, 2)]
    biases = [trace.given(each, f"b{i}") for i, each in enumerate(b, 2)]
    network.fill(net, weights, biases)
    if network.in_place:  # into arrays that may be plain, and are written into unseen
        held = (*net.weights, *net.biases)
        for array, given in zip(held, (*weights, *biases), strict=True):
            if isinstance(array, np.ndarray):  # of tensors each write is seen
                trace.write(array, given.node)
    _begin(network, net, made)
    return net


def _begin(network: BookNetwork, net: Any, made: Stepped) -> None:
    """Take the present parameters for those from which the judged step starts."""
    trace = made.trace
    held = [trace.argument(each) for each in net.weights]
    own = [bits_of(each) if type(each) is Node else 0 for each in held]
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
    eta = given_rate(made.trace, case)
    keywords = {**network.decay.given(net, case.lmbda, case.n), **network.rule.stepped(case)}
    if network.mask:
        each = (_masks(network, net, made.trace, batch, i) for i in range(batch.m))
        keywords[network.mask] = [network.masks_out(masks) for masks in each]
    call(net.update_mini_batch, pairs, eta, **keywords)


def _masks(network: BookNetwork, net: Any, trace: Trace, batch: Batch, i: int) -> list[Any]:
    """The masks of a sample, traced, as a network with dropout takes them."""
    columns = network.masks_of(net, batch, i)
    return [trace.given(mask, f"mask{at}.{i}") for at, mask in enumerate(columns, 2)]


def _given(network: BookNetwork, trace: Trace, batch: Batch, i: int) -> tuple[Any, Any]:
    """A sample and its target, traced, in the network's layout."""
    c = network.conventions
    x, y = (c.batch_out(each[:, [i]]) for each in (batch.x, batch.y))
    x, y = trace.given(x, f"x.{i}"), trace.given(y, f"y.{i}")
    return network.numbers.out(x), network.numbers.out(y)


def examined_alone(network: BookNetwork, cost: str | None = None, scale: float = 1.0) -> Examined:
    """What is known of the gradients that a network's backprop gives of one sample.

    Args:
        network: whose.
        cost: the name of a cost to judge with, in the place of that which fits.
        scale: how many times as large the inputs are.

    Raises:
        SubjectError: its code failed.
        NotAGradientError: it computes nothing that is compared with its target.
    """
    case, start, batch = _of_one(network)
    batch = Batch(scale * batch.x, batch.y)
    made = backprop_run(network, case, start, batch, Trace(sites=True))
    goals = tuple(
        Goal(name := each.removeprefix("nabla_"), _as_held(made.before[name]), _as_held(node))
        for each, node in made.returned[0].items()
    )
    targets = [node for node in made.trace.nodes if made.y >> node.number & 1]
    with np.errstate(all="ignore"):
        return examine_pass(OwnPass(made.trace, goals, target=next(iter(targets), None)), cost)


def _as_held(node: Node) -> Node:
    """A parameter as the network holds it, where we turned it and nothing else was done."""
    while node.operation in TURNED and not node.frames and node.inputs:
        (node,) = node.inputs
    return node


def feedforward_agrees(network: BookNetwork) -> bool:
    """Whether backprop of a sample comes to what feedforward gives of it, in any layout.

    Raises:
        SubjectError: its code failed.
    """
    case, start, batch = _of_one(network)
    made = backprop_run(network, case, start, batch)
    net = network.begun(case, start)
    output = np.ravel(network.feedforward(net, np.array(batch.x)))
    values = (np.ravel(each.value) for each in made.trace.nodes if each.uses & made.x[0])
    return any(len(each) == len(output) and np.allclose(each, output) for each in values)


def _of_one(network: BookNetwork) -> tuple[Case, Parameters, Batch]:
    """A case with generic parameters, and one sample of a class."""
    outputs = (*["sigmoid"] * (len(network.probe) - 2), "softmax")
    case = trial_case(network.probe, LABELLED, activations=outputs)
    return generic(case, 1, case.sizes)


def idle_biases(examined: Examined) -> list[str]:
    """The biases if none of them changes anything in the output, though weights do."""
    dead = {each.name: each.dead for each in examined.gradients}
    biases = [name for name in dead if name.startswith("b")]
    return biases if all(dead[name] for name in biases) and not all(dead.values()) else []


def check_biases(examined: Examined, name: str) -> None:
    """Check that a network's biases are not without any effect.

    Args:
        examined: what is known of its gradients.
        name: for messages.

    Raises:
        UnjudgedError: they are.
    """
    if idle := idle_biases(examined):
        raise UnjudgedError(
            f"{name}: {', '.join(idle)} change nothing in its output, so it is no network with "
            "biases: check where they are added"
        )
