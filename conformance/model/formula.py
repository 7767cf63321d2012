"""The code of a row at its layer: a line of NumPy, or a tree that can be read entry by entry.

Left out: how an entry is written with its numbers (`explain/formulas.py`, and the script of the
lesson).
"""

import ast
import re
from functools import lru_cache

from conformance.model.row import Row

Tree = str | int | list["Tree"]
"""A name, a number, or an operator and its operands.

Names are those of the values of a step, and `eta`, `lmbda`, `n`, `m`; `prime2` is f′(z^2), and `f2`
is a^2 where it is written as f(z^2). Operators are those of Python, `T`, `neg`, `if`, `exp`, `log`
`>` is 1 or 0, and other functions of one number; `sum` is over all entries, `sum1` over those of a
row and `sum0` over those of a column.
"""

_OPERATORS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.Gt: ">",
}


def line(row: Row, *, decaying: bool) -> str:
    """The row as a line of NumPy, f′ made of f(z); without the decay if there is none."""
    f = row.activation
    prime = re.sub(r"\ba\b", f"({f.code})", f.prime_code) if f.masked else f.prime_code
    code = _Placed(row, prime, decaying=decaying)
    return f"{row.name} = {ast.unparse(code.visit(_parsed(row.quantity.code)))}"


@lru_cache(maxsize=256)
def tree(row: Row) -> Tree:
    """The row as a tree of the values that enter it."""
    return _tree(_Placed(row).visit(_parsed(row.quantity.code)))


@lru_cache(maxsize=256)
def tree_of(row: Row, code: str) -> Tree:
    """Other NumPy code of the names of a row, as a tree."""
    return _tree(_Placed(row).visit(_parsed(code)))


@lru_cache(maxsize=256)
def prime_tree(row: Row) -> Tree:
    """f′ of the layer of a row, as a tree of f."""
    return _tree(_Placed(row, a=f"f{row.layer}").visit(_parsed(row.activation.prime_code)))


def has_prime(row: Row) -> bool:
    """Whether f′ enters the row."""
    return f"prime{row.layer}" in str(tree(row))


class _Placed(ast.NodeTransformer):
    """Code in which the names are those of a layer."""

    def __init__(
        self, row: Row, prime: str = "prime", *, a: str = "", decaying: bool | None = None
    ) -> None:
        self.prime, self.decaying = prime, decaying
        self.names = {"a": f"a{row.layer}", **row.names, "prime": f"prime{row.layer}"}
        self.names |= {"a": a} if a else {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name, or f′ in its place."""
        if node.id == "prime" and self.prime != "prime":
            made: ast.expr = self.visit(_parsed(self.prime))
            return made
        return ast.Name(self.names.get(node.id, node.id))

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """What holds, if it is known whether there is a decay."""
        if self.decaying is not None:
            node_: ast.expr = self.visit(node.body if self.decaying else node.orelse)
            return node_
        self.generic_visit(node)
        return node


def _parsed(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


def _tree(node: ast.AST) -> Tree:
    """The code as a tree.

    Raises:
        ValueError: there is something in it that the table has not had yet.
    """
    match node:
        case ast.Name(leaf) | ast.Constant(int(leaf)):
            return leaf
        case ast.BinOp(left, operator, right):
            name, operands = _OPERATORS[type(operator)], [left, right]
        case ast.UnaryOp(ast.USub(), operand):
            name, operands = "neg", [operand]
        case ast.IfExp(test, body, other):
            name, operands = "if", [test, body, other]
        case ast.Attribute(value, "T"):
            name, operands = "T", [value]
        case ast.Call(ast.Attribute(ast.Name("np"), name), operands):
            pass
        case ast.Compare(left, [operator], [right]):
            name, operands = _OPERATORS[type(operator)], [left, right]
        case ast.Call(
            ast.Attribute(value, "sum"), [], [ast.keyword("axis", ast.Constant(int(axis))), _]
        ):
            name, operands = f"sum{axis}", [value]
        case _:
            raise ValueError(f"the table cannot be read: {ast.unparse(node)}")
    return [name, *map(_tree, operands)]
