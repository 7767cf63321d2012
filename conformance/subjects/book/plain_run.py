"""Whether a network is right in the steps of a case, run as it is, without being traced.

This takes a hundredth of the time of a judgement, which says what is wrong. Left out: the same of
its activations and errors, which it hides (`traced_session.py`).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.errors import SubjectError
from conformance.model.update_kinds import SGD
from conformance.running.quiet import quiet
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.conduct import rate_ignored
from conformance.subjects.book.cost_methods import gives_cost
from conformance.subjects.book.own_cost import own_cost
from conformance.verdict.compare import free_run_truth, recorded_truth
from conformance.verdict.deviation import Target, compare
from reference.step import Array, Batch


def is_right(network: BookNetwork, recorded: Recorded) -> bool:
    """Whether outputs, gradients, new parameters and the cost are right in a case, also in a row.

    And whether the steps grow with η, whatever it is in the case.

    Raises:
        SubjectError: it stops, or what it returns has other shapes.
    """
    case = recorded.case
    apart = case.steps if case.update == SGD else 1  # it begins with nothing kept
    with quiet():
        return (
            all(_step_is_right(network, recorded, t) for t in range(apart))
            and (case.steps == 1 or _run_is_right(network, recorded))
            and not any(rate_ignored(network))
            and _cost_is_right(network, recorded)
        )


def _cost_is_right(network: BookNetwork, recorded: Recorded) -> bool:
    """Whether the cost that a network shows is that of the first step, if it has to be changed."""
    case, step, method = recorded.case, recorded.steps[0], network.cost_method
    if method is not None:
        return not method.wrong or gives_cost(network, method.name)
    if not network.has_cost_fn:
        return True
    truth = recorded_truth(recorded, 0)
    output = truth[f"a{case.layers}"].centre
    value = own_cost(network, case, step.parameters, output, step.batch).value
    return isinstance(value, np.ndarray) and _agrees(value, truth["cost"], recorded)


def _step_is_right(network: BookNetwork, recorded: Recorded, t: int) -> bool:
    step, truth = recorded.steps[t], recorded_truth(recorded, t)
    shown = _quantities(network, recorded, step)
    return all(_agrees(array, truth[name], recorded) for name, array in shown)


def _run_is_right(network: BookNetwork, recorded: Recorded) -> bool:
    """Whether the parameters of one network are right after each step of a case."""
    case, truth = recorded.case, free_run_truth(recorded)
    net = network.begun(case, recorded.steps[0].parameters)
    for step, targets in zip(recorded.steps, truth, strict=True):
        after = _updated(network, net, case, step.batch)
        if not all(_agrees(array, targets[name], recorded) for name, array in after.items()):
            return False
    return True


def _updated(network: BookNetwork, net: Any, case: Case, batch: Batch) -> dict[str, Any]:
    """The parameters after an update, as far as they are known to follow from the case.

    Raises:
        SubjectError: it lost some.
    """
    network.update(net, batch, (case.eta, case.lmbda, case.n), case)
    after = network.inwards(net)
    if len(after) != 2 * (case.layers - 1):
        raise SubjectError(f"it has {len(after)} arrays of parameters")
    judged = network.rule.other is None and (network.decays or not case.lmbda)
    return after if judged else {}


def _agrees(shown: Array, target: Target, recorded: Recorded) -> bool:
    return not compare(shown, target, recorded.case.format).problem


def _quantities(
    network: BookNetwork, recorded: Recorded, step: RecordedStep
) -> Iterator[tuple[str, Array]]:
    """What a network shows of a step by the names of the quantities, what is cheap to get first."""
    case, batch = recorded.case, step.batch
    net = network.begun(case, step.parameters)
    samples = [(batch.x[:, [i]], batch.y[:, [i]]) for i in range(batch.m)]
    masks = [network.masks_of(net, batch, i) for i in range(batch.m)]
    pairs = [network.backprop(net, *xy, more) for xy, more in zip(samples, masks, strict=True)]
    for layer in range(2, case.layers + 1):
        biases, weights = ([pair[kind][layer - 2] for pair in pairs] for kind in (0, 1))
        yield f"delta{layer}", np.hstack(biases)
        yield f"nabla_b{layer}", np.mean(biases, axis=0)
        yield f"nabla_w{layer}", np.mean(weights, axis=0)
    if not network.mask:  # else it takes the neurons that are left out in training, scaled
        outputs = [network.feedforward(net, x) for x, _ in samples]
        yield f"a{case.layers}", np.hstack(outputs)
    yield from _updated(network, net, case, batch).items()
