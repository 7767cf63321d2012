"""What a class may be told to do that it does not do by default.

Other activations are tried, and training; what else is off is told. Left out: how a class is made
(`plans.py`).
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from conformance.shapes.arguments import taken
from conformance.shapes.vocabulary import bare, kinds_of

ACTIVATIONS = {
    "sigmoid", "logistic", "tanh", "relu", "leaky_relu", "leakyrelu", "elu", "selu", "softplus",
    "gelu", "swish", "silu", "linear", "identity",
}  # fmt: skip


def switched_off(
    whole: Any, functions: Iterable[Callable[..., Any] | None] = ()
) -> tuple[str, ...]:
    """The arguments that are False by default, of a class, by an object of it, and of functions."""
    own = [type(whole)] if type(whole).__module__ != "builtins" else []
    return tuple(dict.fromkeys(name for each in (*own, *functions) for name in off(each)))


TRAINS = re.compile(r"(is)?train(ing)?(mode|phase)?")
"""Names of what tells a function that it trains."""


def training(functions: Iterable[Callable[..., Any] | None]) -> dict[str, bool]:
    """What tells functions that they train, which they do not by default."""
    names = (name for each in functions for name in off(each))
    return {name: True for name in names if TRAINS.fullmatch(bare(name))}


def off(function: Callable[..., Any] | None) -> list[str]:
    """The arguments of a function, or of a class, that are False by default."""
    known = {"quiet", "seed"}
    own = () if function is None else taken(function)
    names = (each.name for each in own if each.default is False)
    return [each for each in names if not known & {*kinds_of(each)}]


def other_activations(factory: Callable[..., Any], words: Iterable[str]) -> list[dict[str, str]]:
    """What a class may be told of its hidden activation, if a name of one is its default.

    Args:
        factory: the class.
        words: that its file knows.
    """
    names = [each.name for each in taken(factory) if each.default in ACTIVATIONS]
    hidden = [name for name in names if "out" not in name][:1]
    known = [each for each in dict.fromkeys(words) if each in ACTIVATIONS]
    return [{name: each} for name in hidden for each in known]
