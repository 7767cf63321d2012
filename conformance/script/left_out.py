"""The constants that are used as parameters are and that an update leaves out, with gradients.

Left out: what becomes of them, and what is said (`still.py`).
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from conformance.backward.compared import compared
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, fitted
from conformance.backward.findings import Accused, Line, never_moved_beside
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Forward
from conformance.backward.recorded_pass import Goal, bits
from conformance.backward.sample_count import samples
from conformance.backward.source import (
    MOVES,
    is_float,
    lines_of,
    own_lines,
    written_name,
)
from conformance.backward.syntax import (
    defined_around,
    has_flag,
    kinds_asked,
    loops_around,
    statement,
    stored,
)
from conformance.programs.execution import names_in
from conformance.script.chains import roles
from conformance.script.judgement import Judgement
from conformance.script.replaced import is_put_instead, next_value, replacement_of, steps_of_others
from conformance.script.still_numbers import may_turn
from conformance.script.update import Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, bits_of_nodes, flat, uses_of_nodes
from conformance.tracing.trace import Trace
from reference.step import Array

PRODUCTS = ("matmul", "dot")
COMMUTATIVE = ("add", "multiply")

Use = tuple[str, int]
"""An operation, and which of its operands."""


def left_out(
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
    used = {use for each in goals for use in uses_of(each.parameter, forward)}
    factor, ends = factor_of(forward), _ends(judgement)
    rates = {1.0, *(abs(by) for _, by in judgement.chosen)}
    made_aside = [
        each
        for each in trace.nodes
        if each.function is not None and is_float(each) and not forward.contains(each)
        if not (each in whole and ends >> whole[each].number & 1)
    ]
    for node in trace.nodes if factor else ():
        right = forward.gradient.get(node.number)
        own = _is_constant(node) and node.number < trace.ended
        if not own or right is None or not np.any(right):
            continue
        again = replacement_of(node)
        if again is not None and forward.contains(again):
            continue  # a sum or a recurrence begins with it
        kept = node in whole and next_value(node, whole, forward) is not None
        alone = used.isdisjoint(uses_of(node, forward)) and not kept
        instead = steps_of_others(whole[node], values) if alone and node in whole else []
        for each in made_aside if node in whole or not alone else ():
            number = bool(instead) and np.size(each.value) == right.size == 1
            if np.shape(each.value) == np.shape(right) or number:
                found = fitted(np.reshape(each.value, np.shape(right)), right)
                by = 0.0 if found is None else found / factor
                known = rates if right.size > 1 else {1.0}  # of one number any other is a multiple
                fits = any(abs(by / each - 1) <= HALF_OF_THE_DIGITS for each in known)
                made = whole.get(each, each)
                into = any(e.depends_on(made) for e in instead)
                if alone and not (into or fits):
                    continue
                put = into or kept or (alone and is_put_instead(made, whole[node], rates))
                if fits and not put and _is_data(node, each, trace, forward):
                    break
                if fits and not (kept or may_turn(each, forward)):
                    continue
                if fits or (kept and each.frames and each in whole and not whole[each].consumers):
                    yield node, each
                    break


def is_meant_to_stay(gradient: Node, judgement: Judgement) -> bool:
    """Whether parameters are moved by flags, or by their class, and one with this gradient is not.

    Each is moved only if a flag says so, as one that is frozen has none; or those of some classes
    alone are moved, and one that is not is of another.
    """
    ways = [[*own_lines(made.new)] for made in judgement.updates]
    kinds = [{kind for line in way for kind in kinds_asked(line)} for way in ways]
    own = {defined_around(line) for line in lines_of(gradient)[:1]}
    flags = all(any(map(has_flag, way)) for way in ways)
    return flags or (all(kinds) and own.isdisjoint(set[str]().union(*kinds)))


def passing_over(
    still: Node, gradient: Node, name: str, forward: Forward, judgement: Judgement
) -> tuple[Line, str] | None:
    """The loop over places that moves those used as one that is never moved, and how it begins.

    Args:
        still: that is never moved.
        gradient: of it; that of another one is computed on the same line.
        name: of it, such as `w[2]`; or else another one is in the same list or dict.
        forward: the forward pass.
        judgement: of the update of the others.
    """
    used, (whole, part, _) = uses_of(still, forward), name.partition("[")
    for goal, made in zip(forward.run.goals, judgement.updates, strict=False):
        held = {e.partition("[")[0] for e in (made.name, written_name(made.new)) if part}
        near = whole in held or lines_of(goal.node)[:1] == lines_of(gradient)[:1]
        if near and not used.isdisjoint(uses_of(goal.parameter, forward)):
            loops = filter(None, map(_counting, lines_of(made.new)[:1]))
            return next(loops, None)
    return None


def entries_passed_over(judgement: Judgement) -> Judgement:
    """The judgement, with the loops over places to blame that leave entries as they were.

    All other entries of the gradient are right.
    """
    examined = judgement.examined
    lines = {
        made.name: lines_of(made.new)[:1]
        for made in judgement.updates
        if made.name in examined.rights and _leaves_entries(made, examined.rights[made.name])
    }

    def loop(name: str) -> tuple[Line, str] | None:
        return next(iter(map(_counting, lines.get(name, ()))), None)

    def told(one: Accused) -> Accused:
        found = {*map(loop, one.gradients)}
        line, head = (len(found) == 1 and found.pop()) or (None, "")
        if line is None:
            return one
        why = replace(never_moved_beside(one.lines[:1]), operation=head, worst=one.cause.worst)
        return replace(one, lines=(line, *one.lines), cause=why)

    accused = tuple(map(told, examined.accused))
    return replace(judgement, examined=replace(examined, accused=accused))


def _leaves_entries(made: Update, right: Array) -> bool:
    """Whether a step is along the right gradient but for entries that stay as they are."""
    step = np.asarray(made.new.value) - np.asarray(made.old.value)
    if step.shape != right.shape:
        return False
    left = step == 0
    return bool(np.any(right[left])) and fitted(step[~left], right[~left]) is not None


def _counting(line: Line) -> tuple[Line, str] | None:
    """The loop that counts the places a line writes into, and how it begins."""
    match statement(line.file, line.line):
        case ast.Assign([ast.Subscript(slice=place)]) | ast.AugAssign(ast.Subscript(slice=place)):
            for loop in loops_around(line)[:1]:
                if isinstance(loop, ast.For) and names_in(place, ast.Load) & stored(loop):
                    head = f"for {ast.unparse(loop.target)} in {ast.unparse(loop.iter)}"
                    return Line(line.file, loop.lineno), head
    return None


def is_a_state(node: Node, forward: Forward) -> bool:
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


def factor_of(forward: Forward) -> float:
    """How many times the right gradients those of the program are; 0 if it is not known."""
    goals = forward.run.goals
    factors = (fitted(each.node.value, forward.right(each.parameter)) for each in goals)
    return next((each for each in factors if each), 0.0)


def _is_data(node: Node, gradient: Node, trace: Trace, forward: Forward) -> bool:
    """Whether a constant has a derivative because a layer gives that of its input.

    What is made of it alone, by no product, is multiplied by a parameter; it has as many rows as
    there are samples; or the same operation gives the derivative of what another layer computes.
    """
    goals, parameters = forward.run.goals, bits(forward.run.goals)

    def made_of(value: Node) -> Iterator[Node]:
        others = (each for each in value.consumers if each.operation not in PRODUCTS)
        return (each for each in others if not each.uses & parameters)

    alone = {*walk([node], made_of)}
    if any(_multiplies(each.parameter, alone) for each in goals):
        return True
    lengths = {n for each in goals for n in np.shape(each.parameter.value)}
    chosen = compared(list(trace.nodes), goals, None, None)[:1]
    rows = {samples(each, [*goals, Goal("", node, gradient)]) for each in chosen} - lengths - {1}
    if rows & {*np.shape(node.value)}:
        return True
    again = [
        e for e in trace.nodes if e is not gradient and operation_key(e) == operation_key(gradient)
    ]
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


def uses_of(node: Node, forward: Forward) -> set[Use]:
    """The uses of a value, or of a view that is all of it, in the forward pass."""
    found = set[Use]()
    for consumer in node.consumers:
        if not forward.contains(consumer):
            continue
        if consumer.operation in MOVES and np.size(consumer.value) == np.size(node.value):
            found |= uses_of(consumer, forward)
        else:
            places = enumerate(flat(consumer.args))
            either = consumer.operation in COMMUTATIVE
            found |= {(consumer.operation, 0 if either else i) for i, e in places if e is node}
    return found


def _ends(judgement: Judgement) -> int:
    """What the gradients that move parameters were computed from, and their multiples, as bits."""
    pairs = [*zip(judgement.updates, judgement.chosen, strict=True)]
    ends = uses_of_nodes(e.new if g in e.parts else g for e, (g, _) in pairs)
    return ends | bits_of_nodes(e for made, (g, _) in pairs for e in _between(made.new, g))


def _between(new: Node, gradient: Node) -> Iterator[Node]:
    """What leads from a gradient to what it moves, such as its product with the rate."""
    return walk([new], lambda each: [e for e in each.inputs if e.depends_on(gradient)])
