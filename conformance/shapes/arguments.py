"""What a function of a program is called with, found by the names of its arguments.

First what the program itself has called so (`Z1`, which another function returned), then what the
table of names says (`X_train`: the inputs), then the order in which people write arguments.
Left out: the table (`programs/vocabulary.py`).
"""

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from types import FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

from conformance.programs.vocabulary import WEIGHT, bare, is_parameter, kinds_of
from conformance.shapes.example_data import (
    TOLD,
    TRIPLES,
    Data,
    M,
    as_default,
    example_data,
    picture_kinds,
)
from conformance.shapes.function_sources import compared_with, taken_apart

RATE, PENALTY = 0.1875, 0.21875  # generic: neither is 1/m, nor the root of twice the other
QUIET = 0
ACTIVATION, ANOTHER = "sigmoid", "tanh"
OTHER, THIRD = "other inputs", "third inputs"
"""The kinds of the second inputs of a pair, and of the third ones of a triplet."""
LABELS = "labels"
"""The kind of the classes of samples, beside targets that are one-hot."""
PAIRS = "pairs"
"""The kind of samples one by one, each with its target."""
TRIPLET = tuple(map(re.compile, (r"x?a|anchors?", r"x?p|pos(itives?)?", r"x?n|neg(atives?)?")))
"""What the inputs of a triplet are called."""

FORMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "forward": (
        ("inputs",), (), ("inputs", "params"), ("params", "inputs"), ("inputs", "state"),
    ),
    "loss": (
        ("output", "targets"), ("targets", "output"), ("inputs", "targets"), ("targets",), (),
        ("inputs", "mask"), ("params", "inputs", "targets"), ("inputs", "targets", "params"),
        ("pairs",),
    ),
    "backward": (
        ("inputs", "targets", "output"), ("inputs", "targets"), ("targets",), ("targets", "output"),
        ("output", "targets"), (), ("inputs", "targets", "rate"), ("targets", "rate"),
        ("params", "inputs", "targets"), ("inputs", "targets", "params"), ("inputs", "mask"),
        ("pairs",),
    ),
    "train": (
        ("inputs", "targets"), ("inputs", "targets", "count"), ("inputs", "targets", "rate"),
        ("inputs", "targets", "count", "rate"), ("inputs", "targets", "rate", "count"), ("pairs",),
        ("pairs", "rate"), ("count",), (), ("params", "inputs", "targets"),
        ("params", "inputs", "targets", "rate"), ("inputs", "mask"), ("output", "targets"),
    ),
    "update": (("rate",), (), ("params", "grads", "rate"), ("grads", "rate"), ("grads",)),
}  # fmt: skip
"""The order of arguments whose names say nothing."""


RETURNED = "returned by "
"""Begins the kind of what a method returned, before its name, and the number of a part of it."""


class UnboundError(TypeError):
    """An argument of a function is not known."""


class Later(NamedTuple):
    """What takes long to make, and few programs ask for."""

    made: Callable[[], Any]


@dataclass
class Scope:
    """What is there to be given to functions.

    Attributes:
        kinds: by the kind of argument.
        names: what functions of the program returned, by the names that they gave it.
    """

    kinds: dict[str, Any] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def kind(self, name: str) -> str:
        """The kind of argument that a name means of which something is there; nothing if none."""
        return next((each for each in kinds_of(name) if each in self.kinds), "")

    def of(self, kind: str) -> Any:
        """What is there of a kind, made now if nobody has asked for it."""
        found = self.kinds[kind]
        if isinstance(found, Later):
            found = self.kinds[kind] = found.made()
        return found

    def value(self, name: str) -> tuple[bool, Any]:
        """Whether an argument is known, and what it is."""
        if name in self.names:
            return True, self.names[name]
        kind = name if name in {OTHER, THIRD, PAIRS} & {*self.kinds} else self.kind(name)
        if kind == "sample values":  # two names are two arrays
            return True, np.random.default_rng([*bare(name).encode()]).normal(size=self.of(kind))
        if kind:
            return True, self.of(kind)
        same = [key for key in self.names if bare(key) == bare(name)]
        return (True, self.names[same[0]]) if len(same) == 1 else (False, None)


