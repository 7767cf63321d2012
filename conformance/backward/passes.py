"""The two passes side by side: each value of the forward pass, and where its ∂C/∂v is.

Left out: what is wrong (`accuse.py`), and the drawing (`report/backward_page.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.backward.findings import Accused, Named, Passed
from conformance.backward.forward import Forward
from conformance.backward.known import Known
from conformance.backward.names import named, operation_text
from conformance.backward.operation import is_float
from conformance.backward.program import bits
from conformance.backward.quantities import HALF_OF_THE_DIGITS, Match
from conformance.backward.source import line_of
from conformance.tracing.trace import Node

Numbers = tuple[tuple[int, ...], bytes]

MANY = 400  # backward operations, of which the first are looked through
WIDEST = 48  # characters of an expression


def passes(forward: Forward, accused: Sequence[Accused]) -> tuple[Passed, ...]:
    """The values of the forward pass that have a name, in its order, each with its ∂C/∂v."""
    held = _held(forward)
    blamed = [each.cause.needed for each in accused if each.cause.needed is not None]
    rows: dict[Named, Passed] = {}
    parameters = bits(forward.run.goals)
    for node in forward.nodes():
        name = named(node)
        own = node.given or name.line is not None  # and no part of a cost that was tried
        if name in rows or not own or not node.uses & parameters or not _is_short(name):
            continue
        match = held.get(_numbers(forward, node))
        back = None if match is None else _named(match[0])
        factor = 1.0 if match is None else match[1].factor
        rows[name] = Passed(name, np.shape(node.value), back, factor, name in blamed)
    return tuple(rows.values())


def _numbers(forward: Forward, node: Node) -> Numbers:
    """∂C/∂v as what values with the same one have in common."""
    own = forward.gradient[node.number]
    return own.shape, own.tobytes()


def _held(forward: Forward) -> dict[Numbers, tuple[Node, Match]]:
    """The backward value that is a ∂C/∂v: exactly, else up to a constant."""
    parameters, needed = bits(forward.run.goals), 0
    whole = (e for e in forward.nodes() if e.uses & parameters == parameters)
    lengths = {n for each in whole for n in np.shape(each.value) if n > 1}
    known = Known(forward, (), [1.0, *map(float, lengths), *(1 / n for n in lengths)])
    for goal in forward.run.goals:
        needed |= goal.node.uses
    found: dict[Numbers, tuple[Node, Match]] = {}
    backward = [
        each
        for each in forward.chain.nodes
        if needed >> each.number & 1
        and each.function is not None
        and is_float(each)
        and not forward.contains(each)
    ]
    for node in backward[:MANY]:
        for match in known.of(node):
            (v, *others), exact = match.quantity.nodes, _is_exact(match)
            if others or match.quantity.kind != "total":
                continue
            numbers = _numbers(forward, v)
            if numbers not in found or (exact and not _is_exact(found[numbers][1])):
                found[numbers] = node, match
    return found


def _is_exact(match: Match) -> bool:
    return abs(match.factor - 1) <= HALF_OF_THE_DIGITS


def _named(node: Node) -> Named:
    name = named(node)
    return name if _is_short(name) else Named(operation_text(node), line_of(node))


def _is_short(name: Named) -> bool:
    return bool(name.name) and len(name.name) <= WIDEST
