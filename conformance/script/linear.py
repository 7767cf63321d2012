"""What an operation is a linear function of, entry by entry: the way from a new value to the old.

Of an array also the places that are read, and those that are written into. Left out: which values
are old and new (`chains.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from conformance.backward.source import MOVES, is_float
from conformance.tracing.ancestors import walk
from conformance.tracing.node import (
    FILLED,
    Node,
    flat,
    holds_records,
    is_part,
    recomputed,
    states_of,
    substituted,
    taken,
)
from reference.step import Array

SAME = frozenset(
    {"copy", "array", "asarray", "asanyarray", "ascontiguousarray", "astype", "positive", "copyto"}
)
"""Operations that give what they are given."""

BOUNDED = frozenset({"clip", "minimum", "maximum", "nan_to_num", "round"})
"""Operations that give most of what they are given."""

JOINS = frozenset({"concatenate", "hstack", "append"})
"""Operations that put flat arrays together."""

EXTREMES = frozenset({"minimum", "maximum"})
CHOOSING = EXTREMES | {"where"}
"""Operations of which each entry is that of one of the last two operands."""

ENTRYWISE = frozenset(
    {
        "add", "subtract", "multiply", "divide", "true_divide", "negative", "sqrt", "square",
        "power", "absolute", "reciprocal", "where", "sign", "float_power", "cbrt", "exp", "log",
    }
) | SAME | BOUNDED  # fmt: skip
"""Operations of which each entry comes of the entries at its own place."""

MANY = 256
"""Operations entry by entry, of which no update has more."""

SAME_FACTOR = 1e-9  # two of one step that are the same were computed in another order at most

Link = tuple[Node, float]
"""An operand, and how many times it the result is."""

_OF_NUMBERS: WeakKeyDictionary[Node, bool] = WeakKeyDictionary()
_REJOINED: WeakKeyDictionary[Node, Node | None] = WeakKeyDictionary()
_LINKS: WeakKeyDictionary[Node, tuple[Any, Any, list[Link]]] = WeakKeyDictionary()

Places = frozenset[int]
"""Indices into a flattened array."""


def links(node: Node) -> list[Link]:
    """The operands with the entries of the result that it is a linear function of.

    They are found once, unless the node is changed.
    """
    args, value, found = _LINKS.get(node, (None, None, []))
    if args is not node.args or value is not node.value:
        made = [] if node.function is None or not is_float(node) else _links(node)
        kept = (e for e in made if type(e[0]) is Node and has_entries(e[0], node))
        found = [each for each in kept if is_float(each[0])]
        _LINKS[node] = node.args, node.value, found
    return found


def has_entries(operand: Node, node: Node) -> bool:
    """Whether an operand has as many entries as a result, in their order: (3,) beside (1, 3)."""
    one, other = np.shape(operand.value), np.shape(node.value)
    return one == other or prod(one) == prod(other) > 1


def _links(node: Node) -> Iterator[tuple[Any, float]]:
    args, name = node.args, node.operation
    if name == "add":
        yield args[0], 1.0
        yield args[1], 1.0
    elif name == "subtract" and args[0] is not args[1]:  # else it is 0
        yield args[0], 1.0
        yield args[1], -1.0
    elif name == "negative":
        yield args[0], -1.0
    elif name in ("multiply", "divide", "true_divide") and len(args) > 1:
        yield from _scaled(node)
    elif name == FILLED:
        yield _kept(*args), 1.0
    elif node.function is taken:
        yield _written(*args), 1.0
    elif np.ndim(node.value) == 1 and (name in JOINS or _is_of_list(node)):
        yield rejoined(node), 1.0
    elif name in CHOOSING:
        bound = bound_of(node)
        yield from ((each, 1.0) for each in args[-2:] if each is not bound)
    elif name in SAME or name in BOUNDED:
        yield args[1] if name == "copyto" else args[0], 1.0


def _is_of_list(node: Node) -> bool:
    """Whether single values were put together to an array."""
    return node.operation in ("array", "asarray") and isinstance(node.args[0], list | tuple)


def _scaled(node: Node) -> Iterator[tuple[Any, float]]:
    one, other = node.args[:2]
    if node.operation == "multiply" and (shrunk := thresholded(one, other)) is not None:
        yield shrunk, 1.0
        return
    moved = [e for e in (one, other) if type(e) is Node and exponent(node, e) is not None]
    if moved:
        yield moved[0], 1.0
        return
    alone = np.size(node.value) == 1
    scales = alone and _kind(one) < _kind(other)
    by = None if scales else _number(other, one if alone else None)
    if by is not None and type(one) is Node and (node.operation == "multiply" or by):
        yield one, by if node.operation == "multiply" else 1 / by
    elif node.operation == "multiply":
        by = _number(one, other if alone else None)
        if by is not None:
            yield other, by


def _kind(value: Any) -> tuple[int, bool]:
    """How many axes a single number has, and whether it was computed: the lesser is the factor."""
    made = type(value) is Node and value.function is not None
    return np.ndim(value.value if type(value) is Node else value), made


def _number(value: Any, beside: Any = None) -> float | None:
    """The number that an operand is; beside a single number only one that comes of numbers.

    Or one with no axis that is computed of what it multiplies, as of its norm.
    """
    if beside is None or type(value) is not Node or is_of_numbers(value):
        return scalar(value)
    scales = type(beside) is Node and np.ndim(value.value) < np.ndim(beside.value)
    return scalar(value) if scales and is_of_its_factor(value, beside) else None


def is_of_its_factor(number: Node, other: Node) -> bool:
    """Whether a number is computed of what it multiplies, or of a term of it, and of no other data.

    An error, which the inputs of a neuron are multiplied by, is computed of other data.
    """
    return (
        np.size(number.value) == 1
        and is_of_a_term(number, other)
        and not any(
            each.constant and np.ndim(each.value) and not other.depends_on(each)
            for each in walk([number])
        )
    )


def is_of_a_term(number: Node, other: Node) -> bool:
    """Whether a number is computed of a value, or of what that is a sum of."""
    return any(map(number.depends_on, (other, *operands(other))))


def is_of_numbers(node: Node) -> bool:
    """Whether a value was computed from single numbers alone, which are no parameters."""
    known = _OF_NUMBERS
    if node in known:
        return known[node]
    for each in [*walk([node], lambda each: () if each in known else inputs_taken(each))][::-1]:
        if each not in known:
            single, inputs = np.size(each.value) == 1 and not each.given, inputs_taken(each)
            known[each] = single if each.function is None else all(known[e] for e in inputs)
    return known[node]


def scalar(value: Any) -> float | None:
    """The number that a value is; None if it is an array."""
    if type(value) is Node:
        value = value.value
    if isinstance(value, int | float | np.generic | np.ndarray) and np.size(value) == 1:
        number = np.asarray(value).reshape(())[()]
        return None if np.iscomplexobj(number) or holds_records(number) else float(number)
    return None


def bound_of(node: Node) -> Any:
    """The number that the larger or the smaller of two values is at most; None if it is none.

    It may stand at each place of an array. If both are such, as where all was within a bound
    before, it is what is computed of less.
    """
    if node.operation not in EXTREMES:
        return None
    numbers = [e for e in node.args[:2] if type(e) is not Node or is_of_numbers(e)]
    same = [e for e in numbers if not np.ptp(np.asarray(e.value if type(e) is Node else e))]
    return min(same, key=lambda e: e.uses.bit_count() if type(e) is Node else 0, default=None)


def is_of_some(node: Node, given: int) -> bool:
    """Whether a value is computed of given ones."""
    way = walk([node], inputs_taken) if node.uses & given else ()
    return any(given >> each.number & 1 for each in way)


def inputs_taken(node: Node) -> Sequence[Node]:
    """What a value is computed of; of two single numbers the larger or the smaller alone is that.

    A norm that a bound does not reach is so in no factor, as in min(1, b / n).
    """
    if node.operation not in EXTREMES or np.size(node.value) != 1:
        return node.inputs
    chosen = next((e for e in node.args[:2] if scalar(e) == scalar(node)), None)
    return [chosen] if type(chosen) is Node else []


def _kept(before: Node, writes: Sequence[tuple[Array | None, Any]]) -> Any:
    """Of an array that was written into what it was; what was written, if that is all of it.

    Nothing is kept where a number was written into each place.
    """
    whole = (value for at, value in reversed(writes) if is_whole(at, before))
    return next(whole, None if _is_begun_anew(before, writes) else before)


def _is_begun_anew(before: Node, writes: Sequence[tuple[Array | None, Any]]) -> bool:
    places = [at for at, value in writes if type(value) is not Node and at is not None]
    return len({int(i) for at in places for i in np.ravel(at)}) == np.size(before.value)


def _written(state: Node, index: Any) -> Any:
    """What was written last at the very places that are taken, or put together; None if nothing."""
    while type(state) is Node and state.operation == FILLED:
        before, pairs = state.args
        for at, value in reversed(pairs):
            if at is not None and np.array_equal(at, index):
                return value
        state = before
    together = type(state) is Node and state.operation == "array" and not np.ndim(index)
    return [*flat(state.args[0])][int(index)] if together else None


def operands(node: Node) -> list[Node]:
    """The operands that a value is a linear function of."""
    return [each for each, _ in links(node)]


def alike(one: float, other: float) -> bool:
    """Whether two factors of one step are the same."""
    return abs(one - other) <= SAME_FACTOR * abs(one)


def commonest(factors: Sequence[float]) -> float:
    """The first of some factors that most of them are."""
    return max(factors, key=lambda e: sum(alike(e, other) for other in factors))


def steady(node: Node) -> list[Node]:
    """The same, without what a number multiplies that was computed of arrays, as an error is."""
    factors = [each for each in node.inputs if np.size(each.value) == 1]
    scaled = node.operation in ("multiply", "divide", "true_divide") and np.size(node.value) > 1
    return operands(node) if not scaled or all(map(is_of_numbers, factors)) else []


def ancestors(
    node: Node, most: int = 64, operands: Callable[[Node], list[Node]] = operands
) -> dict[Node, Node]:
    """The values that a value is a linear function of, latest first, each with what it is in.

    Where there are many, the fewest operations away: `m - eta * sum(…)` is m, whatever is summed.
    """
    found = {node: node}
    waiting = [node]
    for each in waiting:
        for operand in operands(each):
            if operand not in found and len(found) <= most:
                found[operand] = each
                waiting.append(operand)
    del found[node]
    return dict(sorted(found.items(), key=lambda each: -each[0].number))


def source(node: Node) -> Node:
    """What a value is a multiple of, as far back as it is one of a single value."""
    while node.function is not None:
        below = [e for e, _ in links(node)]
        if len(below) != 1:
            break
        node = below[0]
    return node


def entrywise(
    node: Node, stop: frozenset[Node], most: int = MANY, places: Places | None = None
) -> set[Node]:
    """All that a value is computed of entry by entry, down to some values.

    Args:
        node: the value.
        stop: what is not followed further.
        most: values that are found.
        places: where the value stands in an array, if it is a part of one.
    """
    found: set[Node] = set()
    waiting = [(node, places)]
    for each, at in waiting:
        if each not in stop and len(found) <= most:
            for operand, there in _entries(each, at, node):
                if operand not in found:
                    found.add(operand)
                    waiting.append((operand, there))
    return found


def _entries(node: Node, at: Places | None, whole: Node) -> Iterator[tuple[Node, Places | None]]:
    """What a value is computed of entry by entry, each with its places if it is a part."""
    table = part_at(node, at)
    if table is not None:
        yield table, None
        return
    passes = node.operation in ENTRYWISE or node.operation == FILLED or node.function is taken
    joins = bool(node.args) and isinstance(node.args[0], list | tuple)  # of numbers, an array
    if not passes or joins:
        return
    if at is None and node in states_of(whole):
        yield from writes_of(node)
    like = whole if at is None else node
    for each in operands(node) if node.function is taken else node.inputs:
        if has_entries(each, like) or not np.ndim(each.value) or _is_of_rows(each, node, like):
            table = part_at(each, at)
            yield (each, at) if table is None else (table, None)


def _is_of_rows(operand: Node, node: Node, like: Node) -> bool:
    """Whether rows or columns are divided by a value, or what they are divided by is of it."""
    one, whole = np.shape(operand.value), np.shape(like.value)
    divides = node.operation in ("divide", "true_divide") and node.args[1] is operand
    known = divides if has_entries(node, like) else has_entries(operand, node)
    pairs = zip(one, whole, strict=False)
    return known and len(one) == len(whole) and all(n in (1, m) for n, m in pairs)


SUMS = ("add", "subtract")


def read_forward(parameter: Node) -> frozenset[Node]:
    """The values by which the forward pass may read a parameter: it, and sums with it.

    Nesterov's momentum reads it where it will be, or what it computes of each entry of that, such
    as the width of which it is the logarithm.
    """
    sums = (each for each in parameter.consumers if each.operation in SUMS)

    def is_read(node: Node) -> bool:
        used = [e for e in node.consumers if e.operation in ENTRYWISE]
        entries = [each for each in used if has_entries(each, parameter)]
        apart = (each for each in entries if each.operation not in SUMS)
        return len(entries) < len(node.consumers) or any(map(is_read, apart))

    return frozenset({parameter, *filter(is_read, sums)})


def kept(old: Node, new: Node, apart: frozenset[Node] = frozenset()) -> float:
    """How many times an old value is in a new one, by all ways: 1 − μ + μ is 1.

    Args:
        old: the one.
        new: the other.
        apart: what keeps nothing, such as a parameter that the old value has moved.
    """
    known = {old: 1.0}
    for node in sorted({new, *ancestors(new)}, key=lambda each: each.number):
        if node.number > old.number and node not in apart:
            known[node] = sum(factor * known.get(each, 0.0) for each, factor in links(node))
    return known.get(new, 0.0)


def way(old: Node, new: Node, within: Mapping[Node, Node]) -> list[Node]:
    """The values from an old one to a new one, each of which is in the next."""
    found = [old]
    while found[-1] is not new:
        found.append(within[found[-1]])
    return found


def links_to(node: Node, wanted: Node) -> Iterator[tuple[Node, float]]:
    """How many times a value is another, along a chain of multiples; nothing if it is not."""
    factor = 1.0
    while node is not wanted:
        found = links(node)
        if len(found) != 1:
            return
        node, by = found[0]
        factor *= by
    yield wanted, factor


def is_signed(node: Node, old: Node) -> bool:
    """Whether a value is a sign by which a parameter moves, and not that of itself: a penalty's."""
    terms = {*node.inputs, *ancestors(node.inputs[0])} if node.operation == "sign" else set()
    made = (each for each in terms if each is not old and each.depends_on(old))
    return any(not links(each) for each in made)


