"""What a function that goes backward is given after one that goes forward, and what it returns.

It is given by its arguments' names what went forward, what came out, ∂C/∂(an output), or the cache;
else a ∂C/∂(an output) for each output and then what is kept. Each gradient that it returns is that
of an argument. Left out: judging the two (`function_pairs.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import OwnPass
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, differentiated, is_upstream, kinds_of, stem
from conformance.shapes.arguments import needed
from conformance.shapes.attempts import UnfitError, node_of, result_of
from conformance.shapes.function_sources import returned_names, returned_parts
from reference.step import Array

Drawn = Callable[[tuple[int, ...], str], Array]
"""Gives an array of a shape, for an argument of this name."""


@dataclass(frozen=True)
class Went:
    """What two functions did.

    Attributes:
        pairs: the outputs, each with the ∂C/∂ of it that was given back.
        back: what the second returned.
        inner: the names of what is ∂C/∂(something before an output).
    """

    pairs: tuple[tuple[Any, Array], ...]
    back: Any
    inner: tuple[str, ...] = ()


def went(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    given: Mapping[str, Any],
    drawn: Drawn,
) -> Went:
    """Run a function that goes forward, and one that goes backward after it.

    Args:
        forward: the first.
        backward: the second.
        given: to the first, by name.
        drawn: draws what the second is given.

    Raises:
        UnfitError: one of them stops, or gives no array.
    """
    try:
        result = result_of(forward, **given)
    except UnfitError as error:
        raise UnfitError(f"{forward.__name__}: {error}") from error
    parts = list(result) if isinstance(result, tuple | list) else [result]
    outs = [each for each in parts if _is_output(each)]
    if not outs or outs[0] is not parts[0]:
        raise UnfitError(f"{forward.__name__}: it gives no array")
    problem = UnfitError(f"{backward.__name__}: its arguments are not known", stage=1)
    for args in _ways(forward, backward, given, parts):
        upstream = {e.key: drawn(np.shape(e.out), e.name) for e in args if isinstance(e, _Of)}
        seeds = {key: np.array(each) for key, each in upstream.items()}  # it may write into them
        try:
            back = result_of(
                backward, *(upstream[e.key] if isinstance(e, _Of) else e for e in args)
            )
        except UnfitError as error:
            problem = UnfitError(f"{backward.__name__}: {error}", stage=1)
            continue
        once = {id(each): each for each in outs if id(each) in upstream}  # one may be kept too
        inner = tuple(each.name for each in args if isinstance(each, _Of) and each.inner)
        return Went(tuple((each, seeds[key]) for key, each in once.items()), back, inner)
    raise problem


@dataclass(frozen=True)
class _Of:
    """∂C/∂(an output), not drawn yet, as an argument of some name.

    Attributes:
        inner: whether it is that of something before the output, and as large.
    """

    out: Any
    name: str
    inner: bool = False

    @property
    def key(self) -> Any:
        """The same for all that are of one output."""
        return self.name if self.inner else id(self.out)


def _ways(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    given: Mapping[str, Any],
    parts: list[Any],
) -> Iterator[tuple[Any, ...]]:
    """The arguments that the second function may take, in order."""
    names = [each.name for each in needed(backward)]
    returned = returned_names(forward)
    named = dict(zip(returned, parts, strict=True)) if len(returned) == len(parts) else {}
    settings = {name: 0.0 for name in names if "penalty" in kinds_of(name)}  # its loss has none
    by_name = _by_name(names, {**settings, **given}, named, parts)
    if by_name is not None:
        yield by_name
    for kept in (parts[1:], _spread(parts[1:]), parts):
        if len(kept) == len(names) - 1:
            yield (_Of(parts[0], names[0]), *kept)


def _by_name(
    names: list[str], given: Mapping[str, Any], named: Mapping[str, Any], parts: list[Any]
) -> tuple[Any, ...] | None:
    """The arguments by their names; None if one says nothing."""
    same = [e for e in parts if _is_output(e) and np.shape(e) == np.shape(parts[0])]
    known = {key: e for key, e in named.items() if _is_output(e)}
    asked = [name for name in names if name not in given and name not in named]
    outs = [each for each in asked if "cache" not in kinds_of(each) and is_upstream(each)]
    told = {e: differentiated(e, filter(str.isidentifier, known)) for e in outs}
    found = {e: _Of(known[to], e) for e, to in told.items() if to}
    others = [e for e in parts if _is_output(e)]
    for name in outs:
        if name in found:
            continue
        taken = [of.out for of in found.values()]
        left = [e for e in (*same, *others) if all(e is not out for out in taken)]
        if not left:
            return None
        found[name] = _Of(left[0], name, inner=all(left[0] is not e for e in same))
    rest = [each for each in asked if each not in found]
    if len(rest) > 1 or not found:
        return None
    by_name = [id(e) for name, e in named.items() if name in names]
    kept = [e for e in parts[len(found) :] if id(e) not in by_name]
    kept = kept or parts[: len(found)]  # what keeps nothing may be given its output
    cache = kept[0] if len(kept) == 1 else last_or_all(kept)
    caches = {name: e for name, e in named.items() if "cache" in kinds_of(name)}  # not those given
    values = {**named, **given, **caches, **found}
    return tuple(values.get(name, cache) for name in names)


def _is_output(value: Any) -> bool:
    """Whether it is an array of floats, or a float, such as a loss."""
    return (is_floats(value) and value.size > 0) or isinstance(value, float | np.floating)


def last_or_all(kept: list[Any]) -> Any:
    """The cache among what comes after the outputs: what is no array and stands last, or all."""
    return kept[-1] if kept and not is_floats(kept[-1]) else tuple(kept)


def _spread(kept: list[Any]) -> list[Any]:
    return list(kept[0]) if len(kept) == 1 and isinstance(kept[0], tuple | list) else kept


def arguments_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by their names, those in a dict by their keys."""
    inner = (each if isinstance(each, dict) else {name: each} for name, each in given.items())
    return {key: value for each in inner for key, value in each.items()}


