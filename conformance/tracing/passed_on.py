"""The line that passes on a right value in the place of another, as `nabla_b[-l] = z` does.

No operation is on such a line. It reads the name that the value has, and nothing there computes
with it. Left out: which value was taken for another (`blame.py`).
"""

import ast
from collections.abc import Iterator, Sequence

from conformance.tracing.arranging import consumers_of
from conformance.tracing.frames import Frame, function_around
from conformance.tracing.node import Node

HOLDING = (ast.Tuple, ast.List, ast.Dict, ast.keyword, ast.IfExp)
HANDING = {"array", "asarray", "copy", "deepcopy", "enumerate", "list", "range", "tuple", "zip"}
"""Functions that compute nothing of what they are given."""
PASSING = (ast.Assign, ast.Return, ast.Yield, *HOLDING)


def passed_on(taken: Node, taker: Node, nodes: Sequence[Node]) -> tuple[Frame, ...]:
    """The frames of the line that passes on a value to what takes it; none if it cannot be told."""
    return _PassedOn(taken, taker, nodes).frames()


def assigned_to_itself(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """The frames of the only line that gives a name what it had, as `b = b` does, beside others.

    Args:
        frames: of a line of the same function, or of one that it is called by.
    """
    for depth, frame in enumerate(frames):
        lines = {e.lineno for e in _inside(frame) if isinstance(e, ast.Assign) and _is_idle(e)}
        if len(lines) == 1:
            return Frame(frame.file, lines.pop(), frame.function), *frames[depth + 1 :]
    return ()


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
                found = self._reads(frame, _on(frame, ast.Store) | _appended(frame), frozenset())
                if len(found) == 1:
                    return *found, *taken.frames[depth + 1 :]
        for use in self.uses:
            frame = use.frames[0]
            read = _on(frame, ast.Load) & _own(frame)
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
        for line, targets in _passing(frame, names):
            if line == frame.line or (frame.file, line) in self._lines:
                continue
            before = names | (known or frozenset())
            others = targets - before
            reads = (each.lineno for each, name in _named(frame, ast.Load) if name in others)
            if known is not None and any((frame.file, each) in self._lines for each in reads):
                found |= self._reads(frame, others, before)
            elif others or not targets:
                found.add(Frame(frame.file, line, frame.function))
        return found


def _is_idle(assignment: ast.Assign) -> bool:
    """Whether an assignment computes nothing of what it reads, and that is what it assigns to."""
    inside = list(ast.walk(assignment.value))
    calls = [e.func for e in inside if isinstance(e, ast.Call)]
    called = {e.attr if isinstance(e, ast.Attribute) else _name(e) for e in calls}
    computes = any(isinstance(e, ast.BinOp | ast.UnaryOp) for e in inside) or called - HANDING
    read = {_name(each) for each in inside if isinstance(each, ast.expr)}
    return not computes and not _targets(assignment).isdisjoint(read)


def _kind(node: Node) -> tuple[str, tuple[Frame, ...]]:
    return node.operation, node.frames[:1]


def _inside(frame: Frame) -> list[ast.AST]:
    around = function_around(frame)
    return [] if around is None else list(ast.walk(around))


def _name(part: ast.expr) -> str:
    """The variable or attribute that a part of a program is, as it is written; or nothing."""
    named = isinstance(part, ast.Name | ast.Attribute)
    held = part.value if isinstance(part, ast.Attribute) else part
    return ast.unparse(part) if named and isinstance(held, ast.Name) else ""


def _named(frame: Frame, context: type[ast.expr_context]) -> list[tuple[ast.expr, str]]:
    """The variables and attributes that the function of a line reads, or assigns to."""
    every = (each for each in _inside(frame) if isinstance(each, ast.expr))
    names = (
        (each, _name(each)) for each in every if isinstance(getattr(each, "ctx", None), context)
    )
    return [(each, name) for each, name in names if name]


def _on(frame: Frame, context: type[ast.expr_context]) -> frozenset[str]:
    """The names that a line reads, or assigns to."""
    statements = [
        each
        for each in _inside(frame)
        if isinstance(each, ast.Assign | ast.AugAssign | ast.Return | ast.Expr)
        and each.lineno <= frame.line <= (each.end_lineno or 0)
    ]
    inside = {part for each in statements for part in ast.walk(each)}
    return frozenset(name for each, name in _named(frame, context) if each in inside)


def _appended(frame: Frame) -> frozenset[str]:
    """The lists that a line appends to."""
    calls = (e.value for e in _inside(frame) if isinstance(e, ast.Expr) and e.lineno == frame.line)
    return frozenset(name for each in calls for name in _targets(each))


def _own(frame: Frame) -> frozenset[str]:
    """The variables of the function of a line."""
    given = {each.arg for each in _inside(frame) if isinstance(each, ast.arg)}
    return frozenset(given | {name for _, name in _named(frame, ast.Store)})


def _passing(frame: Frame, names: frozenset[str]) -> Iterator[tuple[int, frozenset[str]]]:
    """The lines of a function that pass on what names stand for, each with what takes it.

    A call passes on what it is given if nothing takes its result, or if it makes a record.
    """
    every = list(_inside(frame))
    calls = [each.value for each in every if isinstance(each, ast.Expr)]
    calls += [each for each in every if isinstance(each, ast.Call) and _makes_record(each)]
    for each in (*(e for e in every if isinstance(e, PASSING)), *calls):
        for part in ast.iter_child_nodes(each):
            value = part.value if isinstance(part, ast.Subscript) else part
            if not isinstance(value, ast.expr) or _name(value) not in names:
                continue
            called = isinstance(each, ast.Call) and part is each.func
            if isinstance(getattr(part, "ctx", None), ast.Load) and not called:
                yield value.lineno, _targets(each)


def _makes_record(call: ast.Call) -> bool:
    """Whether a call is one of a class, by its name."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
    return (name.id if isinstance(name, ast.Name) else str(name)).lstrip("_")[:1].isupper()


def _targets(node: ast.AST) -> frozenset[str]:
    """The variables that an assignment gives a value to, or of the list that it is appended to."""
    parts: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        parts = [node.func.value]
    held = [each.value if isinstance(each, ast.Subscript) else each for each in parts]
    return frozenset(filter(None, map(_name, held)))