def is_constant(node: Node) -> bool:
    """Whether it is a multiple of what was there before the run began to move it."""
    return source(node).function is None


def rejoined(node: Node) -> Node | None:
    """The array that was taken apart into what is put together in the same order, if one was."""
    if node not in _REJOINED:
        _REJOINED[node] = None
        way = [*walk([node], lambda each: each.inputs if each.operation in MOVES else ())]
        for source in (
            e for e in way if e is not node and np.shape(e.value) == np.shape(node.value)
        ):
            places = np.arange(np.size(source.value), dtype=np.float64)
            path = sorted((e for e in way if e.depends_on(source)), key=lambda e: e.number)
            made = recomputed({source.number: places}, path)
            if made is not None and np.array_equal(made.get(node.number, []), places):
                _REJOINED[node] = source
                break
    return _REJOINED[node]


def thresholded(*factors: Any) -> Node | None:
    """The u of sign(u) · max(|u| − t, 0), which gives most of what it is given, if it is that."""
    for sign, size in (factors, factors[::-1]):
        if getattr(sign, "operation", "") == "sign" and getattr(size, "operation", "") == "maximum":
            u: Node = sign.inputs[0]
            ends = walk([size], lambda each: () if each.operation == "absolute" else each.inputs)
            sizes = [each for each in ends if each.operation == "absolute"]
            if any(np.array_equal(e.args[0].value, u.value) for e in sizes):
                return u
    return None


