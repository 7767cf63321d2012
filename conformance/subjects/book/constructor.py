"""How a class or factory is called for a network of some sizes, and with which costs.

Left out: how the network lays out its numbers (`book_conventions.py`).
"""

import ast
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from conformance.subjects.near import CLOSE, alike
from reference.equations import COSTS
from reference.step import Array

Form = Callable[[Sequence[int]], tuple[Any, ...]]
"""Makes of sizes the positional arguments of a constructor."""

PROBES: tuple[tuple[int, ...], ...] = ((3, 2, 4), (3, 2, 5, 4), (3, 4))
"""Sizes of networks to try; those of one network all differ, so layouts show in the shapes."""

STARS = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)

CLASSES = {"".join(map(str.capitalize, name.split("-"))) + "Cost": name for name in COSTS}
"""The costs by the names that their classes have in the book's chapter 3."""


def listed(sizes: Sequence[int]) -> tuple[Any, ...]:
    """`Network([784, 30, 10])`."""
    return (list(sizes),)


def one_by_one(sizes: Sequence[int]) -> tuple[Any, ...]:
    """`Network(784, 30, 10)`."""
    return tuple(sizes)


def hidden_listed(sizes: Sequence[int]) -> tuple[Any, ...]:
    """`Network(784, [30], 10)`."""
    return sizes[0], list(sizes[1:-1]), sizes[-1]


def forms_of(factory: Callable[..., Any]) -> list[tuple[Form, tuple[int, ...]]]:
    """The forms in which a class or factory may be called, each with sizes to try it on.

    Those that its signature takes come first, so that its own failure is reported and not that of
    a call that it never promised; with `*sizes` the sizes stand one by one.
    """
    forms: list[Form] = [listed, one_by_one, hidden_listed]
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return [(form, probe) for probe in PROBES for form in forms]
    first = next(iter(signature.parameters.values()), None)
    if first is not None and first.kind is inspect.Parameter.VAR_POSITIONAL:
        forms = [one_by_one, listed, hidden_listed]
    pairs = [(form, probe) for probe in PROBES for form in forms]
    return [pair for pair in pairs if _binds(signature, *pair)] or pairs[:1]


def _binds(signature: inspect.Signature, form: Form, sizes: Sequence[int]) -> bool:
    try:
        signature.bind(*form(sizes))
    except TypeError:
        return False
    return True


def feedforward_of(thing: Any) -> Any:
    """The `feedforward` of a class or a network, or its `feed_forward`; None if it has none."""
    if hasattr(thing, "feedforward"):
        return thing.feedforward
    own = (each for each in dir(thing) if each.replace("_", "").lower() == "feedforward")
    return getattr(thing, next(own, "feedforward"), None)


def has_sizes(net: Any, sizes: Sequence[int]) -> bool:
    """Whether a network has as many weights a layer as these sizes ask for."""
    try:
        counts = [prod(np.shape(w)) for w in net.weights]
    except (AttributeError, TypeError, ValueError):
        return False
    return counts == [n * k for k, n in pairwise(sizes)]


def parameters_of(
    function: Callable[..., Any], kind: type, name: str
) -> dict[str, inspect.Parameter]:
    """The parameters of a constructor or a method, those that it passes on by `**` among them.

    Args:
        function: it is called.
        kind: the class whose base classes take what is passed on.
        name: of their method.
    """
    found = dict(inspect.signature(function).parameters)
    for base in kind.__mro__:
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in found.values()):
            break
        method = vars(base).get(name)
        if inspect.isfunction(method):
            own = {key: each for key, each in found.items() if each.kind not in STARS}
            passed = list(inspect.signature(method).parameters.items())[1:]  # without self
            further = passed[len(own) :] + [
                pair for pair in passed[: len(own)] if not _needed(pair[1])
            ]
            found = {**own, **{key: each for key, each in further if key not in own}}
    return found


def _needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def costs_of(factory: Callable[..., Any], net: Any, taken: Mapping[str, Any]) -> Mapping[str, Any]:
    """The cost classes that a class or factory can be given as `cost=`, by the costs' names.

    They stand beside it, beside a base class of what it makes, or beside the cost that it has.

    Args:
        factory: it.
        net: what it makes.
        taken: its parameters, as far as they are known.
    """
    if "cost" not in taken:
        return {}
    cost = getattr(net, "cost", None)
    places = (factory, *type(net).__mro__, taken["cost"].default, cost, type(cost))
    beside = {words: each for names in map(_names, places) for words, each in names.items()}
    return {name: beside[words] for words, name in CLASSES.items() if words in beside}


def _names(thing: Any) -> dict[str, Any]:
    """The cost classes in the module in which something is defined."""
    module = inspect.getmodule(thing)
    return (
        {words: each for words, each in vars(module).items() if words in CLASSES} if module else {}
    )


def cost_of(net: Any) -> str | None:
    """The cost that a network has, by the name of its class; None if it is none of the book's."""
    cost = getattr(net, "cost", None)
    kind = cost if isinstance(cost, type) else type(cost)
    return next((CLASSES[each.__name__] for each in kind.__mro__ if each.__name__ in CLASSES), None)


NAMED = re.compile(r"cost|loss|mse|quadratic|squared_?error", re.IGNORECASE)
LOGARITHM = re.compile(r"(xlog|log(2|10|1p|add|$)|.*(cross_?entropy|bce|nll)).*", re.IGNORECASE)


def cost_of_error(net: Any, nabla_b: Array, nabla_w: Array, *, error: Array, dtype: str) -> str:
    """The cost of a network that shows none: the cross-entropy if a^L − y is its output error.

    It is if both gradients of the output layer are made of it. Who names a cost and takes no
    logarithm means the quadratic one, and left σ′ out.

    Args:
        net: it.
        nabla_b: ∂C/∂b^L of a sample, or what it loses with another target, (n_L, 1).
        nabla_w: the same of ∂C/∂w^L, (n_L, n_{L-1}).
        error: the same of a^L − y, (n_L, 1).
        dtype: of its gradients.
    """
    if np.ndim(nabla_w) != 2 or not len(nabla_w) == nabla_b.size == error.size:  # noqa: PLR2004
        return "quadratic"  # they have not even its shape
    largest = int(np.argmax(np.abs(error)))
    of_error = error * (nabla_w[largest] / error[largest])
    pairs = ((nabla_b, error), (nabla_w, of_error))
    if not all(alike(given, made, CLOSE[dtype]) for given, made in pairs):
        return "quadratic"
    names = _identifiers(type(net))
    named = any(map(NAMED.search, names)) and not any(map(LOGARITHM.fullmatch, names))
    return "quadratic" if named else "cross-entropy"


def _identifiers(kind: type) -> set[str]:
    """The names in the files of a class and its base classes, as far as there are files."""
    nodes: list[ast.AST] = []
    for module in filter(None, dict.fromkeys(map(inspect.getmodule, kind.__mro__))):
        with suppress(OSError, TypeError, SyntaxError):
            nodes += ast.walk(ast.parse(inspect.getsource(module)))
    kinds = (("name", ast.FunctionDef), ("id", ast.Name), ("attr", ast.Attribute), ("arg", ast.arg))
    return {getattr(node, name) for node in nodes for name, of in kinds if isinstance(node, of)}
