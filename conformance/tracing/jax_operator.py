"""An operation of JAX as a function of arrays, which JAX itself can differentiate.

Left out: which operations a function is made of (`custom/by_jax.py`).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from reference.step import Array


class JaxOperator:
    """An operation of JAX on arrays, in float64, which JAX differentiates."""

    def __init__(self, primitive: Any, params: dict[str, Any]) -> None:
        """Take what a jaxpr says; the type of a result follows from that of the operands."""
        same = {"preferred_element_type": None} if "preferred_element_type" in params else {}
        self.primitive, self.params = primitive, {**params, **same}
        self.casts = primitive.name == "convert_element_type"
        self.__name__ = str(primitive.name)

    def __call__(self, *args: Any) -> Any:
        """What it gives.

        Raises:
            ValueError: JAX refuses the arrays, as NumPy's functions do.
            TypeError: they are of exact numbers.
        """
        if any(np.asarray(each).dtype.hasobject for each in args):
            raise TypeError(f"JAX's {self.__name__} has no exact counterpart")
        made = self._bound(*args)
        return tuple(map(np.asarray, made)) if isinstance(made, list | tuple) else np.asarray(made)

    def pulled(self, call: Any, arrays: Sequence[Array], cotangent: Array) -> list[Array | None]:
        """The vector-Jacobian product; see `TorchOperator.pulled`."""
        with jax.enable_x64(True):
            result, pull = jax.vjp(partial(self._of, call), *arrays)
            found = pull(jax.numpy.asarray(cotangent, result.dtype).reshape(result.shape))
        return [np.asarray(each, np.float64) for each in found]

    def pushed(self, call: Any, arrays: Sequence[Array], tangents: Sequence[Array | None]) -> Array:
        """The Jacobian-vector product; see `TorchOperator.pushed`."""
        pairs = zip(arrays, tangents, strict=True)
        along = [np.zeros(a.shape) if t is None else np.reshape(t, a.shape) for a, t in pairs]
        with jax.enable_x64(True):
            return np.asarray(jax.jvp(partial(self._of, call), arrays, along)[1])

    def _of(self, call: Any, *leaves: Any) -> Any:
        args, _, place = call(leaves)
        made = self._bound(*args)
        return made if place is None else made[place]

    def _bound(self, *args: Any) -> Any:
        with jax.enable_x64(True):
            given = [jax.numpy.asarray(each) for each in args]
            floats = [each.dtype for each in given if each.dtype.kind == "f"]
            to = self.params.get("new_dtype", np.dtype(bool))
            if self.casts and np.dtype(to).kind == "f":
                return given[0].astype(floats[0] if floats else np.float64)
            if len({*floats}) > 1:
                given = [e.astype(np.float64) if e.dtype.kind == "f" else e for e in given]
            try:
                return self.primitive.bind(*given, **self.params)
            except TypeError as error:
                raise ValueError(str(error)) from error
