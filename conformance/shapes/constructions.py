"""The ways in which a class may be called, by the names and the number of its arguments.

Left out: calling it (`plans.py`), and what makes a layer (`layer_shapes.py`).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.programs.vocabulary import bare, kinds_of
from conformance.shapes.arguments import (
    PENALTY,
    RATE,
    Scope,
    by_name,
    called,
    data_kinds,
    needed,
    size_kinds,
    taken,
)
from conformance.shapes.example_data import Data


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
        for count in (2, 3) if words else ():  # one for each layer, without the inputs or with them
            yield said, (), {**by_size, **{e: [by_size[e]] * count for e in words}}
        hidden = {"n_hidden", "n_hiddens", "sizes"}
        fewer = {
            each.name: by_size[each.name]
            for each in taken(factory)
            if each.name in by_size
            and (each.default is inspect.Parameter.empty or not hidden & set(kinds_of(each.name)))
        }
        if len(fewer) < len(by_size):
            yield said, (), fewer
        listed = [name for name, value in by_size.items() if value == sizes["sizes"]]
        if 0 < len(listed) < len(by_size):
            yield said, (), {name: e for name, e in by_size.items() if name not in listed}
        for other in ([s.n_in, s.n_hidden, s.n_hidden - 1, s.n_out], [s.n_in, s.n_out]):
            if listed:
                yield said, (), {**by_size, **dict.fromkeys(listed, other)}
    by_data = by_name(factory, Scope({**sizes, **data_kinds(data, PENALTY)}))
    if by_data is not None and any(value is data.x for value in by_data.values()):
        yield said, (), by_data
    for given in _by_order(data).get(len(needed(factory)), ()):
        yield said, given, {}


def _by_order(data: Data) -> Mapping[int, tuple[tuple[Any, ...], ...]]:
    """What a class may be given whose arguments have names that say nothing, by their number."""
    s = data.sizes
    return {
        0: ((),),
        1: (([s.n_in, s.n_hidden, s.n_out],),),
        2: ((s.n_in, s.n_out), (data.x, data.y)),
        3: ((s.n_in, s.n_hidden, s.n_out), (data.x, data.y, s.n_hidden)),
        4: ((s.n_in, s.n_hidden, s.n_out, RATE), (s.n_in, s.n_hidden, s.n_hidden + 1, s.n_out)),
        5: ((s.n_in, s.n_hidden, s.n_hidden + 1, s.n_out, RATE),),
    }
