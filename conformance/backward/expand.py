"""A recorded run with a node for each value that gets another name, or is handed on.

A line that only gives a value another name is an operation of the program: what is used under that
name is computed there. Where that does not tell what is wrong, a value that an operand names gets a
node of its own where it is used, and so does the result that a call returns, so that another value
can be put there alone. Left out: everything else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from conformance.backward.chain import Chain
from conformance.backward.findings import Line
from conformance.backward.judge_gradients import Forward, Verdict
from conformance.backward.recorded_pass import Goal, Recorded
from conformance.backward.source import RENAMED, handed_names, line_of, operand_name, places
from conformance.backward.syntax import (
    aliased,
    assigned,
    carried,
    gives_alias,
    hands_out,
    iterated,
    passed,
    renamed,
)
from conformance.tracing.frames import Frame
from conformance.tracing.node import Node, substituted
from conformance.tracing.trace import Trace

HANDED, RETURNED = "taken", "returned"


def handed(value: Any, *_: Any) -> Any:
    """The value itself."""
    return value


@dataclass(eq=False)
class _Expansion:
    """The nodes so far, and what stands for the nodes of the run.

    Attributes:
        forward: the forward pass of the run.
        named: whether whatever gave a value its name stands for all uses under that name, for a
            value of the forward pass too.
        nodes: the new ones.
        same: what stands for a node, by its number.
        made: the nodes of what is handed on: by the value, where that gets its name, and the name.
        users: the operands that take each.
        counts: how many results a call has returned.
    """

    forward: Forward
    named: bool
    nodes: list[Node] = field(default_factory=list)
    same: dict[int, Node] = field(default_factory=dict)
    made: dict[Any, Node] = field(default_factory=dict)
    users: dict[int, set[Any]] = field(default_factory=dict)
    counts: dict[Any, int] = field(default_factory=dict)

    def add(self, node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Node:
        """A node with other arguments."""
        found = replace(node, number=len(self.nodes), args=args, kwargs=kwargs, consumers=[])
        inputs: dict[int, Node] = {}
        substituted((args, kwargs), lambda e: inputs.setdefault(e.number, e))
        found.replaces = None if node.replaces is None else self.same[node.replaces.number]
        found.inputs = tuple(inputs.values())
        found.uses = 1 << found.number
        for each in found.inputs:
            found.uses |= each.uses
            each.consumers.append(found)
        self.nodes.append(found)
        return found

    def operand(self, node: Node, user: Node) -> Node:
        """What a backward operation takes for one of its operands."""
        own, forward = self.same[node.number], self.forward.contains(node)
        line = () if forward else _left(node.frames, user.frames)
        if line:
            own = self._returned(node, own, line)
        place = next(places(user, node), -1)
        names = names_around(user, place)
        if not names[0] and not forward:
            return own
        for level in reversed(range(len(names))):
            frames = user.frames[level:]
            where = frames[1:]  # of a parameter the call
            if level == len(names) - 1:
                where = self._origin(node, names[level], frames)
                own = self._gone_through(node, own, where, (level, user.site, place))
            key = own.number, where, names[level]
            own = self._handed(key, own, where, (level, user.site, place))
        return own

    def renamed(self, node: Node, user: Node) -> Node:
        """What a backward operation takes for one of its operands, if lines gave it other names."""
        own = self.same[node.number]
        if self.forward.contains(node):
            return own
        names = names_around(user, next(places(user, node), -1))
        for level in reversed(range(len(names))):
            own = self._under(names[level], own, user.frames[level:])
        return own

    def _under(self, name: str, own: Node, frames: tuple[Frame, ...]) -> Node:
        """A value under the name by which a line uses it."""
        line = _alias(name, own, frames[0]) if name and frames else None
        if line is None:
            return own
        where = (Frame(line.file, line.line, frames[0].function), *frames[1:])
        own = self._under(aliased(line), own, where)
        key = RENAMED, own.number, where, name
        if key not in self.made:
            self.made[key] = self._identity(own, RENAMED, where, name)
        return self.made[key]

    def _origin(self, node: Node, name: str, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        """The line that gave a value its name; where it is used, if the forward pass gave it."""
        if not frames:
            return ()
        plain = self.forward.contains(node) and not self.named
        line = assigned(name, Line(frames[0].file, frames[0].line), alias=plain)
        if line is None or (self.named and any((e.file, e.line) == line for e in node.frames)):
            return frames
        return (Frame(line.file, line.line, frames[0].function), *frames[1:])

    def _gone_through(self, node: Node, own: Node, frames: tuple[Frame, ...], operand: Any) -> Node:
        """What a loop takes for a value that it goes through under another name."""
        if not frames or self.forward.contains(node):
            return own
        loop = Line(frames[0].file, frames[0].line)
        for name in iterated(loop):
            line = _named_on(node, name, loop)
            if line is not None:
                where = (Frame(line.file, line.line, frames[0].function), *frames[1:])
                return self._handed((own.number, where, name), own, where, (*operand, name))
        return own

    def _returned(self, node: Node, own: Node, frames: tuple[Frame, ...]) -> Node:
        key = (RETURNED, node.number, frames)
        if key not in self.made:
            call = frames, node.frames
            place = self.counts[call] = self.counts.get(call, -1) + 1
            self.made[key] = self._identity(own, RETURNED, frames, (frames[0], place and 1))
        return self.made[key]

    def _handed(self, key: Any, own: Node, frames: tuple[Frame, ...], operand: Any) -> Node:
        """The node of a value under a name; another one when the same operand is met again."""
        found = self.made.get(key)
        if found is None or operand in self.users[found.number]:
            tag = (key[2], frames[:1], operand if not key[2] else None)
            found = self.made[key] = self._identity(own, HANDED, frames, tag)
            self.users[found.number] = set()
        self.users[found.number].add(operand)
        return found

    def _identity(self, own: Node, what: str, frames: tuple[Frame, ...], tag: Any) -> Node:
        empty = Node(0, what, handed, (), {}, own.value, frames)
        return self.add(empty, (own, tag), {})

    def returned(self, goal: Goal) -> Goal:
        """A gradient where it is handed out, if a function that was called has computed it."""
        own, returns = self.same[goal.node.number], self.forward.run.returns[:1]
        names = set() if self.forward.contains(goal.node) else handed_names(goal.node)
        for end in returns if names and _left(goal.node.frames, self.forward.run.returns) else ():
            line = hands_out(names, Line(end.file, end.line))
            if line is not None:
                where = (Frame(line.file, line.line, end.function),)
                key = RENAMED, own.number, goal.name
                own = self.made[key] = self._identity(own, RENAMED, where, goal.name)
        return replace(goal, parameter=self.same[goal.parameter.number], node=own)

    def goal(self, goal: Goal) -> Goal:
        """A gradient as it is handed on."""
        frames, line = self.forward.run.returns, line_of(goal.node)
        given = renamed(line) if line is not None else None
        if given is not None and frames:
            frames = (Frame(given.file, given.line, frames[0].function),)
        own = self.same[goal.node.number]
        name = "" if self.forward.contains(goal.node) else goal.name
        made = self._identity(own, HANDED, frames, ("gradient", name))
        return replace(goal, parameter=self.same[goal.parameter.number], node=made)


def _alias(name: str, node: Node, user: Frame) -> Line | None:
    """The line that gave a value a name, and did no more, after it was made and before its use."""
    line = Line(user.file, user.line)
    own = (e.line for e in node.frames if (e.file, e.function) == (user.file, user.function))
    made = next(own, 0)  # else it was made elsewhere
    earlier = made >= user.line  # in an earlier round of a loop
    found = carried(name, line) if earlier else assigned(name, line, alias=True)
    return found if found is not None and found.line > made else None


def _named_on(node: Node, name: str, before: Line) -> Line | None:
    """The line that gave a value a name, if it has it; it may be another one for the same."""
    line = assigned(name, before, alias=False)
    if line is None or any((e.file, e.line) == line for e in node.frames[:1]):
        return line
    other = aliased(line) if gives_alias(line) else ""
    return line if other and _named_on(node, other, line) is not None else None


def _left(made: tuple[Frame, ...], used: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The line of the call that a value has left when it is used, and those around it."""
    common = 0
    while common < min(len(made), len(used)) and made[-1 - common] == used[-1 - common]:
        common += 1
    inner = len(made) - 1 - common
    return made[inner:] if inner > 0 else ()


