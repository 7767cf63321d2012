"""The rules by which parameters are known to be moved, held to all updates of one parameter.

What is kept is held to the gradients, and the steps to what is kept, by their numbers alone, so it
does not matter how a rule is written. By a sign, or that of a mean that a gradient goes into, move
Lion and plain signs. Left out: Adam and its like (`adaptive.py`).
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from math import isnan
from typing import NamedTuple

import numpy as np

from conformance.backward.source import is_put_again, operands
from conformance.programs.vocabulary import DECAY, bare, kinds_of
from conformance.script.adaptive import adaptive
from conformance.script.former_gradients import of_former_gradients
from conformance.script.histories import (
    OTHER,
    UNKNOWN,
    History,
    Known,
    Mistake,
    Moment,
    by,
    histories,
    is_square,
    multiple,
    precision,
    roots,
    times_of,
)
from conformance.script.linear import (
    CHOOSING,
    SAME_FACTOR,
    alike,
    ancestors,
    entrywise,
    kept,
    links,
    read_forward,
    scalar,
    source,
    way,
)
from conformance.script.multiples import SUMS, decay, shrinking
from conformance.script.quotients import readings
from conformance.script.rates import VARIABLES
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node
from reference.step import Array


def known(
    updates: Sequence[Update],
    factor: float = 1.0,
    place: tuple[int, int] = (1, 1),
    share: float = 0.0,
) -> Known:
    """How one parameter is moved.

    Args:
        updates: of it, one after another.
        factor: of the arrays by which it is moved beside the gradients of the cost.
        place: of it among all parameters, from 1, and how many there are.
        share: of a mean in the steps of others, which its own may have too.
    """
    first = updates[0]
    if any(not each.options for each in updates):
        return UNKNOWN
    if first.signed is not None:
        return _likeliest(map(_by_signs, histories(updates)))
    grown = tuple(_not_shrinking(first))
    eta = abs(first.options[first.own][1])
    if not first.states and first.multiplied:
        return Known(Rule("exponentiated", (("η", eta * factor),)))
    if not first.states and not first.adaptive:
        if (other := of_former_gradients(updates)) is not None:
            return other
        rule = Rule("plain", (("η", eta * factor), *decay(first, eta * factor)))
        forgetting = next(_forgetting(updates), None)
        wrong = (*grown, *_number(updates))
        return Known(rule, wrong) if forgetting is None else Known.wrong(forgetting, *wrong)
    best = _likeliest(_of_history(each, factor, share) for each in histories(updates, place))
    best = _with_decay_of_gradient(updates, place, best) if best == OTHER else best
    if best == OTHER and not all(np.any(made.options[made.own][0].value) for made in updates):
        best = UNKNOWN  # a gradient that is 0 everywhere tells nothing
    eta = dict(best.rule.numbers).get("η", 0.0)
    rule = replace(best.rule, numbers=(*best.rule.numbers, *decay(first, eta)))
    return Known(rule, (*best.mistakes, *grown))


def _with_decay_of_gradient(
    updates: Sequence[Update], place: tuple[int, int], best: Known
) -> Known:
    """A known rule of Adam's kind with a gradient that is multiplied by a decay beside it."""
    apart = [next(_decays_of_gradient(each), None) for each in updates]
    nodes = [each for each in apart if each is not None]
    if len(nodes) == len(updates):
        read = (replace(each, apart=nodes) for each in histories(updates, place))
        if _doubt(_likeliest(_of_history(each, 1.0, 0.0) for each in read)) == 0:
            return Known.wrong(Mistake("decay of gradient", nodes[0]))
    return best


