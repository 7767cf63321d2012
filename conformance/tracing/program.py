"""A program in whose run all that it computes is noted, with NumPy, `math` and torch.

Left out: how each of them is noted (`arrays.py`, `substitute.py`, `tensors.py`).
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from conformance.tracing.substitute import substituted
from conformance.tracing.trace import Trace


@contextmanager
def traced_program(trace: Trace, function: object = None) -> Iterator[Any]:
    """Note what the program's own modules compute, until the end of the block.

    It gives the tensors of the run (`tensor_memory.TensorTrace`), or None without torch.

    Args:
        trace: where it is noted.
        function: of the program, whose module may not be among those that are loaded.
    """
    tensors: AbstractContextManager[Any] = nullcontext()
    if "torch" in sys.modules:  # else the program has no tensors
        from conformance.tracing.tensors import traced_tensors

        tensors = traced_tensors(trace)
    try:
        with substituted(trace, getattr(function, "__globals__", {})), tensors as noted:
            yield noted
    finally:
        trace.forget_calls()
