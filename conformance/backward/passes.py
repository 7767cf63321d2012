"""What a backward value is, and the two passes side by side: where ∂C/∂v of each value v is.

A backward value is a ∂C/∂v, one contribution to it or a sum of some, up to a constant. Left out:
what is wrong (`accuse.py`), and the drawing (`report/page/passes_drawing.py`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, Catalogue, Match, Quantity
from conformance.backward.findings import Accused, Named, Passed
from conformance.backward.judge_gradients import Forward
from conformance.backward.recorded_pass import bits
from conformance.backward.source import is_float, line_of, operation
from conformance.backward.value_names import named, operation_text
from conformance.tracing.node import Node
from reference.step import Array

FEW_ENTRIES = 4  # fewer match by chance up to a constant


class Known:
    """The values that a backward pass may rightly have."""

    def __init__(
        self, forward: Forward, sizes: Collection[int], factors: list[float] | None = None
    ) -> None:
        """Take what may be known.

        Args:
            forward: the forward pass.
            sizes: of what the backward pass computes in loops.
            factors: the constants that a right value may be multiplied by; all usual ones if None.
        """
        self.forward, self.chain, self.sizes = forward, forward.chain, sizes
        self._factors = factors
        self._found: dict[int, list[Match]] = {}

    def of(self, node: Node) -> list[Match]:
        """What a value is; nothing if it is not made of real numbers."""
        if node.number not in self._found:
            value = np.asarray(self.chain.values[node.number])
            known = self.matches(value.astype(np.float64)) if value.dtype.kind in "biuf" else ()
            self._found[node.number] = list(known)
        return self._found[node.number]

    def matches(self, value: Array) -> Iterator[Match]:
        """What an array is."""
        few = (1.0,) if value.size < FEW_ENTRIES else self.factors
        return self._catalogue.scaled(value[None], few)

    @cached_property
    def factors(self) -> list[float]:
        """The constants that a right value may be multiplied by, 1 first."""
        if self._factors is not None:
            return self._factors
        arrays = (e.value for e in self.chain.nodes if isinstance(e.value, np.ndarray))
        lengths = {n for each in arrays for n in each.shape if n > 1}
        plain = {1.0, 2.0, 0.5, *map(float, lengths), *(1.0 / n for n in lengths)}
        more = plain | {2 * each for each in plain} | {each / 2 for each in plain}
        return sorted(more, key=lambda each: abs(np.log(each)))

    @cached_property
    def _catalogue(self) -> Catalogue:
        found = []
        parameters = bits(self.forward.run.goals)
        for node in self.forward.nodes():
            if not node.uses & parameters:  # data
                continue
            total = self.forward.gradient[node.number]
            found.append(Quantity((node,), total[None]))
            parts = self.forward.parts.get(node.number, [])
            if len(parts) > 1:
                found += [Quantity((node,), p[None], (), "part", c) for c, p in parts]
                found += [
                    Quantity((node,), sums[None], (), "part")
                    for some in (parts, parts[::-1])
                    for sums in _sums([p for _, p in some])
                ]
        return Catalogue(found, self.sizes)


def _sums(parts: list[Array]) -> Iterator[Array]:
    """The sums of the first few of some contributions."""
    total = parts[0]
    for part in parts[1:-1]:
        total = total + part
        yield total


Numbers = tuple[tuple[int, ...], bytes]

MANY = 400  # backward operations, of which the first are looked through
EXECUTIONS = 12  # of a line, each with a row of its own; the last stands for those after it
WIDEST = 48  # characters of an expression


def passes(
    forward: Forward, accused: Sequence[Accused], wrong: Collection[str] = ()
) -> tuple[Passed, ...]:
    """The values of the forward pass that have a name, in its order, each with its ∂C/∂v.

    Args:
        forward: the forward pass.
        accused: what is to blame.
        wrong: the names of the parameters whose gradients are wrong.
    """
    held = _held(forward)
    blamed = [each.cause.needed for each in accused if each.cause.needed is not None]
    given = {e.parameter.number: _named(e.node) for e in forward.run.goals if e.name in wrong}
    rows: list[Passed] = []
    executions: dict[Named, list[int]] = {}
    nearest: dict[int, set[int]] = {}  # the rows that a value is, or is computed from at once
    for node, name in _listed(forward, nearest):
        made_of = nearest[node.number]
        same = executions.setdefault(name, [])
        again = made_of.intersection(same) or set(same[-1:] if len(same) >= EXECUTIONS else ())
        if again:
            nearest[node.number] = {max(again)}
            continue
        nearest[node.number] = {len(rows)}
        same.append(len(rows))
        match = held.get(_numbers(forward, node))
        is_wrong = match is None and node.number in given
        back = _named(match[0]) if match is not None else given.get(node.number)
        factor = 1.0 if match is None else match[1].factor
        shape, inputs = np.shape(node.value), tuple(sorted(made_of))
        rows.append(Passed(name, shape, back, factor, wrong=is_wrong, inputs=inputs))
    return tuple(_marked(rows, blamed))


def _marked(rows: list[Passed], blamed: Sequence[Named]) -> list[Passed]:
    """The rows, of which those that are to blame say so.

    Of several executions of a line it is the last one whose ∂C/∂v is missing: the way back meets it
    first.
    """
    for name in blamed:
        places = [i for i, each in enumerate(rows) if each.forward == name]
        missing = [i for i in places if rows[i].backward is None or rows[i].wrong]
        for i in (missing or places)[-1:]:
            rows[i] = replace(rows[i], blamed=True)
    return rows


def _listed(forward: Forward, nearest: dict[int, set[int]]) -> Iterator[tuple[Node, Named]]:
    """The values that have a name; of every value, what it is computed from is noted."""
    parameters = bits(forward.run.goals)
    for node in forward.nodes():
        nearest[node.number] = _union(nearest, node)
        name = named(node)
        own = node.given or name.line is not None  # and no part of a cost that was tried
        if own and node.uses & parameters and (_is_short(name) or node is forward.run.loss):
            yield node, name


def _union(nearest: Mapping[int, set[int]], node: Node) -> set[int]:
    """The rows that the operands of a value are, or are computed from."""
    made = operation(node)
    operands = () if made is None else made.inputs
    return {i for each in operands for i in nearest.get(each.number, ())}


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
