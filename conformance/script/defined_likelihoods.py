"""The cross-entropy that a file defines or computes, where gradients are of a quadratic cost.

The derivative of the output is one too much then, whose line is told. The other way round nothing
is: who leaves it out may say that the cost is another. Left out: losses that an update computes
(`judge_updates.py`), and those of another form (`defined_losses.py`).
"""

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from conformance.backward.loss_names import is_named
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import lines_of
from conformance.backward.syntax import tree
from conformance.edits.source_parts import last_name
from conformance.script.held_targets import LOGARITHMS
from conformance.script.judge_updates import Unjudged, judged
from conformance.script.judgement import Judgement, ToJudge
from conformance.tracing.ancestors import walk

LIKELIHOODS = ("cross-entropy", "log-likelihood")


def by_likelihood(asked: ToJudge, made: Judgement) -> Judgement | None:
    """The judgement of gradients of a quadratic cost, where the file has a likelihood alone.

    A function of the file is it, or a number that the update calls its loss.

    It is that the output error has a derivative too much, which one line makes; None if it is not.
    """
    if not made.ok or made.own_loss or made.examined.cost != "quadratic":
        return None
    files = {line.file for each in made.updates for line in lines_of(each.new)}
    compared = [e for file in files for e in ast.walk(tree(file) or ast.Pass()) if _compares(e)]
    defined = any(map(_is_likelihood, compared)) or _computes_one(asked)
    if not defined or any(map(_is_of_squares, compared)):
        return None
    for cost in LIKELIHOODS:
        with suppress(NotAGradientError):
            other = judged(replace(asked, cost=cost)).searched()
            found = other.examined.accused
            every = len(other.examined.gradients)
            if len(found) == 1 and found[0].mends and len(found[0].gradients) == every:
                return other
    return None


def _computes_one(asked: ToJudge) -> bool:
    """Whether all numbers that an update calls its loss are made of logarithms."""
    losses = [each for each in Unjudged(asked).losses if is_named(each)]
    return bool(losses) and all(
        any(part.operation in LOGARITHMS for part in walk([each])) for each in losses
    )


def _compares(part: ast.AST) -> bool:
    """Whether it is a function of an output and a target, as of any two things."""
    return isinstance(part, ast.FunctionDef) and len(part.args.args) > 1


def _is_likelihood(function: ast.AST) -> bool:
    """Whether a function takes the logarithm of something that it is given, and returns it."""
    given = {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
    logs = _calls(function, "log")
    read = (part for each in logs for part in ast.walk(each) if isinstance(part, ast.Name))
    return any(each.id in given for each in read)


def _is_of_squares(function: ast.AST) -> bool:
    """Whether a function squares a difference, or takes its norm."""
    squared = (
        e.left for e in ast.walk(function) if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Pow)
    )
    normed = _calls(function, "norm", "square")
    parts = (part for each in (*squared, *normed) for part in ast.walk(each))
    return any(isinstance(each, ast.Sub) for each in parts)


def _calls(function: ast.AST, *names: str) -> Iterator[ast.Call]:
    """The calls in a function of some others by their names."""
    calls = (each for each in ast.walk(function) if isinstance(each, ast.Call))
    return (each for each in calls if last_name(each.func) in names)
