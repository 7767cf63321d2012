"""Parameters that are never moved, though a gradient of them is computed.

A constant array that enters the forward pass as parameters do is one, if its gradient is among the
values that the script computes; so is one in whose place another is put that is made of it, if a
value of its shape is computed and made nothing of; and a number such as `b = 0.0`, which is no
value of a trace. What has no gradient may be meant to stay, or is data. Left out: parameters that
are moved (`rule.py`).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.compared import compared
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.factor import conventions
from conformance.backward.findings import Accused, Cause, Line, merged
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Forward
from conformance.backward.loss_numbers import best_loss, candidates, next_pass
from conformance.backward.no_loss import COST_NAMES, best, tried
from conformance.backward.recorded_pass import Goal, NotAGradientError, Recorded, bits
from conformance.backward.sample_count import samples
from conformance.backward.source import (
    MOVES,
    is_float,
    lines_of,
    operand_name,
    own_lines,
    places,
    stored_names,
    written_name,
)
from conformance.backward.syntax import defined_around, has_flag, kinds_asked
from conformance.programs.vocabulary import kinds_of
from conformance.script.chains import roles
from conformance.script.judgement import Judgement
from conformance.script.linear import entrywise, is_running_mean, links
from conformance.script.parameter_names import Held, names
from conformance.script.trainings import loops, loops_of_steps
from conformance.script.update_step import Step
from conformance.script.without_gradient import without_gradient
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes, flat, uses_of_nodes
from conformance.tracing.trace import Trace

PRODUCTS = ("matmul", "dot")
COMMUTATIVE = ("add", "multiply")
MOST = 64  # consumers of a parameter, and values that take its place

Use = tuple[str, int]
"""An operation, and which of its operands."""

SUMS = {"add": (1.0, 1.0), "subtract": (1.0, -1.0)}


def never_moved(
    trace: Trace, judgement: Judgement, variables: Sequence[Held]
) -> tuple[list[Accused], list[tuple[str, str]]]:
    """The parameters that one update leaves out; and notes on those without a gradient.

    Args:
        trace: of the run.
        judgement: of the update, whose gradients are right.
        variables: what the script's variables hold.
    """
    if not judgement.chosen:
        return [], []
    step, forward = _read(trace, judgement)
    if forward is None:
        return [], []
    whole = {copy: node for node, copy in step.of.items()}

    def name(still: Node) -> str:
        read = sorted(_names_of(whole[still]))
        return names([_replacements(whole[still])], variables, *read[: len(read) == 1])[0]

    found, meant = list[Accused](), list[Node]()
    values = {e for made in judgement.updates for e in (made.old, made.new)}

    def is_data(still: Node) -> bool:
        return not {"inputs", "targets"}.isdisjoint(kinds_of(name(still)))

    every = _left_out(step.trace, forward, judgement, whole, values)
    left = [
        (still, gradient)
        for still, gradient in every
        if not is_data(still) and not _is_made_anew(whole[still], judgement)
        if not _is_moved_otherwise(whole[still], whole.get(gradient, gradient))
        if not _is_a_state(still, forward)
    ]
    for still, gradient in left:
        cause, lines = _why_still(trace, still, gradient, whole, forward, values)
        if cause == "still" and (
            _have_flags(judgement) or _is_of_another_kind(gradient, judgement)
        ):
            meant.append(still)
        elif lines:
            found.append(Accused((name(still),), lines, Cause(cause), mends=False))
    found = [*merged(found, lambda each: (each.lines[:1], each.cause))]  # as one layer class's
    for number, gradient in left_numbers(step.trace, forward, _factor(forward), whole):
        found.append(Accused((number,), lines_of(gradient), Cause("still"), mends=False))
    moved = {e: pair for e, pair in _moved_aside(step, forward) if e not in dict(left)}
    zeros = {e: new for e in moved if (new := _moved_by_zeros(whole[e])) is not None}
    never = [Accused((name(e),), lines_of(zeros[e]), Cause("zero"), mends=False) for e in zeros]
    found += merged(never, lambda each: each.lines)
    moved = {each: moved[each] for each in moved if each not in zeros}
    found += _by_no_gradient(judgement, forward, moved, name)
    aside = [*moved]
    frozen = _frozen(step.trace, forward) if not found else ()
    held = (each for each in frozen if each not in aside and not is_data(each))
    notes = [*(("frozen", e) for e in (*meant, *held)), *(("aside", e) for e in aside)]
    return found, [(kind, name(each)) for kind, each in notes]


def _is_made_anew(node: Node, judgement: Judgement) -> bool:
    """Whether a value is a running mean, or one such as a constant that each step makes."""
    after = _replacement(node)
    if after is not None and is_running_mean(node, after):
        return True
    own, _ = loops_of_steps([made.parameter.values for made in judgement.updates])
    around = {(frame.file, loop) for frame, loop in loops(node.frames)}
    return any((frame.file, loop) in around for frame, loop in own)


def _is_moved_otherwise(still: Node, gradient: Node) -> bool:
    """Whether what takes the place of a parameter is made of it and its gradient, but is no sum."""
    stop = frozenset({still, gradient})
    made = walk([] if _moved(still, gradient) else [gradient], lambda each: each.consumers)
    return any(_takes_its_place(e, still) and stop <= entrywise(e, stop) for e in made)


def _why_still(
    trace: Trace,
    still: Node,
    gradient: Node,
    whole: Mapping[Node, Node],
    forward: Forward,
    values: Collection[Node],
) -> tuple[str, tuple[Line, ...]]:
    """What becomes of a parameter that is not moved, or of its gradient, and on which lines."""
    unkept = _moved(whole[still], whole.get(gradient))
    other = _next_of(still, whole, forward)
    made = [] if other is None or unkept else _made_without(trace, whole[still], other, values)
    moves = made or (other is not None and not np.array_equal(other.value, still.value))
    aside = [*made, other] if other is not None and moves and not unkept else []
    instead = _put_instead(trace, whole[still], whole.get(gradient, gradient), values)
    lines = [line for e in (*unkept, *instead, *aside, gradient) for line in lines_of(e)]
    kinds = (("unkept", unkept), ("aside", aside), ("update", instead), ("still", [gradient]))
    return next(kind for kind, seen in kinds if seen), tuple(dict.fromkeys(lines))


def _have_flags(judgement: Judgement) -> bool:
    """Whether each parameter is moved only if a flag says so, as one that is frozen has none."""
    ways = ([*own_lines(made.new)] for made in judgement.updates)
    return all(any(map(has_flag, way)) for way in ways)


def _is_of_another_kind(gradient: Node, judgement: Judgement) -> bool:
    """Whether parameters are moved of some classes alone, and one that is not is of another."""
    kinds = [
        {kind for line in own_lines(made.new) for kind in kinds_asked(line)}
        for made in judgement.updates
    ]
    own = {defined_around(line) for line in lines_of(gradient)[:1]}
    return all(kinds) and own.isdisjoint(set[str]().union(*kinds))


def _ends(judgement: Judgement) -> int:
    """What the gradients that move parameters were computed from, and their multiples, as bits."""
    pairs = [*zip(judgement.updates, judgement.chosen, strict=True)]
    ends = uses_of_nodes(e.new if g in e.parts else g for e, (g, _) in pairs)
    return ends | bits_of_nodes(e for made, (g, _) in pairs for e in _between(made.new, g))


def _between(new: Node, gradient: Node) -> Iterator[Node]:
    """What leads from a gradient to what it moves, such as its product with the rate."""
    return walk([new], lambda each: [e for e in each.inputs if e.depends_on(gradient)])


def unseen(trace: Trace, chains: Sequence[Sequence[Node]], variables: Sequence[Held]) -> list[str]:
    """The constants, used as parameters are, that are moved by what is computed of none of them.

    What parameters are moved by, as a sum of gradients that begins with zeros, is none.

    Args:
        trace: of the run.
        chains: the values of each parameter, one after another.
        variables: what the script's variables hold.
    """

    def uses(node: Node) -> set[Use]:
        pairs = ((e, enumerate(flat(e.args))) for e in node.consumers)
        return {(e.operation, i) for e, args in pairs for i, each in args if each is node}

    olds = [values[0] for values in chains]
    used = set[Use]().union(*map(uses, olds)) - {("getitem", 0)}
    within = uses_of_nodes(values[-1] for values in chains)
    before = trace.nodes[: min(values[1].number for values in chains)]
    given = (e for e in before if e.function is None and is_float(e))
    found = []
    for each in (e for e in given if not within >> e.number & 1 and used & uses(e)):
        moved = _replacement(each)
        total = all(user is moved for user in each.consumers)
        if moved is not None and not total and any(node is each for node, _ in links(moved)):
            found.append(names([_replacements(each)], variables)[0])
    return found


def _read(trace: Trace, judgement: Judgement) -> tuple[Step, Forward | None]:
    """An update with all that was computed before it, and its forward pass."""
    updates = judgement.updates
    olds = {each.old: f"parameter {i}" for i, each in enumerate(updates)}
    news = [each.new for each in updates]
    until = next_pass(trace.nodes, news)
    window = [e for e in trace.nodes[max(each.number for each in olds) : until] if is_float(e)]
    losses = candidates(trace.nodes, [*olds], news)
    tables = {e: f"table {e.number}" for e in _tables(trace, judgement)}
    wanted = [*tables, *window, *losses, *(each for each, _ in judgement.chosen)]
    step = Step(trace, {**tables, **olds}, wanted)
    goals = tuple(
        Goal(name, step.of[old], step.of[gradient])
        for (old, name), (gradient, _) in zip(olds.items(), judgement.chosen, strict=True)
    )
    return step, _forward(step, [step.of[each] for each in losses], goals)


def _tables(trace: Trace, judgement: Judgement) -> Iterator[Node]:
    """The tables of lists that are moved by sums: parameters may be seen later than they are used.

    Such is the table of a layer that is used before another one.
    """
    begun = max(made.old.number for made in judgement.updates)
    until = min(made.new.number for made in judgement.updates)
    for each in trace.nodes[:until] if trace.lists is not None else ():
        after = _replacement(each) if np.size(each.value) > 1 else None
        if after is not None and after.operation in SUMS and after.number > begun:
            yield each


def _frozen(trace: Trace, forward: Forward) -> list[Node]:
    """The matrices that are used as parameters of a layer are, and are constant."""
    goals = forward.run.goals
    used = {e for goal in goals for e in _uses(goal.parameter, forward) if e[0] in PRODUCTS}
    constants = (e for e in trace.nodes if e.function is None and not e.given and is_float(e))
    return [
        each
        for each in constants
        if np.ndim(each.value) == 2  # noqa: PLR2004 - a matrix
        and np.any(forward.gradient.get(each.number, 0.0))
        and not used.isdisjoint(_uses(each, forward))
    ]


def _moved_aside(step: Step, forward: Forward) -> Iterator[tuple[Node, tuple[Node, Node]]]:
    """The arrays of which the loss is made, and which are moved then by no gradient.

    Each with what it is in the whole trace, and what it is moved to.
    """
    goals = {each.parameter for each in forward.run.goals}
    parameters = bits(forward.run.goals)
    for node, copy in step.of.items():
        after = _replacement(node) if np.size(node.value) > 1 and copy not in goals else None
        if after is None or any(
            forward.contains(step.of[e]) for e in replacements(node) if e in step.of
        ):
            continue  # else a sum or a recurrence begins with it
        before = (step.of[e] for e in node.consumers if e.number < after.number and e in step.of)
        used = np.any(forward.gradient.get(copy.number, 0.0)) and any(map(forward.contains, before))
        own = after.operation in ("add", "subtract") and not copy.uses & parameters
        if used and own and any(each is node for each, _ in links(after)):  # else it is computed
            yield copy, (node, after)


def _by_no_gradient(
    judgement: Judgement,
    forward: Forward,
    moved: Mapping[Node, tuple[Node, Node]],
    name: Callable[[Node], str],
) -> Iterator[Accused]:
    """The blame of what is used as parameters are, and moved by their rates and no gradient."""
    used = {use for goal in forward.run.goals for use in _uses(goal.parameter, forward)}
    for each, (old, new) in moved.items():
        lines = (
            () if used.isdisjoint(_uses(each, forward)) else without_gradient(judgement, old, new)
        )
        if lines:
            yield Accused((name(each),), lines, Cause("aside"), mends=False)


def _moved_by_zeros(still: Node) -> Node | None:
    """What a parameter becomes by zeros that nothing is ever written into; None if it is moved."""
    after = _replacement(still)
    others = [] if after is None else [each for each in after.args[:2] if each is not still]
    arrays = [e for e in walk(e for e in others if type(e) is Node) if np.size(e.value) > 1]
    return after if arrays and not any(np.any(each.value) for each in arrays) else None


def _moved(parameter: Node, gradient: Node | None) -> list[Node]:
    """What a parameter becomes by its gradient, if that is computed, though nothing keeps it."""
    return [
        each
        for each in parameter.consumers
        if gradient is not None
        and each.operation in ("add", "subtract")
        and each.depends_on(gradient)
        and np.shape(each.value) == np.shape(parameter.value)
    ]


def _made_without(trace: Trace, parameter: Node, new: Node, values: Collection[Node]) -> list[Node]:
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
    return [] if first is None or any(_is_same(each, first) for each in others) else [first]


def _put_instead(trace: Trace, still: Node, gradient: Node, values: Collection[Node]) -> list[Node]:
    """What is made of the gradient of a value, and not of the value, and takes its place."""
    later = (e for e in trace.nodes[gradient.number + 1 :] if e.depends_on(gradient))
    others = {line for each in values for line in lines_of(each)}  # as of another layer
    made = (e for e in later if still not in e.inputs and others.isdisjoint(lines_of(e)))
    return [e for e in made if _takes_its_place(e, still)][:1]


def _is_put_instead(gradient: Node, still: Node, rates: Collection[float]) -> bool:
    """Whether what moves a parameter, a gradient by η or −η, takes its place itself."""
    steps = (e for e in walk([gradient], lambda e: e.consumers) if _takes_its_place(e, still))
    found = (abs(fitted(e.value, np.asarray(gradient.value)) or 0.0) for e in steps)
    return any(abs(by / rate - 1) <= HALF_OF_THE_DIGITS for by in found for rate in rates)


def _names_of(still: Node) -> set[str]:
    uses = still.consumers[:MOST]
    return {operand_name(e, i) for e in uses for i in places(e, still)} - {""}


def _assigned(node: Node) -> set[str]:
    """The variables and attributes that the statement assigns to which computed a value."""
    return {*stored_names(node), written_name(node)}


def _takes_its_place(node: Node, still: Node) -> bool:
    """Whether a value is used later as another was, which has its shape."""
    alike = np.shape(node.value) == np.shape(still.value)
    return alike and not {*roles(still)}.isdisjoint(roles(node))


def _of_others(still: Node, values: Collection[Node]) -> list[Node]:
    """The steps from the values of other parameters that are put under the name of a value."""
    named, found = _names_of(still), []
    for other in values:
        for each in (e for e in other.consumers if still not in e.inputs):
            own = {operand_name(each, i) for i in places(each, other)}  # as of another layer's
            if each.operation in SUMS and named & _assigned(each) - own:
                found.append(each)
    return found


def _forward(step: Step, losses: Sequence[Node], goals: tuple[Goal, ...]) -> Forward | None:
    """The forward pass by the script's own loss, or by a known cost."""
    for sign in (1, -1):
        fit = best_loss(step.trace, losses, goals, sign=sign)
        if fit is not None and fit.count == len(goals):
            return Forward(Recorded(step.trace, fit.loss, goals), Chain(step.trace))
    try:
        known = tried(Recorded(step.trace, goals[0].node, goals), COST_NAMES, (None, None))
    except NotAGradientError:
        return None
    added = (each for each in known if each.negated is not None)  # to the parameters
    most = best(known)
    return next((e.forward for e in (most, *added) if e and (e.fits or e.negated)), None)


