"""The plans by which a class, or the functions of a file, may be made and run.

A class is called by the names and the number of its arguments. Left out: running them
(`attempt.py`), what makes a layer (`layer_arguments.py`), and which plan fits (`search.py`).
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from itertools import islice
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.programs.held_state import leaves
from conformance.programs.vocabulary import (
    BIAS,
    ROLES,
    bare,
    is_parameter,
    is_plain,
    is_role,
    kinds_of,
    names_gradients,
)
from conformance.shapes.arguments import (
    ACTIVATION,
    ANOTHER,
    PAIRS,
    RATE,
    Scope,
    by_name,
    called,
    data_kinds,
    kinds_taken,
    method_of,
    needed,
    of_samples,
    size_kinds,
    taken,
)
from conformance.shapes.attempts import Call, UnfitError, result_of
from conformance.shapes.draws import seed
from conformance.shapes.example_data import N_HIDDEN, N_OUT, Data, M, Sizes
from conformance.shapes.function_sources import moves_what_is_held, returned_names
from conformance.shapes.own_step import OwnStep


def constructions(
    factory: Callable[..., Any], data: Data, settings: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """The ways in which a class may be called: what is said of it, and the arguments.

    Args:
        factory: the class.
        data: that it is made for.
        settings: arguments that it is given beside those that it needs.
    """
    for said, args, named in _constructions(factory, data):
        known = [each.name for each in taken(factory)][len(args) :]
        more = {name: e for name, e in (settings or {}).items() if name in known}
        told = (f"{name}={e!r}" for name, e in more.items())
        yield ", ".join([said.removesuffix(")"), *told]) + ")" * bool(said), args, {**named, **more}


def _constructions(
    factory: Callable[..., Any], data: Data
) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    said, sizes, s = called(factory, "__qualname__"), size_kinds(data), data.sizes
    by_size = by_name(factory, Scope(sizes))
    if by_size is not None:
        yield said, (), by_size
        words = [e for e in by_size if "activation" in kinds_of(e) and bare(e).endswith("s")]
        counts = (1 + s.layers, 2 + s.layers)  # of the layers, without the inputs or with them
        for count in counts if words else ():
            for last in (ANOTHER, ACTIVATION):  # else those of all layers are the same
                listed = [ACTIVATION] * (count - 1) + [last]
                yield said, (), {**by_size, **dict.fromkeys(words, listed)}
        hidden = {"n_hidden", "n_hiddens", "sizes"}
        fewer = {
            each.name: by_size[each.name]
            for each in taken(factory)
            if each.name in by_size
            and (each.default is inspect.Parameter.empty or not hidden & set(kinds_of(each.name)))
        }
        if len(fewer) < len(by_size):
            yield said, (), fewer
        listed = [name for name, value in by_size.items() if value is sizes["sizes"]]
        if 0 < len(listed) < len(by_size):
            yield said, (), {name: e for name, e in by_size.items() if name not in listed}
        for other in ([s.n_in, s.n_hidden, s.n_hidden - 1, s.n_out], [s.n_in, s.n_out]):
            if listed:
                yield said, (), {**by_size, **dict.fromkeys(listed, other)}
    by_data = by_name(factory, Scope({**sizes, **data_kinds(data)}))
    if by_data is not None and any(value is data.x for value in by_data.values()):
        yield said, (), by_data
    names = [each.name for each in needed(factory)]
    draws = {e: Scope(sizes).of("generator") for e in names if "generator" in kinds_of(e)}
    for given in _by_order(data).get(len(names) - len(draws), ()):
        others = zip((e for e in names if e not in draws), given, strict=True)
        yield said, *(((), {**dict(others), **draws}) if draws else (given, {}))


def _by_order(data: Data) -> Mapping[int, tuple[tuple[Any, ...], ...]]:
    """What a class may be given whose arguments have names that say nothing, by their number."""
    s = data.sizes
    last = dict.fromkeys((s.n_hidden if s.n_out == 1 else s.n_out, s.n_out))  # 1 is told to few
    return {
        0: ((),),
        1: ((s.whole,),),
        2: (*((s.n_in, each) for each in last), (data.x, data.y)),
        3: ((s.n_in, s.n_hidden, s.n_out), (data.x, data.y, s.n_hidden)),
        4: (
            (s.n_in, s.n_hidden, s.n_out, RATE),
            (s.n_in, s.n_hidden, s.n_hidden + 1, s.n_out),
            (data.x, data.y, s.n_hidden, RATE),
        ),
        5: ((s.n_in, s.n_hidden, s.n_hidden + 1, s.n_out, RATE),),
    }


INITIAL = re.compile("init|build|create|make|setup")
SIZES = frozenset({"n_in", "n_hidden", "n_out", "sizes", "n_hiddens"})

PARAMETERS_AND_DATA = 3  # arguments: parameters, inputs, targets

Named = tuple[str, Callable[..., Any] | str]


@dataclass(frozen=True)
class Made:
    """A way in which what holds the parameters is made.

    Attributes:
        said: the call, in the program's own names.
        make: makes it.
        sized: whether it is told the sizes of its layers.
    """

    said: str
    make: Callable[[Data, Scope], dict[str, Any]]
    sized: bool = False


def by_role(names: Sequence[Named]) -> dict[str, list[Named]]:
    """Functions by what they do, the likeliest first."""
    found: dict[str, list[Named]] = {}
    for role in ROLES:
        ranked = [(is_role(name, role), i) for i, (name, _) in enumerate(names)]
        found[role] = [names[i] for rank, i in sorted((r, i) for r, i in ranked if r is not None)]
    return found


def by_arguments(
    kind: type, roles: dict[str, list[Named]], step: OwnStep | None = None
) -> dict[str, list[Named]]:
    """The methods of a class by what they do, where no name says what goes backwards or forward.

    A step of its own tells it. Else what takes inputs and targets may train, or give a loss, or
    what takes nothing may, and what takes one thing may go forward, whatever its name says: which
    does is told by what it does. What takes gradients, as an optimiser does, trains nothing; what
    takes inputs computes its own.
    """
    count = {name: len(needed(method_of(kind, name))) for name, _ in methods(kind)}
    given = {name for name, _ in methods(kind) if takes_gradients(getattr(kind, name))}
    roles = {
        **roles,
        "train": [pair for pair in roles["train"] if pair[0] not in given],
        "update": [pair for pair in roles["update"] if not takes_inputs(getattr(kind, pair[0]))],
    }
    backwards = bool(roles["backward"])
    if backwards and not roles["update"]:
        roles["update"] = [(name, e) for name, e in methods(kind) if may_update(kind, name)]
    if roles["forward"] if backwards else roles["train"]:
        return roles
    if step is not None:
        return {**roles, **step.roles}
    known = {name for role in ("backward", "loss") for name, _ in roles[role]}
    if not backwards:
        known |= {name for pairs in roles.values() for name, _ in pairs} | given
    others = [(name, each) for name, each in methods(kind) if name not in known]
    one = [pair for pair in others if count[pair[0]] == len(("x",))]
    trains = [pair for pair in one if bare(pair[0]).startswith("train")]
    two = [pair for pair in others if count[pair[0]] >= len(("x", "y"))]
    none = [pair for pair in others if count[pair[0]] == 0]
    if backwards:
        update = [pair for pair in roles["update"] if pair not in one]
        return {**roles, "forward": one, "update": update}
    return {
        **roles,
        "forward": [*roles["forward"], *(pair for pair in one if pair not in trains)],
        "loss": [*roles["loss"], *two],
        "train": trains or two or none,  # an object may have its data already
    }


def may_update(kind: type, name: str) -> bool:
    """Whether a method whose name tells nothing is given a rate at most and moves what it has."""
    function = method_of(kind, name)
    rates = all("rate" in kinds_of(each.name) for each in needed(function))
    told = any(is_role(name, role) is not None for role in ROLES)
    return rates and not told and moves_what_is_held(function)


def takes_gradients(function: Callable[..., Any]) -> bool:
    """Whether a function is given gradients, by the names of its arguments."""
    return any(names_gradients(each.name) for each in needed(function))


def takes_inputs(function: Callable[..., Any]) -> bool:
    """Whether a function is given inputs, by the names of its arguments."""
    return any("inputs" in kinds_of(each.name) for each in needed(function))


def takes_samples(function: Callable[..., Any]) -> bool:
    """Whether a function is given samples one by one, and no gradients: it computes its own."""
    told = PAIRS in kinds_taken(function) or bool(of_samples(function))
    return told and not takes_gradients(function)


def trains(function: FunctionType) -> bool:
    """Whether a function trains by a word of its name, and takes inputs and targets."""
    return "train" in bare(function.__name__) and {"inputs", "targets"} <= kinds_taken(function)


def makes_its_own(function: Callable[..., Any]) -> bool:
    """Whether a function that trains is given inputs and targets, and no parameters."""
    handed = any(is_parameter(each.name) for each in taken(function))
    kinds = kinds_taken(function)
    return {"inputs", "targets"} <= kinds and not handed and "params" not in kinds


def takes_parameters(function: FunctionType) -> bool:
    """Whether a function takes parameters and data, and may give gradients: three arguments."""
    many = len(needed(function)) >= PARAMETERS_AND_DATA and "hess" not in bare(function.__name__)
    return many and not inspect.isgeneratorfunction(function)


def may_make(function: FunctionType) -> bool:
    """Whether a function may make parameters, perhaps of sizes, which may have defaults."""
    sizes = {"sizes", "n_in", "n_hidden", "n_hiddens", "n_out"}
    sized = bool(sizes & kinds_taken(function))
    told = sized or any(map(is_parameter, returned_names(function)))
    asked = [e for e in needed(function) if {"seed", "generator"}.isdisjoint(kinds_of(e.name))]
    pair = len(asked) == len(("n_visible", "n_hidden")) and sized
    return len(asked) in (1, 3) or pair or (not asked and told)


def gives_two(function: FunctionType) -> bool:
    """Whether a function returns two things, or one that may hold two: a loss, and gradients."""
    return len(returned_names(function)) in (1, 2)


def may_give_gradients(function: FunctionType) -> bool:
    """Whether a function may give gradients by what it returns, or by the end of its name."""
    named = re.search(r"grad(ient)?s?$", bare(function.__name__)) is not None
    return gives_two(function) or named


def methods(kind: type) -> list[Named]:
    """The methods of a class, those of its own bases too."""
    found: dict[str, Named] = {}
    for each in reversed(kind.__mro__):
        for name, value in vars(each).items():
            function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
            if isinstance(function, FunctionType) and is_plain(name):
                found[name] = (name, name)
    return list(found.values())


def constructors(
    kind: type, data: Data, settings: Mapping[str, Any] | None = None
) -> Iterator[Made]:
    """The ways in which an object of a class is made: by calling it, and by its class methods.

    Else by a method that makes its parameters and is told their sizes, where the class is not.

    Args:
        kind: the class.
        data: that it is made for.
        settings: arguments that it is given beside those that it needs.
    """
    own = (getattr(kind, name) for name, e in vars(kind).items() if isinstance(e, classmethod))
    later = () if needed(kind) else (_initialised(kind, name) for name, _ in methods(kind))
    for factory in (kind, *own, *filter(None, later)):
        yield from made_by(
            factory, data, lambda made: made if isinstance(made, kind) else None, settings
        )


def _initialised(kind: type, name: str) -> Callable[..., Any] | None:
    """A function that makes an object and its parameters, which a method of it does; None if not.

    Such a method begins with a word of it, and takes sizes alone.
    """
    method = method_of(kind, name)
    sizes = needed(method)
    told = bool(sizes) and all(SIZES & {*kinds_of(each.name)} for each in sizes)
    if not INITIAL.match(bare(name)) or not told:
        return None

    @wraps(getattr(kind, name))
    def together(*args: Any, **kwargs: Any) -> Any:
        made = kind()
        if any(np.ndim(each) for each in vars(made).values()):
            raise UnfitError("it has parameters already")
        getattr(made, name)(*args, **kwargs)
        return made

    vars(together)["__signature__"] = inspect.Signature(taken(method))
    return together


def closures(maker: FunctionType, data: Data) -> Iterator[Made]:
    """The ways in which a function is called that returns functions around its own variables."""
    yield from made_by(closed(maker), data, lambda made: made)


def closed(maker: FunctionType) -> Callable[..., Any]:
    """A function that gives all that another one returns as what an object holds."""
    names = returned_names(maker)

    @wraps(maker)
    def together(*args: Any, **kwargs: Any) -> Any:
        made = maker(*args, **kwargs)
        parts = list(made) if isinstance(made, tuple | list) else [made]
        held = made if isinstance(made, dict) else dict(zip(names, parts, strict=True))
        whole = type(maker.__name__, (), {"__module__": maker.__module__})()
        vars(whole).update(held)
        return whole

    return together


def made_by(
    factory: Callable[..., Any],
    data: Data,
    chosen: Callable[[Any], Any],
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Made]:
    """The ways in which something is called, and the object that is chosen of what it returns."""
    for i, (said, given, named) in enumerate(constructions(factory, data, settings)):

        def make(data: Data, _scope: Scope, said: str = said, i: int = i) -> dict[str, Any]:
            way = next(islice(constructions(factory, data, settings), i, None), None)
            if way is None:
                raise UnfitError("it is not made so")
            _, args, kwargs = way
            seed()
            made = result_of(lambda: chosen(factory(*args, **kwargs)))
            if made is None:
                raise UnfitError(f"{said} makes something else")
            return {"self": made}

        values = [*given, *named.values()]
        firsts = (e[0] if isinstance(e, list) and e else e for e in values)
        sized = any(type(each) is int and each == data.sizes.n_in for each in firsts)
        yield Made(said, make, sized)


def sizes_of(
    made: dict[str, Any], module: ModuleType, asked: Sizes, *, sized: bool = False
) -> list[Sizes]:
    """The sizes that a network may have that was made, those that were asked for first.

    Args:
        made: what holds its parameters.
        module: of the program.
        asked: the sizes that were asked for.
        sized: whether it was told them.
    """
    held = [leaf for name, root in made.items() for leaf in leaves(root, name, module)]
    matrices = [leaf for leaf in held if np.ndim(leaf.value) == len(("rows", "columns"))]
    named = [leaf for leaf in matrices if leaf.is_parameter]
    weights = [leaf for leaf in named if not BIAS.fullmatch(bare(leaf.name))]
    shapes = [np.shape(leaf.value) for leaf in weights or named or matrices]
    if not shapes:
        return [asked]
    first, last = shapes[0], shapes[-1]
    fits_in = asked.n_in in first or asked.n_in + 1 in first
    m = M if M not in {n for shape in shapes for n in shape} else 11
    fits_out = asked.n_out in last
    every = {n for leaf in matrices for n in np.shape(leaf.value)}
    if sized and {asked.n_in, asked.n_in + 1} & every and asked.n_out in every:
        return [asked]
    ins = [first[0], first[1], first[1] - 1, first[0] - 1]
    outs = [last[1], last[0]]
    ins = [asked.n_in, *ins] if fits_in else ins
    outs = [asked.n_out, *outs] if fits_out or asked.n_out == 1 else outs  # of a vector
    if first == last[::-1]:  # its targets are its inputs, and it may be given noise of any width
        outs += [n for shape in shapes[1:-1] for n in shape]
    fixed = {n for leaf in named for n in np.shape(leaf.value) if n > 1}  # of a bias alone
    outs = [*sorted(fixed - {n for shape in shapes for n in shape}), *outs]
    hidden = next((n for n, other in shapes if n == other > 1), N_HIDDEN)  # as wide as its state
    found = [Sizes(i, hidden, o, m) for i in ins for o in outs if i > 0 and o > 0]
    return list(dict.fromkeys(found))


OUTS = (N_OUT, 1)


def chains(
    roles: dict[str, list[Named]],
) -> Iterator[tuple[list[Named], list[Named], Call, list[Named]]]:
    """The functions to be called: forward, loss, the one that goes backwards, update.

    Of the first two and of the last one the first that runs is called, or none. What computes the
    gradients of samples one by one, beside what goes backwards, is tried after that.
    """
    forward, loss = roles["forward"], roles["loss"]
    update = [
        pair for pair in roles["update"] if not (callable(pair[1]) and takes_samples(pair[1]))
    ]
    for _, each in roles["backward"]:
        rest = [pair for pair in update if pair[1] != each]
        yield forward, [e for e in loss if e[1] != each], Call("backward", each), rest
    for _, each in roles["loss"]:
        yield [], [], Call("gradients", each), update
    for _, each in roles["train"]:
        if not (roles["backward"] and callable(each) and takes_samples(each)):
            yield forward, loss, Call("train", each), []
