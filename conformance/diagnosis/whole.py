"""Statements on all of a wrong quantity: a factor, a term, a function of z, an order, an old value.

Each is checked in every entry of every failure, within the tolerance. Left out: which entries are
wrong (`measure.py`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from conformance.diagnosis.before import Failure, earlier, momentum
from conformance.diagnosis.measured import Measure, Measured, measure
from conformance.mistakes.situation import Situation
from conformance.model.functions import Activation
from reference.equations import bias_gradient, weight_gradient
from reference.step import Array, split


def _one_sample(failures: Sequence[Failure]) -> Measure | None:
    """Whether only the first or the last sample is in it, once or as often as there are samples."""
    if not all(split(each.name)[0].startswith("nabla") for each in failures):
        return None
    for place, sample in ((-1, "last"), (0, "first")):
        for often in (False, True):
            alone = [(each, _of_one_sample(each, place)) for each in failures]
            if all(_is(each, value, often=often) for each, value in alone):
                return measure(Measured.ONE_SAMPLE, sample=sample, often=often)
    return None


def _of_one_sample(failure: Failure, place: int) -> Array:
    """The gradient of one sample, made of the subject's own δ and a."""
    quantity, at = split(failure.name)[0], failure.evidence.situation.at(failure.name)
    delta = np.asarray(at.delta(at.layer).value, np.float64)[:, [place]]
    if quantity == "nabla_b":
        return bias_gradient(delta)
    return weight_gradient(delta, np.asarray(at.a(at.layer - 1).value, np.float64)[:, [place]])


def _is(failure: Failure, alone: Array, *, often: bool) -> bool:
    m = failure.evidence.batch.m
    return failure.is_(alone if often else alone / m, 3 * m)


def _zero(failures: Sequence[Failure]) -> Measure | None:
    return None if any(each.got.any() for each in failures) else measure(Measured.ZERO)


FACTORS: dict[str, Callable[[Failure], float]] = {
    "": lambda _: 1.0,  # of which −1 is told
    "2": lambda _: 2.0,
    "½": lambda _: 0.5,
    "m": lambda f: f.evidence.batch.m,
    "1/m": lambda f: 1 / f.evidence.batch.m,
    "√m": lambda f: f.evidence.batch.m**0.5,
    "η": lambda f: f.evidence.case.eta,
    "1/η": lambda f: 1 / f.evidence.case.eta,
    "n": lambda f: f.evidence.case.n,
    "1/n": lambda f: 1 / f.evidence.case.n,
    "m/n": lambda f: f.evidence.batch.m / f.evidence.case.n,
    "n_L": lambda f: f.evidence.case.sizes[-1],
    "1/n_L": lambda f: 1 / f.evidence.case.sizes[-1],
    "2/n_L": lambda f: 2 / f.evidence.case.sizes[-1],  # a mean over all, of what is squared
    "1/n_{l−1}": lambda f: 1 / f.evidence.case.sizes[max((split(f.name)[1] or 0) - 2, 0)],
    "n_l": lambda f: f.evidence.case.sizes[(split(f.name)[1] or 0) - 1],
    "1/n_l": lambda f: 1 / f.evidence.case.sizes[(split(f.name)[1] or 0) - 1],
}
"""Factors that have a name, by it."""


def _factor(failures: Sequence[Failure]) -> Measure | None:
    """A factor that has a name, or is the same everywhere, or differs from case to case."""
    telling = [each for each in failures if each.right.any()]
    if not telling:
        return None
    named = _named([(each, partial(_times, each)) for each in telling])
    if named:
        return measure(Measured.FACTOR, factor=named)
    fitted = [_fit(each.got, each.right) for each in telling]
    if not all(_times(each, c) for each, c in zip(telling, fitted, strict=True)):
        return None
    one, other = min(fitted), max(fitted)
    if f"{one:.4g}" == f"{other:.4g}" == "1":  # which is no factor
        return None
    if all(_times(each, fitted[0]) for each in telling):
        return measure(Measured.FACTOR, factor=fitted[0])
    single = all(each.right.size == 1 for each in telling)  # any two numbers have a ratio
    return None if single else measure(Measured.PROPORTIONAL, low=one, high=other)


