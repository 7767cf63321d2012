"""Parameters that are moved as others are, but for the gradient, which is nowhere in the update.

What is taken off is a multiple of the parameter alone, as of a decay, or of data alone. The rates
are those of another that is right. Left out: parameters that are not moved (`still.py`), and what
is moved by a rule of its own, as the centre of a cluster is.
"""

import ast
from collections.abc import Iterator
from dataclasses import replace

from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.source import lines_of
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, ancestors, entrywise, is_of_numbers, kept, operands
from conformance.script.multiples import PRODUCTS, SUMS
from conformance.script.parameters import Parameter
from conformance.script.rates import rates_on_the_way
from conformance.script.rows import Carried
from conformance.script.update import Update
from conformance.tracing.node import Node


def without_gradient(judgement: Judgement, old: Node, new: Node) -> tuple[Line, ...]:
    """The lines of such an update, the first to be run first; nothing if it may be meant.

    Args:
        judgement: of the updates of others.
        old: an array on which the loss depends.
        new: what takes its place, of none of the parameters.
    """
    share, ends = kept(old, new), {*ends_of(old, new)}
    decays = ends == {old} and 0 < share < 1
    data = len(ends) > 1 and alike(share, 1.0) and not any(e.depends_on(old) for e in ends - {old})
    made = Update(Parameter(Carried([old, new])), old, new, given=judgement.given)
    own, others = _rates(made), zip(judgement.updates, judgement.chosen, strict=True)
    known = own and any(_rates(e, gradient) <= own <= _rates(e) for e, (gradient, _) in others)
    if not (known and (decays or data)):
        return ()
    return lines_between(old, new)


def by_nothing(judgement: Judgement) -> Judgement:
    """The judgement, with the updates to blame of what is moved by multiples of itself alone."""
    wrong = {each.name for each in judgement.examined.gradients if not each.ok}
    found = list[Accused]()
    for made in (each for each in judgement.updates if each.name in wrong):
        chains = made.parameter.chain, *made.parameter.states
        if {*ends_of(made.old, made.new)} <= {value for each in chains for value in each.values}:
            lines = lines_between(made.old, made.new)
            found.append(Accused((made.name,), lines, Cause("aside"), mends=False))
    known = {name for each in found for name in each.gradients}
    rest = [each for each in judgement.examined.accused if not known.issuperset(each.gradients)]
    examined = replace(judgement.examined, accused=(*found, *rest))
    return replace(judgement, examined=examined) if found else judgement


def lines_between(old: Node, new: Node) -> tuple[Line, ...]:
    """The lines of an update, the first to be run first."""
    made = {new, *entrywise(new, frozenset({old}))}
    way = sorted((e for e in made if e.number > old.number), key=lambda each: each.number)
    own = (each for each in way if each.operation in (*SUMS, *PRODUCTS))
    return tuple(dict.fromkeys(line for each in own for line in lines_of(each)))


def ends_of(old: Node, new: Node) -> Iterator[Node]:
    """The values of which a new one is a sum of multiples, and what has another shape in it."""
    way = [new, *ancestors(new, operands=lambda e: [] if e is old else operands(e))]
    for each in way:
        if each is old or not operands(each):
            yield each
        else:
            yield from (e for e in each.inputs if e not in way and not is_of_numbers(e))


def _rates(made: Update, *gradient: Node) -> set[str]:
    """The numbers by which what moves a parameter is multiplied, as written."""
    return {ast.unparse(rate) for rate, _ in rates_on_the_way(made, *gradient)}
