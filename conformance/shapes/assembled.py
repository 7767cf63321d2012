"""How a file itself makes a network: `model = Network()`, then `model.add(Dense(784, 30))`.

The statements are taken from where they stand, such as the main block, which is not run; the sizes
in them are made small. A container, `Sequential(*layers)`, may be made of two layers of the file.
Left out: networks that a call makes (`plans.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import chain, count
from math import prod
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from conformance.backward.syntax import tree
from conformance.programs.execution import missing, names_in
from conformance.programs.held_state import leaves
from conformance.programs.vocabulary import is_role
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import Scope, scope_of
from conformance.shapes.attempt import provide
from conformance.shapes.attempts import LONGEST, UnfitError, result_of
from conformance.shapes.example_data import Data, Sizes, example_data
from conformance.shapes.layer_arguments import Make, layer_constructions, takes_parts
from conformance.shapes.layers import LayerSearch, layer_search
from conformance.shapes.plans import Made

SMALL = 8
"""Sizes below it are left as they are."""
LARGEST = 300_000
"""Numbers that a network may hold that is run for each reading."""
USES = ("forward", "loss", "backward", "update", "train")
"""What is done with a network that is made."""


def assembled(kind: type, files: Sequence[str], module: ModuleType) -> Iterator[Made]:
    """The ways in which a file makes an object of a class, with small sizes first.

    Args:
        kind: the class.
        files: the names of the parts of the file.
        module: that the file is.
    """
    for block in chain.from_iterable(map(_blocks, files)):
        for i, each in enumerate(block):
            if not isinstance(each, ast.Assign) or not _calls(each.value, kind, module):
                continue
            (target,) = each.targets if len(each.targets) == 1 else (None,)
            if not isinstance(target, ast.Name):
                continue
            parts = _parts(block, i, target.id, module)
            said = f"{ast.unparse(each.value)}, line {each.lineno}"
            for source in (_smaller(parts), parts):
                code = compile(ast.Module(source, []), str(module.__file__), "exec")
                yield _made(kind, said, target.id, code, module)


def _made(kind: type, said: str, name: str, code: CodeType, module: ModuleType) -> Made:
    too_large: list[UnfitError] = []

    def make(data: Data, _scope: Scope) -> dict[str, Any]:
        for each in too_large:
            raise each
        provide(module, scope_of(data))
        np.random.seed(0)  # noqa: NPY002 - the program's own random numbers
        variables = dict(vars(module))
        try:
            with quiet(), limited(LONGEST):
                exec(code, variables)  # noqa: S102 - the subject's own statements
        except (Exception, TooLongError) as error:
            raise UnfitError(f"{said}: {type(error).__name__}: {error}") from error
        if not isinstance(variables[name], kind):
            raise UnfitError(f"{said} makes something else")
        if sum(np.size(e.value) for e in leaves(variables[name], "self", module)) > LARGEST:
            too_large.append(UnfitError(f"{said}: it is too large to be run again and again"))
            raise too_large[0]
        return {"self": variables[name]}

    return Made(said, make)


def _blocks(file: str) -> Iterator[list[ast.stmt]]:
    """The statements of a file, with those of its main block, and those of its functions."""
    module = tree(file)
    if module is None:
        return
    blocks = (each.body if isinstance(each, ast.If) else [each] for each in module.body)
    yield [statement for block in blocks for statement in block]
    yield from (each.body for each in module.body if isinstance(each, ast.FunctionDef))


def _calls(value: ast.expr, kind: type, module: ModuleType) -> bool:
    """Whether an expression calls a class, or a function of the file that may return such."""
    name = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    called = getattr(module, name, None)
    return called is kind or kind.__name__ in getattr(
        getattr(called, "__code__", None), "co_names", ()
    )


def _parts(block: list[ast.stmt], first: int, name: str, module: ModuleType) -> list[ast.stmt]:
    """The statements that make a network, and what they need of those before, in their order."""
    kept, known = {first}, set(vars(module)) | missing(module)
    for i in range(first + 1, len(block)):
        if _adds(block[i], name):
            kept.add(i)
        elif name in names_in(block[i], ast.Load):
            break
    for i in range(max(kept), -1, -1):
        needed = set().union(*(names_in(block[k], ast.Load) for k in kept)) - known
        if isinstance(block[i], ast.Assign) and needed & names_in(block[i], ast.Store):
            kept.add(i)
    return [block[i] for i in sorted(kept)]


def _adds(statement: ast.stmt, name: str) -> bool:
    """Whether a statement does something to a network that is no use of it."""
    if isinstance(statement, ast.For):
        return all(_adds(each, name) for each in statement.body)
    value = statement.value if isinstance(statement, ast.Expr) else None
    methods = []
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        methods.append(value.func.attr)  # of `model.add(…).add(…)` each
        value = value.func.value
    of_it = isinstance(value, ast.Name) and value.id == name
    used = any(is_role(each, role) is not None for each in methods for role in USES)
    return of_it and bool(methods) and not used


class _Small(ast.NodeTransformer):
    """Gives each size that is not small another that is."""

    def __init__(self) -> None:
        self.others = chain((6, 5, 4, 3), count(SMALL))
        self.known: dict[int, int] = {}

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """28 * 28 is one size."""
        sides = node.left, node.right
        if isinstance(node.op, ast.Mult) and all(isinstance(e, ast.Constant) for e in sides):
            return self._size(prod(e.value for e in sides), node)  # type: ignore[attr-defined]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A number."""
        return self._size(node.value, node)

    def _size(self, value: Any, node: ast.expr) -> ast.AST:
        if type(value) is not int or value < SMALL:
            return node
        if value not in self.known:
            self.known[value] = next(self.others)
        return ast.copy_location(ast.Constant(self.known[value]), node)


