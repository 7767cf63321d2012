"""What a subject gives, looked at before we compute with it: lists of arrays of real numbers.

Left out: shapes and dtypes, which are judged (`verdict/deviation.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.arithmetic.exact import Exact
from conformance.errors import SubjectError

NUMBERS = "fiubc"  # kinds of dtype; what is complex or a truth value is judged as such


def layers(value: Any, what: str) -> list[Any]:
    """A list with an array of numbers a layer, as it is.

    Args:
        value: what the subject gave.
        what: for messages, such as "`weights`".

    Raises:
        SubjectError: it is no list, or holds something else.
    """
    if not goes_through(value):
        raise SubjectError(f"{what} is {kind(value)}, expected a list with an array a layer")
    held = [*value]
    for i, each in enumerate(held):
        numbers(each, f"{what}[{i}]")
    return held


def goes_through(value: Any) -> bool:
    """Whether a value is a list of some kind, which can be gone through more than once."""
    return isinstance(value, Iterable) and not isinstance(value, Mapping | str | bytes | Iterator)


def numbers(value: Any, what: str) -> Any:
    """An array, a number, or nested lists of numbers, as it is.

    Raises:
        SubjectError: it is something else, or holds something else.
    """
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise SubjectError(f"{what} makes no array: {str(error).split('.')[0]}") from error
    if array.dtype.kind in NUMBERS:
        return value
    if array.dtype.kind != "O":
        raise SubjectError(f"{what} is {kind(value)} of {array.dtype}, expected real numbers")
    for entry in array.flat:
        problem = _problem(entry)
        if problem:
            raise SubjectError(f"{what} {'holds' if array.ndim else 'is'} {problem}")
    return value


def kind(value: Any) -> str:
    """What a value is, for a message."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


def _problem(entry: Any) -> str:
    if isinstance(entry, Exact):
        return ""
    try:
        float(entry)
    except OverflowError:
        return f"{kind(entry)} that no float can hold, expected real numbers"
    except Exception:  # noqa: BLE001 - whatever a stranger's type raises
        return f"{kind(entry)}, expected real numbers"
    return f"{kind(entry)}, expected real numbers" if isinstance(entry, str) else ""
