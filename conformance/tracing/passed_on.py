"""The line that passes on a right value in the place of another, as `nabla_b[-l] = z` does.

No operation is on such a line. It reads the name that the value has, and nothing there computes
with it. Left out: which value was taken for another (`blame_lines.py`).
"""

import ast
from collections.abc import Container, Iterator, Sequence

from conformance.tracing.arranging import consumers_of
from conformance.tracing.frames import Frame, functions_of
from conformance.tracing.node import Node
from conformance.tracing.source_names import (
    appended,
    computes,
    name_of,
    named,
    names_on,
    own_names,
    parts_around,
    passing,
    read_in,
    targets_of,
)


def passed_on(taken: Node, taker: Node, nodes: Sequence[Node]) -> tuple[Frame, ...]:
    """The frames of the line that passes on a value to what takes it; none if it cannot be told.

    Nothing passes it on where the line that takes it calls what computes it.
    """
    called = zip(taken.frames[1:], taken.calls[1:], strict=True)
    at_once = (taker.frames[0], taker.calls[0]) in called
    return () if at_once else _PassedOn(taken, taker, nodes).frames()


def taken_for_a(
    z: Node, takers: Sequence[Node], nodes: Sequence[Node], handed: Sequence[Container[int]]
) -> tuple[Frame, ...]:
    """The frames of the line that hands on z as a; none if it cannot be told.

    Args:
        z: the value.
        takers: what computes with it.
        nodes: of the run.
        handed: the numbers of the nodes that each call was handed.
    """
    renamed = next(filter(None, (named_anew(z, each) for each in takers)), ())
    found = renamed or _handed_back(z, handed) or passed_on(z, takers[0], nodes)
    return found or _given_on(z, takers[0])


def named_anew(taken: Node, taker: Node, *, returned: bool = False) -> tuple[Frame, ...]:
    """The frames of the line that gives a value the name by which its own function takes it.

    Such as `a = z`, and `activations.append(a)` after it. There are none if it cannot be told.

    Args:
        taken: the value.
        taker: what takes it.
        returned: whether what its function returns may be that name, too.
    """
    for depth, (frame, call) in enumerate(zip(taken.frames, taken.calls, strict=True)):
        taking = {f.line for f, c in zip(taker.frames, taker.calls, strict=True) if c == call}
        ends = {e.lineno for e in parts_around(frame) if isinstance(e, ast.Return) and returned}
        lines = taking or ends
        read = {name for each, name in named(frame, ast.Load) if each.lineno in lines}
        own = names_on(frame, ast.Store) | appended(frame)
        found = {
            line
            for line, targets in _handing(frame, own)
            if line not in {frame.line, *lines}
            and _comes_after(frame, line)
            and not _known_by(frame, targets - own).isdisjoint(read - own)
        }
        if len(found) == 1:
            return Frame(frame.file, found.pop(), frame.function), *taken.frames[depth + 1 :]
        if taking:
            break
    return ()


def _comes_after(frame: Frame, line: int) -> bool:
    """Whether another line of a function may be run after one: below it, or in a loop around."""
    loops = (e for e in parts_around(frame) if isinstance(e, ast.For | ast.While))
    within = (range(each.lineno, (each.end_lineno or 0) + 1) for each in loops)
    return line > frame.line or any(line in each and frame.line in each for each in within)


def stored_for(taken: Node, taker: Node) -> tuple[Frame, ...]:
    """The frame of the only line that stores a value as it is where a taker reads it.

    Such as `self.db = g` for what is read as `layer.db`; it is the line that computed the value if
    that stores it there. There is none if it cannot be told.
    """
    found = ({*_stored(taken, frame)} for frame in taker.frames)
    first: set[Frame] = next(filter(None, found), set())
    return tuple(first) if len(first) == 1 else ()


def _stored(taken: Node, frame: Frame) -> Iterator[Frame]:
    """The lines that store a value by a name that is read on a line."""
    on_line = [e for e in parts_around(frame) if getattr(e, "lineno", 0) == frame.line]
    attributes = [each for each in on_line if isinstance(each, ast.Attribute)]
    inner = [each.value for each in attributes]
    moved = {each.attr for each in attributes if isinstance(each.ctx, ast.Store)}
    read = {each.attr for each in attributes if each not in inner} - moved
    stored = [
        (Frame(frame.file, each.lineno, function.name), each.value)
        for function in functions_of(frame.file)
        for each in ast.walk(function)
        if isinstance(each, ast.Assign)
        for target in each.targets
        for held in [target.value if isinstance(target, ast.Subscript) else target]
        if isinstance(held, ast.Attribute) and held.attr in read
    ]
    if any(each == taken.frames[0] for each, _ in stored):
        yield taken.frames[0]
    else:
        yield from (each for each, value in stored if not computes(value) and read_in([value]))


def _given_on(taken: Node, taker: Node) -> tuple[Frame, ...]:
    """The frames of the function that gives what another gave it to the one that takes it."""
    apart = [each not in taker.calls for each in taken.calls]
    depth = apart.index(False) if False in apart else 0
    return taken.frames[depth - 1 :] if depth > 1 else ()


