"""How a network with the book's interface is given its parameters.

Left out: how it lays out its numbers (`conventions.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.errors import UsageError
from reference.step import Array


def check_assignable(net: Any, name: str) -> None:
    """Check that a network can be given parameters.

    Raises:
        UsageError: it cannot.
    """
    for each in ("weights", "biases"):
        held = getattr(net, each)
        if isinstance(held, Mapping) or not isinstance(held, Iterable):
            kind = type(held).__name__
            raise UsageError(f"{name}: `{each}` is a {kind}, expected a list with an array a layer")
        try:
            setattr(net, each, held)
        except AttributeError as error:
            raise UsageError(
                f"{name}: `{each}` cannot be assigned, which is how it is given the numbers of a "
                f"case: {error}"
            ) from error


def fill_in_place(net: Any, w: Sequence[Array], b: Sequence[Array]) -> None:
    """Write parameters into the arrays that a network has.

    Raises:
        TypeError: they are balls, which arrays of floats do not hold.
    """
    for held, given in ((net.weights, w), (net.biases, b)):
        for array, new in zip(held, given, strict=True):
            if np.asarray(new).dtype.hasobject:
                raise TypeError("the arrays that it has, which are filled in place, hold no balls")
            np.copyto(array, new)
