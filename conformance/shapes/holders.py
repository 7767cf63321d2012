"""Which classes and functions of a file move parameters by gradients, and how people hold these.

A function may take each parameter and each gradient by a name: `update(W1, b1, dW1, db1, lr)`. What
an object fills while it runs, as `self.s.get(k, 0.0)`, may be filled with zeros before: a number of
Python leaves no trace, and an array of zeros does. Left out: whether that changes what the object
does (`moved.py`), and calling it (`optimisers.py`).
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import (
    DECAY,
    bare,
    is_parameter,
    is_role,
    kinds_of,
    names_gradients,
    stem,
)
from conformance.shapes.arguments import taken
from conformance.shapes.function_sources import source_parts, unpacked
from conformance.shapes.plans import methods
from conformance.tracing.trace import Trace

SHAPES = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
HOLDERS = re.compile(r"(self)?(model|net(work)?|nn|mlp|layers?|module|variables?|vars?|x|value)")
GENERIC = ("data", "value", "values", "w", "weight", "param", "theta")


@dataclass
class Holder:
    """Parameters and their gradients, held in one way.

    Attributes:
        params: as they are handed over.
        grads: the same of the gradients.
        read: gives the parameters, by their names.
        give: puts gradients in, by the names of their parameters.
        put: takes parameters that an update returns.
        arguments: parameters and gradients by the names of arguments, where each has its own.
        rates: that are given in the place of the program's own, by their names.
    """

    params: Any
    grads: Any
    read: Callable[[], dict[str, Any]]
    give: Callable[[Mapping[str, Any]], None]
    put: Callable[[Any], None] = field(default=lambda _: None)
    arguments: dict[str, Any] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_of_pairs(self) -> bool:
        """Whether each parameter is handed over with its gradient."""
        return isinstance(self.params, list) and isinstance(self.params[0], tuple)


def _in_dicts(start: dict[str, Any], prefix: str) -> Holder:
    params, grads = dict(start), {}
    names = {prefix + name: name for name in start}

    def give(gradients: Mapping[str, Any]) -> None:
        grads.update({key: gradients[name] for key, name in names.items()})

    return Holder(params, grads, lambda: dict(params), give, params.update)


def _in_lists(start: dict[str, Any]) -> Holder:
    params, grads = list(start.values()), [None for _ in start]

    def give(gradients: Mapping[str, Any]) -> None:
        grads[:] = [gradients[name] for name in start]

    def put(new: Any) -> None:
        params[:] = new

    return Holder(params, grads, lambda: dict(zip(start, params, strict=True)), give, put)


def _in_pairs(start: dict[str, Any]) -> Holder:
    """Each parameter with the array into which its gradient is written."""
    grads = {name: np.zeros_like(each) for name, each in start.items()}

    def give(gradients: Mapping[str, Any]) -> None:
        for name, each in grads.items():
            each[...] = gradients[name]

    pairs = [(each, grads[name]) for name, each in start.items()]
    return Holder(pairs, None, lambda: dict(start), give)


def _in_objects(start: dict[str, Any], pairs: Sequence[tuple[str, str]], *, alone: bool) -> Holder:
    """Objects with their parameters and gradients: a single one, or one for each few of them."""
    count = len(pairs)
    names = list(start)[: count if alone else len(start) // count * count]
    parts = [names[i : i + count] for i in range(0, len(names), count)]
    objects: list[Any] = [SimpleNamespace() for _ in parts]
    places = [
        (name, each, *pair)
        for each, some in zip(objects, parts, strict=True)
        for name, pair in zip(some, pairs, strict=True)
    ]
    for name, each, attribute, _ in places:
        setattr(each, attribute, start[name])

    def give(gradients: Mapping[str, Any]) -> None:
        for name, each, _, attribute in places:
            setattr(each, attribute, gradients[name])

    def read() -> dict[str, Any]:
        return {name: getattr(each, attribute) for name, each, attribute, _ in places}

    return Holder(objects[0] if alone else objects, None, read, give)


def _in_a_model(kind: type | FunctionType, inner: Holder) -> Holder:
    """A model that holds them, under all the names by which it is asked for something."""
    read = list(attributes(kind))
    held = {e: inner.grads for e in read if names_gradients(e) and inner.grads is not None}
    held |= {e: inner.params for e in read if e not in held and holds(e)}
    held |= {"parameters": lambda: inner.params} if "parameters" in read else {}
    return Holder(SimpleNamespace(**held), None, inner.read, inner.give)


def holds(name: str) -> bool:
    """Whether a name is that of parameters, or of what holds some."""
    known = "params" in kinds_of(name) or is_parameter(name)
    return known or HOLDERS.fullmatch(bare(name)) is not None


def started(trace: Trace) -> dict[str, Any]:
    """Parameters of ours, by their names, noted in a trace."""
    rng = np.random.default_rng(0)
    return {name: trace.given(rng.normal(size=e), name) for name, e in SHAPES.items()}


def holders(kind: type | FunctionType) -> Iterator[Callable[[dict[str, Any]], Holder]]:
    """The ways in which parameters are held, given at their start, the likeliest first."""
    if _goes_through_pairs(kind):
        yield _in_pairs
    pairs = pairs_of(kind)
    if pairs:
        yield lambda start: _in_objects(start, pairs, alone=True)
        yield lambda start: _in_objects(start, pairs, alone=False)
        yield lambda start: _in_a_model(kind, _in_objects(start, pairs, alone=False))
    yield lambda start: _in_dicts(start, "")
    yield lambda start: _in_dicts(start, "d")
    yield _in_lists
    yield lambda start: _in_a_model(kind, _in_dicts(start, ""))
    yield lambda start: _in_a_model(kind, _in_dicts(start, "d"))


def pairs_of(kind: type | FunctionType) -> list[tuple[str, str]]:
    """The attributes of other objects that are parameters and their gradients: `w` and `dw`.

    A parameter that is moved beside them has a gradient as well, though nothing reads it.
    """
    names = dict.fromkeys(attributes(kind))
    gradients = [each for each in names if names_gradients(each)]
    found = [(p, g) for g in gradients for p in names if p != g and bare(p) == stem(g)]
    known = {*gradients, *(p for p, _ in found)}
    written = [*filter(is_parameter, dict.fromkeys(attributes(kind, written=True)))]
    beside = {e for e in written for p in written if e != p and bare(e).startswith(_singular(p))}
    more = [(e, f"d{e}") for e in written if e not in known | beside]  # `weight_cache` is none
    found += more if found else []
    generic = [(p, g) for g in gradients for p in names if bare(p) in GENERIC]
    return found or generic[:1]


def _goes_through_pairs(kind: type | FunctionType) -> bool:
    """Whether it goes through pairs of a parameter and its gradient: `for p, g in self.params`."""
    whole = [kind] if isinstance(kind, FunctionType) else vars(kind).values()
    loops = (e for one in whole for e in source_parts(one) if isinstance(e, ast.For))
    targets = (pair for loop in loops for pair, _ in unpacked(loop))
    names = ([getattr(e, "id", "") for e in getattr(each, "elts", ())] for each in targets)
    return any(len(e) == len(("p", "g")) and holds(e[0]) and names_gradients(e[1]) for e in names)


def _singular(name: str) -> str:
    return re.sub("e?s$", "", bare(name))


def attributes(kind: type | FunctionType, *, written: bool = False) -> Iterator[str]:
    """The attributes that its methods use of anything but of itself, or write to."""
    for each in [kind] if isinstance(kind, FunctionType) else vars(kind).values():
        for node in source_parts(each):
            if not isinstance(node, ast.Attribute) or ast.unparse(node.value) == "self":
                continue
            if not written or isinstance(node.ctx, ast.Store):
                yield node.attr


Shapes = tuple[dict[Any, tuple[int, ...]], ...]
"""Of the arrays in each dict, by their keys."""


class Dicts:
    """The dicts of some objects that are empty at first, and their own numbers that are 0.

    These are attributes, or in lists.
    """

    def __init__(self, objects: Sequence[Any]) -> None:
        own = [getattr(each, "__dict__", {}) for each in objects]
        values = [e for held in own for e in held.values()]
        empty = [e for e in values if isinstance(e, dict) and not e]
        lists = [e for e in values if type(e) is list]
        self.found: list[tuple[Any, set[Any] | None]] = [(each, None) for each in empty]
        self.found += [(held, _zeros(held)) for held in (*own, *lists)]

    def fill(self, shapes: Shapes, trace: Trace) -> None:
        """Put zeros into them."""
        for (each, _), own in zip(self.found, shapes, strict=False):
            for key, shape in own.items():
                each[key] = trace.given(np.zeros(shape), f"{key}")

    def shapes(self) -> Shapes:
        """What they hold by now."""
        return tuple(
            {
                k: np.shape(e)
                for k, e in _items(each)
                if is_floats(e) and (keys is None or k in keys)
            }
            for each, keys in self.found
        )


def _items(held: Any) -> Iterable[tuple[Any, Any]]:
    return enumerate(held) if isinstance(held, list) else held.items()


def _zeros(held: Any) -> set[Any]:
    """The places of a number of 0, which may become arrays."""
    return {key for key, each in _items(held) if type(each) in (int, float) and not each}


MATRIX, VECTOR = (3, 4), (4,)
DECAYING = 2.0**-6
"""A decay or a momentum that is 0 by default would hide what it multiplies."""
TIME = re.compile(r"t|step|iter(ation)?|epoch|i")
NUMBERS = (
    (re.compile(r"(beta|b|rho|decay(rate)?)2"), 0.999),
    (re.compile(r"(beta|b|decay(rate)?)1?|mu|momentum|rho1?|gamma"), 0.9),
    (re.compile(r"eps(ilon)?"), 1e-8),
)
"""What an optimiser is given that has no defaults, by the names of its arguments."""


def is_number(name: str) -> bool:
    """Whether an argument is a rate, another number of a rule, or the time, by its name."""
    known = "rate" in kinds_of(name) or number_of(name, None) is not None
    return known or TIME.fullmatch(bare(name)) is not None


def hiding(kind: type) -> Iterator[str]:
    """The numbers of a constructor that are 0 by default and are tried."""
    for each in taken(kind):
        decays = DECAY.fullmatch(bare(each.name)) is not None
        if is_0(each.default) and (decays or number_of(each.name, None) is not None):
            yield each.name


def is_0(default: Any) -> bool:
    """Whether a number is 0, and no truth value."""
    return isinstance(default, int | float) and not isinstance(default, bool) and not default


def number_of(name: str, other: Any) -> Any:
    """What an argument is given by its name, or another number."""
    other = DECAYING if "penalty" in kinds_of(name) else other
    return next((e for pattern, e in NUMBERS if pattern.fullmatch(bare(name))), other)


def pairs_by_name(function: Any) -> list[tuple[str, str]]:
    """The arguments of a function that are parameters, each with that of its gradient."""
    names = [each.name for each in taken(function)] if isinstance(function, FunctionType) else []
    gradients = {stem(each): each for each in names if names_gradients(each)}
    found = [(e, gradients[bare(e)]) for e in names if is_parameter(e) and bare(e) in gradients]
    return found if len(found) > 1 else []  # a single one is held as others are, too


def by_name(trace: Trace, pairs: Sequence[tuple[str, str]]) -> Holder:
    """Parameters of ours, each by the name of its argument."""
    rng = np.random.default_rng(0)
    arguments = {
        name: trace.given(rng.normal(size=VECTOR if bare(name).startswith("b") else MATRIX), name)
        for name, _ in pairs
    }

    def give(gradients: Mapping[str, Any]) -> None:
        arguments.update({gradient: gradients[name] for name, gradient in pairs})

    def read() -> dict[str, Any]:
        return {name: arguments[name] for name, _ in pairs}

    return Holder(None, None, read, give, arguments.update, arguments)


RULES = re.compile(r"sgd|^gd|adam|rmsprop|adagrad|adadelta|momentum|nesterov|descent")


@dataclass(frozen=True)
class Optimiser:
    """A class or function that moves parameters.

    Attributes:
        kind: the class, or the function.
        method: the name of the method that does it; of a function its own.
        named: whether its name says that it does, and what it takes or holds.
    """

    kind: type | FunctionType
    method: str
    named: bool = True

    @property
    def code(self) -> Any:
        """What does it."""
        return getattr(self.kind, self.method) if isinstance(self.kind, type) else self.kind


def optimisers(classes: Sequence[type]) -> Iterator[Optimiser]:
    """The classes that take gradients, or hold what has some, and go neither forward nor back."""
    for kind in classes:
        names = [name for name, _ in methods(kind)]
        if any(is_role(e, role) is not None for e in names for role in ("backward", "loss")):
            continue
        moving = [*filter(is_named_as_a_move, names)]
        taking = [e for e in moving if _takes_gradients(kind, e)]
        for method in (taking or (moving if _goes_through_pairs(kind) else []))[:1]:
            yield Optimiser(kind, method, named=bool(taking))


def moving_functions(functions: Sequence[FunctionType]) -> Iterator[Optimiser]:
    """The functions that take parameters and their gradients.

    One of another name takes a parameter and the gradient of its name: `nag(w, dw, config)`.
    """
    for each in functions:
        names = [one.name for one in taken(each)]
        gradients = [*filter(names_gradients, names)]
        name = bare(each.__name__)
        named = is_named_as_a_move(each.__name__) or RULES.search(name) is not None
        named = named or (name.startswith("update") and bool(pairs_by_name(each)))
        if gradients and any(holds(e) and not names_gradients(e) for e in names):
            pairs = {bare(e) for e in names} & {stem(e) for e in gradients}
            if named or pairs:
                yield Optimiser(each, each.__name__, named=named)


def is_named_as_a_move(name: str) -> bool:
    """Whether a method or a function moves parameters, by its name."""
    return name == "__call__" or any(is_role(name, e) is not None for e in ("update", "train"))


def _takes_gradients(kind: type, method: str) -> bool:
    own = getattr(kind, method)
    return any(map(names_gradients, (e.name for e in taken(own)))) or bool(pairs_of(kind))
