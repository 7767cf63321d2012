"""The variables that only count the rounds of a loop, or are indices: no value is computed of them.

Left out: what a line could have read instead (`scope.py`).
"""

import ast
from collections.abc import Iterator

from conformance.edits.computing import last_name

COUNTING = frozenset({"range", "trange", "enumerate"})
SAYING = frozenset({"print", "range", "len"})


def counters(tree: ast.AST) -> frozenset[str]:
    """The variables of loops over whole numbers that nothing but an index, a test or a text has."""
    return rounds(tree) - {*_computed(tree)}


def rounds(tree: ast.AST) -> frozenset[str]:
    """The variables of loops over whole numbers, upwards or downwards."""
    return frozenset(name for each in ast.walk(tree) for name in _counting(each))


def _counting(node: ast.AST) -> Iterator[str]:
    """What a loop counts with."""
    loop = node if isinstance(node, ast.For | ast.comprehension) else None
    if loop is None or not isinstance(loop.iter, ast.Call):
        return
    how, target, counted = last_name(loop.iter.func), loop.target, loop.iter.args[:1]
    if how == "reversed" and counted and isinstance(counted[0], ast.Call):
        how = last_name(counted[0].func)
    if how == "enumerate" and isinstance(target, ast.Tuple):
        target = target.elts[0]
    if how in COUNTING and isinstance(target, ast.Name):
        yield target.id


def _computed(node: ast.AST) -> Iterator[str]:
    """The names of which a value is computed, or that a function is given."""
    if isinstance(node, ast.Compare | ast.JoinedStr):
        return
    if isinstance(node, ast.Call) and last_name(node.func) in SAYING:
        return
    if isinstance(node, ast.Subscript):
        yield from _computed(node.value)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    for each in ast.iter_child_nodes(node):
        yield from _computed(each)
