"""What a subject gives, looked at before we compute with it, and how near two arrays are.

They are recognised by that, and not judged. Left out: shapes and dtypes, which are judged
(`verdict/deviation.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.arithmetic.exact import Exact
from conformance.errors import SubjectError
from reference.step import Array

CLOSE = {"float64": 1e-7, "float32": 1e-3, "float16": 0.1}
"""How near is near enough in a dtype, as a part of the largest entry."""


def alike(array: Array, other: Array, close: float) -> bool:
    """Whether two arrays of one size hold about the same numbers, row by row or turned.

    Args:
        array: one of them.
        other: the other.
        close: how far apart they may be, as a part of the other's largest entry.
    """
    if array.size != other.size or array.size == 0:
        return False
    first, second = (np.asarray(each, dtype=np.float64) for each in (array, other))
    if min(first.ndim, second.ndim) > 1 and first.shape == second.T.shape != second.shape:
        second = second.T
    with np.errstate(all="ignore"):
        apart, largest = np.abs(first.ravel() - second.ravel()).max(), np.abs(second).max()
        return not apart or bool(apart / largest <= close)


def same(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same numbers, NaN being itself."""
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape:
        return False
    numbers = (first == first) | (second == second)  # noqa: PLR0124 - NumPy asks no objects
    return not np.any((first != second) & numbers)


def all_same(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether each of some arrays is the same among others, by their names."""
    return all(name in others and same(each, others[name]) for name, each in some.items())


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