def exponent(node: Node, moved: Node) -> Node | None:
    """The u of w · exp(u), if u is computed of more than each entry of w: it moves w then."""
    others = [e for e in node.args[:2] if type(e) is Node and e is not moved]
    for each in others if node.operation == "multiply" else ():
        known = each.operation == "exp" and np.shape(each.value) == np.shape(moved.value) != ()
        if known and moved not in entrywise(each, frozenset({moved})) and each.depends_on(moved):
            return each.inputs[0]
    return None


def is_whole(at: Array | None, array: Node) -> bool:
    """Whether some places are all of an array, and each is there once."""
    size = np.size(array.value)
    return at is None or at.size == size == np.unique(at).size


def written_places(node: Node) -> set[int]:
    """The places that were written into; none if they are all, by one write or by numbers."""
    if node.operation != FILLED or any(is_whole(at, node) for at, _ in node.args[1]):
        return set()
    if _is_begun_anew(*node.args):
        return set()
    return {int(i) for at, _ in node.args[1] for i in np.ravel(at)}


def read_places(node: Node, places: Array | None = None, *, alone: bool = False) -> set[int]:
    """The places of an array that an operation takes; all of them if it takes no part.

    Of a view that only parts are taken of, the places of these, unless it is asked for alone.
    """
    places = _places(np.shape(node.inputs[0].value)) if places is None else places
    if node.function is taken and len(node.inputs) == 1:
        places = places.ravel()[node.args[1]]
    elif node.operation == "getitem" and node.args[0] is node.inputs[0]:
        places = places[_index(node)]
    else:
        return {int(i) for i in np.ravel(places)}
    if not alone and node.consumers and all(map(_takes_a_part, node.consumers)):
        return set().union(*(read_places(each, places) for each in node.consumers))
    return {int(i) for i in np.ravel(places)}


