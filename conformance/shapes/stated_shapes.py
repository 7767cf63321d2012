"""The shapes that the docstring of a function states of its arguments: `X: (n, d), y: (n,)`.

Left out: what the arguments are then (`argument_values.py`, `coded_targets.py`).
"""

import re
from collections.abc import Iterator, Sequence
from types import FunctionType

from conformance.shapes.argument_values import Shape
from conformance.shapes.example_data import N_HIDDEN, N_IN, N_OUT, M

STATED = re.compile(
    r"((?:\w+(?:\s*,\s*|\s+and\s+))*\w+)\s*:\s*(?:\w+ (?:of shape )?)?(\([^()]*\)|scalar|float)"
)
"""Names, and the shape of each."""
LENGTH = re.compile(r"(\w+)\s*(?:([+-])\s*(\d+))?")
"""A length in a shape: `n`, `3`, `C-1`."""
LENGTHS = (M, N_IN, N_OUT, N_HIDDEN, 7, 10, 9)
"""What letters stand for, in the order in which they are stated."""


def stated_shapes(function: FunctionType, names: Sequence[str]) -> dict[str, Shape]:
    """The shapes of arguments that a docstring states, with a length for each letter.

    Args:
        function: it has the docstring, or none.
        names: of its arguments.
    """
    known: dict[str, int] = {}
    found: dict[str, Shape] = {}
    for told, shape in STATED.findall(function.__doc__ or ""):
        lengths = list(_lengths(shape, known))
        if None not in lengths:
            shapes = tuple(each for each in lengths if each is not None)
            found |= {e: shapes for e in re.findall(r"\w+", told) if e in names}
    return found


def _lengths(shape: str, known: dict[str, int]) -> Iterator[int | None]:
    """The lengths of a shape as it is stated; None for what is none."""
    for each in filter(None, map(str.strip, shape.strip("()").split(","))):
        length = LENGTH.fullmatch(each)
        if shape.isalpha():  # a number
            return
        if length is None:
            yield None
            continue
        letter, sign, more = length.groups()
        left = (n for n in LENGTHS if n not in known.values())
        base = int(letter) if letter.isdigit() else known.setdefault(letter, next(left, M))
        yield base + int(f"{sign or ''}{more or 0}")
