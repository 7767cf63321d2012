"""Equations as presentation MathML, and two of them with what differs marked.

The text of a formula is data: it is escaped, and whatever it is, the result is well-formed.
Left out: reading the notation (`notation.py`), finding what differs (`differing.py`), how a mark
looks (the page's style).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape

from conformance.report.differing import compared
from conformance.report.notation import APPLY, FUNCTIONS, TIMES, Node, read

DIFFERS = 'class="differs"'
"""The attribute of what is marked."""

_EDGE = "\N{NO-BREAK SPACE}"  # MathML drops ordinary ones at the edges of a text
_OPERANDS = frozenset({"mi", "mn", "mrow", "msup", "msub", "msubsup", "mfrac"})
_SCRIPTED = frozenset({"mrow", "msup", "msub", "msubsup"})
_THIN = "0.17em"

Row = Sequence[Node]


def mathml(formula: str, *, block: bool = False) -> str:
    """A formula in the project's plain notation as a `<math>` element.

    Args:
        formula: such as `δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)`; any text at all.
        block: on a line of its own, with large sums and fractions.
    """
    return _math(read(formula), block=block)


def mathml_pair(wrong: str, right: str, *, block: bool = False) -> tuple[str, str]:
    """Two formulas, in each what the other lacks in `<mrow class="differs">`.

    A symbol is marked with its scripts, and a parenthesis with the one that closes it; where the
    formulas have little in common, all of both is marked.
    """
    one_side, other = compared(read(wrong), read(right))
    return _math(one_side, block=block), _math(other, block=block)


def _math(row: Row, *, block: bool) -> str:
    display = ' display="block"' if block else ""
    return f"<math{display}>{_row(row)}</math>"


def _row(row: Row) -> str:
    """A row of elements, with the invisible signs between factors and after functions."""
    flat = list(_flat(row))
    text, marked = "", False
    for last, (node, mark), following in zip((None, *flat), flat, (*flat[1:], None), strict=False):
        sign = _between(last and last[0], node)
        inside = marked and mark
        text += "</mrow>" * (marked and not mark)
        text += sign
        text += f"<mrow {DIFFERS}>" * (mark and not inside)
        text += _element(_spaced(last and last[0], node, following and following[0]))
        marked = mark
    return text + "</mrow>" * marked


def _flat(row: Row) -> Iterator[tuple[Node, bool]]:
    """The nodes of a row and whether they are marked, words that follow each other as one."""
    last: tuple[Node, bool] | None = None
    for item in row:
        for node in item.children if item.tag == "differs" else (item,):
            now = (node, item.tag == "differs")
            if last and last[0].tag == node.tag == "mtext" and last[1] == now[1]:
                gap = " " if node.space else ""
                now = (replace(last[0], text=f"{last[0].text}{gap}{node.text}"), last[1])
            elif last:
                yield last
            last = now
    if last:
        yield last


def _spaced(before: Node | None, node: Node, after: Node | None) -> Node:
    """A text with the spaces that stand around it in the formula."""
    if node.tag != "mtext":
        return node
    left = _EDGE if node.space and before and before.tag != "mtext" else ""
    right = _EDGE if after and after.space else ""
    return replace(node, text=f"{left}{node.text}{right}")


def _between(left: Node | None, right: Node) -> str:
    """The invisible sign between two neighbours: a product, a function of what follows, or none."""
    if left is None or not _operand(left) or not _operand(right):
        return ""
    base = _base(left)
    if base.text in FUNCTIONS and right.fence != "(":
        return f'<mo>{APPLY}</mo><mspace width="{_THIN}"/>'
    applied = base.tag == "mi" and right.fence == "(" and not right.space
    return f"<mo>{APPLY if applied or base.text in FUNCTIONS else TIMES}</mo>"


def _operand(node: Node) -> bool:
    return node.tag in _OPERANDS and _base(node).tag in _OPERANDS


def _base(node: Node) -> Node:
    """What is left of a node without scripts and primes."""
    while node.children and not node.fence and node.tag in _SCRIPTED:
        node = node.children[0]
    return node


def _element(node: Node) -> str:
    """A node as one element."""
    if node.tag in ("mrow", "differs"):
        mark = f" {DIFFERS}" if node.tag == "differs" else ""
        return f"<mrow{mark}>{_row(node.children)}</mrow>"
    inner = "".join(map(_element, node.children)) if node.children else escape(node.text)
    return f"<{node.tag}>{inner}</{node.tag}>"
