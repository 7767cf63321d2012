"""The arrays that are parameters as those beside them are, and of which no gradient is found.

Left out: the gradients that are found (`places.py`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from conformance.backward.recorded_pass import Goal
from conformance.programs.held_state import Leaf
from conformance.script.linear import entrywise
from conformance.shapes.attempts import Attempt
from conformance.shapes.matched import holder, list_of, lists_of
from conformance.tracing.arranging import ARRANGING
from conformance.tracing.node import Node


def unfound(
    run: Attempt, goals: Sequence[Goal], end: Iterable[Leaf], after: Mapping[str, Node]
) -> Iterator[str]:
    """The paths of the arrays that are parameters as those beside them are, and have no gradient.

    Where no name says it of some that have gradients, each array beside them may be one that stays
    as it is; where they are in lists, those in a list as long; where the program makes them itself,
    one of a name like theirs.
    """
    parameters = {each.parameter for each in goals}
    began = {path: each for path, each in run.start.items() if each[1] in parameters}
    holders = {holder(path) for path, (leaf, _) in began.items() if not leaf.is_parameter}
    made = {_without_numbers(path) for path, (_, e) in began.items() if e and not e.given}
    lists = lists_of(leaf for leaf, _ in run.start.values())
    long = {len(each) for name, each in lists.items() if each.keys() <= began.keys()}
    holders |= {name for name, each in lists.items() if len(each) in long}
    for leaf in end:
        path, node = leaf.path, after[leaf.path]
        known = leaf.is_gradient or leaf.beside or node in parameters
        if path in run.start:
            beside = not holders.isdisjoint((holder(path), list_of(path)))
            beside = beside and run.start[path][1] is node
            known = known or leaf.is_parameter
        else:
            beside = _without_numbers(path) in made
        if not beside or known or not np.ndim(leaf.value):
            continue
        if _is_fixed(run, node, goals) or _is_overwritten(run, node, goals):
            yield path


def _is_fixed(run: Attempt, node: Node, goals: Sequence[Goal]) -> bool:
    """Whether the output is made of a value, or a gradient is, and no data are in it."""
    output = run.scope.kinds.get("output")
    reached = [each.node for each in goals]
    reached += [run.node(output)] if isinstance(output, np.ndarray) else []
    return any(each.depends_on(node) for each in reached) and not _is_of_data(run, node)


def _is_of_data(run: Attempt, node: Node) -> bool:
    """Whether a value is computed of inputs or targets."""
    return any(node.depends_on(run.node(run.scope.kinds[e])) for e in ("inputs", "targets"))


def _is_overwritten(run: Attempt, node: Node, goals: Sequence[Goal]) -> bool:
    """Whether what is kept is of data alone, where a gradient is made of an array of its shape.

    The array is none of the parameters that are moved, nor one of its parts.
    """
    if node.operation in ARRANGING or not _is_of_data(run, node):
        return False
    shape, known = np.shape(node.value), [each.parameter for each in goals]
    made = (e for e in run.recorded.nodes if not e.given and np.shape(e.value) == shape)
    return any(
        any(goal.node.depends_on(e) for goal in goals)
        and not _is_of_data(run, e)
        and not any(each.depends_on(e) or e.depends_on(each) for each in known)
        and e not in entrywise(node, frozenset({e}))
        for e in made
    )


def _without_numbers(path: str) -> str:
    """A path without the numbers in it: `self.coef1_` and `self.coef2_` are alike."""
    return re.sub(r"\d+", "", path)
