"""Arrays that a watched subject makes itself are watched too: `np.zeros`, `np.array` and the like.

NumPy hands those to nobody. So for the time of a watched run the subject's modules see a NumPy
whose makers of arrays do the same and watch the result: what is written into an array made
beforehand, and what is computed on copies, is followed then. On balls an array of floats is made of
objects, which can hold a ball. NumPy itself is not touched, nor is what others see of it.

Left out: arrays made in another way, such as random ones.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import is_
from types import ModuleType
from typing import Any

import numpy as np

from conformance.tracing.frames import is_subject
from conformance.watching.recording import Recording
from conformance.watching.watched import unwatched

FILLED = ("zeros", "ones", "empty", "full")
COPIED = ("array", "asarray", "ascontiguousarray")


@contextmanager
def allocating(recording: Recording, *, exact: bool = False) -> Iterator[None]:
    """Watch what the subject's own modules allocate, until the end of the block.

    Args:
        recording: of the run.
        exact: make objects for floats, which balls can be written into.
    """
    numpy = _Numpy("numpy")
    numpy.__dict__.update(np.__dict__)
    instead: dict[int, Any] = {id(np): numpy}
    for name in (*FILLED, *COPIED):
        original = getattr(np, name)
        made = _watched(recording, name, original, exact=exact and name in FILLED)
        instead[id(original)] = numpy.__dict__[name] = made
    replaced = [
        (names, key, value)
        for names in _MODULES.subjects()
        for key, value in list(names.items())
        if id(value) in instead
    ]
    try:
        for names, key, value in replaced:
            names[key] = instead[id(value)]
        yield
    finally:
        for names, key, value in replaced:
            names[key] = value


class _Numpy(ModuleType):
    """NumPy as a watched subject sees it."""

    def __getattr__(self, name: str) -> Any:
        """What NumPy loads when it is asked for."""
        return getattr(np, name)


class _Modules:
    """The subject's modules, looked for again only when something was imported meanwhile."""

    def __init__(self) -> None:
        self.loaded: list[Any] = []
        self.names: list[dict[str, Any]] = []

    def subjects(self) -> list[dict[str, Any]]:
        """The global names of each."""
        loaded = list(sys.modules.values())
        if len(loaded) != len(self.loaded) or not all(map(is_, loaded, self.loaded)):
            self.loaded = loaded
            self.names = [vars(each) for each in loaded if _is_subjects(each)]
        return self.names


_MODULES = _Modules()


def _is_subjects(module: Any) -> bool:
    file: str = getattr(module, "__file__", None) or "<"
    return is_subject(file) and "site-packages" not in file


def _watched(
    recording: Recording, name: str, original: Callable[..., Any], *, exact: bool
) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        sources = recording.made_of((*args, *kwargs.values()))
        result = original(*unwatched(args), **unwatched(kwargs))
        if result.dtype.kind not in "fO":
            return result
        if exact and result.dtype.kind == "f":
            result = np.nan_to_num(result).astype(object)  # np.empty holds whatever was there
        return recording.adopt(name, result, sources)

    return made
