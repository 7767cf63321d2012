"""Modules of a user that are called as packages of ours: `reference` and `torch_impl`.

What a user's code imports under such a name is the user's, if `sys.path` has one before ours; what
our code imports is ours. `sys.modules` has ours, except during such an import. Left out:
`importlib.import_module`, which does not say who imports.
"""

import builtins
import importlib
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

NAMES = ("reference", "torch_impl")
HOME = Path(__file__).parents[2]
OURS = tuple(f"{HOME / each}{sep}" for each in ("conformance", *NAMES) for sep in "/\\")

_theirs: dict[str, dict[str, ModuleType]] = {}
"""By such a name: the user's modules below it, as `sys.modules` would have them; or ours, while it
has those of the user."""


def separate() -> None:
    """Find the modules on `sys.path` that have such a name, and tell them from ours."""
    for name in NAMES:
        if name in _theirs or not _is_theirs(name):
            continue
        if not _theirs:
            builtins.__import__ = _importing(builtins.__import__)
        loaded = getattr(sys.modules.get(name), "__file__", None) or ""
        _theirs[name] = {} if loaded.startswith(OURS) else _taken_out(name)
        before = [*sys.path]
        sys.path.insert(0, str(HOME))
        try:
            importlib.import_module(name)
        finally:
            sys.path[:] = before


def _is_theirs(name: str) -> bool:
    """Whether what `sys.path` has first under a name is not ours."""
    spec = PathFinder.find_spec(name)
    if spec is None:
        return False
    places = [spec.origin] if spec.has_location else [*(spec.submodule_search_locations or ())]
    ours = (HOME / name).resolve()
    return not all(Path(each or "").resolve().is_relative_to(ours) for each in places)


def _taken_out(name: str) -> dict[str, ModuleType]:
    """The loaded modules below a name, which `sys.modules` then has no longer."""
    below = [each for each in sys.modules if each.partition(".")[0] == name]
    return {each: sys.modules.pop(each) for each in below}


def _exchange(name: str) -> None:
    """Let `sys.modules` have the other modules below a name."""
    others, _theirs[name] = _theirs[name], _taken_out(name)
    sys.modules.update(others)


def _importing(plain: Callable[..., Any]) -> Callable[..., Any]:
    """`__import__`, which gives our code and that of the user the modules that are its own."""
    exchanged: set[str] = set()

    def imported(
        name: str, names: Any = None, local: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        by = names or {}
        top = (by.get("__package__") or "" if level else name).partition(".")[0]
        ours = (by.get("__file__") or "").startswith(OURS)
        if top not in _theirs or ours != (top in exchanged):
            return plain(name, names, local, fromlist, level)
        _exchange(top)
        exchanged.symmetric_difference_update({top})
        try:
            return plain(name, names, local, fromlist, level)
        finally:
            _exchange(top)
            exchanged.symmetric_difference_update({top})

    return imported
