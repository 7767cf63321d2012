"""Frozen records to JSON and back, for what a child process sends.

Left out: the report's own JSON (`report/`).
"""

import types
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_values(record: Any) -> Any:
    """A record as dicts, lists and plain values."""
    if is_dataclass(record):
        return {each.name: to_values(getattr(record, each.name)) for each in fields(record)}
    if isinstance(record, tuple | list):
        return [to_values(each) for each in record]
    return record.item() if hasattr(record, "item") else record


def from_values(kind: type[T], values: Any) -> T:
    """The record of a type that such values came from."""
    return _from(kind, values)  # type: ignore[no-any-return]


def _from(kind: Any, values: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if values is None:
            return None
        return _from(next(each for each in inner if each is not type(None)), values)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
            return tuple(_from(inner[0], each) for each in values)
        return tuple(_from(each, value) for each, value in zip(inner, values, strict=True))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        given = {e.name: _from(hints[e.name], values[e.name]) for e in fields(kind)}
        return kind(**given)  # type: ignore[operator]
    if hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        return kind(*(_from(hints[n], v) for n, v in zip(kind._fields, values, strict=True)))
    return float(values) if kind is float else values
