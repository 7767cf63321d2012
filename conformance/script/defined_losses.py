"""What the source tells of losses that an update does not compute.

By a known cost that the program was not seen to have nothing is wrong, if another update tells its
loss, or if it defines a loss of another form. Where a loss is a sum of a mean and of a term of the
weights alone, such as `0.5 * lam * np.sum(w ** 2)`, the term tells by how much they decay. Left
out: the losses that an update computes (`judge_updates.py`).
"""

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.groups import operation_key
from conformance.backward.loss_names import MAXIMISED, NAMED, names_a_loss
from conformance.backward.no_loss import COST_NAMES
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import lines_of
from conformance.backward.syntax import tree
from conformance.edits.computing import is_pure
from conformance.edits.source_parts import numpy_name
from conformance.script.judgement import Judgement
from conformance.script.linear import alike
from conformance.script.update import Update
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace
from reference.step import Array

LOGARITHM = re.compile(r"log|exp|soft|gamma|entropy", re.IGNORECASE)
"""What a loss calls that is a likelihood, and no sum of squares."""

SIZES = (1.0, 2.0)
"""Sizes of weights by which a term is told to be a multiple of their squares."""


ELSEWHERE = "not each update computes the loss by which others are judged"


def decline_unseen(trace: Trace, made: Judgement, loss: Node | None) -> None:
    """Decline gradients that are wrong by a known cost, where the program has another loss.

    Args:
        trace: of the run.
        made: the judgement of an update.
        loss: by which another update is judged.

    Raises:
        NotAGradientError: the update does not compute that loss.
    """
    if made.ok:
        return
    if made.own_loss and loss is not None and not _computes(trace, made, loss):
        raise NotAGradientError(ELSEWHERE)  # what it computes is a part of that loss, or beside it
    if made.examined.cost not in (*COST_NAMES, "unknown"):
        return
    own = _computed(trace, made)
    if loss is not None and operation_key(loss) not in map(operation_key, own):
        raise NotAGradientError(ELSEWHERE)
    called = {frame.function for each in own for frame in each.frames}
    files = {line.file for each in made.updates for line in lines_of(each.new)}
    for each, line in _losses(sorted(files)):
        if each.name not in called and _is_another(each, made.examined.cost):
            place = f"{os.path.relpath(line.file)}:{line.line}"
            words = f"not each update computes the loss, which `{each.name}` gives ({place})"
            raise NotAGradientError(words)


def _computes(trace: Trace, made: Judgement, loss: Node) -> bool:
    """Whether an update computes what another one does as its loss, if that is told."""
    first, last = (min(e.old.number for e in made.updates), max(e.new.number for e in made.updates))
    key = operation_key(loss)
    return not loss.frames or any(
        operation_key(each) == key for each in trace.nodes[first : last + 1]
    )


def _is_another(function: ast.FunctionDef, cost: str) -> bool:
    """Whether what a function computes is no such cost, which may be none that is known."""
    parts = [*ast.walk(function)]
    likelihood = any(map(_is_logarithm, parts))
    squares = any(isinstance(each, ast.Pow) for each in parts)
    return cost == "unknown" or (likelihood if cost == "quadratic" else squares and not likelihood)


def _computed(trace: Trace, made: Judgement) -> list[Node]:
    """What was computed of the parameters of an update before they were moved on."""
    given, later = made.given, bits_of_nodes(each.new for each in made.updates)
    return [each for each in trace.nodes if each.uses & given and not each.uses & later]


def _losses(files: list[str]) -> Iterator[tuple[ast.FunctionDef, Line]]:
    """The functions by the name of a loss that files define."""
    for file in files:
        for each in ast.walk(tree(file) or ast.Pass()):
            if isinstance(each, ast.FunctionDef) and names_a_loss(each.name):
                yield each, Line(file, each.lineno)


def _is_logarithm(part: ast.AST) -> bool:
    called = ast.unparse(part.func) if isinstance(part, ast.Call) else ""
    return bool(LOGARITHM.search(called.rpartition(".")[2]))


def stated_decays(updates: Sequence[Update]) -> dict[str, float]:
    """How many times itself a parameter decays, beside the gradients of the mean, by its name."""
    module = next((tree(each.file) for each in updates[0].new.frames[:1]), None)
    if module is None:
        return {}
    numpy, _ = numpy_name([*ast.walk(module)])
    known: dict[str, Any] = {**_numbers(module), **({numpy: np} if numpy else {}), "sum": sum}
    named = (each for each in updates if each.name.isidentifier())
    weights = {each.name: np.asarray(each.old.value) for each in named}
    found: dict[str, set[float]] = {}
    for terms in map(_terms, _written_losses(module)):
        penalties = [e for e in terms if (n := _names(e) - known.keys()) and n <= weights.keys()]
        if len(penalties) == len(terms) or not any(_is_mean(e) for e in terms):
            continue
        for name, value in weights.items():
            own = [partial(_value, e, known, weights, name) for e in penalties if name in _names(e)]
            rates = [_of_squares(each, value) for each in own]
            if rates and None not in rates:
                found.setdefault(name, set()).add(round(sum(e or 0.0 for e in rates), 15))
    return {name: rates.pop() for name, rates in found.items() if len(rates) == 1}


def _written_losses(module: ast.Module) -> Iterator[ast.expr]:
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
