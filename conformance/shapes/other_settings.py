"""What a class or a function may be told to do that it does not do by default.

Other activations, penalties and numbers are tried, such as a stride or a slope, and training; what
else is off is told. Left out: how a class is made (`plans.py`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from inspect import CO_VARARGS, Parameter
from typing import Any

import numpy as np

from conformance.programs.vocabulary import bare, kinds_of
from conformance.shapes.argument_values import Path
from conformance.shapes.arguments import ACTIVATION, taken
from conformance.shapes.function_sources import compared_with
from conformance.shapes.loss_data import other_settings

ACTIVATIONS = {
    "sigmoid", "sigmoide", "logistic", "tanh", "relu", "leaky_relu", "leakyrelu", "elu", "selu",
    "softplus", "gelu", "swish", "silu", "linear", "identity",
}  # fmt: skip

PENALTIES = {"ridge", "lasso", "l1", "l2"}
REGULARISER = re.compile(
    r"regulari[sz]|penalt|weightdecay|^l[12](reg|w|b|lambda|lam|weight|bias)|reg(l[12])?$"
)


def switched_off(
    whole: Any, functions: Iterable[Callable[..., Any] | None] = ()
) -> tuple[str, ...]:
    """What a class, by an object of it, and functions may be told and are not.

    It is what is False by default, and fractions and penalties of a class that are 0, and words
    that it compares with others, if these are not tried.
    """
    own = [type(whole)] if type(whole).__module__ != "builtins" else []
    functions = [*functions]
    names = dict.fromkeys(each.name for e in (*own, *functions) for each in off(e))
    kept = getattr(whole, "__dict__", {})
    numbers = (e for each in own for e in taken(each) if type(e.default) in (int, float))
    zeros = [
        e.name
        for e in numbers
        if _is_zero(e.default)
        and _is_zero(kept.get(e.name))
        and (type(e.default) is float or _penalises(e))
    ]
    rest = [f"{' or '.join(zeros)} other than 0"] if zeros else []
    worded = [pair for e in (*own, *functions) if e is not None for pair in _only_words(e)]
    rest += [other_than(name, word) for name, word in worded]
    rest += [other_than(e.name, 1) for each in (*own, *functions) for e in _kept(each)]
    return (*map(told, names), *dict.fromkeys(rest))


KEPT = re.compile(r"(p|prob)?(keep|retain)(s|p|prob|probs|probability|rate)?")
"""Names of the share of the neurons that dropout keeps."""
SHARE = 0.75  # that is kept where all is kept by default


def _kept(function: Callable[..., Any] | None) -> Iterator[Parameter]:
    """The shares of neurons that a function keeps: all of them by default."""
    own = () if function is None else taken(function)
    numbers = (each for each in own if type(each.default) in (int, float) and each.default == 1)
    yield from (each for each in numbers if KEPT.fullmatch(bare(each.name)))


def dropping(functions: Iterable[Callable[..., Any] | None]) -> dict[str, float]:
    """What tells functions to drop neurons, which they do not by default."""
    return {each.name: SHARE for function in functions for each in _kept(function)}


def other_than(name: str, value: Any) -> str:
    """How an argument is said that is told something else than it is by default."""
    return f"{name} other than {value!r}"


def _is_zero(value: Any) -> bool:
    """Whether a value is the number 0: arrays and what else an object may keep are not."""
    return isinstance(value, (int, float)) and value == 0


def _only_words(of: Callable[..., Any]) -> Iterator[tuple[str, str | None]]:
    """The arguments that are compared with words that are not tried, with their defaults.

    Args:
        of: a class, or a function.
    """
    for each in (e for e in taken(of) if e.default is None or type(e.default) is str):
        known = {*compared_with(of, each.name)} - {each.default}
        ways = others(of, known) if isinstance(of, type) else []
        tried = {word for e in ways for word in e.values()}
        if known - tried:
            yield each.name, each.default


def other_words(function: Callable[..., Any]) -> list[dict[str, str]]:
    """What a function may be told that it compares with words, beside what it is by default."""
    worded = (each for each in taken(function) if type(each.default) is str)
    found = ((e, word) for e in worded for word in dict.fromkeys(compared_with(function, e.name)))
    return [{each.name: word} for each, word in found if word != each.default]


def told(name: str) -> str:
    """How an argument is said that is told True."""
    return f"{name}=True"


def not_given(function: Callable[..., Any]) -> tuple[str, ...]:
    """What a class takes any number of, and is made without: `*modules`."""
    plain = getattr(function, "__init__", None)
    code = getattr(plain, "__code__", None)
    if code is None or not code.co_flags & CO_VARARGS:
        return ()
    return (f"*{code.co_varnames[code.co_argcount + code.co_kwonlyargcount]}",)


TRAINS = re.compile(r"(is)?train(ing)?(mode|phase)?")
"""Names of what tells a function that it trains."""


def training(functions: Iterable[Callable[..., Any] | None]) -> dict[str, bool]:
    """What tells functions that they train, which they do not by default."""
    names = (each.name for e in functions for each in off(e))
    return {name: True for name in names if TRAINS.fullmatch(bare(name))}


def off(function: Callable[..., Any] | None) -> list[Parameter]:
    """The arguments of a function, or of a class, that are False by default."""
    known = {"quiet", "seed"}
    own = () if function is None else taken(function)
    return [e for e in own if e.default is False and not known & {*kinds_of(e.name)}]


def _penalises(argument: Parameter) -> bool:
    """Whether an argument is of a penalty by its name: which there is, or how large it is."""
    named = "penalty" in kinds_of(argument.name)
    return named or REGULARISER.search(bare(argument.name)) is not None


def others(
    factory: Callable[..., Any], words: Iterable[str], further: Collection[str] = ()
) -> list[dict[str, str]]:
    """What a class may be told of its hidden activation and of its penalty, by their names.

    Args:
        factory: the class.
        words: that its file knows.
        further: activations beside those of hidden layers.
    """
    own, known = taken(factory), list(dict.fromkeys(words))
    worded = [e for e in own if type(e.default) is str]
    needs = [e for e in own if e.default is Parameter.empty and "activation" in kinds_of(e.name)]
    by_default = [e for e in worded if e.default in ACTIVATIONS]
    hidden = [e for e in (*by_default, *needs) if "out" not in e.name][:1]
    penalty = [e for e in worded if _penalises(e)][:1]
    pairs = [(e, {*ACTIVATIONS, *further}) for e in hidden] + [(e, PENALTIES) for e in penalty]
    return [
        {e.name: word}
        for e, names in pairs
        for word in known
        if word != (ACTIVATION if e in needs else e.default) and bare(word) in map(bare, names)
    ]


STEPS = re.compile(r"s|strides?|dilation|pad(ding)?")
"""Whole numbers by which a window moves, or an image grows; another one asks for other sizes."""
IMAGE = 3  # axes that an image has at least


def other_numbers(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Other numbers for the settings of a function, one after another."""
    for each in taken(function):
        if type(each.default) is int and each.default > 0 and STEPS.fullmatch(bare(each.name)):
            yield {each.name: each.default + 1}
    for name, value in other_settings(function).items():
        yield {name: value}


def sizes(chosen: Mapping[Path, Any]) -> Iterator[dict[Path, Any]]:
    """Arguments, and the same with a first image that is one wider and higher.

    Windows fit in the one or in the other by a stride of 2.
    """
    yield {**chosen}
    first, value = next(iter(chosen.items()))
    shape = np.shape(value)
    for axes in ((-2, -1), (-3, -2)) if len(shape) >= IMAGE else ():
        wider = list(shape)
        for each in axes:
            wider[each] += 1
        yield {**chosen, first: np.resize(value, wider)}
