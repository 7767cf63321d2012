"""A `torch.autograd.Function`, or a function with `jax.custom_vjp`, as a thing in a file.

Left out: its arguments and its judgement (`conformance.custom`), which need torch.
"""

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from conformance.programs.load import source_of
from conformance.shapes.arguments import called
from conformance.shapes.found import Found, Recognised


@dataclass(frozen=True)
class FunctionSearch:
    """A class with a forward and a backward that torch calls.

    Attributes:
        kind: the class.
        place: the file that defines it.
        names: of all such classes of the file, whose own calls are found together.
        problems: why it could not be judged.
    """

    kind: Any
    place: str
    names: tuple[str, ...]
    problems: list[str] = field(default_factory=list)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it is not known how to call it."""
        from conformance.custom.context import backward_of
        from conformance.shapes.fitting import found

        calls, stopped = _calls(self.place, self.names)
        tried, problem = found(self.kind, calls.get(self.name))
        if tried is None:
            self.problems.append("; ".join(filter(None, (problem, stopped))))
            return None
        both = called(self.kind.forward), called(backward_of(self.kind))
        made = f"{self.name}.apply({tried.arguments})"
        recognised = Recognised(made, tried.layout, "", both, "returned", tried.gradients)
        return Found(recognised, tried.examined, (self.kind.__name__,))

    @property
    def name(self) -> str:
        """Of the class."""
        return str(self.kind.__qualname__)


@dataclass(frozen=True)
class JaxSearch(FunctionSearch):
    """A function with `jax.custom_vjp`."""

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it is not known how to call it."""
        from conformance.shapes.fitting import found_in_jax

        tried, problem = found_in_jax(self.kind)
        if tried is None:
            more = f"arguments are not known: conformance.check_vjp({self.name}, …) takes yours"
            self.problems.append(f"{more} ({problem})")
            return None
        both = called(self.kind.fwd), called(self.kind.bwd)
        made = f"{self.name}({tried.arguments})"
        recognised = Recognised(made, tried.layout, "", both, "returned", tried.gradients)
        return Found(recognised, tried.examined, self.names)


def custom_jax(thing: object, place: str) -> JaxSearch | None:
    """A value of a file as a function with `jax.custom_vjp`; None if it is none."""
    if "jax" not in sys.modules:
        return None
    import jax

    if not isinstance(thing, jax.custom_vjp):
        return None
    passes = thing, thing.fwd, thing.bwd
    return JaxSearch(thing, place, tuple(getattr(each, "__name__", "") for each in passes))


@lru_cache(maxsize=1)
def _calls(place: str, names: tuple[str, ...]) -> tuple[dict[str, tuple[Any, ...]], str]:
    from conformance.custom.custom_calls import calls_of

    return calls_of(place, names) if place.endswith(".py") else ({}, "")


def custom_function(kind: type, place: str, classes: Sequence[type]) -> FunctionSearch | None:
    """A class of a file as a custom function of torch; None if it is none."""
    if not _has_base(kind):
        return None
    from conformance.custom.context import is_function

    if not is_function(kind):
        return None
    names = tuple(e.__qualname__ for e in classes if _has_base(e) and is_function(e))
    return FunctionSearch(kind, place, names)


def _has_base(kind: type) -> bool:
    """Whether a class is made from torch's, without torch being imported for it."""
    return any(each.__module__ == "torch.autograd.function" for each in kind.__mro__)


def defines_functions(place: str) -> bool:
    """Whether a file defines a class that looks like a custom function of torch."""
    try:
        body = ast.parse(source_of(place)).body
    except SyntaxError:
        return False  # loading it says so
    for each in body:
        if isinstance(each, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in each.bases}
            methods = {e.name for e in each.body if isinstance(e, ast.FunctionDef)}
            if bases & {"Function", "InplaceFunction"} and {"forward", "backward"} <= methods:
                return True
    return False
