"""Variables that are computed of the rate of updates, or of parameters, and read nowhere.

Such is a rate that gets less from epoch to epoch, beside an update by the one that it was made of.
Left out: numbers of the forward pass, which may be there to be looked at.
"""

import ast
import os
from collections.abc import Iterator, Sequence

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.source import lines_of, operands
from conformance.backward.syntax import reads, statement, tree
from conformance.script.linear import entrywise, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Update
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace


def unread(trace: Trace, updates: Sequence[Update]) -> Iterator[tuple[str, str]]:
    """A note on each of an update, with its name and place."""
    rates = {name for made in updates for name in _rates(made)}
    arrays = {*_idle(trace, updates)}
    for file in sorted({line.file for made in updates for line in lines_of(made.new)}):
        for each in ast.walk(tree(file) or ast.Pass()):
            if not isinstance(each, ast.Assign) or not isinstance(each.value, ast.BinOp | ast.Call):
                continue
            target, line = each.targets[0], Line(file, each.lineno)
            made_of = line in arrays or not rates.isdisjoint(_names(each.value))
            if made_of and isinstance(target, ast.Name) and not reads(target.id, line):
                yield "unread", f"{target.id} ({os.path.relpath(file)}:{each.lineno})"


def _rates(made: Update) -> Iterator[str]:
    """The names in the numbers by which what moves a parameter is multiplied."""
    own = made.options[made.own : made.own + 1]
    stop = frozenset({made.old, *(part for each, _ in own for part in made.parts_of(each))})
    news = [made.new, *(new for _, new in made.states)]
    way = {*news, *(each for new in news for each in entrywise(new, stop))} - stop
    for each in way:
        for operand, value in zip(operands(each), each.args, strict=False):
            given = type(value) is Node and bool(value.uses & made.given)
            if each.operation in PRODUCTS and scalar(value) is not None and not given:
                yield from _names(operand)


def _names(expression: ast.expr) -> Iterator[str]:
    """The variables that an expression reads, and what it reads of objects."""
    for each in ast.walk(expression):
        if isinstance(each, ast.Name | ast.Attribute):
            yield each.id if isinstance(each, ast.Name) else each.attr


def _idle(trace: Trace, updates: Sequence[Update]) -> Iterator[Line]:
    """The statements that compute an array of the parameters, of which nothing is computed."""
    given, first = updates[0].given, min(each.old.number for each in updates)
    around = {frame for made in updates for frame in made.new.frames[1:]}
    for each in trace.nodes[first : max(made.new.number for made in updates)]:
        if each.uses & given and np.size(each.value) > 1 and not each.consumers:
            for frame in each.frames:
                found = statement(frame.file, frame.line)
                if frame not in around and found is not None:
                    yield Line(frame.file, found.lineno)
