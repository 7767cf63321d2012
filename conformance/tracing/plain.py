"""What is plain of traced values, and the trace that they belong to.

Left out: the traced arrays (`arrays.py`) and numbers (`traced_numbers.py`) themselves.
"""

from typing import Any

import numpy as np

from conformance.tracing.node import flat
from conformance.tracing.trace import Trace


def plain(value: Any) -> Any:
    """The value with every traced array and number in it made plain, sharing its memory."""
    kind = type(value)
    if kind is Trace.array_type:
        return value.view(np.ndarray)
    if kind in Trace.numbers:
        return value.plain
    if kind is list or kind is tuple:
        return kind(map(plain, value))
    return {key: plain(each) for key, each in value.items()} if kind is dict else value


def plain_of(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same of named arguments."""
    return {key: plain(each) for key, each in kwargs.items()} if kwargs else kwargs


def trace_of_call(args: Any, kwargs: dict[str, Any]) -> Trace | None:
    """The trace of the first argument that has one."""
    for each in args:
        if isinstance(each, Trace.array_type) and each.tracer is not None:
            found: Trace = each.tracer
            return found
    return trace_of((args, kwargs))


def trace_of(values: Any) -> Trace | None:
    """The trace of the first of some values, in lists too, that has one."""
    for each in flat(values):
        if (
            isinstance(each, Trace.array_type) or is_traced_number(each)
        ) and each.tracer is not None:
            found: Trace = each.tracer
            return found
    return None


def is_traced_number(value: Any) -> bool:
    """Whether it is a number that notes what is done with it."""
    return type(value) in Trace.numbers
