"""What in a file may be judged, and whether it is the book's network or one of any shape.

Left out: judging it.
"""

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial, update_wrapper
from types import FunctionType
from typing import Any

from conformance.programs.vocabulary import is_role, kinds_of
from conformance.shapes.arguments import Scope, method_of, needed
from conformance.shapes.assembled import assembled, made_by_the_file, made_here, stacked
from conformance.shapes.attempts import result_of
from conformance.shapes.candidate import Candidate, Judgeable
from conformance.shapes.custom_function import FunctionSearch, custom_function, custom_jax
from conformance.shapes.definitions import Definitions
from conformance.shapes.example_data import Data
from conformance.shapes.found import NotJudged
from conformance.shapes.function_pairs import derivatives, pairs, takes_derivative
from conformance.shapes.function_sources import returned_functions, source_parts, stored_names
from conformance.shapes.layers import LayerSearch, closure_layer, layer_search, unnamed_layer
from conformance.shapes.named_losses import (
    before_activations,
    loss_class,
    losses,
    says_loss,
    states_loss,
)
from conformance.shapes.other_settings import others as other_settings
from conformance.shapes.own_data import own_data
from conformance.shapes.own_step import own_step
from conformance.shapes.plans import (
    Made,
    Named,
    by_arguments,
    by_role,
    closures,
    constructors,
    gives_two,
    makes_its_own,
    may_give_gradients,
    may_make,
    methods,
    takes_gradients,
    takes_inputs,
    takes_parameters,
    trains,
)
from conformance.shapes.search import Searched
from conformance.shapes.solved_losses import solved_losses
from conformance.shapes.training_functions import is_told_how_long
from conformance.shapes.value_classes import value_search
from conformance.subjects.adapt import is_module, is_of_the_book

BACKWARD = ("backward", "train")
PREDICTS = 2
"""How well `predict` tells what goes forward: a function of this name gives no gradients."""


def candidates(found: Definitions) -> Iterator[Candidate]:
    """What a file has that may be judged: whole networks first, then what they are made of.

    Those that the file itself makes come first: what they are made of may have no known names.
    Beside custom functions of torch, torch's modules are what calls them: torch goes back there.
    """
    classes = [each for kind in found.whole_classes if (each := of_class(kind, found)) is not None]
    if any(isinstance(each.layer, FunctionSearch) for each in classes):
        modules = {kind.__name__ for kind in found.classes if is_module(kind)}
        classes = [each for each in classes if each.name not in modules]
    networks = [each for each in classes if each.layer is None]
    yield from sorted(networks, key=lambda each: not _is_made(each.name, found))
    yield from (each for thing in found.others if (each := of_jax(thing, found)) is not None)
    primes = {each.prime for each in derivatives(found.functions)}
    paired = [each for each in pairs(found.functions) if each.backward not in primes]
    yield from of_functions(found, {id(e) for each in paired for e in each.no_networks})
    yield from (each for each in classes if each.layer is not None)
    yield from (_alone(each.backward.__name__, each) for each in paired)
    yield from (_alone(each.name, each) for each in before_activations(found.functions))
    for loss in losses(found.functions):
        names = loss.function.__name__, getattr(loss.prime, "__name__", "")
        if not takes_parameters(loss.function):
            yield _alone(loss.name, loss, names)
    for other in solved_losses(found.functions):
        yield _alone(other.gradient.__name__, other)


def _is_made(name: str, found: Definitions) -> bool:
    """Whether a file itself makes an object of a class."""
    kind = next(each for each in found.classes if each.__name__ == name)  # it may stand in another
    return any(True for _ in assembled(kind, found.files, found.module))


def slopes(found: Definitions, left: Sequence[NotJudged]) -> list[Candidate]:
    """The derivatives of functions of one argument, where the file has nothing else to judge.

    Args:
        found: what the file defines.
        left: what of it fits no shape.
    """
    searches = [*derivatives(found.functions)]
    names = {e.__name__ for each in searches for e in (each.function, each.prime)}
    alone = all(each.name in names for each in left)
    return [_alone(each.prime.__name__, each) for each in searches if alone]


