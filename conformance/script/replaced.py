"""What takes the place of a parameter, and what an update that forgets it makes of its gradient.

A value takes the place of another if it is used as that was. Left out: which parameters are
forgotten (`left_out.py`), and what is said of them (`still.py`).
"""

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Forward
from conformance.backward.source import (
    lines_of,
    operand_name,
    places,
    stored_names,
    written_name,
)
from conformance.script.chains import roles
from conformance.script.linear import entrywise
from conformance.script.still_numbers import SUMS
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

MOST = 64  # consumers of a parameter, and values that take its place


def all_replacements(node: Node) -> list[Node]:
    """A value, and those that take its place one after another: made of it, and used as it was."""
    found = [node]
    while len(found) < MOST and (after := replacement_of(found[-1])) is not None:
        found.append(after)
    return found


def replacement_of(node: Node) -> Node | None:
    """What is made of a value alone or with others, and then used as it was."""
    return next(replacements(node), None)


def replacements(node: Node) -> Iterator[Node]:
    """All that is so."""
    if len(node.consumers) > MOST:
        return  # such as of a constant
    used = set(roles(node))
    alike = (e for e in node.consumers if np.shape(e.value) == np.shape(node.value))
    yield from (e for e in alike if not used.isdisjoint(roles(e)))


def next_value(still: Node, whole: Mapping[Node, Node], forward: Forward) -> Node | None:
    """What takes the place of a value in the forward pass after that has read it."""
    read = [whole[e] for e in still.consumers if e in whole and forward.contains(e)]
    used = {role for each in read for role in roles(whole[still], each)}
    last = max((each.number for each in read), default=0)
    later = (each for each in replacements(whole[still]) if each.number > last)
    return next((each for each in later if not used.isdisjoint(roles(each))), None)


def _takes_its_place(node: Node, still: Node) -> bool:
    """Whether a value is used later as another was, which has its shape."""
    alike = np.shape(node.value) == np.shape(still.value)
    return alike and not {*roles(still)}.isdisjoint(roles(node))


def moved_by_gradient(parameter: Node, gradient: Node | None) -> list[Node]:
    """What a parameter becomes by its gradient, if that is computed, though nothing keeps it."""
    return [
        each
        for each in parameter.consumers
        if gradient is not None
        and each.operation in ("add", "subtract")
        and each.depends_on(gradient)
        and np.shape(each.value) == np.shape(parameter.value)
    ]


def made_without(trace: Trace, parameter: Node, new: Node, values: Collection[Node]) -> list[Node]:
    """The first operation that makes what is added to a parameter, if of it and constants alone.

    That is where its gradient is lacking, unless the same line makes what is added to others.
    """

    def operands(node: Node) -> list[Node]:
        return [each for each in node.inputs if each is not parameter]

    made = [*walk(operands(new), operands)]
    shapes = {np.shape(parameter.value), ()}
    computed = [each for each in made if each.function is not None and each.frames]
    if new.operation not in SUMS or any(np.shape(each.value) not in shapes for each in made):
        return []
    until = max((each.number for each in values), default=0)
    others = [each for each in trace.nodes[:until] if each not in made]
    first = min(computed, key=lambda each: each.number, default=None)
    if first is None or operation_key(first) in map(operation_key, others):
        return []
    return [first]


def put_instead(trace: Trace, still: Node, gradient: Node, values: Collection[Node]) -> list[Node]:
    """What is made of the gradient of a value, and not of the value, and takes its place."""
    later = (e for e in trace.nodes[gradient.number + 1 :] if e.depends_on(gradient))
    others = {line for each in values for line in lines_of(each)}  # as of another layer
    made = (e for e in later if still not in e.inputs and others.isdisjoint(lines_of(e)))
    return [e for e in made if _takes_its_place(e, still)][:1]


def is_put_instead(gradient: Node, still: Node, rates: Collection[float]) -> bool:
    """Whether what moves a parameter, a gradient by η or −η, takes its place itself."""
    steps = (e for e in walk([gradient], lambda e: e.consumers) if _takes_its_place(e, still))
    found = (abs(fitted(e.value, np.asarray(gradient.value)) or 0.0) for e in steps)
    return any(abs(by / rate - 1) <= HALF_OF_THE_DIGITS for by in found for rate in rates)


def names_read(still: Node) -> set[str]:
    """What a value is called where it is used."""
    uses = still.consumers[:MOST]
    return {operand_name(e, i) for e in uses for i in places(e, still)} - {""}


def _assigned(node: Node) -> set[str]:
    """The variables and attributes that the statement assigns to which computed a value."""
    return {*stored_names(node), written_name(node)}


def steps_of_others(still: Node, values: Collection[Node]) -> list[Node]:
    """The steps from the values of other parameters that are put under the name of a value."""
    named, found = names_read(still), []
    for other in values:
        for each in (e for e in other.consumers if still not in e.inputs):
            own = {operand_name(each, i) for i in places(each, other)}  # as of another layer's
            if each.operation in SUMS and named & _assigned(each) - own:
                found.append(each)
    return found


def is_moved_otherwise(still: Node, gradient: Node) -> bool:
    """Whether what takes the place of a parameter is made of it and its gradient, but is no sum."""
    stop = frozenset({still, gradient})
    made = walk(
        [] if moved_by_gradient(still, gradient) else [gradient], lambda each: each.consumers
    )
    return any(_takes_its_place(e, still) and stop <= entrywise(e, stop) for e in made)


def moved_by_zeros(still: Node) -> Node | None:
    """What a parameter becomes by zeros that nothing is ever written into; None if it is moved."""
    after = replacement_of(still)
    others = [] if after is None else [each for each in after.args[:2] if each is not still]
    arrays = [e for e in walk(e for e in others if type(e) is Node) if np.size(e.value) > 1]
    return after if arrays and not any(np.any(each.value) for each in arrays) else None
