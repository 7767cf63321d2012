"""Losses of a program that an update does not compute, where it is judged by a known cost.

By a cost that the program was not seen to have nothing is wrong, if another update tells its loss,
or if it defines a loss of another form, which it may compute after its training. Left out: the
losses that an update computes (`judge_updates.py`).
"""

import ast
import os
import re
from collections.abc import Iterator

from conformance.backward.findings import Line
from conformance.backward.groups import operation_key
from conformance.backward.loss_names import MAXIMISED, NAMED
from conformance.backward.no_loss import COST_NAMES
from conformance.backward.recorded_pass import NotAGradientError
from conformance.backward.source import lines_of
from conformance.backward.syntax import tree
from conformance.script.judgement import Judgement
from conformance.tracing.node import Node, bits_of_nodes
from conformance.tracing.trace import Trace

DERIVATIVE = re.compile(r"grad|deriv|prime|delta|back|^d_?[A-Z_]")
LOGARITHM = re.compile(r"log|exp|soft|gamma|entropy", re.IGNORECASE)
"""What a loss calls that is a likelihood, and no sum of squares."""


def decline_unseen(trace: Trace, made: Judgement, loss: Node | None) -> None:
    """Decline gradients that are wrong by a known cost, where the program has another loss.

    Args:
        trace: of the run.
        made: the judgement of an update.
        loss: by which another update is judged.

    Raises:
        NotAGradientError: the update does not compute that loss.
    """
    if made.ok or made.examined.cost not in COST_NAMES:
        return
    own = _computed(trace, made)
    if loss is not None and operation_key(loss) not in map(operation_key, own):
        raise NotAGradientError("not each update computes the loss by which others are judged")
    called = {frame.function for each in own for frame in each.frames}
    files = {line.file for each in made.updates for line in lines_of(each.new)}
    for each, line in _losses(sorted(files)):
        if each.name not in called and _is_another(each, made.examined.cost):
            place = f"{os.path.relpath(line.file)}:{line.line}"
            words = f"not each update computes the loss, which `{each.name}` gives ({place})"
            raise NotAGradientError(words)


def _is_another(function: ast.FunctionDef, cost: str) -> bool:
    """Whether what a function computes is no such cost: a likelihood or a sum of squares."""
    parts = [*ast.walk(function)]
    likelihood = any(map(_is_logarithm, parts))
    squares = any(isinstance(each, ast.Pow) for each in parts)
    return likelihood if cost == "quadratic" else squares and not likelihood


def _computed(trace: Trace, made: Judgement) -> list[Node]:
    """What was computed of the parameters of an update before they were moved on."""
    given, later = made.given, bits_of_nodes(each.new for each in made.updates)
    return [each for each in trace.nodes if each.uses & given and not each.uses & later]


def _losses(files: list[str]) -> Iterator[tuple[ast.FunctionDef, Line]]:
    """The functions by the name of a loss that files define."""
    for file in files:
        for each in ast.walk(tree(file) or ast.Pass()):
            if isinstance(each, ast.FunctionDef) and _is_a_loss(each.name):
                yield each, Line(file, each.lineno)


def _is_a_loss(name: str) -> bool:
    named = NAMED.fullmatch(name) or MAXIMISED.fullmatch(name)
    return named is not None and not DERIVATIVE.search(name)


def _is_logarithm(part: ast.AST) -> bool:
    called = ast.unparse(part.func) if isinstance(part, ast.Call) else ""
    return bool(LOGARITHM.search(called.rpartition(".")[2]))
