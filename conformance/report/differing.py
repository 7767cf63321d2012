"""What differs between two formulas, as marks on their parts.

A symbol is marked with its scripts and a parenthesis with the one that closes it, so that no mark
cuts what is read as one. Left out: how a mark is written (`mathml.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from conformance.report.notation import Node, one, parts

Row = Sequence[Node]
Pair = tuple[list[Node], list[Node]]

_LITTLE, _HALF = 0.2, 0.5  # of the parts of two rows are in both


def compared(a: Row, b: Row, least: float = _LITTLE) -> Pair:
    """Two rows with what differs in nodes "differs".

    Args:
        a: one row.
        b: the other.
        least: the share of parts in both below which all is marked, where both have marks.
    """
    left: list[Node] = []
    right: list[Node] = []
    common = 0
    for same, here, there in _runs(a, b):
        common += len(here) if same else 0
        one_side, other = (list(here), list(there)) if same else _differing(here, there)
        left += one_side
        right += other
    single = len(a) == len(b) == 1
    if single or left == list(a) or right == list(b):
        return left, right
    if 2 * common < least * (len(a) + len(b)):
        return _mark(a), _mark(b)
    return left, right


def _runs(a: Row, b: Row) -> Iterator[tuple[bool, Row, Row]]:
    """Runs that are the same and runs that differ; signs alone between two that differ do too."""
    codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    i = j = 0  # where a run that differs began
    for k, (code, i1, i2, j1, j2) in enumerate(codes):
        last = k == len(codes) - 1
        signs = k > 0 and not last and all(node.tag == "mo" for node in a[i1:i2])
        if code == "equal" and not signs:
            if (i, j) != (i1, j1):
                yield False, a[i:i1], b[j:j1]
            yield True, a[i1:i2], b[j1:j2]
            i, j = i2, j2
        elif last:
            yield False, a[i:], b[j:]


def _differing(a: Row, b: Row) -> Pair:
    """Two runs that differ, with the marks."""
    within = _within(a[0], b[0]) if len(a) == len(b) == 1 else None
    if within:
        return [within[0]], [within[1]]
    around_a, around_b = _around(b, a), _around(a, b)
    if around_b:
        return list(a), around_b
    return (around_a, list(b)) if around_a else (_mark(a), _mark(b))


def _around(inner: Row, outer: Row) -> list[Node]:
    """A row with marks beside the parentheses that hold another row for the sake of the rest."""
    for k, node in enumerate(outer):
        if node.fence == "(" and node.children[1:-1] == tuple(inner) and len(outer) > 1:
            return [*_mark(outer[:k]), node, *_mark(outer[k + 1 :])]
    return []


def _within(a: Node, b: Node) -> tuple[Node, Node] | None:
    """Two nodes with marks inside them; None if they are rather marked as a whole."""
    if a.fence and a.fence == b.fence:
        return _in_fences(a, b)
    if a.tag == b.tag == "msup" and a.children[1] == b.children[1]:
        bases = _within(a.children[0], b.children[0])
        return bases and (_with_child(a, 0, bases[0]), _with_child(b, 0, bases[1]))
    if a.tag == b.tag == "mfrac" and parts(a.children[0])[0].text != "∂":
        for side in (0, 1):
            if a.children[1 - side] == b.children[1 - side]:
                rows = compared(parts(a.children[side]), parts(b.children[side]), _HALF)
                return _with_child(a, side, one(rows[0])), _with_child(b, side, one(rows[1]))
    return None


def _in_fences(a: Node, b: Node) -> tuple[Node, Node] | None:
    inner = a.children[1:-1], b.children[1:-1]
    rows = compared(*inner, _HALF)
    if rows == (_mark(inner[0]), _mark(inner[1])) and max(map(len, inner)) > 1:
        return None
    made = [
        replace(node, children=(node.children[0], *row, node.children[-1]))
        for node, row in zip((a, b), rows, strict=True)
    ]
    return made[0], made[1]


def _with_child(node: Node, at: int, child: Node) -> Node:
    return replace(node, children=(*node.children[:at], child, *node.children[at + 1 :]))


def _mark(row: Row) -> list[Node]:
    return [Node("differs", "", tuple(row), row[0].space)] if row else []
