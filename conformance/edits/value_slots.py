"""The expressions of a function that may be arrays, and the change that puts another in its place.

Left out: which others there are (`expression_edits.py`, `part_edits.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.edits.edit import Edit, Slot, located
from conformance.edits.source_parts import is_self

COUNTS = {"enumerate", "len", "ndim", "range", "reversed", "shape", "size", "zip"}
COMPUTED = ast.BinOp | ast.Call
REDUCED = {"dot", "flatten", "max", "mean", "prod", "ravel", "reshape", "sum", "T"}
MODULES = {"jnp", "math", "np", "numpy", "torch"}
UNMADE = {"func", "slice", "keywords"}


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
        if isinstance(part, ast.expr) and plain and not (inside or _is_count(part)):
            yield slot, part


def _is_reduced(whole: ast.Attribute, part: ast.AST) -> bool:
    """Whether the method of a value is one that arrays have, and modules have not."""
    named = isinstance(part, ast.Name) and part.id in MODULES
    return whole.attr in REDUCED and not named and not is_self(part)


def _is_count(part: ast.expr) -> bool:
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
