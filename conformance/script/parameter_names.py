"""What a program calls its parameters, and the gradients that it attaches to them, as `w.g`.

Left out: which values are parameters (`parameters.py`), and the gradients by which something is
moved (`judge_updates.py`).
"""

import ast
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.groups import operation_key
from conformance.backward.loss_numbers import best_loss, by_name, candidates
from conformance.backward.own_pass import OwnPass, examine_pass
from conformance.backward.recorded_pass import Goal
from conformance.backward.source import written_name
from conformance.programs.held_state import GRADIENTS, is_any_tensor
from conformance.script.linear import ancestors, written_places
from conformance.script.update_step import Step
from conformance.tracing.arrays import Traced
from conformance.tracing.frames import is_installed, is_subject
from conformance.tracing.node import Node, holds_records, states_of
from conformance.tracing.trace import Trace, is_traced_number

DEPTH, MANY = 6, 20_000  # of objects within objects


@dataclass(frozen=True)
class Held:
    """An expression for a value: the namespace and the variable that it begins with, its depth."""

    space: int
    root: str
    depth: int
    name: str
    value: Node


def namespaces(frame: FrameType | None, until: CodeType) -> list[Mapping[str, Any]]:
    """The variables of the program's functions that are running, the innermost first.

    Args:
        frame: the innermost one.
        until: the code of the function that runs the program; what called that is no part of it.
    """
    found: list[Mapping[str, Any]] = []
    while frame is not None and frame.f_code is not until:
        if is_subject(frame.f_code.co_filename):
            found.append(frame.f_locals)
            if not any(each is frame.f_globals for each in found):
                found.append(frame.f_globals)
        frame = frame.f_back
    return sorted(found, key=lambda each: "__builtins__" in each)


def held(trace: Trace, spaces: Sequence[Mapping[str, Any]]) -> list[Held]:
    """All traced values that variables hold."""
    found: list[Held] = []
    for i, space in enumerate(spaces):
        for root, value in list(space.items()):
            if not root.startswith("__"):
                for depth, name, each in _within(root, value, trace):
                    node = trace.argument(each)
                    if type(node) is Node:
                        found.append(Held(i, root, depth, name, node))
    return found