def _alone(name: str, layer: Judgeable, names: Collection[str] = ()) -> Candidate:
    """What is judged by itself, which another program may use by its name or by others."""
    return Candidate(name, layer=layer, functions=frozenset(names or (name,)))


def of_class(kind: Any, found: Definitions, *, as_book: bool = True) -> Candidate | None:
    """A class as a candidate; None if nothing in it goes backwards, or it is no class.

    Args:
        kind: it.
        found: what the file defines.
        as_book: whether one with the interface of the book's network is judged as that.
    """
    if not isinstance(kind, type) or issubclass(kind, tuple) or (is_module(kind) and not as_book):
        return None
    if as_book and is_of_the_book(kind):
        return Candidate(kind.__name__, book=True)
    own = (
        *assembled(kind, found.files, found.module),
        *stacked(kind, found.classes, found.module),
        *_of_derivatives(kind, found.functions),
    )
    layer = (
        custom_function(kind, found.place, found.classes)
        or value_search(kind, found.classes, found.functions)
        or layer_search(kind, found.module, own)
    )
    loss = None if layer is not None else loss_class(kind)
    if loss is not None:  # what takes no such may be a network whose sizes have defaults
        of_two = layer_search(kind, found.module, own, targets=True)
        network = _network(kind, found, own)
        searched = () if network is None else network.searched
        return replace(_alone(kind.__name__, loss), either=of_two, searched=searched)
    if layer is not None:
        alone = _alone(kind.__name__, layer)
        told = _told(layer, found) if isinstance(layer, LayerSearch) else {}
        return replace(alone, activations=told)
    return _network(kind, found, own)


def _of_derivatives(kind: type, functions: Sequence[FunctionType]) -> Iterator[Made]:
    """The ways in which a class that is made of a function and its derivative is given a file's."""
    for each in derivatives(functions) if takes_derivative(kind) else ():
        given = each.function, each.prime

        def make(_data: Data, _scope: Scope, given: Any = given) -> dict[str, Any]:
            return {"self": result_of(kind, *given)}

        yield Made(f"{kind.__name__}({', '.join(e.__name__ for e in given)})", make)


def _network(kind: type, found: Definitions, own: tuple[Made, ...]) -> Candidate | None:
    """A class as a network; None if nothing in it goes backwards.

    Args:
        kind: the class.
        found: what the file defines.
        own: the ways in which the file itself makes an object of it.
    """
    step = own_step(kind, [name for name, _ in methods(kind)])
    told = {} if step is None else step.forms
    roles = by_arguments(kind, by_role(methods(kind)), step)
    if not any(roles[each] for each in (*BACKWARD, "loss")):
        return None

    def makers(data: Data) -> Iterator[Made]:
        yield from constructors(kind, data)
        yield from own

    others = (partial(constructors, kind, settings=e) for e in other_settings(kind, found.words))
    sized = any("n_in" in kinds_of(each.name) for each in needed(kind))  # else it is made of parts
    uses = frozenset({kind.__name__, *found.used_by(kind.__name__)}) if sized else None
    searched = (Searched(e, roles, found.module, told=told, own=uses) for e in (makers, *others))
    first, *rest = searched
    either = unnamed_layer(kind, kind, found.module, roles, own)
    asked = _with_loss(methods(kind), roles, lambda name: method_of(kind, name))
    alike = (Searched(makers, each, found.module, told=told, own=uses) for each in asked)
    made = Candidate(kind.__name__, searched=(first,), others=tuple(rest), either=either)
    return replace(made, alike=tuple(alike))


