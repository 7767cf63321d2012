"""What is known of a backward pass as JSON values, and back.

The format is described by `backward.schema.json` beside this file. It begins as that of a network
does (`record.py`), and has a list `blames` too, each with `lines`, the one to blame first.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from conformance.backward.findings import Accused, Examined, Judged, Passed
from conformance.report.backward_words import blame_lines, conventions
from conformance.report.detail_record import number
from conformance.report.record import REPORT_VERSION
from conformance.report.visible import visible


def to_json(name: str, examined: Examined) -> dict[str, Any]:
    """What is known of a program as JSON values."""
    return {
        "report_version": REPORT_VERSION,
        "subject": name,
        "ok": examined.ok,
        "exit_code": 0 if examined.ok else 1,
        "conventions": [visible(each) for each in conventions(examined)],
        "cost": examined.cost,
        "factor": number(examined.factor),
        "decay": number(examined.decay),
        "output_error": to_values(examined.output_error),
        "kinks": examined.kinks,
        "gradients": [to_values(each) for each in examined.gradients],
        "passes": [to_values(each) for each in examined.passes],
        "blames": [_blame_to_json(each) for each in examined.accused],
    }


def from_json(values: Mapping[str, Any]) -> tuple[str, Examined]:
    """The name of a program and what is known of it, of some JSON values."""
    return values["subject"], Examined(
        tuple(from_values(Judged, each) for each in values["gradients"]),
        tuple(from_values(Accused, each) for each in values["blames"]),
        values["kinks"],
        values["cost"],
        float(values["factor"]),
        float(values["decay"]),
        from_values(get_type_hints(Examined)["output_error"], values["output_error"]),
        tuple(from_values(Passed, each) for each in values["passes"]),
    )


def _blame_to_json(blame: Accused) -> dict[str, Any]:
    text = "\n".join(visible(each) for each in blame_lines(blame))
    return {**to_values(blame), "kind": blame.cause.kind, "text": text}


def to_values(value: Any) -> Any:
    """A record as JSON values, by the names of its fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_values(getattr(value, each.name)) for each in fields(value)}
    if hasattr(value, "_asdict"):  # a named tuple
        return {name: to_values(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [to_values(each) for each in value]
    return number(value)


def from_values(kind: Any, value: Any) -> Any:
    """The record of a kind that some JSON values stand for."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
        return None if value is None else from_values(kind, value)
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        many = inner[1:] == (...,)
        kinds = [inner[0]] * len(value) if many else inner
        return tuple(from_values(each, v) for each, v in zip(kinds, value, strict=True))
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        return kind(**{name: from_values(each, value[name]) for name, each in hints.items()})
    return float(value) if kind is float else value
