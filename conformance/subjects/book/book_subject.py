"""A class or factory with the book's interface, made a subject.

Left out: other kinds of subjects.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.corpus import store
from conformance.errors import ConformanceError, OtherFamilyError
from conformance.model.functions import COSTS
from conformance.subjects import Reading, Subject
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.conduct import conduct, moved_early, rate_ignored
from conformance.subjects.book.family import Family, family_of, mask_scale
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.own_cost import cost_method, gives_cost_fn, own_epsilon
from conformance.subjects.book.own_rule import own_rule
from conformance.subjects.book.plain_run import is_right
from conformance.subjects.book.traced_runs import examined_alone, feedforward_agrees, idle_biases
from conformance.subjects.book.traced_session import TracedSession
from conformance.subjects.readings import other_reading


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
