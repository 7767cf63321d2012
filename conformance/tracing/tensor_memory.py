"""What computed a tensor, known by its place in memory, which it may share with NumPy's arrays.

It stays known where numbers go from NumPy and lists to torch and back. Left out: catching what is
done with tensors (`tensors.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from conformance.tracing.arrays import Traced
from conformance.tracing.memory import Memory, address, place
from conformance.tracing.node import Node, flat, taken
from conformance.tracing.trace import Trace, is_traced_number, plain
from reference.step import Array

READABLE = {
    torch.float32: np.float32, torch.float64: np.float64, torch.bool: np.bool_,
    torch.int32: np.int32, torch.int64: np.int64, torch.uint8: np.uint8,
}  # fmt: skip
"""What NumPy has for torch's kinds of numbers."""


class TensorTrace:
    """The tensors of a traced run.

    Attributes:
        trace: of the run.
        numbers: the traced ones with which a function of torch is being called.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.numbers: dict[float, Node] = {}
        self._ours = False  # whether the calls of torch are our own

    @property
    def noting(self) -> bool:
        """Whether the program's calls are noted, and it is the program that calls."""
        return self.trace.recording and not self._ours

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Calls of torch that are not noted, until the end of the block."""
        before, self._ours = self._ours, True
        try:
            yield
        finally:
            self._ours = before

    def array(self, tensor: torch.Tensor) -> Array | None:
        """An array that shares the memory of a tensor; None if NumPy has none that could."""
        dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
        if not dense or tensor.dtype not in READABLE:
            return None
        if not tensor.numel():  # an array of it would forbid torch to resize it
            return np.empty(tuple(tensor.shape), dtype=READABLE[tensor.dtype])
        try:
            with self.quiet():
                return tensor.detach().numpy()
        except RuntimeError:  # inside torch.func a tensor stands for many and has no numbers
            return None

    def node(self, value: Any) -> Any:
        """What computed the present numbers of a tensor; any other argument as it is."""
        array = self.array(value) if isinstance(value, torch.Tensor) else None
        if array is None:
            return value
        memory = self.trace.memories.at(address(array)) if array.size else None
        if memory is None:
            if not array.ndim:
                return self.trace.argument(array.item())
            if array.dtype.kind != "f" or not array.size:
                return np.array(array)
            memory = self.memory(value, array)
        return self.trace.node_of(array, memory)

    def memory(self, tensor: torch.Tensor, array: Array) -> Memory:
        """The memory of a tensor, whose numbers come in untraced if it was not known."""
        found = self.trace.memories.at(address(array))
        if found is None:
            found = self._kept(tensor, array)
            found.state = self.trace.constant(np.array(found.owner))
        return found

    def computed(self, tensor: torch.Tensor, node: Node) -> None:
        """Know a tensor in memory of its own as what a node computed."""
        array = self.array(tensor)
        if array is None or not array.size:
            return
        memory = self._kept(tensor, array)
        if memory.owner is array:
            memory.state = node
        else:
            memory.views[address(array), array.shape, array.strides] = memory.version, node
            self._know_whole(memory, array, node)

    def _know_whole(self, memory: Memory, array: Array, node: Node) -> None:
        """Know all numbers of a memory of which an array shows each once, in another order."""
        places = place(array, memory.owner)
        if places is None or places.size != memory.owner.size:
            return
        order = np.argsort(places, axis=None)
        if np.array_equal(places.ravel()[order], np.arange(order.size)):
            whole = np.array(memory.owner)
            memory.state = self.trace.node("getitem", taken, (node, order), {}, whole)

    def _kept(self, tensor: torch.Tensor, array: Array) -> Memory:
        dense = array.flags.c_contiguous or array.flags.f_contiguous
        if dense and array.nbytes == tensor.untyped_storage().nbytes():
            return self.trace.memories.keep(array)
        with self.quiet():
            length = tensor.untyped_storage().nbytes() // tensor.itemsize
            return self.trace.memories.keep(tensor.detach().as_strided((length,), (1,), 0).numpy())

    def known(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor shares a memory that is known."""
        array = self.array(tensor)
        return array is not None and self.trace.memories.at(address(array)) is not None

    def traced(self, tensor: torch.Tensor, array: Array) -> Any:
        """An array of the numbers of a tensor, as a traced one, sharing what it shares."""
        held = self.node(tensor)
        if type(held) is not Node or array.dtype.kind != "f":
            return array
        if self.trace.memories.at(address(array)) is None:  # a copy
            return self.trace.traced(array, held)
        traced = array.view(Traced)
        traced.tracer = self.trace
        return traced


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
