"""A line as it stands after a change, in its author's own words as far as they stay."""

import ast
import linecache
from collections.abc import Iterator

from conformance.edits.edit import Edit
from conformance.edits.live_functions import LiveFunction


def text_after(function: LiveFunction, edit: Edit) -> str:
    """The line that a change replaces, as it is then.

    What spans several lines, or is another statement, is written anew.
    """
    lines = linecache.getlines(function.file)
    for slot, new in edit.puts:
        old = slot.get()
        with edit.made():
            meant = ast.dump(function.tree)
        for text in _replaced(lines, old, new):
            if _dump("".join(text)) == meant:
                return text[edit.line - 1].strip()
    with edit.made():
        changed = _statement_of(edit, function.definition)
        return ast.unparse(changed).split("\n", 1)[0]


def _replaced(lines: list[str], old: ast.AST, new: ast.AST) -> Iterator[list[str]]:
    """The source with one expression in another's place, without and within parentheses."""
    if not isinstance(old, ast.expr) or old.lineno != old.end_lineno:
        return
    whole = lines[old.lineno - 1].encode()
    before, after = whole[: old.col_offset].decode(), whole[old.end_col_offset :].decode()
    text = ast.unparse(new)
    for each in (text, f"({text})"):
        yield [*lines[: old.lineno - 1], f"{before}{each}{after}", *lines[old.lineno :]]


def _dump(source: str) -> str:
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:  # as without parentheses
        return ""


def _statement_of(edit: Edit, tree: ast.AST) -> ast.AST:
    """The innermost statement that holds what is changed, or the one that is put."""
    if edit.lists:
        return next(each for each in edit.lists[0][1] if each.lineno == edit.line)
    parent, found = edit.puts[0][0].parent, tree
    for each in ast.walk(tree):
        if isinstance(each, ast.stmt) and any(part is parent for part in ast.walk(each)):
            found = each
    return found
