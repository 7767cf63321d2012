"""What a statement or an expression may be replaced by: `(node, new text, kind of change)`."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Change = tuple[ast.stmt | ast.expr, str, str]

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
}
OTHER = {"+": "-", "-": "+", "*": "/", "/": "*"}
COMPARED: dict[type[ast.cmpop], str] = {
    ast.Gt: "<",
    ast.Lt: ">",
    ast.GtE: "<",
    ast.LtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
}
CALLED = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "maximum": "minimum",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "sign": "abs",
    "exp": "tanh",
    "multiply": "divide",
    "add": "subtract",
    "vstack": "hstack",
}


def statements(node: ast.stmt, source: str) -> Iterator[Change]:
    """The changes of a whole statement."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        return
    yield node, "pass", "dropped-line"
    value = _text(source, node.value)
    if isinstance(node, ast.Expr):
        return
    if isinstance(node, ast.AugAssign):
        target, operator = _text(source, node.target), OPERATORS[type(node.op)]
        yield node, f"{target} = {value}", "overwritten"
        yield node, f"{target} {OTHER[operator]}= {value}", "operator"
    elif isinstance(node.targets[0], ast.Subscript):
        yield node, f"{_text(source, node.targets[0])} += {value}", "added"
    if not isinstance(node.value, ast.Tuple | ast.List | ast.Dict | ast.ListComp):
        yield node.value, f"-{_grouped(source, node.value)}", "negated"
        yield node.value, f"2 * {_grouped(source, node.value)}", "doubled"


@dataclass(frozen=True)
class Words:
    """What an expression may name.

    Attributes:
        names: of the function's variables.
        keys: of the dicts that the function reads.
        kept: names of what objects keep.
        helpers: the program's functions.
    """

    names: Sequence[str]
    keys: Sequence[str]
    kept: Sequence[str]
    helpers: Sequence[str]


