"""Steps that are quotients: one value over the root of another, as those of Adam and its kin.

Two numbers tell each: how many times the quotient is taken off, and what is added to the root. Adam
has a mean of g over the root of a mean of g²; each of its kin takes another value for one of the
two. Left out: the corrections of the first steps, ε and η (`adaptive.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np

from conformance.script.histories import History, Mistake, Moment, by, precision
from conformance.script.linear import entrywise, scalar
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Update
from conformance.tracing.node import Node
from reference.step import Array

FORMS = ("root", "within", "none", "beside")
"""√v + ε, √(v + ε), v + ε, and the quotient + ε."""

Scaling = tuple[Node, float]
"""An operation that multiplies or divides by a number, and how many times its result is."""

NEAR = 2.0**-20  # two shares are the same, as far as the steps of a rule tell

UNCORRECTED = frozenset({"amsgrad"})
"""The rules with a mean of the gradient that is not corrected for the first steps."""


class Fit(NamedTuple):
    """How many times an update takes off the mean over the root, and what is added to the root."""

    times: float
    epsilon: float


@dataclass(frozen=True)
class Reading:
    """A way to read the steps of one parameter as quotients.

    Attributes:
        kind: of the rule; nothing if the means tell it, as of Adam, RMSProp and AdaGrad.
        history: of the parameter.
        tops: what is divided, at each update.
        seconds: by the roots of which.
        mean: of the gradient, which may have to be corrected.
        square: the same of its square.
        base: how much of itself what `seconds` is a multiple of keeps; 1 if it needs no correction.
        mistakes: in what is kept.
        is_said: whether there is an η only if the program has that number.
    """

    kind: str
    history: History
    tops: Sequence[Array]
    seconds: Sequence[Array]
    mean: Moment | None
    square: Moment
    base: float
    mistakes: tuple[Mistake, ...] = ()
    is_said: bool = False

    @property
    def moments(self) -> list[Moment]:
        """The means."""
        return [each for each in (self.mean, self.square) if each is not None]

    def fits(self, form: str, epsilons: Sequence[float] = ()) -> list[Fit] | None:
        """The numbers of each update, if all have one form.

        Args:
            form: one of `FORMS`.
            epsilons: what is beside the root, at each update, if that is known.
        """
        found = []
        for i, (taken, top, square, made) in enumerate(self._rows()):
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

    def _rows(self) -> Iterator[tuple[Array, Array, Array, Update]]:
        history = self.history
        return zip(history.taken, self.tops, self.seconds, history.updates, strict=True)

    @property
    def is_told(self) -> bool:
        """Whether the entries that move tell two numbers."""
        return all(_tells(*each) for each in self._rows())

    @cached_property
    def of_mean(self) -> list[list[Scaling]]:
        """Where the way of the mean of the gradient to each new value is multiplied."""
        return self._scalings(root=False)

    @cached_property
    def of_square(self) -> list[list[Scaling]]:
        """The same of the mean of squares, before it meets the other."""
        return self._scalings(root=True)

    def _scalings(self, *, root: bool) -> list[list[Scaling]]:
        found = []
        tops = self.history.gradients if self.mean is None else self.mean.news
        for made, top, square in zip(self.history.updates, tops, self.square.news, strict=True):
            of, beside = (square, top) if root else (top, None)
            found.append(list(_scalings_of(made.new, {made.old, top, square}, of, beside)))
        return found if len({len(each) for each in found}) == 1 else [[] for _ in found]

    def each_form(self) -> Iterator[tuple[str, list[Fit]]]:
        """The numbers of each update by the first form that fits; of few entries, for each ε."""
        if self.is_told:
            found = ((form, self.fits(form)) for form in FORMS)
            yield from islice(((form, fits) for form, fits in found if fits is not None), 1)
            return
        counts = self.history.counts
        corrections = [by(each.rate, counts) for each in self.moments if each.rate < 1]
        for form, each in product(FORMS[:-1], (*self.history.numbers, 0.0)):
            power = 0.5 if form == "root" else 1.0
            for factors in (by(None, counts), *corrections):
                fits = self.fits(form, [float(each / e**power) for e in factors])
                if fits is not None:
                    yield form, [fit._replace(epsilon=each) for fit in fits]


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


def _scalings_of(new: Node, given: set[Node], of: Node, beside: Node | None) -> Iterator[Scaling]:
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


def readings(history: History) -> Iterator[Reading]:
    """The ways to read some steps, by what is kept for them."""
    means = [each for each in history.moments if each.is_mean and each.power == 1]
    squares = [each for each in history.moments if each.is_mean and each.power != 1]
    rest = [each for each in history.moments if not each.is_mean]
    if max(map(len, (means, squares, rest))) > 1:
        return
    mean, square = [*means, None][0], [*squares, None][0]
    tops = history.arrays if mean is None else _values(mean)
    if square is None:
        if mean is not None and rest:
            yield from _of_differences(history, mean, rest[0])
            yield from _of_largest(history, mean, rest[0])
        elif not history.moments and history.late is not None:
            yield from _of_sum_before(history, *history.late)
    elif rest:
        yield from _of_running_maximum(history, tops, mean, square, rest[0])
    elif mean is None and history.late is not None:
        yield from _of_steps(history, square, history.late)
    else:
        yield Reading("", history, tops, _values(square), mean, square, square.rate)
        yield from () if mean is None else _ahead(history, mean, square)
        yield from () if mean is None else _centred(history, mean, square)


def _values(moment: Moment) -> list[Array]:
    return [np.asarray(each.value) for each in moment.news]


def _ahead(history: History, mean: Moment, square: Moment) -> Iterator[Reading]:
    """NAdam: the mean of the gradient as it will be, β1 m + (1 − β1) g."""
    beta, counts = mean.rate, history.counts
    later = by(beta, [each + 1 for each in counts]) / by(beta, counts)
    for ratio in (np.ones_like(later), later):
        rows = zip(ratio, _values(mean), history.arrays, strict=True)
        tops = [beta * c * m + (1 - beta) * g for c, m, g in rows]
        yield Reading("nadam", history, tops, _values(square), mean, square, square.rate)


def _centred(history: History, mean: Moment, square: Moment) -> Iterator[Reading]:
    """RMSProp by the variance of the gradient: the mean of its square, less that of it squared."""
    seconds = [v - m**2 for v, m in zip(_values(square), _values(mean), strict=True)]
    if all(np.all(each >= 0) for each in seconds):
        yield Reading("rmsprop", history, history.arrays, seconds, None, square, square.rate)


def _of_running_maximum(
    history: History, tops: Sequence[Array], mean: Moment | None, square: Moment, largest: Moment
) -> Iterator[Reading]:
    """AMSGrad: the largest mean of squares that there was, each corrected before or not at all."""
    seconds, squares = _values(largest), _values(square)
    rates = {"own": square.rate, "other": mean.rate if mean is not None else 1.0}
    corrected = {each: by(rate, history.counts) for each, rate in rates.items() if rate < 1}
    for kind, factors in (("", by(None, history.counts)), *corrected.items()):
        of = [c * each for c, each in zip(factors, squares, strict=True)]
        for is_less, function in enumerate((np.maximum, np.minimum)):
            if not _is_by(function, largest, of):
                continue
            wrong = (Mistake("larger", largest.news[0]),) if is_less else ()
            if kind == "other":
                wrong = (Mistake("correction square", largest.news[0], (*rates.values(),)[::-1]),)
            for base in (square.rate, 1.0) if not kind else (1.0,):
                yield Reading("amsgrad", history, tops, seconds, mean, square, base, wrong)


def _of_largest(history: History, mean: Moment, largest: Moment) -> Iterator[Reading]:
    """Adamax: the largest |g| that there was, which gets less from step to step.

    An ε may be added to it, as PyTorch does.
    """
    seconds = [each**2 for each in _values(largest)]
    absolute = [np.abs(each) for each in history.arrays]
    if largest.rate >= 1:
        return
    rights = [[each + number for each in absolute] for number in (0.0, *history.numbers)]
    signed = history.arrays, (Mistake("size", largest.news[0]),)
    for of, wrong in (*((each, ()) for each in rights), signed):
        if _is_by(np.maximum, largest, of):
            yield Reading("adamax", history, _values(mean), seconds, mean, largest, 1.0, wrong)
            return


def _of_differences(history: History, mean: Moment, square: Moment) -> Iterator[Reading]:
    """AdaBelief: a mean of (g − m)², to which an ε may be added."""
    pairs = [*zip(history.arrays, _values(mean), strict=True)]
    right = [(g - m) ** 2 for g, m in pairs]
    for of in (right, [g - m for g, m in pairs], [(g + m) ** 2 for g, m in pairs]):
        for epsilon in (0.0, *history.numbers):
            share = square.share_of(of, epsilon)
            if share is not None:
                wrong = () if of is right else (Mistake("differences", square.news[0]),)
                made = replace(square, power=2, share=share)
                tops, seconds = _values(mean), _values(made)
                yield Reading("adabelief", history, tops, seconds, mean, made, made.rate, wrong)
                return


def _of_sum_before(
    history: History, olds: Sequence[Node], news: Sequence[Node]
) -> Iterator[Reading]:
    """AdaGrad of GloVe: by the sum of the squares of the gradients before this one."""
    kept = Moment.of(olds[: len(news)], news)
    powers = (kept.share_of([g**n for g in history.arrays[: len(news)]]) for n in (1, 2))
    first, second = powers
    if kept.rate == 1 and (first or second):
        wrong = () if second else (Mistake("no square", news[0]),)
        square = Moment(tuple(olds), tuple(olds), 1.0, 2, second or 1.0)
        tops, seconds = history.arrays, _values(square)
        yield Reading("adagrad", history, tops, seconds, None, square, 1.0, wrong, is_said=True)


def _of_steps(
    history: History, square: Moment, late: tuple[Sequence[Node], Sequence[Node]]
) -> Iterator[Reading]:
    """AdaDelta: g times the root of a mean of the squares of the steps before."""
    olds, news = late
    kept = Moment.of(olds[: len(news)], news)
    of = [each**2 for each in history.taken[: len(news)]]
    share = kept.share_of(of)
    wrong: tuple[Mistake, ...] = ()
    if share is None:
        squares = [each**2 for each in history.arrays]
        others = (history.arrays, squares, history.taken, [np.abs(each) for each in history.taken])
        if all(kept.share_of(each[: len(news)]) is None for each in others):
            return
        wrong = (Mistake("steps kept", news[0]),)
    elif not any(abs(share * n**2 / (1 - kept.rate) - 1) <= NEAR for n in (1.0, *history.numbers)):
        wrong = (Mistake("share", news[0], (float(f"{share:.6g}"), 1 - kept.rate)),)
    for epsilon in history.numbers:
        rows = zip(history.arrays, olds, strict=True)
        tops = [g * np.sqrt(np.asarray(e.value) + epsilon) for g, e in rows]
        yield Reading(
            "adadelta", history, tops, _values(square), None, square, 1.0, wrong, is_said=True
        )


def _is_by(function: np.ufunc, moment: Moment, of: Sequence[Array]) -> bool:
    """Whether what is kept is the larger, or the less, of what it was and some values."""
    for old, new, value in zip(moment.olds, moment.news, of, strict=True):
        made = np.asarray(new.value)
        found = function(moment.rate * np.asarray(old.value), value)
        near = precision(made) * np.max(np.abs(made), initial=0.0)
        if not np.all(np.abs(found - made) <= near):
            return False
    return True
