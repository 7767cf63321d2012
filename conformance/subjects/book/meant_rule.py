"""The rule that an update is one change of a line away from, and so is meant to be.

The rule has a constant for each number between 0 and 1 that the update reads, and no other: what
reads more is another rule. Left out: updates that are those of a rule (`own_rule.py`), and judging
one as what it is meant to be.
"""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations, product
from math import isclose

import numpy as np

from conformance.corpus.case import Case
from conformance.edits.live_functions import LiveFunction, live_functions
from conformance.edits.search_edits import holds, search
from conformance.script_outcome import NO_RULE, Rule
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.first_steps import FirstStep, Start, first_steps, follow, nabla
from conformance.subjects.book.update_rule import UpdateRule
from conformance.tracing.frames import Frame
from reference.updates import UPDATES

SECONDS = 4.0  # of the processor, after which no other change is tried
KINDS = ("momentum", "nesterov", "rmsprop", "adam")  # a decay is found once one of these is known


def meant_rule(
    network: BookNetwork, case: Case, steps: Sequence[FirstStep], held: Mapping[str, float]
) -> UpdateRule | None:
    """The rule whose steps a change of one line makes those of a network.

    If there is none, it is one that is not known. None if the update reads no constants of a rule.

    Args:
        network: it keeps arrays of each parameter between steps.
        case: of the steps.
        steps: its own.
        held: the numbers between 0 and 1 that it holds, by their names.
    """
    start, found = Start(case), list[Case]()
    functions = _of_update(network, start, steps[0])
    read = _numbers(functions, held)
    likes = [*_likes(case, {value for value, _ in read})]

    def is_of_a_rule() -> bool:
        changed = first_steps(network, start)
        kept = set[str]().union(*(each.kept for each in changed))
        same = all(map(np.array_equal, _flat(changed[0]), _flat(steps[0])))
        found[:] = [each for each in likes if same and len(kept) > 1 and follow(changed, each)]
        return bool(found)

    lines = [[frame] for frame in dict.fromkeys(frame for _, frame in read)]
    if likes and search(functions, lines, [is_of_a_rule], SECONDS) is not None:
        return UpdateRule((found[0].update,), constants=dict(found[0].constants))
    return UpdateRule(other=Rule(NO_RULE)) if read else None


def _of_update(network: BookNetwork, start: Start, step: FirstStep) -> list[LiveFunction]:
    """The functions that an update calls, without the lines that its gradients come from."""
    batch = start.batches(network)[0]
    behind = live_functions(lambda: nabla(network, start, step.before, batch))
    theirs = set[tuple[str, int]]().union(*(each.places for each in behind))
    every = live_functions(lambda: holds(lambda: bool(first_steps(network, start))))
    return [each.without(theirs) for each in every if each.without(theirs).ran]


def _flat(step: FirstStep) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    return [each for pair in step.nabla for each in pair]


def _numbers(
    functions: Sequence[LiveFunction], held: Mapping[str, float]
) -> list[tuple[float, Frame]]:
    """The numbers between 0 and 1 that functions read, with the lines that do."""
    found = list[tuple[float, Frame]]()
    for each in functions:
        known = {**each.made[0].__globals__, **held}
        for part in ast.walk(each.definition):
            match part:
                case ast.Constant(value):
                    pass
                case ast.Name(name) | ast.Attribute(_, name):
                    value = known.get(name)
                case _:
                    continue
            if isinstance(value, float) and 0 < value < 1:
                found.append((value, Frame(each.file, part.lineno, each.name)))
    return found


def _likes(case: Case, numbers: Collection[float]) -> Iterator[Case]:
    """The cases that are like another one, by a rule that has these numbers as its constants.

    A number and what it lacks of 1 are one constant.
    """
    shares = list[list[float]]()
    for each in numbers:
        same = next((e for e in shares if isclose(e[0], 1 - each)), None)
        shares.append([each]) if same is None else same.append(each)
    for kind in KINDS:
        names = [*UPDATES[kind].constants]
        for order in permutations(shares) if len(names) == len(shares) else ():
            for values in product(*order):
                constants = tuple(zip(names, values, strict=True))
                yield replace(case, update=kind, constants=constants, lmbda=0.0)