def _with_loss(
    named: Sequence[Named],
    roles: Mapping[str, list[Named]],
    function_of: Callable[[Any], Callable[..., Any]] = lambda function: function,
) -> Iterator[dict[str, list[Named]]]:
    """The roles with each as the loss that takes all that one takes that goes backwards.

    None are where one is named a loss.
    """
    known = {name for pairs in roles.values() for name, _ in pairs}
    for name, each in named if not roles["loss"] else ():
        taken = _taken(function_of(each)) if name not in known else []
        same = [pair for pair in roles["backward"] if _taken(function_of(pair[1])) == taken]
        if taken and same:
            yield {**roles, "loss": [(name, each)], "backward": same}


def _taken(function: Callable[..., Any]) -> list[str]:
    return [each.name for each in needed(function)]


def _told(layer: LayerSearch, found: Definitions) -> dict[str, LayerSearch]:
    """A layer with other activations."""
    ways = other_settings(layer.kind, found.words, {"softmax"})
    return {
        f"{name}={word!r}": replace(layer, kind=_with(layer.kind, {name: word}), problems=[])
        for way in ways
        for name, word in way.items()
    }


def _with(kind: Callable[..., Any], settings: Mapping[str, str]) -> Callable[..., Any]:
    return update_wrapper(partial(kind, **settings), kind, updated=())


def of_functions(found: Definitions, paired: Collection[int]) -> Iterator[Candidate]:
    """The functions of a file as candidates.

    They are run together if one goes backwards by its name; then each that takes parameters and
    data, and returns two things, may give a loss and gradients.

    Args:
        found: what the file defines.
        paired: the ids of those that go forward or back in a pair, and are no networks.
    """
    yield from (_alone(each.function.__name__, each) for each in own_data(found.functions))
    every = _named(*found.functions)
    roles = by_role(every)
    roles["train"] = roles["train"] or _named(*filter(trains, found.functions))
    if roles["backward"] or roles["loss"]:
        named = roles["backward"] or roles["loss"]
        going_back = frozenset(name for name, _ in roles["backward"])
        one, *alike = (_searched(found, e) for e in (roles, *_with_loss(every, roles)))
        yield Candidate(named[0][0], searched=(one,), functions=going_back, alike=tuple(alike))
    yield from (e for function in found.functions if (e := _around(function, found)) is not None)
    others = {id(e) for role in ("init", "update", "train") for _, e in roles[role]} | {*paired}
    others |= {id(e) for name, e in roles["forward"] if is_role(name, "forward") == PREDICTS}
    others |= {id(e) for e in found.functions if _moves_by_what_it_is_given(e)}
    alone: dict[FunctionType, Judgeable] = {e.function: e for e in losses(found.functions)}
    for each in found.functions:
        loss = alone.get(each)
        if takes_parameters(each) and loss is not None and not gives_two(each):
            yield _alone(each.__name__, loss)
        elif takes_parameters(each) and id(each) not in others and may_give_gradients(each):
            yield _giving_two(found, roles, each, loss)
    if roles["train"] and not roles["backward"]:
        without: dict[str, list[Named]] = {**roles, "loss": []}
        makes = [pair for pair in roles["train"] if callable(pair[1]) and makes_its_own(pair[1])]
        of_nothing = Searched(lambda _: iter([NOTHING]), {**without, "train": makes}, found.module)
        whole = (of_nothing, _searched(found, without))
        names = frozenset(each.__name__ for each in found.functions)
        yield Candidate(roles["train"][0][0], searched=whole, functions=names)


def _moves_by_what_it_is_given(function: FunctionType) -> bool:
    """Whether a function is given gradients, or a rate and how often: it gives no gradients."""
    given = takes_gradients(function) and not takes_inputs(function)
    return given or is_told_how_long(function)


NOTHING = Made("", lambda _data, _scope: {})
"""No parameters: what trains makes its own."""


def _around(function: FunctionType, found: Definitions) -> Candidate | None:
    """A function that returns functions around its variables; None if none goes backwards."""
    within = by_role([(name, name) for name in returned_functions(function)])
    given = {kind for each in needed(function) for kind in kinds_of(each.name)}
    if "targets" in given or not any(within[role] for role in (*BACKWARD, "loss")):
        return None  # what is given data makes no network
    searched = Searched(partial(closures, function), within, found.module)
    either = closure_layer(function, found.module, within)
    return Candidate(function.__name__, searched=(searched,), either=either)


