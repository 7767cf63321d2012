"""The modules that a running program imports, its own and others.

Its own are compiled to be traced; of NumPy and `math` it sees what notes what it does.

Left out: what stands in their place (`tracing/substitute.py`).
"""

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from conformance.script.rewrite import EACH, VALUE, compiled
from conformance.tracing.entering import Entrance
from conformance.tracing.frames import is_subject
from conformance.tracing.modules import Seen
from conformance.tracing.substitute import Float, substitutes
from conformance.tracing.trace import Trace


@contextmanager
def traced_imports(
    trace: Trace, seed: int, main: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Trace what a program imports, until the end of the block; gives names for its main module.

    Args:
        trace: where it is noted.
        seed: of random generators that are given none.
        main: the variables of a main module that has no file.
    """
    entrance = Entrance(trace)
    instead = substitutes(trace, seed)
    plain = builtins.__import__
    finder = _Finder()
    builtins.__import__ = _importing(plain, instead, main)
    setattr(builtins, VALUE, entrance.value)
    setattr(builtins, EACH, entrance.each)
    sys.meta_path.insert(0, finder)
    try:
        yield {"float": Float}
    finally:
        sys.meta_path.remove(finder)
        builtins.__import__ = plain
        delattr(builtins, VALUE)
        delattr(builtins, EACH)


def _importing(
    plain: Callable[..., Any], instead: dict[int, Seen], main: dict[str, Any] | None
) -> Callable[..., Any]:
    """`__import__`, which gives a program's own modules what stands in the place of others."""

    def imported(
        name: str, names: Any = None, local: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        module = plain(name, names, local, fromlist, level)
        known = id(module) in instead and names is not None
        if known and (names is main or _is_own(names.get("__file__"))):
            return instead[id(module)]()
        return module

    return imported


def _is_own(file: str | None) -> bool:
    return file is not None and is_subject(file) and "site-packages" not in file


class _Finder:
    """Finds a program's own modules."""

    def find_spec(self, name: str, path: Any = None, _target: Any = None) -> ModuleSpec | None:
        """The module with a loader of ours; None for anything else."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or type(spec.loader) is not SourceFileLoader or not _is_own(spec.origin):
            return None
        spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Compiles a module from its source as it is now."""

    def get_code(self, fullname: str) -> CodeType:
        """The code, compiled to be traced."""
        file = self.get_filename(fullname)
        return compiled(self.get_data(file), file)

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        module.__dict__["float"] = Float
        super().exec_module(module)
