"""What is kept from step to step is lost: the variable that a loop gives it gets another value.

`for v, g in zip(velocities, gradients): v = mu * v + g` leaves what is kept as it was, and so does
`p = p - v` a parameter. Left out: what no statement writes (`kept_states.py`).
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.backward.crossed import paired
from conformance.backward.findings import Accused, Cause, Line, merged
from conformance.backward.groups import operation_key
from conformance.backward.source import (
    MATRIX_PRODUCTS,
    is_float,
    is_lost,
    lines_of,
    operand_name,
    stored_names,
    written_name,
)
from conformance.backward.syntax import is_taken, loops_around, statement, stored
from conformance.programs.execution import names_in
from conformance.script.chains import roles
from conformance.script.judgement import Judgement
from conformance.script.linear import ancestors, entrywise, kept, operands, scalar, source
from conformance.script.multiples import PRODUCTS
from conformance.script.parameters import Parameter
from conformance.script.update import Update
from conformance.script.update_step import Step
from conformance.tracing.node import Node, is_part
from conformance.tracing.trace import Trace
from conformance.tracing.vectorized import put_in_shape


def rebound(results: Sequence[Judgement]) -> Iterator[Accused]:
    """The parameters that are lost when they are moved, or whose states are put over.

    What the last update adds to zeros has been lost before.
    """
    for made, last in zip(results[0].updates, results[-1].updates, strict=True):
        lost = {line: False for each in _way(made) for line in lines_of(each)}
        for each in _way(last) if last is not made else ():
            if each.number > last.old.number and any(is_nothing(source(e)) for e in each.inputs):
                lost |= dict.fromkeys(lines_of(each), True)
        over = tuple(line for line, each in lost.items() if _puts_over(line, lost=each))
        if over or is_lost(made.new):
            kind, lines = ("forgets", over) if over else ("unkept", lines_of(made.new))
            yield Accused((made.name,), lines, Cause(kind), mends=False)


def stale(trace: Trace, found: Sequence[Parameter], names: Sequence[str]) -> Iterator[Accused]:
    """The parameters that go along the gradient of the first step at each of several steps.

    That of each later step is computed by the same operation, and moves nothing.
    """
    for each, name in zip(found, names, strict=True):
        old, *news = each.values
        own = [_added(*pair) for pair in pairwise(each.values)]
        shared = set.intersection(*own) if len(news) > len(("one", "other")) else set[Node]()
        for used in (e for e in shared if e.depends_on(old) and e.function is not None):
            key = operation_key(used)
            again = [e for e in trace.nodes if operation_key(e) == key and e.depends_on(news[0])]
            if again and not any(news[-1].depends_on(e) for e in again):
                yield Accused((name,), lines_of(news[0]), Cause("stale"), mends=False)
                break


def partly_before(found: Sequence[Parameter], names: Sequence[str]) -> Iterator[Accused]:
    """The tables of which some entries are moved by what is kept before a step, others after it."""
    chains = [chain.values[:2] for each in found for chain in (each.chain, *each.states)]
    for each, name in zip(found, names, strict=True):
        together = [e for e in each.values[1].inputs if e.function is put_in_shape]
        parts = [part for e in together for part in e.inputs if is_part(part)]
        for before, after in chains:
            early = [part for part in parts if before in part.inputs]
            if early and any(after in part.inputs for part in parts):
                yield Accused((name,), lines_of(early[0]), Cause("before"), mends=False)


def grown(trace: Trace, found: Sequence[Parameter], names: Sequence[str]) -> Iterator[Accused]:
    """The parameters that were smaller before the first update: outputs are crossed with targets.

    With each output and its own target they would keep their shape.
    """
    for each, name in zip(found, names, strict=True):
        first = each.values[0]
        terms = first.args if first.operation in ("add", "subtract") else ()
        for old in (e for e in terms if type(e) is Node and first.value.size > e.value.size):
            step = Step(trace, {old: name}, [first])
            pairs = paired(step.trace, [step.of[first]], 1 << step.of[old].number)
            if pairs is not None and np.shape(pairs[1][0].value) == np.shape(old.value):
                why = Cause("crossed", numbers=(first.value.size / old.value.size,))
                yield Accused((name,), lines_of(pairs[0]), why, mends=True)


def _added(old: Node, new: Node) -> set[Node]:
    """What is added to an old value, and what that is a linear function of."""
    added = ancestors(new, operands=lambda e: [] if e is old else operands(e))
    return {e for e in added if np.shape(e.value) == np.shape(old.value)} - {old}


def put_over(trace: Trace) -> Sequence[Accused]:
    """Where something is put in the place of parameters: `w =- 0.1 * g` for `w -= 0.1 * g`.

    It is minus η times what was computed from the parameter, and is used as that was. One of them
    at least is multiplied as a matrix, and there are several shapes: else what is iterated may be
    something else.
    """
    rated = (
        e
        for e in trace.nodes
        if np.ndim(e.value) and (e.operation == "negative" or any(map(scalar, e.args)))
    )
    made = [each for each in rated if any(map(_is_negative, lines_of(each)[:1]))]
    used = {role: e for e in reversed(made) for role in roles(e)}
    begun = (e for e in trace.nodes if used and e.function is None and is_float(e))
    found = dict[Node, Node]()
    for old in begun:
        news = {used[role] for role in roles(old) if role in used}
        alike = [e for e in news if np.shape(e.value) == np.shape(old.value) and e.depends_on(old)]
        found.update((old, new) for new in alike if not kept(old, new))
    shapes = {np.shape(each.value) for each in found}
    products = (each.operation in MATRIX_PRODUCTS for old in found for each in old.consumers)
    if len(shapes) < len(("W", "b")) or not any(products):
        return []
    over = Cause("put over")
    told = (Accused((written_name(e),), lines_of(e), over, mends=False) for e in found.values())
    return merged([*dict.fromkeys(told)], lambda each: each.lines)


def _is_negative(line: Line) -> bool:
    """Whether minus a product is assigned on a line, or a product with minus a factor in front."""
    match statement(line.file, line.line):
        case ast.Assign(value=ast.BinOp(ast.UnaryOp(ast.USub()), ast.Mult())):
            return True
        case ast.Assign(value=ast.UnaryOp(ast.USub(), ast.BinOp(_, ast.Mult()))):
            return True
    return False


def is_nothing(value: Any) -> bool:
    """Whether a value is an array of zeros which were computed of nothing."""
    return type(value) is Node and value.function is None and not np.any(value.value)


def _way(made: Update) -> list[Node]:
    return sorted(entrywise(made.new, frozenset({made.old})), key=lambda each: each.number)


def of_own_zeros(made: Update) -> dict[Node, Node]:
    """The multiples of zeros that a variable is given which held them, by these.

    A sum that begins with zeros multiplies others there, too.
    """
    found = defaultdict[object, dict[Node, Node]](dict)
    for each in (e for e in _way(made) if e.operation in PRODUCTS):
        names = stored_names(each)
        for i, state in enumerate(each.args):
            name = operand_name(each, i)
            if type(state) is Node and name in names and is_taken(name, lines_of(each)[0]):
                found[operation_key(each)][state] = each
    every = (zeros for zeros in found.values() if all(map(is_nothing, zeros)))
    return {state: product for zeros in every for state, product in zeros.items()}


def _puts_over(line: Line, *, lost: bool) -> bool:
    """Whether a loop's variable is multiplied in place, and is another value then, before a use.

    If it is still 0, as what was added to it before is lost, the value may be a sum with it.
    """
    found, loop = statement(line.file, line.line), next(iter(loops_around(line)), None)
    names = stored(found) if isinstance(found, ast.Assign) else set[str]()
    if found is None or not isinstance(loop, ast.For) or found not in loop.body:
        return False
    names &= stored(loop) - (set() if lost else names_in(found, ast.Load))
    for each in loop.body[: loop.body.index(found)][::-1]:
        if isinstance(each, ast.AugAssign) and stored(each) & names:
            cleared = isinstance(each.value, ast.Constant) and not each.value.value
            return isinstance(each.op, ast.Mult | ast.Div) and not cleared
        names -= names_in(each, ast.Load)
    return False
