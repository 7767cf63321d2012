"""A program in whose run all that it computes is noted, with NumPy, `math` and torch.

Left out: how each of them is noted (`operations.py`, `substitute.py`, `tensors.py`).
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
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
    submit = ThreadPoolExecutor.submit
    try:
        ThreadPoolExecutor.submit = _done_here  # type: ignore[method-assign]
        with (
            substituted(trace, getattr(function, "__globals__", {})),
            noted_tensors(trace) as noted,
        ):
            yield noted
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        trace.end()


def noted_tensors(trace: Trace) -> AbstractContextManager[Any]:
    """What notes the operations of torch, if it is loaded; else the program has no tensors."""
    if "torch" not in sys.modules:
        return nullcontext()
    from conformance.tracing.tensors import traced_tensors

    return traced_tensors(trace)


def _done_here(_: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """What a pool of threads does with some work, done here: so it has an order."""
    done: Future[Any] = Future()
    try:
        done.set_result(work(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - the program asks for it
        done.set_exception(error)
    return done