def _handed_back(taken: Node, handed: Sequence[Container[int]]) -> tuple[Frame, ...]:
    """The frames of a line that returns a value as its function was handed it; none if none does.

    Args:
        taken: the value, of which the function computed something too.
        handed: the numbers of the nodes that each call was handed.
    """
    for each in consumers_of(taken):
        if each.frames and taken.number in handed[each.calls[0]]:
            every = [
                e for e in parts_around(each.frames[0]) if isinstance(e, ast.Return) and e.value
            ]
            given = {e.arg for e in parts_around(each.frames[0]) if isinstance(e, ast.arg)}
            lines = [e.lineno for e in every if e.value and name_of(e.value) in given]
            if len(lines) == 1:
                frame = each.frames[0]
                return Frame(frame.file, lines[0], frame.function), *each.frames[1:]
    return ()


def _handing(frame: Frame, names: frozenset[str]) -> Iterator[tuple[int, frozenset[str]]]:
    """The statements of a function that hand on what names stand for, each with what takes it."""
    for each in parts_around(frame):
        if not isinstance(each, ast.Assign | ast.Expr):
            continue
        appended = each.value if isinstance(each, ast.Expr) else None
        parts = appended.args if isinstance(appended, ast.Call) else [each.value]
        if not any(map(computes, parts)) and not names.isdisjoint(read_in(parts)):
            yield each.lineno, targets_of(appended or each)


def _known_by(frame: Frame, names: frozenset[str]) -> frozenset[str]:
    """Some names of a function, and those by which it knows what they stand for too."""
    more = names.union(*(targets for _, targets in _handing(frame, names)))
    return names if more == names else _known_by(frame, more)


class _PassedOn:
    """The search for such a line, for one value."""

    def __init__(self, taken: Node, taker: Node, nodes: Sequence[Node]) -> None:
        """Search where a value goes that was taken.

        Args:
            taken: the value, right in itself.
            taker: what takes it.
            nodes: of the run.
        """
        self.taken, self.taker = taken, taker
        alike = (e for e in nodes if (e.operation, e.frames[:1]) == _kind(taken))
        every = (c for each in alike for c in consumers_of(each))
        self.uses = [each for each in every if each.frames and _kind(each) != _kind(taker)]
        self._lines = {(each.file, each.line) for use in self.uses for each in use.frames}

    def frames(self) -> tuple[Frame, ...]:
        """The line, with those that lead to it; none if it cannot be told."""
        if not self.uses:  # it was made for this alone
            return ()
        found = self._followed()
        if not found:  # it is passed on where something is computed of it too
            self._lines = set()
            found = self._followed()
        return found

    def _followed(self) -> tuple[Frame, ...]:
        taken, calls = self.taken, self.taker.calls
        for depth, (frame, call) in enumerate(zip(taken.frames, taken.calls, strict=True)):
            if call not in calls:
                found = self._reads(
                    frame, names_on(frame, ast.Store) | appended(frame), frozenset()
                )
                if len(found) == 1:
                    return *found, *taken.frames[depth + 1 :]
        for use in self.uses:
            frame = use.frames[0]
            read = names_on(frame, ast.Load) & own_names(frame)
            found = {each for each in self._reads(frame, read) if each.line > frame.line}
            if use.calls[0] not in calls and len(found) == 1:
                return *found, *use.frames[1:]
        return ()

    def _reads(
        self, frame: Frame, names: frozenset[str], known: frozenset[str] | None = None
    ) -> set[Frame]:
        """The lines of a function that pass on what names stand for, and compute nothing of it.

        Args:
            frame: a line of the function.
            names: of the value, or of what holds it.
            known: names that were followed before; None to follow no others.
        """
        found = set[Frame]()
        for line, targets in passing(frame, names):
            if line == frame.line or (frame.file, line) in self._lines:
                continue
            before = names | (known or frozenset())
            others = targets - before
            reads = (each.lineno for each, name in named(frame, ast.Load) if name in others)
            if known is not None and any((frame.file, each) in self._lines for each in reads):
                found |= self._reads(frame, others, before)
            elif others or not (targets or self._returns_to_all(frame, line, names)):
                found.add(Frame(frame.file, line, frame.function))
        return found

    def _returns_to_all(self, frame: Frame, line: int, names: frozenset[str]) -> bool:
        """Whether a line returns a value once, and what uses it rightly has it from there too."""
        returned = (e for e in parts_around(frame) if isinstance(e, ast.Return))
        inside = (e for each in returned if each.lineno == line for e in ast.walk(each))
        read = [e for e in inside if isinstance(e, ast.expr) and name_of(e) in names]
        outside = (all(e.function != frame.function for e in use.frames) for use in self.uses)
        return len(read) == 1 and any(outside)


def _kind(node: Node) -> tuple[str, tuple[Frame, ...]]:
    return node.operation, node.frames[:1]
