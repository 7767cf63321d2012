"""Numbers that a program computes of the rate of its updates, and uses nowhere.

Such is a rate that gets less from epoch to epoch, beside an update by the one that it was made of.
It may be meant to be printed. Left out: what of a factor belongs to the rate (`rates.py`).
"""

import ast
import os
from collections.abc import Iterator, Sequence

from conformance.backward.source import lines_of, operands
from conformance.backward.syntax import tree
from conformance.script.linear import entrywise, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Update
from conformance.tracing.node import Node


def unread_rates(updates: Sequence[Update]) -> Iterator[tuple[str, str]]:
    """A note on each, with its name and place."""
    rates = {name for made in updates for name in _rates(made)}
    files = {line.file for made in updates for line in lines_of(made.new)[:1]}
    for file in sorted(files):
        parts = [*ast.walk(tree(file) or ast.Pass())]
        read = {name for each in parts for name in _names(each, ast.Load)}
        for each in parts:
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.BinOp | ast.Call):
                own = {name for e in ast.walk(each.value) for name in _names(e, ast.Load)}
                names = [*_names(each.targets[0], ast.Store)]
                if not rates.isdisjoint(own) and names and read.isdisjoint(names):
                    place = f"{os.path.relpath(file)}:{each.lineno}"
                    yield "unread", f"{ast.unparse(each.targets[0])} ({place})"


def _rates(made: Update) -> Iterator[str]:
    """The names of the numbers by which what moves a parameter is multiplied."""
    own = made.options[made.own : made.own + 1]
    stop = frozenset({made.old, *(part for each, _ in own for part in made.parts_of(each))})
    news = [made.new, *(new for _, new in made.states)]
    way = {*news, *(each for new in news for each in entrywise(new, stop))} - stop
    for each in way:
        for operand, value in zip(operands(each), each.args, strict=False):
            given = type(value) is Node and bool(value.uses & made.given)
            if each.operation in PRODUCTS and scalar(value) is not None and not given:
                yield from _names(operand, ast.Load)


def _names(part: ast.AST, context: type[ast.expr_context]) -> Iterator[str]:
    """What a variable, or what is kept in an object, is called, if it is one that is so used."""
    if isinstance(part, ast.Name) and isinstance(part.ctx, context):
        yield part.id
    elif isinstance(part, ast.Attribute) and isinstance(part.ctx, context):
        yield part.attr