def _left_out(
    trace: Trace,
    forward: Forward,
    judgement: Judgement,
    whole: Mapping[Node, Node],
    values: Collection[Node],
) -> Iterator[tuple[Node, Node]]:
    """The constants that are used as parameters are, each with its gradient, or a part of it.

    Args:
        trace: of the step.
        forward: its forward pass.
        judgement: of the update.
        whole: the node of the whole trace of each of the step.
        values: of the parameters that are moved, before and after.
    """
    goals = forward.run.goals
    used = {use for each in goals for use in _uses(each.parameter, forward)}
    factor, ends = _factor(forward), _ends(judgement)
    rates = {1.0, *(abs(by) for _, by in judgement.chosen)}
    for node in trace.nodes if factor else ():
        right = forward.gradient.get(node.number)
        own = _is_constant(node) and node.number < trace.ended
        if not own or right is None or not np.any(right):
            continue
        again = _replacement(node)
        if again is not None and forward.contains(again):
            continue  # a sum or a recurrence begins with it
        kept = node in whole and _next_of(node, whole, forward) is not None
        alone = used.isdisjoint(_uses(node, forward)) and not kept
        instead = _of_others(whole[node], values) if alone and node in whole else []
        for each in trace.nodes if node in whole or not alone else ():
            number = bool(instead) and np.size(each.value) == right.size == 1
            alike = np.shape(each.value) == np.shape(right) or number
            alike = alike and not forward.contains(each)
            on_the_way = each in whole and ends >> whole[each].number & 1
            if alike and each.function is not None and is_float(each) and not on_the_way:
                found = fitted(np.reshape(each.value, np.shape(right)), right)
                by = 0.0 if found is None else found / factor
                known = rates if right.size > 1 else {1.0}  # of one number any other is a multiple
                fits = any(abs(by / each - 1) <= HALF_OF_THE_DIGITS for each in known)
                made = whole.get(each, each)
                into = any(e.depends_on(made) for e in instead)
                if alone and not (into or fits):
                    continue
                put = into or kept or (alone and _is_put_instead(made, whole[node], rates))
                if fits and not put and _is_data(node, each, trace, forward):
                    break
                if fits or (kept and each.frames and each in whole and not whole[each].consumers):
                    yield node, each
                    break