def arrays_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of floats among arguments, those in a dict by their keys."""
    return {key: value for key, value in arguments_in(given).items() if is_floats(value)}


def gradients(function: Callable[..., Any], back: Any, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The gradients that a function returned, each with its argument: by name, else in order.

    Those in a dict, which may be returned beside others, have the names of its keys.

    Raises:
        UnfitError: it returned more.
    """
    own = {bare(name): name for name in arrays}
    pairs: dict[str, Any] = {}
    parts: list[tuple[str, Any]] = []
    for name, each in _parts(function, back):
        if isinstance(each, dict):
            keyed = ((own.get(bare(key), own.get(stem(key))), e) for key, e in each.items())
            known = {key: e for key, e in keyed if key is not None and e is not arrays[key]}
            pairs |= {key: e for key, e in known.items() if isinstance(e, NUMBERS)}
        elif isinstance(each, NUMBERS):
            parts.append((stem(name), each))
    left = [name for name in arrays if name not in pairs]
    if len(parts) > len(left):
        raise UnfitError(f"{function.__name__}: it gives more gradients than are asked for", 1)
    told = {own[name]: each for name, each in parts if own.get(name) in left}
    if pairs or len(told) == len(parts):  # those whose names tell, then the others in order
        pairs |= told
        parts = [(name, each) for name, each in parts if own.get(name) not in told]
    order = (name for name in arrays if name not in pairs)
    pairs |= dict(zip(order, (each for _, each in parts), strict=False))
    return {name: pairs[name] for name in arrays if name in pairs}


def beside(function: Callable[..., Any], back: Any, step: OwnPass) -> Iterator[str]:
    """The keys of the dicts that a function returned which are of no argument, nor on the way."""
    known = {bare(each.name) for each in step.goals}
    for _, part in _parts(function, back):
        for key, value in part.items() if isinstance(part, dict) else ():
            if known.isdisjoint({bare(key), stem(key)}) and is_floats(value) and np.ndim(value):
                node = node_of(step.trace, value)
                if not node.given and not any(each.node.depends_on(node) for each in step.goals):
                    yield key


NUMBERS = (np.ndarray, np.floating, float)


def _parts(function: Callable[..., Any], back: Any) -> Iterator[tuple[str, Any]]:
    """What a function returned, part by part, within tuples and lists too, with their names."""
    waiting = returned_parts(function, back)
    while waiting:
        name, part = waiting.pop(0)
        if isinstance(part, tuple | list):
            waiting = [(f"{name}[{i}]", each) for i, each in enumerate(part)] + waiting
        else:
            yield name, part


def said(value: Any) -> str:
    """The shape of an array, or another value."""
    return f"({', '.join(map(str, value.shape))})" if isinstance(value, np.ndarray) else f"{value}"
