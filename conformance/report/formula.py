"""A formula as a tree of the elements that MathML has.

Left out: how it is read (`notation.py`) and written (`mathml.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

FENCES = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "‖": "‖"}


@dataclass(frozen=True)
class Node:
    """A leaf with its text, or an element with its children.

    Attributes:
        tag: of MathML, or "differs" for children that are to be marked.
        text: of a leaf.
        children: of anything else.
        space: whether a space stands before it; of no account when two are compared.
    """

    tag: str
    text: str = ""
    children: tuple["Node", ...] = ()
    space: bool = field(default=False, compare=False)

    @property
    def fence(self) -> str:
        """The sign that opens it, if it stands in parentheses or the like."""
        if self.tag != "mrow" or len(self.children) < len("()"):
            return ""
        first, last = self.children[0].text, self.children[-1].text
        return first if first and FENCES.get(first) == last else ""


def one(row: Sequence[Node]) -> Node:
    """A row as a single node."""
    return row[0] if len(row) == 1 else Node("mrow", children=tuple(row))


def parts(node: Node) -> tuple[Node, ...]:
    """The row that a node stands for."""
    return node.children if node.tag == "mrow" and not node.fence else (node,)
