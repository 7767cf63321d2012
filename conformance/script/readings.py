"""Of which two values a step of Adam and its kin is the quotient: one over the root of another.

Adam has a mean of g over the root of a mean of g²; each of its kin takes another value for one of
the two. Left out: the corrections of the first steps, ε and η (`adaptive.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.script.moments import Mistake, Moment, precision
from conformance.script.quotients import by, numbers_of
from conformance.script.update import Update
from conformance.tracing.node import Node
from reference.step import Array

NEAR = 2.0**-20  # two shares are the same, as far as the steps of a rule tell

UNCORRECTED = frozenset({"amsgrad"})
"""The rules with a mean of the gradient that is not corrected for the first steps."""


@dataclass(frozen=True)
class Reading:
    """A way to read the steps of one parameter.

    Attributes:
        kind: of the rule; nothing if the means tell it, as of Adam, RMSProp and AdaGrad.
        tops: what is divided, at each update.
        seconds: by the roots of which.
        mean: of the gradient, which may have to be corrected.
        square: the same of its square.
        base: how much of itself what `seconds` is a multiple of keeps; 1 if it needs no correction.
        mistakes: in what is kept.
        is_said: whether there is an η only if the program has that number.
    """

    kind: str
    tops: Sequence[Array]
    seconds: Sequence[Array]
    mean: Moment | None
    square: Moment
    base: float
    mistakes: tuple[Mistake, ...] = ()
    is_said: bool = False


@dataclass(frozen=True)
class Given:
    """What is known of the updates of one parameter.

    Attributes:
        updates: of it.
        gradients: of each.
        taken: what each takes off.
        late: what is kept and written after it was used, if there is one such: what was read at
            each update, and what was written, as far as it is seen.
        before: how many updates there were before the first of these, whose means were numbers.
    """

    updates: Sequence[Update]
    gradients: Sequence[Array]
    taken: Sequence[Array]
    late: tuple[Sequence[Node], Sequence[Node]] | None
    before: int = 0

    @property
    def counts(self) -> list[int]:
        """The number of each update, from 1."""
        first = self.before + 1
        return [each.parameter.values.index(each.old) + first for each in self.updates]

    @property
    def numbers(self) -> list[float]:
        """Those of the update, the least first."""
        return numbers_of(self.updates[0])


def readings(given: Given, moments: Sequence[Moment]) -> Iterator[Reading]:
    """The ways to read some steps, by what is kept for them."""
    means = [each for each in moments if each.is_mean and each.power == 1]
    squares = [each for each in moments if each.is_mean and each.power != 1]
    rest = [each for each in moments if not each.is_mean]
    if max(map(len, (means, squares, rest))) > 1:
        return
    mean, square = [*means, None][0], [*squares, None][0]
    tops = given.gradients if mean is None else _values(mean)
    if square is None:
        if mean is not None and rest:
            yield from _of_differences(given, mean, rest[0])
            yield from _of_largest(given, mean, rest[0])
        elif not moments and given.late is not None:
            yield from _of_sum_before(given, *given.late)
    elif rest:
        yield from _of_running_maximum(given, tops, mean, square, rest[0])
    elif mean is None and given.late is not None:
        yield from _of_steps(given, square, given.late)
    else:
        yield Reading("", tops, _values(square), mean, square, square.rate)
        yield from () if mean is None else _ahead(given, mean, square)
        yield from () if mean is None else _centred(given, mean, square)


def _values(moment: Moment) -> list[Array]:
    return [np.asarray(each.value) for each in moment.news]


def _ahead(given: Given, mean: Moment, square: Moment) -> Iterator[Reading]:
    """NAdam: the mean of the gradient as it will be, β1 m + (1 − β1) g."""
    beta, counts = mean.rate, given.counts
    later = by(beta, [each + 1 for each in counts]) / by(beta, counts)
    for ratio in (np.ones_like(later), later):
        rows = zip(ratio, _values(mean), given.gradients, strict=True)
        tops = [beta * c * m + (1 - beta) * g for c, m, g in rows]
        yield Reading("nadam", tops, _values(square), mean, square, square.rate)


def _centred(given: Given, mean: Moment, square: Moment) -> Iterator[Reading]:
    """RMSProp by the variance of the gradient: the mean of its square, less that of it squared."""
    seconds = [v - m**2 for v, m in zip(_values(square), _values(mean), strict=True)]
    if all(np.all(each >= 0) for each in seconds):
        yield Reading("rmsprop", given.gradients, seconds, None, square, square.rate)


def _of_running_maximum(
    given: Given, tops: Sequence[Array], mean: Moment | None, square: Moment, largest: Moment
) -> Iterator[Reading]:
    """AMSGrad: the largest mean of squares that there was, each corrected before or not at all."""
    seconds, squares = _values(largest), _values(square)
    rates = {"own": square.rate, "other": mean.rate if mean is not None else 1.0}
    corrected = {each: by(rate, given.counts) for each, rate in rates.items() if rate < 1}
    for kind, factors in (("", by(None, given.counts)), *corrected.items()):
        of = [c * each for c, each in zip(factors, squares, strict=True)]
        for is_less, function in enumerate((np.maximum, np.minimum)):
            if not _is_by(function, largest, of):
                continue
            wrong = (Mistake("larger", largest.news[0]),) if is_less else ()
            if kind == "other":
                wrong = (Mistake("correction square", largest.news[0], (*rates.values(),)[::-1]),)
            for base in (square.rate, 1.0) if not kind else (1.0,):
                yield Reading("amsgrad", tops, seconds, mean, square, base, wrong)


def _of_largest(given: Given, mean: Moment, largest: Moment) -> Iterator[Reading]:
    """Adamax: the largest |g| that there was, which gets less from step to step."""
    seconds = [each**2 for each in _values(largest)]
    absolute = [np.abs(each) for each in given.gradients]
    if largest.rate >= 1:
        return
    for of, wrong in ((absolute, ()), (given.gradients, (Mistake("size", largest.news[0]),))):
        if _is_by(np.maximum, largest, of):
            yield Reading("adamax", _values(mean), seconds, mean, largest, 1.0, wrong)
            return


def _of_differences(given: Given, mean: Moment, square: Moment) -> Iterator[Reading]:
    """AdaBelief: a mean of (g − m)², to which an ε may be added."""
    pairs = [*zip(given.gradients, _values(mean), strict=True)]
    right = [(g - m) ** 2 for g, m in pairs]
    for of in (right, [g - m for g, m in pairs], [(g + m) ** 2 for g, m in pairs]):
        for epsilon in (0.0, *given.numbers):
            share = square.share_of(of, epsilon)
            if share is not None:
                wrong = () if of is right else (Mistake("differences", square.news[0]),)
                made = replace(square, power=2, share=share)
                tops, seconds = _values(mean), _values(made)
                yield Reading("adabelief", tops, seconds, mean, made, made.rate, wrong)
                return


def _of_sum_before(given: Given, olds: Sequence[Node], news: Sequence[Node]) -> Iterator[Reading]:
    """AdaGrad of GloVe: by the sum of the squares of the gradients before this one."""
    kept = Moment.of(olds[: len(news)], news)
    powers = (kept.share_of([g**n for g in given.gradients[: len(news)]]) for n in (1, 2))
    first, second = powers
    if kept.rate == 1 and (first or second):
        wrong = () if second else (Mistake("no square", news[0]),)
        square = Moment(tuple(olds), tuple(olds), 1.0, 2, second or 1.0)
        tops, seconds = given.gradients, _values(square)
        yield Reading("adagrad", tops, seconds, None, square, 1.0, wrong, is_said=True)


def _of_steps(
    given: Given, square: Moment, late: tuple[Sequence[Node], Sequence[Node]]
) -> Iterator[Reading]:
    """AdaDelta: g times the root of a mean of the squares of the steps before."""
    olds, news = late
    kept = Moment.of(olds[: len(news)], news)
    of = [each**2 for each in given.taken[: len(news)]]
    share = kept.share_of(of)
    wrong: tuple[Mistake, ...] = ()
    if share is None:
        squares = [each**2 for each in given.gradients]
        others = (given.gradients, squares, given.taken, [np.abs(each) for each in given.taken])
        if all(kept.share_of(each[: len(news)]) is None for each in others):
            return
        wrong = (Mistake("steps kept", news[0]),)
    elif not any(abs(share * n**2 / (1 - kept.rate) - 1) <= NEAR for n in (1.0, *given.numbers)):
        wrong = (Mistake("share", news[0], (float(f"{share:.6g}"), 1 - kept.rate)),)
    for epsilon in given.numbers:
        rows = zip(given.gradients, olds, strict=True)
        tops = [g * np.sqrt(np.asarray(e.value) + epsilon) for g, e in rows]
        yield Reading("adadelta", tops, _values(square), None, square, 1.0, wrong, is_said=True)


def _is_by(function: np.ufunc, moment: Moment, of: Sequence[Array]) -> bool:
    """Whether what is kept is the larger, or the less, of what it was and some values."""
    for old, new, value in zip(moment.olds, moment.news, of, strict=True):
        made = np.asarray(new.value)
        found = function(moment.rate * np.asarray(old.value), value)
        near = precision(made) * np.max(np.abs(made), initial=0.0)
        if not np.all(np.abs(found - made) <= near):
            return False
    return True
