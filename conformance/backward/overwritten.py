"""The gradient of the last sample alone, where a loop writes each over that of the one before.

Left out: gradients of mini-batches of which nothing else uses the others
(`script/blamed_updates.py`).
"""

import ast
import re
from collections.abc import Iterator, Sequence

import numpy as np

from conformance.backward.causes import worst_entry
from conformance.backward.chain import Chain
from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS
from conformance.backward.findings import Accused, Cause, Changed, Line
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Verdict, distance
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import line_of
from conformance.backward.syntax import loops_around, only_alias, statement, stored
from conformance.backward.value_names import statement_text
from conformance.programs.vocabulary import bare, stem


def overwritten(wrong: Sequence[Verdict], chain: Chain) -> list[Accused]:
    """What is to blame for gradients that would be right as sums over a loop, if all would be.

    Args:
        wrong: the verdicts on those that are wrong.
        chain: of the run.
    """
    found = [_accused(each, chain) for each in wrong]
    return [each for each in found if each is not None] if all(found) else []


def _accused(verdict: Verdict, chain: Chain) -> Accused | None:
    node = verdict.goal.node
    line, key = line_of(node), operation_key(node)
    alike = [e for e in chain.nodes if operation_key(e) == key and e.frames == node.frames]
    if line is None or len(alike) == 1 or alike[-1] is not node:
        return None
    values = [np.asarray(chain.values[each.number]) for each in alike]
    if any(each.shape != verdict.right.shape for each in values):
        return None
    if distance(np.sum(values, axis=0), verdict.right, verdict.scale) > HALF_OF_THE_DIGITS:
        return None
    written = _written(verdict.goal)
    if written is None:
        return None
    changed = Changed("added", "=", "+=", statement_text(written))
    why = Cause("changed", changed=changed, worst=worst_entry([verdict]))
    lines: tuple[Line, ...] = tuple(dict.fromkeys((written, line)))
    return Accused((verdict.goal.name,), lines, why, mends=True)


def _written(goal: Goal) -> Line | None:
    """The line in a loop that writes a gradient, which may be what a function gives that is called.

    Of what is called several times it is the one that keeps it under the name of a gradient of it.
    """
    for i, each in enumerate(goal.node.frames):
        line = Line(each.file, each.line)
        own = only_alias(line) or (line if i == 0 else next(_named(goal.name, line), None))
        if own is not None and loops_around(own):
            return own
    return None


def _named(parameter: str, call: Line) -> Iterator[Line]:
    """The assignments of a loop to the name of a gradient, of what a call in it gives."""
    made = statement(call.file, call.line)
    names = set() if made is None else stored(made)
    for each in (e for loop in loops_around(call)[:1] for e in ast.walk(loop)):
        if isinstance(each, ast.Assign) and len(each.targets) == 1:
            target = re.findall(r"\w+", ast.unparse(each.targets[0]))[-1]
            used = {e.id for e in ast.walk(each.value) if isinstance(e, ast.Name)}
            if bare(target) != stem(target) == bare(parameter) and (each is made or used & names):
                yield Line(call.file, each.lineno)
