"""A recorded operation as a function of its operands, and its source: the expression and its line.

Left out: its derivative (`derive.py`), and what a program does with names (`syntax.py`).
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import CodeType
from typing import Any

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.syntax import (
    aliased,
    call_on,
    function_around,
    is_call_of,
    is_taken,
    loops_around,
    returned_place,
    statement,
    stored,
    tree,
    written_part,
)
from conformance.backward.through_complex import composed
from conformance.tracing.frames import is_installed
from conformance.tracing.node import FILLED, Node, part_of, states_of, substituted

RENAMED = "renamed"
"""The operation of a line that only gives a value another name."""

MATRIX_PRODUCTS = ("matmul", "dot", "einsum", "tensordot", "inner")
MOVES = frozenset(
    {
        "getitem", FILLED, "reshape", "ravel", "flatten", "transpose", "swapaxes", "moveaxis",
        "rollaxis", "squeeze", "expand_dims", "diagonal", "diag", "diagflat", "repeat", "tile",
        "take", "take_along_axis", "flip", "fliplr", "flipud", "roll", "rot90", "broadcast_to",
        "concatenate", "vstack", "hstack", "stack", "column_stack", "dstack", "block", "append",
        "array", "asarray", "asanyarray", "ascontiguousarray", "fromiter", "copy", "atleast_1d",
        "atleast_2d", "atleast_3d", "where", "choose", "select", "compress", "copyto", "put",
        "place", "putmask", "fill_diagonal", "put_along_axis", "pad", "split", "array_split",
        "hsplit", "vsplit", "sliding_window_view", "as_strided", "astype", "tril", "triu",
        "insert", "delete", "positive", "conj", "conjugate", "real", "unstack", "broadcast_arrays",
        "matrix_transpose", "permute_dims", "concat", "resize", "taken", "returned", RENAMED,
    }
)  # fmt: skip
"""Operations that move numbers and compute none."""

CHOOSES = frozenset({"where", "choose", "select", "copyto", "place", "putmask"})
"""Those that choose among numbers by a condition, such as on which side of a kink they are."""


@dataclass(eq=False)
class Operation:
    """A recorded operation as a function of some of its operands.

    Attributes:
        node: what it computed.
        inputs: the operands that are floats.
        function: of the arrays in the place of the inputs.
        args: with nodes in the place of the inputs.
        kwargs: the same by their names.
    """

    node: Node
    inputs: tuple[Node, ...]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def at(self, arrays: Sequence[Any], values: Callable[[Node], Any]) -> Any:
        """Its result with other arrays in the place of the inputs."""
        instead = dict(zip((each.number for each in self.inputs), arrays, strict=True))

        def lookup(node: Node) -> Any:
            return instead[node.number] if node.number in instead else values(node)

        args = [substituted(each, lookup) for each in self.args]
        kwargs = {key: substituted(each, lookup) for key, each in self.kwargs.items()}
        made = self.function(*args, **kwargs)
        shape = np.shape(self.node.value)
        if self.node.replaces is not None and isinstance(made, np.ndarray | np.generic):
            return made if made.shape == shape else np.broadcast_to(made, shape)
        return made


def is_float(node: Node) -> bool:
    """Whether a node holds floats."""
    return isinstance(node.value, np.ndarray | np.generic) and node.value.dtype.kind == "f"


def operation(node: Node) -> Operation | None:
    """What computed a node, of its float operands; None for what nothing computed."""
    if node.function is None or not is_float(node):
        return None
    if node.function is part_of:  # one of several results: of what was given to the whole
        whole, i = node.args
        inner = whole.function
        inputs = tuple(each for each in whole.inputs if is_float(each))
        kwargs = whole.kwargs
        return Operation(node, inputs, lambda *a, **k: inner(*a, **k)[i], whole.args, kwargs)
    made = composed(node)
    if made is not None:
        return Operation(node, made.inputs, made, made.inputs, {})
    inputs = tuple(each for each in node.inputs if is_float(each))
    return Operation(node, inputs, node.function, node.args, node.kwargs)


@lru_cache(maxsize=4096)
def _expressions(module: ast.Module) -> dict[tuple[int, int, int, int], ast.expr]:
    """The expressions of a file by where they begin and end."""
    found: dict[tuple[int, int, int, int], ast.expr] = {}
    for each in ast.walk(module):
        if isinstance(each, ast.expr):
            key = (each.lineno, each.end_lineno or 0, each.col_offset, each.end_col_offset or 0)
            found.setdefault(key, each)
    return found


_positions = dict[int, tuple[CodeType | None, tuple[tuple[int | None, ...], ...]]]()


def expression(node: Node) -> ast.expr | None:
    """The expression that computed a node."""
    if node.site is None:
        return None
    code, at = node.site
    module = tree(code.co_filename)
    _, positions = _positions.get(id(code), (None, ()))
    if not positions:
        positions = tuple(code.co_positions())
        _positions[id(code)] = code, positions  # which is kept, so no other has its id
    position = positions[at // 2] if at // 2 < len(positions) else None
    if module is None or position is None or None in position:
        return None
    return _expressions(module).get(position)  # type: ignore[arg-type]


def text(node: Node) -> str:
    """The source of the expression that computed a node; nothing if it is not known."""
    found, line = expression(node), line_of(node)
    if node.operation == RENAMED and line is not None:
        return aliased(line)
    return "" if found is None else ast.unparse(found)


def operands(node: Node) -> list[ast.expr]:
    """The operands of the expression that computed a node, as its arguments are in order."""
    found = expression(node)
    if isinstance(found, ast.Call) and _is_method(node, found):
        assert isinstance(found.func, ast.Attribute)  # noqa: S101 - a method has a receiver
        return [found.func.value, *found.args]
    match found:
        case ast.BinOp():
            made = [found.left, found.right][:: -1 if _turned(node, found) else 1]
        case ast.UnaryOp():
            made = [found.operand]
        case ast.Compare():
            made = [found.left, *found.comparators]
        case ast.Subscript() | ast.Attribute():
            made = [found.value]
        case ast.Call():
            made = list(found.args)
        case _:
            made = _augmented(node)
    return made


def _turned(node: Node, found: ast.BinOp) -> bool:
    """Whether `2 * x` was recorded as `x * 2`, as torch does it."""
    numbers = [type(each) is not Node for each in node.args]
    if node.operation not in ("add", "multiply") or numbers != [False, True]:
        return False
    if isinstance(found.left, ast.Constant) or isinstance(found.right, ast.Constant):
        return not isinstance(found.right, ast.Constant)
    if isinstance(found.right, ast.Name):
        return found.right.id in _names(node.args[0])
    return isinstance(found.left, ast.Name)


def _names(node: Node) -> set[str]:
    """The names that a value was given when it was computed."""
    if node.given:
        return {node.operation.rpartition(" ")[2]}
    line = line_of(node)
    whole = None if line is None else statement(line.file, line.line)
    return set() if whole is None else stored(whole)


def _augmented(node: Node) -> list[ast.expr]:
    """The operands of `x += y`."""
    for each in node.frames[:1] if node.site is not None else ():
        found = statement(each.file, each.line)
        if isinstance(found, ast.AugAssign):
            return [found.target, found.value]
    return []


def _is_method(node: Node, call: ast.Call) -> bool:
    """Whether a call has its first operand before the dot."""
    if not isinstance(call.func, ast.Attribute):
        return False
    receiver = call.func.value
    module = isinstance(receiver, ast.Name) and receiver.id in ("np", "numpy", "math")
    given = len(call.args) + len(call.keywords)  # of torch's, some are recorded by NumPy's names
    one_more = (len(node.args) - len(call.args), len(node.args) + len(node.kwargs) - given)
    return not module and 1 in one_more


def places(node: Node, operand: Node) -> Iterator[int]:
    """The places at which an operation has an operand, but for those in its lists."""
    return (i for i, each in enumerate(node.args) if each is operand)


def operand_name(node: Node, place: int) -> str:
    """The name of a variable that is an operand; nothing for anything else."""
    found = operands(node)
    if 0 <= place < len(found) and isinstance(
        found[place], ast.Name | ast.Subscript | ast.Attribute
    ):
        return ast.unparse(found[place])
    return ""


def is_literal(node: Node, place: int) -> bool:
    """Whether an operand stands in the source as a number, or is not known."""
    found = operands(node)
    if not 0 <= place < len(found):
        return True
    operand = found[place]
    return isinstance(
        operand.operand if isinstance(operand, ast.UnaryOp) else operand, ast.Constant
    )


def stored_names(node: Node) -> set[str]:
    """The variables that the statement assigns to which computed a value."""
    line = line_of(node)
    found = None if line is None else statement(line.file, line.line)
    return set() if found is None else stored(found)


def handed_names(node: Node) -> set[str]:
    """The variables to which a value is assigned where functions that return it are called."""
    found, made = set[str](), expression(node)
    frames = [each for each in node.frames if not is_installed(each.file)]
    for inner, outer in pairwise(frames):
        place = returned_place(Line(inner.file, inner.line), made)
        whole = statement(outer.file, outer.line)
        if place is None or whole is None:
            break
        value = whole.value if isinstance(whole, ast.Assign) else None
        own = value is not None and is_call_of(value, inner.function)  # around others of that name
        made = value if own else call_on(Line(outer.file, outer.line), inner.function)
        targets = whole.targets if isinstance(whole, ast.Assign) and value is made else []
        for each in targets:
            parts = each.elts if isinstance(each, ast.Tuple) else [each]
            found |= stored(parts[place] if place < len(parts) else each)
    return found


def written_name(node: Node) -> str:
    """The name of the array that a statement writes into; nothing if it writes into none."""
    for each in node.frames[:1]:
        found = statement(each.file, each.line)
        if isinstance(found, ast.AugAssign):
            return ast.unparse(found.target)
        if isinstance(found, ast.Assign):
            return ast.unparse(written_part(found, expression(node)))
        for call in ast.walk(found) if found is not None else ():
            if isinstance(call, ast.keyword) and call.arg == "out":
                return ast.unparse(call.value)
        if isinstance(found, ast.Expr):
            return _changed_by_methods(found.value)
    return ""


def is_put_again(node: Node) -> bool:
    """Whether a value is put where something was put before the loop, and nothing there is read.

    So it is of what the loop itself takes, as in `for v, g in zip(velocities, gradients)`.
    """
    name, line = written_name(node).partition("[")[0], line_of(node)
    here = None if line is None else statement(line.file, line.line)
    if line is None or not isinstance(here, ast.Assign):
        return False
    own, loops = function_around(line) if "." not in name else None, loops_around(line)
    apart = {*ast.walk(here), *(e for loop in loops for e in ast.walk(loop))}
    made = (e for e in ast.walk(own or tree(line.file) or here) if isinstance(e, ast.Assign))
    put: list[ast.AST] = [target for each in made if each not in apart for target in each.targets]
    read: list[ast.AST] = [here.value]
    for loop in loops[:1]:
        if isinstance(loop, ast.For) and here in loop.body and name in stored(loop):
            put.append(loop.target)
            read += loop.body[: loop.body.index(here)]
    names, targets = (
        {ast.unparse(e) for each in parts for e in ast.walk(each) if isinstance(e, ast.expr)}
        for parts in (read, put)
    )
    return name not in names and name in targets


def is_lost(new: Node) -> bool:
    """Whether a value is only given to a variable that was taken, and is read nowhere else."""
    line = None if new.consumers else line_of(new)
    here = None if line is None else statement(line.file, line.line)
    if line is None or not isinstance(here, ast.Assign):
        return False
    inside, own = (
        [e.id for e in ast.walk(part) if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Load)]
        for part in (next(iter(loops_around(line)), here), here)
    )
    names = stored(here) & {*own}
    return any(is_taken(name, line) and inside.count(name) == own.count(name) for name in names)


def _changed_by_methods(part: ast.expr) -> str:
    """The name of a tensor of which methods are called that change it: a in `a.mul_(x).add_(y)`."""
    whole = part
    while isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
        if not part.func.attr.endswith("_"):
            return ""
        part = part.func.value
    return "" if part is whole else ast.unparse(part)


def returned(node: Node) -> tuple[ast.Call, Line] | None:
    """The outermost call that returns a value as it was computed, and its line."""
    made, found = expression(node), None
    frames = [each for each in node.frames if not is_installed(each.file)]
    for inner, outer in pairwise(frames):
        whole = statement(inner.file, inner.line)
        if not isinstance(whole, ast.Return) or made is None or whole.value is not made:
            break
        made = call_on(Line(outer.file, outer.line), inner.function)
        if made is None:
            break
        found = made, Line(outer.file, outer.line)
    return found


def line_of(node: Node) -> Line | None:
    """The line of the program's own files that computed a node."""
    return next(iter(own_lines(node)), None)


def lines_of(node: Node) -> tuple[Line, ...]:
    """The same, if there is one."""
    line = line_of(node)
    return () if line is None else (line,)


def own_lines(node: Node) -> Iterator[Line]:
    """The lines of the program's own files that led to a node, the innermost first."""
    for each in node.frames:
        if not is_installed(each.file):
            yield Line(each.file, each.line)


def lines_of_each(node: Node) -> tuple[Line, ...]:
    """The lines that compute an output error, the factors of each sample apart.

    What is written into an array comes before the array.
    """
    size = np.size(node.value)
    while node.operation in ("multiply", "divide", "negative"):
        whole = [e for e in node.inputs if np.size(e.value) == size]
        if len(whole) != 1:
            break
        (node,) = whole
    lines = lines_of(node)
    for state in states_of(node)[1:]:
        lines += lines_of(state)
    return lines
