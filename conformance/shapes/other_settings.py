"""What a class may be told to do that it does not do by default.

Other activations are tried; what else is off is told. Left out: how a class is made (`plans.py`).
"""

from collections.abc import Callable, Iterable
from typing import Any

from conformance.shapes.arguments import taken
from conformance.shapes.vocabulary import kinds_of

ACTIVATIONS = {
    "sigmoid", "logistic", "tanh", "relu", "leaky_relu", "leakyrelu", "elu", "selu", "softplus",
    "gelu", "swish", "silu", "linear", "identity",
}  # fmt: skip


def switched_off(whole: Any) -> tuple[str, ...]:
    """The arguments of a class, by an object of it, that are False by default."""
    known = {"quiet", "seed"}
    own = taken(type(whole)) if type(whole).__module__ != "builtins" else ()
    return tuple(e.name for e in own if e.default is False and not known & {*kinds_of(e.name)})


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
