"""The gradients that what goes backward returned, each with the argument that it is of.

Left out: judging them (`function_pairs.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.backward.recorded_pass import OwnPass
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import bare, stem
from conformance.shapes.attempts import UnfitError, node_of
from conformance.shapes.function_sources import returned_parts


def arrays_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of floats among arguments, those in a dict by their keys."""
    found = {}
    for name, each in given.items():
        inner = each if isinstance(each, dict) else {name: each}
        found.update({key: value for key, value in inner.items() if is_floats(value)})
    return found


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
