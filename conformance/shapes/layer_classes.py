"""Which classes may be layers, by the names of their methods, or whatever they are called.

Then one function takes inputs and gives an output; another takes one thing whose name tells
nothing: ∂C/∂(the output), or the targets. So may functions around their variables. Left out:
judging it as a layer (`layers.py`), or as a network (`search.py`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from inspect import CO_VARARGS
from types import FunctionType, ModuleType
from typing import Any

from conformance.programs.vocabulary import is_role
from conformance.shapes.arguments import Scope, method_of
from conformance.shapes.attempts import UnfitError
from conformance.shapes.example_data import Sizes, example_data
from conformance.shapes.layer_arguments import takes
from conformance.shapes.layer_shapes import called_itself, layer_constructions, only
from conformance.shapes.layers import LayerSearch
from conformance.shapes.plans import Made, Named, closed


def layer_search(
    kind: type, module: ModuleType, assembled: tuple[Made, ...] = (), *, targets: bool = False
) -> LayerSearch | None:
    """A class as one of layers; None if it has no such methods.

    Args:
        kind: the class.
        module: it is defined in.
        assembled: the ways in which the file itself makes an object of it.
        targets: as in `takes`.
    """
    names = [e for e in dir(kind) if callable(getattr(kind, e)) and not e.startswith("__")]
    forward = [e for e in names if is_role(e, "forward") == 0] or called_itself(kind)
    forward = forward or only(names, "forward")
    backward = [e for e in names if is_role(e, "backward") == 0] or only(names, "back")
    if not forward or not backward:
        return None
    found = takes(method_of(kind, forward[0]), method_of(kind, backward[0]), targets=targets)
    if found is None:
        return None
    return LayerSearch(kind, module, forward[0], backward[0], found, assembled)


def unnamed_layer(
    kind: type, module: ModuleType, roles: dict[str, list[Named]], assembled: tuple[Made, ...]
) -> LayerSearch | None:
    """A class as one of layers, whatever its methods and their arguments are called; None if not.

    Args:
        kind: the class.
        module: it is defined in.
        roles: its methods by what they may do.
        assembled: the ways in which the file itself makes an object of it.
    """
    return _layer(kind, kind, module, roles, assembled)


def closure_layer(
    maker: FunctionType, module: ModuleType, roles: dict[str, list[Named]]
) -> LayerSearch | None:
    """A function as one that makes layers, which returns functions around its variables."""
    if maker.__code__.co_flags & CO_VARARGS:  # it puts others together
        return None
    kind = closed(maker)
    data = next(example_data(Sizes(), ("rows",)))
    for _, make in layer_constructions(kind, data):
        with suppress(UnfitError):
            return _layer(kind, make(data, Scope())["self"], module, roles, ())
    return None


def _layer(
    kind: Callable[..., Any],
    holder: Any,
    module: ModuleType,
    roles: dict[str, list[Named]],
    assembled: Sequence[Made],
) -> LayerSearch | None:
    for ahead, _ in roles["forward"]:
        for back, _ in roles["backward"]:
            functions = method_of(holder, str(ahead)), method_of(holder, str(back))
            found, named = takes(*functions, named=False), takes(*functions)
            if found is not None:
                sure, ways = named is not None, tuple(assembled)
                return LayerSearch(kind, module, ahead, back, found, ways, sure)
    return None