def _is_a_state(node: Node, forward: Forward) -> bool:
    """Whether the forward pass uses what it computes of parameters as it uses a value, or a copy.

    So it uses the state that a recurrence begins with.
    """
    parameters = bits(forward.run.goals)
    copies = walk([node], lambda e: [c for c in e.consumers if c.operation in MOVES])
    used = {role for each in copies for role in roles(each)}
    computed = (e for e in forward.nodes() if e.function is not None and e.uses & parameters)
    return any(not used.isdisjoint(roles(each)) for each in computed)


def _is_constant(node: Node) -> bool:
    """Whether it is a constant, or one into which constants are written."""
    made = walk([node], lambda each: each.inputs if each.operation == FILLED else ())
    return all(each.operation == FILLED or each.constant for each in made)


def _factor(forward: Forward) -> float:
    """How many times the right gradients those of the program are; 0 if it is not known."""
    goals = forward.run.goals
    factors = (fitted(each.node.value, forward.right(each.parameter)) for each in goals)
    return next((each for each in factors if each), 0.0)


def _is_data(node: Node, gradient: Node, trace: Trace, forward: Forward) -> bool:
    """Whether a constant has a derivative because a layer gives that of its input.

    What is made of it alone is multiplied by a parameter; it has as many rows as there are samples;
    or the same operation gives the derivative of what another layer computes.
    """
    goals, parameters = forward.run.goals, bits(forward.run.goals)
    alone = {*walk([node], lambda each: (e for e in each.consumers if not e.uses & parameters))}
    if any(_multiplies(each.parameter, alone) for each in goals):
        return True
    lengths = {n for each in goals for n in np.shape(each.parameter.value)}
    chosen = compared(list(trace.nodes), goals, None, None)[:1]
    rows = {samples(each, [*goals, Goal("", node, gradient)]) for each in chosen} - lengths - {1}
    if rows & {*np.shape(node.value)}:
        return True
    again = [e for e in trace.nodes if e is not gradient and _is_same(e, gradient)]
    made = (e for e in forward.nodes() if e.function is not None and e.operation not in MOVES)
    hidden = [each for each in made if each.uses & parameters]
    return any(
        fitted(np.asarray(one.value), forward.gradient[each.number]) is not None
        for one in again
        for each in hidden
        if np.shape(one.value) == np.shape(each.value)
    )


