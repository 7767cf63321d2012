"""Which classes and functions of a file move parameters by gradients, by their names.

A function may take each parameter and each gradient by a name: `update(W1, b1, dW1, db1, lr)`. Left
out: those that take several at once (`holders.py`), and how they are called (`optimisers.py`).
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from conformance.programs.vocabulary import (
    bare,
    is_parameter,
    is_role,
    kinds_of,
    names_gradients,
    stem,
)
from conformance.shapes.arguments import taken
from conformance.shapes.function_sources import definition_of
from conformance.shapes.holders import Holder, holds, pairs_of
from conformance.shapes.plans import methods
from conformance.tracing.trace import Trace

MATRIX, VECTOR = (3, 4), (4,)
DECAY, DECAYING = re.compile(r"wd|weightdecay|l2(reg|lambda|penalty)?"), 2.0**-6
"""A decay or a momentum that is 0 by default would hide what it multiplies."""
TIME = re.compile(r"t|step|iter(ation)?|epoch|i")
NUMBERS = (
    (re.compile(r"(beta|b|rho|decay(rate)?)2"), 0.999),
    (re.compile(r"(beta|b|decay(rate)?)1?|mu|momentum|rho1?|gamma"), 0.9),
    (re.compile(r"eps(ilon)?"), 1e-8),
)
"""What an optimiser is given that has no defaults, by the names of its arguments."""


def is_number(name: str) -> bool:
    """Whether an argument is a rate, another number of a rule, or the time, by its name."""
    known = "rate" in kinds_of(name) or number_of(name, None) is not None
    return known or TIME.fullmatch(bare(name)) is not None


def hiding(kind: type) -> Iterator[str]:
    """The numbers of a constructor that are 0 by default and are tried."""
    for each in taken(kind):
        decays = DECAY.fullmatch(bare(each.name)) is not None
        if is_0(each.default) and (decays or number_of(each.name, None) is not None):
            yield each.name


def is_0(default: Any) -> bool:
    """Whether a number is 0, and no truth value."""
    return isinstance(default, int | float) and not isinstance(default, bool) and not default


def number_of(name: str, other: Any) -> Any:
    """What an argument is given by its name, or another number."""
    return next((e for pattern, e in NUMBERS if pattern.fullmatch(bare(name))), other)


def pairs_by_name(function: Any) -> list[tuple[str, str]]:
    """The arguments of a function that are parameters, each with that of its gradient."""
    names = [each.name for each in taken(function)] if isinstance(function, FunctionType) else []
    gradients = {stem(each): each for each in names if names_gradients(each)}
    found = [(e, gradients[bare(e)]) for e in names if is_parameter(e) and bare(e) in gradients]
    return found if len(found) > 1 else []  # a single one is held as others are, too


def by_name(trace: Trace, pairs: Sequence[tuple[str, str]]) -> Holder:
    """Parameters of ours, each by the name of its argument."""
    rng = np.random.default_rng(0)
    arguments = {
        name: trace.given(rng.normal(size=VECTOR if bare(name).startswith("b") else MATRIX), name)
        for name, _ in pairs
    }

    def give(gradients: Mapping[str, Any]) -> None:
        arguments.update({gradient: gradients[name] for name, gradient in pairs})

    def read() -> dict[str, Any]:
        return {name: arguments[name] for name, _ in pairs}

    return Holder(None, None, read, give, arguments.update, arguments)


@dataclass
class Calls:
    """A function that is called with what it returned the last time.

    Attributes:
        function: it.
        kept: what else it takes and returns, such as velocities, by the names of its arguments.
    """

    function: FunctionType
    kept: dict[str, Any] = field(default_factory=dict)

    def step(self, holder: Holder, known: Callable[[str], Any]) -> bool:
        """Call it; whether it is known what it returns.

        Args:
            holder: the parameters.
            known: what stands for an argument that is none of them and is not kept.
        """
        given: dict[str, Any] = {}
        for each in taken(self.function):
            kept = None if each.name in holder.arguments else self.zeros(each.name, holder)
            needed = each.default is each.empty or "rate" in kinds_of(each.name)
            if kept is not None:
                given[each.name] = kept
            elif each.name in holder.arguments or needed:
                given[each.name] = known(each.name)
        return self.take(holder, self.function(**given))

    def zeros(self, name: str, holder: Holder) -> Any:
        """What is kept for the parameter of which the name ends like that of an argument."""
        named = [e for e in holder.read() if bare(name).endswith(bare(e))]
        if not named:
            return None
        return self.kept.setdefault(name, np.zeros_like(holder.arguments[max(named, key=len)]))

    def take(self, holder: Holder, result: Any) -> bool:
        """Keep what a call returned; whether it is known what that is."""
        names = self.returned() or [*holder.read()]
        if result is None:
            return True
        if isinstance(result, dict) and holder.read().keys() <= result.keys():
            names, result = list(result), tuple(result.values())
        if not isinstance(result, tuple | list) or len(names) != len(result):
            return False
        found = dict(zip(names, result, strict=True))
        holder.put({name: found[name] for name in holder.read() if name in found})
        self.kept.update({name: found[name] for name in self.kept if name in found})
        return True

    def returned(self) -> list[str]:
        """The names of what it returns, if they are names."""
        definition = definition_of(self.function.__code__)
        returns = [e for e in ast.walk(definition or ast.Pass()) if isinstance(e, ast.Return)]
        value = returns[-1].value if returns else None
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        return [each.id for each in parts if isinstance(each, ast.Name)]


RULES = re.compile(r"sgd|^gd|adam|rmsprop|adagrad|adadelta|momentum|nesterov|descent")


@dataclass(frozen=True)
class Optimiser:
    """A class or function that moves parameters.

    Attributes:
        kind: the class, or the function.
        method: the name of the method that does it; of a function its own.
        named: whether its name says that it does.
    """

    kind: type | FunctionType
    method: str
    named: bool = True

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
    """The functions that take parameters and their gradients.

    One of another name takes a parameter and the gradient of its name: `nag(w, dw, config)`.
    """
    for each in functions:
        names = [one.name for one in taken(each)]
        gradients = [*filter(names_gradients, names)]
        name = bare(each.__name__)
        named = _is_named_as_a_move(each.__name__) or RULES.search(name) is not None
        named = named or (name.startswith("update") and bool(pairs_by_name(each)))
        if gradients and any(holds(e) and not names_gradients(e) for e in names):
            pairs = {bare(e) for e in names} & {stem(e) for e in gradients}
            if named or pairs:
                yield Optimiser(each, each.__name__, named=named)


def _is_named_as_a_move(name: str) -> bool:
    return name == "__call__" or any(is_role(name, e) is not None for e in ("update", "train"))


def _takes_gradients(kind: type, method: str) -> bool:
    own = getattr(kind, method)
    return any(map(names_gradients, (e.name for e in taken(own)))) or bool(pairs_of(kind))
