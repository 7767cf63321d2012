"""Steps that are divided by a root of a mean of squares, and steps by the sign of a gradient.

Two numbers tell each quotient: how many times the mean over the root is taken off, and what is
added to the root. The mean may be corrected for its first steps: one that begins at 0 and keeps β
of itself is divided by 1 − β^t. By a sign, or that of a mean that a gradient goes into, move Lion
and plain signs. Left out: what the numbers of several updates tell together (`adaptive.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product
from math import log
from typing import Any, NamedTuple

import numpy as np

from conformance.script.linear import entrywise, scalar
from conformance.script.moments import Mistake, Moment, precision
from conformance.script.multiples import PRODUCTS, decay
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node, flat
from reference.step import Array

FORMS = ("root", "within", "none", "beside")
"""√v + ε, √(v + ε), v + ε, and the quotient + ε."""

OTHER = Rule("other")

Scaling = tuple[Node, float]
"""An operation that multiplies or divides by a number, and how many times its result is."""

LATEST = 64  # updates after which a trace may begin of which nothing is known before


class Fit(NamedTuple):
    """How many times an update takes off the mean over the root, and what is added to the root."""

    times: float
    epsilon: float


@dataclass(frozen=True)
class Steps:
    """The updates of one parameter.

    Attributes:
        updates: of it.
        tops: the means of the gradient, or the gradients, as nodes.
        squares: the same of what is under the root.
        divided: what is divided, which may be made of these.
        seconds: by the roots of which.
        taken: what each update takes off, beside a decay.
    """

    updates: Sequence[Update]
    tops: Sequence[Node]
    squares: Sequence[Node]
    divided: Sequence[Array]
    seconds: Sequence[Array]
    taken: Sequence[Array]

    def fits(self, form: str, epsilons: Sequence[float] = ()) -> list[Fit] | None:
        """The numbers of each update, if all have one form.

        Args:
            form: one of `FORMS`.
            epsilons: what is beside the root, at each update, if that is known.
        """
        rows = zip(self.taken, self.divided, self.seconds, self.updates, strict=True)
        found = []
        for i, (taken, top, square, made) in enumerate(rows):
            columns, wanted = _columns(form, taken, top, square)
            if epsilons:
                columns = (columns[0] + epsilons[i] * columns[1],)
            solved = _solved(columns, wanted, taken, np.asarray(made.new.value))
            if solved is None or (form == "within" and solved[0] <= 0):
                return None
            second = solved[1] if len(solved) > 1 else 0.0
            if form == "within":
                sign = np.sign(np.vdot(taken, top))
                found.append(Fit(float(sign / np.sqrt(solved[0])), second / solved[0]))
            elif form == "beside":
                found.append(Fit(solved[0], second))
            else:
                found.append(Fit(1 / solved[0], second / solved[0]))
        return found

    @property
    def is_told(self) -> bool:
        """Whether the entries that move tell two numbers."""
        return all(map(_tells, self.taken, self.divided, self.seconds, self.updates))

    def scalings(self, *, root: bool) -> list[list[Scaling]]:
        """Where the way of a mean to each new value is multiplied by a number, at each update.

        Args:
            root: of the mean of squares, as far as the other goes its own way; else of the other.
        """
        found = []
        for made, top, square in zip(self.updates, self.tops, self.squares, strict=True):
            of, beside = (square, top) if root else (top, None)
            found.append(list(scalings_of(made.new, {made.old, top, square}, of, beside)))
        return found if len({len(each) for each in found}) == 1 else [[] for _ in found]


def _tells(taken: Array, top: Array, square: Array, made: Update) -> bool:
    columns, _ = _columns("root", taken, top, square)
    if columns[0].size <= len(columns):
        return False
    matrix = np.stack(columns, axis=1)
    least = np.linalg.svd(matrix / np.max(np.abs(matrix), axis=0), compute_uv=False)
    return bool(least[-1] > np.sqrt(precision(np.asarray(made.new.value))) * least[0])


def _columns(form: str, taken: Array, top: Array, square: Array) -> tuple[tuple[Array, ...], Array]:
    """Two columns and of which sum of multiples of them a form is."""
    flat_arrays = [np.ravel(each) for each in (taken, top, square)]
    live = (flat_arrays[0] != 0) & (flat_arrays[2] > 0)
    step, mean, v = (np.asarray(each[live], dtype=np.float64) for each in flat_arrays)
    if form == "root":
        return (step * np.sqrt(v), step), mean
    if form == "within":
        return (step**2 * v, step**2), mean**2
    if form == "none":
        return (step * v, step), mean
    return (mean / np.sqrt(v), np.ones_like(v)), step


def _solved(
    columns: tuple[Array, ...], wanted: Array, taken: Array, new: Array
) -> list[float] | None:
    """How many times each column has to be taken; None if they do not give what is wanted."""
    matrix = np.stack(columns, axis=1)
    scale = np.max(np.abs(matrix), axis=0, initial=0.0)
    if not wanted.size or not np.all(scale) or not np.all(np.isfinite(matrix)):
        return None
    solved = np.linalg.lstsq(matrix / scale, wanted, rcond=None)[0]
    size = float(np.max(np.abs(wanted)))
    lost = float(np.finfo(new.dtype).eps * np.max(np.abs(new)) / np.max(np.abs(taken)))
    half = max(precision(new), lost)
    far = float(np.max(np.abs(matrix / scale @ solved - wanted)))
    if far > half * size or abs(solved[0]) <= np.sqrt(half) * size:
        return None  # nor if the step is not divided
    return [float(each) for each in solved / scale]


def numbers_of(made: Update, operations: frozenset[str] = frozenset()) -> list[float]:
    """The single numbers among the operands of an update, or of some operations in it.

    What its gradient is computed of is none, nor what is computed of the parameter.
    """
    found: set[float] = set()
    gradient = (e for each, _ in made.options[-1:] for e in made.parts_of(each))
    first, stop = made.parameter.values[0], {made.old, *gradient}
    for node in {made.new, *entrywise(made.new, frozenset(stop))} - stop:
        for each in flat(
            (node.args, node.kwargs) if node.operation in operations or not operations else ()
        ):
            is_given = type(each) is not Node or not each.depends_on(first)
            number = scalar(each) if is_given else None
            found |= {abs(number)} if number else set()
    return sorted(found)


def each_form(steps: Steps, square: Moment, mean: Moment | None) -> Iterator[tuple[str, list[Fit]]]:
    """The numbers of each update by the first form that fits; of few entries, for each ε.

    Before the first update that is seen there may have been one, in which the means were numbers.
    """
    if steps.is_told:
        found = ((form, steps.fits(form)) for form in FORMS)
        yield from islice(((form, fits) for form, fits in found if fits is not None), 1)
        return
    at = [each.parameter.values.index(each.old) + 1 for each in steps.updates]
    counts = at, [each + 1 for each in at]
    rates = [each.rate for each in (square, mean) if each is not None and each.rate < 1]
    corrections = [by(rate, each) for rate in rates for each in counts]
    for form, each in product(FORMS[:-1], (*numbers_of(steps.updates[0]), 0.0)):
        power = 0.5 if form == "root" else 1.0
        for factors in (by(None, at), *corrections):
            fits = steps.fits(form, [float(each / e**power) for e in factors])
            if fits is not None:
                yield form, [fit._replace(epsilon=each) for fit in fits]


class Mixture(NamedTuple):
    """How many times an old mean and how many times a gradient is in a value, at all updates."""

    kept: float
    added: float


def by_signs(
    updates: Sequence[Update], gradients: Sequence[Node]
) -> tuple[Rule, tuple[Mistake, ...]]:
    """The rule of updates by signs, and what is wrong: β1 is of the mean within, β2 of the kept.

    Args:
        updates: of one parameter.
        gradients: what each of them is taken to go by.
    """
    first = updates[0]
    eta = abs(next(by for node, by in first.options if node is gradients[0]))
    if not first.parameter.states:
        inner = all(e.signed is g for e, g in zip(updates, gradients, strict=True))
        return (Rule("signs", (("η", eta), *decay(first, eta))) if inner else OTHER), ()
    rows = _rows(updates)
    mixed, olds, news = zip(*rows, strict=True) if rows else ((), (), ())
    seen = [each for each in news if each is not None]
    if not _tells_signs(seen, olds, gradients):
        return Rule("unknown") if rows else OTHER, ()
    within, kept = _mixture(mixed, olds, gradients), _mixture(seen, olds, gradients)
    if within is None or kept is None or not within.added:
        return OTHER, ()
    far = abs(abs(kept.kept) + abs(kept.added) - 1)
    if far > precision(np.asarray(first.new.value)) or within.kept < 0 or kept.kept < 0:
        return OTHER, ()
    if within.kept * within.added * kept.added < 0:
        return OTHER, (Mistake("minus", seen[0] if kept.added < 0 else mixed[0]),)
    eta /= abs(within.added)
    share = within.kept / (within.kept + abs(within.added))
    numbers = ("η", eta), ("β1", share), ("β2", kept.kept), *decay(first, eta)
    return Rule("lion", numbers), ()


def _rows(updates: Sequence[Update]) -> list[tuple[Node, Node, Node | None]]:
    """Of each update what its sign is of, and what is kept before it and after it, if it is seen.

    Nothing if it keeps several things, or is by no sign.
    """
    kept, *others = updates[0].parameter.states
    new_of = dict(pairwise(kept.values))
    found = []
    for each in updates:
        if others or each.signed is None:
            return []
        read = [e for e in kept.values if each.signed.depends_on(e)]
        old = max(read, key=lambda e: e.number, default=kept.values[0])
        found.append((each.signed, old, new_of.get(old)))
    return found


def _tells_signs(news: Sequence[Node], olds: Sequence[Node], gradients: Sequence[Node]) -> bool:
    """Whether two entries are there at least, and what is kept is no multiple of the gradients."""
    matrix = _matrix(olds, gradients)[: _entries(news).size] if news else np.zeros((0, 2))
    numbers = bool(np.all(np.isfinite(matrix)))
    return numbers and np.linalg.matrix_rank(matrix) == len(Mixture._fields)


def _mixture(
    values: Sequence[Node], olds: Sequence[Node], gradients: Sequence[Node]
) -> Mixture | None:
    """How often the old values and the gradients are in some values; None if they are not all.

    What is 0 before the first update tells nothing there, and one entry tells nothing by itself:
    all updates tell it together.
    """
    made = _entries(values)
    matrix = _matrix(olds, gradients)[: made.size]
    if not np.all(np.isfinite(made)):
        return None
    shares = np.linalg.lstsq(matrix, made, rcond=None)[0]
    far = np.max(np.abs(made - matrix @ shares), initial=0.0)
    near = far <= precision(np.asarray(values[0].value)) * np.max(np.abs(made), initial=0.0)
    return Mixture(*map(float, shares)) if near else None


def _matrix(olds: Sequence[Node], gradients: Sequence[Node]) -> Array:
    return np.stack((_entries(olds), _entries(gradients)), axis=1)


def _entries(nodes: Sequence[Node]) -> Array:
    return np.concatenate([np.ravel(np.asarray(e.value, dtype=np.float64)) for e in nodes])


def scalings_of(new: Node, given: set[Node], of: Node, beside: Node | None) -> Iterator[Scaling]:
    """Where what is computed of a value is multiplied on its way to a new one.

    Args:
        new: the new value.
        given: down to which values it is followed, `of` among them.
        of: the value.
        beside: another one of these, which is not in what is multiplied.
    """
    reached: dict[Node, set[Node]] = {each: {each} for each in given}
    within = {new, *entrywise(new, frozenset(given))} - given
    for node in sorted(within, key=lambda each: each.number):
        reached[node] = set().union(*(reached.get(each, set()) for each in node.inputs))
        if of in reached[node] and beside not in reached[node]:
            yield from ((node, number) for number in _numbers(node, reached))


def _numbers(node: Node, reached: Mapping[Node, set[Node]]) -> list[float]:
    """By what numbers an operation multiplies, if it does."""
    if node.operation not in PRODUCTS:
        return []
    for i, each in enumerate(node.args[:2]):
        if (type(each) is not Node or not reached.get(each)) and scalar(each):
            found = _factors(each)
            return [1 / e for e in found] if i and node.operation != "multiply" else found
    return []


def _factors(number: Any) -> list[float]:
    """Of what factors a number is the product, as far as that is seen."""
    if type(number) is Node and number.operation in PRODUCTS:
        one, other = map(_factors, number.args[:2])
        return [*one, *(e if number.operation == "multiply" else 1 / e for e in other)]
    if type(number) is Node and number.operation == "negative":
        return _factors(number.args[0])
    if type(number) is Node and number.operation == "sqrt":
        return [float(np.sqrt(abs(each))) for each in _factors(number.args[0])]
    return [float(scalar(number) or 1.0)]


class Correction(NamedTuple):
    """A way of it: the bases β, None where a mean is not corrected, and t at each update."""

    mean: float | None
    square: float | None
    counts: tuple[int, ...]

    def times(self, *, root: bool) -> Array:
        """How many times the quotient of the means is taken off by it, at each update."""
        mean, square = by(self.mean, self.counts), by(self.square, self.counts)
        return np.asarray(mean / (np.sqrt(square) if root else square))


def by(base: float | None, counts: Sequence[int]) -> Array:
    """1 / (1 − β^t) at each update."""
    t = np.asarray(counts, dtype=np.float64)
    return np.ones_like(t) if base is None else 1 / (1 - base**t)


def count_of(base: float, factor: float) -> int | None:
    """The t of which a factor is 1 / (1 − β^t), if there is one."""
    if factor <= 1 or not 0 < base < 1:
        return None
    t = log(1 - 1 / factor) / log(base)
    return round(t) if round(t) > 0 and abs(t - round(t)) <= 2.0**-26 * t else None


@dataclass(frozen=True)
class Means:
    """What is known of the means of one parameter.

    Attributes:
        mean: how many times an old mean is in the new one; None if there is none.
        square: the same of the mean of squares.
        bases: further numbers that may stand in the place of either.
        counts: of the updates, from 1.
        sure: whether the means are 0 before the first of them.
        place: of the parameter among all, from 1, and how many there are.
    """

    mean: float | None
    square: float
    bases: tuple[float, ...]
    counts: tuple[int, ...]
    sure: bool
    place: tuple[int, int]

    def own(self, counts: Sequence[int]) -> Correction:
        """The right one, but for what it counts."""
        square = self.square if self.square < 1 else None
        mean = self.mean if self.mean is not None and self.mean < 1 else None
        return Correction(mean, square, tuple(counts))

    def right(self) -> Iterator[Correction]:
        """Those that are right: if the means are not 0 at first, there were updates before."""
        yield self.own(self.counts)
        for before in range(1, 1 if self.sure else LATEST):
            yield self.own([each + before for each in self.counts])

    def none(self) -> Correction:
        """To correct neither."""
        return Correction(None, None, self.counts)

    def wrong(self) -> Iterator[Correction]:
        """Those that are mistakes, with the fewest first."""
        own = self.own(self.counts)
        several = [e for e in dict.fromkeys((None, self.mean, self.square, *self.bases)) if e != 1]
        means = several if self.mean is not None else [None]
        found = [Correction(one, other, self.counts) for one, other in product(means, several)]
        yield from sorted(found, key=lambda e: (e.mean != own.mean) + (e.square != own.square))
        if self.sure:
            yield self.own([each + 1 for each in self.counts])
        at, many = self.place
        first = self.counts[0]
        for start in dict.fromkeys((at, many - at + 1, *range(1, many + 1))):
            yield self.own([start + many * (each - first) for each in self.counts])