def _multiplies(parameter: Node, values: Collection[Node]) -> bool:
    """Whether a product is that of a parameter, or of its transpose, and of one of some values."""
    turned = [parameter, *(e for e in parameter.consumers if e.operation in MOVES)]
    products = (e for each in turned for e in each.consumers if e.operation in PRODUCTS)
    return any(each in values for product in products for each in product.inputs)


def _is_same(one: Node, other: Node) -> bool:
    return bool(operation_key(one) == operation_key(other))


def _replacements(node: Node) -> list[Node]:
    """A value, and those that take its place one after another: made of it, and used as it was."""
    found = [node]
    while len(found) < MOST and (after := _replacement(found[-1])) is not None:
        found.append(after)
    return found


def _replacement(node: Node) -> Node | None:
    """What is made of a value alone or with others, and then used as it was."""
    return next(replacements(node), None)


def _next_of(still: Node, whole: Mapping[Node, Node], forward: Forward) -> Node | None:
    """What takes the place of a value in the forward pass after that has read it."""
    read = [whole[e] for e in still.consumers if e in whole and forward.contains(e)]
    used = {role for each in read for role in roles(whole[still], each)}
    last = max((each.number for each in read), default=0)
    later = (each for each in replacements(whole[still]) if each.number > last)
    return next((each for each in later if not used.isdisjoint(roles(each))), None)


