"""Which classes and functions of a file move parameters by gradients, by their names.

Left out: how they are called (`optimisers.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from conformance.script.holders import holds, is_gradient, pairs_of
from conformance.script.own_arguments import pairs_by_name
from conformance.shapes.arguments import taken
from conformance.shapes.plans import methods
from conformance.shapes.vocabulary import bare, is_role

RULES = re.compile(r"sgd|adam|rmsprop|adagrad|adadelta|momentum|nesterov|descent")


@dataclass(frozen=True)
class Optimiser:
    """A class or function that moves parameters.

    Attributes:
        kind: the class, or the function.
        method: the name of the method that does it; of a function its own.
    """

    kind: type | FunctionType
    method: str

    @property
    def code(self) -> Any:
        """What does it."""
        return getattr(self.kind, self.method) if isinstance(self.kind, type) else self.kind


def optimisers(classes: Sequence[type]) -> Iterator[Optimiser]:
    """The classes that take gradients, or hold what has some, and go neither forward nor back."""
    for kind in classes:
        names = [name for name, _ in methods(kind)]
        if any(is_role(e, role) is not None for e in names for role in ("backward", "loss")):
            continue
        moving = (e for e in names if _is_named_as_a_move(e) and _takes_gradients(kind, e))
        method = next(moving, None)
        if method is not None:
            yield Optimiser(kind, method)


def moving_functions(functions: Sequence[FunctionType]) -> Iterator[Optimiser]:
    """The functions that take parameters and their gradients."""
    for each in functions:
        names = [one.name for one in taken(each)]
        of_both = any(map(is_gradient, names)) and any(
            holds(e) and not is_gradient(e) for e in names
        )
        name = bare(each.__name__)
        named = _is_named_as_a_move(each.__name__) or RULES.search(name)
        if of_both and (named or (name.startswith("update") and pairs_by_name(each))):
            yield Optimiser(each, each.__name__)


def _is_named_as_a_move(name: str) -> bool:
    return name == "__call__" or any(is_role(name, e) is not None for e in ("update", "train"))


def _takes_gradients(kind: type, method: str) -> bool:
    own = getattr(kind, method)
    return any(map(is_gradient, (e.name for e in taken(own)))) or bool(pairs_of(kind))
