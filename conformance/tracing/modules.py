"""The subject's own modules, in which other things stand for a time under the names of NumPy's.

Left out: what stands there (`substitute.py`).
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import compress
from operator import is_, itemgetter
from types import ModuleType
from typing import Any

from conformance.tracing.frames import is_subject


class Substitute(ModuleType):
    """A module as the subject sees it."""

    def __init__(self, name: str, original: ModuleType) -> None:
        """Take the names of the original, in which others may be put."""
        super().__init__(name)
        self.__dict__.update(vars(original))
        self.__dict__["_original"] = original

    def __getattr__(self, name: str) -> Any:
        """What the module loads when it is asked for."""
        return getattr(self.__dict__["_original"], name)


def zero() -> float:
    """0, which a trace knows while one is noted (`substitute.py`)."""
    return 0.0


def entered(value: Any) -> Any:
    """A value as it is, which a trace knows while one is noted (`substitute.py`)."""
    return value


@contextmanager
def replaced(
    instead: Mapping[int, Any],
    others: dict[str, Any] | None = None,
    added: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Other things under the global names of the subject's modules, until the end of the block.

    Args:
        instead: what stands in the place of something, by the identity of that.
        others: the global names of one more module, which may be among them.
        added: what stands in the place of builtins that a module has not named itself.
    """
    modules = MODULES.subjects()
    if others and not any(names is others for names in modules):
        modules = [*modules, others]
    found = [(names, *each) for names in modules for each in _named(names, instead)]
    builtins = [(names, key) for names in modules for key in added or () if key not in names]
    try:
        for names, key, value in found:
            names[key] = instead[id(value)]
        for names, key in builtins:
            names[key] = (added or {})[key]
        yield
    finally:
        for names, key in builtins:
            names.pop(key, None)
        for names, key, value in found:
            names[key] = value


def _named(names: dict[str, Any], things: Mapping[int, Any]) -> Iterator[tuple[str, Any]]:
    """The names that stand for some things, of which the identities are given, and the things."""
    pairs = list(names.items())  # often thousands, before each run of a program
    return compress(pairs, map(things.__contains__, map(id, map(itemgetter(1), pairs))))


class _Modules:
    """The subject's modules, looked for again only when something was imported meanwhile."""

    def __init__(self, holds: Callable[[Any], bool]) -> None:
        """Look for none yet.

        Args:
            holds: whether a module may be the subject's.
        """
        self.holds = holds
        self.loaded: list[Any] = []
        self.names: list[dict[str, Any]] = []

    def subjects(self) -> list[dict[str, Any]]:
        """The global names of each."""
        loaded = list(sys.modules.values())
        if len(loaded) != len(self.loaded) or not all(map(is_, loaded, self.loaded)):
            self.loaded = loaded
            self.names = [vars(each) for each in loaded if self.holds(each)]
        return self.names


def is_subjects(module: Any) -> bool:
    """Whether a module is neither ours nor installed."""
    file: str = getattr(module, "__file__", None) or "<"
    return is_subject(file) and "site-packages" not in file


MODULES = _Modules(is_subjects)
