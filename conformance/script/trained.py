"""Whether a loop trains what it carries on: data go in, or a loss or a margin is made of it.

Left out: what is carried on (`chains.py`).
"""

import ast
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from conformance.backward.groups import operation_key
from conformance.backward.loss_names import is_named
from conformance.backward.margins import asked, is_margin
from conformance.backward.syntax import statement, stored, tree
from conformance.script.linear import ancestors, way
from conformance.script.rows import Carried
from conformance.tracing.ancestors import walk
from conformance.tracing.node import FILLED, Node, flat, taken

ANY = -1  # all nodes, as bits


def numbers_asked(nodes: Sequence[Node]) -> list[Node]:
    """The numbers that may be margins: which the program compares, and computes nothing of."""
    single = (each for each in asked(nodes, ANY) if np.size(each.value) == 1 and each.frames)
    return [each for each in single if _compares(each.frames[0].file, each.frames[0].line)]


@lru_cache(maxsize=4096)
def _compares(file: str, line: int) -> bool:
    """Whether a line compares something, or what it assigns to is compared on another one."""
    made = statement(file, line)
    if made is None:
        return False
    here = made.test if isinstance(made, ast.If | ast.While) else made
    names = stored(made)
    elsewhere = (e for e in ast.walk(tree(file) or here) if isinstance(e, ast.Compare))
    return any(map(_is_comparison, ast.walk(here))) or any(
        isinstance(e, ast.Name) and e.id in names for each in elsewhere for e in ast.walk(each)
    )


def _is_comparison(node: ast.AST) -> bool:
    match node:
        case ast.Compare() | ast.Call(ast.Name("max" | "min")):
            return True
    return False


def is_asked(old: Node, new: Node, numbers: Sequence[Node]) -> bool:
    """Whether the margin of a sample was computed from an old value before there was a new one.

    Args:
        old: the old value.
        new: the new one, which may be made of the sample alone then.
        numbers: see `numbers_asked`.
    """
    return any(
        old.number < each.number < new.number
        and each.depends_on(old)
        and is_margin(each, 1 << old.number)
        for each in numbers
    )


def is_trained(chain: Carried, nodes: Sequence[Node], numbers: Sequence[Node]) -> bool:
    """Whether something beside what the first value was goes into the new ones, or a loss tells it.

    Args:
        chain: what is carried on.
        nodes: of the run.
        numbers: see `numbers_asked`.
    """
    first, second, *_ = chain.values
    if operation_key(first) == operation_key(second):
        return True
    way = walk([second], lambda each: [] if each is first else each.inputs)
    if any(each is not first and _holds_data(each) for each in way):
        return True
    return is_asked(first, second, numbers) or any(
        not each.consumers
        and np.size(each.value) == 1
        and each.depends_on(first)
        and is_named(each)
        for each in nodes[first.number : second.number]
    )


def is_late(values: Sequence[Node], nodes: Sequence[Node]) -> bool:
    """Whether what is added to each value but the first was not computed from it.

    Args:
        values: of a parameter, one after another.
        nodes: of the run.
    """
    if len(values) <= 2:  # noqa: PLR2004 - nothing is added but to the first
        return False
    numbers = numbers_asked(nodes)
    later = pairwise(values[1:])
    return not any(is_moved(*each) or is_asked(*each, numbers) for each in later)


def is_moved(old: Node, new: Node) -> bool:
    """Whether something beside an old value was computed from it on the way to the new one."""
    within = ancestors(new)
    path = pairwise(way(old, new, within)) if old in within else [(new, new)]
    return any(e is not at and e.depends_on(old) for at, made in path for e in made.inputs)


def _holds_data(node: Node) -> bool:
    """Whether a value is an array that was given, or put together, or computed with one."""
    if node.function is None or node.operation == "array":
        return np.size(node.value) > 1
    known = () if node.operation == FILLED or node.function is taken else (node.args, node.kwargs)
    return any(isinstance(e, np.ndarray) and e.size > 1 for e in flat(known))
