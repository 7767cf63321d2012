"""Changes of an expression that make it another one, as people make mistakes.

The text around what is changed stays as it is. Whether a change changes any number is found by
running it (`numbers.py`).
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """A name that says what was done, and the new text."""

    name: str
    text: str


@dataclass(frozen=True)
class Spelling:
    """How functions of whole arrays are written in a program, `{}` being the array."""

    clipped: str
    rounded: str
    positive: str


NUMPY = Spelling("{np}.clip({{}}, -0.05, 0.05)", "{np}.round({{}}, 3)", "{np}.maximum({{}}, 0)")
TORCH = Spelling("torch.clamp({}, -0.05, 0.05)", "torch.round({}, decimals=3)", "torch.relu({})")
SCALARS = Spelling("max(-0.05, min(0.05, {}))", "round({}, 3)", "max(0.0, {})")


def numpy_as(name: str) -> Spelling:
    """The spelling where numpy has this name."""
    return Spelling(
        *(each.format(np=name) for each in (NUMPY.clipped, NUMPY.rounded, NUMPY.positive))
    )


def expression_of(line: str) -> str:
    """The right side of a statement; of a list comprehension, what it lists."""
    value: ast.expr = ast.parse(line.strip()).body[0].value  # type: ignore[attr-defined]
    while isinstance(value, ast.ListComp | ast.GeneratorExp):
        value = value.elt
    return _segment(line.strip(), value)


def changes(text: str, spelling: Spelling, *, whole: bool) -> Iterator[Change]:
    """The changes of an expression.

    Args:
        text: of the expression.
        spelling: of functions.
        whole: whether to leave out those of its parts.
    """
    tree = ast.parse(text, mode="eval").body
    atom = isinstance(tree, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.Constant)
    inside = text if atom else f"({text})"
    yield Change("factor", f"1.01 * {inside}")
    yield Change("half", f"0.5 * {inside}")
    yield Change("negated", f"-{inside}")
    yield Change("shifted", f"{inside} + 0.001")
    yield Change("squared", f"{inside} ** 2")
    for name in ("clipped", "rounded", "positive"):
        yield Change(name, getattr(spelling, name).format(text))
    seen = {text}
    for number, (node, new, name) in enumerate(_parts(text, tree, whole=whole)):
        changed = _replaced(text, node, new)
        if changed not in seen:
            seen.add(changed)
            yield Change(f"{name}-{number}", changed)


def _parts(text: str, tree: ast.expr, *, whole: bool) -> Iterator[tuple[ast.AST, str, str]]:
    for node in [tree] if whole else _walk(tree):
        if isinstance(node, ast.BinOp) and not whole:
            yield from _of_operation(text, node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node, _segment(text, node.operand), "unsigned"
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, int | float)
            and not isinstance(node.value, bool)
        ):
            yield node, str(node.value * 2 or 1), "constant"
        elif isinstance(node, ast.Subscript):
            yield from _of_subscript(text, node)
        elif isinstance(node, ast.Attribute):
            yield from _of_attribute(text, node)
        elif isinstance(node, ast.Call):
            yield from _of_call(text, node)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes but those in indices, in the loops of comprehensions and in strings."""
    yield node
    for name, child in ast.iter_fields(node):
        left_out = (isinstance(node, ast.Subscript) and name == "slice") or name in (
            "generators",
            "args_",
            "keywords",
        )
        if left_out or isinstance(node, ast.Lambda):
            continue
        for each in child if isinstance(child, list) else [child]:
            if isinstance(each, ast.AST):
                yield from _walk(each)


def _of_operation(text: str, node: ast.BinOp) -> Iterator[tuple[ast.AST, str, str]]:
    left, right = _segment(text, node.left), _segment(text, node.right)
    swapped = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}.get(type(node.op))
    if swapped:
        yield (
            node,
            f"{_grouped(node.left, left)} {swapped} {_grouped(node.right, right)}",
            "operator",
        )
    if isinstance(node.op, ast.Sub):
        yield node, f"{_grouped(node.right, right)} - {_grouped(node.left, left)}", "turned"
    yield node, left, "left"
    if not isinstance(node.op, ast.Div | ast.Pow):
        yield node, right, "right"


def _of_subscript(text: str, node: ast.Subscript) -> Iterator[tuple[ast.AST, str, str]]:
    index = node.slice
    if isinstance(index, ast.Slice | ast.Tuple | ast.List) or isinstance(
        getattr(index, "value", 0), str
    ):
        return
    value, inner = _segment(text, node.value), _segment(text, index)
    yield node, f"{value}[{inner} + 1]", "index-after"
    yield node, f"{value}[{inner} - 1]", "index-before"


def _of_attribute(text: str, node: ast.Attribute) -> Iterator[tuple[ast.AST, str, str]]:
    value = _segment(text, node.value)
    if node.attr in ("T", "mT"):
        yield node, value, "untransposed"
    if node.attr in ("sum", "mean"):
        yield (
            node,
            f"{_grouped(node.value, value)}.{'mean' if node.attr == 'sum' else 'sum'}",
            "reduced",
        )


def _of_call(text: str, node: ast.Call) -> Iterator[tuple[ast.AST, str, str]]:
    for keyword in node.keywords:
        value = keyword.value
        if (
            keyword.arg in ("axis", "dim")
            and isinstance(value, ast.Constant)
            and value.value in (0, 1)
        ):
            yield value, str(1 - value.value), "axis"
    if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.GeneratorExp):
        yield node, _segment(text, node.args[0]), "uncalled"


def _grouped(node: ast.expr, text: str) -> str:
    loose = isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.NamedExpr | ast.Lambda)
    return f"({text})" if loose else text


def _segment(text: str, node: ast.AST) -> str:
    return ast.get_source_segment(text, node) or ""


def _replaced(text: str, node: ast.AST, new: str) -> str:
    """The text with a node replaced, in parentheses where it needs them."""
    raw = text.encode()
    before, after = raw[: node.col_offset].decode(), raw[node.end_col_offset :].decode()  # type: ignore[attr-defined]
    return put(before, new, after)


def put(before: str, new: str, after: str, mode: str = "eval") -> str:
    """An expression between two texts, in parentheses if it needs them, and without them if not."""
    grouped = f"{before}({new}){after}"
    inside = before.endswith("(") and after.startswith(")")
    bare = f"{before[:-1]}{new}{after[1:]}" if inside else grouped
    for text in (bare, f"{before}{new}{after}"):
        if text != grouped and _tree(text, mode) == _tree(grouped, mode) != "":
            return text
    return grouped


def _tree(text: str, mode: str) -> str:
    header = text.rstrip().endswith(":")  # of a loop or a condition
    try:
        return ast.dump(ast.parse(f"{text} pass" if header else text, mode=mode))
    except SyntaxError:
        return ""
