"""What is wrong with how parameters are moved, and with what is kept for it, by right gradients.

Left out: the gradients (`judge_updates.py`), and which rule it is (`known_rules.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.findings import Accused, Cause, Line, merged
from conformance.backward.source import is_float, lines_of
from conformance.backward.source import operands as operands_of
from conformance.backward.syntax import assigned_around
from conformance.script.histories import OTHER, UNKNOWN, Known, of_others
from conformance.script.judgement import Judgement
from conformance.script.kept_states import accused, not_kept, overwritten, unwritten
from conformance.script.kept_sums import adding_up, exchanged_shares, forgetting, of_numbers
from conformance.script.known_rules import known, mixed
from conformance.script.linear import (
    alike,
    ancestors,
    commonest,
    entrywise,
    kept,
    read_forward,
    way,
)
from conformance.script.means import means_of_means
from conformance.script.multiples import ahead_of, shrinking
from conformance.script.own_rates import at_own_rates
from conformance.script.rates import (
    doubled_rate,
    measured_to,
    number_apart,
    rate_of_rule,
    unused_rate,
)
from conformance.script.rebound_states import rebound
from conformance.script.rows import Carried
from conformance.script.tied_rates import without_a_tie
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node
from reference.step import Array

NOISE = 1e-9  # of the largest gradient: less is what rounding leaves of 0


def rules(results: Sequence[Judgement], rates: Sequence[float] = ()) -> list[Known]:
    """How each parameter is moved.

    Args:
        results: the updates.
        rates: of the arrays by which each is moved beside the gradients of the cost; 1 if not
            given.
    """
    of_all = [*zip(*(each.updates for each in results), strict=True)]
    rates = rates or [1.0] * len(of_all)
    found = _known(of_all, rates)
    found = _by_one_mean(of_all, rates, found)
    found = [
        UNKNOWN if e.rule.kind == "other" and _is_noise(of_all, i) else e
        for i, e in enumerate(found)
    ]
    if any(each.mixed for each in results):
        return [Known(Rule("mixed")) for _ in found]
    unread = [each.rated for each in results if each.altered]
    instead = Known(Rule("plain" if all(unread) else "other"))
    found = [instead if unread and _is_by_multiples(e) else e for e in found]
    by_signs = Known(Rule("signs"))
    return [by_signs if e == OTHER and _is_by_sizes(results, i) else e for i, e in enumerate(found)]


def _is_by_sizes(results: Sequence[Judgement], place: int) -> bool:
    """Whether a parameter moves by signs of its gradients, each entry by a size of its own.

    As by Rprop: the size does not shrink where the sign is kept, nor grow where it turns. An entry
    may stop there once.
    """
    signs, sizes = list[Array](), list[Array]()
    for each in [each for each in results if each.chosen]:
        made, (gradient, by) = each.updates[place], each.chosen[place]
        signed = any(e.operation == "sign" for e in made.way(gradient))
        if not signed or shrinking(made):
            return False
        step = np.asarray(made.new.value) - np.asarray(made.old.value)
        signs.append(np.sign(by * np.asarray(gradient.value)))
        sizes.append(step * signs[-1])
    rounding = NOISE * float(np.max(np.abs(sizes), initial=0.0))
    if not (sizes and np.any(sizes[0])) or np.min(sizes) < -rounding:
        return False
    for (sign, size), (after, new) in pairwise(zip(signs, sizes, strict=True)):
        turns, grown = sign * after * (size > 0), new - size
        if np.any(grown[turns > 0] < -rounding) or np.any(grown[turns < 0] > rounding):
            return False
    return True


def _known(
    of_all: Sequence[Sequence[Update]], rates: Sequence[float], share: float = 0.0
) -> list[Known]:
    each_of = enumerate(zip(of_all, rates, strict=True), 1)
    return [known(each, rate, (i, len(of_all)), share) for i, (each, rate) in each_of]


def _by_one_mean(
    of_all: Sequence[Sequence[Update]], rates: Sequence[float], found: list[Known]
) -> list[Known]:
    """The same, by the share of a mean that most steps may have: of some it is told badly."""
    means = _means(found)
    tried = dict[float, list[Known]]()
    for each in means:
        if each not in tried:
            tried[each] = _known(of_all, rates, each)
            means += _means(tried[each])
    counts = {each: _means(one).count(each) for each, one in tried.items()}
    return tried[max(counts, key=counts.__getitem__)] if counts else found


def _means(found: Sequence[Known]) -> list[float]:
    return [number for each in found for name, number in each.rule.numbers if name == "ν"]


def _is_noise(of_all: Sequence[Sequence[Update]], place: int) -> bool:
    """Whether the gradients of a parameter are rounding beside the others, and tell no rule.

    As those of a bias before a batch normalisation, which Adam divides by their own size.
    """

    def size(made: Sequence[Update]) -> float:
        gradients = (each.options[each.own][0].value for each in made if each.options)
        return max((float(np.max(np.abs(each), initial=0.0)) for each in gradients), default=0.0)

    return size(of_all[place]) <= NOISE * max(map(size, of_all))


def _is_by_multiples(one: Known) -> bool:
    """Whether a rule says that multiples of the gradients are taken off."""
    return one.rule.kind in ("plain", "momentum", "nesterov", "qhm")


def faults(results: Sequence[Judgement], told: Sequence[Known], *, counts: bool) -> list[Accused]:
    """What is wrong with the updates: the first kind that something is found of.

    Args:
        results: the updates.
        told: how each is moved.
        counts: whether what moves them counts the updates.
    """
    if any(each.mixed for each in results):  # what a step makes of its gradient is not judged
        return [e for each in results for e in uneven(each, told)]
    searches: list[Iterator[Accused]] = [
        not_kept(results),
        rebound(results),
        unwritten(results),
        overwritten(results),
        *(shared(each) for each in results),
        *(adding_up(each) for each in results),
        of_numbers(results[-1]),
        mistaken(results, told, counts=counts),
        not_ahead(results[0], told),
        *(not_finite(each) for each in results),
        uneven_means(results[0], told),
        *(uneven(each, told) for each in results),
        uneven_rates(results, told),
        twice_rated(results[0]),
        without_rate(results[0], told),
        means_of_means(results[0]),
        *(forgetting(each) for each in results),
        *(exchanged_shares(each) for each in results),
    ]
    found = (list(each) for each in searches)
    first = next((each for each in found if each), [])
    return [*merged(first, lambda each: (each.lines, each.cause))]  # of one line and one cause


def uneven(judgement: Judgement, told: Sequence[Known]) -> Iterator[Accused]:
    """The parameters that are moved by another factor than the others, if their gradients agree.

    Args:
        judgement: of an update.
        told: how each is moved: by no known rule, where others are, it is the wrong one.
    """
    if not judgement.ok or not judgement.chosen:
        return
    shares = [
        sum(kept(made.parts_of(g)[0], new) for _, new in made.states[:1])
        for made, (g, _) in zip(judgement.updates, judgement.chosen, strict=True)
    ]
    turned = [*map(np.sign, shares)]
    measured = [
        _is_measured(made, g)
        for made, (g, _) in zip(judgement.updates, judgement.chosen, strict=True)
    ]
    usual_of = judgement.factors or _of_known(judgement, told) or _factors(judgement, measured)
    own = without_a_tie(judgement, usual_of)
    pairs = zip(turned, judgement.chosen, own, strict=True)
    down = [sign for sign, (_, factor), most in pairs if factor * most > 0]
    usual = max(down or turned, key=turned.count)
    any_rate = judgement.altered and judgement.rated  # each entry has its own
    any_rate = any_rate or any(each.adaptive for each in judgement.updates)
    even = zip(shares, judgement.chosen, own, strict=True)
    share = commonest([e for e, (_, factor), most in even if alike(factor, most)] or shares)
    rated = at_own_rates(judgement, own)
    rows = zip(judgement.updates, judgement.chosen, own, turned, rated, strict=True)
    for i, (each, (_, factor), most, sign, is_rated) in enumerate(rows):
        ratio = factor / most
        free = any_rate or is_rated or measured[i]
        if ratio < 0 or not (free or alike(1.0, ratio)):
            kind = "ascends" if ratio < 0 else "step"
            last = sign == usual if ratio < 0 else alike(share, shares[i])
            lines = lines_of(each.new) if last else _line(each)
            lacks = number_apart(judgement, each, 1 / ratio)
            yield accused(each, lines, Cause(kind, factor=ratio, changed=lacks))


def _of_known(judgement: Judgement, told: Sequence[Known]) -> list[float]:
    """The factor of those that a known rule moves, for all; nothing if all are, or none is."""
    rows = zip(judgement.chosen, told, strict=True)
    factors = [factor for (_, factor), each in rows if each.rule.kind not in ("other", "unknown")]
    one = factors and all(alike(factors[0], each) for each in factors)
    return factors[:1] * len(told) if one and len(factors) < len(told) else []


def _factors(judgement: Judgement, measured: Sequence[bool]) -> list[float]:
    """The factor of each parameter's network: that by which most of its parameters are moved.

    Two parameters belong to one network if the gradient of each is computed from the other; all do
    if no gradient is computed from another parameter. Of those that are clipped each has its own:
    the others tell.
    """
    bare = [by for (_, by), one in zip(judgement.chosen, measured, strict=True) if not one]
    measured = measured if bare else [False] * len(measured)  # if all are, their signs tell
    most = commonest(bare) if any(measured) else judgement.factor
    olds = [each.old for each in judgement.updates]
    pairs = list(zip(olds, judgement.chosen, strict=True))
    others = (g.depends_on(e) for old, (g, _) in pairs for e in olds if e is not old)
    if not any(others):
        return [most] * len(pairs)

    def of(one: int) -> float:
        old, (gradient, _) = pairs[one]
        beside = [
            factor
            for i, (other, (back, factor)) in enumerate(pairs)
            if i == one or (gradient.depends_on(other) and back.depends_on(old) and not measured[i])
        ]
        whole = len(beside) == len(pairs)
        usual = most if whole else commonest(beside)
        turned = judgement.examined.cost == "unknown" and usual * judgement.factor < 0
        return -usual if turned else usual

    return [of(i) for i in range(len(pairs))]


def _is_measured(made: Update, gradient: Node) -> bool:
    """Whether a gradient is multiplied by a number that is computed, such as from its norm."""
    within = {made.new, *entrywise(made.new, frozenset({made.old, *made.parts_of(gradient)}))}
    numbers = (each for node in within for each in node.inputs if np.size(each.value) == 1)
    way = {*ancestors(made.new), *(e for e, _ in made.options)}  # of one number, numbers, too
    return any(each.depends_on(made.old) and each not in way for each in numbers)


def mistaken(
    results: Sequence[Judgement], told: Sequence[Known], *, counts: bool
) -> Iterator[Accused]:
    """The parameters that are moved by what would be a known rule, but for a mistake.

    Adam without corrections may be meant, unless it counts its updates.
    """
    of_all = [*zip(*(each.updates for each in results), strict=True)]
    for i, (made, each) in enumerate(zip(results[0].updates, told, strict=True)):
        for one in each.mistakes:
            lines = one.lines or lines_of(one.node)
            yield accused(made, lines, Cause(one.kind, numbers=one.numbers))
        if each.rule.kind.startswith("uncorrected ") and counts:
            yield accused(made, lines_of(made.new), Cause("uncorrected"))
        if each.rule.kind == "other" and not each.mistakes:
            for other, node in of_others(of_all, i):
                names = made.name, results[0].updates[other].name
                yield accused(made, lines_of(node), Cause("other", names=names))


def not_ahead(judgement: Judgement, told: Sequence[Known]) -> Iterator[Accused]:
    """The parameters whose gradients are taken where they are, and those of others ahead."""
    ahead = [ahead_of(each) for each in judgement.updates]
    unread = [_unread_sum(each) for each in judgement.updates]
    known = [each for each in (*ahead, *unread) if each is not None]
    if known and {each.rule.kind for each in told} == {"momentum"}:
        for made, each, left in zip(judgement.updates, ahead, unread, strict=True):
            if each is None and (moved := next(_moved_ahead(made), None)):
                yield accused(made, lines_of(moved), Cause("ahead"))
            elif each is None:
                users = [e for e in made.old.consumers if e is not made.new]
                reader = next((e for e in users if left and made.new.depends_on(e)), None)
                lines = lines_of(known[0]) if reader is None else _read_beside(left, reader)
                yield accused(made, lines, Cause("behind"))


def _moved_ahead(made: Update) -> Iterator[Node]:
    """Where a velocity is added to what is ahead of a parameter already, by its own share of it."""
    for old, new in made.states[-1:]:
        if alike(kept(new, made.new), 1 + kept(old, new, read_forward(made.old))):
            yield from way(made.old, made.new, ancestors(made.new))[1:2]


def _unread_sum(made: Update) -> Node | None:
    """A sum of a parameter and what is made of its velocity, of which nothing is computed."""
    sums = (e for e in made.old.consumers if e.operation in ("add", "subtract"))
    unread = [each for each in sums if each is not made.new and not each.consumers]
    olds = [old for old, _ in made.states]
    return next((each for each in unread if any(map(each.depends_on, olds))), None)


def _read_beside(left: Node | None, reader: Node) -> tuple[Line, ...]:
    """The line that leads to a reader, in the function that computes what is left unread."""
    own = [(each.file, each.function) for each in (left.frames if left else ())[:1]]
    beside = [e for e in reader.frames if (e.file, e.function) in own]
    return tuple(Line(each.file, each.line) for each in (beside or reader.frames)[:1])


def uneven_means(judgement: Judgement, told: Sequence[Known]) -> Iterator[Accused]:
    """The parameters in whose steps a mean has another share ν than in those of most others."""
    rules = [(each.rule.kind, dict(each.rule.numbers)) for each in told]
    shares = [{"momentum": 1.0, "nesterov": e.get("μ")}.get(kind, e.get("ν")) for kind, e in rules]
    means = _means(told)
    known = [e for e in shares if e is not None] if means else []
    usual = max(known, key=lambda e: (known.count(e), e in means), default=None)
    for made, share in zip(judgement.updates, shares, strict=True):
        if share is not None and usual is not None and share != usual:
            state = made.states[-1][1]
            node = mixed(made, state)
            lines = lines_of(made.new if node is state else node)
            yield accused(made, lines, Cause("mixed", numbers=(share, usual)))


def uneven_rates(results: Sequence[Judgement], told: Sequence[Known]) -> Iterator[Accused]:
    """The parameters that are moved by another η than the others, by one and the same rule."""
    kinds = {each.rule.kind for each in told}
    updates = results[0].updates
    etas = [dict(each.rule.numbers).get("η", 0.0) for each in told]
    if len(kinds) > 1 or not all(each.adaptive for each in updates) or not all(etas):
        return
    usual = commonest(etas)
    chosen = results[0].chosen or [(made.new, 1.0) for made in updates]
    rates = [rate_of_rule(e, g, eta) for e, (g, _), eta in zip(updates, chosen, etas, strict=True)]
    known = {rate for rate, eta in zip(rates, etas, strict=True) if eta == usual}
    rows = [*zip(rates, etas, strict=True)]
    of_alike = [{e for e, other in rows if e and alike(other, eta)} for eta in etas]
    rates = [rate or next(iter(each), "") for rate, each in zip(rates, of_alike, strict=True)]
    for made, eta, rate in zip(updates, etas, rates, strict=True):
        if abs(eta - usual) > measured_to(made) * abs(usual) and rate in {"", *known}:
            yield accused(made, lines_of(made.new), Cause("step", factor=eta / usual))


def twice_rated(judgement: Judgement) -> Iterator[Accused]:
    """The parameters, if each is moved by its gradient times one and the same variable, twice."""
    pairs = [*zip(judgement.updates, judgement.chosen, strict=False)]
    found = [doubled_rate(made, gradient) for made, (gradient, _) in pairs if not made.adaptive]
    told = [each for each in found if each is not None]
    if len(told) == len(judgement.updates):
        for made, (text, node) in zip(judgement.updates, told, strict=True):
            yield accused(made, lines_of(node), Cause("twice", names=(text, "")))


def without_rate(judgement: Judgement, told: Sequence[Known]) -> Iterator[Accused]:
    """The parameters that a function moves by no rate, and that is given one."""
    rows = zip(judgement.updates, judgement.chosen, told, strict=False)
    for made, (gradient, _), each in rows:
        eta = dict(each.rule.numbers).get("η", 0.0) if _is_by_multiples(each) else 0.0
        if name := unused_rate(made, gradient, eta):
            yield accused(made, _line(made), Cause("unused rate", names=(name, "")))


def not_finite(judgement: Judgement) -> Iterator[Accused]:
    """The updates that make infinite numbers of finite ones."""
    for each in judgement.updates:
        if finite(each.old) and not finite(each.new):
            yield accused(each, origin(first_infinite(each.new)), Cause("infinite"))


def _line(made: Update) -> tuple[Line, ...]:
    """The line of an update at which its factor is decided: where its state is computed, if any."""
    nodes: list[Node] = [state for _, state in made.states] or [made.new]
    return lines_of(nodes[0])


def shared(judgement: Judgement) -> Iterator[Accused]:
    """What two parameters keep together."""
    owner: dict[Carried, str] = {}
    for each in judgement.updates:
        for state in each.parameter.states:
            if state in owner:
                why = Cause("shared", names=(each.name, owner[state]))
                yield accused(each, lines_of(state.values[-1]), why)
            owner.setdefault(state, each.name)


def first_infinite(node: Node) -> Node:
    """The value, computed of finite ones alone, that makes a value one that is not finite."""
    while below := [each for each in node.inputs if is_float(each) and not finite(each)]:
        node = min(below, key=lambda each: each.number)
    return node


def finite(node: Node) -> bool:
    """Whether a value holds no NaN and nothing infinite."""
    return bool(np.all(np.isfinite(np.asarray(node.value, dtype=np.float64))))


def origin(node: Node) -> tuple[Line, ...]:
    """The line that assigns to the last variable in the divisor of an operation; else its own."""
    divisor = operands_of(node)[1:2] if node.operation in ("divide", "true_divide") else []
    names = [e.id for each in divisor for e in ast.walk(each) if isinstance(e, ast.Name)]
    made = assigned_around(names[-1], node.frames) if names else None
    return lines_of(node) if made is None else (made,)
