"""A class of values that differentiate themselves: `(a * b).backward()` leaves it in `a.grad`.

Each operation that the class defines is judged with its result used by another one, so that what
goes back to it is not the 1 that `backward` begins with; if all are right, then values that are
used twice, whose derivative is the sum over their uses. Which attribute holds the number, and which
the derivative, is seen by what happens to them.

Left out: networks that are made of such values; they are as right as these.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from conformance.backward.findings import Accused, Cause, Examined, Named
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import NotAGradientError, record
from conformance.running.quiet import quiet
from conformance.shapes.arguments import needed
from conformance.shapes.expressions import (
    BINARY,
    OTHER,
    USERS,
    Expression,
    applied,
    defines,
    ends,
    going_back,
    in_chains,
    in_methods,
    of_functions,
    of_operands,
    of_two,
    overwriting,
    renamed,
    single_operations,
    twice_used,
    walks,
    with_a_row,
    with_lines,
    writes,
)
from conformance.shapes.found import Found, Gradients, Recognised, Rerun, of_function
from conformance.shapes.update_findings import together
from conformance.tracing.trace import plain

STARTS: tuple[Any, ...] = (0.7368, np.array([[0.7368, 0.4127], [0.2931, 0.8649]]))
"""What a value is made of: a number, or an array where it takes no numbers."""
SEED, USED = "the gradient of the result", 2.117
"""What goes back to an operation whose result is multiplied by it: its name, and its size."""


@dataclass(frozen=True)
class _Kept:
    """Where a value keeps things: the names of attributes; whether a number is in an array.

    `user` is the operation that is given the result of another one.
    """

    number: str
    gradient: str
    in_arrays: bool
    user: Expression | None = None


@dataclass(frozen=True)
class ValueSearch:
    """A class of values.

    Attributes:
        kind: the class.
        functions: that make a value of another, with their names, where it has no operations.
        problems: why it could not be judged.
        runs: what ran each expression that was judged, and the numbers that it was given.
    """

    kind: type
    functions: tuple[tuple[str, Any], ...] = ()
    problems: list[str] = field(default_factory=list)
    runs: dict[str, tuple[Any, dict[str, Any]]] = field(default_factory=dict)

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""
        kept = next(filter(None, map(self._kept, STARTS)), None)
        if kept is None:
            self.problems.append("its values keep no derivative after backward()")
            return None
        used = replace(kept, user=self._user(kept))
        told = self._parts((*single_operations(self.kind), *of_functions(self.functions)), used)
        if all(each.ok for each in told):
            told += [*self._of_rows(used), *self._parts(in_chains(self.functions), kept)]
        if not told:
            return None
        name = self.kind.__name__
        made = f"{name}(number) with .{kept.number} and .{kept.gradient}"
        recognised = Recognised(made, "", "", (f"{going_back(self.kind)}()",), "kept", ())
        if all(each.ok for each in told):
            told += self._of_uses(self._parts(twice_used(self.kind), kept), kept)
        elif used.user and not any(e.ok and not e.dead for t in told for e in t.gradients):
            told = self._of_uses(told, kept)  # nothing arrives but where `backward` begins
        examined = together(told)
        gradients = tuple(replace(each, dead=False) for each in examined.gradients)
        names = name, *(each for each, _ in self.functions)
        found = Found(recognised, replace(examined, gradients=gradients), names)
        texts = dict.fromkeys(each.name.rpartition(" by ")[0] for each in gradients)
        reruns = [of_function(*self.runs[text]) for text in texts]
        again = [partial(_named, *each) for each in zip(texts, reruns, strict=True)]
        both = Rerun(
            lambda: {name: each for one in again for name, each in one().items()},
            lambda: all(each.elsewhere() for each in reruns),
        )
        return found.rerun(both)

    def _user(self, kept: _Kept) -> Expression | None:
        """The operation that is given the result of another one: one that is right alone."""
        for method in USERS:
            for each in (e for e in single_operations(self.kind) if e.method == method):
                examined = self._examined(each, kept)
                if examined is not None and examined.ok:
                    return each
        return None

    def _go_back(self, value: Any) -> None:
        getattr(value, str(going_back(self.kind)))()

    def _kept(self, start: Any) -> _Kept | None:
        """Where a value has its number and its derivative, as seen in a product or a sum."""
        two = ((function, 2) for _, _, function in of_two(self.kind))
        for function, count in (*two, *((function, 1) for _, function in self.functions)):
            try:
                with quiet():
                    a, b = self.kind(start), self.kind(start * OTHER)
                    before = _numbers(a)
                    self._go_back(function(*(a, b)[:count]))
            except Exception as error:  # noqa: BLE001 - it may lack this one
                self.problems.append(f"{type(error).__name__}: {error}")
                continue
            after = _numbers(a)
            numbers = [each for each, value in before.items() if np.array_equal(value, start)]
            changed = [
                e for e, value in after.items() if not np.array_equal(value, before.get(e, ()))
            ]
            if numbers and changed:
                return _Kept(numbers[0], changed[0], isinstance(getattr(a, numbers[0]), np.ndarray))
        return None

    def _parts(self, expressions: Iterable[Expression], kept: _Kept) -> list[Examined]:
        pairs = ((each, self._examined(each, kept)) for each in expressions)
        found = [(each, examined) for each, examined in pairs if examined is not None]
        shared = any(examined.ok for _, examined in found)  # what goes back is right then
        told = [e if e.ok else self._located(each, e, kept, shared=shared) for each, e in found]
        known = next((each for e in told for each in e.accused if each.lines), None)
        return [
            with_lines(e, known, tuple(ends(self.kind, each.method)))
            for e, (each, _) in zip(told, found, strict=True)
        ]

    def _of_rows(self, kept: _Kept) -> list[Examined]:
        """The judgements of operations of an array and a row, if their shapes may differ.

        That a gradient of a row has another shape is wrong only if some operation gives it the
        shape of a row for each of its operands: else the class promises no more than it does.
        """
        parts: list[Examined] = []
        every = sorted(with_a_row(self.kind), key=lambda each: each.rows)
        for _, alike in groupby(every, key=lambda each: each.rows):
            found = self._parts(list(alike), kept)
            fitted = [e for e in found if all(g.shape == g.expected for g in e.gradients)]
            counts = Counter(e.gradients[0].name.partition(",")[0] for e in fitted)
            parts += found if len("ab") in counts.values() else fitted
        return parts

    def _examined(self, expression: Expression, kept: _Kept) -> Examined | None:
        """The judgement on an expression of numbers; of arrays where it takes no numbers.

        Where an array is made of a number, arrays come first.
        """
        starts = STARTS[::-1] if kept.in_arrays else STARTS
        for start in STARTS[-1:] if expression.row else starts:
            found = self._judged(expression, start, kept)
            if found is None and kept.user is not None:
                found = self._judged(expression, start, replace(kept, user=None))
            if found is not None:
                return found
        return None

    def _located(
        self,
        expression: Expression,
        examined: Examined,
        kept: _Kept,
        *,
        shared: bool,
    ) -> Examined:
        """A judgement with the lines of the functions that an operation hands on to `backward`.

        One that returns what it is given leaves no trace of its line; one that is made of other
        operations has none. Where no operation is right, `backward` itself is to blame.
        """
        others = {str(going_back(self.kind)), kept.user.method if kept.user else ""}
        others.discard(expression.method)
        first = [each.lines[0] for each in examined.accused if each.lines]
        if any(not in_methods(self.kind, others, each) for each in first):
            return examined
        wrong = [each.name[-1] for each in examined.gradients if not each.ok]
        second = set(wrong) == {"b"}
        own = of_operands(self.kind, expression.method, kept.gradient, second=second)
        lines = tuple(own if shared else writes(self.kind, kept.gradient))
        by, told = Named(wrong[0], None), []
        for each in (replace(e, lines=lines) for e in examined.accused):
            handed = Cause("handed", needed=by, worst=each.cause.worst)
            kept_so = not shared or each.cause.kind == "shape"  # else it is of another line
            told.append(each if kept_so else replace(each, cause=handed))
        return replace(examined, accused=tuple(told))

    def _of_uses(self, parts: Sequence[Examined], kept: _Kept) -> list[Examined]:
        """The judgements of values that are used twice, with one cause if some are wrong."""
        wrong = tuple(e.name for part in parts for e in part.gradients if not e.ok)
        lines = tuple(overwriting(self.kind, kept.gradient))
        cause = Cause("overwritten" if lines else "order")
        blamed = Accused(wrong, lines or tuple(walks(self.kind)), cause, mends=False)
        return [
            replace(each, accused=(blamed,) if each is parts[0] and wrong else ()) for each in parts
        ]

    def _judged(self, expression: Expression, start: Any, kept: _Kept) -> Examined | None:
        """The derivatives of one expression, judged; None if it is no operation of the class.

        Args:
            expression: what is computed.
            start: what the values are made of.
            kept: where they keep what they have.
        """
        user = kept.user

        def computed(numbers: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
            values = {name: self.kind(each) for name, each in numbers.items()}
            out = expression.function(*(values[name] for name in expression.sizes))
            if type(out) is not self.kind or any(out is each for each in values.values()):
                raise NotAGradientError(f"{expression.text} gives no value")
            return out, values

        def run(numbers: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
            out, values = computed(numbers)
            out = out if user is None else user.function(out, values[SEED])
            self._go_back(out)
            loss = getattr(out, kept.number)
            total = loss.sum() if np.ndim(plain(loss)) else loss
            if not np.all(np.isfinite(plain(total))):  # as the logarithm of less than 0
                raise NotAGradientError(f"{expression.text} is not finite")
            if not hasattr(total, "node"):  # a number that depends on nothing, as of relu
                total = total + 0.0 * sum(numbers.values())
            return total, {name: getattr(each, kept.gradient) for name, each in values.items()}

        given = expression.given(start)
        try:
            if user is not None:
                with quiet():
                    shape = np.shape(getattr(computed(given)[0], kept.number))
                given[SEED] = np.resize(STARTS[-1], shape) * USED if shape else USED
            step = record(run, given, (), self.kind.__dict__.get(str(going_back(self.kind)), run))
            examined = examine_pass(replace(step, promised=True))
        except Exception:  # noqa: BLE001 - it does not take these, or is no operation
            return None
        self.runs[expression.text] = run, given
        return renamed(examined, {n: f"{expression.text} by {n}" for n in expression.sizes})


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


def _named(text: str, rerun: Rerun) -> Gradients:
    """The gradients of an expression, with its text in their names."""
    return {f"{text} by {name}": each for name, each in rerun.again().items()}


def value_search(
    kind: type, classes: Sequence[type] = (), functions: Sequence[Any] = ()
) -> ValueSearch | None:
    """A class as one of values that differentiate themselves; None if it is none.

    It has a `backward` that needs nothing, and defines how values are added or multiplied; or the
    classes and functions of its file make values of others.
    """
    backward = getattr(kind, str(going_back(kind)), None)
    if not callable(backward) or len(needed(backward)) > 1:
        return None
    if any(defines(kind, each) for each in BINARY):
        return ValueSearch(kind)
    ways = (tuple(applied(kind, classes, functions, start)) for start in STARTS)
    made = next(filter(None, ways), ())
    return ValueSearch(kind, made) if made else None