def _decays_of_gradient(made: Update) -> Iterator[Node]:
    """The products of a gradient and a number that is called a decay, in what is added."""
    gradients = [node for node, _ in made.options]
    for node in made.way(gradients[-1]) if made.adaptive else ():
        of = any(each in gradients for each in node.inputs)
        if node.operation == "multiply" and of and kept(node, made.new):
            read = [e for each in operands(node) for e in ast.walk(each)]
            names = (getattr(e, "id", getattr(e, "attr", "")) for e in read)
            if any("penalty" in kinds_of(e) or DECAY.fullmatch(bare(e)) for e in names):
                yield node


def _number(updates: Sequence[Update]) -> Iterator[Mistake]:
    """The number that each update adds to each entry beside a gradient, as one that it forgets."""
    sums = [dict(_numbers_added(each)) for each in updates]
    if sums[0] and all([*each.values()] == [*sums[0].values()] for each in sums):
        yield from (Mistake("number", node, (number,)) for node, number in sums[0].items())


def _numbers_added(made: Update) -> Iterator[tuple[Node, float]]:
    """The sums of a parameter and a number on the way to its new value, each with the number."""
    path = way(made.old, made.new, ancestors(made.new))[:0:-1]
    for node in takewhile(lambda each: each.operation not in CHOOSING, path):  # else of some alone
        numbers = [e for e in node.args if isinstance(e, int | float) and e]
        yield from ((node, e) for e in numbers if node.operation in ("add", "subtract"))


def _forgetting(updates: Sequence[Update]) -> Iterator[Mistake]:
    """Where a multiple of a gradient is added to it, and put where something was kept before.

    A velocity has the multiple of what was kept there.
    """
    found = [next(_added_to_themselves(each), None) for each in updates]
    if found[0] is not None and None not in found[1:] and is_put_again(found[0]):
        yield Mistake("forgets", found[0])


def _added_to_themselves(made: Update) -> Iterator[Node]:
    """The sums of a value of the gradient and a multiple of it."""
    for node in {*made.way(made.options[-1][0]), *(each for each, _ in made.options)}:
        terms = {each: source(each) for each, _ in links(node)}
        of = {*terms.values()}
        if node.operation == "add" and len(terms) > len(of) and not of & {made.old}:
            yield from (node for each in of if each.depends_on(made.old))


def _not_shrinking(made: Update) -> Iterator[Mistake]:
    """Where a parameter grows by a multiple of itself, or is itself subtracted.

    The gradient of a single number may be a multiple of it, any number of times.
    """
    share = shrinking(made)
    if share < 0:
        yield Mistake("growth", _growing(made))
    elif _is_taken_off(made) or (share > 1 and (np.size(made.old.value) > 1 or alike(share, 2.0))):
        yield Mistake("turned", made.new)


def _is_taken_off(made: Update) -> bool:
    """Whether what is taken off a parameter has the whole parameter in it: w −= w − η g."""
    inner = made.new.operation == "subtract" and made.old in made.new.args[:1]
    return inner and abs(kept(made.old, made.new)) <= SAME_FACTOR


def _growing(made: Update) -> Node:
    """Where a multiple of the parameter is added: to what is kept of gradients, or to itself."""
    old = frozenset({made.old})
    grown = (e for e in ancestors(made.new) if e not in old and kept(made.old, e) > 1)
    itself = min(grown, key=lambda each: each.number, default=made.new)
    return next((new for _, new in made.states if made.old in entrywise(new, old)), itself)


def _likeliest(found: Iterable[Known]) -> Known:
    """The first of the least doubtful; those after one without a doubt are not searched for."""
    seen: list[Known] = []
    for each in found:
        if not _doubt(each):
            return each
        seen.append(each)
    return min(seen, key=_doubt, default=OTHER)


def _doubt(one: Known) -> int:
    """A rule comes before a mistake, and a mistake before nothing.

    That another share is added is said last: the gradient may be a multiple of this one. If all
    tell nothing, one of which too little is known may be right.
    """
    if one.rule.kind not in ("other", "unknown"):
        return 0
    nothing = 3 + (one == OTHER)
    return 1 + any(each.kind == "share" for each in one.mistakes) if one.mistakes else nothing