def names_around(user: Node, place: int) -> list[str]:
    """The name of an operand, and of the argument that it was in each call around."""
    found = [operand_name(user, place)]
    for inner, outer in pairwise(user.frames):
        inside, call = Line(inner.file, inner.line), Line(outer.file, outer.line)
        name = passed(found[-1], inside, inner.function, call) if found[-1] else ""
        if not name:
            break
        found.append(name)
    return found


def expanded(forward: Forward, *, named: bool) -> Recorded:
    """The same run with a node for each value that is handed on; see `_Expansion`."""
    state = _Expansion(forward, named)
    return _made(state, state.operand, state.goal)


def with_names(forward: Forward, found: Sequence[Verdict]) -> tuple[Forward, list[Verdict]]:
    """The same run with a node for each line that gives a ∂C/∂v another name; itself if none does.

    Args:
        forward: the forward pass.
        found: its gradients, judged; there may be more of them.
    """
    state = _Expansion(forward, named=False)
    run = _made(state, state.renamed, state.returned)
    if not state.made:
        return forward, list(found)
    made = {id(goal): new for goal, new in zip(forward.run.goals, run.goals, strict=True)}
    judged = [replace(each, goal=made[id(each.goal)]) for each in found]
    return Forward(run, Chain(run.trace, ties=forward.chain.ties)), judged


def _made(
    state: _Expansion, operand: Callable[[Node, Node], Node], goal: Callable[[Goal], Goal]
) -> Recorded:
    """The run with what stands for the operands of its backward operations, and its gradients."""
    run, contains = state.forward.run, state.forward.contains
    for node in run.trace.nodes:
        if contains(node) or node.function is None:
            lookup = {e.number: state.same[e.number] for e in node.inputs}
        else:
            lookup = {e.number: operand(e, node) for e in node.inputs}
        args, kwargs = _with(node, lookup)
        state.same[node.number] = state.add(node, args, kwargs)
    goals = tuple(goal(each) for each in run.goals)
    loss = state.same[run.loss.number]
    return replace(run, trace=Trace.of(state.nodes), loss=loss, goals=goals)


def _with(node: Node, lookup: dict[int, Node]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a node, others in the place of its operands."""

    def other(each: Node) -> Node:
        return lookup[each.number]

    return substituted(node.args, other), substituted(node.kwargs, other)
