"""The names in the source of a program: what a line reads and assigns to, and what passes them on.

Left out: which line keeps what a parameter had (`lost_lines.py`).
"""

import ast
from collections.abc import Iterator, Sequence

from conformance.tracing.frames import Frame, function_around

HOLDING = (ast.Tuple, ast.List, ast.Dict, ast.keyword, ast.IfExp)
PASSING = (ast.Assign, ast.Return, ast.Yield, *HOLDING)


def parts_around(frame: Frame) -> list[ast.AST]:
    """The parts of the function around a line."""
    around = function_around(frame)
    return [] if around is None else list(ast.walk(around))


def name_of(part: ast.AST) -> str:
    """The variable or attribute that a part of a program is, as it is written; or nothing.

    An entry of a dict that is named by a text, as in `v["z"]` or `v[l, "z"]`, is one too.
    """
    if isinstance(part, ast.Subscript):
        inside = (e for e in ast.walk(part.slice) if isinstance(e, ast.Constant))
        keys = [each.value for each in inside if isinstance(each.value, str)]
        return f"{name_of(part.value)}{keys}" if keys and name_of(part.value) else ""
    named = isinstance(part, ast.Name | ast.Attribute)
    held = part.value if isinstance(part, ast.Attribute) else part
    return ast.unparse(part) if named and isinstance(held, ast.Name) else ""


def named(frame: Frame, context: type[ast.expr_context]) -> list[tuple[ast.expr, str]]:
    """The variables and attributes that the function of a line reads, or assigns to."""
    every = (each for each in parts_around(frame) if isinstance(each, ast.expr))
    names = (
        (each, name_of(each)) for each in every if isinstance(getattr(each, "ctx", None), context)
    )
    return [(each, name) for each, name in names if name]


def names_on(frame: Frame, context: type[ast.expr_context]) -> frozenset[str]:
    """The names that a line reads, or assigns to; of `z[l] = …` that is z."""
    statements = [
        each
        for each in parts_around(frame)
        if isinstance(each, ast.Assign | ast.AugAssign | ast.Return | ast.Expr)
        and each.lineno <= frame.line <= (each.end_lineno or 0)
    ]
    inside = {part for each in statements for part in ast.walk(each)}
    names = frozenset(name for each, name in named(frame, context) if each in inside)
    return names.union(*map(targets_of, statements)) if context is ast.Store else names


def passing(frame: Frame, names: frozenset[str]) -> Iterator[tuple[int, frozenset[str]]]:
    """The lines of a function that pass on what names stand for, each with what takes it.

    A call passes on what it is given if nothing takes its result, or if it makes a record.
    """
    every = list(parts_around(frame))
    calls = [each.value for each in every if isinstance(each, ast.Expr)]
    calls += [each for each in every if isinstance(each, ast.Call) and makes_record(each)]
    for each in (*(e for e in every if isinstance(e, PASSING)), *calls):
        for part in ast.iter_child_nodes(each):
            value = part.value if isinstance(part, ast.Subscript) else part
            if not isinstance(value, ast.expr) or not {name_of(part), name_of(value)} & names:
                continue
            called = isinstance(each, ast.Call) and part is each.func
            if isinstance(getattr(part, "ctx", None), ast.Load) and not called:
                yield value.lineno, targets_of(each)


def makes_record(call: ast.Call) -> bool:
    """Whether a call is one of a class, by its name."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
    return (name.id if isinstance(name, ast.Name) else str(name)).lstrip("_")[:1].isupper()


def targets_of(node: ast.AST) -> frozenset[str]:
    """The variables that an assignment gives a value to, or of the list that it is appended to."""
    parts: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        parts = [node.func.value]
    held = [
        each.value if isinstance(each, ast.Subscript) and not name_of(each) else each
        for each in parts
    ]
    return frozenset(filter(None, map(name_of, held)))


def chosen_by(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The frames from the line on that chose an operation: it may be handed on to be called."""
    handed = len(frames) > 1 and _calls_a_parameter(frames[0])
    return chosen_by(frames[1:]) if handed else frames


def _calls_a_parameter(frame: Frame) -> bool:
    """Whether a line calls what its function was handed, and has no operator that computes."""
    given = {each.arg for each in parts_around(frame) if isinstance(each, ast.arg)}
    inside = [each for each in parts_around(frame) if getattr(each, "lineno", 0) == frame.line]
    called = {e.func.id for e in inside if isinstance(e, ast.Call) and isinstance(e.func, ast.Name)}
    return bool(called & given) and not any(isinstance(each, ast.BinOp) for each in inside)


def returns(frame: Frame) -> bool:
    """Whether a line is that of a `return`."""
    ends = (each for each in parts_around(frame) if isinstance(each, ast.Return))
    return any(each.lineno <= frame.line <= (each.end_lineno or 0) for each in ends)


def without_indices(part: ast.AST) -> Iterator[ast.AST]:
    """All within a part of a program but what says which entry is meant, such as `i + 1`."""
    yield part
    children = [part.value] if isinstance(part, ast.Subscript) else ast.iter_child_nodes(part)
    for each in children:
        yield from without_indices(each)


HANDING = {"array", "asarray", "copy", "deepcopy", "enumerate", "list", "range", "tuple", "zip"}
"""Functions that compute nothing of what they are given."""


def computes(part: ast.AST) -> bool:
    """Whether an operation is in a part of a program, or a call of what may compute.

    What is computed to say which entry is meant, such as `Z[i + 1]`, computes nothing of it.
    """
    inside = list(without_indices(part))
    calls = [e.func for e in inside if isinstance(e, ast.Call) and not makes_record(e)]
    called = {e.attr if isinstance(e, ast.Attribute) else name_of(e) for e in calls}
    signs = (e for e in inside if isinstance(e, ast.UnaryOp))
    turned = any(not isinstance(each.operand, ast.Constant) for each in signs)
    return turned or any(isinstance(e, ast.BinOp) for e in inside) or bool(called - HANDING)


def read_in(parts: Sequence[ast.expr]) -> frozenset[str]:
    """The names that are read in some parts of a program."""
    inside = (each for part in parts for each in ast.walk(part) if isinstance(each, ast.expr))
    return frozenset(filter(None, map(name_of, inside)))
