"""The function of HIPS `autograd` that computes the same as a recorded operation.

Left out: whether its derivative can be trusted (`derive.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from autograd import numpy as anp

from conformance.backward.source import Operation
from conformance.backward.through_complex import Composed
from conformance.tracing.node import Node, part_of

REDUCED = {
    "add.reduce": "sum", "multiply.reduce": "prod", "maximum.reduce": "max",
    "minimum.reduce": "min", "add.accumulate": "cumsum",
}  # fmt: skip
"""What `ufunc.reduce` is called as a function."""

ALIASES = {"amax": "max", "amin": "min", "absolute": "abs"}


def _variance(
    a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, power: float = 1
) -> Any:
    apart = a - anp.mean(a, axis=axis, keepdims=True)
    squares = anp.sum(apart * apart, axis=axis, keepdims=keepdims)
    return (squares / (a.size / max(np.size(squares), 1) - ddof)) ** power


COMPOSED: dict[str, Callable[..., Any]] = {
    "var": _variance,
    "std": lambda a, axis=None, **options: _variance(a, axis, power=0.5, **options),
    "cholesky": lambda a: anp.linalg.cholesky(anp.tril(a) + anp.tril(a, -1).T),  # reads no more
}
"""Functions in terms of others, where autograd's own rules fail."""


def of_autograd(made: Operation) -> Any:
    """The function of `autograd` that computes the same; None if it has none."""
    name = made.node.operation
    if made.node.function is part_of:
        return _part(*made.node.args)
    if "." in name and name not in REDUCED:
        return None
    if "where" in made.kwargs or made.kwargs.get("initial") is not None:
        return None
    if name in COMPOSED:
        return COMPOSED[name]
    found = _named(REDUCED.get(name, ALIASES.get(name, name)))
    if found is None or name == "round":
        return None
    kwargs = made.kwargs.items()
    given = {key: each for key, each in kwargs if each is not None or key == "axis"}
    made.kwargs = {"axis": 0, **made.kwargs} if name in REDUCED else given
    return found


def _part(whole: Node, i: int) -> Any:
    """The function of `autograd` that computes one of several results; None if it has none."""
    several = _named(whole.operation)
    return several and (lambda *args, **kwargs: several(*args, **kwargs)[i])


def _named(name: str) -> Any:
    """The function of `autograd` by the name of one of numpy's; None if it has none."""
    return next((getattr(e, name) for e in (anp, anp.linalg, anp.fft) if hasattr(e, name)), None)


def through(made: Composed, *arrays: Any) -> Any:
    """What is computed through complex values, by the functions of autograd."""

    def by(each: Node) -> tuple[Any, dict[str, Any]]:
        own = Operation(each, each.inputs, each.function or through, each.args, {**each.kwargs})
        return of_autograd(own) or each.function, own.kwargs

    return made.computed(arrays, by)
