"""Another operation in the place of one.

Left out: which there are (`slips.py`, `changes.py`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.findings import Line
from conformance.backward.groups import Group
from conformance.tracing.node import Node

Rule = Callable[[Node, list[Any], dict[str, Any]], Any]
"""What an execution gives, of its arguments."""

Others = Mapping[tuple[int, ...], Sequence[Group]]
"""The executions of each operation, by the shape of its result."""


LENGTH, SURE, PLAIN, LIKELY, POSSIBLE, AVERAGED, FITTED, GUESSED, UNUSUAL = (
    *(0.9, 1.0, 1.1, 1.2, 1.5, 1.9, 2.5, 3.0, 3.1),
)
"""What it takes to believe a change: a length for another, a slip, 0 or 1, another number, another
operand, a sum that is to be a mean or the other way round, any factor, one operand more, and one by
which the chain rule seldom divides or which it seldom subtracts."""


@dataclass(frozen=True, eq=False)
class Change:
    """Another operation in the place of one.

    Attributes:
        what: is changed: `operator`, `operand`, `constant`, `variable`, `start`, `axis`,
            `transpose`, `function`, `comparison`, `mask`, `index`, `order`, `extra`, `factor`,
            `term`, `added`, `repeated`: a write adds once where an index is there several times.
        before: what the program has.
        after: what it has to have.
        rule: computes it.
        cost: how much it takes to believe it.
        other: the operand, factor or term that is needed.
        place: of the operand that is changed.
        line: of several that write into an array, the one that is changed.
    """

    what: str
    before: str
    after: str
    rule: Rule
    cost: float
    other: Node | None = None
    place: int | None = None
    line: Line | None = None


def own(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """What the program's own operation gives."""
    assert node.function is not None  # noqa: S101 - constants are never evaluated
    return node.function(*args, **kwargs)


def call(function: Callable[..., Any]) -> Rule:
    """The operation replaced by a function."""
    return lambda _, args, kwargs: function(*args, **kwargs)


def with_number(place: int, value: Any) -> Rule:
    """The operation with another number in the place of an operand that is a number."""

    def rule(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Any:
        arg = node.args[place]
        if type(arg) is Node and (arg.function is not None or arg.value.ndim):
            return own(node, args, kwargs)  # in another execution it is computed
        return own(node, [*args[:place], value, *args[place + 1 :]], kwargs)

    return rule


def just(place: int) -> Rule:
    """One of the operands alone."""
    return lambda _, args, __: np.asarray(args[place])


def candidates(
    group: Group, others: Others, shapes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[Node, dict[int, Node]]]:
    """Values of some shapes that were there at each execution of an operation, by its number."""
    numbers = [each.number for each in group.nodes]
    for other in others.get(shapes[0], ()):
        if other.first.number >= numbers[0]:
            continue
        m, latest = len(other.nodes), [_latest(number, other.nodes) for number in numbers]
        choices = [latest]
        if len(numbers) > 1 and m > 1:
            for shift in (-1, 0, 1):  # a loop the other way round
                places = [min(max(m - 1 - t + shift, 0), m - 1) for t in range(len(numbers))]
                choices.append([other.nodes[i] for i in places])
        for chosen in choices:
            fits = all(e.value.shape == shape for e, shape in zip(chosen, shapes, strict=True))
            if fits and all(e.number < n for e, n in zip(chosen, numbers, strict=True)):
                yield other.first, dict(zip(numbers, chosen, strict=True))


def shapes(group: Group) -> list[tuple[int, ...]]:
    """The shapes of what the executions gave."""
    return [each.value.shape for each in group.nodes]


def _latest(number: int, nodes: Sequence[Node]) -> Node:
    """The latest of some values before an execution; the first is before it."""
    return nodes[bisect_left(nodes, number, key=lambda each: each.number) - 1]


NEARLY = 1e-9
