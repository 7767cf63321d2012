"""Parameters for functions that are handed them: those that the file makes itself, else made here.

What a function does with its argument tells its structure: `params["W1"]`, `W, b = params`. The
shapes are those of dense layers. Left out: the layouts of data (`example_data.py`).
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from types import FunctionType
from typing import Any

import numpy as np

from conformance.programs.vocabulary import BIAS, WEIGHT, bare, is_parameter, kinds_of
from conformance.shapes.arguments import Scope, called, kinds_taken, needed, taken
from conformance.shapes.attempts import UnfitError, tried
from conformance.shapes.example_data import NUMBERS, Data
from conformance.shapes.function_sources import returned_names, source_parts
from conformance.shapes.plans import Made, Named, constructions
from reference.step import Array

PARAMETERS_AND_DATA = 3  # arguments: parameters, inputs, targets
DEEPEST = 3  # layers of weights that are made here


def made_by_the_file(initial: Sequence[Named]) -> Iterator[Made]:
    """Parameters that functions of the file make of sizes."""
    for _, function in initial:
        assert callable(function)  # noqa: S101 - functions, not methods

        def make(
            data: Data, _scope: Scope, function: Callable[..., Any] = function
        ) -> dict[str, Any]:
            np.random.seed(0)  # noqa: NPY002 - the program's own random numbers
            calls = ((args, named) for _, args, named in constructions(function, data))
            return _named(function, tried(function, calls))

        yield Made(called(function), make)


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
    """The arguments that may be all parameters together: by their names, else the first ones."""
    names = [each.name for each in needed(function)]
    known = [name for name in names if "params" in kinds_of(name)]
    first = names[:1] if len(names) >= PARAMETERS_AND_DATA else []
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


def takes_parameters(function: FunctionType) -> bool:
    """Whether a function takes parameters and data, and may give gradients: three arguments."""
    many = len(needed(function)) >= PARAMETERS_AND_DATA and "hess" not in bare(function.__name__)
    return many and not inspect.isgeneratorfunction(function)


def may_make(function: FunctionType) -> bool:
    """Whether a function may make parameters, perhaps of sizes, which may have defaults."""
    sizes = {"sizes", "n_in", "n_hidden", "n_hiddens", "n_out"}
    told = bool(sizes & kinds_taken(function)) or any(map(is_parameter, returned_names(function)))
    return len(needed(function)) in (1, 3) or (not needed(function) and told)


def gives_two(function: FunctionType) -> bool:
    """Whether a function returns two things, or one that may hold two: a loss, and gradients."""
    return len(returned_names(function)) in (1, 2)


def may_give_gradients(function: FunctionType) -> bool:
    """Whether a function may give gradients by what it returns, or by the end of its name."""
    named = re.search(r"grad(ient)?s?$", bare(function.__name__)) is not None
    return gives_two(function) or named
