"""What of the factor of gradients belongs to the learning rate.

And the numbers by which some parameters are moved and others are not, of which one is wrong. Left
out: which arrays are added how many times (`multiples.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np

from conformance.backward.findings import Changed, Examined, Line, Named
from conformance.backward.source import lines_of, operands
from conformance.backward.syntax import (
    assigned,
    function_around,
    loops_around,
    passed,
    statement,
    stored,
    unread,
)
from conformance.backward.value_names import operand_text, operation_text
from conformance.programs.vocabulary import kinds_of
from conformance.script.histories import precision
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, is_of_some, kept, scalar
from conformance.script.multiples import PRODUCTS, is_convention
from conformance.script.parameters import Parameter
from conformance.script.update import Update
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

VARIABLES = ast.Name | ast.Attribute | ast.Subscript


def with_rates(
    judgement: Judgement, trace: Trace, moved: Sequence[Parameter]
) -> tuple[Examined, list[float]]:
    """The gradients, and what of their factor belongs to the learning rate of each parameter.

    Of `rate * g`, `g` and what g is a multiple of, the gradient is what comes nearest to that of
    the cost. A factor of it is a convention if it is made of 2 and of lengths that no parameter
    has, such as that of a sum over the samples; any other is the rate, in `W -= rate * h.T @ d`.
    Where the update itself multiplies by a rate, and the loss is the program's own, the factor may
    be of a length that a parameter has, too.
    """
    examined = judgement.examined
    told = examined.cost != "unknown" and judgement.right and not judgement.altered
    if not told or not (judgement.whole or judgement.chosen):
        return examined, [1.0] * len(judgement.updates)
    taken = [abs(by) for _, by in judgement.chosen] or [1.0] * len(judgement.updates)
    pairs = list(zip(judgement.updates, taken, strict=True))
    if all(each.adaptive for each in judgement.updates):  # η says nothing of a factor
        return replace(examined, factor=examined.factor * _share(*pairs[0])), [1.0] * len(pairs)
    read = all(made.options for made, _ in pairs)  # else the rate is a part of what was judged
    shares = [by / abs(each) for made, by in pairs for _, each in made.options if read]
    own = {n for each in moved for n in np.shape(each.values[0].value)}
    lengths = {n for node in trace.nodes for n in np.shape(node.value)} - own
    factors = [examined.factor * each for each in shares]
    usual = [each for each in factors if is_convention(each, lengths)]
    if read and examined.cost == "own" and not usual and all(_has_rate(made) for made, _ in pairs):
        factors = [examined.factor * _share(made, by) for made, by in pairs]
        usual = [each for each in factors if is_convention(each, {*lengths, *own})]
    nearest = min(usual, key=lambda each: abs(np.log(abs(each))), default=0.0)
    factor = nearest or float(np.sign(examined.factor))
    rate = examined.factor / factor
    examined = replace(examined, factor=factor, decay=examined.decay / rate)
    return examined, [rate * _share(made, by) for made, by in pairs]


def _has_rate(made: Update) -> bool:
    """Whether an update itself multiplies what it takes by a number."""
    return not alike(abs(made.options[made.own][1]), 1.0)


def _share(made: Update, by: float) -> float:
    """How many times the gradient of an update is in what was judged, which it adds so often."""
    return by / abs(made.options[made.own][1]) if made.options else 1.0


def rates_on_the_way(made: Update, *gradients: Node) -> Iterator[tuple[ast.expr, float]]:
    """The numbers by which what moves a parameter is multiplied, each as written."""
    for each in made.way(*gradients):
        yield from numbers_of(each, made)


def numbers_of(node: Node, made: Update) -> Iterator[tuple[ast.expr, float]]:
    """The numbers in a product on the way to an update, but for those of the pass, as written."""
    for operand, value in zip(operands(node), node.args, strict=False):
        of_the_pass = type(value) is Node and is_of_some(value, made.given)
        number = None if node.operation not in PRODUCTS or of_the_pass else scalar(value)
        if number is not None:
            yield operand, number


def doubled_rate(made: Update, gradient: Node) -> tuple[str, Node] | None:
    """A variable that multiplies a gradient twice, and where for the second time; None if none."""
    parts, found = made.parts_of(gradient), dict[Node, set[tuple[str, float]]]()
    for each in sorted(made.way(gradient), key=lambda each: each.number):
        if each in parts or not any(map(each.depends_on, parts)):
            continue
        before = set().union(*(found.get(e, ()) for e in each.inputs))
        pairs = zip(operands(each), each.args, strict=False)
        named = ((e, scalar(value)) for e, value in pairs if isinstance(e, VARIABLES))
        numbers = ((ast.unparse(e), number) for e, number in named if number not in (None, 1, -1))
        own = {(text, float(number or 0)) for text, number in numbers}
        own = own if each.operation == "multiply" else set()
        if twice := before & own:
            return min(twice)[0], each
        found[each] = before | own
    return None


def unused_rate(made: Update, gradient: Node, eta: float) -> str:
    """A number that the function of an update is given and does not use, where it has no rate.

    No other number is there than the share of a mean, written as 1 − μ, or none: then the name of
    the unused one has to tell a rate. What computes the gradient, too, may be given others.

    Args:
        made: the update.
        gradient: that of the cost in it.
        eta: how many times that is taken off.
    """
    shares = [kept(*state) for state in made.states]
    rates = rates_on_the_way(made, gradient)
    rest = [(e, number) for e, number in rates if not any(alike(number, s) for s in shares)]
    of_means = all(isinstance(e, ast.BinOp) and alike(abs(number), eta) for e, number in rest)
    if not of_means or not alike(eta, 1 - shares[0] if rest and shares else 1.0):
        return ""
    outer = [function_around(Line(each.file, each.line)) for each in gradient.frames]
    lines = [
        Line(each.file, each.line) for each in (made.states or [(made.old, made.new)])[0][1].frames
    ]
    given = (
        e for line in lines if function_around(line) not in outer for e in unread(line).items()
    )
    for name, default in given:
        kinds = kinds_of(name)
        if "rate" in kinds or (rest and not kinds and isinstance(default, float) and default < 1):
            return name
    return ""


def measured_to(made: Update) -> float:
    """How near the η of a rule that keeps states is known by a parameter, beside its size.

    A single number tells η and ε by the same few updates, so half of those digits.
    """
    near = float(precision(np.asarray(made.new.value)) ** (2 / 3))
    return near if np.size(made.new.value) > 1 else near**0.5


def rate_of_rule(made: Update, gradient: Node, eta: float) -> str:
    """The η of a rule that keeps states, as written; '' if there is none, or it is computed."""
    near = measured_to(made) * eta
    on_the_way = rates_on_the_way(made, gradient)
    written = [e for e, number in on_the_way if abs(abs(number) - eta) <= near]
    return as_written(written[-1], eta, made.new)[0] if written else ""


def as_written(rate: ast.expr, number: float, node: Node) -> tuple[str, str]:
    """A rate, and what it divides, as written; what a function was handed, by its call."""
    lines = lines_of(node)
    match rate:
        case ast.Subscript() | ast.Attribute():
            return f"{ast.unparse(rate)} = {number}", ""
        case ast.Name() if rate.id in {name for at in lines[:1] for name in _gone_through(at)}:
            return f"{rate.id} = {number}", ""
        case ast.Constant():
            return ast.unparse(rate), ""
        case ast.Name():
            handed = _as_handed(rate.id, node.frames)
            return handed or rate.id, next((_divided(rate.id, at) for at in lines[:1]), "")
    return "", ""


def _as_handed(name: str, frames: Sequence[Frame]) -> str:
    """What a function was handed as an argument, as its call has it; '' if it is none."""
    for inner, outer in islice(pairwise(frames), 1):
        inside, call = Line(inner.file, inner.line), Line(outer.file, outer.line)
        return passed(name, inside, inner.function, call)
    return ""


def _divided(name: str, line: Line) -> str:
    """What a variable is a quotient of, as written, if its divisor is no number that is stated."""
    at = assigned(name, line, alias=False)
    match at and statement(at.file, at.line):
        case ast.Assign(value=ast.BinOp(left=whole, op=ast.Div(), right=by)):
            return "" if isinstance(by, ast.Constant) else ast.unparse(whole)
    return ""


def _gone_through(line: Line) -> Iterator[str]:
    """The names to which the loops around a line give one element after another."""
    for each in loops_around(line):
        if isinstance(each, ast.For):
            yield from stored(each)


def number_apart(judgement: Judgement, made: Update, by: float) -> Changed | None:
    """The number by which other parameters are moved, and one is not, or it alone; None if unknown.

    Args:
        judgement: of an update.
        made: the update of that one.
        by: how many times as far the others are moved.
    """
    gradients = [node for node, _ in judgement.chosen]
    ways = {each: each.way(*gradients) for each in judgement.updates}
    every = sorted(set().union(*ways.values()), key=lambda each: each.number)
    rows = [(e, *pair) for e in every for pair in zip(operands(e), e.args, strict=False)]
    own = dict(zip(judgement.updates, (factor for _, factor in judgement.chosen), strict=True))
    beside = [way for each, way in ways.items() if alike(own[each], own[made] * by)]
    used = {ast.unparse(number) for node, number, _ in rows if any(node in e for e in beside)}
    for node, number, arg in rows:
        too_much = by if node.operation == "divide" else 1 / by
        apart = (
            node in ways[made] and node.operation in PRODUCTS and ast.unparse(number) not in used
        )
        if apart and alike(scalar(arg) or 0.0, too_much):
            return Changed("extra", ast.unparse(number), "", operation_text(node))
    name = next((ast.unparse(e) for _, e, arg in rows if alike(scalar(arg) or 0.0, by)), "")
    parts = [part for each in gradients for part in made.parts_of(each)]
    there = ((each, arg) for each in ways[made] for arg in each.args if arg in parts)
    text = next((operand_text(*each) for each in there), "")
    return Changed("factor", "", "×", text, Named(name, None)) if name and text else None