def _named(holding: Sequence[tuple[Failure, Callable[[float], bool]]]) -> str:
    """The name of the factor that holds for all failures; 1 says nothing, −1 does."""
    for name, factor in FACTORS.items():
        factors = [factor(each) for each, _ in holding]
        for sign in (-1,) if all(c == 1 for c in factors) else (1, -1):
            if all(holds(sign * c) for (_, holds), c in zip(holding, factors, strict=True)):
                return f"{'−' * (sign < 0)}{name or 1}"
    return ""


def _fit(got: Array, right: Array) -> float:
    """The factor at the largest entry, where it is known best."""
    largest = int(np.argmax(np.abs(right)))
    return float(got.flat[largest] / right.flat[largest])


def _times(failure: Failure, factor: float) -> bool:
    return failure.is_(factor * failure.right, 1 + 2 * abs(factor))


def _moved(failures: Sequence[Failure]) -> Measure | None:
    """By which factor a parameter moves too far, or not far enough; without decay alone."""
    starts = [dict(each.evidence.start.named()).get(each.name) for each in failures]
    known = [
        (each, np.asarray(start, np.float64))
        for each, start in zip(failures, starts, strict=True)
        if start is not None and not each.evidence.case.lmbda
    ]
    known = [(each, start) for each, start in known if np.any(each.right != start)]
    if not known or len(known) < sum(not each.evidence.case.lmbda for each in failures):
        return None
    moves = [(each, start, each.right - start) for each, start in known]
    named = _named([(move[0], partial(_is_scaled_move, *move)) for move in moves])
    if named:
        return measure(Measured.MOVES, factor=named)
    fitted = [_fit(each.got - start, move) for each, start, move in moves]
    if not all(_is_scaled_move(*move, c) for move, c in zip(moves, fitted, strict=True)):
        return None
    one, other = (f"{c:.4g}" for c in (min(fitted), max(fitted)))
    far = one if one == other else f"{one} to {other}"
    return None if far in ("0", "1") else measure(Measured.MOVES, factor=far)


def _is_scaled_move(failure: Failure, start: Array, move: Array, factor: float) -> bool:
    return failure.is_(start + factor * move, 1 + 2 * abs(factor))


WITHIN: dict[str, Callable[[Activation, Array], Array]] = {
    "σ(z)": lambda _, a: a,
    "(1 − σ(z))": lambda _, a: 1 - a,
    "σ′(z)": lambda f, a: np.ones_like(a) if f.prime_of_a is None else f.prime_of_a(a),
}
"""What an error may have been multiplied or divided by, of the activation σ and of a = σ(z)."""


def _elementwise(failures: Sequence[Failure]) -> Measure | None:
    """Whether an error is right but for a factor that is a function of its z."""
    errors = [each for each in failures if split(each.name)[0] == "delta"]
    if len(errors) < len(failures):
        return None
    activations = [_activation(each) for each in errors]
    for word, function in WITHIN.items():
        pairs = [(each, function(*fa)) for each, fa in zip(errors, activations, strict=True)]
        symbols = {f.symbol for f, _ in activations}
        name = word.replace("σ", symbols.pop() if len(symbols) == 1 else "f")
        if all(_about(each, each.right * factor, factor) for each, factor in pairs):
            return measure(Measured.MULTIPLIED, function=name)
        if all(_about(each, each.right / factor, 1 / factor) for each, factor in pairs):
            return measure(Measured.DIVIDED, function=name)
    return None


def _activation(failure: Failure) -> tuple[Activation, Array]:
    """The activation of the layer, and a of the z that the subject has."""
    at = failure.evidence.situation.at(failure.name)
    z = np.asarray(at.z(at.layer).value, np.float64)
    return at.f, np.asarray(at.f.function(z))


def _about(failure: Failure, other: Array, factor: Array) -> bool:
    """Whether it is another value, where that is known to some digits."""
    room = failure.tolerance * (1 + np.abs(factor)) + 1e-9 * np.abs(other)
    known = np.isfinite(other) & np.isfinite(room) & (np.abs(other) > 10 * room)
    return bool(known.any() and np.all((np.abs(failure.got - other) <= room) | ~known))


