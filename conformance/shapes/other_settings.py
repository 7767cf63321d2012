"""What a class may be told to do that it does not do by default.

Other activations and penalties are tried; what else is off is told. Left out: how a class is made
(`plans.py`).
"""

import re
from collections.abc import Callable, Iterable
from inspect import Parameter
from typing import Any

from conformance.shapes.arguments import taken
from conformance.shapes.vocabulary import bare, kinds_of

ACTIVATIONS = {
    "sigmoid", "logistic", "tanh", "relu", "leaky_relu", "leakyrelu", "elu", "selu", "softplus",
    "gelu", "swish", "silu", "linear", "identity",
}  # fmt: skip

PENALTIES = {"ridge", "lasso", "l1", "l2"}
REGULARISER = re.compile(r"regulari[sz]|penalt|weightdecay|^l[12]reg")


def switched_off(whole: Any) -> tuple[str, ...]:
    """What a class may be told, by an object of it, and is not: what is False, penalties of 0."""
    known = {"quiet", "seed"}
    own = taken(type(whole)) if type(whole).__module__ != "builtins" else ()
    told = [e for e in own if not known & {*kinds_of(e.name)}]
    kept = getattr(whole, "__dict__", {})
    zeros = [
        e.name
        for e in told
        if type(e.default) in (int, float) and e.default == kept.get(e.name) == 0 and _penalises(e)
    ]
    others = [f"{' or '.join(zeros)} other than 0"] if zeros else []
    return (*(f"{e.name}=True" for e in told if e.default is False), *others)


def _penalises(argument: Parameter) -> bool:
    """Whether an argument is of a penalty by its name: which there is, or how large it is."""
    named = "penalty" in kinds_of(argument.name)
    return named or REGULARISER.search(bare(argument.name)) is not None


def others(factory: Callable[..., Any], words: Iterable[str]) -> list[dict[str, str]]:
    """What a class may be told of its hidden activation and of its penalty, by their names.

    Args:
        factory: the class.
        words: that its file knows.
    """
    own, known = taken(factory), list(dict.fromkeys(words))
    hidden = [e for e in own if e.default in ACTIVATIONS and "out" not in e.name][:1]
    penalty = [e for e in own if type(e.default) is str and _penalises(e)][:1]
    pairs = [(e, ACTIVATIONS) for e in hidden] + [(e, PENALTIES) for e in penalty]
    return [
        {e.name: word} for e, names in pairs for word in known if bare(word) in map(bare, names)
    ]
