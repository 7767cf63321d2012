"""A class or factory with the book's interface, made a subject.

Whether it is right in the steps of a case is asked of it as it is, without being traced, too: that
takes a hundredth of the time of a judgement, which says what is wrong. Left out: other kinds of
subjects, and the activations and errors that it hides (`traced_session.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded, RecordedStep
from conformance.errors import ConformanceError, OtherFamilyError, SubjectError
from conformance.model.functions import COSTS
from conformance.model.update_kinds import SGD
from conformance.running.quiet import quiet
from conformance.subjects import Reading, Subject
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.conduct import conduct, moved_early, rate_ignored
from conformance.subjects.book.cost_methods import gives_cost
from conformance.subjects.book.family import Family, family_of, mask_scale
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.own_cost import cost_method, gives_cost_fn, own_cost, own_epsilon
from conformance.subjects.book.own_rule import has_l1, own_rule
from conformance.subjects.book.traced_runs import examined_alone, feedforward_agrees, idle_biases
from conformance.subjects.book.traced_session import TracedSession
from conformance.subjects.readings import other_reading
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


def _sign(errors: Array, truth: Array) -> float:
    """−1 where a network's δ^L are those of what is to be added: its gradients then are, too."""
    return -1.0 if np.sum(errors * truth) < 0 else 1.0


def _quantities(
    network: BookNetwork, recorded: Recorded, step: RecordedStep
) -> Iterator[tuple[str, Array]]:
    """What a network shows of a step by the names of the quantities, what is cheap to get first."""
    case, batch = recorded.case, step.batch
    net = network.begun(case, step.parameters)
    samples = [(batch.x[:, [i]], batch.y[:, [i]]) for i in range(batch.m)]
    masks = [network.masks_of(net, batch, i) for i in range(batch.m)]
    pairs = [network.backprop(net, *xy, more) for xy, more in zip(samples, masks, strict=True)]
    errors = np.hstack([biases[-1] for biases, _ in pairs])
    sign = _sign(errors, step.expected[f"delta{case.layers}"])
    for layer in range(2, case.layers + 1):
        biases, weights = ([pair[kind][layer - 2] for pair in pairs] for kind in (0, 1))
        yield f"delta{layer}", sign * np.hstack(biases)
        yield f"nabla_b{layer}", sign * np.mean(biases, axis=0)
        yield f"nabla_w{layer}", sign * np.mean(weights, axis=0)
    if not network.mask:  # else it takes the neurons that are left out in training, scaled
        outputs = [network.feedforward(net, x) for x, _ in samples]
        yield f"a{case.layers}", np.hstack(outputs)
    yield from _updated(network, net, case, batch).items()


def book_subject(
    factory: Callable[..., Any], name: str, cost: str | None = None, family: Family | None = None
) -> Subject:
    """The subject of a class or factory; see `BookNetwork` for what is recognised and raised.

    Args:
        factory: makes a network of a list of sizes.
        name: for messages.
        cost: the cost that the network has, if it is not the quadratic one and cannot be chosen.
        family: the activations that it is meant to have; if not given, those that it is seen to
            have, and sigmoids where they are of no known family.
    """
    network = BookNetwork(factory, name, cost)
    network.epsilon = own_epsilon(network)
    patterns = NetworkPatterns(network)
    unknown: OtherFamilyError | None = None
    try:
        network.take_family(family or family_of(network, patterns))
    except OtherFamilyError as error:
        unknown = error
    guessed, etas = not (cost or family), _rates_of(network.family)
    if guessed and (unknown or not etas) and (meant := _meant(network)):
        return book_subject(factory, name, meant.cost, meant.family)
    if unknown:
        raise unknown
    if network.mask:
        network.mask_scale = mask_scale(network, patterns)
        patterns = NetworkPatterns(network)  # of runs with other masks
    if has_l1(network):
        raise OtherFamilyError(
            f"{network.name} has an L1 penalty and another update than the book's"
        )
    network.rule = own_rule(network)
    own = network.rule.constants if network.rule.other is None else {}
    if own:
        patterns = NetworkPatterns(network)  # of runs with another update
    network.cost_method, network.has_cost_fn = cost_method(network), gives_cost_fn(network)
    network.unfit = network.unfit or tuple(moved_early(network))
    found = conduct(network)
    if len(etas) == 1:
        found = replace(found, findings=(*found.findings, *rate_ignored(network)))
    every = {*network.costs, network.conventions.cost}
    costs = tuple(sorted(each for each in every if network.family[1] in COSTS[each].outputs))
    start = partial(TracedSession, network, patterns, conduct=found)
    return Subject(
        name,
        start,
        partial(start, freely=True),
        tuple(network.said()),
        costs,
        (network.conventions.dtype,),
        network.decays,
        stops=network.stops,
        family=network.family,
        updates=network.rule.names,
        constants=own,
        moves_otherwise=network.rule.other is not None,
        moves_unknown=network.rule.is_unknown,
        takes_state=False,
        given_masks=bool(network.mask),
        takes_classes=network.takes_classes,
        is_right=partial(is_right, network),
        otherwise=partial(_other_reading, network, network.family) if guessed else None,
    )


def _rates_of(family: Family) -> set[float]:
    """The η of the recorded cases with hidden layers that are of a family."""
    cases = store.cases(store.root(), None, None)
    return {e.eta for e in cases if e.layers > 2 and e.is_of(*family)}  # noqa: PLR2004


def _meant(network: BookNetwork) -> Reading | None:
    """What a network of no known family is meant to be, if it is wrong by its own forward pass."""
    with suppress(ConformanceError):  # else nothing tells
        examined = examined_alone(network)
        acting = examined.ok and not idle_biases(examined)
        if acting and feedforward_agrees(network):
            return None
    return _other_reading(network, None)


def _other_reading(network: BookNetwork, family: Family | None) -> Reading | None:
    """The reading in which a change of one line makes a network right, other than its own."""
    if network.mask:
        return None
    c = network.conventions
    costs = [c.cost] if network.costs or c.stated else [*COSTS]
    own = None if family is None else Reading(family, c.cost)
    return other_reading(partial(is_right, network), own, costs, c.dtype)
