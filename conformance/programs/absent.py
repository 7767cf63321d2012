"""Stand-ins for modules that a program imports and that are not installed.

A program may import what its training alone needs (a plot, a data set): it can be judged without.
What is called all the same is an error that names the module; in a script that runs, what numbers
are asked of. Left out: modules that are there.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from conformance.tracing.special import MODULES

STAND_INS: dict[str, Any] = {
    **{f"{module}.{name}": e for module, names in MODULES.items() for name, e in names.items()},
    "tqdm.tqdm": lambda steps, *_, **__: steps,
    "tqdm.trange": lambda *steps, **_: range(*steps),
    "numba.jit": lambda function=None, **_: function or (lambda plain: plain),
    "numba.njit": lambda function=None, **_: function or (lambda plain: plain),
}
"""What stands for something that a program computes with."""


class MissingError(ModuleNotFoundError):
    """Something is needed of a module that is not installed."""


class _Missing:
    """Something of a module that is not installed; it cannot be called."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def absent_module(self) -> str:
        """The module."""
        return self._name.split(".", 1)[0]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return STAND_INS.get(f"{self._name}.{name}") or type(self)(f"{self._name}.{name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise MissingError(f"it calls {self._name}, and {self.absent_module} is not installed")

    def __repr__(self) -> str:
        """That it is missing, for a program that prints it."""
        return f"<{self._name}: {self.absent_module} is not installed>"

    def __mro_entries__(self, _: Any) -> tuple[type, ...]:
        words = f"its class is a {self._name}, and {self.absent_module} is not installed"
        raise MissingError(words)


class _Unasked(_Missing):
    """Such a thing in a script that runs: it can be called, until numbers are asked of it."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


_ASKED = "iter len getitem setitem array float int index bool neg abs invert enter lt le gt ge"
_BINARY = "add sub mul truediv floordiv mod pow matmul and or xor"
for _name in (*_ASKED.split(), *_BINARY.split(), *(f"r{each}" for each in _BINARY.split())):
    setattr(_Unasked, f"__{_name}__", _Missing.__call__)


class _Module(ModuleType):
    """A module that is not installed."""

    kind = _Missing

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kind(self.__name__), name)


class _Finder(MetaPathFinder, Loader):
    """Finds modules that nobody else does."""

    def __init__(self, names: frozenset[str], kind: type[_Missing]) -> None:
        self.names, self.kind = names, kind

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec of what is missing."""
        del path, target
        if fullname.split(".", 1)[0] not in self.names:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        made = _Module(spec.name)
        made.kind = self.kind
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Nothing."""


@contextmanager
def stand_ins(source: str | bytes, *, running: bool = False) -> Iterator[frozenset[str]]:
    """Let a program import what is not installed, until the end of the block.

    Args:
        source: of the program.
        running: whether it is a script, which goes on while no numbers are asked of such modules.
    """
    names = frozenset(name for name in _imported(source) if not _installed(name))
    finder = _Finder(names, _Unasked if running else _Missing)
    sys.meta_path.append(finder)
    try:
        yield names
    finally:
        sys.meta_path.remove(finder)


def missing_module(thing: object) -> str:
    """The module that is not installed, of which something is a part; empty if there is none."""
    return thing.absent_module if isinstance(thing, _Missing) else ""


def stood_in() -> list[str]:
    """The modules that were imported and are not installed."""
    found = [name for name, each in sys.modules.items() if isinstance(each, _Module)]
    return sorted(each for each in found if "." not in each)


def forget() -> None:
    """Look for all such modules anew at their next import."""
    for name in [name for name, each in sys.modules.items() if isinstance(each, _Module)]:
        del sys.modules[name]


def _imported(source: str | bytes) -> set[str]:
    """The modules that a program must have: those that it imports at its top."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return set()  # loading it says so
    found: set[str] = set()
    for each in body:
        if isinstance(each, ast.Import):
            found |= {alias.name.split(".", 1)[0] for alias in each.names}
        elif isinstance(each, ast.ImportFrom) and each.module and not each.level:
            found.add(each.module.split(".", 1)[0])
    return found


def _installed(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
