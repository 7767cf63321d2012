"""Of which two values a step of Adam and its kin is the quotient: one over the root of another.

Adam has a mean of g over the root of a mean of g²; each of its kin takes another value for one of
the two. Left out: the corrections of the first steps, ε and η (`adaptive.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from conformance.script.histories import History
from conformance.script.moments import Mistake, Moment, by, precision
from conformance.script.quotients import Reading
from conformance.tracing.node import Node
from reference.step import Array

NEAR = 2.0**-20  # two shares are the same, as far as the steps of a rule tell

UNCORRECTED = frozenset({"amsgrad"})
"""The rules with a mean of the gradient that is not corrected for the first steps."""


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
    """Adamax: the largest |g| that there was, which gets less from step to step."""
    seconds = [each**2 for each in _values(largest)]
    absolute = [np.abs(each) for each in history.arrays]
    if largest.rate >= 1:
        return
    for of, wrong in ((absolute, ()), (history.arrays, (Mistake("size", largest.news[0]),))):
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
