"""One change of a function: an expression, or a statement, in the place of another.

It is made in the tree of the function, tried, and taken back. Left out: which changes there are
(`expression_edits.py`, `statement_edits.py`), and trying them (`search_edits.py`).
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar


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


Part = TypeVar("Part", bound=ast.AST)


def located(new: Part, old: ast.AST) -> Part:
    """A new part at the place of an old one, with those of its parts that have none."""
    if not hasattr(new, "lineno"):
        ast.copy_location(new, old)
        for each in ast.iter_child_nodes(new):
            located(each, old)
    return new
