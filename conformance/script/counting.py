"""Whether a function counts its updates, or is told how many there were.

Adam without its corrections may be meant where nothing is counted. Left out: the corrections
(`corrections.py`).
"""

import ast
import re

from conformance.backward.findings import Line
from conformance.backward.syntax import tree
from conformance.shapes.vocabulary import bare

COUNT = re.compile("t")
"""What nothing else is called that is counted beside an update."""


def counts(definition: ast.AST | None, names: re.Pattern[str] = COUNT) -> bool:
    """Whether a function has a line such as `self.t += 1`, or an argument t.

    Args:
        definition: of the function.
        names: what the count may be called.
    """
    for each in ast.walk(definition or ast.Pass()):
        name = each.arg if isinstance(each, ast.arg) else ""
        if isinstance(each, ast.AugAssign):
            name = ast.unparse(each.target).rpartition(".")[2]
        if name and names.fullmatch(bare(name)):
            return True
    return False


def raises_at_once(definition: ast.AST | None, name: str) -> bool:
    """Whether the first that a function does with an argument is to add to it: `t += 1`."""
    used = (e for e in ast.walk(definition or ast.Pass()) if isinstance(e, ast.Name))
    first = min(
        (e for e in used if e.id == name), key=lambda e: (e.lineno, e.col_offset), default=None
    )
    return first is not None and isinstance(first.ctx, ast.Store)


def function_around(line: Line | None) -> ast.AST | None:
    """The innermost function that a line is in; None if it is in none."""
    module = None if line is None else tree(line.file)
    found = [
        each
        for each in ast.walk(module or ast.Pass())
        if isinstance(each, ast.FunctionDef)
        and line is not None
        and each.lineno <= line.line <= (each.end_lineno or 0)
    ]
    return max(found, key=lambda each: each.lineno, default=None)
