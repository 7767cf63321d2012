"""One update of one parameter: the old value, and what is added to it how many times.

A gradient may be added part by part, in `v = μ v + A + B`, and to some rows of a table alone: then
it is one of the table, 0 elsewhere. In `W -= lr * h.T @ d` the rate multiplies an operand of the
gradient, which is never computed: the trace is rewritten so that it is. Left out: how an update is
read (`update_reader.py`), and whether it is right (`rule.py`).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.script.linear import (
    Link,
    Places,
    alike,
    ancestors,
    entrywise,
    exponent,
    is_of_numbers,
    links,
    part_at,
    scalar,
    way,
    writes_of,
)
from conformance.script.parameters import Parameter
from conformance.tracing.frames import Frame
from conformance.tracing.node import FILLED, Node, filled, nodes_in, states_of
from conformance.tracing.trace import Trace

Multiple = Link
"""An array, and how many times it is added; only the sign counts in an adaptive update."""

BILINEAR = frozenset({"matmul", "dot", "outer", "inner", "multiply", "einsum", "tensordot"})
"""Operations that are linear functions of each operand."""


@dataclass(eq=False)
class Update:
    """An update.

    Attributes:
        parameter: that is moved.
        old: its value before.
        new: its value after.
        options: the arrays by which it is moved, each a multiple of the one before, and how many
            times each is added; nothing if it is not moved by multiples of a single one.
        own: which of them is the first that is not a product that the update itself computes.
        parts: of each array that is nowhere computed, but added part by part, these.
        decay: how many times the old value itself is taken away.
        after: how many times the new value is taken away after the step.
        adaptive: whether the gradient is divided by something that is kept of earlier ones.
        multiplied: whether the old value is multiplied by exp(−η ∇), which is adaptive, too.
        states: what is kept, as it was read and as it was written.
        signed: that of which the sign is added, if it is a sign.
        given: the values of all parameters that are moved with it, as bits.
        dual: what stands for the parameter where gradients are taken, and goes down their sum; then
            the options have the sign by which it goes.
        by_rows: whether what moves a row is read alone: something is kept for one of these.
    """

    parameter: Parameter
    old: Node
    new: Node
    options: list[Multiple] = field(default_factory=list)
    own: int = 0
    parts: dict[Node, tuple[Node, ...]] = field(default_factory=dict)
    decay: float = 0.0
    after: float = 0.0
    adaptive: bool = False
    multiplied: bool = False
    states: list[tuple[Node, Node]] = field(default_factory=list)
    signed: Node | None = None
    given: int = 0
    dual: Node | None = None
    by_rows: bool = False

    @property
    def name(self) -> str:
        """That of its parameter."""
        return self.parameter.name

    @property
    def number(self) -> int:
        """Which update of its parameter it is, from 1."""
        return self.parameter.values.index(self.old) + 1

    def parts_of(self, gradient: Node) -> tuple[Node, ...]:
        """What a gradient by which it is moved is the sum of, or that itself."""
        return self.parts.get(gradient, (gradient,))

    def way(self, *gradients: Node) -> set[Node]:
        """What is computed entry by entry of the old values and of gradients, up to the new one."""
        olds = self.old, *(old for old, _ in self.states)
        stop = frozenset({*olds, *(part for e in gradients for part in self.parts_of(e))})
        news = {self.new, *(new for _, new in self.states)}
        return {*news, *(e for new in news for e in entrywise(new, stop))} - stop


def summed(
    trace: Trace, parts: Sequence[Sequence[Link]], like: Node
) -> list[tuple[Link, tuple[Node, ...]]]:
    """The sums of parts of a gradient, each with how many times it is added, and its parts.

    Each is that of arrays which are added the same number of times, but for signs, and that are as
    many operations away; if there are none, it is that of the parts as they are added.

    Args:
        trace: of the run, at whose end they are noted.
        parts: each with what it is a multiple of.
        like: on whose line they are noted.
    """
    found = []
    for i, one in enumerate(parts[0]):
        earlier = sum(_are_alike(each, one) for each in parts[0][:i])
        alikes = [[e for e in each if _are_alike(e, one)][: earlier + 1] for each in parts]
        if all(alikes):
            found.append([each[-1] for each in alikes])
    chosen_of = found or [[each[0] for each in parts]]
    return [((_sum(trace, e, like), e[0][1]), tuple(node for node, _ in e)) for e in chosen_of]


def _are_alike(one: Link, other: Link) -> bool:
    return alike(abs(one[1]), abs(other[1]))


def _sum(trace: Trace, parts: Sequence[Link], like: Node) -> Node:
    """A node of the sum of some arrays, as often as they are added, as a multiple of the first."""
    (made, by), *rest = parts

    def noted(name: str, function: np.ufunc, other: Node | float, one: Node = made) -> Node:
        values = (e.value if type(e) is Node else e for e in (one, other))
        node = trace.node(name, function, (one, other), {}, np.asarray(function(*values)))
        node.frames, node.calls, node.sites = like.frames, like.calls, ()
        return node

    for node, factor in rest:
        ratio = abs(factor / by)
        other = node if alike(1.0, ratio) else noted("multiply", np.multiply, ratio, node)
        name, function = ("add", np.add) if factor * by > 0 else ("subtract", np.subtract)
        made = noted(name, function, other, made)
    return made


def others_in(node: Node, below: Node) -> Iterator[Link]:
    """What else a sum is made of; a number, or one of another shape, too; in w · exp(u) it is u."""
    if (moves := exponent(node, below)) is not None:
        yield moves, 1.0
    if node.operation not in ("add", "subtract"):
        return
    first = node.args[0] is below
    if type(other := node.args[1 if first else 0]) is Node:
        yield other, -1.0 if first and node.operation == "subtract" else 1.0


def row_ways(table: Node, before: Collection[Node]) -> Iterator[tuple[list[Node], Places]]:
    """The ways from old rows of a table to what was written into it, and where that is.

    Args:
        table: after the writes.
        before: what it was earlier in the step.
    """
    for value, places in writes_of(table):
        within = ancestors(value)
        for each in (value, *within):
            if part_at(each, places) in before:
                yield way(each, value, within), places
                break


def spread(trace: Trace, row: Node, places: Places, table: Node) -> Node:
    """A node of an array of zeros, as a table is, in which a row stands at some places."""
    nothing = trace.node("constant", None, (), {}, np.zeros_like(np.asarray(table.value)))
    at = np.array(sorted(places))
    value = filled(nothing.value, [(at, np.ravel(row.value))])
    made = trace.node(FILLED, filled, (nothing, ((at, row),)), {}, value)
    made.frames, made.calls, made.sites = row.frames, row.calls, ()
    return made


def hides_a_decay(values: Sequence[Node]) -> bool:
    """Whether all rows that are moved were 0, and a multiple of them is added.

    Args:
        values: of a table, one after another.
    """
    moved = [(old, *row) for old, new in pairwise(values) for row in writes_of(new)]
    return any(_decays(*each) for each in moved) and not any(
        np.any(np.ravel(old.value)[[*places]]) for old, _, places in moved
    )


def _decays(old: Node, value: Node, places: Places) -> bool:
    """Whether a row becomes what has a multiple of the old one in it."""
    before = states_of(old)
    return any(
        each.operation == "multiply" and any(part_at(e, places) in before for e in each.inputs)
        for each in entrywise(value, frozenset())
    )


def commute(trace: Trace, moved: Iterable[Parameter]) -> None:
    """Let what is added to parameters, and to what is kept for them, be a number times a product.

    Where what is added is itself scaled on another line, it is the gradient, with its own number.
    A single number beside arrays may be multiplied by another that all of them are, as to clip it.

    Args:
        trace: of the run.
        moved: the parameters.
    """
    chains = [chain for each in moved for chain in (each.chain, *each.states)]
    least = 1 if all(np.size(chain.values[0].value) == 1 for chain in chains) else 2
    steps = [pair for chain in chains for pair in pairwise(chain.values)]
    products = dict.fromkeys(each for old, new in steps for each in _added(new, old))
    while products:
        pairs = [(e, _scaled(e)) for e in products if np.size(e.value) >= least]
        found = {product: pair for product, pair in pairs if pair is not None}
        trace.postpone({scaled: product for product, (scaled, _) in found.items()})
        for product, pair in found.items():
            _exchange(product, *pair)
        products = dict.fromkeys(scaled for scaled, _ in found.values())  # computed there now


def _added(new: Node, old: Node) -> list[Node]:
    """The products that are added to an old value, if they are scaled on their own lines alone."""
    ways: list[tuple[Node, frozenset[Frame]]] = [(new, frozenset())]
    known, found = {*ways}, []
    for node, scaled in ways:
        terms = [] if node is old else [*links(node)]
        if not terms and node.operation in BILINEAR and scaled <= {*node.frames[:1]}:
            found.append(node)
        for each, by in terms:
            at = each, scaled if abs(by) == 1 else scaled.union(node.frames[:1])
            if at not in known:
                known.add(at)
                ways.append(at)
    return [*dict.fromkeys(found)]


def _scaled(product: Node) -> tuple[Node, int] | None:
    """The operand of a product that is a number times an array, and is used nowhere else.

    With the place of that number among its own operands.
    """
    for each in product.inputs:
        once = each.consumers == [product] and [e is each for e in product.args].count(True) == 1
        place = _number(each) if once else None
        if place is not None:
            return each, place
    return None


def _number(scaled: Node) -> int | None:
    """Which operand is the number by which another one is multiplied, or divided."""
    places = {"multiply": (0, 1), "divide": (1,), "true_divide": (1,)}.get(scaled.operation, ())
    for place in places:
        number, other = scaled.args[place], scaled.args[1 - place]
        known = type(number) is not Node or is_of_numbers(number)
        if known and scalar(number) is not None and type(other) is Node:
            return None if is_of_numbers(other) else place
    return None


def _exchange(product: Node, scaled: Node, place: int) -> None:
    """Compute the product of the array where it was scaled, and scale it where that was used."""
    array, number = scaled.args[1 - place], scaled.args[place]
    args = tuple(array if each is scaled else each for each in product.args)
    scaling = (number, scaled) if place == 0 else (scaled, number)
    kept = scaled.operation, scaled.function, scaled.kwargs
    _recompute(scaled, product.operation, product.function, args, product.kwargs)
    of_product, of_scaled = ((each.frames, each.sites, each.calls) for each in (product, scaled))
    scaled.frames, scaled.sites, scaled.calls = of_product
    product.frames, product.sites, product.calls = of_scaled
    _recompute(product, kept[0], kept[1], scaling, kept[2])


def _recompute(node: Node, name: str, function: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Let a node be another operation."""
    before = node.inputs
    node.operation, node.function, node.args, node.kwargs = name, function, args, kwargs
    node.inputs = nodes_in(args, kwargs)
    for each in before:
        each.consumers[:] = [e for e in each.consumers if e is not node]
    node.uses = 1 << node.number
    for each in node.inputs:
        each.consumers.append(node)
        node.uses |= each.uses
    with np.errstate(all="ignore"):
        made = node.again(lambda e: e.value[()] if np.ndim(e.value) == 0 else e.value)
    node.value = np.asarray(made)