def _of_history(history: History, factor: float, share: float) -> Known:
    """How a parameter is moved, by one array of each update; see `known`."""
    moments, is_adaptive = history.moments, history.updates[0].adaptive
    searches = _kept_corrected, _wrong_powers, _used_before, _undivided
    wrong = tuple(one for each in searches if is_adaptive for one in each(history))
    if wrong:
        return Known.wrong(*wrong)
    if not (moments or history.late) or not history.is_arithmetic():
        return OTHER
    if not is_adaptive:
        one = len(moments) == 1
        return _momentum(history, moments[0], factor * history.share, share) if one else OTHER
    return _likeliest(map(adaptive, readings(history)))


def _momentum(history: History, moment: Moment, factor: float, share: float) -> Known:
    """Gradient descent with momentum: the usual, that of Nesterov, or a quasi-hyperbolic one."""
    if moment.rate < 0 and moment.power == 1:
        return Known.wrong(Mistake("minus", moment.news[0], (moment.rate,)))
    updates, gradients, taken = history.updates, history.arrays, history.taken
    decaying = None if moment.is_mean else moment.with_decay(updates, history.gradients)
    if decaying is None and (not moment.is_mean or moment.power != 1):
        first = updates[0]  # of a single number any decay is a multiple of the gradient
        return UNKNOWN if first.decay and np.size(first.old.value) == 1 else OTHER
    if decaying is not None:
        moment, gradients = decaying
        taken = [np.asarray(each.old.value) - np.asarray(each.new.value) for each in updates]
    rows = [*zip((np.asarray(e.value) for e in moment.news), gradients, taken, strict=True)]
    found: list[tuple[float, _Mix, float]] = []
    for mix in _mixes(moment, rows, share):
        steps = [mix.before * v + mix.beside * g for v, g, _ in rows]
        told = [t for t in map(multiple, taken, steps) if t is not None]
        even = times_of(taken, steps) is not None
        if len(told) == len(rows) and (even or mix.kind in ("momentum", "nesterov")):
            found.append((_spread(told), mix, abs(told[0] * moment.share) * factor))
            if even and mix.kind == "share":
                numbers = moment.share, 1 - moment.rate
                return Known.wrong(Mistake("share", moment.news[0], numbers))
            if mix.numbers == (("ν", share),):
                break
    if not found:
        return next(map(Known.wrong, _slips(moment, rows, updates[0].new)), OTHER)
    spread, mix, eta = min(found, key=lambda each: each[0])  # a number is a multiple of any other
    if share and np.size(updates[0].old.value) == 1 and spread > precision(taken[0]):
        return UNKNOWN
    rule = Rule(mix.kind, (("η", eta), ("μ", moment.rate), *mix.numbers))
    wrong = (*_behind(updates, moment), *_of_products(updates[0], moment, mix.kind))
    return Known.wrong(wrong[0]) if wrong else Known(rule)


def _spread(times: Sequence[float]) -> float:
    """How far some numbers are apart, beside the first."""
    return float(np.ptp(times)) / (abs(times[0]) or 1.0)


class _Mix(NamedTuple):
    """A rule, and how many times what is kept and the gradient are in its steps, but for η."""

    kind: str
    before: float
    beside: float
    numbers: tuple[tuple[str, float], ...] = ()


