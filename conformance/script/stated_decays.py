"""The decays of weights that the source of a program's loss states, where the loss is not computed.

A program may compute its loss only now and then, of all samples, as by `cost(X, y)`. Where that is
a sum of a mean and of a term of the weights alone, such as `0.5 * lam * np.sum(w ** 2)`, the term
tells by how much they decay. Left out: a loss that is computed with the gradients
(`backward/stated_loss.py`), and a term that takes other names than those of numbers.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from conformance.backward.loss_names import MAXIMISED, NAMED
from conformance.backward.syntax import tree
from conformance.edits.pure import is_pure
from conformance.edits.source_parts import numpy_name
from conformance.script.linear import alike
from reference.step import Array

SIZES = (1.0, 2.0)
"""Sizes of weights by which a term is told to be a multiple of their squares."""


def stated_decays(file: str, names: Sequence[str], values: Sequence[Array]) -> dict[str, float]:
    """By how many times itself a parameter decays, beside the gradients of the mean, by its name.

    Args:
        file: of the program.
        names: of its parameters.
        values: of them.
    """
    module = tree(file)
    if module is None:
        return {}
    numpy, _ = numpy_name([*ast.walk(module)])
    known: dict[str, Any] = {**_numbers(module), **({numpy: np} if numpy else {}), "sum": sum}
    weights = {n: v for n, v in zip(names, values, strict=True) if n.isidentifier()}
    found: dict[str, set[float]] = {}
    for terms in map(_terms, _losses(module)):
        penalties = [e for e in terms if (n := _names(e) - known.keys()) and n <= weights.keys()]
        if len(penalties) == len(terms) or not any(_is_mean(e) for e in terms):
            continue
        for name, value in weights.items():
            own = [partial(_value, e, known, weights, name) for e in penalties if name in _names(e)]
            rates = [_of_squares(each, value) for each in own]
            if rates and None not in rates:
                found.setdefault(name, set()).add(round(sum(e or 0.0 for e in rates), 15))
    return {name: rates.pop() for name, rates in found.items() if len(rates) == 1}


def _losses(module: ast.Module) -> Iterator[ast.expr]:
    """What functions that are named as losses return, and what variables are assigned."""
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef) and _is_loss(each.name):
            yield from (e.value for e in ast.walk(each) if isinstance(e, ast.Return) and e.value)
        elif isinstance(each, ast.Assign) and any(
            isinstance(e, ast.Name) and _is_loss(e.id) for e in each.targets
        ):
            yield each.value


def _is_loss(name: str) -> bool:
    return bool(NAMED.fullmatch(name)) and not MAXIMISED.fullmatch(name)


def _terms(value: ast.expr) -> list[ast.expr]:
    """What a value is the sum of."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return [*_terms(value.left), *_terms(value.right)]
    return [value]


def _names(part: ast.expr) -> set[str]:
    return {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}


def _is_mean(term: ast.expr) -> bool:
    """Whether a term is a mean over the samples, by its source."""
    while isinstance(term, ast.UnaryOp):
        term = term.operand
    divided = isinstance(term, ast.BinOp) and isinstance(term.op, ast.Div) and _names(term.right)
    called = {e.attr for e in ast.walk(term) if isinstance(e, ast.Attribute)}
    return bool(divided or called & {"mean", "average"})


def _numbers(module: ast.Module) -> dict[str, float]:
    """The variables that stand for one number all over a file."""
    stored: dict[str, list[ast.expr | None]] = {}
    for each in ast.walk(module):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            stored.setdefault(each.id, []).append(None)
        elif isinstance(each, ast.arg):
            stored.setdefault(each.arg, []).append(None)
        elif isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            stored.setdefault(each.targets[0].id, []).append(each.value)
    once = {name: e for name, (*e, last) in stored.items() if last is None and len(e) == 1}
    found = ((name, e[0].value) for name, e in once.items() if isinstance(e[0], ast.Constant))
    return {name: float(e) for name, e in found if isinstance(e, int | float)}


def _value(
    term: ast.expr, known: Mapping[str, Any], weights: Mapping[str, Array], name: str, of: Array
) -> float | None:
    """What a term is with some value of one parameter and the others 0; None if it is no number."""
    given = {**known, **{n: np.zeros(np.shape(v)) for n, v in weights.items()}, name: of}
    if not is_pure(term, given):
        return None
    code = compile(ast.Expression(term), "<term>", "eval")
    try:
        made = eval(code, {"__builtins__": {}, **given})  # noqa: S307 - it only computes
        return float(made)
    except (ArithmeticError, AttributeError, TypeError, ValueError, IndexError):
        return None


def _of_squares(term: Any, weights: Array) -> float | None:
    """By how many times the weights the derivative of a term is; None if it is not of squares."""
    rng, rates = np.random.default_rng(0), []
    for size in SIZES:
        of = size * rng.normal(size=np.shape(weights))
        value = term(of)
        if value is None:
            return None
        rates.append(2 * value / float(np.sum(of**2)))
    return rates[0] if all(alike(each, rates[0]) for each in rates) else None