def _searched(found: Definitions, roles: dict[str, list[Named]]) -> Searched:
    used = [
        function
        for role in ("backward", "loss", "forward", "train")
        for _, function in roles[role]
        if isinstance(function, FunctionType)
    ]
    others = (each for each in found.functions if each not in used and may_make(each))
    initial = roles["init"] or _named(*others)

    def makers(data: Data) -> Iterator[Made]:
        yield from _objects(used, found, data)
        yield from made_by_the_file(initial)
        yield from made_here(used)

    return Searched(makers, roles, found.module)


def _objects(used: Sequence[FunctionType], found: Definitions, data: Data) -> Iterator[Made]:
    """The ways to make an object of the file's classes, of which functions read what it holds."""
    for kind in found.classes:
        held = stored_names(getattr(kind, "__init__", None))
        named = next((name for each in used for name in _read_of(each, held)), "")
        for each in constructors(kind, data) if named else ():

            def make(data: Data, scope: Scope, named: str = named, own: Made = each) -> Any:
                return {named: own.make(data, scope)["self"]}

            yield replace(each, make=make)


def _read_of(function: FunctionType, held: Collection[str]) -> Iterator[str]:
    """The arguments of a function of which it reads attributes of some names."""
    names = [each.name for each in needed(function)]
    for each in source_parts(function):
        if isinstance(each, ast.Attribute) and each.attr in held:
            yield from (name for name in names if ast.unparse(each.value) == name)


def _giving_two(
    found: Definitions,
    roles: dict[str, list[Named]],
    function: FunctionType,
    loss: Judgeable | None,
) -> Candidate:
    """A function that takes parameters and data, and returns two things, as a candidate."""
    ways = [_only_function(found, roles, function)]
    if not (roles["backward"] or says_loss(function)):
        ways.append(_unnamed(found, roles, function))
    stated = tuple(
        _unnamed(found, {**roles, "loss": _named(other)}, function)
        for other in states_loss(found.functions, function)
    )
    name = function.__name__
    return Candidate(name, False, tuple(ways), loss, frozenset((name,)), stated)


def _only_function(
    found: Definitions, roles: dict[str, list[Named]], function: FunctionType
) -> Searched:
    """A function that is the only one that goes backwards."""
    own = _named(function)
    return _searched(found, {**roles, "backward": [], "loss": own, "train": []})


def _unnamed(found: Definitions, roles: dict[str, list[Named]], function: FunctionType) -> Searched:
    """A function that may go backwards, after one that takes parameters and inputs."""
    two = _named(*(e for e in found.functions if len(needed(e)) == len(("params", "x"))))
    forward = [*roles["forward"], *two]
    own = _named(function)
    unnamed = {**roles, "forward": forward, "backward": own, "train": []}
    return replace(_searched(found, unnamed), only=function)


def _named(*functions: FunctionType) -> list[Named]:
    return [(each.__name__, each) for each in functions]


def of_thing(thing: Any, found: Definitions) -> Candidate | None:
    """Whatever a name in the file stands for, as a candidate."""
    if isinstance(thing, type):
        return of_class(thing, found)
    if isinstance(thing, FunctionType):
        roles = by_role(_named(*found.functions))
        backward = {**roles, "backward": _named(thing)}
        around = _around(thing, found)
        if around is not None:
            return around
        searched = (_only_function(found, roles, thing), _searched(found, backward))
        name = thing.__name__
        named = (e for e in candidates(found) if name == e.name or name in e.functions)
        layer = next((each.layer for each in named if each.layer is not None), None)
        return Candidate(name, searched=searched, layer=layer)
    return of_jax(thing, found)


def of_jax(thing: Any, found: Definitions) -> Candidate | None:
    """A function with `jax.custom_vjp` as a candidate; None if it is none."""
    layer = custom_jax(thing, found.place)
    return None if layer is None else _alone(layer.name, layer, layer.names)
