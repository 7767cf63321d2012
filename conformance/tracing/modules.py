"""The subject's own modules, in which other things stand for a time under the names of NumPy's.

Left out: what stands there (`substitute.py`).
"""

import builtins
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import compress
from operator import is_, itemgetter
from types import ModuleType
from typing import Any

from conformance.tracing.frames import is_installed, is_subject

Seen = Callable[[], Any]
"""Gives what the subject sees in the place of something."""


class Substitute(ModuleType):
    """A module as the subject sees it."""

    def __init__(
        self,
        original: ModuleType,
        others: Container[str] = (),
        made: Callable[[str, Any], Any] = lambda _, value: value,
    ) -> None:
        """See what the original has.

        Args:
            original: the module.
            others: the names of what is seen otherwise.
            made: what is seen, given such a name and what it stands for.
        """
        super().__init__(original.__name__)
        self.__dict__.clear()  # what is seen is put there when it is asked for
        self.__dict__.update(_original=original, _others=others, _made=made)

    def __getattr__(self, name: str) -> Any:
        """What is seen under a name that nobody has asked for yet."""
        own = self.__dict__
        if name == "__all__":  # which `from math import *` asks for, and math has not
            public = [each for each in vars(own["_original"]) if not each.startswith("_")]
            return getattr(own["_original"], name, public)
        found = getattr(own["_original"], name)
        own[name] = own["_made"](name, found) if name in own["_others"] else found
        return own[name]

    def __dir__(self) -> list[str]:
        """The names of the original."""
        return dir(self.__dict__["_original"])


def entered(value: Any) -> Any:
    """A value as it is, which a trace knows while one is noted (`substitute.py`)."""
    return value


@contextmanager
def replaced(
    instead: Mapping[int, Seen],
    others: dict[str, Any] | None = None,
    added: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """Other things under the global names of the subject's modules, until the end of the block.

    What its functions import meanwhile is another thing, too.

    Args:
        instead: gives what stands in the place of something, by the identity of that.
        others: the global names of one more module, which may be among them.
        added: what stands in the place of builtins that a module has not named itself.
    """
    modules = MODULES.subjects()
    if others and not any(names is others for names in modules):
        modules = [*modules, others]
    found = [(names, *each) for names in modules for each in _named(names, instead)]
    plain = builtins.__import__
    more = [(names, key) for names in modules for key in added or () if key not in names]
    try:
        for names, key, value in found:
            names[key] = instead[id(value)]()
        for names, key in more:
            names[key] = (added or {})[key]
        builtins.__import__ = _importing(plain, modules, instead)
        yield
    finally:
        builtins.__import__ = plain
        for names, key in more:
            names.pop(key, None)
        for names, key, value in found:
            names[key] = value


def _importing(
    plain: Callable[..., Any], modules: Sequence[dict[str, Any]], instead: Mapping[int, Seen]
) -> Callable[..., Any]:
    """`__import__`, which gives some modules other things; see `replaced`."""

    def imported(
        name: str, names: Any = None, local: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        found = plain(name, names, local, fromlist, level)
        seen = instead.get(id(found)) if any(names is each for each in modules) else None
        return found if seen is None else seen()

    return imported


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
    return is_subject(file) and not is_installed(file)


MODULES = _Modules(is_subjects)