def replacements(function: ast.FunctionDef, source: str, words: Words) -> Iterator[Change]:
    """The changes of the expressions of a function of a program."""
    called = {id(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield from _of_call(node, source, words.helpers)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield from _of_subscript(node, source, words.keys)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from _of_name(node, [] if id(node) in called else words.names)
        elif isinstance(node, ast.Attribute) and node.attr in words.kept:
            if isinstance(node.ctx, ast.Load) and id(node) not in called:
                owner = _text(source, node.value)
                yield from ((node, f"{owner}.{name}", "attribute") for name in words.kept)
        elif isinstance(node, ast.expr | ast.Slice):
            yield from _of_structure(node, source)


def _of_structure(node: ast.expr, source: str) -> Iterator[Change]:
    """The changes of an expression for which no words are needed."""
    match node:
        case ast.BinOp():
            yield from _of_operation(node, source)
        case ast.Compare() if type(node.ops[0]) in COMPARED:
            left, right = _text(source, node.left), _text(source, node.comparators[0])
            yield node, f"{left} {COMPARED[type(node.ops[0])]} {right}", "comparison"
        case ast.Constant():
            yield from _of_constant(node)
        case ast.Slice():
            yield from _of_slice(node, source)
        case ast.Tuple(ctx=ast.Load()):
            yield from _of_tuple(node, source)
        case ast.UnaryOp():
            yield node, _text(source, node.operand), "unsigned"
        case ast.Attribute(attr="T"):
            yield node, _text(source, node.value), "untransposed"


def _of_name(node: ast.Name, names: Sequence[str]) -> Iterator[Change]:
    yield from ((node, name, "name") for name in names if name != node.id)
    if names:
        yield node, f"{node.id}.T", "transposed"


def _of_operation(node: ast.BinOp, source: str) -> Iterator[Change]:
    operator = OPERATORS.get(type(node.op))
    left, right = _grouped(source, node.left), _grouped(source, node.right)
    if operator in OTHER:
        yield node, f"{left} {OTHER[operator]} {right}", "operator"
    if operator in ("-", "/", "@"):
        yield node, f"{right} {operator} {left}", "swapped"
    yield node, _text(source, node.left), "dropped-term"
    if operator in ("+", "-", "*", "@"):
        yield node, _text(source, node.right), "dropped-term"


def _of_constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        for other in (value + 1, value - 1):
            yield node, str(other), "constant"
    elif isinstance(value, float):
        for number in (2 * value, value / 2, 1 - value):
            yield node, repr(number), "constant"
    elif isinstance(value, str) and "->" in value:
        for at in range(len(value) - 1):
            if value[at].isalpha() and value[at + 1].isalpha():
                turned = value[:at] + value[at + 1] + value[at] + value[at + 2 :]
                yield node, f'"{turned}"', "einsum"


def _of_call(node: ast.Call, source: str, helpers: Sequence[str]) -> Iterator[Change]:
    text, function = _text(source, node), _text(source, node.func)
    after = text[len(function) :]
    name = node.func.attr if isinstance(node.func, ast.Attribute) else function
    if name in CALLED:
        yield node, f"{function[: -len(name)]}{CALLED[name]}{after}", "function"
    if function in helpers:
        yield from ((node, f"{other}{after}", "function") for other in helpers if other != function)
    arguments = [_text(source, each) for each in node.args]
    if name == "range":
        yield node, f"range({', '.join([*arguments[:-1], arguments[-1] + ' - 1'])})", "range"
        yield node, f"range(1, {arguments[-1]})", "range"
    elif isinstance(node.func, ast.Attribute) and _text(source, node.func.value) != "np":
        yield node, _text(source, node.func.value), "uncalled"
    elif len(arguments) == 1:
        yield node, arguments[0], "uncalled"
    keywords = [f"{each.arg}={_text(source, each.value)}" for each in node.keywords]
    for at in range(len(arguments) - 1):
        turned = [*arguments]
        turned[at], turned[at + 1] = turned[at + 1], turned[at]
        yield node, f"{function}({', '.join([*turned, *keywords])})", "arguments"
    for at, keyword in enumerate(node.keywords):
        kept = [*arguments, *keywords[:at], *keywords[at + 1 :]]
        yield node, f"{function}({', '.join(kept)})", f"without-{keyword.arg}"


def _of_subscript(node: ast.Subscript, source: str, keys: Sequence[str]) -> Iterator[Change]:
    value = _text(source, node.value)
    yield node, value, "unindexed"
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        for key in keys:
            if key != node.slice.value:
                yield node, f'{value}["{key}"]', "key"
    elif isinstance(node.slice, ast.Name | ast.BinOp | ast.UnaryOp):
        for step in ("+ 1", "- 1"):
            yield node, f"{value}[{_text(source, node.slice)} {step}]", "index"


def _of_slice(node: ast.Slice, source: str) -> Iterator[Change]:
    lower, upper = (_text(source, each) if each else "" for each in (node.lower, node.upper))
    if node.step is None and bool(lower) != bool(upper):
        yield node, f"{upper}:{lower}", "slice"
    if not lower and not node.step:
        yield node, f"1:{upper}", "slice"
        yield node, f":{upper or -1}{' - 1' if upper else ''}", "slice"
    if not upper and not node.step:
        yield node, f"{lower}:-1", "slice"


def _of_tuple(node: ast.Tuple, source: str) -> Iterator[Change]:
    if not node.elts or node.lineno != node.end_lineno or _text(source, node)[0] != "(":
        return
    parts = [_text(source, each) for each in node.elts]
    if len(parts) > 2:
        for at in range(len(parts)):
            yield node, f"({', '.join(parts[:at] + parts[at + 1 :])})", "tuple"
    for at in range(len(parts) - 1):
        turned = [*parts]
        turned[at], turned[at + 1] = turned[at + 1], turned[at]
        yield node, f"({', '.join(turned)})", "tuple"


def _text(source: str, node: ast.AST) -> str:
    return ast.get_source_segment(source, node) or ""


def _grouped(source: str, node: ast.expr) -> str:
    """The text of an operand, in parentheses where another operator may need them."""
    text = _text(source, node)
    loose = isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp | ast.Lambda)
    return f"({text})" if loose else text