def _index(node: Node) -> Any:
    """The index by which a part is taken, of numbers; torch has a list with None for all."""
    value = node.args[1]
    if len(node.inputs) == 1 and not isinstance(value, list):
        return value
    known = substituted(value, lambda each: each.value)
    parts = known if isinstance(known, list) else []
    of_torch = any(each is None or isinstance(each, np.ndarray) for each in parts)
    return tuple(slice(None) if e is None else e for e in parts) if of_torch else known


def _takes_a_part(node: Node) -> bool:
    return len(node.inputs) == 1 and is_part(node)


@lru_cache(maxsize=8)
def _places(shape: tuple[int, ...]) -> Array:
    return np.arange(prod(shape)).reshape(shape)


def writes_of(node: Node) -> Iterator[tuple[Node, Places]]:
    """The values that were written into parts of an array, and where."""
    for at, value in node.args[1] if node.operation == FILLED else ():
        if type(value) is Node and not is_whole(at, node) and np.size(value.value) == np.size(at):
            yield value, frozenset(int(i) for i in np.ravel(at))


def part_at(node: Node, places: Places | None) -> Node | None:
    """The array that a value is the part of which stands at some places; None if it is none."""
    if places is None or not is_part(node) or len(node.inputs) != 1:
        return None
    return node.inputs[0] if read_places(node, alone=True) == places else None