def _mixes(
    moment: Moment, rows: Sequence[tuple[Array, Array, Array]], share: float
) -> Iterator[_Mix]:
    """What may be taken off, the likeliest first.

    Of a mean v it may be η (ν v + (1 − ν) g): the last step tells ν, and of a single number three.

    Args:
        moment: what is kept.
        rows: of each step what is kept, the gradient, and what is taken off.
        share: ν in the steps of other parameters; 0 if there is none.
    """

    def of_mean(nu: float) -> _Mix:
        return _Mix("qhm", nu * moment.share, (1 - nu) * moment.share, (("ν", nu),))

    single = np.size(rows[0][0]) == 1
    v, g, taken = map(np.ravel, map(np.stack, zip(*rows[0 if single else -1 :], strict=True)))
    is_mean = abs(moment.rate + moment.share - 1) <= precision(v)
    if share:
        yield of_mean(share) if is_mean else _Mix("share", share, 1 - share)
    yield _Mix("momentum", 1.0, 0.0)
    yield _Mix("nesterov", moment.rate, moment.share)
    whole = v.size == g.size == taken.size and bool(np.all(np.isfinite((v, g, taken))))
    if is_mean and whole and len(rows) > 2 * single:
        mean, own = np.linalg.lstsq(np.stack((v, g), axis=1), taken, rcond=None)[0]
        if mean and own / mean > precision(v):
            yield of_mean(float(mean / (mean + own)))


def _slips(
    moment: Moment, rows: Sequence[tuple[Array, Array, Array]], new: Node
) -> Iterator[Mistake]:
    """The step (1 + μ) v′ − μ v of Nesterov with a wrong sign, or without μ."""
    whole, taken = [e for e, _, _ in rows], [e for _, _, e in rows]
    for times in (moment.rate, -1.0):
        before = [times * np.asarray(e.value) for e in moment.olds]
        steps = [(1 + moment.rate) * v + e for v, e in zip(whole, before, strict=True)]
        if times_of(taken, steps) is not None:
            yield Mistake("nesterov", new, (1 + moment.rate, times, -moment.rate))


def _of_products(made: Update, moment: Moment, kind: str) -> Iterator[Mistake]:
    """Where 1 − η is added of a gradient to what keeps μ of itself, and moves by η.

    Or where it moves by μ alone: by the momentum of Nesterov, the gradient is added there.
    """
    old, new = moment.olds[0], moment.news[0]
    products = [e for e in made.way(made.options[-1][0]) if e.operation == "multiply"]
    pairs = [(e, *pair) for e in products for pair in zip(operands(e), e.args, strict=False)]
    rows = [(node, ast.unparse(e), scalar(n)) for node, e, n in pairs if isinstance(e, VARIABLES)]
    added = {ast.unparse(e): scalar(n) for node, e, n in pairs if new.depends_on(node)}
    alone = kind == "momentum" and not kept(made.options[-1][0], made.new, frozenset({new}))
    keeping = {text for node, text, _ in rows if new.depends_on(node) and kept(old, node)}
    for node, text, own in (each for each in rows if each[0].depends_on(new)):
        number = added.get(f"1 - {text}")
        if number is not None and not alike(number, 1 - moment.rate):
            yield Mistake("share", new, (number, 1 - moment.rate))
        again = alone and text in keeping and alike(own or 0.0, moment.rate)
        if again and not kept(new, made.new, frozenset({node})):
            yield Mistake("twice kept", node, (moment.rate,))


def _behind(updates: Sequence[Update], moment: Moment) -> Iterator[Mistake]:
    """Where the forward pass reads the parameter moved against its velocity, and not along."""
    for made, velocity in zip(updates, moment.olds, strict=True):
        along, own = kept(velocity, made.new), frozenset({made.old})
        against = (e for e in read_forward(made.old) if kept(velocity, e, own) * along < 0)
        yield from (Mistake("behind", each) for each in against)


def _kept_corrected(history: History) -> Iterator[Mistake]:
    """The means that are divided by 1 − β^t and kept so, which have to be corrected beside.

    What such a mean keeps of itself tells β at the first update, and has to be that at the others.
    """
    counts = history.counts
    for each in history.moments if counts[0] == 1 and len(counts) > 1 else ():
        shares = [kept(*pair) for pair in zip(each.olds, each.news, strict=True)]
        base = shares[0] / (1 + shares[0]) if shares[0] > 0 else 0.0
        right = base * by(base, counts)
        if base and all(alike(e, float(f)) for e, f in zip(right, shares, strict=True)):
            yield Mistake("kept corrected", each.news[0], (base,))


