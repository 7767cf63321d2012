"""What moves parameters by gradients that it is given: `SGD.step(params, grads)`, `sgd(w, dw, lr)`.

Each class or function is called with parameters and gradients of ours, held as people hold them,
until one way moves them. Left out: the verdict on the updates (`moved.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from inspect import Parameter
from itertools import pairwise, product
from types import FunctionType, MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np

from conformance.programs.vocabulary import DECAY, bare, kinds_of, names_gradients
from conformance.running.quiet import TooLongError, limited, quiet
from conformance.script.source_around import counts, raises_at_once
from conformance.shapes.arguments import RATE, needed, taken
from conformance.shapes.attempts import LONGEST
from conformance.shapes.function_sources import definition_of, returned_names
from conformance.shapes.holders import (
    DECAYING,
    TIME,
    Dicts,
    Holder,
    Optimiser,
    Shapes,
    attributes,
    by_name,
    holders,
    holds,
    is_0,
    is_number,
    number_of,
    pairs_by_name,
    started,
)
from conformance.shapes.plans import methods
from conformance.tracing.node import Node
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace
from reference.step import Array

STEPS = 4
SAMPLES = 8.0
"""How many an update is told that there are."""


class UnfitError(Exception):
    """A way of holding parameters does not fit."""


@dataclass(frozen=True)
class Moved:
    """Parameters of ours that a class has moved.

    Attributes:
        trace: of the updates.
        values: of each parameter, one after another, by its name.
        gradients: that each update was given.
        counts: whether it counts its steps, or is told how many there were.
        filled: the shapes in the dicts that it filled.
    """

    trace: Trace
    values: dict[str, list[Node]]
    gradients: dict[str, list[Node]]
    counts: bool = False
    filled: Shapes = ()


def moved(
    optimiser: Optimiser, zeros: Shapes = (), rates: Mapping[str, float] | None = None
) -> Moved | None:
    """Parameters that it has moved; None if no way of calling it is known.

    Args:
        optimiser: it.
        zeros: the shapes of what its empty dicts are filled with before.
        rates: those, and other numbers, that it is given in the place of its own, by their names.
    """
    named = {
        e.name: SAMPLES for e in taken(optimiser.code) if {"m", "batchsize"} & {*kinds_of(e.name)}
    }
    found = _in_ways(optimiser, zeros, rates or {})
    # `m` may be a mean of gradients; else it is the number of samples
    return found or (_in_ways(optimiser, zeros, named | {**(rates or {})}) if named else None)


def _in_ways(optimiser: Optimiser, zeros: Shapes, rates: Mapping[str, float]) -> Moved | None:
    """Parameters that it has moved, in the first of the ways in which they are held that fits."""
    pairs = pairs_by_name(optimiser.code)
    ways = [None] if pairs else [*holders(optimiser.kind)]
    for alone, held in product((False, True), ways):
        trace = Trace(sites=True)
        holder = by_name(trace, pairs) if held is None else held(started(trace))
        holder.rates = rates
        if alone and not (isinstance(holder.params, list) and holder.grads is not None):
            continue
        try:
            with quiet():
                found = _run(optimiser, trace, holder, zeros, alone=alone)
        except (UnfitError, TooLongError):
            continue
        if found is not None:
            return found
    return None


def _run(
    optimiser: Optimiser, trace: Trace, holder: Holder, zeros: Shapes, *, alone: bool
) -> Moved | None:
    """What comes of some updates; None if they do not move all parameters."""
    rng = np.random.default_rng(1)
    weights = {name: 0.5 + rng.random(np.shape(e)) for name, e in holder.read().items()}
    values: dict[str, list[Node]] = {name: [] for name in weights}
    gradients: dict[str, list[Node]] = {name: [] for name in weights}
    parts = [_only(holder, i) for i in range(len(values))] if alone else [holder]
    with limited(LONGEST), traced_program(trace, optimiser.code):
        made = [_made(optimiser, each) for each in parts]
        dicts = Dicts(made)
        dicts.fill(zeros, trace)
        for t in range(1, STEPS + 1):
            now = _read(holder, weights)
            given = {name: weights[name] * np.sin(each) for name, each in now.items()}
            holder.give(given)
            for name in now:
                values[name].append(_node(trace, now[name]))
                gradients[name].append(_node(trace, given[name]))
            parts = [_only(holder, i) for i in range(len(now))] if alone else parts
            results = [_step(*each, optimiser, t) for each in zip(made, parts, strict=True)]
            _take(holder, results if alone else results[0])
        for name, each in _read(holder, weights).items():
            values[name].append(_node(trace, each))
    counted = counts(definition_of(optimiser.code), TIME)
    still = (np.array_equal(a.value, b.value) for e in values.values() for a, b in pairwise(e))
    return None if any(still) else Moved(trace, values, gradients, counted, dicts.shapes())


def _node(trace: Trace, value: Any) -> Node:
    """What computed an array.

    Raises:
        UnfitError: it is a list of numbers.
    """
    found = trace.argument(value)
    if type(found) is not Node:
        raise UnfitError
    return found


def _read(holder: Holder, like: Mapping[str, Array]) -> dict[str, Any]:
    """The parameters.

    Raises:
        UnfitError: they are not what they were, but for their numbers.
    """
    with _theirs():
        found = holder.read()
        alike = all(np.shape(found[name]) == np.shape(each) for name, each in like.items())
    if not alike or len(found) != len(like):
        raise UnfitError
    return found


@contextmanager
def _theirs() -> Iterator[None]:
    """Run what is not ours: whatever it raises, it does not fit."""
    try:
        yield
    except Exception as error:
        raise UnfitError from error


def _made(optimiser: Optimiser, holder: Holder) -> Any:
    """An object of a class; of what is handed what it returned, that too, from call to call."""
    kind = optimiser.kind
    if isinstance(kind, FunctionType):
        return _Kept(kind)
    arguments = _arguments(kind, holder, 0)
    with _theirs():
        made = kind(**arguments)
    method = getattr(made, optimiser.method)
    names = [each.name for each in needed(method)]
    known = _moved(names) or all(names_gradients(e) or is_number(e) or holds(e) for e in names)
    return made if known or holder.arguments else _Kept(method)


@dataclass
class _Kept:
    """A function with what it is given back of what it returned: `w, v = momentum(w, dw, v)`.

    Attributes:
        function: it, or a method of an object.
        states: by the names of its arguments.
    """

    function: Callable[..., Any]
    states: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def names(self) -> list[str]:
        """The attributes of objects that it keeps: `kept[i].v`."""
        function: Any = self.function
        return [*attributes(getattr(function, "__func__", function), written=True)]

    def step(self, holder: Holder, t: int) -> Any:
        """The parameters that it returns."""
        given: dict[str, Any] = {}
        definition = definition_of(self.function)
        for each in taken(self.function):
            done = t - raises_at_once(definition, each.name)
            try:
                value = _argument(each.name, holder, done)
            except UnfitError:
                if each.name not in self.states:
                    self.states[each.name] = _first(each, holder, self.names)
                continue
            if each.default is each.empty or "rate" in kinds_of(each.name):
                given[each.name] = value
        with _theirs():
            result = self.function(**given, **self.states)
        if holder.arguments:
            return _put_by_names(self.function, holder, self.states, result)
        rest: list[Any] = []
        if isinstance(result, tuple) and type(result) is not type(holder.params):
            result, *rest = result
            self.states.update(zip(self.states, rest, strict=False))
        if not isinstance(self.function, FunctionType) and len(rest) != len(self.states):
            raise UnfitError  # it may be the size of a batch
        return result


def _first(argument: Parameter, holder: Holder, names: Sequence[str]) -> Any:
    """What a function keeps, before its first call: its default, or zeros like gradients.

    Where each parameter has an argument, they are like that of which the name ends so.

    Args:
        argument: of the function.
        holder: of the parameters and gradients.
        names: of the attributes in which it keeps something.

    Raises:
        UnfitError: it is not known what it keeps.
    """
    named = [e for e in holder.arguments if bare(argument.name).endswith(bare(e))]
    if named:
        return np.zeros_like(holder.arguments[max(named, key=len)])
    optional = argument.default is not argument.empty
    if holder.grads is None and not (optional and holder.arguments):
        raise UnfitError
    kept = argument.default if optional else _zeros(holder.grads, names)
    if isinstance(kept, _States) and isinstance(holder.params, dict):
        kept.parameters = holder.params
    return kept


def _put_by_names(
    function: Callable[..., Any], holder: Holder, states: dict[str, Any], result: Any
) -> None:
    """Keep the parameters, and what else is kept, that a function returns by their names.

    Raises:
        UnfitError: it is not known what it returns.
    """
    names = [e for e in returned_names(function) if e.isidentifier()] or [*holder.read()]
    if result is None:
        return
    if isinstance(result, dict) and holder.read().keys() <= result.keys():
        names, result = list(result), tuple(result.values())
    if not isinstance(result, tuple | list) or len(names) != len(result):
        raise UnfitError
    found = dict(zip(names, result, strict=True))
    holder.put({name: found[name] for name in holder.read() if name in found})
    states.update({name: found[name] for name in states if name in found})


def _zeros(like: Any, names: Sequence[str]) -> Any:
    """Zeros in the place of arrays, or objects that hold some under names, if there are such."""
    if isinstance(like, dict):
        return _States({key: _zeros(each, names) for key, each in like.items()})
    if isinstance(like, list):
        return [_zeros(each, names) for each in like]
    held = {name: np.zeros_like(like) for name in names}
    return SimpleNamespace(**held) if held else np.zeros_like(like)


class _States(dict[Any, Any]):
    """Zeros by the names of gradients, and by names that these are a part of, such as `v_dW1`.

    Attributes:
        parameters: by their names, of which a name may be made as well.
    """

    parameters: Mapping[str, Any] = MappingProxyType({})

    def __missing__(self, key: Any) -> Any:
        known = {**self.parameters, **self}
        like = [each for each in known if isinstance(each, str) and each in str(key)]
        if not like:
            raise KeyError(key)
        self[key] = found = np.zeros_like(known[max(like, key=len)])
        return found


def _step(made: Any, holder: Holder, optimiser: Optimiser, t: int) -> Any:
    """What an update returns, with what is to be called before and after it."""
    if isinstance(made, _Kept):
        return made.step(holder, t)
    _call(made, "pre")
    step = getattr(made, optimiser.method)
    arguments = _arguments(step, holder, t)
    with _theirs():
        result = step(**arguments)
    if holder.arguments:
        _put_by_names(step, holder, {}, result)
    _call(made, "post")
    return result


def _call(made: Any, when: str) -> None:
    """Call what is to be called before or after each update: `pre_update_params()`."""
    for name, _ in methods(type(made)):
        if bare(name).startswith(when) and not needed(getattr(made, name)):
            with _theirs():
                getattr(made, name)()


def _only(holder: Holder, i: int) -> Holder:
    """One parameter with its gradient."""
    return Holder(holder.params[i], holder.grads[i], holder.read, holder.give, rates=holder.rates)


def _take(holder: Holder, result: Any) -> None:
    """Keep the parameters that an update returns, if it returns them."""
    same = type(result) is type(holder.params) and result is not holder.params
    if same and len(result) == len(holder.params) and not any(e is None for e in result):
        holder.put(result)


def _arguments(function: Any, holder: Holder, t: int) -> dict[str, Any]:
    """What a function is called with.

    Raises:
        UnfitError: an argument is not known.
    """
    hiding = (e for e in taken(function) if t or is_0(e.default) or e.name in holder.rates)
    wanted = {e.name: e for e in (*needed(function), *hiding)}
    names = [e.name for e in needed(function)]
    whole = not t and holder.is_of_pairs
    moved = _moved(names, alone=whole) if (t or whole) and not holder.arguments else None
    found = {}
    for name, each in wanted.items():
        if name == moved:
            found[name] = holder.params
        elif name in holder.rates:
            found[name] = holder.rates[name]
        elif not t and "n_in" in kinds_of(name) and isinstance(holder.params, np.ndarray):
            found[name] = np.shape(holder.params)  # of the arrays that it keeps
        elif not t and is_0(each.default):
            found[name] = DECAYING if DECAY.fullmatch(bare(name)) else number_of(name, each.default)
        elif DECAY.fullmatch(bare(name)) and not t:
            found[name] = DECAYING
        elif each.default is each.empty or "rate" in kinds_of(name):
            found[name] = _argument(name, holder, t)
    return found


def _moved(names: Sequence[str], *, alone: bool = False) -> str | None:
    """What is taken beside the gradients, if it is one argument: the parameters, of any name.

    Or alone, where each has its gradient with it.
    """
    rest = [e for e in names if not names_gradients(e) and not is_number(e)]
    return rest[0] if len(rest) == 1 and (alone or len(rest) < len(names)) else None


def _argument(name: str, holder: Holder, t: int) -> Any:
    if name in holder.arguments or name in holder.rates:
        return {**holder.arguments, **holder.rates}[name]
    if names_gradients(name) and holder.grads is not None:
        return holder.grads
    known = number_of(name, RATE if "rate" in kinds_of(name) else None)
    if known is None and TIME.fullmatch(bare(name)):
        return t
    if known is None and (holder.arguments or not holds(name)):
        raise UnfitError(name)
    return holder.params if known is None else known