def is_running_mean(old: Node, new: Node) -> bool:
    """Whether a new value is a mean of the old one and of what was computed without it.

    Of an array the rows that are written are, as the centres that are nearest to the data.
    """
    if new.operation == FILLED and new.args[0] is old:
        return all(type(e) is Node and _is_mean(old, e, rows=True) for _, e in new.args[1])
    return _is_mean(old, new, rows=False)


def _is_mean(old: Node, new: Node, *, rows: bool) -> bool:
    """Whether a value is a mean of an array, or of rows of it, and of something else."""
    found = _shares(new, old)
    before = [e for e in found if (is_part(e) and old in e.inputs if rows else e is old)]
    own = sum(found.pop(each) for each in before)
    apart = found and not any(each.depends_on(old) for each in found)
    return bool(apart) and 0 < own < 1 and alike(1.0, own + sum(found.values()))


def _shares(new: Node, old: Node) -> dict[Node, float]:
    """How many times a new value is the old one, and values that are not made of that one."""
    found, times = dict[Node, float](), {new: 1.0}
    waiting = [(-new.number, new)]
    while waiting:  # the latest first: what is computed of a value is later than it
        node = heappop(waiting)[1]
        share = times.pop(node)
        ends = node is old or (is_part(node) and old in node.inputs)
        parts = links(node) if node.depends_on(old) and not ends else []
        for each, factor in parts:
            if each not in times:
                heappush(waiting, (-each.number, each))
            times[each] = times.get(each, 0.0) + share * factor
        if not parts:
            found[node] = found.get(node, 0.0) + share
    return found
