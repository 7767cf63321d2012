"""Steps that are divided by a root of a mean of squares, and steps by the sign of a gradient.

Two numbers tell each quotient: how many times the mean over the root is taken off, and what is
added to the root. By a sign, or that of a mean that a gradient goes into, move Lion and plain
signs. Left out: what the numbers of several updates tell together (`adaptive.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, product
from typing import NamedTuple

import numpy as np

from conformance.script.corrections import by
from conformance.script.linear import entrywise, scalar
from conformance.script.moments import Mistake, Moment, precision
from conformance.script.multiples import decay
from conformance.script.scalings import Scaling, scalings_of
from conformance.script.update import Update
from conformance.script_outcome import Rule
from conformance.tracing.node import Node, flat
from reference.step import Array


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


FORMS = ("root", "within", "none", "beside")
"""√v + ε, √(v + ε), v + ε, and the quotient + ε."""


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


OTHER = Rule("other")


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