def _used_before(history: History) -> Iterator[Mistake]:
    """A mean of squares, 0 at first, by whose root it is divided before that of this step is in it.

    The first step is as long as ε makes it, where that is less than what is missing there.
    """
    made, (olds, news) = history.updates, history.late or ([], [])
    if history.moments or not news or np.any(olds[0].value):
        return
    squares = [each**2 for each in history.arrays[: len(news)]]
    share = Moment.of(olds[: len(news)], news).share_of(squares) or 0.0
    divisors = [
        [e for e in roots(*pair) if e.depends_on(pair[1])] for pair in zip(made, olds, strict=True)
    ]
    first = max((float(np.max(each.value)) for each in divisors[0]), default=np.inf)
    if all(divisors) and first**2 < share * float(np.max(squares[0])):
        yield Mistake("before", made[0].new)


def _undivided(history: History) -> Iterator[Mistake]:
    """A gradient times the root of a mean of the squares of the steps, as AdaDelta divides it."""
    (olds, news), taken = history.late or ([], []), history.taken
    if history.moments or not news:
        return
    kept_there, gradient = Moment.of(olds[: len(news)], news), history.gradients[0]
    if kept_there.share_of([each**2 for each in taken[: len(news)]]):
        for epsilon in history.numbers:
            pairs = zip(history.arrays, olds, strict=True)
            steps = [g * np.sqrt(np.asarray(e.value) + epsilon) for g, e in pairs]
            if times := times_of(taken, steps):
                of = (e for e in history.updates[0].way(gradient) if e.depends_on(gradient))
                made = sorted((e for e in of if e.depends_on(olds[0])), key=lambda e: e.number)
                if made and not isnan(times):
                    yield Mistake("undivided", made[0])
                return


def _wrong_powers(history: History) -> Iterator[Mistake]:
    """The means that are not those of the gradient, or of its square, where they have to be."""
    under = [each for each in history.moments if each.is_under_root(history.updates)]
    rest = [each for each in history.moments if each not in under]
    others = [each.power for each in rest]
    sizes = [np.abs(each) for each in history.arrays]
    weights = [np.asarray(each.old.value) ** 2 for each in history.updates]
    wrong = [[e.share_of(of) is not None for of in (sizes, weights)] for e in under]
    found = (each.power or int(any(of)) for each, of in zip(under, wrong, strict=True))
    powers = [each for each in found if each or not others]
    squared = is_square(history.gradients[0])
    if powers == [1] and squared and others == [1]:  # what both keep is a square
        yield Mistake("square", rest[0].news[0])
    elif powers == [1] and not squared and set(others) <= {1}:
        yield Mistake("no square", mixed(history.updates[0], under[0].news[0]))
    elif powers == others == [2]:
        yield Mistake("square", rest[0].news[0])
    elif sorted(powers) == [0, 1] and not others:
        mean, square = sorted(under, key=lambda each: -each.power)
        if square.share_of([np.asarray(each.value) ** 2 for each in mean.news]) is not None:
            yield Mistake("no square", square.news[0])


def mixed(made: Update, state: Node) -> Node:
    """What a state is mixed with something else of the gradient in, for an update; else it."""
    between = entrywise(made.new, frozenset({made.old, state}))
    sums = (e for e in between - {state} if e.operation in SUMS and kept(state, e))
    sums = (e for e in sums if any(_is_beside(each, state, made.old) for each in e.inputs))
    return min(sums, key=lambda each: each.number, default=state)


def _is_beside(node: Node, state: Node, old: Node) -> bool:
    """Whether a value is made of a parameter, and not of a state of it, as an ε is of neither."""
    return node.depends_on(old) and not node.depends_on(state)


class Mixture(NamedTuple):
    """How many times an old mean and how many times a gradient is in a value, at all updates."""

    kept: float
    added: float


