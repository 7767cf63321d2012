"""Of two halves of the parameters, moved at two rates, the one that is as it has to be.

Left out: the rates (`rates.py`).
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from conformance.backward.syntax import assigned_around, statement
from conformance.script.judgement import Judgement
from conformance.script.linear import SAME_FACTOR, alike, kept, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.rates import number_apart, rates_on_the_way
from conformance.script.update import Update
from conformance.tracing.ancestors import short_of, walk
from conformance.tracing.node import Node


def without_a_tie(judgement: Judgement, own: Sequence[float]) -> Sequence[float]:
    """The usual factors; where half have another, that of the half which lacks no number of it.

    Such a number is a rate or a share, which makes a step shorter: by a larger one it is too long.
    But where that gradient, or its step, is multiplied by it already, the shorter one is so twice;
    where it alone is divided by the number of its samples, the shorter one is by another. And 1 − μ
    is of a mean: in a step that is kept, `v = μ v − η g`, it is too much, if η is there.

    Args:
        judgement: of an update.
        own: how many times the gradient of each is added to most parameters of its network.
    """
    pairs = [*zip(judgement.updates, judgement.chosen, strict=True)]
    as_usual = [alike(by, most) for (_, (_, by)), most in zip(pairs, own, strict=True)]
    others = [by for (_, (_, by)), usual in zip(pairs, as_usual, strict=True) if not usual]
    if 2 * len(others) != len(pairs) or not all(alike(others[0], each) for each in others):
        return own
    by = others[0] / own[as_usual.index(True)]
    longer, (gradient, _) = pairs[as_usual.index(abs(by) < 1)]
    shorter, (other, _) = pairs[as_usual.index(abs(by) >= 1)]
    share = min(abs(by), abs(1 / by))
    twice = _is_twice((shorter, other), (longer, gradient), share)
    twice = twice or (_is_kept_less(shorter, share) and _has_a_rate(longer, gradient))
    twice = twice or (_is_by_length(longer, gradient) and not _is_by_length(shorter, other))
    if share < 1 - SAME_FACTOR and (twice or _is_multiplied(judgement, gradient, share)):
        return own if abs(by) < 1 else [others[0]] * len(own)
    lacks = number_apart(judgement, longer, share) if abs(by) < 1 else None
    return own if lacks is None else [others[0]] * len(own)


def _is_kept_less(made: Update, share: float) -> bool:
    """Whether what is kept is the step itself, to which the share of a mean is added."""
    whole = (alike(abs(kept(new, made.new)), 1.0) for _, new in made.states)
    shares = (alike(1 - kept(*state), share) for state in made.states)
    return any(map(all, zip(whole, shares, strict=True)))


def _has_a_rate(made: Update, gradient: Node) -> bool:
    """Whether a number multiplies what moves a parameter, but for the share that is kept."""
    shares = [kept(*state) for state in made.states]
    rates = rates_on_the_way(made, gradient)
    return any(not alike(number, each) for _, number in rates for each in shares)


def _is_twice(shorter: tuple[Update, Node], longer: tuple[Update, Node], share: float) -> bool:
    """Whether a number of the one step is written more often in the other, or in its variables."""
    ways = [[*rates_on_the_way(*each)] for each in (shorter, longer)]
    often, once = (
        Counter(ast.unparse(part) for rate, _ in each for part in _parts_of(rate, made))
        for each, (made, _) in zip(ways, (shorter, longer), strict=True)
    )
    rates = ((ast.unparse(rate), abs(number)) for rate, number in chain(*ways))
    known = (text for text, by in rates if alike(by, share) or alike(by * share, 1.0))
    return any(often[each] > once[each] > 0 for each in known)


def _is_by_length(made: Update, gradient: Node) -> bool:
    """Whether a step is divided by a length that is computed for it, as by `len(batch)`."""
    for rate, _ in rates_on_the_way(made, gradient):
        match rate:
            case ast.BinOp(op=ast.Div(), right=length):
                parts = (ast.unparse(each) for each in _parts_of(length, made, calls=False))
                if any(re.match(r"len\(|.*\.shape\[\d\]$", each) for each in parts):
                    return True
    return False


def _parts_of(rate: ast.expr, made: Update, *, calls: bool = True) -> Iterator[ast.AST]:
    """The parts of a number as it is written, and of what a variable was given.

    Args:
        rate: the number.
        made: the update.
        calls: whether the variable may be given to the function of it.
    """
    yield from ast.walk(rate)
    frames = made.new.frames[: None if calls else 1]
    line = assigned_around(rate.id, frames) if isinstance(rate, ast.Name) else None
    match line and statement(line.file, line.line):
        case ast.Assign(value=value):
            yield from ast.walk(value)


def _is_multiplied(judgement: Judgement, gradient: Node, share: float) -> bool:
    """Whether a gradient is computed beside the loss by a product with a number, or by a mean."""
    loss = 0 if judgement.loss is None else judgement.loss.uses
    olds = {each.old for each in judgement.updates}
    for node in walk([gradient], short_of(olds)):
        if node.operation in (*PRODUCTS, "mean") and not loss >> node.number & 1:
            size = np.size(node.inputs[0].value) / np.size(node.value)
            numbers = (size,) if node.operation == "mean" else map(scalar, node.args[:2])
            by_it = share if node.operation == "multiply" else 1 / share
            if any(alike(number or 0.0, by_it) for number in numbers):
                return True
    return False
