"""The numbers that gradients are multiplied by and that are computed of them, as by their norm.

Left out: what the source chooses between 1 and a quotient of a norm (`norm_bounds.py`), and bounds
of single entries.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.source import MOVES, lines_of, operand_name, operands, own_lines
from conformance.backward.syntax import statement, tree
from conformance.programs.execution import names_in
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, is_of_its_factor, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.norm_bounds import LARGER, PAIR, SMALLER, Bound, bounds_in
from conformance.script.update import Multiple, Update
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

SUMMED = ("einsum", "tensordot", "matmul", "dot")


def is_clipped(judgement: Judgement) -> bool:
    """Whether a gradient is multiplied by a number that is computed of it, so each step has its η.

    What has η in it, and is added as it is, is such a product itself.
    """
    for made, (gradient, by) in zip(judgement.updates, judgement.chosen, strict=False):
        own = {made.old, *made.parts_of(gradient)} if alike(abs(by), 1.0) else set()
        products = made.way(gradient) | own
        if not made.adaptive and any(map(_is_of_its_factor, products)):
            return True
    return False


def before_its_bound(made: Update) -> Multiple:
    """The gradient that is added, before a number that is computed of it multiplies it."""
    within = made.options[-1]
    own = made.options[made.own]
    if np.size(own[0].value) == 1:  # numbers are made of any others
        return own
    clipped = made.way(within[0]) - made.way(own[0])
    return within if any(map(_is_of_its_factor, clipped | {own[0]})) else own


def bounds_of_samples(
    gradients: Iterable[Node], given: Iterable[Node], losses: Collection[Node]
) -> set[Node]:
    """What the gradients of single samples are multiplied by to bound their norms, one a sample.

    It is made of these alone, as what none of the losses is made of.
    """
    begun = bits_of_nodes(given)
    way = walk(gradients, lambda each: [e for e in each.inputs if e.uses & begun])
    found = dict[Node, set[Node]]()
    for each in (e for e in way if e.operation in ("multiply", *SUMMED)):
        for bound, of in (each.inputs, each.inputs[::-1]) if len(each.inputs) == len(PAIR) else ():
            if of.uses & begun and 1 < np.size(bound.value) < np.size(of.value):
                found.setdefault(bound, set()).add(of)
    return {
        bound
        for bound, of in found.items()
        if losses and not any(each.depends_on(bound) for each in losses)
        if _is_up_to_1(bound) and not any(e in given for e in walk([bound], short_of(of)))
    }


def _is_up_to_1(value: Any) -> bool:
    """Whether numbers are chosen between 1 and others, or divided by the larger of two."""
    node = _whole(value)
    below = _whole(node.args[1]) if node.operation in PRODUCTS[1:] else node
    larger = type(below) is Node and below.operation in LARGER
    chosen = node.operation in (*SMALLER, "clip", "where") and 1 in map(scalar, node.args)
    return (larger or chosen) and bool(np.all(np.asarray(node.value) <= 1))


def _whole(value: Any) -> Any:
    """What a value is in another shape."""
    moved = type(value) is Node and value.operation in MOVES and value.inputs
    return _whole(value.inputs[0]) if moved else value


def _is_of_its_factor(node: Node) -> bool:
    """Whether a product is by a number that is computed of what it multiplies, a gradient."""
    pairs = (node.inputs, node.inputs[::-1]) if len(node.inputs) == len(PAIR) else ()
    return node.operation in PRODUCTS and any(is_of_its_factor(*each) for each in pairs)


def unbounded(judgement: Judgement) -> Iterator[Accused]:
    """The factors that are to bound the norm of gradients, and do not, as the source has them.

    Large gradients are bounded if they are multiplied by min(1, bound / norm), or divided by
    max(1, norm / bound). What else stands there is told, whether it changes these updates or not.
    """
    names = tuple(each.name for each in judgement.updates)
    way = [*walk(each.new for each in judgement.updates)]
    given = bits_of_nodes(each.old for each in judgement.updates)
    for around, file in _places(way):
        for each in bounds_in(around, file):
            at = Line(file, each.written.lineno)
            if each.squares and _is_by_number(each, [e for e in way if at in own_lines(e)], given):
                why = Cause("unrooted", each.squares[1])
                yield Accused(names, (Line(file, max(each.lines)),), why, mends=False)
            elif each.wrong and not each.squares:
                why = Cause("unbounded", ast.unparse(each.written))
                yield Accused(names, (at,), why, mends=False)


def _is_by_number(bound: Bound, made: Sequence[Node], given: int) -> bool:
    """Whether what a line computed of a bound shows that it is of no parameters, as a loss is."""
    operands = ((operand_name(e, i), arg) for e in made for i, arg in enumerate(e.args))
    named = [arg for name, arg in operands if name == bound.squares[0]]
    return bool(made) and not any(type(arg) is Node and arg.uses & given for arg in named)


def unclipped(trace: Trace, judgement: Judgement) -> Iterator[Accused]:
    """The parameters whose gradients are in a norm, and are not multiplied by what bounds it.

    Those of others are, or nothing reads the bound.
    """
    updates = judgement.updates
    first, last = max(e.old.number for e in updates), max(e.new.number for e in updates)
    step = [each for each in trace.nodes if first < each.number <= last]
    of = {each: {p for e, _ in each.options for p in (e, *each.parts_of(e))} for each in updates}
    every = set[Node]().union(*of.values())
    for around, file in _places(step):
        bounds = [*bounds_in(around, file)]
        names = set[str]().union(*(each.names for each in bounds))
        for each in bounds:
            at = {Line(file, line) for line in each.lines}
            norm = [node for node in step if not at.isdisjoint(own_lines(node))]
            within = {*walk(norm, short_of(every))}
            inside = [made for made in updates if not within.isdisjoint(of[made])]
            products = {made: _product(made, names, first) for made in inside}
            if each.idle or any(products.values()):
                yield from _left_out(products)


def _left_out(products: Mapping[Update, Node | None]) -> Iterator[Accused]:
    """The updates without such a product, blamed where others have theirs, or where they are."""
    own = {line for made in products for line in _lines(made)}
    others = [e for node in products.values() if node for e in lines_of(node) if e not in own]
    for made in (made for made, node in products.items() if node is None):
        lines = (*others, *_lines(made))[:1]
        yield Accused((made.name,), lines, Cause("unclipped"), mends=False)


def _lines(made: Update) -> tuple[Line, ...]:
    """Where what is kept for a parameter is computed, and its new value."""
    return tuple(e for node in (*(new for _, new in made.states), made.new) for e in lines_of(node))


def _product(made: Update, names: Collection[str], first: int) -> Node | None:
    """What goes into an update, after the first value of a step, and is computed of some names."""
    for node in walk([made.new], lambda each: [e for e in each.inputs if e.number > first]):
        around = [statement(each.file, each.line) for each in node.frames[1:]]
        read = (*operands(node), *(each for each in around if each is not None))
        if any(not names_in(each, ast.Load).isdisjoint(names) for each in read):
            return node
    return None


def _places(nodes: Iterable[Node]) -> Iterator[tuple[ast.AST, str]]:
    """The modules that computed some values, and their functions, each with its file."""
    for file in sorted({line.file for each in nodes for line in lines_of(each)}):
        module = tree(file) or ast.Pass()
        parts = (each for each in ast.walk(module) if isinstance(each, ast.FunctionDef))
        yield from ((each, file) for each in (module, *parts))
