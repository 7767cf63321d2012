"""Steps that are quotients: one value over the root of another, such as of a mean of squares.

Two numbers tell each: how many times the quotient is taken off, and what is added to the root. Left
out: of which two values (`readings.py`), and what the numbers of several updates tell together
(`adaptive.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, NamedTuple

import numpy as np

from conformance.script.histories import History
from conformance.script.linear import entrywise, scalar
from conformance.script.moments import Mistake, Moment, by, precision
from conformance.script.multiples import PRODUCTS
from conformance.script.update import Update
from conformance.tracing.node import Node
from reference.step import Array

FORMS = ("root", "within", "none", "beside")
"""√v + ε, √(v + ε), v + ε, and the quotient + ε."""

Scaling = tuple[Node, float]
"""An operation that multiplies or divides by a number, and how many times its result is."""


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

    def scalings(self, *, root: bool) -> list[list[Scaling]]:
        """Where the way of a mean to each new value is multiplied by a number, at each update.

        Args:
            root: of the mean of squares, as far as the other goes its own way; else of the other.
        """
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
