"""What holds the parameters of a program, as its file makes it, else as its functions ask for them.

A file makes a network by `model = Network()`, then `model.add(Dense(784, 30))`: the statements are
taken from where they stand, such as the main block, which is not run; the sizes in them are made
small. A container, `Sequential(*layers)`, may be made of two layers of the file. What a function
does with its argument tells the structure of its parameters: `params["W1"]`, `W, b = params`; the
shapes are those of dense layers. Left out: networks that a call makes (`plans.py`).
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import lru_cache, partial
from itertools import chain, count
from math import prod
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.backward.syntax import tree
from conformance.programs.execution import missing, names_in
from conformance.programs.held_state import leaves
from conformance.programs.vocabulary import BIAS, WEIGHT, bare, is_parameter, is_role, kinds_of
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.shapes.arguments import (
    Scope,
    called,
    kinds_taken,
    needed,
    scope_of,
    size_kinds,
    taken,
    ways,
)
from conformance.shapes.attempt import provide
from conformance.shapes.attempts import LONGEST, UnfitError, result_of, tried
from conformance.shapes.draws import seed
from conformance.shapes.example_data import NUMBERS, Data, Sizes, example_data
from conformance.shapes.function_sources import returned_names, source_parts
from conformance.shapes.layer_arguments import Make, layer_constructions, takes_parts
from conformance.shapes.layers import LayerSearch, layer_search
from conformance.shapes.plans import PARAMETERS_AND_DATA, Made, Named
from reference.step import Array

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
        seed()
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


DEEPEST = 3  # layers of weights that are made here


def made_by_the_file(initial: Sequence[Named]) -> Iterator[Made]:
    """Parameters that functions of the file make of sizes, first those of any number of layers."""
    for function in sorted((e for _, e in initial if callable(e)), key=_is_of_two_layers):

        def make(
            data: Data, _scope: Scope, function: Callable[..., Any] = function
        ) -> dict[str, Any]:
            seed()
            return _named(function, tried(function, _calls_of(function, data)))

        yield Made(called(function), make)


def _is_of_two_layers(function: Callable[..., Any]) -> bool:
    return {"sizes", "n_hiddens"}.isdisjoint(kinds_taken(function))


def _calls_of(function: Callable[..., Any], data: Data) -> Iterator[tuple[Any, Any]]:
    """The ways in which a function may be told sizes: by its names, then those that say nothing."""
    scope, s = Scope(size_kinds(data)), data.sizes
    yield from ways(function, "", scope)
    kinds = {each.name: scope.kind(each.name) for each in needed(function)}
    for told in ({name: kind for name, kind in kinds.items() if kind}, {}):
        sizes = {"n_in": s.n_in, "n_hidden": s.n_hidden, "n_out": s.n_out}
        free = [n for kind, n in sizes.items() if kind not in told.values()]
        left = [name for name in kinds if name not in told]
        options: dict[int, list[list[Any]]] = {len(free): [free]}
        if len(free) == len(sizes):
            options |= {1: [[s.whole], free[:1]], 2: [[s.n_in, s.n_out]]}
        for each in options.get(len(left), []):
            known = {name: scope.of(kind) for name, kind in told.items()}
            yield (), {**known, **dict(zip(left, each, strict=True))}


def _named(function: Callable[..., Any], result: Any) -> dict[str, Any]:
    """What a function made, by the names that it gives it."""
    names = returned_names(function)
    if (
        isinstance(result, tuple)
        and len(names) == len(result) > 1
        and all(map(is_parameter, names))
    ):
        return dict(zip(names, result, strict=True))
    if result is None:
        raise UnfitError("it returns nothing")
    name = names[0] if len(names) == 1 and names[0].isidentifier() else "params"
    return {name: list(result) if type(result) is tuple else result}


def made_here(functions: Sequence[FunctionType]) -> Iterator[Made]:
    """Parameters as the arguments of functions ask for them."""
    arguments = list(dict.fromkeys(each.name for f in functions for each in taken(f)))
    beside_a_bias = any(BIAS.fullmatch(bare(each)) for each in arguments)  # w is not all then
    bears = is_parameter if beside_a_bias else _bears_name
    named = [each for each in arguments if bears(each)]
    if named:
        for style in STYLES:
            yield Made("", partial(_names, named, style), sized=True)
    for function in functions:
        for name in _structured(function):
            yield from _of_structure(function, name)


def _bears_name(name: str) -> bool:
    return is_parameter(name) and "params" not in kinds_of(name)


def _structured(function: FunctionType) -> list[str]:
    """The arguments that may be all parameters together: by their names, else the first ones.

    Inputs beside weights are none.
    """
    names = [each.name for each in needed(function)]
    known = [name for name in names if "params" in kinds_of(name)]
    first = names[:1] if len(names) >= PARAMETERS_AND_DATA else []
    weights = any(WEIGHT.fullmatch(bare(each)) for each in names[1:])
    first = [each for each in first if not (weights and "inputs" in kinds_of(each))]
    return list(dict.fromkeys([*known[:1], *first]))


def _names(names: Sequence[str], style: str, data: Data, _scope: Scope) -> dict[str, Any]:
    """Parameters that are arguments of their own."""
    return dict(_dense(names, data, style))


def _of_structure(function: FunctionType, name: str) -> Iterator[Made]:
    """Parameters of the structure that a function asks of an argument."""
    keys, unpacked = _uses(function, name)
    record = _record(function, name)
    fields = () if record is None else record._fields

    def make(style: str, data: Data, _scope: Scope) -> dict[str, Any]:
        if not keys and not unpacked and record is None:
            return {name: _single(data, style)}
        made = _dense(fields or keys or unpacked, data, style)
        if record is not None:
            return {name: record(**made)}
        return {name: made if keys else list(made.values())}

    for style in STYLES if fields or keys or unpacked else SINGLE:
        yield Made("", partial(make, style), sized=True)


def _record(function: FunctionType, name: str) -> Any:
    """The named tuple of a file that has the attributes for which an argument is asked; or None."""
    inside = source_parts(function)
    read = {e.attr for e in inside if isinstance(e, ast.Attribute) and ast.unparse(e.value) == name}
    kinds = (
        e for e in function.__globals__.values() if isinstance(e, type) and issubclass(e, tuple)
    )
    return next((e for e in kinds if read and read <= {*getattr(e, "_fields", ())}), None)


def _uses(function: FunctionType, name: str) -> tuple[list[str], list[str]]:
    """The keys at which an argument is read, and the names that it is unpacked into."""
    keys: list[str] = []
    unpacked: list[str] = []
    inside = source_parts(function)
    found = [each for each in inside if isinstance(each, ast.Subscript | ast.Assign)]
    for each in sorted(found, key=lambda e: (e.lineno, e.col_offset)):
        match each:
            case ast.Subscript(value=ast.Name(id=used), slice=ast.Constant(value=str(key))):
                if used == name:
                    keys.append(key)
            case ast.Assign(targets=[ast.Tuple(elts=parts)], value=ast.Name(id=used)):
                if used == name:
                    unpacked = [ast.unparse(part) for part in parts]
    return list(dict.fromkeys(keys)), unpacked


@lru_cache(maxsize=512)
def unpacked_into(function: FunctionType, name: str) -> tuple[str, ...]:
    """The names that a function unpacks an argument into."""
    return tuple(_uses(function, name)[1])


STYLES = ("flat", "matrix", "turned")
"""Biases as vectors (n,), or as matrices (1, n) and (n, 1); last for w.T @ X + b, or X @ w.T + b.
"""


def _dense(names: Sequence[str], data: Data, style: str) -> dict[str, Array]:
    """Weights and biases of dense layers under some names, in order.

    Raises:
        UnfitError: it is no such list of names.
    """
    kinds = _kinds(names)
    weights = [name for name, kind in zip(names, kinds, strict=True) if kind == "w"]
    biases = [name for name, kind in zip(names, kinds, strict=True) if kind == "b"]
    if not 0 < len(weights) <= DEEPEST or len(biases) > len(weights):
        raise UnfitError(f"{', '.join(names)}: which of them are weights and biases is not known")
    s = data.sizes
    hidden = [s.n_hidden + i for i in range(len(weights) - 1)]
    sizes = [s.n_in, *hidden, s.n_out]
    columns = "column" in data.layout
    shapes: dict[str, tuple[int, ...]] = {}
    for name, n, k in zip(weights, sizes[:-1], sizes[1:], strict=True):
        shapes[name] = (k, n) if columns != (style == "turned") else (n, k)
    flat = style == "flat" or (style == "turned" and not columns)
    for name, k in zip(biases, sizes[1:], strict=False):
        shapes[name] = (k,) if flat else (k, 1) if columns else (1, k)
        if style == "turned" and columns and k == 1:
            shapes[name] = ()
    if data.layout in NUMBERS:
        shapes = dict.fromkeys(shapes, ())
    rng = np.random.default_rng(5)
    return {name: rng.normal(size=shapes[name]) for name in names if name in shapes}


def _kinds(names: Sequence[str]) -> list[str]:
    """Which names are weights, which biases; where no name tells, they take turns."""
    kinds = [
        "b" if BIAS.fullmatch(bare(e)) else "w" if WEIGHT.fullmatch(bare(e)) else "" for e in names
    ]
    if all(kinds):
        return kinds
    ordered = sorted(names) if len(set(names)) < len(names) else list(names)
    return ["w" if i % 2 == 0 else "b" for i, _ in enumerate(ordered)]


SINGLE = ("all with biases", "all", "matrix", "matrix turned", "vector", "column")
"""One array: all weights of a network with a hidden layer, or of one layer."""


def _single(data: Data, style: str) -> Array:
    s = data.sizes
    bias = style == "all with biases"
    shapes: dict[str, tuple[int, ...]] = {
        "matrix": (s.n_in, s.n_out),
        "matrix turned": (s.n_out, s.n_in),
        "vector": (s.n_in,),
        "column": (s.n_in, 1),
    }
    every = (s.n_hidden * (s.n_in + bias) + s.n_out * (s.n_hidden + bias),)
    return np.random.default_rng(5).normal(size=shapes.get(style, every))