def unfollowed(spaces: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of arrays that variables hold and that no trace follows."""
    held = [each for space in spaces for each in space.values()]
    values = [each for each in held if isinstance(each, np.ndarray)]
    kinds = {
        "masked arrays of `numpy.ma`": any(isinstance(e, np.ma.MaskedArray) for e in values),
        "structured arrays": any(map(holds_records, values)),
        "arrays of the module `array`": any(isinstance(each, array | memoryview) for each in held),
        "complex numbers": any(map(np.iscomplexobj, values)),
        "columns of pandas (take their `.to_numpy()`)": any(map(_is_of_pandas, held)),
    }
    return [kind for kind, known in kinds.items() if known]


def _is_of_pandas(value: Any) -> bool:
    kind, package = type(value), type(value).__module__.partition(".")[0]
    return package == "pandas" and kind.__name__ in ("Series", "DataFrame")


def _within(root: str, value: Any, trace: Trace) -> Iterator[tuple[int, str, Any]]:
    """The traced values within a value, each with its depth and expression."""
    waiting = [(0, root, value)]
    seen = set()
    for depth, name, held_there in waiting:
        array = None if trace.lists is None else trace.lists.array(held_there)
        each = held_there if array is None else array
        numbers = isinstance(each, Traced) or is_traced_number(each)
        if numbers or is_any_tensor(each):
            yield depth, name, each
        if not numbers and depth < DEPTH and id(each) not in seen and len(waiting) < MANY:
            seen.add(id(each))
            waiting += [(depth + 1, name + part, inner) for part, inner in _parts(each)]


def own_variables(value: Any) -> dict[str, Any]:
    """The attributes of an object of the program."""
    found = getattr(value, "__dict__", None)
    if not isinstance(found, dict) or isinstance(value, ModuleType | FunctionType | type):
        return {}
    module = sys.modules.get(type(value).__module__)
    file = getattr(module, "__file__", None) or ""
    return {} if is_installed(file) else found


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{i}]", each) for i, each in enumerate(value))
    elif isinstance(getattr(value, "__dict__", None), dict) and not isinstance(
        value, ModuleType | FunctionType | type
    ):
        yield from ((f".{key}", each) for key, each in vars(value).items())


def names(chains: Sequence[Sequence[Node]], found: Sequence[Held], *else_: str) -> list[str]:
    """A name for each chain of values: what its update writes to, if that tells them apart.

    Else all begin with the same variable, if possible.

    Args:
        chains: the values of each parameter, one after another.
        found: what the program's variables hold.
        else_: what they are called if nothing else tells.
    """
    owner = {node: i for i, values in enumerate(chains) for node in values}
    written = [_written(values) for values in chains]
    several = {each for each in written if written.count(each) > 1}  # as of a loop over all
    own = sorted(found, key=lambda each: each.name in several)
    known = [(owner[each.value], each) for each in own if each.value in owner]
    if len(set(written)) == len(chains) and all(
        (i, n) in _said(known) for i, n in enumerate(written)
    ):
        return written
    named: dict[int, str] = {}
    for scheme in _schemes(known, len(chains)):
        for i, each in scheme.items():
            if each.name not in named.values():
                named.setdefault(i, each.name)
    single = ["" if each in several else each for each in written]
    later = [_of_one_more(values[-1], own) for values in chains]
    amid = (_amid(values[-1], own) for values in chains)
    others = [*else_, *(f"parameter {i + 1}" for i in range(len(else_), len(chains)))]
    rows = enumerate(zip(later, single, amid, written, others, strict=True))
    return [named.get(i) or next(filter(None, row)) for i, row in rows]


def _of_one_more(last: Node, found: Sequence[Held]) -> str:
    """The name of the next value of a parameter, or of a part of its entries, if it is held."""
    of = (e for e in found if operation_key(e.value) == operation_key(last))
    next_ones = (each for each in of if last in ancestors(each.value))
    written = (each for each in found if last in states_of(each.value))
    return next((each.name for each in chain(next_ones, written)), "")


def _amid(last: Node, found: Sequence[Held]) -> str:
    """The only name of numbers that nothing has computed, as where it stopped amid an update."""
    new = (each for each in found if each.value.constant and each.value.number > last.number)
    amid = [each for each in new if np.shape(each.value.value) == np.shape(last.value)]
    return amid[0].name if len({each.value for each in amid}) == 1 else ""


def _said(known: Sequence[tuple[int, Held]]) -> set[tuple[int, str]]:
    return {(i, each.name) for i, each in known}


def _schemes(known: Sequence[tuple[int, Held]], count: int) -> list[dict[int, Held]]:
    """Names that begin with one variable, or that are variables; those of most parameters first."""
    made: dict[tuple[int, str], dict[int, Held]] = {}
    for i, each in known:
        scheme = made.setdefault((each.space, each.root if each.depth else ""), {})
        if i not in scheme or each.depth < scheme[i].depth:
            scheme[i] = each

    def order(item: tuple[tuple[int, str], dict[int, Held]]) -> tuple[bool, int, int, int]:
        (space, root), scheme = item
        some = not root and len(scheme) < count  # such as the variables of a loop
        return some, -len(scheme), sum(each.depth for each in scheme.values()), space

    return [scheme for _, scheme in sorted(made.items(), key=order)]


def _written(values: Sequence[Node]) -> str:
    """What the line of an update writes to, or to a part of."""
    node, name = next(((e, name) for e in values[1:] if (name := written_name(e))), (None, ""))
    part = ast.parse(name, mode="eval").body if node and written_places(node) else None
    return ast.unparse(part.value) if isinstance(part, ast.Subscript) else name


@dataclass(frozen=True, eq=False)
class Attached:
    """A value with a gradient.

    Attributes:
        name: of the value.
        value: which something is computed from.
        gradient: that was attached to it.
    """

    name: str
    value: Node
    gradient: Node


def attached(variables: Sequence[Held]) -> list[Attached]:
    """The values that have a gradient, and were computed from no other that has one."""
    owners = {(each.space, each.name): each for each in variables}
    found: dict[Node, Attached] = {}
    for each in sorted(variables, key=lambda e: e.depth):
        name, _, attribute = each.name.rpartition(".")
        owner = owners.get((each.space, name))
        alike = owner is not None and np.shape(owner.value.value) == np.shape(each.value.value)
        computed = attribute in GRADIENTS and each.value.function is not None
        if owner is not None and alike and computed:
            found.setdefault(owner.value, Attached(name, owner.value, each.value))
    return [
        each
        for each in found.values()
        if not any(each.value.depends_on(e) for e in found if e is not each.value)
    ]


def by_attached(trace: Trace, found: Sequence[Attached]) -> Examined:
    """The gradients, by the program's own loss if it has one, else by a known cost.

    Raises:
        NotAGradientError: there is no loss, and no output that is compared with a target.
    """
    olds = {each.value: each.name for each in found}
    gradients = [each.gradient for each in found]
    losses = candidates(trace.nodes, [*olds], gradients)
    step = Step(trace, olds, [*gradients, *losses])
    goals = tuple(Goal(e.name, step.of[e.value], step.of[e.gradient]) for e in found)
    own = [step.of[each] for each in losses]
    fit = best_loss(step.trace, own, goals)
    called = [fit.loss] if fit is not None else by_name(step.trace, own, goals, lambda _: True)
    return examine_pass(OwnPass(step.trace, goals, loss=next(iter(called), None)))
