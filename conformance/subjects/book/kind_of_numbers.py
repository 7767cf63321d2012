"""Whether a network computes with arrays of NumPy or tensors of PyTorch.

Left out: what each of them needs (`array_numbers.py`, `tensor_numbers.py`).
"""

import sys
from collections.abc import Iterable
from typing import Any

from conformance.subjects.book.array_numbers import ArrayNumbers


def numbers_of(parameters: Iterable[Any]) -> ArrayNumbers:
    """What a new network computes with, by its parameters; torch is not imported for that.

    Raises:
        UsageError: it is tensors of a dtype in which nothing is judged.
    """
    torch = sys.modules.get("torch")
    tensors = [each for each in parameters if torch and isinstance(each, torch.Tensor)]
    if not tensors:
        return ArrayNumbers()
    from conformance.subjects.book.tensor_numbers import TensorNumbers

    return TensorNumbers(tensors)
