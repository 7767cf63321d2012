"""Records of frozen values as JSON values, and back: what a child process sends.

Left out: which records there are.
"""

import types
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}
"""Numbers that JSON does not have."""


def to_json(value: Any) -> Any:
    """A record as dicts and lists."""
    if is_dataclass(value):
        return {each.name: to_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", None)
        if names:
            return {name: to_json(each) for name, each in zip(names, value, strict=True)}
        return [to_json(each) for each in value]
    if isinstance(value, float) and str(value) in NUMBERS:
        return str(value)
    return value.item() if hasattr(value, "item") else value


def from_json(kind: Any, value: Any) -> Any:
    """The record of some JSON values.

    Args:
        kind: the type of the record.
        value: as `to_json` gives it.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if value is None:
        return None
    if origin in (Union, types.UnionType):
        return from_json(next(each for each in inner if each is not type(None)), value)
    if origin is tuple:
        return tuple(_parts(inner, value))
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        return kind(**{name: from_json(hints[name], each) for name, each in value.items()})
    return NUMBERS[value] if kind is float and isinstance(value, str) else value


def _parts(inner: tuple[Any, ...], values: Iterable[Any]) -> Iterable[Any]:
    kinds = [inner[0]] * len([*values]) if inner[1:] == (...,) else inner
    return (from_json(kind, each) for kind, each in zip(kinds, values, strict=True))
