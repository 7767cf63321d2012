"""Which changes of a line give what has to be given there, before the program is run with them.

Where an operation is known that mends all gradients by giving another value, the program is run
once as it is. When it comes to the line, each change of it that does nothing but compute is
evaluated with the variables that are there: the result has to be that of the line with the right
value in the place of the operation. Left out: the right values (`backward/blame.py`), and running
the program with a change (`search_edits.py`).
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import CO_NESTED
from types import FrameType
from typing import Any

import numpy as np

from conformance.edits.computing import is_pure
from conformance.edits.edit import Edit, Slot
from conformance.edits.levels import Place
from conformance.edits.live_functions import LiveFunction
from conformance.edits.scope import expressions
from conformance.tracing.frames import COMPREHENSIONS
from conformance.tracing.line_tracer import traced_by
from conformance.tracing.trace import plain
from reference.step import Array

RIGHT = "__right__"
"""The name of what an operation has to give."""

UNNAMED = object()
"""In the place of the value of an expression that reads a name which is not known."""

NEARLY = 1e-5  # of the largest entry: an ε in the loss moves what is right
FEW = 3  # executions that are looked at

Pairs = Sequence[tuple[Array, Array]]
"""What the executions of an operation gave, and what they have to give."""

RightValues = Mapping[tuple[str, int], Pairs]
"""By the line, with its file."""

SCOPES = ast.Lambda | ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp

READS = ast.Name | ast.Attribute | ast.Constant
"""What computes nothing: a variable may hold what the operation gave before."""

SIMPLE = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr


class Changes:
    """The changes of lines that give the right values."""

    def __init__(
        self, known: RightValues, run: Callable[[], object], is_over: Callable[[], bool]
    ) -> None:
        """Evaluate none yet.

        Args:
            known: the right values.
            run: the program as it is, to its end or an error.
            is_over: whether there is no time left for more.
        """
        self.known, self.run, self.is_over = known, run, is_over

    def judge(self, place: Place) -> bool:
        """Whether it is known what a line has to give."""
        line, function = place
        return (function.file, line) in self.known

    def left(self, function: LiveFunction, line: int, edits: Iterator[Edit]) -> Iterator[Edit]:
        """The changes of a line, without those that give another value than is right there."""
        pairs = self.known.get((function.file, line))
        statement = _statement(function.definition, line) if pairs else None
        if not pairs or statement is None:
            return edits
        every = [*edits]
        site = _Site(function.file, statement, pairs, every, self.is_over)
        if every:
            site.trace(self.run)
        return (each for i, each in enumerate(every) if i not in site.wrong)


def _statement(definition: ast.AST, line: int) -> ast.AST | None:
    """The innermost statement that a line is of, if it has no others in it; a lambda that it is."""
    if isinstance(definition, ast.Lambda):
        return definition
    found = None
    for each in ast.walk(definition):
        if isinstance(each, SIMPLE) and each.lineno <= line <= (each.end_lineno or 0):
            found = each
    return found


class _Added(Slot):
    """The place of `a + b` for `a += b`."""

    def get(self) -> ast.AST:
        """The sum, as the statement now is."""
        statement: Any = self.parent
        target = ast.parse(ast.unparse(statement.target), mode="eval").body
        return ast.BinOp(target, statement.op, statement.value)


@dataclass(frozen=True)
class _Place:
    """An expression that is evaluated, and the values of which it has to have one.

    Attributes:
        slot: of the expression.
        within: the places of the expressions in it, with its own.
        wanted: the values: of several executions that gave the same, it is not known which it is.
    """

    slot: Slot
    within: frozenset[tuple[int, str, int | None]]
    wanted: tuple[Array, ...]


@dataclass
class _Site:
    """A statement, and the changes of it."""

    file: str
    statement: ast.AST
    pairs: Pairs
    edits: Sequence[Edit]
    is_over: Callable[[], bool]
    wrong: set[int] = field(default_factory=set)
    seen: int = 0

    def trace(self, run: Callable[[], object]) -> None:
        """Run the program, and evaluate the changes where it comes to the statement."""
        first = getattr(self.statement, "lineno", 0)
        span = range(first, (getattr(self.statement, "end_lineno", 0) or first) + 1)

        def line(frame: FrameType, event: str, _: object) -> Callable[..., Any]:
            if event == "line" and frame.f_lineno in span and self.seen < FEW:
                self._see(_names(frame), nested=bool(frame.f_code.co_flags & CO_NESTED))
            return line

        def call(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
            code = frame.f_code
            own = code.co_filename == self.file and self.seen < FEW
            lines = {each for *_, each in code.co_lines() if each} if own else set()
            return line(frame, event, _) if not lines.isdisjoint(span) else None

        with traced_by(call):
            run()

    def _see(self, names: dict[str, Any], *, nested: bool) -> None:
        """Evaluate the changes where the statement gives what is wrong.

        Args:
            names: what its names stand for.
            nested: whether a change may read others, of the function around.
        """
        place = _place(self.statement, self.pairs, names)
        if place is None:
            return
        self.seen += 1
        for i, edit in enumerate(self.edits):
            if self.is_over():
                return
            inside = {_place_of(at) for at, _ in edit.puts}
            if i not in self.wrong and edit.puts and inside <= place.within:
                with edit.made():
                    if _gives_another(place, names, nested=nested):
                        self.wrong.add(i)


def _gives_another(place: _Place, names: dict[str, Any], *, nested: bool) -> bool:
    """Whether an expression, as it now is, is known to have none of the values that are wanted."""
    part = place.slot.get()
    if not is_pure(part, names):
        return False
    value = _value(part, names)
    return not (value is UNNAMED and nested) and not any(_is(value, e) for e in place.wanted)


def _place(statement: ast.AST, pairs: Pairs, names: dict[str, Any]) -> _Place | None:
    """Where a statement gives what an operation gave: the largest part of it that is known then."""
    for path in (e for e in _paths(statement) if not isinstance(e[-1].get(), READS)):
        value = _value(path[-1].get(), names) if is_pure(path[-1].get(), names) else None
        rights = [right for given, right in pairs if _is(value, given)]
        for slot in path if rights else ():
            if is_pure(slot.get(), names):
                wanted = [_array(_value_with(path[-1], each, slot, names)) for each in rights]
                arrays = tuple(each for each in wanted if each is not None and each.size)
                if len(arrays) == len(wanted):
                    return _Place(slot, frozenset(_within(slot)), arrays)
    return None


def _value_with(at: Slot, right: Array, whole: Slot, names: dict[str, Any]) -> Any:
    """The value of an expression with another one in the place of one within it."""
    if at is whole:
        return right
    part = at.get()
    at.put(ast.Name(RIGHT, ast.Load()))
    try:
        return _value(whole.get(), {**names, RIGHT: right})
    finally:
        at.put(part)


def _within(slot: Slot) -> Iterator[tuple[int, str, int | None]]:
    """The places of an expression and of all that are in it."""
    yield from map(_place_of, (slot, *expressions(slot.get())))


def _place_of(slot: Slot) -> tuple[int, str, int | None]:
    """A place in a tree, as it is the same whatever stands there."""
    return id(slot.parent), slot.field, slot.place


def _paths(statement: ast.AST) -> Iterator[tuple[Slot, ...]]:
    """The way to each expression of a statement, through those around it, the largest first.

    It begins anew where variables of its own begin.
    """
    name = "body" if isinstance(statement, ast.Lambda) else "value"
    root = Slot(statement, name)
    waiting = [(root,)] if getattr(statement, name, None) is not None else []
    if isinstance(statement, ast.AugAssign):
        waiting = [(_Added(statement, name),), (root,)]
    for path in waiting:
        yield path
        part = path[-1].get()
        around = () if isinstance(part, SCOPES) else path
        for field_name, held in ast.iter_fields(part):
            places = enumerate(held) if isinstance(held, list) else ((None, held),)
            for place, each in places:
                if isinstance(each, ast.expr) and not isinstance(path[-1], _Added):
                    waiting.append((*around, Slot(part, field_name, place)))


def _names(frame: FrameType) -> dict[str, Any]:
    """What the names of some code stand for; in a comprehension, also those around it.

    Not traced: a trace may end a program after so many operations.
    """
    outer = frame.f_back if frame.f_code.co_name in COMPREHENSIONS else None
    return {**frame.f_globals, **plain({**(outer.f_locals if outer else {}), **frame.f_locals})}


def _value(part: ast.AST, names: dict[str, Any]) -> Any:
    """The value of an expression; None if it has none, another if a name is not known here."""
    whole = ast.fix_missing_locations(ast.Expression(part))  # type: ignore[arg-type]
    try:
        return eval(compile(whole, "<change>", "eval"), names)  # noqa: S307 - the program's own
    except NameError:
        return UNNAMED
    except Exception:  # noqa: BLE001 - it is other people's code
        return None


def _array(value: Any) -> Array | None:
    try:
        return np.asarray(getattr(value, "detach", lambda: value)(), dtype=float)
    except (TypeError, ValueError, RuntimeError):
        return None


def _is(value: Any, wanted: Array) -> bool:
    """Whether a value is some numbers, nearly."""
    array = None if value is None or value is UNNAMED else _array(value)
    if array is None or array.shape != np.shape(wanted):
        return False
    largest = float(np.max(np.abs(wanted), initial=0.0))
    return bool(np.all(np.abs(array - wanted) <= NEARLY * largest))