def _clipped(failures: Sequence[Failure]) -> Measure | None:
    """Whether what is beyond some limit is the limit: of a gradient, or of how far it moves."""
    pairs = [(each, _step_of(each)) for each in failures]
    if not all(_is_clipped(each, got, right) for each, (got, right, _) in pairs):
        return None
    means = [float(np.max(np.abs(got))) / eta for _, (got, _, eta) in pairs]
    sums = [mean * each.evidence.batch.m for mean, each in zip(means, failures, strict=True)]
    moves = _is_parameter(failures[0])
    for limits in (means, sums):
        if len({f"{limit:.6g}" for limit in limits}) == 1:
            return measure(Measured.CLIPPED, limit=limits[0], moves=moves, of_sum=limits is sums)
    return None


def _is_parameter(failure: Failure) -> bool:
    return split(failure.name)[0] in ("w", "b")


def _step_of(failure: Failure) -> tuple[Array, Array, float]:
    """What it is and has to be, of a parameter less its start; and what a gradient is times."""
    start = dict(failure.evidence.start.named()).get(failure.name)
    if start is None or not _is_parameter(failure):
        return failure.got, failure.right, 1.0
    before = np.asarray(start, np.float64)
    return failure.got - before, failure.right - before, failure.evidence.case.eta


def _is_clipped(failure: Failure, got: Array, right: Array) -> bool:
    limit = np.max(np.abs(got))
    clipped = np.clip(right, -limit, limit)
    return bool(limit and np.any(clipped != right)) and failure.is_(failure.got - got + clipped, 2)


ADDED: dict[str, dict[str, Callable[[Situation], Any]]] = {
    "z": {"b^l": lambda at: at.b(at.layer)},
    "w": {"η λ/n w^l": lambda at: at.eta * at.decay * at.w(at.layer)},
    "b": {"η λ/n b^l": lambda at: at.eta * at.decay * at.b(at.layer)},
    "nabla_w": {"λ/n w^l": lambda at: at.decay * at.w(at.layer)},
}
"""Terms that may be missing from a quantity, or too much in it."""


TIMES = {-1: Measured.WITHOUT, 1: Measured.WITH_ONE_MORE, -2: Measured.WITH_MINUS}
"""How often a term is there more than it should."""


def _added(failures: Sequence[Failure]) -> Measure | None:
    """Whether a term is missing, comes twice, or has the wrong sign."""
    for name, term in ADDED.get(split(failures[0].name)[0], {}).items():
        terms = [term(each.evidence.situation.at(each.name)) for each in failures]
        values = [np.asarray(each.value, np.float64) for each in terms]
        for count, kind in TIMES.items():
            if all(
                each.is_(each.right + count * value, 3) and np.any(value)
                for each, value in zip(failures, values, strict=True)
            ):
                return measure(kind, term=name)
    return None


def _transposed(failures: Sequence[Failure]) -> Measure | None:
    square = all(each.right.shape == each.right.T.shape for each in failures)
    if square and all(each.is_(each.right.T, 2) for each in failures):
        return measure(Measured.TRANSPOSED)
    return None


def _permuted(failures: Sequence[Failure]) -> Measure | None:
    for axis in (0, 1):
        orders = [_order(each, axis) for each in failures if each.right.ndim > axis]
        if len(orders) == len(failures) and all(orders):
            order = ", ".join(str(i) for i in orders[0] or ())
            return measure(Measured.PERMUTED, axis=failures[0].axes[axis], order=order)
    return None


def _order(failure: Failure, axis: int) -> list[int] | None:
    """Which rows or columns of the right value stand where; None if it is no such order."""
    got, right = (np.moveaxis(each, axis, 0) for each in (failure.got, failure.right))
    room = 2 * np.moveaxis(np.broadcast_to(failure.tolerance, failure.right.shape), axis, 0)
    order: list[int] = []
    for i, row in enumerate(got):
        near = (k for k, other in enumerate(right) if k not in order)
        allowed = room[i].max(initial=0.0)
        k = next((k for k in near if np.all(np.abs(row - right[k]) <= allowed)), None)
        if k is None:
            return None
        order.append(k)
    return order if order != sorted(order) else None


def _offset(failures: Sequence[Failure]) -> Measure | None:
    """Whether the same number is added everywhere."""
    first = failures[0]
    offset = float((first.got - first.right).flat[0])
    if offset and all(each.is_(each.right + offset, 2) for each in failures):
        return measure(Measured.OFFSET, offset=offset)
    return None


WHOLE = (
    *(_zero, _factor, _moved, _clipped, _elementwise, _added, _one_sample),
    *(_transposed, _permuted, earlier, momentum, _offset),
)
"""What is looked for in whole arrays; the first that is true is stated."""
