"""Formulas that a line may need and its file need not have: activations, and sums of products.

Left out: those that the file has (`scope.py`).
"""

import ast
from collections.abc import Iterator
from copy import deepcopy

from conformance.model.functions import ACTIVATIONS


def sums(subscripts: str) -> Iterator[str]:
    """The subscripts of `np.einsum` with another letter, or with one more behind them."""
    letters = sorted(filter(str.isalpha, {*subscripts}))
    for i, old in enumerate(subscripts):
        for new in letters if old.isalpha() else ():
            if new != old:
                yield subscripts[:i] + new + subscripts[i + 1 :]
    yield from (subscripts + each for each in letters)


def activations(z: ast.expr, numpy: str) -> Iterator[ast.expr]:
    """The activations of z that are no function of a file, as NumPy code."""
    for name in ("sigmoid", "tanh", "relu"):
        code = ast.parse(ACTIVATIONS[name].code, mode="eval").body
        for each in ast.walk(code):
            for place in ("lineno", "end_lineno", "col_offset", "end_col_offset"):
                vars(each).pop(place, None)  # it has none in the file
        yield _Written(z, numpy).visit(code)


class _Written(ast.NodeTransformer):
    """Code of z with another expression in its place, by the name that a file has for NumPy."""

    def __init__(self, z: ast.expr, numpy: str) -> None:
        """Take what stands for z, and for NumPy."""
        self.names = {"z": z, "np": ast.Name(numpy, ast.Load())}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """What stands for a name."""
        return deepcopy(self.names[node.id])
