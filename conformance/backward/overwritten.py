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
from conformance.backward.findings import Accused, Cause, Changed, Line, merged
from conformance.backward.groups import operation_key
from conformance.backward.judge_gradients import Verdict, distance
from conformance.backward.syntax import (
    function_around,
    loops_around,
    only_alias,
    statement,
    stored,
)
from conformance.backward.value_names import statement_text
from conformance.programs.vocabulary import bare, stem
from conformance.tracing.node import Node


def overwritten(wrong: Sequence[Verdict], chain: Chain) -> tuple[Accused, ...]:
    """What is to blame for gradients that would be right as sums over a loop, if all would be.

    Args:
        wrong: the verdicts on those that are wrong.
        chain: of the run.
    """
    found = [_accused(each, chain, wrong) for each in wrong]
    told = [each for each in found if each is not None]
    return merged(told, lambda each: each.lines[:1]) if len(told) == len(found) else ()


def by_rounds(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines in question, first one that writes what each round of an inner loop gives over it.

    What is read after that loop is that of the last round.
    """
    for each in lines[1:]:
        made, loops = statement(each.file, each.line), loops_around(each)[:1]
        inner = function_around(each) is function_around(lines[0]) and each.file == lines[0].file
        if not inner or set(loops) <= {*loops_around(lines[0])} or not isinstance(made, ast.Assign):
            continue
        read = {e.id for e in ast.walk(made.value) if isinstance(e, ast.Name)}
        if read.isdisjoint(stored(made)):  # it is no sum
            return tuple(dict.fromkeys((each, *lines)))
    return lines


def _accused(verdict: Verdict, chain: Chain, wrong: Sequence[Verdict]) -> Accused | None:
    alike = _of_each_round(verdict, chain, wrong)
    values = [np.asarray(chain.values[each.number]) for each in alike]
    whole = all(each.shape == verdict.right.shape for each in values)
    if len(alike) == 1 or not whole or not alike[-1].frames:
        return None
    if distance(np.sum(values, axis=0), verdict.right, verdict.scale) > HALF_OF_THE_DIGITS:
        return None
    at = _in_common(alike)
    written = only_alias(at) or next(_named(verdict.goal.name, at), at)
    if not loops_around(written):
        return None
    changed = Changed("added", "=", "+=", statement_text(written))
    why = Cause("changed", changed=changed, worst=worst_entry([verdict]))
    lines = tuple(dict.fromkeys((written, at)))
    return Accused((verdict.goal.name,), lines, why, mends=True)


def _of_each_round(verdict: Verdict, chain: Chain, wrong: Sequence[Verdict]) -> list[Node]:
    """What a loop computes in each round as it does what is given, in the last, for a gradient.

    The operation may give several gradients in a round, as those of all hidden layers.
    """
    node, key = verdict.goal.node, operation_key(verdict.goal.node)
    alike = [e for e in chain.nodes if operation_key(e) == key and e.frames == node.frames]
    given = {each.goal.node for each in wrong} & {*alike}
    every = len(given)
    return alike[alike.index(node) % every :: every] if given == {*alike[-every:]} else [node]


def _in_common(rounds: Sequence[Node]) -> Line:
    """The line, in one call of a function, that led to what the rounds of its loop compute."""
    calls = zip(*(each.calls for each in rounds), strict=False)
    level = next((i for i, each in enumerate(calls) if len({*each}) == 1), 0)
    frame = rounds[-1].frames[level]
    return Line(frame.file, frame.line)


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
