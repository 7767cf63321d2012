"""Edits of one line of the backward part of a program, as people make mistakes.

Whether an edited program runs, and whether its gradients differ, is found by running it.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.tests.backward.replacements import Words, replacements, statements


@dataclass(frozen=True)
class Edit:
    """A source with one line edited.

    Attributes:
        kind: what was done, such as "operator".
        number: of the edit among those of its kind on its line.
        line: the number of the edited line, from 1.
        source: the whole edited source.
    """

    kind: str
    number: int
    line: int
    source: str

    @property
    def id(self) -> str:
        """Its line, kind and number."""
        return f"{self.line}-{self.kind}-{self.number}"

    @property
    def text(self) -> str:
        """The edited line."""
        return self.source.splitlines()[self.line - 1].strip()

    @property
    def computes(self) -> bool:
        """Whether the edited line still holds an operation."""
        return _computes(self.source, self.line)


def edits(source: str) -> Iterator[Edit]:
    """All edits of the backward part of a source, each edited line once."""
    tree = ast.parse(source)
    lines = backward_lines(source, tree)
    before = source.splitlines()
    seen = {(n, _dump(line, line)) for n, line in enumerate(before, 1)}
    numbers: Counter[tuple[int, str]] = Counter()
    for node, text, kind in _changes(tree, source):
        number = node.lineno
        if number not in lines or number != node.end_lineno:
            continue
        line = _put(before[number - 1], node, text)
        dump = line and _dump(line, before[number - 1])
        if dump and (number, dump) not in seen:
            seen.add((number, dump))
            edited = "\n".join([*before[: number - 1], line, *before[number:], ""])
            yield Edit(kind, numbers[number, kind], number, edited)
            numbers[number, kind] += 1


def backward_lines(source: str, tree: ast.Module) -> set[int]:
    """The numbers of the lines of the backward part (`programs/README.md`)."""
    marked = {n for n, line in enumerate(source.splitlines(), 1) if "# backward" in line}
    found: set[int] = set()
    for node in _functions(tree):
        body = range(node.body[0].lineno, (node.end_lineno or 0) + 1)
        begins = [n for n in marked if node.lineno <= n <= body[-1]]
        if "backward" in node.name:
            found |= set(body)
        elif begins:
            found |= {n for n in body if n >= min(begins)}
    return found


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _changes(tree: ast.Module, source: str) -> Iterator[tuple[ast.stmt | ast.expr, str, str]]:
    helpers = [node.name for node in _functions(tree)]
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    kept = sorted({node.attr for node in attributes if isinstance(node.ctx, ast.Store)})
    for function in _functions(tree):
        for statement in ast.walk(function):
            if isinstance(statement, ast.stmt):
                yield from statements(statement, source)
        words = Words(_names(function), _keys(function), kept, helpers)
        yield from replacements(function, source, words)


def _keys(function: ast.FunctionDef) -> list[str]:
    """The names in the dicts that a function reads."""
    slices = [node.slice for node in ast.walk(function) if isinstance(node, ast.Subscript)]
    values = [each.value for each in slices if isinstance(each, ast.Constant)]
    return sorted({value for value in values if isinstance(value, str)})


def _names(function: ast.FunctionDef) -> list[str]:
    """The variables of a function, in the order of their first appearance."""
    arguments = [argument.arg for argument in function.args.args]
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    found = arguments + [node.id for node in nodes if isinstance(node.ctx, ast.Store)]
    return list(dict.fromkeys(found))


def _put(line: str, node: ast.stmt | ast.expr, text: str) -> str:
    """The line with a node replaced, in parentheses if they are needed; "" if it is none."""
    before, after = line[: node.col_offset], line[node.end_col_offset :]
    bare, grouped = f"{before}{text}{after}", f"{before}({text}){after}"
    if isinstance(node, ast.stmt) or not _dump(grouped, line):  # `(1:n)` is no slice
        return bare
    return bare if _dump(bare, line) == _dump(grouped, line) else grouped


def _dump(line: str, before: str) -> str:
    """The tree of an edited line; "" if it is not the kind of text that was there before."""
    for opening, closing in (("", ""), ("", " pass"), ("(", ")"), ("(", ""), ("", ")")):
        try:
            ast.parse(f"{opening}{before.strip()}{closing}")
        except SyntaxError:
            continue
        try:
            return ast.dump(ast.parse(f"{opening}{line.strip()}{closing}"))
        except SyntaxError:
            return ""
    return ""


BOOKKEEPING = {
    *("range", "len", "reversed", "enumerate", "zip", "list", "tuple", "dict"),
    *("append", "insert", "update"),
}


def _computes(source: str, line: int) -> bool:
    """Whether an operation stands on a line, beside loops, calls of lists and plain indices."""
    kinds = ast.Assign | ast.AugAssign | ast.Expr | ast.Return
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    found = [node for node in nodes if node.lineno == line]
    return any(
        isinstance(node, ast.AugAssign) or any(map(_operation, _parts(node))) for node in found
    )


def _parts(node: ast.stmt) -> Iterator[ast.AST]:
    """All within a statement, but the loss that a `return` gives before the gradients."""
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        for each in node.value.elts[1:]:
            yield from ast.walk(each)
    else:
        yield from ast.walk(node)


def _operation(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        return name not in BOOKKEEPING
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        return not isinstance(node.slice, ast.Constant)
    if isinstance(node, ast.Attribute):
        return node.attr == "T"
    return isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare)
