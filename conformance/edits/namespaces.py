"""What the modules and classes of a program hold, which a changed line may assign to by mistake.

Left out: what their values hold, such as the entries of a list.
"""

import sys
from collections.abc import Collection
from types import ModuleType


def namespaces(files: Collection[str]) -> list[ModuleType | type]:
    """The modules of some files, and the classes that these define, each once."""
    found = dict[int, ModuleType | type]()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) in files:
            waiting: list[ModuleType | type] = [module]
            for each in waiting:
                if id(each) not in found:
                    found[id(each)] = each
                    held = (e for e in vars(each).values() if isinstance(e, type))
                    waiting += [e for e in held if e.__module__ == module.__name__]
    return list(found.values())


class Kept:
    """What the modules and classes of some files held, to be put back after each trial."""

    def __init__(self, files: Collection[str]) -> None:
        """Remember it."""
        self.before = [(each, dict(vars(each))) for each in namespaces(files)]

    def put_back(self) -> None:
        """Give every name its value again, and take those away that were added."""
        for space, held in self.before:
            _restore(space, held)


def _restore(space: ModuleType | type, held: dict[str, object]) -> None:
    kind = type if isinstance(space, type) else ModuleType  # whatever a metaclass does
    now = vars(space)
    for name in [each for each in now if each not in held]:
        kind.__delattr__(space, name)
    for name, value in held.items():
        if now.get(name, _restore) is not value:
            kind.__setattr__(space, name, value)
