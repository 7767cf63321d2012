"""What a step that a class has of its own tells: what it calls, and with what.

Such is `def lernschritt(self, folge, ziele)`, which gives `self.vorwaerts` the first and
`self.rueckwaerts` what that returned, and the second. So it is known what these do and are given,
whatever they are called. Left out: running them (`attempt.py`).
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from conformance.programs.vocabulary import kinds_of
from conformance.shapes.arguments import RETURNED, method_of, needed
from conformance.shapes.function_sources import definition_of

Form = tuple[str, ...]
"""The kinds of what a function is given, in order."""


@dataclass(frozen=True)
class OwnStep:
    """What the methods of a class are given, as one of them calls the others.

    Attributes:
        forms: what each method is given, by its name: that which calls the others first, then what
            is given the inputs alone, then the others in their order.
    """

    forms: Mapping[str, Form]

    @property
    def roles(self) -> dict[str, list[tuple[str, Callable[..., Any] | str]]]:
        """The methods by what they do: which of those that are given targets goes back is tried."""
        _, forward, *others = self.forms
        back = [name for name in others if not {*self.forms[name]} or self._is_compared(name)]
        update = [name for name in others if not self._is_compared(name)]
        named = {"forward": [forward], "loss": back, "backward": back, "update": update}
        return {role: [(name, name) for name in names] for role, names in named.items()}

    def _is_compared(self, name: str) -> bool:
        return "targets" in self.forms[name]


def own_step(kind: type, names: Sequence[str]) -> OwnStep | None:
    """The first step that one of the methods of a class takes; None if none takes one.

    Args:
        kind: the class.
        names: of its methods.
    """
    return next(filter(None, (_step(method_of(kind, each), names) for each in names)), None)


def _step(method: Callable[..., Any], names: Sequence[str]) -> OwnStep | None:
    definition = definition_of(getattr(method, "__func__", method))
    data = [e.name for e in needed(method) if _may_be_data(e.name)]
    if definition is None or len(data) != len(("inputs", "targets")):
        return None
    calls = [e for e in _own_calls(definition) if e.name in names]
    first = next((e for e in calls if len(e.given) == 1 and e.given[0] in data), None)
    if first is None:
        return None
    known = {each: "inputs" if each == first.given[0] else "targets" for each in data}
    forms = {definition.name: tuple(known[each] for each in data)}
    for each in calls[calls.index(first) :]:
        if each.name not in forms and all(e in known for e in each.given):
            forms[each.name] = tuple(known[e] for e in each.given)
            known |= {e: f"{RETURNED}{each.name}{part}" for e, part in each.made.items()}
    compared = any("targets" in form for form in [*forms.values()][2:])
    return OwnStep(forms) if compared else None


def _may_be_data(name: str) -> bool:
    """Whether an argument may be inputs or targets, or its name tells nothing."""
    return not kinds_of(name) or not {"inputs", "targets"}.isdisjoint(kinds_of(name))


class _Called(NamedTuple):
    """A call of a method: with what, and what is made of it, each name with the part that it is."""

    name: str
    given: list[str]
    made: dict[str, str]


def _own_calls(definition: ast.FunctionDef) -> Iterator[_Called]:
    """The methods of its object that a method calls, the innermost first."""
    whole = definition.args.args[0].arg if definition.args.args else ""
    inside = [*ast.walk(definition)]
    made = {id(e.value): e.targets[0] for e in inside if isinstance(e, ast.Assign)}
    calls = [e for e in inside if isinstance(e, ast.Call) and not e.keywords]
    for each in sorted(calls, key=lambda e: (e.end_lineno or 0, e.end_col_offset or 0)):
        match each.func:
            case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder == whole:
                target = made.get(id(each), each)
                parts = {ast.unparse(target): ""}
                if isinstance(target, ast.Tuple):
                    parts = {ast.unparse(e): f" {i}" for i, e in enumerate(target.elts)}
                yield _Called(name, [*map(ast.unparse, each.args)], parts)
