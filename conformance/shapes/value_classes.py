"""A class of values that differentiate themselves: `(a * b).backward()` leaves it in `a.grad`.

Each operation that the class defines is judged alone; if all are right, then values that are used
twice, whose derivative is the sum over their uses. Which attribute holds the number, and which the
derivative, is seen by what happens to them.

Left out: networks that are made of such values; they are as right as these.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import NotAGradientError, record
from conformance.running.quiet import quiet
from conformance.shapes.arguments import needed
from conformance.shapes.expressions import (
    BINARY,
    OTHER,
    Expression,
    chained,
    defines,
    of_two,
    single_operations,
    twice_used,
    with_a_row,
)
from conformance.shapes.judge_readings import Found, Recognised
from conformance.shapes.layer_outputs import together
from conformance.shapes.value_lines import (
    going_back,
    in_backward,
    of_operands,
    overwriting,
    walks,
    writes,
)
from conformance.tracing.trace import plain

STARTS: tuple[Any, ...] = (0.7368, np.array([[0.7368, 0.4127], [0.2931, 0.8649]]))
"""What a value is made of: a number, or an array where it takes no numbers."""
SEED = "the seed"


@dataclass(frozen=True)
class _Kept:
    """Where a value keeps things: the names of its attributes."""

    number: str
    gradient: str


@dataclass(frozen=True)
class ValueSearch:
    """A class of values.

    Attributes:
        kind: the class.
        problems: why it could not be judged.
    """

    kind: type
    problems: list[str] = field(default_factory=list)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""
        kept = next(filter(None, map(self._kept, STARTS)), None)
        if kept is None:
            self.problems.append("its values keep no derivative after backward()")
            return None
        alone = self._parts(single_operations(self.kind), kept)
        alone += self._of_rows(kept)
        if not alone:
            return None
        more = self._parts(self._more(alone), kept)
        name = self.kind.__name__
        made = f"{name}(number) with .{kept.number} and .{kept.gradient}"
        recognised = Recognised(made, "", "", (f"{going_back(self.kind)}()",), "kept", ())
        one_by_one = all(each.ok for each in alone)
        if one_by_one or not more or any(each.ok for each in more):
            told = [*alone, *(self._of_uses(more, kept) if one_by_one else ())]
        else:
            told = self._of_uses([*alone, *more], kept)
        examined = together(told)
        return Found(recognised, examined, (name,))

    def _more(self, alone: Sequence[Examined]) -> Iterator[Expression]:
        """Values that are used twice; right operations one after another, where some are wrong.

        An operation that is made of others is wrong where `backward` takes these in a wrong order.
        """
        if all(each.ok for each in alone):
            return twice_used(self.kind)
        names = (e.name.rpartition(" by ")[0] for each in alone if each.ok for e in each.gradients)
        return chained(self.kind, set(names))

    @property
    def make(self) -> Any:
        """Makes a value."""
        return self.kind

    def _go_back(self, value: Any) -> None:
        getattr(value, str(going_back(self.kind)))()

    def _kept(self, start: Any) -> _Kept | None:
        """Where a value has its number and its derivative, as seen in a product or a sum."""
        for _, _, function in of_two(self.kind):
            try:
                with quiet():
                    a, b = self.make(start), self.make(start * OTHER)
                    before = _numbers(a)
                    self._go_back(function(a, b))
            except Exception as error:  # noqa: BLE001 - it may lack this one
                self.problems.append(f"{type(error).__name__}: {error}")
                continue
            after = _numbers(a)
            numbers = [each for each, value in before.items() if np.array_equal(value, start)]
            changed = [e for e, value in after.items() if not _same(value, before.get(e))]
            if numbers and changed:
                return _Kept(numbers[0], changed[0])
        return None

    def _parts(self, expressions: Iterator[Expression], kept: _Kept) -> list[Examined]:
        pairs = ((each, self._examined(each, kept)) for each in expressions)
        found = [(each, examined) for each, examined in pairs if examined is not None]
        shared = any(examined.ok for _, examined in found)  # what goes back is right then
        return [
            e if e.ok or self._lines_outside(e) else self._located(each, e, kept, shared=shared)
            for each, e in found
        ]

    def _of_rows(self, kept: _Kept) -> list[Examined]:
        """The judgements of operations of an array and a row, if their shapes may differ.

        There are none if no operation gives the gradient of a row the shape of a row: then the
        class does not promise it.
        """
        pairs = (
            (each, self._judged(each, STARTS[-1], kept, seeded=False))
            for each in with_a_row(self.kind)
        )
        found = [(each, examined) for each, examined in pairs if examined is not None]
        shared = any(each.ok for _, each in found)
        promised = any(_restores(each, examined) for each, examined in found)
        return [
            e if e.ok or self._lines_outside(e) else self._located(each, e, kept, shared=shared)
            for each, e in found
            if promised
        ]

    def _examined(self, expression: Expression, kept: _Kept) -> Examined | None:
        """The judgement on an expression of numbers; of arrays where it takes no numbers.

        What goes back is the 1 that `backward` begins with, and so no number of the trace. Where
        that leaves the operation without a line, or its derivative is 0, as of a softmax, its
        result is multiplied by another value.
        """
        for start in STARTS:
            plainly = self._judged(expression, start, kept, seeded=False)
            if plainly is None:
                continue
            multiplies = defines(self.kind, "__mul__") and expression.method != "__mul__"
            telling = plainly.ok or self._lines_outside(plainly)
            zero = any(e.dead or e.lost for e in plainly.gradients)
            if not multiplies or (telling and not zero):
                return plainly
            seeded = self._judged(expression, start, kept, seeded=True)
            if seeded is not None and (seeded.ok or self._lines_outside(seeded)):
                return seeded
            return plainly
        return None

    def _located(
        self, expression: Expression, examined: Examined, kept: _Kept, *, shared: bool
    ) -> Examined:
        """A judgement with the lines of the functions that an operation hands on to `backward`.

        One that returns what it is given leaves no trace of its line. Where no operation is right,
        `backward` itself is to blame.
        """
        wrong = [each.name for each in examined.gradients if not each.ok]
        second = all(each.endswith(" by b") for each in wrong)
        own = of_operands(self.kind, expression.method, second=second)
        lines = tuple(own if shared else writes(self.kind, kept.gradient))
        told = [replace(each, lines=lines or each.lines) for each in examined.accused]
        return replace(examined, accused=tuple(told))

    def _lines_outside(self, examined: Examined) -> bool:
        """Whether a line is blamed that is not one of `backward`."""
        first = [each.lines[0] for each in examined.accused if each.lines]
        return any(not in_backward(self.kind, each) for each in first)

    def _of_uses(self, parts: Sequence[Examined], kept: _Kept) -> list[Examined]:
        """The judgements of values that are used twice, with one cause if some are wrong."""
        wrong = tuple(e.name for part in parts for e in part.gradients if not e.ok)
        lines = tuple(overwriting(self.kind, kept.gradient))
        cause = Cause("overwritten" if lines else "order")
        blamed = Accused(wrong, lines or tuple(walks(self.kind)), cause, mends=False)
        told = [replace(part, accused=()) for part in parts]
        for i, part in enumerate(parts):
            if not part.ok:
                told[i] = replace(part, accused=(blamed,))
                break
        return told

    def _judged(
        self, expression: Expression, start: Any, kept: _Kept, *, seeded: bool
    ) -> Examined | None:
        """The derivatives of one expression, judged; None if it is no operation of the class.

        Args:
            expression: what is computed.
            start: what the values are made of.
            kept: where they keep what they have.
            seeded: whether the result is multiplied by another value.
        """
        names = [*expression.sizes, SEED] if seeded else [*expression.sizes]

        def run(numbers: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
            values = {name: self.make(each) for name, each in numbers.items()}
            out = expression.function(*(values[name] for name in expression.sizes))
            if type(out) is not self.make or any(out is each for each in values.values()):
                raise NotAGradientError(f"{expression.text} gives no value")
            out = out * values[SEED] if seeded else out
            self._go_back(out)
            loss = getattr(out, kept.number)
            total = loss.sum() if np.ndim(plain(loss)) else loss
            if not np.all(np.isfinite(plain(total))):  # as the logarithm of less than 0
                raise NotAGradientError(f"{expression.text} is not finite")
            if not hasattr(total, "node"):  # a number that depends on nothing, as of relu
                total = total + 0.0 * sum(numbers.values())
            return total, {name: getattr(each, kept.gradient) for name, each in values.items()}

        given = {
            name: (start[:1] if name == expression.row else start) * expression.sizes.get(name, 1.0)
            for name in names
        }
        try:
            step = record(run, given, (), self.kind.__dict__.get(str(going_back(self.kind)), run))
            examined = examine_pass(replace(step, promised=True))
        except Exception:  # noqa: BLE001 - it does not take these, or is no operation
            return None
        return _renamed(examined, {n: f"{expression.text} by {n}" for n in expression.sizes})


def _restores(expression: Expression, examined: Examined) -> bool:
    """Whether the gradient of the row of an expression has the shape of the row."""
    own = f"by {expression.row}"
    found = [each for each in examined.gradients if each.name.endswith(own)]
    return bool(found) and all(each.shape == each.expected for each in found)


def _renamed(examined: Examined, names: Mapping[str, str]) -> Examined:
    """A judgement under other names of the gradients; those without one are left out."""
    return replace(
        examined,
        gradients=tuple(
            replace(e, name=names[e.name], dead=False)
            for e in examined.gradients
            if e.name in names
        ),
        accused=tuple(
            replace(e, gradients=tuple(names[n] for n in e.gradients if n in names))
            for e in examined.accused
        ),
    )


def _numbers(value: Any) -> dict[str, Any]:
    """The numbers and arrays that an object holds, copied."""
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
    names = [*getattr(value, "__dict__", ()), *slots]
    held = {name: getattr(value, name, None) for name in names}
    return {
        name: np.array(each)
        for name, each in held.items()
        if isinstance(each, int | float | np.number | np.ndarray) and not isinstance(each, bool)
    }


def _same(value: Any, other: Any) -> bool:
    return other is not None and np.array_equal(value, other)


def value_search(kind: type) -> ValueSearch | None:
    """A class as one of values that differentiate themselves; None if it is none.

    It has a `backward` that needs nothing, and defines how values are added or multiplied.
    """
    backward = getattr(kind, str(going_back(kind)), None)
    if not callable(backward) or len(needed(backward)) > 1:
        return None
    return ValueSearch(kind) if any(defines(kind, each) for each in BINARY) else None
