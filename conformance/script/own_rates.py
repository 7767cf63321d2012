"""Which parameters are meant to be moved at other rates than the rest.

The source states another number for them, perhaps beside numbers that it states for all. Left out:
what of a factor is a rate (`rates.py`).
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from conformance.backward.source import lines_of
from conformance.backward.syntax import tree
from conformance.script.judgement import Judgement
from conformance.script.linear import alike, is_of_numbers
from conformance.script.multiples import PRODUCTS
from conformance.script.rates import as_written, numbers_of
from conformance.script.update import Update
from conformance.tracing.node import Node

NUMBER = re.compile(r"[\d.]+(e-?\d+)?")


class _Factor(NamedTuple):
    """A number by which a gradient is multiplied, as written.

    Attributes:
        name: of it.
        told: it with its number, where the name may stand for several; '' if it is no rate.
        whole: what it divides.
    """

    name: str
    told: str
    whole: str = ""


def at_own_rates(judgement: Judgement, usual: Sequence[float]) -> list[bool]:
    """Whether each parameter is meant to be moved at another rate than those moved as usual.

    A rate and what that is divided by, as by a number of samples, are one and the same.

    Args:
        judgement: of an update.
        usual: how many times the gradient of each is added to most parameters of its network.
    """
    pairs = [*zip(judgement.updates, judgement.chosen, strict=True)]
    stated = [[*_factors(made, gradient)] for made, (gradient, _) in pairs]
    every = [each for own in stated for each in own]
    divided = {each.whole for each in every} & {each.name for each in every}
    rates = [[_undivided(each, divided) for each in own] for own in stated]
    factors = [by for _, (_, by) in pairs]
    rates = [
        own or next(_of_alike(by, rates, factors), [])
        for own, by in zip(rates, factors, strict=True)
    ]
    alike_ones = (alike(by, most) for by, most in zip(factors, usual, strict=True))
    others = [own for own, same in zip(rates, alike_ones, strict=True) if same]
    return [bool(own) and all(_are_apart(own, other) for other in others) for own in rates]


def _of_alike(
    factor: float, rates: Sequence[list[_Factor]], factors: Sequence[float]
) -> Iterator[list[_Factor]]:
    """The rates of what moves as far: of a single number its factors are not told from itself."""
    yield from (own for own, by in zip(rates, factors, strict=True) if own and alike(by, factor))


def are_at_own_rates(judgement: Judgement) -> bool:
    """Whether all parameters but those moved as usual are meant to be moved at other rates."""
    most = judgement.factor
    usual = [alike(by, most) for _, by in judgement.chosen]
    rated = at_own_rates(judgement, [most] * len(usual))
    return all(one or other for one, other in zip(usual, rated, strict=True))


def _factors(made: Update, gradient: Node) -> Iterator[_Factor]:
    """The numbers that multiply a gradient in an update, and what is kept; none if arrays do.

    Where a loop goes through rates, or each layer keeps its own, they are told by their numbers,
    too. What alone divides a gradient is one.
    """
    way = (each for each in made.way(gradient) if not is_of_numbers(each))
    products = [each for each in way if each.operation in PRODUCTS]
    if len(products) != sum(1 for each in products for _ in numbers_of(each, made)):
        return
    for node in products:
        for written, number in numbers_of(node, made):
            parts = [*_parts(written, times=node.operation == "multiply" or len(products) == 1)]
            for part, times in parts:
                each = _as_number(part, node)
                told, whole = as_written(each, number, node) if times else ("", "")
                yield _Factor(told.partition(" = ")[0] or ast.unparse(each), told, whole)


def _as_number(part: ast.expr, node: Node) -> ast.expr:
    """The number that a name stands for, if one is given to it and it is read here alone."""
    files = [line.file for line in lines_of(node)[:1]]
    if not isinstance(part, ast.Name) or not files:
        return part
    every = [*ast.walk(tree(files[0]) or ast.Pass())]
    own = [each for each in every if isinstance(each, ast.Name) and each.id == part.id]
    given = (
        each.value for each in every if isinstance(each, ast.Assign) and each.targets[0] in own
    )
    number = next((each for each in given if isinstance(each, ast.Constant)), part)
    uses = Counter(type(each.ctx) for each in own)
    return number if uses == {ast.Store: 1, ast.Load: 1} else part


def _parts(written: ast.expr, *, times: bool) -> Iterator[tuple[ast.expr, bool]]:
    """The factors of a product, and whether each multiplies."""
    match written:
        case ast.BinOp(left, ast.Mult() | ast.Div() as operator, right):
            yield from _parts(left, times=times)
            yield from _parts(right, times=times == isinstance(operator, ast.Mult))
        case ast.UnaryOp(ast.USub(), operand):
            yield from _parts(operand, times=times)
        case _:
            yield written, times


def _undivided(factor: _Factor, divided: set[str]) -> _Factor:
    name = next((each for each in (factor.whole, factor.name) if each in divided), "")
    return _Factor(name, name) if name else factor


def _are_apart(one: Sequence[_Factor], other: Sequence[_Factor]) -> bool:
    """Whether each of two steps is multiplied by a rate that the other is not.

    Or one by a number that is written there, beside what both are: `0.1 * lr`.
    """
    own, others = (Counter((each.name, bool(each.told)) for each in e) for e in (one, other))
    if own == others:
        return Counter(one) != Counter(other)
    left, right = own - others, others - own
    if not (left and right):
        return all(is_rate and NUMBER.fullmatch(name) for name, is_rate in left + right)
    anew = (left + right).keys().isdisjoint(own.keys() & others.keys())  # else one is there twice
    return bool(left and right) and anew and all(is_rate for _, is_rate in left + right)
