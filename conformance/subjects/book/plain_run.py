"""Whether a network is right in the steps of a case, run as it is, without being traced.

This takes a hundredth of the time of a judgement, which says what is wrong. Left out: the same of
its activations and errors, which it hides (`traced_session.py`).
"""

from collections.abc import Iterator

import numpy as np

from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.model.update_kinds import SGD
from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.verdict.compare import recorded_truth
from conformance.verdict.deviation import Target, compare
from reference.step import Array


def is_right(network: BookNetwork, recorded: Recorded) -> bool:
    """Whether outputs, gradients and new parameters are right in each step of a case.

    Raises:
        SubjectError: it stops, or what it returns has other shapes.
    """
    steps = recorded.case.steps if recorded.case.update == SGD else 1  # it begins with nothing kept
    with quiet():
        return all(_step_is_right(network, recorded, t) for t in range(steps))


def _step_is_right(network: BookNetwork, recorded: Recorded, t: int) -> bool:
    step, truth = recorded.steps[t], recorded_truth(recorded, t)
    shown = _shown(network, recorded, step)
    return all(_agrees(array, truth[name], recorded) for name, array in shown)


def _agrees(shown: Array, target: Target, recorded: Recorded) -> bool:
    return not compare(shown, target, recorded.case.format).problem


def _shown(
    network: BookNetwork, recorded: Recorded, step: RecordedStep
) -> Iterator[tuple[str, Array]]:
    """What a network shows of a step by the names of the quantities, what is cheap to get first."""
    case, batch = recorded.case, step.batch
    net = network.made_for(case)
    network.fill(net, *network.outwards(step.parameters))
    samples = [(batch.x[:, [i]], batch.y[:, [i]]) for i in range(batch.m)]
    masks = [network.masks_of(net, batch, i) for i in range(batch.m)]
    pairs = [network.backprop(net, *xy, more) for xy, more in zip(samples, masks, strict=True)]
    for layer in range(2, case.layers + 1):
        biases, weights = ([pair[kind][layer - 2] for pair in pairs] for kind in (0, 1))
        yield f"delta{layer}", np.hstack(biases)
        yield f"nabla_b{layer}", np.mean(biases, axis=0)
        yield f"nabla_w{layer}", np.mean(weights, axis=0)
    if not case.masks:
        outputs = [network.feedforward(net, x) for x, _ in samples]
        yield f"a{case.layers}", np.hstack(outputs)
    network.update(net, batch, (case.eta, case.lmbda, case.n), case)
    if network.decays or not case.lmbda:
        yield from network.inwards(net).items()