def data_kinds(data: Data) -> dict[str, Any]:
    """What the data say about arguments."""
    sizes, (users, items) = data.sizes, data.places
    return {
        "inputs": data.x,
        OTHER: Later(lambda: data.x[::-1]),
        THIRD: Later(lambda: np.roll(data.x, 1, axis=0)),
        "targets": data.y,
        **({LABELS: Later(lambda: data.labels)} if data.coding == "one-hot" else {}),
        "m": sizes.m,
        **({} if data.layout in TRIPLES else {"sample values": sizes.m}),
        "batchsize": sizes.m,
        "rate": RATE,
        "count": data.rounds,
        "penalty": PENALTY,
        "quiet": QUIET,
        "seed": 0,
        "generator": GENERATOR,
        "pairs": Later(lambda: samples_of(data)),
        "state": np.zeros((sizes.n_hidden, 1)),
        "users": users,
        "items": items,
        "mask": Later(lambda: data.mask),
        **({} if data.weights is None else {"sample weights": data.weights}),
    }


def graph(nodes: int) -> Any:
    """The weights of a graph's edges, as of Â: a ring of its nodes, each joined to itself too."""
    ring = np.eye(nodes) / 2 + np.diag(np.linspace(0.25, 0.5, nodes - 1), 1)
    ring[0, -1] = 0.375
    return ring + ring.T


def samples_of(data: Data) -> list[tuple[Any, ...]]:
    """The samples one by one."""
    if data.layout in TRIPLES:
        users, items = (each.tolist() for each in data.places)
        return [*zip(users, items, data.x, strict=True)]
    if data.layout not in ("rows", "columns"):
        return [(data.x, data.y)]
    axis = 0 if data.layout == "rows" else 1
    flat = getattr(data.y, "ndim", 1) == 1
    return [
        (data.x.take([i], axis), data.y[i] if flat else data.y.take([i], axis))
        for i in range(data.sizes.m)
    ]


SEVERAL = {"one column": "columns", "one row": "rows", "one vector": "rows"}


def several_samples(data: Data) -> list[tuple[Any, Any]]:
    """Samples of some data, also where they are of one: of several an update may take the last."""
    layouts = [SEVERAL[data.layout]] if data.layout in SEVERAL else []
    several = example_data(replace(data.sizes, m=M), tuple(layouts))
    whole = next((each for each in several if each.coding == data.coding), data)
    pairs = samples_of(whole)
    flat = data.layout == "one vector"
    return [(np.ravel(x), np.ravel(y)) for x, y in pairs] if flat else pairs


def size_kinds(data: Data) -> dict[str, Any]:
    """What a constructor is told of sizes."""
    sizes = data.sizes
    return {
        "sizes": sizes.whole,
        "n_in": sizes.n_in,
        "n_hiddens": sizes.hidden,
        "n_hidden": sizes.n_hidden,
        "n_out": sizes.n_out,
        "rate": RATE,
        "count": data.rounds,
        "batchsize": sizes.m,
        "seed": 0,
        "generator": GENERATOR,
        "quiet": QUIET,
        "penalty": PENALTY,
        "activation": ACTIVATION,
        **({"adjacency": Later(lambda: graph(sizes.m))} if sizes.m > 1 else {}),
        **picture_kinds(data),
    }


def scope_of(data: Data) -> Scope:
    """What some data, and the settings that they come with, give to functions."""
    return Scope({**size_kinds(data), **data_kinds(data)}, {**data.settings})


class Generator(np.random.RandomState):
    """What draws random numbers, as NumPy's newer generators do too."""

    integers = np.random.RandomState.randint


GENERATOR = Later(lambda: Generator(0))
"""A new one for each scope."""


