"""What the source of a function has: attributes, lists, operands of products, counters, functions.

Left out: where it may be read (`scope.py`).
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy

from conformance.edits.edit import expression, is_self

PARTS = 60
"""Expressions, and functions, of which one may be lacking in a line."""

COUNTING = frozenset({"range", "trange", "enumerate"})
SAYING = frozenset({"print", "range", "len"})


def numpy_name(whole: Sequence[ast.AST]) -> tuple[str, Callable[[ast.expr], bool]]:
    """The name by which a file knows NumPy, if it has one, and whether a callee is NumPy's."""
    imported = (e for each in whole if isinstance(each, ast.Import) for e in each.names)
    name = next((e.asname or e.name for e in imported if e.name == "numpy"), "")
    sources = (e for e in whole if isinstance(e, ast.ImportFrom) and e.module == "numpy")
    single = {e.asname or e.name for each in sources for e in each.names}

    def is_its(callee: ast.expr) -> bool:
        if isinstance(callee, ast.Attribute):
            return bool(name) and getattr(callee.value, "id", "") == name
        return isinstance(callee, ast.Name) and callee.id in single

    return name, is_its


def attributes_of_object(definition: ast.AST, tree: ast.Module) -> list[str]:
    """The attributes of its object that the methods of its class have, and do not call.

    And those of the classes that it derives from.
    """
    every = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    classes = [each for each in every if definition in each.body]
    for one in classes:
        bases = {getattr(each, "id", "") for each in one.bases}
        classes += [e for e in every if e.name in bases and e not in classes]
    parts = [part for each in classes for part in ast.walk(each)]
    called = {id(each.func) for each in parts if isinstance(each, ast.Call)}
    own = (e for e in parts if isinstance(e, ast.Attribute) and is_self(e.value))
    names = dict.fromkeys(each.attr for each in own if id(each) not in called)
    return [*names]


def lists(inside: Iterable[ast.AST], held: Sequence[ast.expr]) -> list[ast.expr]:
    """What has entries in a function, and may have: the attributes of its object."""
    found = (each.value for each in inside if isinstance(each, ast.Subscript))
    plain = [e for e in found if isinstance(e, ast.Name | ast.Attribute)]
    return [deepcopy(e) for e in {ast.dump(each): each for each in (*plain, *held)}.values()]


def matrices(inside: Iterable[ast.AST]) -> tuple[ast.expr, ...]:
    """The operands of products of matrices, as they are and turned."""
    found: dict[str, ast.expr] = {}
    for each in inside:
        match each:
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                operands = [left, right]
            case ast.Call(func=ast.Attribute(value=left, attr="dot"), args=[right]):
                operands = [left, right]
            case ast.Call(func=ast.Attribute(attr="dot" | "matmul"), args=[left, right]):
                operands = [left, right]
            case _:
                continue
        for operand in operands:
            turned = isinstance(operand, ast.Attribute) and operand.attr == "T"
            plain = operand.value if isinstance(operand, ast.Attribute) and turned else operand
            if isinstance(plain, ast.Name | ast.Attribute | ast.Subscript):
                for way in (plain, expression("X.T", X=plain)):
                    found.setdefault(ast.dump(way), deepcopy(way))
    return tuple(found.values())[:PARTS]


def attribute_names(parts: Iterable[ast.AST]) -> dict[str, None]:
    """The names of attributes that a file reads or assigns to, and of the fields of its records."""
    found = dict[str, None]()
    for each in parts:
        if isinstance(each, ast.Attribute):
            found[each.attr] = None
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            found[each.target.id] = None
        elif isinstance(each, ast.Call) and last_name(each.func) == "namedtuple":
            strings = (e.value for e in ast.walk(each) if isinstance(e, ast.Constant))
            words = (w for text in strings if isinstance(text, str) for w in re.split(r"\W+", text))
            found |= dict.fromkeys(filter(str.isidentifier, words))
    return found


def of_one(tree: ast.Module) -> list[ast.expr]:
    """The functions and methods of a file that compute something of one argument, not in a loop."""
    found: list[ast.expr] = []
    blocks = [tree.body, *(each.body for each in tree.body if isinstance(each, ast.ClassDef))]
    for block in blocks:
        for each in (e for e in block if isinstance(e, ast.FunctionDef) and only_computes(e)):
            if any(isinstance(e, ast.For | ast.While) for e in ast.walk(each)):
                continue
            given = [e.arg for e in each.args.posonlyargs + each.args.args]
            if len(given) == 1 and given != ["self"]:
                found.append(ast.Name(each.name, ast.Load()))
            if len(given) == 2 and given[0] == "self":  # noqa: PLR2004 - and one more
                found.append(expression(f"self.{each.name}"))
    return found


def only_computes(function: ast.FunctionDef) -> bool:
    """Whether a function returns a value, keeps none, and calls none for what it does.

    But to fill a list.
    """
    parts = [*ast.walk(function)]
    keeps = any(isinstance(e, ast.Attribute) and isinstance(e.ctx, ast.Store) for e in parts)
    done = [e.value for e in parts if isinstance(e, ast.Expr)]
    called = [getattr(e, "func", e) for e in done if not isinstance(e, ast.Constant)]
    fills = all(last_name(each) == "append" for each in called)
    returned = any(isinstance(e, ast.Return) and e.value for e in parts)
    return fills and returned and not keeps and not function.name.startswith("__")


def last_name(callee: ast.expr) -> str:
    """The name that is called: f of `f(…)` and of `a.f(…)`."""
    return callee.id if isinstance(callee, ast.Name) else getattr(callee, "attr", "")


def counters(tree: ast.AST) -> frozenset[str]:
    """The variables of loops over whole numbers that nothing but an index, a test or a text has."""
    return rounds(tree) - {*_computed(tree)}


def rounds(tree: ast.AST) -> frozenset[str]:
    """The variables of loops over whole numbers, upwards or downwards."""
    return frozenset(name for each in ast.walk(tree) for name in _counting(each))


def _counting(node: ast.AST) -> Iterator[str]:
    """What a loop counts with."""
    loop = node if isinstance(node, ast.For | ast.comprehension) else None
    if loop is None or not isinstance(loop.iter, ast.Call):
        return
    how, target, counted = last_name(loop.iter.func), loop.target, loop.iter.args[:1]
    if how == "reversed" and counted and isinstance(counted[0], ast.Call):
        how = last_name(counted[0].func)
    if how == "enumerate" and isinstance(target, ast.Tuple):
        target = target.elts[0]
    if how in COUNTING and isinstance(target, ast.Name):
        yield target.id


def _computed(node: ast.AST) -> Iterator[str]:
    """The names of which a value is computed, or that a function is given."""
    if isinstance(node, ast.Compare | ast.JoinedStr):
        return
    if isinstance(node, ast.Call) and last_name(node.func) in SAYING:
        return
    if isinstance(node, ast.Subscript):
        yield from _computed(node.value)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    for each in ast.iter_child_nodes(node):
        yield from _computed(each)
