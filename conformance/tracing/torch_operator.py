"""An operator of torch as a function of arrays, which torch itself can differentiate.

Left out: what it does to exact numbers (`torch_functions.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from reference.step import Array

SHORTER = (torch.float32, torch.float16, torch.bfloat16)


class TorchOperator:
    """An operator of torch, in float64.

    Attributes:
        operator: of torch, in the form that writes nowhere.
        exact: what does the same to arrays of exact numbers; None if nothing does.
    """

    def __init__(self, operator: Any, exact: Callable[..., Any] | None) -> None:
        self.operator, self.exact = operator, exact
        self.__name__ = str(operator._schema.name).split("::")[-1]  # noqa: SLF001 - torch's own way

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What it gives for arrays of floats, or of exact numbers.

        Raises:
            ValueError: it refuses the arrays, as NumPy's functions do.
            TypeError: they are of exact numbers, and nothing does the same to these.
        """
        if _has_objects([*args, *kwargs.values()]):
            if self.exact is None:
                raise TypeError(f"torch's {self.__name__} has no exact counterpart")
            return self.exact(*args, **kwargs)
        try:
            with torch.no_grad():
                return _arrays(self.operator(*_tensors(args), **_tensors(kwargs)))
        except RuntimeError as error:
            raise ValueError(str(error)) from error

    def pulled(
        self, call: Callable[[Sequence[Any]], Any], arrays: Sequence[Array], cotangent: Array
    ) -> list[Array | None]:
        """The vector-Jacobian product, by torch.

        Args:
            call: gives `(args, kwargs, place)` with tensors in the place of some operands; the
                place is that of the result among several, None if it is the only one.
            arrays: the values of these operands.
            cotangent: of the result.
        """
        leaves = [_tensor(each).requires_grad_() for each in arrays]
        result = self._result(call(leaves))
        if not result.requires_grad:
            return [None] * len(leaves)
        sent = _tensor(np.asarray(cotangent)).reshape(result.shape)
        found = torch.autograd.grad(result, leaves, sent, allow_unused=True)
        return [None if each is None else each.numpy() for each in found]

    def pushed(
        self,
        call: Callable[[Sequence[Any]], Any],
        arrays: Sequence[Array],
        tangents: Sequence[Array | None],
    ) -> Array:
        """The Jacobian-vector product, by torch: the derivative of the other one.

        Raises:
            NotImplementedError: torch cannot differentiate the operator twice.
        """
        leaves = tuple(map(_tensor, arrays))
        pairs = zip(leaves, tangents, strict=True)
        along = tuple(
            torch.zeros_like(e) if t is None else _tensor(np.asarray(t)).reshape(e.shape)
            for e, t in pairs
        )
        try:
            found = torch.autograd.functional.jvp(  # type: ignore[no-untyped-call]
                lambda *given: self._result(call(given)), leaves, along
            )
        except RuntimeError as error:
            raise NotImplementedError(self.__name__) from error
        return np.asarray(found[1].numpy())

    def _result(self, called: Any) -> torch.Tensor:
        args, kwargs, place = called
        with torch.enable_grad():
            result = self.operator(*_tensors(args), **_tensors(kwargs))
        found: torch.Tensor = result if place is None else result[place]
        return found


def without_writing(operator: Any) -> Any:
    """The form of an operator that gives a new tensor; None if there is none."""
    if not operator._schema.is_mutable:  # noqa: SLF001 - torch's own way to ask
        return operator
    name = str(operator._schema.name).split("::")[-1].removesuffix("_")  # noqa: SLF001
    found = getattr(torch.ops.aten, name, None)
    overload = str(operator._schema.overload_name) or "default"  # noqa: SLF001
    return getattr(found, overload, None)


def _has_objects(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_objects, value))
    return (isinstance(value, np.ndarray | np.generic) and value.dtype.hasobject) or (
        type(value).__module__.startswith("conformance.")
    )


def _tensor(array: Array) -> torch.Tensor:
    made = np.ascontiguousarray(array).reshape(np.shape(array))
    return torch.from_numpy(made.astype(np.float64) if made.dtype.kind == "f" else made.copy())


def _tensors(value: Any) -> Any:
    """Arguments with tensors in the place of arrays, of float64 where they are of floats."""
    kind = type(value)
    if isinstance(value, np.ndarray | np.generic):
        return _tensor(np.asarray(value))
    if kind in (list, tuple):
        return kind(_tensors(each) for each in value)
    if kind is dict:
        return {key: _tensors(each) for key, each in value.items()}
    return torch.float64 if value in SHORTER and kind is torch.dtype else value


def _arrays(value: Any) -> Any:
    """Results with arrays in the place of tensors."""
    if isinstance(value, torch.Tensor):
        return value.numpy()
    return tuple(map(_arrays, value)) if isinstance(value, list | tuple) else value
