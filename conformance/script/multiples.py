"""The arrays that updates add multiples of, the same number of times, and how parameters decay.

What moves a parameter may be clipped, or the sign of a gradient: then the gradient is an array
within it. Left out: how an update is read (`update_reader.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from conformance.backward.factor import conventions
from conformance.backward.named_numbers import stated_numbers
from conformance.backward.source import MOVES
from conformance.script.linear import (
    SAME_FACTOR,
    alike,
    ancestors,
    bound_of,
    entrywise,
    kept,
    read_forward,
    scalar,
    source,
)
from conformance.script.update import Multiple, Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node
from conformance.tracing.vectorized import put_in_shape
from reference.step import Array


def common(updates: Sequence[Update]) -> list[list[Multiple]]:
    """The choices of one array a parameter that are added the same number of times, but for signs.

    The first is that of the arrays which the updates themselves multiply, if it is one; else what
    is added once.
    """
    if any(not each.options for each in updates):
        return []
    first, *rest = updates
    found: list[list[Multiple]] = []
    for multiple in first.options:
        chosen = [[e for e in each.options if alike(abs(multiple[1]), abs(e[1]))] for each in rest]
        if all(chosen):
            found.append([multiple, *(each[0] for each in chosen)])
    own = [each.options[each.own] for each in updates]
    if all(alike(abs(own[0][1]), abs(each)) for _, each in own):
        return [
            own,
            *(each for each in found if abs(each[0][1]) < abs(own[0][1]) * (1 - SAME_FACTOR)),
        ]
    return found[-1:]


def usual(chosen: Sequence[Multiple]) -> list[float]:
    """The factors that the most parameters are moved by, the likeliest first.

    Of as many the one that descends comes first, then the least: a mean, and not a sum.
    """
    factors = [factor for _, factor in chosen]
    counts = {each: sum(alike(each, other) for other in factors) for each in factors}
    most = max(counts.values())
    return sorted((e for e in counts if counts[e] == most), key=lambda e: (e > 0, abs(e)))


def is_convention(factor: float, lengths: Iterable[int]) -> bool:
    """Whether a factor is made of 2 and of one of some lengths, or its inverse."""
    return any(alike(factor, each) for n in lengths for each in conventions((n,)))


ALTERED = frozenset({"sign", "nan_to_num"})

SUMS = ("add", "subtract")
PRODUCTS = ("multiply", "divide", "true_divide")

DEEPEST = 4  # operations that are gone through
RATES = 4  # products by which a parameter is moved, of which a number may be a rate


def is_altered(node: Node) -> bool:
    """Whether a parameter may be moved by a value in the place of the gradient that it is made of.

    It keeps the gradient within bounds, or takes its signs.
    """
    return node.operation in ALTERED or is_bounded(node)


def is_bounded(node: Node) -> bool:
    """Whether a value is another one within bounds that are numbers."""
    return node.operation == "clip" or bound_of(node) is not None


def inner_choices(updates: Sequence[Update]) -> Iterator[list[Multiple]]:
    """An array within what moves each parameter, for all as deep or as deep as there is one."""
    if not all(each.options for each in updates):
        return
    found = [[made.options[made.own], *_within(made)] for made in updates]
    for depth in range(1, max(map(len, found))):
        yield [each[min(depth, len(each) - 1)] for each in found]


def is_rated(made: Update, gradient: Node) -> bool:
    """Whether each entry of a gradient has a rate of its own, and what moves a parameter is that.

    Such rates are numbers above 0 that were there before the parameters were used.
    """
    return _entry_rates(made, gradient) is not None


def rated(made: Update) -> tuple[Multiple, Array] | None:
    """The gradient of which each entry has a rate of its own, not all alike, with these."""
    for found in _within(made) if made.options else ():
        rates = _entry_rates(made, found[0])
        if rates is not None and np.ptp(rates):
            return found, rates
    return None


def _entry_rates(made: Update, gradient: Node) -> Array | None:
    node, by = made.options[made.own][0], np.ones(np.shape(gradient.value))
    while node is not gradient:
        below = [e for e in node.args[:2] if type(e) is Node and e.depends_on(gradient)]
        rates = [e for e in node.args[:2] if type(e) is not Node or e not in below]
        turned = node.operation != "multiply" and below[:1] != [*node.args[:1]]
        known = node.operation in PRODUCTS and not turned and len(below) == 1
        if not known or not all(_is_of_rates(each, made.old) for each in rates):
            return None
        for each in rates:
            value = np.asarray(each.value if type(each) is Node else each)
            by = by * value if node.operation == "multiply" else by / value
        (node,) = below
    return by


def _is_of_rates(value: Any, old: Node) -> bool:
    """Whether a value is numbers above 0 that were there before a parameter was used."""
    positive = bool(np.all(np.asarray(value.value if type(value) is Node else value) > 0))
    if not positive or type(value) is not Node:
        return positive
    while value.operation in MOVES and value.inputs:
        value = value.inputs[0]
    return value.function is None or all(value.number < each.number for each in old.consumers)


def unaltered(made: Update) -> list[Multiple]:
    """What is altered to what moves a parameter, from step to step."""
    found = list[Multiple]()
    if not made.options:
        return found
    node, factor = made.options[made.own]
    for inner, by in made.options[made.own + 1 :]:
        if by != factor or not all(map(is_altered, made.parts_of(node))):
            break
        node = inner
        found.append((node, factor))
    return found


def _within(made: Update) -> Iterator[Multiple]:
    """The arrays within what moves a parameter, each as often as it is added."""
    kept = {each for chain in made.parameter.states for each in chain.values}
    node, factor = made.options[made.own]
    for before in unaltered(made):
        yield before
        node = before[0]
    for _ in range(DEEPEST):
        below = _operand(node, made.old, kept)
        if below is None:
            return
        node = below
        yield node, factor


def _operand(node: Node, old: Node, kept: set[Node]) -> Node | None:
    """The only array that an operation takes beside what is kept, if it is one that alters it.

    A number by which it is multiplied has to be computed from it, as from its norm: any other is a
    part of a gradient. 1 stands where a gradient is too short to be clipped. Numbers may stand at
    some places of it, which it tells itself, or at which they are written.
    """
    shape = np.shape(node.value)
    if node.operation in ("where", FILLED):
        return _with_numbers(node, old)
    arrays = [e for e in node.args[:2] if type(e) is Node and np.shape(e.value) == shape]
    moving = [e for e in arrays if e.depends_on(old)]
    if is_altered(node):
        return moving[0] if moving else None
    rest = [e for e in moving if not _holds(e, old, kept)]
    if len(rest) < len(moving):  # beside a decay it is only what alters a gradient
        altered = [e for e in moving if is_altered(e)]
        rest = altered if len(altered) == 1 else rest
    if node.operation == "multiply" and rest[1:]:  # a sign, times sizes that are kept for it
        rest = [each for each in rest if each.operation == "sign"] or rest
    if rest[1:] and node.operation in PRODUCTS and rest[1].depends_on(source(rest[0])):
        rest = rest[:1]  # it is divided by its own size
    if node.operation not in (*SUMS, *PRODUCTS) or len(rest) != 1:
        return None
    others = [e for e in node.args[:2] if e is not rest[0]]
    sizes = [np.size(e.value if type(e) is Node else e) for e in others]
    rated = all(n > 1 and _is_of_rates(e, old) for n, e in zip(sizes, others, strict=True))
    known = len(arrays) > 1 or rated or all(_alters(e, source(rest[0])) for e in others)
    return rest[0] if known else None


def _with_numbers(node: Node, old: Node) -> Node | None:
    """The array in which numbers stand at some places; None if they are no numbers."""
    if node.operation == FILLED:
        array, writes = node.args
        return array if all(type(value) is not Node for _, value in writes) else None
    where, *values = node.args
    arrays = [each for each in values if _is_of(each, old)]
    return arrays[0] if len(arrays) == 1 and _is_of(where, arrays[0]) else None


def _alters(value: Any, gradient: Node) -> bool:
    """Whether an operand is 1, some zeros and ones, or computed from a gradient."""
    if _is_of(value, gradient) or scalar(value) == 1:
        return True
    mask = value.value if type(value) is Node and value.function is None else value
    return isinstance(mask, np.ndarray) and bool(np.all((mask == 0) | (mask == 1)))


def _is_of(value: Any, node: Node) -> bool:
    """Whether a value was computed from another."""
    return type(value) is Node and value.depends_on(node)


def _holds(node: Node, old: Node, kept: set[Node]) -> bool:
    """Whether a value is made of what is kept, entry by entry."""
    return not kept.isdisjoint({node, *entrywise(node, frozenset({old, *kept}))})


def shrinking(made: Update) -> float:
    """How many times a parameter is taken away; less than 0 if it grows."""
    share = made.decay or made.after
    return share if abs(share) > SAME_FACTOR else 0.0


def decay(made: Update, eta: float) -> tuple[tuple[str, float], ...]:
    """By how much a parameter decays: as a number that the program states, or else times η."""
    share = shrinking(made)
    if not share:
        return ()
    known = (alike(each, share) or alike(each, 1 - share) for each in stated_numbers(made.new))
    return (("λ", share if not eta or any(known) else share / eta),)


def rates_of(updates: Sequence[Update]) -> tuple[float, ...]:
    """The numbers by which what is taken off parameters is multiplied, such as η: the last ones.

    Those by which a parameter itself is multiplied are none, such as that of its decay. Of entries
    that are put together each has to be multiplied by it.
    """
    found = dict[float, None]()
    for made in updates:
        way = [each for each in made.way() if made.old not in each.inputs]
        together = (each for each in way if each.function is put_in_shape)
        found |= {rate: None for each in together for rate in _rates_of_entries(each)}
        products = (each for each in way if each.operation in PRODUCTS)
        for node in sorted(products, key=lambda each: -each.number)[:RATES]:
            numbers = (abs(scalar(e) or 0.0) for e in node.args[:2] if type(e) is not Node)
            found |= dict.fromkeys(each for each in numbers if each not in (0.0, 1.0))
    return tuple(found)


def _rates_of_entries(node: Node) -> list[float]:
    """The numbers by which each entry of an array is multiplied."""
    found = list[list[float]]()
    for entry in node.inputs:
        walked = walk([entry], lambda e: e.inputs if e.operation in PRODUCTS else ())
        products = (each for each in walked if each.operation in PRODUCTS)
        found.append([abs(e) for each in products for e in each.args if isinstance(e, float)])
    return [e for e in found[0] if all(e in each for each in found)] if found else []


def ahead_of(made: Update) -> Node | None:
    """A sum of a parameter and its velocity, beside its new value, which the forward pass reads."""
    on_the_way = {made.new, *ancestors(made.new)} - read_forward(made.old)
    sums = (e for e in made.old.consumers if e.operation in ("add", "subtract"))
    beside = [each for each in sums if each is not made.new and each not in on_the_way]
    beside = [e for e in beside if e.consumers and alike(kept(made.old, e), 1.0)]
    own = frozenset({made.old})
    return next((e for e in beside for old, _ in made.states if kept(old, e, own)), None)


def dual_of(made: Update) -> Node | None:
    """What is made of a sum of gradients from zeros alone, and goes down along what is added to it.

    So goes the parameter of dual averaging, at which the gradients are taken.
    """
    gradient, by = made.options[made.own] if made.options else (made.old, 0.0)
    if by <= 0 or np.any(made.parameter.values[0].value):
        return None
    end, after = _made_alone_of(made, gradient)
    if end is made.old or np.shape(end.value) != np.shape(gradient.value):
        return None
    return end if np.vdot(after - np.asarray(end.value), gradient.value) < 0 else None


def _made_alone_of(made: Update, gradient: Node) -> tuple[Node, Any]:
    """What stands for a parameter on all ways to a gradient, and what it is after the update."""
    after = dict[Node, Any]({made.old: made.new.value})
    way = walk([gradient], lambda each: [e for e in each.inputs if e.depends_on(made.old)])
    ends = set[Node]()
    for node in sorted({*way} - {made.old}, key=lambda each: each.number):
        if all(e in after or np.size(e.value) == 1 for e in node.inputs):
            after[node] = node.again(lambda each: np.asarray(after.get(each, each.value))[()])
        else:
            ends |= {e for e in node.inputs if e in after}
    end = ends.pop() if len(ends) == 1 else made.old
    return end, np.asarray(after[end])
