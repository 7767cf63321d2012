"""An array that is changed in place while another name still stands for what it was.

Left out: every other fault.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.backward.blame import Search
from conformance.backward.chain import Rules
from conformance.backward.findings import Line
from conformance.backward.source import line_of, operand_name, written_name
from conformance.backward.syntax import assigned, base, gives_alias, statement, stored
from conformance.tracing.node import Node


@dataclass(frozen=True)
class Aliased:
    """A write into an array that has two names.

    Attributes:
        lines: the line that gave it the second name, if it is known, and the one that wrote.
        written: the name under which it was written into.
        read: the name under which it was read as what it had been.
    """

    lines: tuple[Line, ...]
    written: str
    read: str


@dataclass(frozen=True, eq=False)
class _Use:
    """An operand of a name: the operation, the place, the value that it has and had before."""

    user: Node
    place: int
    name: str
    before: Node


def aliased(search: Search) -> Aliased | None:
    """The write that makes the gradients wrong, if all are right when each name keeps its own."""
    by_first: dict[int, list[Node]] = {}
    for node in search.chain.nodes:
        if node.replaces is not None and not search.forward.contains(node):
            by_first.setdefault(_history(node)[0].number, []).append(node)
    for written in by_first.values():
        uses = [*_stale(written)]
        for rules in (_kept(uses), {**_kept(uses), **_from_nothing(written[0])}) if uses else ():
            if search.confirms({}, rules):
                return _found(written[0], uses[0].name)
        names = [*dict.fromkeys(map(written_name, written))]
        adds = all(any(arg is e.replaces for arg in e.args) for e in written)
        if adds and len(names) > 1 and _has_sum_of_each(search, written, names):
            return _found(written[-1], next(e for e in names if e != written_name(written[-1])))
    return None


def _has_sum_of_each(search: Search, written: list[Node], names: list[str]) -> bool:
    """Whether each gradient is right by what is written under one of several names, all needed."""
    right, needed = set[int](), True
    for name in names:
        others = [each for each in written if written_name(each) != name]
        rules = {each.number: _as_it_was(each) for each in others}
        after = search.right_after({}, rules)
        needed = needed and any(not each.ok for each in after)
        right |= {id(each) for each in after}
    return needed and len(right) == len(search.verdicts)


def _as_it_was(node: Node) -> Callable[[list[Any], dict[str, Any]], Any]:
    """What an array was before it was written into."""
    at = next(i for i, arg in enumerate(node.args) if arg is node.replaces)
    return lambda args, _: args[at]


def _from_nothing(node: Node) -> Rules:
    """A sum that is written over an array, with nothing in the place of what that was."""
    if node.operation != "add":
        return {}
    kept = [arg is not node.replaces for arg in node.args]

    def rule(args: list[Any], _: dict[str, Any]) -> Any:
        return sum(np.asarray(a) for a, stays in zip(args, kept, strict=True) if stays)

    return {node.number: rule}


def _history(node: Node) -> list[Node]:
    """What an array was before, the first first."""
    found: list[Node] = []
    before = node.replaces
    while before is not None:
        found.insert(0, before)
        before = before.replaces
    return found


def _found(node: Node, read: str) -> Aliased:
    name, line = written_name(node), line_of(node)
    lines = [] if line is None else [line]
    made = [assigned(base(e), line, alias=False) for e in (name, read)] if line else []
    both = {base(name), base(read)}
    origins = (each for each in made if each is not None and _names_one_array(each, both))
    return Aliased((*[*origins][:1], *lines), name, read)


def _names_one_array(line: Line, names: set[str]) -> bool:
    """Whether a line gives another name to an array, or all of some names to one."""
    here = statement(line.file, line.line)
    return gives_alias(line) or (here is not None and len(names) > 1 and stored(here) >= names)


def _stale(writes: Sequence[Node]) -> Iterator[_Use]:
    """The operands that read an overwritten array under a name that stood for what it was.

    Args:
        writes: into the array, one after another.
    """
    first: dict[str, Node] = {}
    for before, node in pairwise((*_history(writes[-1]), writes[-1])):
        for user in before.consumers:
            for _, name in _names(user, before):
                first.setdefault(name, before)
        written = base(written_name(node)) if node in writes else None
        for user in node.consumers if written is not None else ():
            for place, name in _names(user, node):
                if name in first and base(name) != written:
                    yield _Use(user, place, name, first[name])


def _names(user: Node, node: Node) -> Iterator[tuple[int, str]]:
    """The names under which an operation reads a value, with the function that has them."""
    for i, arg in enumerate(user.args):
        if arg is node:
            name = operand_name(user, i)
            if name:
                yield i, name


def _kept(uses: list[_Use]) -> Rules:
    """The operations that read it, with what it was."""
    places: dict[int, list[_Use]] = {}
    for each in uses:
        places.setdefault(each.user.number, []).append(each)

    def rule(found: list[_Use]) -> Any:
        def made(args: list[Any], kwargs: dict[str, Any]) -> Any:
            given = [*args]
            for each in found:
                given[each.place] = each.before.value
            assert found[0].user.function is not None  # noqa: S101 - it has operands
            return found[0].user.function(*given, **kwargs)

        return made

    return {number: rule(found) for number, found in places.items()}
