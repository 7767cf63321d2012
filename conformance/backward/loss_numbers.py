"""The number that a program has for its loss at the parameters of one update.

Left out: the costs that are tried where there is none (`own_pass.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from math import sqrt
from operator import or_
from typing import Any

import numpy as np

from conformance.backward.certain import size_of
from conformance.backward.chain import Arrays, Chain
from conformance.backward.comparable import comparable
from conformance.backward.factor import snapped, usual_factors
from conformance.backward.groups import grouped, operation_key
from conformance.backward.judge_gradients import Forward, distance
from conformance.backward.loss_names import is_named, is_printed
from conformance.backward.recorded_pass import Goal, Recorded, bits
from conformance.backward.source import MOVES, is_float
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes, flat, uses_of_nodes
from conformance.tracing.trace import Trace
from reference.step import Array

LINEAR = ("add", "subtract", "multiply", "divide", "negative", "dot", "matmul", "sum", "inner")

PRINTED = ("log2", "log10", "round", "around", "rint")

LARGEST = 1 << 23  # entries of what many numbers give at once

MOST = 8  # numbers that are tried, the last ones; and of those from which no other is computed


@dataclass(frozen=True, eq=False)
class Fit:
    """How well gradients are those of a number.

    Attributes:
        loss: the number.
        count: how many are, but for a factor that they share.
        factor: given / right.
    """

    loss: Node
    count: int
    factor: float


def candidates(
    nodes: Sequence[Node],
    olds: Sequence[Node],
    news: Sequence[Node],
    gradients: Sequence[Node] = (),
    *,
    shared: bool = True,
) -> list[Node]:
    """The numbers that were computed from old values, and that no new one was computed from.

    One that is a linear function of one is an output, and no loss: it has no minimum. One that was
    computed from all gradients is none either, if there are others: a line search has such. Nor is
    one that is an error, as a new value was computed from the same number of another pass, or one
    of which the operation gives arrays too, as what is kept for each parameter.

    Args:
        nodes: of the run.
        olds: the old values.
        news: the new ones.
        gradients: by which the old values are moved.
        shared: whether all old values are in them, and not only some.
    """
    given = bits_of_nodes(olds)
    later = bits_of_nodes(news)
    used = uses_of_nodes(news)
    until = next_pass(nodes, news)
    after = nodes[max(e.number for e in olds) : until]
    numbers = [each for each in after if np.size(each.value) == 1 and is_float(each)]
    taken = {_key_of(each) for each in numbers if used >> each.number & 1}
    found = [
        each
        for each in numbers
        if (each.uses & given == given if shared else each.uses & given)
        and not each.uses & later
        and not _is_of_an_array(each, used)
        and _key_of(each) not in taken
    ]
    arrays = {operation_key(e) for e in after if np.size(e.value) > 1} if found else ()
    found = [each for each in found if operation_key(each) not in arrays]
    before = [each for each in found if not all(map(each.depends_on, gradients))]
    found = before or found
    ends = _ends(found)
    operations = [*{operation_key(each): each for each in reversed(ends)}.values()]
    sums = sorted({operation_key(e): e for e in found}.values(), key=lambda e: e.number)
    chosen = {*found[-MOST:], *ends[-MOST:], *operations[:MOST], *sums[-MOST:]}
    single = given.bit_count() == 1  # else it may be a loss such as that of a margin
    return [e for e in found if e in chosen and not (single and is_linear(e, given))]


def _ends(numbers: Sequence[Node]) -> list[Node]:
    """Those of which none of the others is made."""
    within = reduce(or_, (each.uses & ~(1 << each.number) for each in numbers), 0)
    return [each for each in numbers if not within >> each.number & 1]


def _key_of(number: Node) -> tuple[Any, float]:
    """What an operation gives, of the same values too, as where a forward pass is repeated."""
    return operation_key(number), float(np.ravel(number.value)[0])


def repeated(nodes: Sequence[Node], olds: Sequence[Node], numbers: Sequence[Node]) -> list[Node]:
    """All numbers of some parameters that the operations give which give these.

    Such as the losses of a hundred micro-batches, of which only the last are candidates.
    """
    every, keys = _by_operation(_numbers_of(nodes, olds)), {*map(operation_key, numbers)}
    own = sorted((e for key in keys for e in every.get(key, ())), key=lambda e: e.number)
    return _until(own, numbers)


def _numbers_of(nodes: Sequence[Node], olds: Sequence[Node]) -> Iterator[Node]:
    """The numbers that are computed of some parameters, of all of them."""
    given = bits_of_nodes(olds)
    own = (each for each in nodes if each.uses & given == given)
    return (each for each in own if np.size(each.value) == 1 and is_float(each))


def _by_operation(nodes: Iterable[Node]) -> dict[Any, list[Node]]:
    found: dict[Any, list[Node]] = {}
    for each in nodes:
        found.setdefault(operation_key(each), []).append(each)
    return found


def _until(nodes: Iterable[Node], last: Sequence[Node]) -> list[Node]:
    """Those up to the last of some others."""
    until = max((each.number for each in last), default=-1)
    return [each for each in nodes if each.number <= until]


def next_pass(nodes: Sequence[Node], news: Sequence[Node]) -> int:
    """The number of the first node that is computed from new values, after all of these."""
    later = bits_of_nodes(news)
    after = nodes[max(e.number for e in news) + 1 :]
    return next((e.number for e in after if e.uses & later), len(nodes))


def of_some(
    nodes: Sequence[Node], olds: Sequence[Node], news: Sequence[Node], known: Sequence[Node]
) -> list[Node]:
    """The numbers of some parameters beside those that are known, as the loss of a critic."""
    return [each for each in candidates(nodes, olds, news, shared=False) if each not in known]


def _is_of_an_array(node: Node, used: int) -> bool:
    """Whether a number, or what it is an entry of, is used, or is an output that is printed."""
    array = node
    while array.operation in MOVES - {FILLED} and len(array.inputs) == 1:
        (array,) = array.inputs
    several = np.size(array.value) > 1 and array.operation != FILLED
    return several or any(used >> each.number & 1 for each in (node, array))


def _sums(trace: Trace, losses: Sequence[Node], goals: Sequence[Goal]) -> Iterator[Node]:
    """The sums of numbers that one operation gives, as one of each micro-batch.

    They may be in a total or a running mean, which has another share of each. Where a number has
    the same share of all, it is the sum of them, and of whatever else it has. One that is computed
    again is the same.
    """
    given, beside = _given(trace, goals), [e.parameter for e in goals]
    groups = grouped([*walk(losses, lambda each: _numbers(each, given))])
    every = _by_operation(_numbers_of(trace.nodes, beside)) if groups else {}
    several = [_until(every.get(operation_key(e.first), ()), e.nodes) for e in groups]
    once = ({np.asarray(e.value).item(): e for e in nodes} for nodes in several)
    alone = [[*each.values()] for each in once]
    several = [ends for nodes in alone if len(ends := _ends(nodes)) > 1]  # of a total there is one
    passes = [of for _, of in _derivatives(Chain(trace), losses)] if several else []
    for nodes in several:
        shares = ({float(np.sum(of(n))) for n in nodes} for of in passes)
        if any(len(each) == 1 and each != {0.0} for each in shares):
            continue
        total, *rest = nodes
        for each in rest:
            value = np.asarray(total.value + each.value)
            total = trace.node("add", np.add, (total, each), {}, value)
            total.frames, total.calls = each.frames, each.calls
        yield total


def _numbers(node: Node, given: int) -> list[Node]:
    """The numbers that a number is a linear function of."""
    linear = node.operation in LINEAR or node.operation in MOVES
    return [e for e in node.inputs if linear and np.size(e.value) == 1 and e.uses & given]


def count_of(node: Node, given: int) -> int:
    """How many operands were computed of what is given: two in `r @ r`."""
    return sum(type(each) is Node and bool(each.uses & given) for each in flat(node.args))


def is_linear(node: Node, given: int) -> bool:
    """Whether a number is a linear function of parameters, and not constant."""
    way = walk([node], lambda each: [e for e in each.inputs if e.uses & given])
    own = (each for each in way if not given >> each.number & 1)
    return bool(given) and all(
        each.operation in (*MOVES, "add", "subtract")
        or (each.operation in LINEAR and count_of(each, given) == 1)
        for each in own
    )


def best_loss(
    trace: Trace, losses: Sequence[Node], goals: tuple[Goal, ...], *, sign: int = 1
) -> Fit | None:
    """The number that most gradients are right by, if any is; of several the nearest in size.

    Args:
        trace: of the step.
        losses: the numbers.
        goals: the gradients.
        sign: −1 if the gradients have to be the negative of the right ones.
    """
    last, given = _last(trace, losses, goals), _given(trace, goals)
    whole = (part for each in losses for part in _shares(each, last))
    tried = [*(_stored(each, given) for each in last), *whole, *_sums(trace, last, goals)]
    runs = _forwards(trace, _multiples(trace, tried, goals, sign), goals)
    fits = [fit for each in runs if (fit := _fit(each, goals, sign)).count]
    return max(fits, key=lambda e: (e.count, -abs(np.log(e.factor)), e.loss.number), default=None)


def fits_of_each(trace: Trace, losses: Sequence[Node], goals: tuple[Goal, ...]) -> list[list[Fit]]:
    """The numbers that each of some gradients is right by."""
    runs = [*_forwards(trace, _last(trace, losses, goals), goals)]
    return [[fit for run in runs if (fit := _fit(run, (each,), 1)).count] for each in goals]


def _multiples(
    trace: Trace, numbers: Sequence[Node], goals: Sequence[Goal], sign: int
) -> list[Node]:
    """Those of some numbers of which a gradient is a multiple: one pass goes back from many."""
    chain, numbers = Chain(trace), [*dict.fromkeys(numbers)]
    if _at_once(chain, numbers) == 1:
        return numbers
    return [
        number
        for number, of in _derivatives(chain, numbers)
        if any(_may_be(chain, goal, of(goal.parameter), sign) for goal in goals)
    ]


def _at_once(chain: Chain, numbers: Sequence[Node]) -> int:
    """From how many of some numbers one pass may go back at once."""
    needed = uses_of_nodes(numbers)
    size = sum(np.size(e.value) for e in chain.nodes if needed >> e.number & 1)
    return max(LARGEST // max(size, 1), 1)


def _derivatives(
    chain: Chain, numbers: Sequence[Node]
) -> Iterator[tuple[Node, Callable[[Node], Array]]]:
    """Each of some numbers, with what gives its derivative by a value."""
    count = _at_once(chain, numbers)

    def by(known: Arrays, i: int, node: Node) -> Array:
        found = known.get(node.number)
        return np.zeros(np.shape(node.value)) if found is None else found[i]

    for some in (numbers[i : i + count] for i in range(0, len(numbers), count)):
        rows = zip(some, np.eye(len(some)), strict=True)
        seeds = {e.number: row.reshape(-1, *(1,) * np.ndim(e.value)) for e, row in rows}
        known = chain.reverse(seeds, lambda _: True)
        yield from ((each, partial(by, known, i)) for i, each in enumerate(some))


def _may_be(chain: Chain, goal: Goal, right: Array, sign: int) -> bool:
    """Whether a gradient is a multiple of what a number gives, or that is not known."""
    given = np.asarray(chain.values[goal.node.number])
    right = comparable(right, given, goal.parameter.value)
    return not np.all(np.isfinite(right)) or _factor(given, right, sign) is not None


def _factor(given: Array, right: Array, sign: int) -> float | None:
    """How many times the right gradient a given one is, but for rounding; None if it is not."""
    size = float(np.vdot(right, right)) if given.shape == right.shape else 0.0
    if not size or not np.isfinite(size):
        return None
    factor = sign * float(np.vdot(given, right)) / size
    near = distance(given, sign * factor * right) <= sqrt(float(np.finfo(given.dtype).eps))
    return factor if factor > 0 and near else None


def _forward(trace: Trace, loss: Node, goals: tuple[Goal, ...]) -> Forward:
    """A forward pass that ends with a number."""
    return Forward(Recorded(trace, loss, goals), Chain(trace))


def _forwards(trace: Trace, losses: Iterable[Node], goals: tuple[Goal, ...]) -> Iterator[Forward]:
    """The same of several numbers, with the same chain."""
    chain = Chain(trace)
    yield from (Forward(Recorded(trace, each, goals), chain) for each in losses)


def _given(trace: Trace, goals: Sequence[Goal]) -> int:
    """The parameters of a step, those that it makes itself too, as bits."""
    return bits_of_nodes(each for each in trace.nodes if each.given) | bits(goals)


def by_name(
    trace: Trace,
    losses: Sequence[Node],
    goals: tuple[Goal, ...],
    has_name: Callable[[Node], bool] = is_named,
) -> list[Node]:
    """The numbers that the program itself calls its loss, and that move with the parameters.

    A sum of the losses of several mini-batches by another name is none.
    """
    own = [each for each in losses if has_name(each)]
    last = (e for e in _last(trace, own or losses, goals) if has_name(e) and not is_of_absolutes(e))
    return [each for each in last if has_gradient(trace, each, goals)]


def is_of_absolutes(node: Node) -> bool:
    """Whether a number is a linear function of absolute values, which is only printed.

    For outputs in (0, 1) and two classes, such a mean is a multiple of a hinge loss.
    """
    way = list(walk([node], lambda e: e.inputs if e.operation in (*LINEAR, "mean", *MOVES) else ()))
    ends = {e.operation for e in way if e.function and e.operation not in (*LINEAR, "mean", *MOVES)}
    return ends == {"absolute"}


def has_gradient(trace: Trace, loss: Node, goals: tuple[Goal, ...]) -> bool:
    """Whether a number moves with the parameters."""
    forward = _forward(trace, loss, goals)
    return any(np.any(forward.right(each.parameter)) for each in goals)


def _last(trace: Trace, losses: Sequence[Node], goals: Sequence[Goal]) -> list[Node]:
    """The numbers that no other of them was computed from, the latest first.

    Of a total or a running mean, which has more in it than depends on these parameters, the term.
    A logarithm of base 2 or 10, or a rounded number, is printed: what is within may be the loss.
    """
    given = _given(trace, goals)
    losses = [each for each in losses if not _is_rounded(each)]
    return [
        _term(each, given)
        for each in reversed(losses)
        if not any(e is not each and e.depends_on(each) for e in losses)
    ]


def _stored(node: Node, given: int) -> Node:
    """A number; or the one that is kept, of which it is a multiple to be printed: sharpe · √252."""
    within = node
    while is_printed(within) and len(numbers := _numbers(within, given)) == 1:
        (within,) = numbers
    return node if is_printed(within) else within


def _is_rounded(node: Node) -> bool:
    """Whether a number is such a one, as it is or as a number of Python."""
    while node.operation in MOVES and len(node.inputs) == 1:
        (node,) = node.inputs
    return node.operation in PRINTED


def _term(node: Node, given: int) -> Node:
    total = _shared(node, "multiply", "divide")  # such as the total of an epoch, divided at its end
    ended = total is not node and len(total.inputs) > 1
    whole = total if ended and total.operation == "add" else node
    parts = [e for e in whole.args if type(e) is Node and e.uses & given]
    if whole.operation != "add" or len(parts) != 1:
        return node
    return _term(_shared(parts[0], "multiply"), given)


def _shares(total: Node, terms: Sequence[Node]) -> Iterator[Node]:
    """What a total adds, where the term in it is a share of that: ½ r² beside r²."""
    if total.operation == "add":
        added = (e for e in total.args if type(e) is Node and _shared(e, "multiply") is not e)
        yield from (each for each in added if _shared(each, "multiply") in terms)


def _shared(node: Node, *by: str) -> Node:
    """What a value is a share of, as of a mean, by some operations with numbers."""
    while node.operation in by and len(node.inputs) == 1:
        (node,) = node.inputs
    return node


def _fit(forward: Forward, goals: tuple[Goal, ...], sign: int) -> Fit:
    """How many gradients are those of a number, but for rounding in their own format.

    One that cancels, such as that of a bias before a batch normalisation, has any factor, and so
    has one of zeros. One number alone is any other number times a factor: it has to be a usual one.
    """
    factors, cancelled, single = [], 0, True
    for each in goals:
        given = np.asarray(forward.chain.values[each.node.number])
        right = comparable(forward.right(each.parameter), given, each.parameter.value)
        size = float(np.vdot(right, right))
        if not size or not np.isfinite(size) or given.shape != right.shape:
            cancelled += given.shape == right.shape and not np.any(given) and not np.any(right)
            continue
        unit = float(np.finfo(given.dtype).eps)
        scale, largest = size_of(right, forward.added(each.parameter), unit), np.max(np.abs(right))
        if scale > largest:
            cancelled += distance(given, right, scale) <= sqrt(unit)
            continue
        factor = _factor(given, right, sign)
        if factor is not None:
            factors.append((factor, sqrt(unit)))
            single = single and right.size == 1
    near = [sum(abs(e / f - 1) <= half for e, half in factors) for f, _ in factors]
    most = max(near, default=0)
    told = factors[near.index(most)][0] if near else 1.0
    if not near or (
        single and most == 1 and snapped(told, usual_factors(forward, goals), free=False) is None
    ):
        return Fit(forward.run.loss, 0, 1.0)
    return Fit(forward.run.loss, most + cancelled, told)
