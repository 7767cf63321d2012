"""The plain notation of equations, read into a tree: `δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)`.

`^` and `_` take one symbol or what stands in braces; a space between factors is a product, none
between a symbol and a parenthesis is a function of it. `∂C/∂w`, `(1/m)` and `1 / (1 + e^z)` are
fractions, and two letters or more are a word. Any text at all is read: what makes no sense stays
as it is. Left out: MathML (`mathml.py`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

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


SUM = "\N{N-ARY SUMMATION}"
APPLY, TIMES, COMMA = "\N{FUNCTION APPLICATION}", "\N{INVISIBLE TIMES}", "\N{INVISIBLE SEPARATOR}"
FUNCTIONS = frozenset({"ln", "log", "exp", "tanh", "max", "min"})

_RAISED = {"′": ("mo", "′"), "ᵀ": ("mi", "T"), "²": ("mn", "2"), "³": ("mn", "3")}
_OPERATORS = frozenset("=←→≠<>≤≥≈+−-×·⊙/,;:!|^_∂∇′") | {*FENCES, *FENCES.values()}
_BETWEEN_TERMS = frozenset("=←→≠<>≤≥≈+−-×·⊙,;:…")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[A-Za-z]{2,}\d*|\S")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEP, _HIGH, _INDICES = 20, 8, 2  # nested fences; scripts on scripts; letters that are indices


def read(formula: str) -> tuple[Node, ...]:
    """The parts of a formula from left to right."""
    reader = _Reader(_NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", formula))
    return reader.row(0, len(reader.tokens))


class _Reader:
    """The tokens of a formula; a method reads from one of them to another."""

    def __init__(self, formula: str) -> None:
        """Cut a formula into tokens and match what opens with what closes."""
        found = list(_TOKEN.finditer(formula))
        self.tokens = [match[0] for match in found]
        starts = (match.start() for match in found)
        self.spaces = [at > 0 and formula[at - 1].isspace() for at in starts]
        self.pairs = _pairs(self.tokens)

    def row(self, at: int, end: int) -> tuple[Node, ...]:
        """The parts of some tokens."""
        items = []
        while at < end:
            item, at = self.scripted(at, end)
            items.append(item)
        return tuple(_with_fractions(items))

    def scripted(self, at: int, end: int) -> tuple[Node, int]:
        """A part with what is raised or lowered at it, and where the next begins."""
        node, at = self.derivative(at, end) or self.atom(at)
        for _ in range(_HIGH):
            if self.raised(at) and at < end:
                raised = Node(*_RAISED[self.tokens[at]])
                primed = raised.tag == "mo"  # the sign of a prime is a high one by itself
                node = _primed(node, raised) if primed else _script(node, "^", raised)
                at += 1
            elif at + 1 < end and self.tokens[at] in "_^":
                script, after = self.script(at + 1, end)
                node, at = _script(node, self.tokens[at], script), after
            else:
                break
        return node, at

    def raised(self, at: int) -> bool:
        """Whether a sign is raised by itself, to what stands right before it."""
        return at < len(self.tokens) and self.tokens[at] in _RAISED and not self.spaces[at]

    def script(self, at: int, end: int) -> tuple[Node, int]:
        """What is raised or lowered by the sign before it."""
        sign = self.tokens[at]
        if sign == "{" and at in self.pairs:
            return one(self.row(at + 1, self.pairs[at])), self.pairs[at] + 1
        if sign in "−-+" and at + 1 < end:
            operand, after = self.atom(at + 1)
            return one((Node("mo", sign), operand)), after
        if sign.isalpha() and 1 < len(sign) <= _INDICES:
            first, *rest = (Node("mi", letter) for letter in sign)
            commas = (each for letter in rest for each in (Node("mo", COMMA), letter))
            return one((first, *commas)), at + 1
        return self.atom(at)

    def atom(self, at: int) -> tuple[Node, int]:
        """A leaf, or all that stands between two fences."""
        sign, close, space = self.tokens[at], self.pairs.get(at), self.spaces[at]
        if close is None:
            return _leaf(sign, space=space), at + 1
        inner = self.row(at + 1, close)
        alone = sign == "(" and len(inner) == 1 and inner[0].tag == "mfrac"
        if alone and not self.applied(at) and not self.continued(close + 1):
            return replace(inner[0], space=space), close + 1
        fenced = (Node("mo", sign), *inner, Node("mo", self.tokens[close]))
        return Node("mrow", children=fenced, space=space), close + 1

    def applied(self, at: int) -> bool:
        """Whether a parenthesis holds what the function right before it is of."""
        before = self.tokens[at - 1] if at and not self.spaces[at] else ""
        return before.isalnum() or before in {"′", "}", ")"}

    def continued(self, at: int) -> bool:
        """Whether something is raised or lowered at a parenthesis that has just closed."""
        return self.raised(at) or self.tokens[at : at + 1] in (["_"], ["^"])

    def derivative(self, at: int, end: int) -> tuple[Node, int] | None:
        """The fraction ∂C/∂w with the scripts of both, if it is one."""
        sides: list[Node] = []
        space = self.spaces[at]
        for written in ("∂", "/∂"):
            letter = at + len(written)
            signs = "".join(self.tokens[at:letter])
            if signs != written or letter >= end or not self.tokens[letter].isalpha():
                return None
            of, at = self.scripted(letter, end)
            sides.append(one((Node("mo", "∂"), of)))
        return Node("mfrac", "", tuple(sides), space), at


def _pairs(tokens: Sequence[str]) -> dict[int, int]:
    """Where each fence that closes is closed, not too deep."""
    opened: list[int] = []
    pairs = {}
    for at, sign in enumerate(tokens):
        if opened and sign == FENCES[tokens[opened[-1]]]:
            start = opened.pop()
            if len(opened) < _DEEP:
                pairs[start] = at
        elif sign in FENCES:
            opened.append(at)
    return pairs


def _leaf(sign: str, *, space: bool) -> Node:
    if sign == "Σ":
        return Node("mo", SUM, space=space)
    if sign in _OPERATORS or sign == "mod":
        return Node("mo", sign, space=space)
    if sign[0].isdecimal():
        return Node("mn", sign, space=space)
    if sign in _RAISED:  # at nothing
        return Node(*_RAISED[sign], space=space)
    symbol = sign == "…" or sign in FUNCTIONS or (len(sign) == 1 and sign.isalpha())
    return Node("mi" if symbol else "mtext", sign, space=space)


def _primed(base: Node, prime: Node) -> Node:
    return Node("mrow", "", (base, prime), base.space)


def _script(base: Node, sign: str, script: Node) -> Node:
    """A base with one script more; a sum has it below and above."""
    under = "munder" if base == Node("mo", SUM) else "msub"
    if sign == "^" and base.tag in ("msub", "munder"):
        tag, children = f"{base.tag}{'sup' if base.tag == 'msub' else 'over'}", base.children
        return Node(tag, children=(*children, script), space=base.space)
    if sign == "_" and base.tag == "msup":
        return Node("msubsup", "", (base.children[0], script, base.children[1]), base.space)
    tag = under if sign == "_" else "mover" if under == "munder" else "msup"
    return Node(tag, children=(base, script), space=base.space)


def _with_fractions(items: Iterable[Node]) -> Iterable[Node]:
    """The same row, each term with one stroke a fraction."""
    term: list[Node] = []
    for item in items:
        if item.tag == "mo" and item.text in _BETWEEN_TERMS:
            yield from _fraction(term)
            yield item
            term = []
        else:
            term.append(item)
    yield from _fraction(term)


def _fraction(term: list[Node]) -> list[Node]:
    stroke = Node("mo", "/")
    at = term.index(stroke) if term.count(stroke) == 1 else 0
    above, below = term[:at], term[at + 1 :]
    if not above or not below:
        return term
    return [Node("mfrac", "", (_bare(above), _bare(below)), above[0].space)]


def _bare(side: Sequence[Node]) -> Node:
    """A side of a fraction without the parentheses around it, which the line makes needless."""
    whole = len(side) == 1 and side[0].fence == "("
    return one(side[0].children[1:-1] if whole else side)
