"""One change of a function: an expression, or a statement, in the place of another.

It is made in the tree of the function, tried, and taken back. Left out: which changes there are
(`expression_edits.py`, `part_edits.py`, `statement_edits.py`), and trying them
(`search_edits.py`).
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, TypeVar

Part = TypeVar("Part", bound=ast.AST)
COUNTS = {"enumerate", "len", "ndim", "range", "reversed", "shape", "size", "zip"}
COMPUTED = ast.BinOp | ast.Call
REDUCED = {"dot", "flatten", "max", "mean", "prod", "ravel", "reshape", "sum", "T"}
MODULES = {"jnp", "math", "np", "numpy", "torch"}
UNMADE = {"func", "slice", "keywords"}


class EditKind(StrEnum):
    """What is done to a line."""

    REPLACED = "replaced"
    REMOVED = "removed"
    MOVED_OUT = "moved out"
    """Of the block around it, to the line after the block."""
    MOVED_IN = "moved in"
    """To the end of the block before it."""
    EXCHANGED = "exchanged"
    """With the line after it."""
    BEFORE = "before"
    """The same with the line before it."""
    ADDED = "added"
    """The line of the text, in the block before it."""
    ABOVE = "above"
    """The line of the text, before it in its own block."""


class Slot(NamedTuple):
    """A place in a tree.

    Attributes:
        parent: what has it.
        field: the name of the field.
        place: in a list; None if the field is no list.
    """

    parent: ast.AST
    field: str
    place: int | None = None

    def get(self) -> ast.AST:
        """What stands there."""
        held: Any = getattr(self.parent, self.field)
        part: ast.AST = held if self.place is None else held[self.place]
        return part

    def put(self, part: ast.AST) -> None:
        """Let another part stand there."""
        if self.place is None:
            setattr(self.parent, self.field, part)
        else:
            getattr(self.parent, self.field)[self.place] = part


@dataclass(frozen=True)
class Edit:
    """A change of a function.

    Attributes:
        line: which it changes.
        kind: what is done to it.
        puts: the places that change, each with what stands there then.
        lists: the blocks that change, each with its statements then.
    """

    line: int
    kind: EditKind = EditKind.REPLACED
    puts: tuple[tuple[Slot, ast.AST], ...] = ()
    lists: tuple[tuple[list[ast.stmt], list[ast.stmt]], ...] = ()

    @contextmanager
    def made(self) -> Iterator[None]:
        """The tree with the change, to the end of the block."""
        before = [(slot, slot.get()) for slot, _ in self.puts]
        blocks = [(block, list(block)) for block, _ in self.lists]
        for slot, new in self.puts:
            slot.put(new)
        for block, statements in self.lists:
            block[:] = statements
        try:
            yield
        finally:
            for slot, old in before:
                slot.put(old)
            for block, statements in blocks:
                block[:] = statements


class Change(NamedTuple):
    """A change of one line that makes a program right, as it is told.

    Attributes:
        file: of the line.
        line: its number.
        function: around it.
        kind: what is done to it.
        text: the line after it; as it is, if it is only removed or moved.
    """

    file: str
    line: int
    function: str
    kind: EditKind
    text: str

    @property
    def place(self) -> tuple[str, int]:
        """The line, with its file."""
        return self.file, self.line


def located(new: Part, old: ast.AST) -> Part:
    """A new part at the place of an old one, with those of its parts that have none."""
    if not hasattr(new, "lineno"):
        ast.copy_location(new, old)
        for each in ast.iter_child_nodes(new):
            located(each, old)
    return new


def expression(text: str, **parts: ast.expr) -> ast.expr:
    """The expression of a text, with others in the place of some of its names; see `located`."""
    made: ast.expr = _copied(_parsed(text), parts)
    return made


@cache
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _copied(node: Any, parts: Mapping[str, ast.expr]) -> Any:
    """A node of a text without its place."""
    if isinstance(node, ast.Name) and node.id in parts:
        return parts[node.id]
    if isinstance(node, list):
        return [_copied(each, parts) for each in node]
    if isinstance(node, ast.AST):
        return type(node)(*(_copied(getattr(node, each), parts) for each in node._fields))
    return node


def is_self(part: ast.AST) -> bool:
    """Whether a name is that of the object of a method."""
    return getattr(part, "id", "") == "self"


def put(slot: Slot, part: ast.expr, new: ast.expr) -> Edit:
    """The change of a line that puts an expression in another's place."""
    return Edit(part.lineno, puts=((slot, located(new, part)),))


def values(slots: Sequence[Slot]) -> Iterator[tuple[Slot, ast.expr]]:
    """The expressions that may be arrays: no callees, slices, constants or parts of an index."""
    holders = ast.Slice | ast.Subscript | ast.Starred
    for slot in slots:
        part = slot.get()
        plain = isinstance(part, ast.expr) and not isinstance(part, ast.Slice | ast.Constant)
        owner = isinstance(slot.parent, ast.Attribute) and not (
            isinstance(part, COMPUTED) or _is_reduced(slot.parent, part)
        )
        inside = owner or slot.field in UNMADE or isinstance(slot.parent, holders)
        if isinstance(part, ast.expr) and plain and not (inside or is_count(part)):
            yield slot, part


def _is_reduced(whole: ast.Attribute, part: ast.AST) -> bool:
    """Whether the method of a value is one that arrays have, and modules have not."""
    named = isinstance(part, ast.Name) and part.id in MODULES
    return whole.attr in REDUCED and not named and not is_self(part)


def is_count(part: ast.expr) -> bool:
    """Whether a value is a shape or a count, or what a loop goes through."""
    callee = part.func if isinstance(part, ast.Call) else None
    named = callee.id if isinstance(callee, ast.Name) else getattr(part, "attr", "")
    return named in COUNTS


def is_whole(slot: Slot) -> bool:
    """Whether a value is all that a statement gives a name or a list, returns, or has as a term."""
    made = ast.ListComp | ast.GeneratorExp | ast.Lambda
    holders = ast.stmt | ast.Tuple | ast.List | ast.Yield | made
    parent = slot.parent
    terms = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add | ast.Sub)
    callee = parent.func if isinstance(parent, ast.Call) and slot.field == "args" else None
    kept = isinstance(callee, ast.Attribute) and callee.attr in ("append", "insert")
    return isinstance(parent, holders) or terms or kept


def is_of(slot: Slot, kinds: Any) -> bool:
    """Whether a value is an operand of such an operation, where one more would be the same."""
    return isinstance(slot.parent, ast.BinOp) and isinstance(slot.parent.op, kinds)
