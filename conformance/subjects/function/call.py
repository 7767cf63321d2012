"""Calling a function `step(weights, biases, x, y, eta)`, and reading the dict that it returns.

Left out: what the numbers are.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from conformance.corpus.case import Case
from conformance.errors import SubjectError
from conformance.running.quiet import quiet
from conformance.running.tracebacks import call
from conformance.subjects.function.conventions import FunctionConventions, Quantities
from reference.step import Array, Batch, Parameters


class CalledFunction:
    """A function and how to call it."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        """Look at the keywords that it names."""
        self.function, self.name = function, name
        self.taken = {"lmbda", "n", "cost"} & set(inspect.signature(function).parameters)
        self.decays = {"lmbda", "n"} <= self.taken

    def raw(
        self, c: FunctionConventions, case: Case, parameters: Parameters, batch: Batch
    ) -> tuple[Any, Batch]:
        """What the function returns, called in some conventions, and the samples as it left them.

        Raises:
            SubjectError: it returned no dict.
        """
        w, b, x, y = c.theirs(parameters, batch)
        with quiet():
            returned = self.returned(case, (w, b, x, y, case.eta))
        return returned, Batch(x.T, y.T) if c.rows else Batch(x, y)

    def returned(self, case: Case, arguments: tuple[Any, ...]) -> Mapping[Any, Any]:
        """What the function returns of arguments as it takes them.

        Raises:
            SubjectError: it returned no dict.
        """
        lmbda = case.lmbda if self.decays else 0.0
        known = {"lmbda": lmbda, "n": case.n, "cost": case.cost}
        keywords = {key: known[key] for key in self.taken}
        returned = call(self.function, *arguments, **keywords)
        if not isinstance(returned, Mapping):
            raise SubjectError(
                f"{self.name} returned a {type(returned).__name__}, expected a dict of quantities "
                "by their names (`z2`, `delta3`, `nabla_w2`, …)"
            )
        return returned

    def numbers(self, returned: Mapping[Any, Any], dtype: DTypeLike) -> Quantities:
        """What it returned as arrays; a list or a plain number, which has no dtype, gets this one.

        Raises:
            SubjectError: a value is no array of real numbers.
        """
        return {key: self._numbers(key, value, dtype) for key, value in returned.items()}

    def _numbers(self, key: object, value: Any, dtype: DTypeLike) -> Array:
        if not isinstance(key, str):
            raise SubjectError(f"{self.name} returned the key {key!r}, expected names such as `z2`")
        if callable(getattr(value, "detach", None)):  # a tensor in a graph
            value = value.detach()
        kind = f"{self.name} returned `{key}` as a {type(value).__name__}"
        try:
            array = np.array(value)
        except Exception as error:
            raise SubjectError(f"{kind} that makes no array: {error}") from error
        if array.dtype.kind not in "fiu":
            of = f" of {array.dtype}" if isinstance(value, np.ndarray | list | tuple) else ""
            raise SubjectError(f"{kind}{of}, expected an array of real numbers")
        return array if hasattr(value, "dtype") else array.astype(dtype)
