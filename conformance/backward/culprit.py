"""The line to blame, where an operation that can be repaired and its operands lie on several.

Left out: the repairs (`blame.py`) and the changes of one operation (`fixes.py`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.backward.compared_quantities import HALF_OF_THE_DIGITS, Match
from conformance.backward.evidence import agreed, told
from conformance.backward.findings import Line
from conformance.backward.fixes import Fix, Fixes
from conformance.backward.groups import (
    UNFIT,
    Factor,
    Group,
    Repair,
    is_given_another,
    is_used_beside,
)
from conformance.backward.in_scope import kept_by
from conformance.backward.region import INVERSES
from conformance.backward.source import MOVES, RENAMED, is_float, line_of, operand_name, own_lines
from conformance.backward.syntax import (
    aliased,
    assigned,
    base,
    carried,
    defined_around,
    hands_back,
    only_alias,
    reads,
)
from conformance.backward.value_names import named, operand_text
from conformance.tracing.frames import Frame
from conformance.tracing.node import FILLED, Node, uses_of_nodes
from reference.step import Array

PRODUCTS = ("multiply", "divide", "negative")
_right_alone: ContextVar[Collection[str]] = ContextVar("_right_alone", default=())


_right_beside: ContextVar[Sequence[Node]] = ContextVar("_right_beside", default=())


@contextmanager
def right_beside(nodes: Sequence[Node]) -> Iterator[None]:
    """Know what right gradients of another loss are made of, to the end of the block."""
    token = _right_beside.set(nodes)
    try:
        yield
    finally:
        _right_beside.reset(token)


@contextmanager
def right_alone(functions: Collection[str]) -> Iterator[None]:
    """Blame the calls of what is right by itself, functions or classes, to the end of the block."""
    token = _right_alone.set(functions)
    try:
        yield
    finally:
        _right_alone.reset(token)


@dataclass(frozen=True, eq=False)
class Handed:
    """The line of a layer that hands back a derivative as it was given it, or adds it to another.

    Attributes:
        line: it.
        held: the derivative.
        needed: that which is needed there.
        text: what the line hands back, or adds.
    """

    line: Line
    held: Match
    needed: Match
    text: str


class Culprit(Fixes):
    """What is to blame, given the repairs."""

    def lines_of(self, group: Group, wrong: set[int] | None = None) -> list[Line]:
        """The line of an operation; that of the call, if it is right where others call it.

        Args:
            group: the executions of the operation.
            wrong: the numbers of those that gave something wrong, if that is known.
        """
        node = next((e for e in group.nodes if wrong and e.number in wrong), group.first)
        own = list(own_lines(node))
        level = self.right_calls(group, wrong)
        return [*own[level : level + 1], *reversed(own[:level])]

    def right_calls(self, group: Group, wrong: set[int] | None = None) -> int:
        """How many functions around an operation are right where others call them.

        Args:
            group: the executions of the operation.
            wrong: the numbers of those that gave something wrong, if that is known.
        """
        node = next((e for e in group.nodes if wrong and e.number in wrong), group.first)
        own, known = list(own_lines(node)), _right_alone.get()
        inner = enumerate(own[:-1] if known else (), 1)
        alone = max((n for n, line in inner if defined_around(line) in known), default=0)
        if node.site is None:
            return alone
        used = uses_of_nodes(each.goal.node for each in self.search.verdicts)
        own_right = (
            each
            for each in self.chain.nodes
            if self.forward.contains(each) or (wrong is not None and used >> each.number & 1)
        )
        right = [
            each
            for each in (*own_right, *_right_beside.get())
            if (each.site, each.operation) == (node.site, node.operation)
            and (not is_float(each) or np.any(each.value))  # 0 is right whatever stands there
        ]
        calls = [e.frames for e in group.nodes if wrong is None or e.number in wrong]
        for level in range(alone + 1, len(own)):
            around = {each[level:] for each in calls}
            inside = node.frames[:level]
            if not any(
                e.frames[:level] == inside and e.frames[level:] not in around for e in right
            ):
                return level - 1
        return max(len(own) - 1, 0)

    def lines_of_factors(self, factors: Sequence[Factor]) -> list[Line]:
        """The line of what some factors were computed by, all by the same; of values, their use."""
        node = factors[0].node
        if self.forward.contains(node):
            lines = (self.lines_of(Group([each.product])) for each in factors)
            return list(dict.fromkeys(line for each in lines for line in each[:1]))
        group = self._by_number.get(node.number, Group([node]))
        products = {n for repair in self.repairs for n in self.wrong_executions(repair)}
        wrong = {e.number for e in group.nodes if any(to.number in products for to in e.consumers)}
        found = self.lines_of(group, wrong.union(each.node.number for each in factors))
        if found[:1] == list(own_lines(node))[:1] and is_given_another(factors[0], self.chain):
            return list(dict.fromkeys((*list(own_lines(node))[1:2], *found)))
        return found

    def callers(self, node: Node) -> list[Line]:
        """The lines that call the function of a node, if there are several."""
        inner = node.frames[:1]
        calls = {e.frames[1:] for e in self.chain.nodes if _same_function(e.frames[:1], inner)}
        return list(own_lines(node))[1:] if len(calls) > 1 else []

    def wrong_executions(self, repair: Repair) -> set[int]:
        """The numbers of the executions that gave something else than they have to give."""
        numbers = {each.number: each for each in repair.group.nodes}
        return {n for n, v in repair.values.items() if self._differs(numbers[n], v)}

    def lines_of_repair(self, repair: Repair) -> list[Line]:
        """The line of an operation that gave something else than it has to give, as `lines_of`.

        A contribution is lacking where the result of a call gets the name of a sum, if it does.
        """
        wrong = self.wrong_executions(repair)
        lines = self.lines_of(repair.group, wrong)
        kinds = {each.quantity.kind for each in self.known(self._first_wrong(repair))}
        lacks = "part" in kinds and self.right_calls(repair.group, wrong)
        named = only_alias(lines[0]) if lacks else self._filled_on(repair)
        return lines if named is None else [named, *lines]

    def _filled_on(self, repair: Repair) -> Line | None:
        """The line that writes values into an array, if numbers written later leave wrong ones."""
        node = self._first_wrong(repair)
        right, given = repair.values.get(node.number), self.chain.values[node.number]
        if node.operation != FILLED or right is None or np.shape(right) != np.shape(given):
            return None
        far = np.abs(np.subtract(given, right)) > HALF_OF_THE_DIGITS * np.max(np.abs(right))
        wrong = np.ravel(far & (right != 0))  # what a number is written over it may be right
        numbers = [at for at, value in node.args[1] if type(value) is not Node]
        for at in numbers:
            wrong[slice(None) if at is None else at] = False
        lines = {line_of(value) for _, value in node.args[1] if type(value) is Node}
        return lines.pop() if numbers and len(lines) == 1 and np.any(wrong) else None

    def lines_of_fix(self, fix: Fix) -> list[Line]:
        """The line of an operation, or of what it is given under a name."""
        node, place = fix.group.first, fix.change.place
        line, own_line = line_of(node), self.lines_of(fix.group, self.changed_by(fix))
        if fix.change.line is not None:
            return [fix.change.line]
        if place is not None:
            name = base(operand_name(node, place))
            begins = fix.change.what == "start"  # its number is that of the sum alone
            own = line is not None and name and (begins or name not in self._forward_names)
            found = assigned(name, line, alias=False) if own and line is not None else None
            sites = {each.site for each in fix.group.nodes}
            # what else reads it is right: it is the use that is to blame
            if found and line and not begins and reads(name, line) > len(sites):
                return [*own_line, found]
            if found is not None:
                return [found, *self.lines_of(fix.group)]
        if fix.change.what == "operand" and line is not None:
            if self._is_not_given(fix):
                called = list(own_lines(node))
                return called[1:2] + called[:1]  # the call does not give the right one
            kept = kept_by(operand_name(node, int(fix.change.before) - 1), line)
            return own_line if kept is None else [kept, *own_line]
        return own_line

    def is_right_elsewhere(self, fix: Fix) -> bool:
        """Whether a change is one of a function that is right where others call it."""
        return self.right_calls(fix.group, self.changed_by(fix)) > 0

    def spoils(self, fix: Fix) -> bool:
        """Whether what a change alters goes alone into products that are right ∂C/∂v before."""
        altered = self.changed_by(fix)
        nodes = [each for each in fix.group.nodes if each.number in altered]
        return bool(nodes) and all(map(self._makes_right, nodes))

    def _makes_right(self, node: Node) -> bool:
        while len(node.consumers) == 1 and node.consumers[0].operation in PRODUCTS:
            (node,) = node.consumers
            whole = (each for each in self.known(node) if each.quantity.kind == "total")
            if any(abs(each.factor - 1) <= HALF_OF_THE_DIGITS for each in whole):
                return True
        return False

    def changed_by(self, fix: Fix) -> set[int]:
        """The numbers of the executions that give something else by a change."""
        found = set()
        for node in fix.group.nodes:
            args, kwargs = self.chain.arguments(node, {})
            try:
                value = np.asarray(fix.change.rule(node, args, kwargs))
            except UNFIT:
                value = np.empty(0)
            if value.shape != np.shape(node.value) or (
                self._differs(node, value)
                if is_float(node)
                else not np.array_equal(value, node.value)
            ):
                found.add(node.number)
        return found

    def _is_not_given(self, fix: Fix) -> bool:
        """Whether a function is not given the operand that it needs, nor what it is made of."""
        node, other, place = fix.group.first, fix.change.other, int(fix.change.before) - 1
        if other is None or not _is_argument(node, place):
            return False
        if any(
            each.args[place] in other.inputs or is_used_beside(each.args[place], each)
            for each in fix.group.nodes
        ):
            return False
        same = [e for e in self.chain.nodes if _same_function(e.frames, node.frames)]
        used = any(other in each.inputs for each in same)
        return not used and named(other).name not in _parameters(node)

    def needed_operands(self, group: Group) -> Iterator[Line]:
        """The lines of operands that have to be a ∂C/∂v, and would make an operation right."""
        repair = next(each for each in self.repairs if each.group is group)
        node = self._first_wrong(repair)
        inverse = INVERSES.get(node.operation)
        right = repair.values.get(node.number)
        if inverse is None or right is None or len(node.args) != 2:  # noqa: PLR2004
            return
        args, _ = self.chain.arguments(node, {})
        for i, arg in enumerate(node.args):
            number = type(arg) is not Node and node.operation != "add"  # it scales, and is no sum
            if number or (type(arg) is Node and not self._may_be_another(arg)):
                continue
            if type(arg) is Node and arg.function is None and _is_carried_on(group, i):
                continue  # what a loop begins with would not do for the rounds after that
            if self._solved(inverse[i], right, args[1 - i]) is not None:
                yield from self._operand_lines(node, i)

    def _may_be_another(self, node: Node) -> bool:
        """Whether an operand may be wrong: what is a ∂C/∂v is not, unless a line renames it."""
        known = self.known(node) and node.operation != RENAMED
        return not (known or self.forward.contains(node))

    def beginning(self, repair: Repair) -> Iterator[Line]:
        """The line of what a value that a loop carries on begins with, if it is to be a ∂C/∂v.

        Not of a sum: to what it begins with, any contribution may be added that it lacks.
        """
        node, found = self._first_wrong(repair), [e for e in repair.matches if e is not None]
        inverse, right = INVERSES.get(node.operation), repair.values.get(node.number)
        one = len({(e.quantity.nodes, e.quantity.at) for e in found}) == 1
        if one or inverse is None or right is None or node is not repair.group.first:
            return
        args, _ = self.chain.arguments(node, {})
        for i, arg in enumerate(node.args):
            if type(arg) is not Node or arg.function is not None or self.forward.contains(arg):
                continue
            needed = self._solved(inverse[i], right, args[1 - i])
            value = np.asarray(inverse[i](right, args[1 - i]))
            if needed is not None and self.search.confirms({arg.number: value}):
                yield from self._operand_lines(node, i)

    def handed_back(self) -> Handed | None:
        """The line of a layer that hands back the derivative of what it computed as that of x."""
        repair = self.repairs[0]
        needed = self.needed(repair)
        if needed is None:
            return None
        for held in self.known(self._first_wrong(repair)):
            node = held.quantity.nodes[0]
            line = line_of(node) if node.depends_on(needed.quantity.nodes[0]) else None
            back = hands_back(line) if line is not None else None
            if back is not None and held.quantity.kind == "total":
                return Handed(back, held, needed, aliased(back))
        return None

    def misused_term(self, repair: Repair) -> Handed | None:
        """The line that adds a ∂C/∂u to contributions to ∂C/∂v where u was computed from v."""
        needed = self.needed(repair)
        if needed is None or needed.quantity.at:
            return None
        (v, *_), sums = needed.quantity.nodes, [self._first_wrong(repair)]
        for node in sums:
            for each in node.inputs if node.operation == "add" else ():
                known = self.known(each)
                if any(e.quantity.nodes[0] is v for e in known):
                    continue
                held = next((e for e in known if e.quantity.nodes[0].depends_on(v)), None)
                if held is not None and held.quantity.kind == "total":
                    line, text = self.lines_of(Group([node]))[0], operand_text(node, each)
                    return Handed(carried(text, line) or line, held, needed, text)
                sums += [each] * (each.operation == "add")
        return None

    def _solved(self, inverse: Callable[..., Any], right: Array, other: Any) -> Match | None:
        """The derivative that an operand has to be, for an operation to give what it has to."""
        with np.errstate(all="ignore"):
            value = np.asarray(inverse(right, other), dtype=np.float64)
        matches = self.search.known.matches(value) if np.all(np.isfinite(value)) else ()
        return next(iter(matches), None)

    def sums_of(self, repair: Repair) -> Iterator[Line]:
        """The lines of sums that lack a contribution, which products of them lack too.

        None in a function that is right where others call it.
        """
        todo = [self._first_wrong(repair)] if self.lacks_parts(repair) else []
        while todo:
            node = todo.pop()
            whole = any(each.quantity.kind == "total" for each in self.known(node))
            if whole or self._shared >> node.number & 1:
                continue  # neither it nor what right gradients are made of lacks anything
            if node.operation in ("add", "subtract"):
                group = self._by_number.get(node.number, Group([node]))
                if not self.right_calls(group, {node.number}):
                    yield from self.lines_of(group)
            elif node.operation in (*PRODUCTS, *MOVES):
                of = [e for e in node.inputs if node.operation != "divide" or e is node.args[0]]
                todo += [e for e in of if is_float(e) and not self.forward.contains(e)]

    def told_operands(self) -> Iterator[Line]:
        """The lines of operands that are said to be wrong by what they have to be.

        Each is one of which all wrong gradients are made: of one among several, others are wrong.
        """
        wrong = [each.goal.node for each in self.search.verdicts if not each.ok]
        before = sum(1 << number for number in self.wrong_executions(self.repairs[0]))
        known = self.known(self._first_wrong(self.repairs[0]))
        settled = known and not self._lacks(self.repairs[0])
        for repair in self.repairs:
            untold = repair.is_of_rests or self.lacks_parts(repair)
            pairs = [
                each
                for node in (() if untold else repair.group.nodes)
                if (right := repair.values.get(node.number)) is not None
                if self._differs(node, right)
                for each in reversed(list(told(self.chain, node, right, self.is_settled)))
            ]
            for operand in agreed(pairs):
                group = self._by_number.get(operand.number, Group([operand]))
                if operand.uses & before and not settled:
                    continue  # it is wrong since what it was computed from is
                if all(any(goal.depends_on(e) for e in group.nodes) for goal in wrong):
                    yield from self.lines_of(group, {operand.number})

    def _lacks(self, repair: Repair) -> bool:
        """Whether a ∂C/∂v lacks a contribution, or is used as that of what v alone depends on."""
        needed, held = self.needed(repair), self.known(self._first_wrong(repair))
        derivative = needed is not None and any(self._leads_only_to(needed, e) for e in held)
        return derivative or self.lacks_parts(repair)

    def _operand_lines(self, node: Node, place: int) -> Iterator[Line]:
        """The line that an operand comes from."""
        arg = node.args[place]
        line = line_of(node)
        name = base(operand_name(node, place))
        if type(arg) is Node and arg.function is not None:
            group = self._by_number.get(arg.number, Group([arg]))
            yield from self.lines_of(group, {arg.number})
        elif line is not None and name:
            found = assigned(name, line, alias=False)
            if found is not None:
                yield found


def _is_carried_on(group: Group, place: int) -> bool:
    """Whether the first execution has something given where others have what is computed."""
    return any(type(e.args[place]) is Node and e.args[place].function for e in group.nodes)


def _is_argument(node: Node, place: int) -> bool:
    """Whether an operand is what the function was given under that name, or gives that name to."""
    line, name = line_of(node), operand_name(node, place)
    while line is not None and (renaming := assigned(name, line, alias=True)) is not None:
        line, name = renaming, aliased(renaming)
    given = line is not None and name in _parameters(node)
    return given and assigned(name, line, alias=False) is None


def _parameters(node: Node) -> tuple[str, ...]:
    """The parameters of the function that computed a value."""
    if node.site is None:
        return ()
    code = node.site[0]
    return code.co_varnames[: code.co_argcount]


def _same_function(one: tuple[Frame, ...], other: tuple[Frame, ...]) -> bool:
    return [(e.file, e.function) for e in one] == [(e.file, e.function) for e in other]