GIVEN_ANYWAY = {
    "inputs", "targets", "params", "sizes", "n_in", "n_hidden", "n_hiddens", "n_out", "rate",
    "count", "batchsize", "penalty", "cache", "grads", "output", "quiet", "sample weights", *TOLD,
}  # fmt: skip
"""Kinds of argument that are given though they have a default."""


def taken(function: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    """The arguments that a function takes, without `*args`; none if they are not known."""
    plain = getattr(function, "__func__", None) if isinstance(function, MethodType) else function
    if isinstance(plain, FunctionType) or type(plain) is type:  # else it may have no hash
        return _taken(plain, method=plain is not function)
    return _of_signature(function)


@lru_cache(maxsize=1024)
def _taken(function: Callable[..., Any], *, method: bool) -> Sequence[inspect.Parameter]:
    """The same of a class or a function, or of it as a method, whatever its object is."""
    return _of_signature(MethodType(function, 0) if method else function)


def _of_signature(function: Callable[..., Any]) -> Sequence[inspect.Parameter]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    stars = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return tuple(each for each in found if each.kind not in stars)


def needed(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The arguments without a default."""
    return [each for each in taken(function) if each.default is inspect.Parameter.empty]


def kinds_taken(function: Callable[..., Any]) -> set[str]:
    """The kinds of what a function takes, by the names of its arguments."""
    return {kind for each in taken(function) for kind in kinds_of(each.name)}


def method_of(holder: Any, name: str) -> Callable[..., Any]:
    """A method with the arguments that it is called with, also where its class alone is there."""
    found: Callable[..., Any] = getattr(holder, name)
    static = isinstance(inspect.getattr_static(holder, name), staticmethod)
    unbound = isinstance(holder, type) and isinstance(found, FunctionType) and not static
    return MethodType(found, 0) if unbound else found


def ways(
    function: Callable[..., Any], role: str, scope: Scope, told: tuple[str, ...] | None = None
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The ways in which a function may be called, the likeliest first.

    Args:
        function: it.
        role: what it does.
        scope: what is there.
        told: the kinds of its arguments, if the program calls it itself.
    """
    named = by_name(function, scope)
    if named is not None:
        yield (), named
    elif told is not None and all(kind in scope.kinds for kind in told):
        yield tuple(map(scope.of, told)), {}
        return
    for each in _targets_twice(function) if named is None and LABELS in scope.kinds else ():
        other = replace(scope, names={**scope.names, each: scope.of(LABELS)})
        if (given := by_name(function, other)) is not None:
            yield (), given
    count = len(needed(function))
    forms = FORMS.get("backward" if role == "gradients" else role, ())
    told_apart = role != "train"  # which is tried as it stands: each way runs all of it
    for form in sorted(forms, key=lambda e: told_apart * len(_contradicted(function, e))):
        fits = len(form) == count or (len(form) > count and len(form) <= len(taken(function)))
        said = not _contradicts(function, form, whole=named is not None)
        if fits and said and all(kind in scope.kinds for kind in form):
            yield tuple(map(scope.of, form)), {}


def _targets_twice(function: Callable[..., Any]) -> list[str]:
    """The two arguments of a function that are targets: one may be their labels; else none.

    The second is, as in `Y_onehot, y`, before the first is.
    """
    found = [e.name for e in needed(function) if kinds_of(e.name)[:1] == ("targets",)]
    return found[::-1] if len(found) == len(("one-hot", "labels")) else []


def _contradicted(function: Callable[..., Any], form: tuple[str, ...]) -> Sequence[tuple[str, str]]:
    """The arguments whose names say something else than an order of kinds, with that kind."""
    told = zip((bare(each.name) for each in taken(function)), form, strict=False)
    return [(name, kind) for name, kind in told if kinds_of(name) and kind not in kinds_of(name)]


def _contradicts(function: Callable[..., Any], form: tuple[str, ...], *, whole: bool) -> bool:
    """Whether the names of the arguments forbid an order of kinds.

    Where they do not tell the whole, one does that is named as a gradient or a mask is, or as
    weights are, which are no data. Nor is one whose name says nothing given inputs or targets,
    and what is named after these another kind.
    """
    told = [*zip((kinds_of(each.name) for each in taken(function)), form, strict=False)]
    nameless = {kind for kinds, kind in told if not kinds and kind in ("inputs", "targets")}
    return any(kind not in kinds and nameless.intersection(kinds) for kinds, kind in told) or any(
        whole
        or kinds_of(name)[:1] in (("upstream",), ("grads",))
        or "mask" in kinds_of(name)
        or (kind in ("inputs", "targets") and WEIGHT.fullmatch(name))
        for name, kind in _contradicted(function, form)
    )


def by_name(function: Callable[..., Any], scope: Scope) -> dict[str, Any] | None:
    """The arguments of a function by their names; None if one that is needed is not known."""
    given: dict[str, Any] = {}
    meant = _meant(function, scope)
    for each in taken(function):
        asked = meant.get(each.name, each.name)
        misnamed = scope.kind(asked) == "logits" and not _takes_logits(function)
        known, value = scope.value("output" if misnamed and asked not in scope.names else asked)
        if not known and not is_parameter(each.name):
            known, value = _setting(function, each.name)
        optional = each.default is not inspect.Parameter.empty
        known = known and (type(each.default) is not str or isinstance(value, str))
        if isinstance(each.default, int | float) and isinstance(value, np.ndarray | list):
            known = False  # such as `batch=32`, which is no batch
        if known and scope.kind(each.name) in TOLD:
            value = as_default(scope.kind(each.name), value, each.default)
            known = value is not None
        if not known and not optional:
            return None
        wanted = scope.kind(each.name) in GIVEN_ANYWAY or each.name in scope.names
        wanted = wanted and not (isinstance(function, type) and _is_a_penalty(each))
        if known and (not optional or wanted):
            if each.kind is inspect.Parameter.POSITIONAL_ONLY:
                return None
            given[each.name] = value
    arrays = {name: id(value) for name, value in given.items() if hasattr(value, "shape")}
    named = {at for name, at in arrays.items() if name in scope.names}  # it may have two names
    guessed = [at for name, at in arrays.items() if name not in scope.names]
    return given if len(named) + len(guessed) == len(named.union(guessed)) else None


def _is_a_penalty(argument: inspect.Parameter) -> bool:
    """Whether an argument is the rate of a penalty that has some: what reads it has the same."""
    return bool(argument.default) and "penalty" in kinds_of(argument.name)


def _meant(function: Callable[..., Any], scope: Scope) -> dict[str, str]:
    """The kinds of arguments that those beside them tell, by their names."""
    names = [each.name for each in taken(function)]
    several = (_two_inputs(names) or _triplet(names)) if OTHER in scope.kinds else ()
    meant = dict(zip(several, ("inputs", OTHER, THIRD), strict=False))
    meant |= dict.fromkeys(_graph_beside(names) if "adjacency" in scope.kinds else (), "adjacency")
    meant |= dict.fromkeys(_target_of_pairs(names, scope.names), "targets")
    if "output" in scope.kinds:
        meant |= dict.fromkeys(_outputs(names, scope.names), "output")
    holding = [e for e in names if "params" in kinds_of(e)]
    told = {PAIRS: of_samples(function), "params": holding if len(holding) == 1 else []}
    if "grads" in scope.kinds and holding:
        meant |= dict.fromkeys(_left_for_gradients(function, scope), "grads")
    for kind in told.keys() & scope.kinds.keys():
        meant |= {e: kind for e in told[kind] if e not in scope.names}
    return meant


def _left_for_gradients(function: Callable[..., Any], scope: Scope) -> list[str]:
    """The name of the one argument beside parameters that nothing is known for, in a list."""
    names = [each.name for each in needed(function)]
    left = [e for e in names if not (scope.value(e)[0] or _setting(function, e)[0])]
    told = any("grads" in kinds_of(each) for each in names)
    return left if len(left) == 1 and not told and not is_parameter(left[0]) else []


def of_samples(function: Callable[..., Any]) -> list[str]:
    """The arguments that are samples with their targets, by the names of the parts of each."""
    parts = {e: [*map(kinds_of, names)] for e, names in taken_apart(function).items()}
    pairs = {name: each for name, each in parts.items() if len(each) == len(("x", "y"))}
    return [name for name, (x, y) in pairs.items() if "inputs" in x and "targets" in y]


def _takes_logits(function: Callable[..., Any]) -> bool:
    """Whether a function makes probabilities of what it is given, and is not given them."""
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    return bool(re.search("exp|softmax|sigmoid", " ".join(names)))


def _two_inputs(names: Sequence[str]) -> tuple[str, ...]:
    """The names of the two inputs of a pair, alike but for their ends: `xa, xb`; else none."""
    ends = {bare(name): name for name in names}
    found = (e for e in ends.items() if e[0][-1:] in "a1" and "inputs" in kinds_of(e[0][:-1]))
    pairs = ((name, ends.get(key[:-1] + {"a": "b", "1": "2"}[key[-1]])) for key, name in found)
    return next(((name, other) for name, other in pairs if other), ())


def _triplet(names: Sequence[str]) -> tuple[str, ...]:
    """The names of the three inputs of a triplet, `anchor, positive, negative`; else none."""
    found = [next((e for e in names if each.fullmatch(bare(e))), None) for each in TRIPLET]
    told = tuple(each for each in found if each is not None)
    return told if len(told) == len(TRIPLET) else ()


def _graph_beside(names: Sequence[str]) -> list[str]:
    """The name of the graph in `A, X`, or `X, A` alone: elsewhere they are activations."""
    pairs = [*pairwise(names), *([names[::-1]] if len(names) == len(("X", "A")) else [])]
    return [one for one, other in pairs if one in ("A", "S") and "inputs" in kinds_of(other)]


def _target_of_pairs(names: Sequence[str], known: Collection[str]) -> list[str]:
    """The name of the targets in `inputs, outputs`, unless the program gives outputs of its own."""
    told = any("targets" in kinds_of(each) for each in names)
    inputs = any("inputs" in kinds_of(each) for each in names)
    return [e for e in names if bare(e) == "outputs" and e not in known and inputs and not told]


def _outputs(names: Sequence[str], known: Collection[str]) -> list[str]:
    """The name of the output in `A, Y`: beside targets alone it is no state of a cell.

    It may be any of several, such as A1 and A2.
    """
    kinds = {kind for name in names for kind in kinds_of(name)}
    numbered = {re.sub(r"\d+$", "", each) for each in known}
    beside = "targets" in kinds and kinds.isdisjoint({"inputs", "output"})
    return [e for e in names if beside and kinds_of(e) == ("state",) and e not in numbered]


def _setting(function: Callable[..., Any], name: str) -> tuple[bool, Any]:
    """What the file itself holds under the name of an argument, such as `NN_ARCHITECTURE`."""
    held = getattr(function, "__globals__", {})
    found: list[Any] = [
        e for key, e in held.items() if bare(key) == bare(name) and isinstance(e, SETTINGS)
    ]
    if isinstance(function, type) and not found:
        found = compared_with(function, name)[:1]
    return (True, found[0]) if len(found) == 1 else (False, None)


SETTINGS = (list, tuple, dict, int, float, str)
"""What a file may hold for its functions to be given, beside data."""


def called(function: Any, name: str = "__name__", told: Mapping[str, Any] | None = None) -> str:
    """A function with the names of its arguments, by one of its own names, and what some are."""
    said = {key: f"{key}={value}" for key, value in (told or {}).items()}
    names = ", ".join(said.get(each.name, each.name) for each in taken(function))
    return f"{getattr(function, name, 'it')}({names})"
