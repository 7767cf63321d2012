"""What is kept from step to step is lost: the variable that a loop gives it gets another value.

`for v, g in zip(velocities, gradients): v = mu * v + g` leaves what is kept as it was. Left out:
what no statement writes (`kept_states.py`).
"""

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence

from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.groups import operation_key
from conformance.backward.source import lines_of, operand_name, stored_names
from conformance.backward.syntax import assigned, loops_around, statement, stored
from conformance.programs.execution import names_in
from conformance.script.judgement import Judgement
from conformance.script.kept_states import accused, is_nothing
from conformance.script.linear import entrywise
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Update
from conformance.tracing.node import Node


def rebound(results: Sequence[Judgement]) -> Iterator[Accused]:
    """The parameters whose states are zeros again at each of several updates, or are put over."""
    for made in zip(*(each.updates for each in results), strict=True):
        products = [_of_own_zeros(each) for each in made]
        zeros = set.intersection(*map(set, products))
        if zeros and len(made) > 1:
            yield accused(made[0], lines_of(products[0][zeros.pop()]), Cause("zero"))
        at = dict.fromkeys(line for each in _way(made[0]) for line in lines_of(each))
        if lines := tuple(filter(_puts_over, at)):
            yield accused(made[0], lines, Cause("forgets"))


def _way(made: Update) -> list[Node]:
    return sorted(entrywise(made.new, frozenset({made.old})), key=lambda each: each.number)


def _of_own_zeros(made: Update) -> dict[Node, Node]:
    """The multiples of zeros that a variable is given which held them, by these.

    A sum that begins with zeros multiplies others there, too.
    """
    found = defaultdict[object, dict[Node, Node]](dict)
    for each in (e for e in _way(made) if e.operation in PRODUCTS):
        names = stored_names(each)
        for i, state in enumerate(each.args):
            name = operand_name(each, i)
            if type(state) is Node and name in names and _is_taken(name, lines_of(each)[0]):
                found[operation_key(each)][state] = each
    every = (zeros for zeros in found.values() if all(map(is_nothing, zeros)))
    return {state: product for zeros in every for state, product in zeros.items()}


def _is_taken(name: str, line: Line) -> bool:
    """Whether what a variable holds before a line was last taken out of something that has more."""
    above = assigned(name, line, alias=False)
    found = None if above is None else statement(above.file, above.line)
    if not isinstance(found, ast.Assign):
        return isinstance(found, ast.For)
    value = found.value
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return all(isinstance(each, ast.Subscript | ast.Attribute) for each in parts)


def _puts_over(line: Line) -> bool:
    """Whether a loop's variable is multiplied in place, and is another value then, before a use."""
    found, loop = statement(line.file, line.line), next(iter(loops_around(line)), None)
    names = stored(found) if isinstance(found, ast.Assign) else set[str]()
    if found is None or not isinstance(loop, ast.For) or found not in loop.body:
        return False
    names &= stored(loop) - names_in(found, ast.Load)
    for each in loop.body[: loop.body.index(found)][::-1]:
        if isinstance(each, ast.AugAssign) and stored(each) & names:
            cleared = isinstance(each.value, ast.Constant) and not each.value.value
            return isinstance(each.op, ast.Mult | ast.Div) and not cleared
        names -= names_in(each, ast.Load)
    return False