def replacements(node: Node) -> Iterator[Node]:
    """All that is so."""
    if len(node.consumers) > MOST:
        return  # such as of a constant
    used = set(roles(node))
    alike = (e for e in node.consumers if np.shape(e.value) == np.shape(node.value))
    yield from (e for e in alike if not used.isdisjoint(roles(e)))


def _uses(node: Node, forward: Forward) -> set[Use]:
    """The uses of a value, or of a view that is all of it, in the forward pass."""
    found = set[Use]()
    for consumer in node.consumers:
        if not forward.contains(consumer):
            continue
        if consumer.operation in MOVES and np.size(consumer.value) == np.size(node.value):
            found |= _uses(consumer, forward)
        else:
            places = enumerate(flat(consumer.args))
            either = consumer.operation in COMMUTATIVE
            found |= {(consumer.operation, 0 if either else i) for i, e in places if e is node}
    return found


def left_numbers(
    trace: Trace, forward: Forward, factor: float, whole: Mapping[Node, Node]
) -> Iterator[tuple[str, Node]]:
    """What the program calls such a number, with the gradient of it that moves nothing.

    Args:
        trace: of the step.
        forward: its forward pass.
        factor: how many times the right gradients those of the program are, with their rate if
            that is not known apart; 0 if it is not known, and nothing is given.
        whole: the nodes of the run that those of the step stand for.
    """
    idle = [
        each
        for each in trace.nodes
        if np.size(each.value) == 1 and each.function is not None and is_float(each)
        if each in whole and each.frames and not whole[each].consumers
        if not forward.contains(each)
    ]
    for name, (right, lengths) in _rights(forward).items() if idle and factor else ():
        rights = [by * usual * right for by in (factor, 1.0) for usual in conventions(lengths)]
        for each in idle:
            value = float(np.ravel(each.value)[0])
            if any(abs(value - e) <= HALF_OF_THE_DIGITS * abs(e) for e in rights):
                yield name, each
                break


def _rights(forward: Forward) -> Mapping[str, tuple[float, Sequence[int]]]:
    """The gradients of the numbers that are added, by their names, where they are not 0.

    With the lengths of what they are added to, by which a mean and a sum differ. What has the sum
    itself is a total, as in `total += cost`. A name of values that are computed, too, tells none.
    """
    parameters, computed = bits(forward.run.goals), set[str]()
    found, lengths = defaultdict[str, float](float), defaultdict[str, set[int]](set)
    for node in forward.nodes():
        if node.operation not in SUMS or not node.uses & parameters:
            continue
        for place, (sign, each) in enumerate(zip(SUMS[node.operation], node.args, strict=False)):
            name = operand_name(node, place)
            if not isinstance(each, int | float):
                computed.add(name)
            elif name and name not in stored_names(node):
                found[name] += sign * float(np.sum(forward.gradient[node.number]))
                lengths[name].update(np.shape(node.value))
    told = {name: right for name, right in found.items() if right and name not in computed}
    return {name: (right, [*lengths[name]]) for name, right in told.items()}
