"""Arrays that a watched subject makes itself are watched too: `np.zeros`, `np.array` and the like.

NumPy hands those to nobody. So for the time of a watched run the subject's modules see a NumPy
whose makers of arrays do the same and watch the result: what is written into an array made
beforehand, and what is computed on copies, is followed then. NumPy itself is not touched, nor is
what others see of it.

Left out: arrays made in another way, such as random ones.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from conformance.tracing.modules import Substitute, replaced
from conformance.watching.recording import Recording
from conformance.watching.watched import unwatched

FILLED = ("zeros", "ones", "empty", "full")
COPIED = ("array", "asarray", "ascontiguousarray")


@contextmanager
def allocating(recording: Recording) -> Iterator[None]:
    """Watch what the subject's own modules allocate, until the end of the block."""
    numpy = Substitute("numpy", np)
    instead: dict[int, Any] = {id(np): numpy}
    for name in (*FILLED, *COPIED):
        original = getattr(np, name)
        made = _watched(recording, name, original)
        instead[id(original)] = numpy.__dict__[name] = made
    with replaced(instead):
        yield


def _watched(recording: Recording, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        sources = recording.made_of((*args, *kwargs.values()))
        result = original(*unwatched(args), **unwatched(kwargs))
        if result.dtype.kind not in "fO":
            return result
        return recording.adopt(name, result, sources)

    return made
