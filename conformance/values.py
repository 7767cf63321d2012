"""Records of frozen values as JSON values, and back.

A record is a dataclass or a named tuple, of texts, numbers, enumerations, tuples, dicts and other
records. Left out: which records there are, and what a format adds to them.
"""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

PLAIN = frozenset((str, int, bool, type(None)))
"""Types of which JSON has the values themselves."""

Reader = Callable[[Any], Any]


def to_values(value: Any) -> Any:
    """A record as JSON values, by the names of its fields.

    A float that is not finite, which JSON does not have, is the string "nan", "inf" or "-inf".
    """
    kind: Any = type(value)
    if kind in PLAIN or (kind is float and math.isfinite(value)):
        return value
    if names := _names(kind):
        own = ((name, getattr(value, name)) for name in names)
        return {name: each if type(each) in PLAIN else to_values(each) for name, each in own}
    if isinstance(value, tuple | list):
        return [to_values(each) for each in value]
    if isinstance(value, StrEnum) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    if isinstance(value, Mapping):
        return {name: to_values(each) for name, each in value.items()}
    return value.item() if hasattr(value, "item") else value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """Of the fields of a kind of records; none if it is no dataclass and no named tuple."""
    named: tuple[str, ...] = getattr(kind, "_fields", ())
    if not is_dataclass(kind):
        return named
    return tuple(each.name for each in fields(kind) if each.metadata.get("sent", True))


def from_values(kind: Any, value: Any) -> Any:
    """The record of a kind that some JSON values stand for; what is not there has its default.

    Raises:
        TypeError: they are not of this kind, or a field without default is missing.
        ValueError: a text is no number, or none of an enumeration.
    """
    return _reader(kind)(value)


@cache
def _reader(kind: Any) -> Reader:
    """What makes a value of a kind of JSON values."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(inner)
    if origin in (tuple, list):
        return _listed(origin, inner)
    if origin in (dict, Mapping):
        read = _reader(inner[1])
        return lambda value: {name: read(each) for name, each in value.items()}
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        named = {name: _reader(each) for name, each in get_type_hints(kind).items()}
        return lambda value: kind(**{n: read(value[n]) for n, read in named.items() if n in value})
    if kind is float or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return kind
    return lambda value: _checked(kind, value) if kind in (str, int, bool) else value


def _optional(inner: tuple[Any, ...]) -> Reader:
    """Of what may be None; a value that may be of several kinds is taken as it is."""
    kinds = [each for each in inner if each is not type(None)]
    read = _reader(kinds[0] if len(kinds) == 1 else Any)
    return lambda value: None if value is None else read(value)


def _listed(origin: Any, inner: tuple[Any, ...]) -> Reader:
    """Of a tuple or a list, of so many kinds or of one."""
    if origin is tuple and inner[1:] != (...,):
        kinds = [_reader(each) for each in inner]
        return lambda value: tuple(
            read(each) for read, each in zip(kinds, _checked(list | tuple, value), strict=True)
        )
    read = _reader(inner[0])
    return lambda value: origin(map(read, _checked(list | tuple, value)))


def _checked(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {getattr(kind, '__name__', 'list')}")
    return value
