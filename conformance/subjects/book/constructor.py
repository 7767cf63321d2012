"""How a class or factory is called for a network of some sizes, with which costs and constants.

A constructor or an update that has a parameter of such a name promises a rule: `momentum` or `mu`
for momentum (that of Nesterov, if its name or another keyword says so), `beta1` and `beta2` for
Adam (AdamW, if its name says so), `rho` or `decay_rate` for RMSProp. What is kept starts at zero in
a new network, and is not set from outside. Left out: whether the rule is kept to, and how the
network lays out its numbers (`book_conventions.py`).
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from conformance.corpus.case import Case
from conformance.model.update_kinds import SGD
from reference.equations import COSTS
from reference.updates import UPDATES

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


def costs_of(factory: Callable[..., Any], net: Any) -> Mapping[str, Any]:
    """The cost classes that a class or factory can be given as `cost=`, by the costs' names.

    They stand beside it, beside a base class of what it makes, or beside the cost that it has.
    """
    kind = type(net)
    try:
        taken = parameters_of(factory, kind, "__init__")
    except (TypeError, ValueError):
        return {}
    if "cost" not in taken:
        return {}
    cost = getattr(net, "cost", None)
    places = (factory, *kind.__mro__, taken["cost"].default, cost, type(cost))
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


NAMES = {
    "mu": re.compile(r"mu|μ|momentum|moment|mom|beta_?1|β1|b1|momentum_(coef\w*|rate|factor|term)"),
    "rho": re.compile(r"rho|ρ|decay_?rate|alpha|smoothing|beta_?2|β2|b2"),
    "epsilon": re.compile(r"eps(ilon)?|ε"),
}
"""How constants are called."""

INIT, UPDATE = "constructor", "update_mini_batch"


@dataclass(frozen=True)
class UpdateRule:
    """Which updates a network has, and how it is given their constants.

    Attributes:
        names: of the updates; the book's among them if it is that where the constants are 0.
        init: the keywords of the constructor by the constants.
        update: those of `update_mini_batch`.
    """

    names: tuple[str, ...] = (SGD,)
    init: Mapping[str, str] = field(default_factory=dict)
    update: Mapping[str, str] = field(default_factory=dict)

    def made(self, case: Case | None) -> dict[str, float]:
        """The keywords with which a network of a case is made; of no case it is the book's."""
        return self._given(self.init, case)

    def stepped(self, case: Case | None) -> dict[str, float]:
        """The keywords of an update of a case; likewise."""
        return self._given(self.update, case)

    def _given(self, keywords: Mapping[str, str], case: Case | None) -> dict[str, float]:
        if case is None or case.update == SGD:
            return dict.fromkeys(keywords.values(), 0.0) if SGD in self.names else {}
        constants = dict(case.constants)
        return {word: constants[each] for each, word in keywords.items() if each in constants}

    def said(self) -> list[str]:
        """The rule and its keywords, in words."""
        words = [f"{each} as `{word}`" for each, word in {**self.init, **self.update}.items()]
        others = [each for each in self.names if each != SGD]
        return [f"{' and '.join(others)}, {', '.join(words)}"] if others else []


def update_rule(
    init: Mapping[str, Any], update: Mapping[str, Any], name: str, kind: Callable[..., Any]
) -> UpdateRule:
    """The rule that the parameters of a constructor and of an update promise.

    Args:
        init: the parameters of the constructor.
        update: those of the update behind the mini-batch and η.
        name: of the class.
        kind: what it makes.
    """
    by_init, by_update = _keywords(init), _keywords(update)
    found = {**by_init, **by_update}
    words = f"{name} {kind.__name__}".lower()
    if "mu" in found and "rho" in found:
        rules: tuple[str, ...] = ("adamw" if "adamw" in words else "adam",)
    elif "mu" in found:
        ahead = "nesterov" in words or any("nesterov" in each.lower() for each in (*init, *update))
        rules = (SGD, "nesterov" if ahead else "momentum")
    elif "rho" in found and "epsilon" in found:
        rules = ("rmsprop",)
    else:
        return UpdateRule()
    wanted = UPDATES[rules[-1]].constants
    kept = ({c: w for c, w in each.items() if c in wanted} for each in (by_init, by_update))
    return UpdateRule(rules, *kept)


def _keywords(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that are called like constants, by these."""
    pairs = ((c, word) for c, name in NAMES.items() for word in parameters if name.fullmatch(word))
    found: dict[str, str] = {}
    for constant, word in pairs:
        found.setdefault(constant, word)
    return found
