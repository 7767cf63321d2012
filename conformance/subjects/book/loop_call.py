"""How a network's own `SGD` is called: the book's arguments, in the order of its signature.

The book's order is `SGD(training_data, epochs, mini_batch_size, eta)`. Other names are taken for
these four in this order, unless a name says that it is another of them. Left out: what the loop
does (`own_loop.py`).
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ORDER = ("data", "epochs", "size", "eta")
_SAYS = {
    "steps": r"step|iter|update",
    "epochs": r"epoch",
    "eta": r"^(eta|η|lr|alpha|α|step_?size)$|rate|^learning",
    "size": r"batch|size",
    "test": r"test|valid|eval",
    "lmbda": r"lmbda|lambda|λ|decay|^reg",
    "data": r"data|train|sample|example",
}


@dataclass(frozen=True)
class LoopCall:
    """How a loop takes the four arguments of the book's.

    Attributes:
        roles: what each positional argument is, in the order of the signature.
    """

    roles: tuple[str, ...] = ORDER

    def __call__(self, loop: Callable[..., Any], **values: Any) -> Any:
        """Call the loop with the values by their roles."""
        return loop(*(values[role] for role in self.roles))


def loop_call(loop: Callable[..., Any]) -> LoopCall | None:
    """How to call a loop; None if it needs other arguments than the book's."""
    try:
        signature = inspect.signature(loop)
        signature.bind(*ORDER)
    except (TypeError, ValueError):
        return _with_decay(loop)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, each in signature.parameters.items() if each.kind in positional]
    return _in_order(names[: len(ORDER)])


def _in_order(names: list[str]) -> LoopCall | None:
    """The roles of some parameters: the book's, or all four in the order that their names say."""
    said = [role_of(name) for name in names]
    if all(role in (None, own) for role, own in zip(said, ORDER, strict=False)):
        return LoopCall()
    known = [role for role in said if role is not None]
    return LoopCall(tuple(known)) if sorted(known) == sorted(ORDER) else None


def _with_decay(loop: Callable[..., Any]) -> LoopCall | None:
    """A loop that needs λ too, by its name; without decay it is the same."""
    try:
        parameters = inspect.signature(loop).parameters.values()
    except (TypeError, ValueError):
        return None
    needed = [each.name for each in parameters if each.default is each.empty]
    roles = [role_of(name) for name in needed]
    if roles.count("lmbda") != 1 or len(needed) != len(ORDER) + 1:
        return None
    rest = _in_order([n for n, role in zip(needed, roles, strict=True) if role != "lmbda"])
    if rest is None or any(each.kind is each.KEYWORD_ONLY for each in parameters):
        return None
    at = roles.index("lmbda")
    return LoopCall((*rest.roles[:at], "lmbda", *rest.roles[at:]))


def role_of(name: str) -> str | None:
    """What a parameter's name says that it is; None if it says nothing."""
    if re.search(_SAYS["eta"], name, re.IGNORECASE):
        return "eta"
    found = (role for role, words in _SAYS.items() if re.search(words, name, re.IGNORECASE))
    return next(found, None)
