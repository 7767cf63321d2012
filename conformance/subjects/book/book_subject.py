"""A class or factory with the book's interface, made a subject.

Left out: other kinds of subjects.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from conformance.errors import ConformanceError, OtherFamilyError
from conformance.model.functions import COSTS
from conformance.subjects import Reading, Subject
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.conduct import conduct
from conformance.subjects.book.family import Family, family_of, mask_scale
from conformance.subjects.book.moved_early import moved_early
from conformance.subjects.book.network_patterns import NetworkPatterns
from conformance.subjects.book.own_cost import own_epsilon
from conformance.subjects.book.plain_run import is_right
from conformance.subjects.book.traced_runs import examined_alone
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
    try:
        network.take_family(family or family_of(network, patterns))
    except OtherFamilyError:
        meant = None if cost else _meant(network)
        if meant is None:
            raise
        return book_subject(factory, name, meant.cost, meant.family)
    if network.mask:
        network.mask_scale = mask_scale(network, patterns)
        patterns = NetworkPatterns(network)  # of runs with other masks
    network.unfit = network.unfit or tuple(moved_early(network))
    found = conduct(network)
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
        takes_state=False,
        given_masks=bool(network.mask),
        takes_classes=network.takes_classes,
        is_right=partial(is_right, network),
        otherwise=None if cost or family else partial(_other_reading, network),
    )


def _meant(network: BookNetwork) -> Reading | None:
    """What a network of no known family is meant to be, if it is wrong by its own forward pass."""
    with suppress(ConformanceError):  # else nothing tells
        if examined_alone(network.factory, network.name).ok:
            return None
    return _other_reading(network)


def _other_reading(network: BookNetwork) -> Reading | None:
    if network.mask:
        return None
    c = network.conventions
    costs = [c.cost] if network.costs or c.stated else [*COSTS]
    own = Reading(network.family, c.cost)
    return other_reading(partial(is_right, network), own, costs, c.dtype)
