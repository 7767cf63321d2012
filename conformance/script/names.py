"""What a program calls its parameters: the expressions under which it holds them.

Left out: which values are parameters (`parameters.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, FunctionType, ModuleType
from typing import Any

from conformance.backward.source import written_name
from conformance.tracing.arrays import Traced, is_traced_number
from conformance.tracing.frames import is_subject
from conformance.tracing.trace import Node, Trace

DEPTH, MANY = 4, 20_000  # of objects within objects


@dataclass(frozen=True)
class Held:
    """An expression for a value: the namespace and the variable that it begins with, its depth."""

    space: int
    root: str
    depth: int
    name: str
    value: Node


def namespaces(frame: FrameType | None) -> list[Mapping[str, Any]]:
    """The variables of the program's functions that are running, the innermost first."""
    found: list[Mapping[str, Any]] = []
    while frame is not None:
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
                for depth, name, each in _within(root, value):
                    node = each.node if is_traced_number(each) else trace.node_of(each)
                    found.append(Held(i, root, depth, name, node))
    return found


def _within(root: str, value: Any) -> Iterator[tuple[int, str, Any]]:
    """The traced values within a value, each with its depth and expression."""
    waiting = [(0, root, value)]
    seen = set()
    for depth, name, each in waiting:
        if isinstance(each, Traced) or is_traced_number(each):
            yield depth, name, each
        elif depth < DEPTH and id(each) not in seen and len(waiting) < MANY:
            seen.add(id(each))
            waiting += [(depth + 1, name + part, inner) for part, inner in _parts(each)]


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((f"[{key!r}]", each) for key, each in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"[{i}]", each) for i, each in enumerate(value))
    elif isinstance(getattr(value, "__dict__", None), dict) and not isinstance(
        value, ModuleType | FunctionType | type
    ):
        yield from ((f".{key}", each) for key, each in vars(value).items())


def names(chains: Sequence[Sequence[Node]], found: Sequence[Held]) -> list[str]:
    """A name for each chain of values: if possible all begin with the same variable.

    Args:
        chains: the values of each parameter, one after another.
        found: what the program's variables hold.
    """
    owner = {node: i for i, values in enumerate(chains) for node in values}
    schemes: dict[tuple[int, str], dict[int, Held]] = {}
    for each in found:
        i = owner.get(each.value)
        if i is not None:
            for root in (each.root, "") if each.depth == 0 else (each.root,):
                scheme = schemes.setdefault((each.space, root), {})
                if i not in scheme or each.depth < scheme[i].depth:
                    scheme[i] = each
    best = sorted(schemes.items(), key=lambda e: (-len(e[1]), sum(h.depth for h in e[1].values()), e[0][0]))
    named: dict[int, str] = {}
    for _, scheme in best:
        for i, each in scheme.items():
            if each.name not in named.values():
                named.setdefault(i, each.name)
    return [named.get(i) or _written(values, i) for i, values in enumerate(chains)]


def _written(values: Sequence[Node], i: int) -> str:
    """What the line of the last update writes to."""
    name = next((name for each in values[1:] if (name := written_name(each))), "")
    return name or f"parameter {i + 1}"
