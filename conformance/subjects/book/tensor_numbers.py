"""A network of torch tensors: copies go in and copies come out.

Left out: how their operations are traced (`tracing/tensors.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from conformance.errors import SubjectError, UsageError
from conformance.subjects.book.array_numbers import ArrayNumbers
from conformance.tracing.arrays import Traced
from conformance.tracing.tensors import traced_tensors
from conformance.tracing.trace import Trace
from reference.step import Array

DTYPES = {torch.float32: "float32", torch.float64: "float64"}


class TensorNumbers(ArrayNumbers):
    """The border to a network whose parameters are tensors."""

    exact = False

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        """Take the dtype and the device of a new network's parameters.

        Raises:
            UsageError: they are of several dtypes, or of one in which nothing is judged.
        """
        torch.set_num_threads(1)
        kinds = sorted({str(each.dtype) for each in tensors})
        if len(kinds) != 1 or tensors[0].dtype not in DTYPES:
            raise UsageError(
                f"`weights` and `biases` are tensors of {' and '.join(kinds)}, "
                "expected torch.float32 or torch.float64 for all"
            )
        self.kind, self.device = tensors[0].dtype, tensors[0].device
        self.dtype = DTYPES[self.kind]
        self.autograd = False  # whether it was seen to ask for a gradient

    def out(self, array: Any) -> Any:
        """A tensor with the numbers of an array in memory of its own; a tensor stays itself."""
        if isinstance(array, torch.Tensor):
            return array
        held = array if isinstance(array, Traced) else np.array(array)
        return torch.tensor(held, dtype=self.kind, device=self.device)

    def back(self, value: Any) -> Any:
        """A tensor, or each in a list, as an array in memory of its own."""
        if isinstance(value, list | tuple):
            made = [self.back(each) for each in value]
            return tuple(made) if isinstance(value, tuple) else made
        if not isinstance(value, torch.Tensor):
            return value
        return self.memory(value).copy()  # of a traced array, a traced one

    def memory(self, value: Any) -> Any:
        """An array that shares the memory of a tensor.

        Raises:
            SubjectError: NumPy has no such arrays.
        """
        if not isinstance(value, torch.Tensor):
            return value
        try:
            return value.detach().cpu().numpy()
        except (TypeError, RuntimeError) as error:
            kind = f"{value.dtype}, {value.layout}"
            raise SubjectError(f"it gave a tensor of {kind}, expected dense {self.kind}") from error

    def parameters(self, held: Iterable[Any], arrays: Iterable[Array]) -> list[Any]:
        """New tensors; those that a gradient is taken by are filled, as an optimizer holds them."""
        return [self._filled(*pair) for pair in zip(held, arrays, strict=True)]

    @contextmanager
    def tried(self) -> Iterator[None]:
        """While it is entered, it is noted whether a network asks for gradients."""
        with traced_tensors(Trace(lines=False)) as tensors:
            try:
                yield
            finally:
                self.autograd = self.autograd or tensors.trace.autograd

    @property
    def said(self) -> tuple[str, ...]:
        """The departures from the book, in words."""
        without = ("∇ by autograd, whose lines are not traced",) if self.autograd else ()
        return ("torch tensors", *without)

    def _filled(self, held: Any, array: Array) -> Any:
        if not (isinstance(held, torch.Tensor) and held.requires_grad):
            return self.out(array)
        with torch.no_grad():
            held.copy_(self.out(array))
        return held