def _by_signs(history: History) -> Known:
    """The rule of updates by signs, and what is wrong: β1 is of the mean within, β2 of the kept."""
    updates, gradients, first = history.updates, history.gradients, history.updates[0]
    eta = abs(next(by for node, by in first.options if node is gradients[0]))
    if not first.parameter.states:
        inner = all(e.signed is g for e, g in zip(updates, gradients, strict=True))
        return Known(Rule("signs", (("η", eta), *decay(first, eta)))) if inner else OTHER
    rows = _rows(updates)
    mixed, olds, news = zip(*rows, strict=True) if rows else ((), (), ())
    seen = [each for each in news if each is not None]
    if not _tells_signs(seen, olds, gradients):
        return UNKNOWN if rows else OTHER
    within, kept = _mixture(mixed, olds, gradients), _mixture(seen, olds, gradients)
    if within is None or kept is None or not (within.added and kept.added):
        return OTHER
    far = abs(abs(kept.kept) + abs(kept.added) - 1)
    if far > precision(np.asarray(first.new.value)) or within.kept < 0 or kept.kept < 0:
        return OTHER
    if within.kept * within.added * kept.added < 0:
        return Known.wrong(Mistake("minus", seen[0] if kept.added < 0 else mixed[0]))
    eta /= abs(within.added)
    share = within.kept / (within.kept + abs(within.added))
    of_mean = mixed == news  # what is kept is that of which the sign is taken
    shares = (("β", share),) if of_mean else (("β1", share), ("β2", kept.kept))
    rule = Rule("signum" if of_mean else "lion", (("η", eta), *shares, *decay(first, eta)))
    return Known(rule)


def _rows(updates: Sequence[Update]) -> list[tuple[Node, Node, Node | None]]:
    """Of each update what its sign is of, and what is kept before it and after it, if it is seen.

    Nothing if it keeps several things, or is by no sign.
    """
    kept, *others = updates[0].parameter.states
    new_of = dict(pairwise(kept.values))
    found = []
    for each in updates:
        if others or each.signed is None:
            return []
        read = [e for e in kept.values if each.signed.depends_on(e) and e is not each.signed]
        old = max(read, key=lambda e: e.number, default=kept.values[0])
        found.append((each.signed, old, new_of.get(old)))
    return found


def _tells_signs(news: Sequence[Node], olds: Sequence[Node], gradients: Sequence[Node]) -> bool:
    """Whether two entries are there at least, and what is kept is no multiple of the gradients."""
    matrix = _matrix(olds, gradients)[: _entries(news).size] if news else np.zeros((0, 2))
    numbers = bool(np.all(np.isfinite(matrix)))
    return numbers and np.linalg.matrix_rank(matrix) == len(Mixture._fields)


def _mixture(
    values: Sequence[Node], olds: Sequence[Node], gradients: Sequence[Node]
) -> Mixture | None:
    """How often the old values and the gradients are in some values; None if they are not all.

    What is 0 before the first update tells nothing there, and one entry tells nothing by itself:
    all updates tell it together.
    """
    made = _entries(values)
    matrix = _matrix(olds, gradients)[: made.size]
    if not np.all(np.isfinite(made)):
        return None
    shares = np.linalg.lstsq(matrix, made, rcond=None)[0]
    shares[np.abs(shares) <= SAME_FACTOR] = 0.0  # which is rounding
    far = np.max(np.abs(made - matrix @ shares), initial=0.0)
    near = far <= precision(np.asarray(values[0].value)) * np.max(np.abs(made), initial=0.0)
    return Mixture(*map(float, shares)) if near else None


def _matrix(olds: Sequence[Node], gradients: Sequence[Node]) -> Array:
    return np.stack((_entries(olds), _entries(gradients)), axis=1)


def _entries(nodes: Sequence[Node]) -> Array:
    return np.concatenate([np.ravel(np.asarray(e.value, dtype=np.float64)) for e in nodes])