def _smaller(parts: list[ast.stmt]) -> list[ast.stmt]:
    small = _Small()
    return [small.visit(each) for each in deepcopy(parts)]


def stacked(kind: type, classes: Sequence[type], module: ModuleType) -> Iterator[Made]:
    """The ways in which a class that takes layers is given two of a file, those with weights first.

    Args:
        kind: the class.
        classes: of the file.
        module: that the file is.
    """
    others = [each for each in classes if each is not kind and not takes_parts(each)]
    found = [(each, search) for each in others if (search := layer_search(each, module))]
    for layer, search in found if takes_parts(kind) else ():
        name = layer.__name__
        yield Made(f"{kind.__name__}({name}, {name})", _of_two(kind, search, module))


def _of_two(kind: type, search: LayerSearch, module: ModuleType) -> Make:
    def make(data: Data, _scope: Scope) -> dict[str, Any]:
        below, out = _runs(search, data, data.x, module)
        n = np.shape(out)[0 if data.layout == "columns" else -1]
        next_data = next(example_data(Sizes(n_in=n), (data.layout,)), None)
        if next_data is None:  # such as of one number a sample
            raise UnfitError("its layers give several numbers")
        above, _ = _runs(search, next_data, out, module)
        return {"self": result_of(kind, below, above)}

    return make


def _runs(search: LayerSearch, data: Data, x: Any, module: ModuleType) -> tuple[Any, Any]:
    """A layer with weights that takes some inputs, and its output.

    Raises:
        UnfitError: it is not made so that it takes them.
    """
    problem = UnfitError("how its layers are made is not known")
    for _, way in layer_constructions(search.kind, data):
        try:
            layer = way(data, Scope())["self"]
            weights = leaves(layer, "self", module)
            out = result_of(getattr(layer, search.forward), np.array(x))
        except UnfitError as error:
            problem = error
            continue
        if weights and np.ndim(out) == np.ndim(x) > 0:
            return layer, out
    raise problem
