"""The numbers that gradients are multiplied by and that are computed of them, as by their norm.

One that is chosen between 1 and a quotient of a norm is to make large gradients smaller. Left out:
bounds of single entries.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.source import MOVES, lines_of, operands, own_lines
from conformance.backward.syntax import function_around, statement, tree
from conformance.edits.source_parts import last_name
from conformance.programs.execution import names_in
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, is_of_its_factor, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Update
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

PAIR = ("one", "other")
SUMMED = ("einsum", "tensordot", "matmul", "dot")
SUMS = ("sum", "fsum", "dot", "vdot", "inner")
LARGER, SMALLER = ("max", "maximum", "fmax"), ("min", "minimum", "fmin")


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
    for around, file in _places(walk(each.new for each in judgement.updates)):
        for each in _bounds(around, file):
            if each.wrong:
                why = Cause("unbounded", ast.unparse(each.written))
                yield Accused(names, (Line(file, each.written.lineno),), why, mends=False)


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
        bounds = [*_bounds(around, file)]
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


class _Bound(NamedTuple):
    """A choice between 1 and a quotient of a norm.

    Attributes:
        written: in the source.
        wrong: whether no large gradient gets smaller by it.
        lines: of the norm, and of it.
        names: of what it is assigned to, and of what is assigned that reads these.
        idle: whether nothing reads them.
    """

    written: ast.expr
    wrong: bool
    lines: Collection[int]
    names: Collection[str]
    idle: bool


def _bounds(around: ast.AST, file: str) -> Iterator[_Bound]:
    """The choices between 1 and a quotient of a norm in a function, or a module beside these."""
    parents = {part: each for each in ast.walk(around) for part in ast.iter_child_nodes(each)}
    assigned = sorted((e for e in parents if isinstance(e, ast.Assign)), key=lambda e: e.lineno)
    sums = {name for e in assigned if _calls(e.value, SUMS) for name in names_in(e, ast.Store)}
    sums |= {
        name for e in parents if isinstance(e, ast.AugAssign) for name in names_in(e, ast.Store)
    }
    sized = [each for each in assigned if _is_size(each.value, sums)]
    sizes = {name: each.lineno for each in sized for name in names_in(each, ast.Store)}
    for each in parents:
        choice = _choice(each, parents)
        if (
            choice is None
            or (function_around(Line(file, choice[0].lineno)) or tree(file)) is not around
        ):
            continue
        written, larger, *quotient = choice
        of_size = [_is_size(e, sums) or bool(names_in(e, ast.Load) & {*sizes}) for e in quotient]
        parent = parents[written]
        kept = names_in(parent, ast.Store) if isinstance(parent, ast.Assign) else set[str]()
        named: list[ast.AST] = [e for e in parents if isinstance(e, ast.Name) and e.id in kept]
        by = {up for use in named or [written] if (up := _multiplies(use, parents)) is not None}
        bounds = larger == of_size[0] and by == {not larger}
        if sum(of_size) == 1:
            lines = {sizes.get(name, written.lineno) for name in names_in(written, ast.Load)}
            idle = bool(kept) and kept.isdisjoint(names_in(around, ast.Load))
            for one in assigned:
                if not kept.isdisjoint(names_in(one.value, ast.Load)):
                    kept |= names_in(one, ast.Store)
            yield _Bound(written, len(by) == 1 and not bounds, lines, kept, idle)


def _is_size(written: ast.AST, sums: Collection[str]) -> bool:
    """Whether an expression has a norm in it, or the root of a sum."""
    roots = [e for e in ast.walk(written) if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Pow)]
    rooted = any(ast.unparse(each.right) == "0.5" for each in roots) or _calls(written, ("sqrt",))
    of_sum = _calls(written, SUMS) or not names_in(written, ast.Load).isdisjoint(sums)
    return _calls(written, ("norm",)) or (rooted and of_sum)


def _calls(written: ast.AST, names: Collection[str]) -> bool:
    """Whether one of some functions or methods is called within an expression."""
    calls = (each.func for each in ast.walk(written) if isinstance(each, ast.Call))
    return any(last_name(each) in names for each in calls)


def _choice(
    part: ast.AST, parents: Mapping[ast.AST, ast.AST]
) -> tuple[ast.expr, bool, ast.expr, ast.expr] | None:
    """What is chosen between 1 and a quotient, whether by the larger of them, and its two parts.

    None if a part of the source is no such quotient: an operand of max or min beside 1, what is
    taken if the one of its own parts is more than the other, or one divided by the larger of both.
    """
    if not (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div)):
        return None
    if isinstance(part.right, ast.Call) and len(part.right.args) == len(PAIR):
        others = [e for e in part.right.args if ast.dump(e) != ast.dump(part.left)]
        if len(others) == 1 and (name := last_name(part.right.func)) in (*LARGER, *SMALLER):
            return part, name in SMALLER, part.left, others[0]
    parent: ast.AST | None = parents[part]
    match parent:
        case ast.Call(func, [_, _] as args) if any(map(_is_1, args)):
            name = last_name(func)
            found = parent, name in LARGER, part.left, part.right
            return found if name in (*LARGER, *SMALLER) else None
        case ast.IfExp(body=body, orelse=other) if body is part and _is_1(other):
            written: ast.expr = parent
        case _:
            written = part
            while parent is not None and not isinstance(parent, ast.If):
                parent = parents.get(parent)
    match parent:
        case ast.IfExp(ast.Compare(left, [op], [right])) | ast.If(ast.Compare(left, [op], [right])):
            sides, quotient = (
                [ast.dump(e) for e in pair] for pair in ((left, right), (part.left, part.right))
            )
            if quotient in (sides, sides[::-1]):
                larger = (sides == quotient) != isinstance(op, ast.Lt | ast.LtE)
                return written, larger, part.left, part.right
    return None


def _is_1(written: ast.AST) -> bool:
    return isinstance(written, ast.Constant) and written.value == 1


def _multiplies(use: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool | None:
    """Whether something is multiplied by what is used, or divided by it; None if neither."""
    parent, up, found = parents.get(use), True, False
    while isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div):
        up, found = up != (isinstance(parent.op, ast.Div) and parent.right is use), True
        use, parent = parent, parents.get(parent)
    match parent:
        case ast.AugAssign(op=ast.Mult() | ast.Div()):
            return up != isinstance(parent.op, ast.Div)
        case ast.keyword("alpha"):  # by which PyTorch multiplies what it adds
            return up
    return up if found else None
