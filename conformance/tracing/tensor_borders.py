"""Where numbers go from NumPy and lists to torch and back: what computed them stays known.

Left out: what is computed of tensors (`tensors.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from conformance.tracing.arrays import Traced
from conformance.tracing.node import Node, flat
from conformance.tracing.plain import is_traced_number, plain
from conformance.tracing.tensor_memory import TensorTrace

FROM_ARRAYS = (torch.tensor, torch.as_tensor, torch.asarray)
TO_ARRAYS = (torch.Tensor.numpy, torch.Tensor.__array__)
TO_NUMBERS = (torch.Tensor.tolist, torch.Tensor.item)


class Borders(TorchFunctionMode):
    """Where numbers go from NumPy and lists to torch, and back."""

    def __init__(self, tensors: TensorTrace) -> None:
        super().__init__()
        self.tensors = tensors

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function; at a border, keep what computed the numbers."""
        kwargs, tensors = kwargs or {}, self.tensors
        if not tensors.noting:
            return func(*args, **kwargs)
        if getattr(func, "__name__", "") in ("backward", "grad"):
            tensors.trace.autograd = True
        if func in FROM_ARRAYS:
            return self._made(func, args, kwargs)
        if func in TO_ARRAYS:
            with tensors.quiet():
                array = func(*args, **kwargs)
            return tensors.traced(args[0], array)
        if func in TO_NUMBERS and type(tensors.node(args[0])) is Node:
            return self._numbers(func, args[0])
        given = [each for each in flat((args, kwargs)) if is_traced_number(each)]
        tensors.numbers = {float(each): each.node for each in given}
        try:
            return func(*args, **kwargs)
        finally:
            tensors.numbers = {}

    def _made(self, func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        tensors, trace = self.tensors, self.tensors.trace
        data = (*args, *kwargs.values())[0]
        held = trace.argument(data)
        with tensors.quiet():
            result = func(*plain(args), **plain(kwargs))
        if tensors.known(result):
            return result
        array = tensors.array(result)
        if array is not None and array.dtype.kind == "f":
            if not any(type(each) is Node for each in flat(held)):
                node = trace.constant(np.array(array))
            elif type(held) is Node and held.value.dtype == array.dtype:
                node = held  # a copy
            else:
                node = trace.node("array", _stacked, (held,), {}, np.array(array))
            tensors.computed(result, node)
        return result

    def _numbers(self, func: Callable[..., Any], tensor: torch.Tensor) -> Any:
        with self.tensors.quiet():
            array = tensor.detach().numpy()
        traced = self.tensors.traced(tensor, array)
        if not isinstance(traced, Traced):
            return func(tensor)
        doubles = traced if array.dtype == np.float64 else traced.astype(np.float64)
        return doubles.item() if func is torch.Tensor.item else doubles.tolist()


def _stacked(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return np.stack([*map(_stacked, given)])
    return np.asarray(given)
